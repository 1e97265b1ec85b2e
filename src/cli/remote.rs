//! The commands that go to a server: as they were typed, then checked.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chadburn_client::{DEFAULT_URL, Failure, Settings};
use clap::{Args, Subcommand};

use super::Misuse;
use super::choice::Choice;
use super::files::accept_beside;
use crate::calendar;
use chadburn_host::token_file;

/// How long it is tried for the server, if nobody says otherwise.
const WAIT_DEFAULT: Duration = Duration::from_mins(1);

/// How long `doctor` tries for the server.
const LOOK: Duration = Duration::from_secs(2);

/// A server's language.
const WIRE: Choice<Wire> = Choice(&[("json", Wire::Json), ("text", Wire::Text)]);

const CODES: &str = "\
Exit codes: 0 done, 1 something else, 2 wrong words, 3 no server within --wait,
4 the server refuses the connection, 5 it did not do what was asked.
The options can also stand in the environment: CHADBURN_URL, CHADBURN_WAIT, …";

const WAIT: &str = "\
It says by whom and how long it took. An order that takes the place of the one that stands is waited
for instead, and that is said; with --for, until an order of that kind is answered. One that was
answered already is no reason to wait.

Exit codes as for status; 5 if nobody has answered within --timeout.";

const DOCTOR: &str = "\
It looks and asks, and changes nothing.

Exit codes as for status; 5 if something is bad.";

const DOCTOR_WAIT: &str = "How long to try for the server, as in 90s or 5m [default: 2s]";

const URL_HELP: &str = "The server [default: ws://localhost:1873/websocket]";

