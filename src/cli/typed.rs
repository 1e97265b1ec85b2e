//! The command line as it was typed, and what the environment adds to it.
//!
//! Values are parsed here; whether they fit together and fit the disk is the [`Config`]'s
//! business.
//!
//! [`Config`]: super::Config

use std::ffi::{OsStr, OsString};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Arg, Args, Command, CommandFactory, FromArgMatches, Parser, Subcommand, ValueHint};

use super::Misuse;
use super::choice::Choice;
use super::remote;
use crate::policy::Reach;
use chadburn_host::log;
use chadburn_web::address::{Name, Origin};
use live_file::source::WatchMode;

const ABOUT: &str = "Makes a file a live wire: a change reaches every open panel at once, and \
                     somebody answers.";

const FIRST_EXAMPLES: &str = "\
Example: chadburn serve deploy.status   echo broken > deploy.status rings until somebody answers
Further options: chadburn serve --help; all stand in the environment, too: CHADBURN_PORT, …";

const EXAMPLES: &str = "\
Example: chadburn serve deploy.status   echo broken > deploy.status rings until somebody answers
Options also stand in the environment, lists with commas: CHADBURN_PORT, … CHADBURN_LOG=debug";

/// From where something may be asked for.
const REACH: Choice<Reach> =
    Choice(&[("never", Reach::Never), ("local", Reach::Local), ("any", Reach::Any)]);

/// How changes are noticed.
const WATCHING: Choice<WatchMode> =
    Choice(&[("auto", WatchMode::Auto), ("inotify", WatchMode::Kernel), ("poll", WatchMode::Poll)]);

/// How the log is written.
const LOG_FORMAT: Choice<log::Format> =
    Choice(&[("human", log::Format::Human), ("json", log::Format::Json)]);

/// What a variable says that is a switch on the command line.
const YES_OR_NO: Choice<bool> = Choice(&[
    ("1", true),
    ("true", true),
    ("yes", true),
    ("0", false),
    ("false", false),
    ("no", false),
]);

#[derive(Parser)]
#[command(name = "chadburn", bin_name = "chadburn", version, about = ABOUT, after_help = FIRST_EXAMPLES)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
#[command(override_usage = "chadburn [OPTIONS] | chadburn <COMMAND>")]
struct CommandLine {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    options: Options,
}

#[derive(Subcommand)]
enum Verb {
    /// Watch a file and serve its panel; the same without the word
    #[command(after_help = EXAMPLES)]
    Serve(Serve),
    /// Join a telegraph on a serial line to the files
    Bridge(Bridge),
    #[command(flatten)]
    Remote(remote::Verb),
    /// Print completions for a shell: bash, elvish, fish, powershell or zsh
    Completions {
        /// The shell
        #[arg(value_name = "SHELL")]
        shell: clap_complete::Shell,
    },
}

#[derive(Args)]
struct Bridge {
    /// The serial device, as in /dev/serial/by-id/…
    #[arg(value_name = "DEVICE", required_unless_present = "list")]
    device: Option<PathBuf>,
    /// Name the serial devices of this machine
    #[arg(long, conflicts_with = "device")]
    list: bool,
    /// The file orders go to [default: status.eot]
    #[arg(long, value_name = "FILE", alias = "status_file")]
    status_file: Option<PathBuf>,
    /// The file replies come from [default: accept.eot, or FILE.accept]
    #[arg(long, value_name = "FILE", alias = "accept_file")]
    accept_file: Option<PathBuf>,
    /// The instrument's dial: a file in TOML, or office [default: office]
    #[arg(long, value_name = "FILE")]
    dial: Option<PathBuf>,
    /// How to log: human or json [default: human]
    #[arg(long, value_name = "FORMAT", value_parser = LOG_FORMAT, hide_possible_values = true)]
    log_format: Option<log::Format>,
}

#[derive(Args)]
struct Serve {
    /// The file to watch [default: status.eot]
    #[arg(value_name = "STATUS_FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
}

