//! Puts the rooms together: sources, hub, accept file, bell book and HTTP, and takes them down in order.
//!
//! It binds no port, traps no signal and ends no process: the caller brings the listener and says
//! when to stop.

mod counting;
mod opening;
mod ports;
mod record;
mod token;

use std::collections::HashMap;
use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot::error::RecvError;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::opening::StartDeadline;
pub use self::ports::HUB_LOG_TARGET;
use self::ports::{ServerPorts, TelegraphPorts, event};
use crate::book::Keeper;
use crate::cli::Config;
use crate::clock::Clock;
use crate::file::File;
use crate::http;
use crate::hub::driver::{self, Ended, Running};
use crate::hub::{Event, Facts, Handle, Hub, Input, Snapshot};
use crate::metrics::Metrics;
use crate::policy::Reach;
use crate::status;
use chadburn_host::systemd::Manager;
use chadburn_web::assets::NoAssets;
use live_file::disk::{Calls, Monitor};
use live_file::durable::{self, DurableFile};
use live_file::source::{Options, Pool, Source};

/// How long a shutdown may take, from the signal to the end of the process. The contract says five
/// seconds; what is kept back is for the process itself to end.
const SHUTDOWN_LIMIT: Duration = Duration::from_millis(4_700);

/// A server that is ready to run.
#[derive(Debug)]
pub struct Server {
    /// What it was told to do.
    config: Config,
    /// Where it listens.
    listener: TcpListener,
    /// How many connections it can afford.
    seats: usize,
}

