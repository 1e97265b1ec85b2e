//! Who may come to a page of ours, as it is said on the command line: pictures and what is seen are private.

use std::net::IpAddr;
use std::path::PathBuf;

use chadburn_host::log::{self, escaped};
use chadburn_host::token_file::{self, BadToken};
use chadburn_web::address::{Name, Origin};
use chadburn_web::visitors::Visitors;
use clap::Args;
use thiserror::Error;
use tokio::sync::watch;
use tokio::task::spawn_blocking;

/// What was typed.
#[derive(Args, Clone, Debug)]
pub struct Access {
    /// The address to listen at; beyond this machine it needs --token-file or --open
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1", env = "CHADBURN_EYE_BIND")]
    pub bind: IpAddr,
    /// Everybody needs the token in this file
    #[arg(long, value_name = "FILE", env = "CHADBURN_EYE_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
    /// Let everybody in without a token
    #[arg(long, conflicts_with = "token_file")]
    pub open: bool,
    /// A name beyond the usual ones that is answered to; may stand more than once
    #[arg(long, value_name = "NAME")]
    pub host: Vec<Name>,
    /// Let pages of this origin in; may stand more than once
    #[arg(long, value_name = "ORIGIN")]
    pub allow_origin: Vec<Origin>,
    /// How to log: human or json
    #[arg(long, value_name = "FORMAT", default_value = "human", value_parser = log_format, env = "CHADBURN_EYE_LOG_FORMAT")]
    pub log_format: log::Format,
}

/// Why nobody can be let in. Whoever typed it must act.
#[derive(Debug, Error)]
pub enum BadAccess {
    /// Everybody could come.
    #[error(
        "--bind {0} lets others in: give --token-file FILE, or --open if they may come without a token"
    )]
    Exposed(IpAddr),
    /// The token file is at fault.
    #[error(transparent)]
    Token(#[from] BadToken),
}

fn log_format(text: &str) -> Result<log::Format, String> {
    match text {
        "human" => Ok(log::Format::Human),
        "json" => Ok(log::Format::Json),
        _ => Err("it is human or json".into()),
    }
}

impl Access {
    /// Who may come.
    ///
    /// # Errors
    /// Nobody said so, or the token cannot be read.
    pub fn visitors(&self) -> Result<Visitors, BadAccess> {
        let token = self.token_file.as_deref().map(token_file::load).transpose()?;
        if token.is_none() && !self.open && !self.bind.to_canonical().is_loopback() {
            return Err(BadAccess::Exposed(self.bind));
        }
        let machine = rustix::system::uname();
        Ok(Visitors {
            hosts: self.host.clone(),
            origins: self.allow_origin.clone(),
            machine: machine.nodename().to_str().ok().and_then(|name| name.parse().ok()),
            private: token.is_some(),
            token,
        })
    }

    /// Reads the token again. If the file is at fault the old token stays.
    pub async fn reload(&self, replace: &watch::Sender<Visitors>) {
        let access = self.clone();
        match spawn_blocking(move || access.visitors()).await {
            Ok(Ok(visitors)) => {
                replace.send_replace(visitors);
                tracing::info!("the token was read again");
            }
            Ok(Err(why)) => tracing::warn!("the old token stays: {}", escaped(&why.to_string())),
            Err(why) => tracing::warn!("the old token stays: {why}"),
        }
    }
}