/// Serve's options. What was not given is `None` or empty; defaults are the `Config`'s.
#[derive(Args, Debug, Default)]
pub(super) struct Options {
    /// Port to listen on; 0 takes any free one [default: 1873]
    #[arg(long, value_name = "PORT", value_parser = port)]
    pub(super) port: Option<u16>,
    /// Address to listen on [default: 0.0.0.0]
    #[arg(long, value_name = "ADDRESS", value_parser = ip)]
    pub(super) bind: Option<IpAddr>,
    /// The file orders come from [default: status.eot]
    #[arg(long, value_name = "FILE", alias = "status_file")]
    pub(super) status_file: Option<PathBuf>,
    /// The file replies go to [default: accept.eot, or FILE.accept]
    #[arg(long, value_name = "FILE", alias = "accept_file")]
    pub(super) accept_file: Option<PathBuf>,
    /// What happened, beside the accept file [default: bell-book.jsonl]
    #[arg(long, value_name = "FILE", conflicts_with = "no_bell_book")]
    pub(super) bell_book: Option<PathBuf>,
    /// Keep no such record
    #[arg(long)]
    pub(super) no_bell_book: bool,
    /// A dial in TOML, or office [default: office for *.eot, else none]
    #[arg(long, value_name = "FILE")]
    pub(super) dial: Option<PathBuf>,
    /// A further name this server answers to (repeatable)
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub(super) host: Vec<Name>,
    /// A foreign origin whose pages may talk to it (repeatable)
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    pub(super) allow_origin: Vec<Origin>,
    /// Who may give orders by network: never, local or any [default: never]
    #[arg(long, value_name = "WHO", value_parser = REACH, hide_possible_values = true)]
    pub(super) allow_orders: Option<Reach>,
    /// Who may say shutdown: never, local or any [default: local]
    #[arg(long, value_name = "WHO", value_parser = REACH, hide_possible_values = true)]
    pub(super) allow_shutdown: Option<Reach>,
    /// A file with the token that orders, answers and shutdown shall need
    #[arg(long, value_name = "FILE")]
    pub(super) token_file: Option<PathBuf>,
    /// Let reading need the token too
    #[arg(long)]
    pub(super) private: bool,
    /// Connections one address may hold at once [default: no limit]
    #[arg(long, value_name = "N", value_parser = count)]
    pub(super) max_per_address: Option<NonZeroU32>,
    /// Requests one address may make a second [default: no limit]
    #[arg(long, value_name = "N", value_parser = count)]
    pub(super) max_per_second: Option<NonZeroU32>,
    /// How to notice changes: auto, inotify or poll [default: auto]
    #[arg(long, value_name = "HOW", value_parser = WATCHING, hide_possible_values = true)]
    pub(super) watch: Option<WatchMode>,
    /// How to log: human or json [default: human]
    #[arg(long, value_name = "FORMAT", value_parser = LOG_FORMAT, hide_possible_values = true)]
    pub(super) log_format: Option<log::Format>,
    /// Serve your own panel.html and static/ from here
    #[arg(long, value_name = "DIR")]
    pub(super) assets: Option<PathBuf>,
}

/// What was typed, by what it is for.
#[derive(Debug)]
pub(super) enum Typed {
    /// To serve.
    Serve(Options),
    /// To bridge this device; of the options those that both have.
    Bridge(PathBuf, Options),
    /// To name the devices.
    Candidates,
    /// To go to a server.
    Remote(remote::Verb),
    /// To print this.
    Print(String),
}

/// What was typed, or clap's word on why it cannot be, help and version included.
pub(super) fn parse(typed: impl IntoIterator<Item = OsString>) -> Result<Typed, clap::Error> {
    let matches = CommandLine::command().mut_args(first_seen).try_get_matches_from(typed)?;
    let CommandLine { verb, options } = CommandLine::from_arg_matches(&matches)?;
    match verb {
        None => Ok(Typed::Serve(options)),
        Some(Verb::Serve(serve)) => serve.options().map(Typed::Serve),
        Some(Verb::Remote(verb)) => Ok(Typed::Remote(verb)),
        Some(Verb::Completions { shell }) => {
            let mut script = Vec::new();
            let mut command = hinted(CommandLine::command());
            clap_complete::generate(shell, &mut command, "chadburn", &mut script);
            Ok(Typed::Print(String::from_utf8_lossy(&script).into_owned()))
        }
        Some(Verb::Bridge(bridge)) => Ok(match bridge.device {
            None => Typed::Candidates,
            Some(device) => {
                let options = Options {
                    status_file: bridge.status_file,
                    accept_file: bridge.accept_file,
                    dial: bridge.dial,
                    log_format: bridge.log_format,
                    ..Options::default()
                };
                Typed::Bridge(device, options)
            }
        }),
    }
}

/// Hides from the first help what few need, so that it fits one screen; the help of serve shows all.
fn first_seen(arg: Arg) -> Arg {
    let seen = [
        "port",
        "bind",
        "status_file",
        "accept_file",
        "dial",
        "allow_orders",
        "allow_shutdown",
        "token_file",
        "private",
        "help",
        "version",
    ];
    let hidden = !seen.contains(&arg.get_id().as_str());
    arg.hide(hidden)
}

/// The command, of which shells are told what is a file and what a directory: names with spaces and
/// quotes are then completed as what they are.
fn hinted(command: Command) -> Command {
    let command = command.mut_args(|arg| match (arg.get_value_hint(), arg.get_id().as_str()) {
        (ValueHint::AnyPath, "assets") => arg.value_hint(ValueHint::DirPath),
        (ValueHint::AnyPath, _) => arg.value_hint(ValueHint::FilePath),
        _ => arg,
    });
    command.mut_subcommands(hinted)
}