const WATCH: &str = "\
In a terminal it is a living view; elsewhere, and where CMD speaks to the same terminal, a line
for each event. CMD is run by sh for each order, repeat, reply, unanswered and link, and for how
things are (present) whenever the link is up, one after the other; a present may tell once more
what was told before. When watch is told to end, CMD is told too, and killed after five seconds.
CMD finds in its environment: CHADBURN_EVENT, CHADBURN_URL; of the order CHADBURN_SEQ,
CHADBURN_STATUS, CHADBURN_POSITION and CHADBURN_NAME (the position's); CHADBURN_BELL (1 or 0); of
the reply CHADBURN_REPLY, CHADBURN_BY and CHADBURN_WHO; CHADBURN_WAITED (ms); CHADBURN_LINK (up or
down) and CHADBURN_WHY; each at most 4096 bytes.

Exit codes as for status; --wait forever never gives up.";

/// A command that goes to a server.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Say what is ordered, what was answered, and whether the bell rings
    #[command(after_help = CODES)]
    Status {
        /// The state as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Answer the present order, as it stands or with a position
    #[command(after_help = CODES)]
    Answer {
        /// A number or name of the dial
        position: Option<String>,
        /// Say that you are coming
        #[arg(long, conflicts_with = "not_coming")]
        coming: bool,
        /// Say that you are not; without a position a note on the roll only
        #[arg(long)]
        not_coming: bool,
        /// What you are called
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Give an order
    #[command(after_help = CODES)]
    Order {
        /// A number or name of the dial, or any text
        status: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Follow a telegraph, and run a command when something happens
    #[command(after_help = WATCH)]
    Watch {
        /// The server's messages, one a line
        #[arg(long)]
        json: bool,
        /// Run this when something happens
        #[arg(long, value_name = "CMD")]
        exec: Option<String>,
        /// Say when nobody has answered for so long, and again after it
        #[arg(long, value_name = "TIME", value_parser = span)]
        unanswered_after: Option<Duration>,
        /// What the one who watches is called
        #[arg(long)]
        name: Option<String>,
        /// The server's language: json or text
        #[arg(long, value_name = "WIRE", value_parser = WIRE, default_value = "json")]
        #[arg(hide_possible_values = true)]
        #[arg(conflicts_with_all = ["json", "exec", "unanswered_after", "name"])]
        wire: Wire,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Wait until somebody has answered the order that stands, or one that is named
    #[command(after_help = WAIT)]
    Wait {
        /// An order of this kind: a number or name of the dial, or a text
        #[arg(long = "for", value_name = "WHAT", value_parser = kind)]
        kind: Option<String>,
        /// No longer than this, as in 90s or 5m [default: forever]
        #[arg(long, value_name = "TIME", value_parser = patience)]
        timeout: Option<Duration>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Say what happened: the bell book
    #[command(after_help = CODES)]
    Log {
        /// Only what came after this number, or within this time, as in 2h
        #[arg(long, value_name = "SINCE", value_parser = since)]
        since: Option<Since>,
        /// A table for a spreadsheet
        #[arg(long)]
        csv: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Look at files, machine and server, and say what is wrong and what to do
    #[command(after_help = DOCTOR, mut_arg("wait", |it| it.help(DOCTOR_WAIT)))]
    Doctor {
        /// The file orders come from [default: status.eot]
        #[arg(long, value_name = "FILE", alias = "status_file")]
        status_file: Option<PathBuf>,
        /// The file replies go to [default: accept.eot, or FILE.accept]
        #[arg(long, value_name = "FILE", alias = "accept_file")]
        accept_file: Option<PathBuf>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// The debug console: lines in, lines out
    #[command(after_help = CODES)]
    Console {
        /// The server's language: json or text
        #[arg(long, value_name = "WIRE", value_parser = WIRE, default_value = "json")]
        #[arg(hide_possible_values = true)]
        wire: Wire,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// The options that say where the server is and how to reach it.
#[derive(Args, Debug)]
pub(super) struct ServerArgs {
    /// The server
    #[arg(long, value_name = "URL", help = URL_HELP)]
    url: Option<String>,
    /// A file with the token that the server wants
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// For wss: trust the certificates in this PEM file, and no others
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// How long to try for the server, as in 90s or 5m [default: 60s]
    #[arg(long, value_name = "TIME", value_parser = patience)]
    wait: Option<Duration>,
}

/// A client command, and the server that it is for.
#[derive(Clone, Debug)]
pub struct Remote {
    /// How to reach the server.
    pub settings: Settings,
    /// Its address.
    pub url: String,
    /// How long it is tried for.
    pub wait: Duration,
    /// The command.
    pub command: ClientCommand,
}

/// A command that is a client of a server.
#[derive(Clone, Debug)]
pub enum ClientCommand {
    /// To hear how things are.
    Status {
        /// In JSON.
        json: bool,
    },
    /// To answer.
    Answer {
        /// A number or name of the dial; as it stands without.
        position: Option<String>,
        /// Whether one comes.
        coming: Option<bool>,
    },
    /// To give this order.
    Order(String),
    /// To watch.
    Watch(Watch),
    /// To wait for an answer.
    Wait {
        /// To which kind of order; to the one that stands without.
        kind: Option<String>,
        /// For how long; for ever without.
        limit: Option<Duration>,
    },
    /// To read the bell book.
    Log {
        /// From where on.
        since: Option<Since>,
        /// As a table.
        csv: bool,
    },
    /// To talk on the debug console.
    Console(Wire),
    /// To look what is wrong.
    Doctor {
        /// The status file, absolute.
        status: PathBuf,
        /// The accept file, absolute.
        accept: PathBuf,
        /// The token file, absolute.
        token: Option<PathBuf>,
    },
}

/// How to watch.
#[derive(Clone, Debug)]
pub struct Watch {
    /// The messages as they come.
    pub json: bool,
    /// What to run.
    pub exec: Option<String>,
    /// After how long without an answer to say so.
    pub unanswered_after: Option<Duration>,
    /// In which language.
    pub wire: Wire,
}

/// A language that a server may speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// `chadburn.v1`.
    Json,
    /// The original's.
    Text,
}

/// From where on the bell book is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// After this number.
    Seq(u64),
    /// Within this time.
    Ago(Duration),
}

impl Remote {
    pub(super) fn new(
        verb: Verb,
        variable: impl Fn(&str) -> Option<OsString>,
        base: &Path,
    ) -> Result<Self, Misuse> {
        let (command, server, name) = match verb {
            Verb::Status { json, server } => (ClientCommand::Status { json }, server, None),
            Verb::Answer { position, coming, not_coming, name, server } => {
                let coming = (coming || not_coming).then_some(coming);
                (ClientCommand::Answer { position, coming }, server, name)
            }
            Verb::Order { status, server } => (ClientCommand::Order(status), server, None),
            Verb::Watch { json, exec, unanswered_after, name, wire, server } => {
                (ClientCommand::Watch(Watch { json, exec, unanswered_after, wire }), server, name)
            }
            Verb::Wait { kind, timeout, server } => {
                let limit = timeout.filter(|it| *it != Duration::MAX);
                (ClientCommand::Wait { kind, limit }, server, None)
            }
            Verb::Log { since, csv, server } => (ClientCommand::Log { since, csv }, server, None),
            Verb::Console { wire, server } => (ClientCommand::Console(wire), server, None),
            Verb::Doctor { status_file, accept_file, mut server } => {
                // Whoever asks what is wrong does not want to wait for it to be right.
                server.wait.get_or_insert(LOOK);
                let file = |typed: Option<PathBuf>, name: &str| {
                    typed.or_else(|| variable(name).filter(|it| !it.is_empty()).map(PathBuf::from))
                };
                let status = file(status_file, "CHADBURN_STATUS_FILE");
                let status = status.unwrap_or_else(|| "status.eot".into());
                let accept = file(accept_file, "CHADBURN_ACCEPT_FILE");
                let accept = accept.unwrap_or_else(|| accept_beside(&status));
                let (status, accept) = (base.join(status), base.join(accept));
                let token = server.token_file.clone().or(file(None, "CHADBURN_TOKEN_FILE"));
                let token = token.map(|token| base.join(token));
                (ClientCommand::Doctor { status, accept, token }, server, None)
            }
        };
        let (url, wait, settings) = server.settings(variable, base)?;
        let settings = match name {
            Some(name) => settings.name(name)?,
            None => settings,
        };
        Ok(Self { settings, url, wait, command })
    }
}

impl ServerArgs {
    fn settings(
        self,
        variable: impl Fn(&str) -> Option<OsString>,
        base: &Path,
    ) -> Result<(String, Duration, Settings), Misuse> {
        let get = |name| variable(name).filter(|value| !value.is_empty());
        let text = |name| {
            let utf8 = |value: OsString| {
                value.into_string().map_err(|_| Misuse::Variable { name, why: "no text".into() })
            };
            get(name).map(utf8).transpose()
        };
        let url = match self.url {
            Some(url) => url,
            None => text("CHADBURN_URL")?.unwrap_or_else(|| DEFAULT_URL.to_owned()),
        };
        let mut settings = Settings::new(&url)?;
        let wait = match (self.wait, text("CHADBURN_WAIT")?) {
            (None, Some(wait)) => Some(
                patience(&wait).map_err(|why| Misuse::Variable { name: "CHADBURN_WAIT", why })?,
            ),
            (wait, _) => wait,
        };
        let wait = wait.unwrap_or(WAIT_DEFAULT);
        settings = settings.window(wait);
        if let Some(file) = self.ca_file.or_else(|| get("CHADBURN_CA_FILE").map(PathBuf::from)) {
            settings = settings.ca_file(base.join(file));
        }
        let token = self.token_file.or_else(|| get("CHADBURN_TOKEN_FILE").map(PathBuf::from));
        if let Some(file) = token {
            let token = super::read("token file", &base.join(file), token_file::text)?;
            settings = settings.token(&token)?;
        }
        Ok((url, wait, settings))
    }
}

impl From<Failure> for Misuse {
    fn from(failure: Failure) -> Self {
        Self::Typed(failure.to_string())
    }
}

fn span(text: &str) -> Result<Duration, String> {
    calendar::span(text)
        .filter(|span| !span.is_zero())
        .ok_or_else(|| format!("{text:?} is no time like 90s, 5m or 2h"))
}

fn patience(text: &str) -> Result<Duration, String> {
    match text {
        "forever" => Ok(Duration::MAX),
        text => calendar::span(text).ok_or_else(|| format!("{text:?} is no time like 90s or 5m")),
    }
}

fn kind(text: &str) -> Result<String, String> {
    match text.trim_end() {
        "" => Err("an order is not blank".into()),
        kind => Ok(kind.to_owned()),
    }
}

fn since(text: &str) -> Result<Since, String> {
    // A number alone is a number of the book's, and not a time.
    match text.parse() {
        Ok(seq) => Ok(Since::Seq(seq)),
        Err(_) => span(text).map(Since::Ago),
    }
}
