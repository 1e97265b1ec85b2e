//! `chadburn-eye read`: looks at what a camera sends, shows it, and tells an orchestrator of it.
//!
//! This file knows the command line, the signals, and what belongs together. Everything runs on one thread, but for
//! decoding, looking and encoding.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use chadburn_client::Failure;
use chadburn_host::log;
use chadburn_host::signals::{ServerSignal, Signals};
use chadburn_host::systemd::{self, Manager};
use chadburn_web::listen;
use chadburn_web::visitors::Visitors;
use clap::Args;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access::{Access, BadAccess};
use crate::frames::{self, Frames};
use crate::health;
use crate::link;
use crate::page::{self, View};
use crate::scene::Hand;
use crate::source::address::{Address, BadAddress};
use crate::source::{self, Sink};
use crate::wire::{BadValue, CameraId};

/// What the variable is called that says the source, where no password in it can be seen by others.
pub const SOURCE_VARIABLE: &str = "CHADBURN_EYE_SOURCE";

/// The orchestrator refuses; the same as a refusal in the other programs.
const REFUSED: u8 = 4;

/// How long viewers have to leave; the program ends within a second.
const FAREWELL: Duration = Duration::from_millis(700);

/// How often a service manager is told that we live, if it does not say.
const BEAT: Duration = Duration::from_secs(10);

/// What stands below its help.
pub const EXAMPLES: &str = "\
Examples:
  chadburn-eye                                      a scene of our own, at http://127.0.0.1:1875
  chadburn-eye --source /dev/video0                 a USB camera, by ffmpeg
  chadburn-eye --source http://camera/stream        an ESP32-CAM, or any other that sends JPEGs
  chadburn-eye --orchestrator ws://localhost:8888/processor --id gate
Options also stand in the environment: CHADBURN_EYE_SOURCE, … CHADBURN_LOG=debug";

/// Its options.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Where pictures come from: scene:, -, a directory, http://…, exec:COMMAND, and by ffmpeg /dev/videoN, rtsp://…,
    /// https://…
    #[arg(long, value_name = "SOURCE", default_value = "scene:", env = SOURCE_VARIABLE, hide_env_values = true)]
    pub source: String,
    /// The time between two snapshots, in seconds [default: 1]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, env = "CHADBURN_EYE_EVERY")]
    pub every: Option<Duration>,
    /// Port to listen on; 0 takes any free one
    #[arg(long, default_value_t = 1875, env = "CHADBURN_EYE_PORT")]
    pub port: u16,
    /// Who may come
    #[command(flatten)]
    pub access: Access,
    /// Tell an orchestrator at this address of ws or wss what is seen
    #[arg(long, value_name = "URL", requires = "id", env = "CHADBURN_EYE_ORCHESTRATOR")]
    pub orchestrator: Option<String>,
    /// What this camera is called there
    #[arg(long, value_name = "NAME", env = "CHADBURN_EYE_ID")]
    pub id: Option<String>,
    /// For how long the orchestrator is looked for, in seconds; then again after a minute
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "60", env = "CHADBURN_EYE_WAIT")]
    pub wait: Duration,
}

