//! What is wrong here, and what to do about it: the files of this directory, this machine, and the
//! way to the server.
//!
//! Each finding is a line. It looks and asks, and leaves everything as it was.

mod ground;
mod way;

use std::path::PathBuf;

use chadburn_client::Settings;

use super::{CommandError, print_line};

/// What was found, and how bad it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// All is well.
    Well(String),
    /// It works, and one may want to know.
    Note(String, &'static str),
    /// It does not work, and this is what to do.
    Bad(String, String),
}

/// Looks at everything; in vain if anything is bad.
pub(super) async fn run(
    settings: Settings,
    url: &str,
    status: PathBuf,
    accept: PathBuf,
    token: Option<PathBuf>,
) -> Result<(), CommandError> {
    let mut findings = ground::disks(&status, &accept, token.as_deref()).await;
    findings.push(ground::descriptors());
    let way = way::look(settings, url).await;
    // What the server says of its status file counts, and not what holds for this program.
    if way.polls {
        findings.retain(|it| *it != Finding::Well(ground::TOLD.into()));
    }
    findings.extend(way.findings);
    let mut bad = 0;
    for finding in &findings {
        match finding {
            Finding::Well(what) => print_line(&format!("well  {what}"))?,
            Finding::Note(what, then) => print_line(&format!("note  {what}; {then}"))?,
            Finding::Bad(what, then) => {
                bad += 1;
                print_line(&format!("bad   {what}; {then}"))?;
            }
        }
    }
    match bad {
        0 => Ok(()),
        1 => Err(CommandError::NoResult("one thing is bad".into())),
        bad => Err(CommandError::NoResult(format!("{bad} things are bad"))),
    }
}
