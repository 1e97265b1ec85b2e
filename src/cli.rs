//! The command line: as it was typed, then as a [`Config`] that has been checked.
//!
//! Nothing here prints or ends the process, and nobody below reads an argument or a variable.

mod choice;
mod files;
mod remote;
mod typed;

pub use self::remote::{ClientCommand, Remote, Since, Watch, Wire};

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use chadburn_core::{DEFAULT, Dial, NO_DIAL};
use thiserror::Error;

use crate::dial_file::{self, BadDial};
use crate::policy::{Policy, Reach, Reaches};
use chadburn_host::log;
use chadburn_host::secret::Secret;
use chadburn_host::terminal::Terminal;
use chadburn_host::token_file::{self, BadToken};
use chadburn_web::address::{Name, Origin};
use chadburn_web::limits::Limits;
use chadburn_web::visitors::Visitors;
use live_file::disk::{self, DEADLINE, no_answer};
use live_file::source::WatchMode;
use typed::{Options, Typed};

/// The year the first telegraph was installed, on the P/S Iona.
const PORT: u16 = 1873;

/// What one may be told to do.
#[derive(Debug)]
pub enum Command {
    /// To serve, with this set-up.
    Serve(Box<Config>),
    /// To bridge a serial line and the two files.
    Bridge(Box<BridgeConfig>),
    /// To name the serial devices of this machine.
    Candidates,
    /// To go to a server.
    Client(Box<Remote>),
    /// To print this (help, version) and end well.
    Print(String),
}

/// A checked set-up.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Where to listen; port 0 takes any.
    pub listen: SocketAddr,
    /// The directory the server was started in: what the console's `base` says.
    pub base: PathBuf,
    /// The status file's name as it was given: what the console's `file` says.
    pub status_name: String,
    /// The status file, absolute.
    pub status_file: PathBuf,
    /// The accept file, absolute.
    pub accept_file: PathBuf,
    /// The bell book, absolute; `None` if none is to be kept.
    pub book: Option<PathBuf>,
    /// The dial; [`NO_DIAL`] where every order is a text.
    pub dial: Dial<'static>,
    /// The names beyond the usual ones that the server answers to.
    pub hosts: Vec<Name>,
    /// The foreign origins whose pages may talk to it.
    pub origins: Vec<Origin>,
    /// From where orders are taken over the network.
    pub orders: Reach,
    /// From where it may be shut down over the network.
    pub shutdown: Reach,
    /// The file the token is in, absolute.
    pub token_file: Option<PathBuf>,
    /// The token that was in it.
    pub token: Option<Secret>,
    /// Whether reading needs it too.
    pub private: bool,
    /// How changes are noticed.
    pub watching: WatchMode,
    /// How the log is written.
    pub log_format: log::Format,
    /// How much one address may take.
    pub limits: Limits,
    /// The directory with a panel of one's own, absolute.
    pub assets: Option<PathBuf>,
}

/// A checked set-up of a bridge.
#[derive(Clone, Debug, PartialEq)]
pub struct BridgeConfig {
    /// The serial device; it may not be there yet.
    pub device: PathBuf,
    /// The status file, absolute.
    pub status_file: PathBuf,
    /// The accept file, absolute.
    pub accept_file: PathBuf,
    /// The dial.
    pub dial: Dial<'static>,
    /// How the log is written.
    pub log_format: log::Format,
}