/// Why it cannot start, or has ended.
#[derive(Debug, Error)]
pub enum ReadError {
    /// No such source.
    #[error(transparent)]
    Source(#[from] BadAddress),
    /// Nobody can be let in.
    #[error(transparent)]
    Access(#[from] BadAccess),
    /// The camera cannot be called so.
    #[error("--id: {0}")]
    Id(#[from] BadValue),
    /// The orchestrator's address is none, or it refuses.
    #[error("--orchestrator: {0}")]
    Orchestrator(#[from] Failure),
    /// The log cannot be started.
    #[error(transparent)]
    Log(#[from] log::NoLog),
    /// The port is taken, or the like.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
    /// The system refused something else.
    #[error("it cannot start: {0}")]
    Io(#[from] std::io::Error),
}

impl ReadError {
    /// The exit code that says it: 2 for a wrong command line, 4 where the orchestrator refuses, else 1.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::Orchestrator(Failure::Refused { .. }) => REFUSED,
            Self::Log(_) | Self::Listen(..) | Self::Io(_) => 1,
            _ => 2,
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number = text.strip_suffix('s').unwrap_or(text).parse::<f64>().ok();
    let fits = number.filter(|seconds| (0.1..=86_400.0).contains(seconds));
    fits.map(Duration::from_secs_f64).ok_or_else(|| "it is 0.1 to 86400 seconds".into())
}

impl Options {
    fn link(&self) -> Result<Option<chadburn_client::Settings>, ReadError> {
        let (Some(url), Some(id)) = (&self.orchestrator, &self.id) else { return Ok(None) };
        let id = CameraId::try_from(id.clone())?;
        Ok(Some(link::settings(url, &id, self.wait)?))
    }
}

/// Reads until it is told to end, or until standard input ends if that is the source.
pub async fn run(options: Options) -> Result<ExitCode, ReadError> {
    // First of all, so that a signal during the start is a stop like any other.
    let mut signals = Signals::catch()?;
    let address = Address::parse(&options.source)?;
    let (link, visitors) = (options.link()?, options.access.visitors()?);
    let wanted = SocketAddr::new(options.access.bind, options.port);
    let listener = match systemd::listener()? {
        Some(listener) => listener,
        None => listen(wanted).map_err(|error| ReadError::Listen(wanted, error))?,
    };
    let listener = TcpListener::from_std(listener)?;
    let filter = std::env::var("CHADBURN_LOG").ok();
    let _log = log::start(options.access.log_format, filter.as_deref(), "")?;
    let (sink, frames, hand) = (Sink::default(), Arc::<Frames>::default(), Hand::default());
    let status = Arc::<link::Status>::default();
    let view = View {
        frames: Arc::clone(&frames),
        sink: sink.clone(),
        source: address.to_string().into(),
        scene: matches!(address, Address::Scene(_)).then(|| hand.clone()),
        link: link.is_some().then(|| Arc::clone(&status)),
    };
    let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
    let (replace, visitors) = watch::channel(visitors);
    let local = listener.local_addr()?;
    let (name, version) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    tracing::info!(
        "{name} {version} listening on http://{local} (source {})",
        log::escaped(&view.source)
    );
    let pages = page::listen(listener, view, visitors, stop.clone(), &tracker);
    let manager = Manager::of_this_process();
    manager.ready();
    let every = address.every(options.every);
    let watch = health::Watch::new(address.is_live(), every.unwrap_or_default());
    let linked = async {
        match link {
            Some(settings) => link::run(settings, &frames, &status).await,
            None => std::future::pending().await,
        }
    };
    let ended = tokio::select! {
        () = until_told(&mut signals, &options.access, &replace) => Ok(ExitCode::SUCCESS),
        () = source::read(&address, every, &hand, &sink) => {
            tracing::info!("the source has ended");
            Ok(ExitCode::SUCCESS)
        }
        failure = linked => Err(failure.into()),
        () = pages => Ok(ExitCode::SUCCESS),
        () = frames::run(&frames, &sink, watch) => Ok(ExitCode::SUCCESS),
        () = tell(&manager, &frames) => Ok(ExitCode::SUCCESS),
    };
    manager.stopping();
    stop.cancel();
    tracker.close();
    if timeout(FAREWELL, tracker.wait()).await.is_err() {
        tracing::debug!("not every viewer has left in time");
    }
    ended
}

/// Returns when it is to end. Meanwhile it reads the token again when it is told to.
async fn until_told(signals: &mut Signals, access: &Access, replace: &watch::Sender<Visitors>) {
    loop {
        match signals.next().await {
            ServerSignal::Stop(signal) => return tracing::info!("{signal}: the eye closes"),
            ServerSignal::Reload => access.reload(replace).await,
        }
    }
}

/// Tells the service manager how things are.
async fn tell(manager: &Manager, frames: &Frames) {
    let (mut health, mut beat) =
        (frames.health(), interval(systemd::watchdog_interval().unwrap_or(BEAT)));
    loop {
        tokio::select! {
            _ = beat.tick() => manager.alive(),
            Ok(()) = health.changed() => {
                let health = health.borrow_and_update().clone();
                let detail = health.detail.map(|why| format!(": {why}")).unwrap_or_default();
                manager.status(&format!("{}{detail}", health.condition.word()));
            }
        }
    }
}