impl Serve {
    fn options(self) -> Result<Options, clap::Error> {
        let Self { file, mut options } = self;
        match (file, &options.status_file) {
            (Some(one), Some(other)) if one != *other => {
                let both = Misuse::TwoStatusFiles(one, other.clone());
                return Err(clap::Error::raw(clap::error::ErrorKind::ArgumentConflict, both));
            }
            (Some(file), _) => options.status_file = Some(file),
            (None, _) => {}
        }
        Ok(options)
    }
}

impl Options {
    /// Fills what was not typed from the environment. An empty variable counts as none.
    pub(super) fn or_from(
        mut self,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, Misuse> {
        let get = |name: &str| variable(name).filter(|value| !value.is_empty());
        let path = |typed: &mut Option<PathBuf>, name| {
            if typed.is_none() {
                *typed = get(name).map(PathBuf::from);
            }
        };
        path(&mut self.status_file, "CHADBURN_STATUS_FILE");
        path(&mut self.accept_file, "CHADBURN_ACCEPT_FILE");
        path(&mut self.dial, "CHADBURN_DIAL");
        path(&mut self.token_file, "CHADBURN_TOKEN_FILE");
        // Of the two that exclude each other, what was typed outdoes both variables.
        if self.bell_book.is_none() && !self.no_bell_book {
            let mut none = None;
            one(&mut none, "CHADBURN_NO_BELL_BOOK", get, |it| YES_OR_NO.find(it))?;
            self.no_bell_book = none == Some(true);
            if !self.no_bell_book {
                path(&mut self.bell_book, "CHADBURN_BELL_BOOK");
            }
        }
        if !self.private {
            let mut private = None;
            one(&mut private, "CHADBURN_PRIVATE", get, |it| YES_OR_NO.find(it))?;
            self.private = private == Some(true);
        }
        path(&mut self.assets, "CHADBURN_ASSETS");
        one(&mut self.port, "CHADBURN_PORT", get, port)?;
        one(&mut self.bind, "CHADBURN_BIND", get, ip)?;
        one(&mut self.allow_orders, "CHADBURN_ALLOW_ORDERS", get, |it| REACH.find(it))?;
        one(&mut self.allow_shutdown, "CHADBURN_ALLOW_SHUTDOWN", get, |it| REACH.find(it))?;
        one(&mut self.max_per_address, "CHADBURN_MAX_PER_ADDRESS", get, count)?;
        one(&mut self.max_per_second, "CHADBURN_MAX_PER_SECOND", get, count)?;
        one(&mut self.watch, "CHADBURN_WATCH", get, |it| WATCHING.find(it))?;
        one(&mut self.log_format, "CHADBURN_LOG_FORMAT", get, |it| LOG_FORMAT.find(it))?;
        list(&mut self.host, "CHADBURN_HOST", get, name)?;
        list(&mut self.allow_origin, "CHADBURN_ALLOW_ORIGIN", get, origin)?;
        Ok(self)
    }
}

fn one<T>(
    typed: &mut Option<T>,
    name: &'static str,
    get: impl Fn(&str) -> Option<OsString>,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<(), Misuse> {
    if typed.is_none()
        && let Some(value) = get(name)
    {
        let value = text(&value).and_then(parse);
        *typed = Some(value.map_err(|why| Misuse::Variable { name, why })?);
    }
    Ok(())
}

fn list<T>(
    typed: &mut Vec<T>,
    name: &'static str,
    get: impl Fn(&str) -> Option<OsString>,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<(), Misuse> {
    if typed.is_empty()
        && let Some(value) = get(name)
    {
        let all =
            text(&value).and_then(|all| all.split(',').map(|one| parse(one.trim())).collect());
        *typed = all.map_err(|why| Misuse::Variable { name, why })?;
    }
    Ok(())
}

fn text(value: &OsStr) -> Result<&str, String> {
    value.to_str().ok_or_else(|| format!("{} is not text", value.display()))
}

fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| format!("{text:?} is not a port, 0 to 65535"))
}

fn count(text: &str) -> Result<NonZeroU32, String> {
    text.parse().map_err(|_| format!("{text:?} is not a number, 1 or more"))
}

fn ip(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| format!("{text:?} is not an address like 0.0.0.0 or ::"))
}

fn name(text: &str) -> Result<Name, String> {
    parsed(text)
}

fn origin(text: &str) -> Result<Origin, String> {
    parsed(text)
}

fn parsed<T: FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error| format!("{text:?} is {error}"))
}