/// What is wrong with what was typed, in one line; whoever typed it must act.
#[derive(Debug, Error)]
pub enum Misuse {
    /// An option or value that is none.
    #[error("{0}")]
    Typed(String),
    /// A variable with a wrong value.
    #[error("{name}: {why}")]
    Variable {
        /// The variable.
        name: &'static str,
        /// What is wrong with its value.
        why: String,
    },
    /// The status file stands in the command line twice, and differently.
    #[error("two status files: {} and {}", .0.display(), .1.display())]
    TwoStatusFiles(PathBuf, PathBuf),
    /// A path without a file name at its end.
    #[error("{} does not name a file", .0.display())]
    NoFile(PathBuf),
    /// The directory a file shall stand in does not.
    #[error("{}: there is no directory {}", file.display(), parent.display())]
    NoParent {
        /// The file as it was given.
        file: PathBuf,
        /// The missing directory.
        parent: PathBuf,
    },
    /// The status file is also the accept file, or one is the lock of the other.
    #[error("{} and {} cannot be the status file and the accept file: {why}", status.display(), accept.display())]
    Clash {
        /// The status file as it was given.
        status: PathBuf,
        /// The accept file as it was given.
        accept: PathBuf,
        /// In which way they meet.
        why: &'static str,
    },
    /// The bell book, or the file it is turned over to, is one of the others or a lock.
    #[error("{} cannot be the bell book: {why}", book.display())]
    BookClash {
        /// The bell book as it was given.
        book: PathBuf,
        /// In which way it meets another file.
        why: &'static str,
    },
    /// The accept file's name is too long for the names that are used beside it.
    #[error(
        "{}.lock is longer than the {most} bytes that a name may have there: give the accept file a \
         shorter one with --accept-file",
        accept.display()
    )]
    LongName {
        /// The accept file as it was given, or made of the status file's name.
        accept: PathBuf,
        /// The most bytes.
        most: u64,
    },
    /// No panel can be there.
    #[error("assets: {} is not a directory", .0.display())]
    NoAssets(PathBuf),
    /// What has to be read at the start is on a disk that does not answer.
    #[error("{0}")]
    NoAnswer(String),
    /// The dial file is at fault.
    #[error(transparent)]
    Dial(#[from] BadDial),
    /// The token file is at fault.
    #[error(transparent)]
    Token(#[from] BadToken),
    /// Nobody could read anything.
    #[error("--private needs a token: name its file with --token-file")]
    PrivateWithoutToken,
}

/// Reads this process's command line and environment. How output is shaped is settled first, since
/// what is wrong with the rest is printed, too.
pub fn from_process() -> Result<Command, Misuse> {
    Terminal::new(|name| std::env::var_os(name)).settle();
    let base = std::env::current_dir()
        .map_err(|error| Misuse::Typed(format!("the current directory is gone: {error}")))?;
    parse(std::env::args_os(), |name| std::env::var_os(name), &base)
}

/// Reads a command line, the program's name first, with this environment, in this directory.
pub fn parse(
    typed: impl IntoIterator<Item = OsString>,
    variable: impl Fn(&str) -> Option<OsString>,
    base: &Path,
) -> Result<Command, Misuse> {
    let options = match typed::parse(typed) {
        Ok(Typed::Serve(options)) => options.or_from(variable)?,
        Ok(Typed::Bridge(device, options)) => {
            let options = options.or_from(variable)?;
            let config = BridgeConfig::new(device, options, base)?;
            return Ok(Command::Bridge(Box::new(config)));
        }
        Ok(Typed::Candidates) => return Ok(Command::Candidates),
        Ok(Typed::Print(text)) => return Ok(Command::Print(text)),
        Ok(Typed::Remote(verb)) => {
            return Remote::new(verb, variable, base).map(|it| Command::Client(Box::new(it)));
        }
        Err(error) if error.use_stderr() => return Err(Misuse::Typed(first_line(&error))),
        Err(help) => return Ok(Command::Print(help.to_string())),
    };
    Config::new(options, base).map(|config| Command::Serve(Box::new(config)))
}

/// What clap has to say, without its advice and the usage below it.
fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let paragraph = text.split("\n\n").next().unwrap_or(&text);
    let line = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    line.strip_prefix("error: ").unwrap_or(&line).to_owned()
}

/// Reads this file, unless its disk hangs: nothing starts without what it was told to use.
fn read<T: Send + 'static, E: Into<Misuse> + Send + 'static>(
    what: &str,
    path: &Path,
    load: impl FnOnce(&Path) -> Result<T, E> + Send + 'static,
) -> Result<T, Misuse> {
    let file = path.to_owned();
    let read = disk::within(DEADLINE, move || load(&file));
    let hangs = || Misuse::NoAnswer(no_answer(&format!("{what} {}", path.display()), DEADLINE));
    read.ok_or_else(hangs)?.map_err(Into::into)
}

