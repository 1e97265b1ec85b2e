//! `chadburn-eye relay`: passes on between cameras' processors and clients what is seen and what is to be tracked.
//!
//! [`rule`] decides everything and is pure, `state` shares it among the connections, `connection` is one of them,
//! `service` answers HTTP. This file knows the command line, the signals and the order of start and end.

mod connection;
mod metrics;
pub mod outbox;
mod page;
pub mod rule;
mod service;
mod state;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chadburn_host::log;
use chadburn_host::signals::{ServerSignal, Signals};
use chadburn_host::systemd::{self, Manager};
use chadburn_web::limits::Limits;
use chadburn_web::{Server, listen, seats};
use clap::Args;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::rule::Event;
use self::service::RelayService;
use self::state::State;
use crate::access::{Access, BadAccess};
use crate::wire::ObjectId;

/// A second signal: 128 + SIGINT, as a shell reports it.
const AT_ONCE: u8 = 130;

/// How often time alone may bring something.
const TICK: Duration = Duration::from_secs(1);

/// How long everybody has to take the close frame when the relay ends; the whole end takes a second.
const SHUTDOWN_LIMIT: Duration = Duration::from_millis(800);

/// What was typed.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// The port to listen at; 0 takes any
    #[arg(long, default_value_t = 8888)]
    pub port: u16,
    /// Who may come
    #[command(flatten)]
    pub access: Access,
}

/// Why the relay has not started. Whoever started it must act.
#[derive(Debug, Error)]
pub enum RelayError {
    /// Nobody can be let in.
    #[error(transparent)]
    Access(#[from] BadAccess),
    /// The port is taken, or the like.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
    /// There is no log.
    #[error(transparent)]
    Log(#[from] log::NoLog),
    /// The system refused a socket or a signal.
    #[error("the relay cannot start: {0}")]
    Io(#[from] std::io::Error),
}

impl RelayError {
    /// Whether the command line is at fault.
    #[must_use]
    pub fn is_misuse(&self) -> bool {
        matches!(self, Self::Access(_))
    }
}

/// Relays until SIGINT or SIGTERM.
///
/// # Errors
/// It cannot start.
pub async fn run(options: Options) -> Result<ExitCode, RelayError> {
    let mut signals = Signals::catch()?;
    let visitors = options.access.visitors()?;
    let limits = Limits { token_configured: visitors.token.is_some(), ..Limits::default() };
    let wanted = SocketAddr::new(options.access.bind, options.port);
    let listener = match systemd::listener()? {
        Some(listener) => listener,
        None => listen(wanted).map_err(|error| RelayError::Listen(wanted, error))?,
    };
    let seats = seats::seats(seats::raise_descriptor_limit());
    let filter = std::env::var("CHADBURN_LOG").ok();
    let _log = log::start(options.access.log_format, filter.as_deref(), "")?;
    let address = listener.local_addr()?;
    let listener = TcpListener::from_std(listener)?;
    let (replace_visitors, visitors) = watch::channel(visitors);
    let state = Arc::new(State::new(first_object()));
    let server = Server {
        service: RelayService::new(Arc::clone(&state), visitors.clone()),
        visitors,
        seats: Arc::new(Semaphore::new(seats)),
        limits,
    };
    let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
    let (server_stop, server_tracker) = (stop.clone(), tracker.clone());
    tracker.spawn(async move { server.serve(listener, server_stop, &server_tracker).await });
    let (name, version) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    tracing::info!("{name} {version} relay listening on http://{address}");
    let manager = Manager::of_this_process();
    manager.ready();
    let mut ticks = interval(systemd::watchdog_interval().map_or(TICK, |it| it.min(TICK)));
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                state.happen(Event::Tick);
                manager.alive();
            }
            signal = signals.next() => match signal {
                ServerSignal::Stop(_) => break,
                ServerSignal::Reload => options.access.reload(&replace_visitors).await,
            },
        }
    }
    manager.stopping();
    tracing::info!("the relay ends");
    state.happen(Event::Shutdown);
    stop.cancel();
    tracker.close();
    tokio::select! {
        ended = timeout(SHUTDOWN_LIMIT, tracker.wait()) => {
            if ended.is_err() {
                tracing::warn!("not everybody has left in time");
            }
            Ok(ExitCode::SUCCESS)
        }
        _ = signals.next() => Ok(ExitCode::from(AT_ONCE)),
    }
}

/// The first object's number: the Unix time in seconds, so that after a restart none is given that a processor still
/// has for something else.
fn first_object() -> ObjectId {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    ObjectId::try_from(now.as_secs()).unwrap_or_default()
}