/// Why the server could not start, or has failed. Whoever started it must act.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The accept file is locked by another process, or its path names no file.
    #[error(transparent)]
    Accept(#[from] durable::OpenError),
    /// The panel cannot be loaded.
    #[error(transparent)]
    Assets(#[from] NoAssets),
    /// The panel is on a disk that does not answer.
    #[error("assets: {0}")]
    NoAnswer(String),
    /// The system refused a thread, descriptor or socket.
    #[error("the server cannot start: {0}")]
    Io(#[from] std::io::Error),
    /// The hub has ended, although nobody asked it to.
    #[error("the hub has failed: {0}")]
    Hub(String),
}

impl Server {
    /// A server on this listener, for at most `seats` connections ([`chadburn_web::seats`]).
    pub fn new(config: Config, listener: TcpListener, seats: usize) -> Result<Self, ServeError> {
        listener.set_nonblocking(true)?;
        Ok(Self { config, listener, seats })
    }

    /// Takes the lock of the accept file, and serves until `stop` resolves or an authorised station
    /// says `shutdown`, then says farewell. Whenever `reload` is notified it reads the token again.
    #[expect(
        clippy::too_many_lines,
        reason = "one sequence: start everything, wait, stop everything"
    )]
    pub async fn run(
        self,
        stop: impl Future<Output = ()>,
        reload: Arc<Notify>,
    ) -> Result<(), ServeError> {
        let Self { config, listener, seats } = self;
        let (start_deadline, mut stop) = (StartDeadline::begin(), pin!(stop));
        let address = listener.local_addr()?;
        // The first line, whatever is said of the files. The line that it listens comes when they have been
        // read; until then whoever connects waits.
        tracing::info!("{} starts at http://{address}", env!("CARGO_PKG_NAME"));
        let (status_calls, accept_calls) = (Calls::default(), Calls::default());
        let accept_file = tokio::select! {
            () = &mut stop => return Ok(()),
            opened = opening::accept_file(&config.accept_file, &accept_calls, start_deadline) => opened?,
        };
        let assets = tokio::select! {
            () = &mut stop => return Ok(()),
            loaded = opening::assets(config.assets.as_deref()) => loaded?,
        };
        let policy = config.policy();
        let token_file = config.token_file.clone();
        let token_warnings = spawn_blocking(move || token::tell_doubts(token_file.as_deref()));
        // The token file's warnings are logged when they are known; a disk that hangs delays nothing
        // beyond the deadline.
        let _ = start_deadline.wait(token_warnings).await;
        let (visitors_sender, visitors) = watch::channel(policy.visitors.clone());
        let reaches = policy.reaches;
        let seats = Arc::new(Semaphore::new(seats));
        let stopping = CancellationToken::new();
        let (snapshot_sender, mut snapshots) = watch::channel(Arc::new(Snapshot::default()));
        let manager = Arc::new(Manager::of_this_process());
        let metrics = Arc::new(Metrics::new());

        let (history, book) = tokio::select! {
            () = &mut stop => return Ok(()),
            opened = opening::book(config.book.as_deref(), &config.dial, start_deadline) => opened,
        };
        let mut keeper = None;

        let clock = Clock::start();
        let facts = Facts {
            dial: config.dial,
            base: config.base.display().to_string(),
            status_file: config.status_name.clone(),
            assets: assets.digest().to_owned(),
            policy,
            history,
        };
        let Running { handle, mut ended } =
            driver::start(clock, Hub::new(clock.now(), facts), |handle| {
                let (to_hub, counted) = (handle.clone(), Arc::clone(&metrics));
                let writer = durable::Writer::spawn(accept_file, &accept_calls, move |outcome| {
                    counting::stored(&counted, File::Accept, &outcome);
                    // A hub that has ended has nobody left to tell.
                    let _ = to_hub.send_from_writer(event(File::Accept, outcome));
                })?;
                let orders = (config.orders != Reach::Never).then(|| {
                    let (to_hub, counted) = (handle.clone(), Arc::clone(&metrics));
                    let path = config.status_file.clone();
                    // No lock of its own: only the server that holds the accept file's lock writes orders.
                    let open = move || {
                        let file = DurableFile::shared(&path).map_err(|error| error.to_string())?;
                        file.sweep();
                        Ok(file)
                    };
                    durable::Writer::spawn(open, &status_calls, move |outcome| {
                        counting::stored(&counted, File::Status, &outcome);
                        // As above.
                        let _ = to_hub.send_from_writer(event(File::Status, outcome));
                    })
                });
                keeper = record::keep(book, handle)?;
                let mut disks = vec![
                    (File::Status, Monitor::new(&config.status_file, &status_calls)),
                    (File::Accept, Monitor::new(&config.accept_file, &accept_calls)),
                ];
                if let (Some(path), Some(keeper)) = (&config.book, &keeper) {
                    disks.push((File::Book, Monitor::new(path, keeper.calls())));
                }
                let telegraph_ports = TelegraphPorts {
                    replies: writer,
                    orders: orders.transpose()?,
                    book: keeper.as_ref().map(Keeper::recorder),
                    snapshots: snapshot_sender,
                    disks,
                };
                Ok(ServerPorts {
                    telegraphs: vec![telegraph_ports],
                    asks: HashMap::new(),
                    stopping: stopping.clone(),
                    manager: Arc::clone(&manager),
                    metrics: Arc::clone(&metrics),
                })
            })?;

        // From here on, whatever happens, everything that was started is taken down again.
        let tracker = TaskTracker::new();
        let listening = CancellationToken::new();
        let (pool, mut sources) = (Pool::default(), Vec::new());
        let serving = async {
            // The order is read before the reply, so that equal files are answered.
            for (file, calls) in [(File::Status, &status_calls), (File::Accept, &accept_calls)] {
                sources.push(watch_file(&pool, &config, file, calls, &handle)?);
                let settled = |snapshot: &Arc<Snapshot>| snapshot.health(file).is_some();
                if let Some(Err(_)) = start_deadline.wait(snapshots.wait_for(settled)).await {
                    // The hub has ended; `ended` says why.
                    std::future::pending::<()>().await;
                }
            }
            let hub = handle.clone();
            let app = http::App {
                admit: handle.clone(),
                snapshot: snapshots,
                alive: Arc::new(move || hub.is_alive()),
                visitors,
                reaches,
                assets,
                metrics: Arc::clone(&metrics),
                book: keeper.as_ref().map(Keeper::reader),
                seats,
                limits: config.limits,
            };
            let listener = tokio::net::TcpListener::from_std(listener)?;
            tracing::info!("{}", announcement(&config, address));
            manager.ready();
            http::listen(listener, app, listening.clone(), &tracker).await;
            Ok(())
        };
        let result = tokio::select! {
            () = &mut stop => Ok(()),
            () = stopping.cancelled() => Ok(()),
            result = serving => result,
            never = token::read_again_on(&reload, &config, async |policy| {
                // A hub that has ended decides nothing any more.
                let _ = handle.send(Input::Event(Event::Policy(policy.clone()))).await;
                // HTTP only now: whoever it lets in with the new token must find a hub that knows that token.
                visitors_sender.send_replace(policy.visitors);
            }) => match never {},
            how = &mut ended => Err(ServeError::Hub(why(how))),
        };

        let deadline = Instant::now() + SHUTDOWN_LIMIT;
        manager.stopping();
        tracing::info!("Stopping Status Watcher...");
        listening.cancel();
        // The hub may have ended by itself; then it has said what was to be said.
        let _ = handle.send(Input::Event(Event::Shutdown)).await;
        tracing::info!(
            "Shutting down EOT server (will wait up to 5 seconds for the stations to leave)"
        );
        tracker.close();
        let drained = async {
            let watchers = spawn_blocking(move || drop(sources));
            if result.is_ok() {
                // It ends when the last station has gone.
                let _ = ended.await;
            }
            let _ = watchers.await;
            tracker.wait().await;
        };
        if timeout_at(deadline, drained).await.is_err() {
            tracing::warn!("not everyone has left in time");
        }
        record::finish(keeper, deadline).await;
        tracing::info!("Shutdown.");
        result
    }
}

/// Why the hub's thread has ended before its time.
fn why(how: Result<Ended, RecvError>) -> String {
    match how {
        Ok(Ended::Failed(error)) => error.to_string(),
        _ => "its thread is gone".into(),
    }
}

fn watch_file(
    pool: &Pool,
    config: &Config,
    file: File,
    calls: &Calls,
    hub: &Handle,
) -> std::io::Result<Source> {
    let path = if file == File::Status { &config.status_file } else { &config.accept_file };
    // The accept file need not exist: nobody may have answered yet.
    let options = Options {
        mode: config.watching,
        may_be_missing: file == File::Accept,
        format: status::FORMAT,
    };
    let hub = hub.clone();
    Source::start(pool, path, options, calls, move |report, since| {
        // A hub that has ended has nobody left to tell.
        let _ = hub.report(file, report, since);
    })
}

/// The line that tells where the panel is: the address that is bound, even if it is the wildcard.
fn announcement(config: &Config, address: SocketAddr) -> String {
    format!(
        "{} {} listening on http://{address} (status file {})",
        env!("CARGO_PKG_NAME"),
        env!("CARGO_PKG_VERSION"),
        chadburn_host::log::escaped(&config.status_name)
    )
}