/// The dial that was asked for: one in a file, or by the word `office` the built-in one.
fn dial(typed: Option<&Path>) -> Result<Option<Dial<'static>>, Misuse> {
    match typed {
        Some(word) if word.as_os_str() == "office" => Ok(Some(DEFAULT)),
        Some(file) => read("dial", file, dial_file::load).map(Some),
        None => Ok(None),
    }
}

impl BridgeConfig {
    fn new(device: PathBuf, options: Options, base: &Path) -> Result<Self, Misuse> {
        let status = options.status_file.unwrap_or_else(|| "status.eot".into());
        let accept = options.accept_file.unwrap_or_else(|| files::accept_beside(&status));
        let files = files::checked(&status, &accept, None, base)?;
        Ok(Self {
            device: base.join(device),
            status_file: files.status,
            accept_file: files.accept,
            // The instrument has one, whatever its files are called.
            dial: dial(options.dial.as_deref())?.unwrap_or(DEFAULT),
            log_format: options.log_format.unwrap_or_default(),
        })
    }
}

impl Config {
    fn new(options: Options, base: &Path) -> Result<Self, Misuse> {
        let status = options.status_file.unwrap_or_else(|| "status.eot".into());
        let accept = options.accept_file.unwrap_or_else(|| files::accept_beside(&status));
        let book = match options.bell_book {
            _ if options.no_bell_book => None,
            Some(book) => Some(book),
            None => Some(accept.with_file_name("bell-book.jsonl")),
        };
        let files = files::checked(&status, &accept, book.as_deref(), base)?;
        let assets = options.assets.map(|directory| {
            let absolute = base.join(&directory);
            let is_there = read("assets:", &absolute, |it| Ok::<_, Misuse>(it.is_dir()))?;
            if is_there { Ok(absolute) } else { Err(Misuse::NoAssets(directory)) }
        });
        let default_dial = if files::is_eot(&status) { DEFAULT } else { NO_DIAL };
        let token_file = options.token_file.map(|file| base.join(file));
        let token = token_file.as_deref().map(|it| read("token file", it, token_file::load));
        let token = token.transpose()?;
        if options.private && token.is_none() {
            return Err(Misuse::PrivateWithoutToken);
        }
        Ok(Self {
            listen: SocketAddr::new(
                options.bind.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
                options.port.unwrap_or(PORT),
            ),
            base: base.into(),
            status_name: status.to_string_lossy().into_owned(),
            status_file: files.status,
            accept_file: files.accept,
            book: files.book,
            dial: dial(options.dial.as_deref())?.unwrap_or(default_dial),
            hosts: options.host,
            origins: options.allow_origin,
            orders: options.allow_orders.unwrap_or(Reach::Never),
            shutdown: options.allow_shutdown.unwrap_or(Reach::Local),
            token_file,
            token: token.clone(),
            private: options.private,
            watching: options.watch.unwrap_or_default(),
            log_format: options.log_format.unwrap_or_default(),
            limits: Limits {
                connections: options.max_per_address,
                requests: options.max_per_second,
                token_configured: token.is_some(),
            },
            assets: assets.transpose()?,
        })
    }

    /// The policy this set-up asks for, on this machine and for this process's user.
    #[must_use]
    pub fn policy(&self) -> Policy {
        let machine = rustix::system::uname();
        Policy {
            visitors: Visitors {
                hosts: self.hosts.clone(),
                origins: self.origins.clone(),
                machine: machine.nodename().to_str().ok().and_then(|name| name.parse().ok()),
                token: self.token.clone(),
                private: self.private,
            },
            reaches: Reaches { orders: self.orders, shutdown: self.shutdown },
        }
    }
}

#[cfg(test)]
mod tests;
