//! The bridge between a serial line and the two files: the lever's order goes into the status
//! file, the accept file's reply to the pointer.
//!
//! `rule` decides; this file opens the device again and again, watches the accept file, and
//! carries out. It needs no server, only the files that both know.

mod candidates;
mod device;
mod rule;

use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use chadburn_core::Position;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use tracing::{info, warn};

use crate::cli::BridgeConfig;
use crate::status;
use chadburn_host::backoff::Backoff;
use chadburn_host::log::escaped;
use chadburn_host::systemd::{Manager, watchdog_interval};
use device::{Device, NoDevice};
use live_file::disk::{self, Calls, Monitor};
use live_file::durable::{self, DurableFile};
use live_file::source::{Options, Pool, Source};
use live_file::writing::Report;
use rule::{Effect, Event, LogEvent, Rule};

pub use candidates::{Candidate, candidates};

/// The first wait before a device is opened again.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// The longest: a telegraph that is plugged in again works within seconds.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The interval of the timer that drives timeouts.
const TICK: Duration = Duration::from_millis(100);

/// How long a look at the status file may block the event loop. Meanwhile no keep-alive, watchdog or
/// signal is served.
const DISK_TIMEOUT: Duration = Duration::from_secs(2);

/// How long the bridge waits for the write under way when it ends, for which it has less than a second.
const FINAL_WRITE_TIMEOUT: Duration = Duration::from_millis(500);

/// Why a bridge cannot start. Whoever started it must act.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another bridge, or another program, has it open.
    #[error("{0}: another program has it open; a telegraph has one bridge")]
    Taken(String),
    /// It is a file, a directory or another kind of device.
    #[error("{0} is no serial device")]
    NotSerial(String),
    /// The status file's path does not name a file.
    #[error(transparent)]
    Status(#[from] durable::OpenError),
    /// A thread or descriptor cannot be had.
    #[error("the bridge cannot start: {0}")]
    Io(#[from] io::Error),
}

/// Bridges until `stop` resolves. A device that is not there is waited for; one that another
/// program has open at the start is an error.
pub async fn run(config: BridgeConfig, stop: impl Future<Output = ()>) -> Result<(), StartError> {
    let first = match Device::open(&config.device) {
        Err(NoDevice::Taken) => return Err(StartError::Taken(shown(&config.device))),
        Err(NoDevice::NotSerial) => return Err(StartError::NotSerial(shown(&config.device))),
        other => other,
    };
    let status = Arc::new(DurableFile::shared(&config.status_file)?);
    let (report, mut replies) = mpsc::channel(1);
    let (status_calls, accept_calls) = (Calls::default(), Calls::default());
    // To drop it waits for its thread, which may be blocked in `blocking_send`: `replies` must be dropped
    // first (below).
    let _source = Source::start(
        &Pool::default(),
        &config.accept_file,
        Options { may_be_missing: true, format: status::FORMAT, ..Options::default() },
        &accept_calls,
        move |said, _| {
            // A bridge that has ended has nobody left to tell.
            let _ = report.blocking_send(said);
        },
    )?;
    let manager = Manager::of_this_process();
    manager.ready();
    let mut bridge = Bridge {
        rule: Rule::new(config.dial),
        start: Instant::now(),
        device: None,
        opened: Instant::now(),
        reopen_at: Instant::now(),
        backoff: Backoff::new(FIRST_WAIT, LONGEST_WAIT),
        unavailable_logged: false,
        initial_report_seen: false,
        writing: None,
        status,
        monitors: [
            Monitor::new(&config.status_file, &status_calls),
            Monitor::new(&config.accept_file, &accept_calls),
        ],
        status_calls,
        last_status_sent: String::new(),
        manager,
        config,
    };
    bridge.handle_open_result(first);
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut watchdog = interval(watchdog_interval().unwrap_or(Duration::from_hours(1)));
    let mut stop = pin!(stop);
    let mut heard = [0; 256];
    loop {
        tokio::select! {
            () = &mut stop => break,
            read = device_io(bridge.device.as_mut(), &mut heard) => match read {
                Ok(Some(count)) => bridge.step(Event::Heard(&heard[..count])),
                Ok(None) => bridge.close_device("it was unplugged"),
                Err(error) => bridge.close_device(&error.to_string()),
            },
            Some(said) = replies.recv() => bridge.reported(said),
            well = order_written(bridge.writing.as_mut()) => {
                bridge.writing = None;
                bridge.step(Event::Wrote(well));
            }
            () = sleep_until(bridge.reopen_at), if bridge.device.is_none() => {
                let opened = Device::open(&bridge.config.device);
                bridge.handle_open_result(opened);
            }
            _ = ticks.tick() => {
                // Updates `Monitor::why`, and logs a change.
                for monitor in &mut bridge.monitors {
                    monitor.changes();
                }
                bridge.step(Event::Tick);
            }
            _ = watchdog.tick() => bridge.manager.alive(),
        }
    }
    bridge.manager.stopping();
    // Its thread may be waiting for room here.
    drop(replies);
    if bridge.writing.is_some() {
        // One that hangs is left behind.
        let _ = timeout(FINAL_WRITE_TIMEOUT, order_written(bridge.writing.as_mut())).await;
    }
    info!("the bridge is closed");
    Ok(())
}

/// Writes what is queued for the device and waits for bytes from it: how many were read, or `None` at end
/// of file. Never resolves while no device is open.
async fn device_io(device: Option<&mut Device>, heard: &mut [u8]) -> io::Result<Option<usize>> {
    match device {
        Some(device) => device.turn(heard).await,
        None => std::future::pending().await,
    }
}

/// Whether the pending write succeeded. Never resolves while no write is pending.
async fn order_written(writing: Option<&mut JoinHandle<bool>>) -> bool {
    match writing {
        // A panic has been reported where it happened.
        Some(writing) => writing.await.unwrap_or(false),
        None => std::future::pending().await,
    }
}

/// The bridge, with both its ends.
struct Bridge {
    config: BridgeConfig,
    rule: Rule,
    start: Instant,
    device: Option<Device>,
    /// When the device was opened last.
    opened: Instant,
    /// When to try to open it next, if it is not open.
    reopen_at: Instant,
    /// How long to wait after the next failure.
    backoff: Backoff,
    /// That the device cannot be opened was logged.
    unavailable_logged: bool,
    /// The accept file has been read once: what it says from now on is new.
    initial_report_seen: bool,
    /// The order that is being written.
    writing: Option<JoinHandle<bool>>,
    status: Arc<DurableFile>,
    /// The calls to the status file's disk that have not returned.
    status_calls: Calls,
    /// Whether the disks of the status file and of the accept file answer.
    monitors: [Monitor; 2],
    /// The status line that systemd was last sent.
    last_status_sent: String,
    manager: Manager,
}

impl Bridge {
    fn step(&mut self, event: Event<'_>) {
        for effect in self.rule.step(self.start.elapsed(), event) {
            match effect {
                Effect::Say(bytes) => {
                    if let Some(device) = &mut self.device {
                        device.say(&bytes);
                    }
                }
                Effect::Write(order) => self.write(order),
                Effect::WriteIfMissing(order) => {
                    let path = self.config.status_file.clone();
                    let calls = self.status_calls.clone();
                    let look = move || calls.make(|| std::fs::symlink_metadata(path).is_err());
                    // If the disk does not answer in time, nothing is written. Any error of the look counts as
                    // a missing file.
                    if disk::within(DISK_TIMEOUT, look).unwrap_or(false) {
                        // Written at the next step, 100 ms from now at most.
                        self.rule.request_write(order);
                    }
                }
                // Recurses into `step(Event::Closed)`.
                Effect::Reopen => self.close_device("it is silent"),
                Effect::Log(event) => self.log(&event),
            }
        }
        let unanswered = self.monitors.iter().find_map(Monitor::why).cloned();
        let health = unanswered.unwrap_or_else(|| self.rule.status_summary());
        if health != self.last_status_sent {
            self.manager.status(&health);
            self.last_status_sent = health;
        }
    }

    /// Takes a device that could be opened, or waits longer for one that could not.
    fn handle_open_result(&mut self, opened: Result<Device, NoDevice>) {
        match opened {
            Ok(device) => {
                info!(device = %shown(&self.config.device), "the line is open");
                self.device = Some(device);
                self.opened = Instant::now();
                self.unavailable_logged = false;
                self.step(Event::Opened);
            }
            Err(why) => {
                if !self.unavailable_logged {
                    let device = shown(&self.config.device);
                    warn!(%device, why = %why, "the device cannot be opened, and is waited for");
                    self.unavailable_logged = true;
                }
                self.reopen_at = Instant::now() + self.backoff.refused();
            }
        }
    }

    fn close_device(&mut self, why: &str) {
        warn!(device = %shown(&self.config.device), why, "the line is closed");
        self.device = None;
        self.reopen_at = Instant::now() + self.backoff.lost(self.opened.elapsed());
        self.step(Event::Closed);
    }

    fn reported(&mut self, report: Report) {
        match report {
            Report::Written(writing) => {
                self.step(Event::Accept { text: &writing.text, new: self.initial_report_seen });
            }
            // The first one comes when the file was read for the first time.
            Report::Health(health) => {
                self.initial_report_seen = true;
                if !health.is_well() {
                    warn!(why = %health.detail, "the accept file is unwell");
                }
            }
        }
    }

    fn write(&mut self, order: Position) {
        info!(order = %self.rule.name(order), "the lever was moved");
        let (status, calls) = (Arc::clone(&self.status), self.status_calls.clone());
        self.writing = Some(spawn_blocking(move || {
            let stored = calls.make(|| status.write(format!("{order}\n").as_bytes()));
            stored.inspect_err(|error| warn!(%error, "the order is not in the status file")).is_ok()
        }));
    }

    fn log(&self, event: &LogEvent) {
        match event {
            LogEvent::Met(name) => info!(name, "the board has introduced itself"),
            LogEvent::MetOriginal => {
                info!("the board speaks bare numbers, as the original does");
            }
            LogEvent::Lever(position) => {
                info!(order = %self.rule.name(*position), "the lever stands there");
            }
            LogEvent::Reply(position) => {
                info!(reply = %self.rule.name(*position), "the reply is sent");
            }
            LogEvent::Confirmed(position) => {
                info!(reply = %self.rule.name(*position), "the pointer goes there");
            }
            LogEvent::NoPosition(text) => {
                info!(text = %escaped(text), "the reply is no position, and the pointer stays");
            }
            LogEvent::Garbage(lines) => warn!(lines, "the line is noisy"),
            LogEvent::Fault(true) => warn!("the lever's wires are broken"),
            LogEvent::Fault(false) => info!("the lever's wires are whole again"),
        }
    }
}

fn shown(path: &Path) -> String {
    escaped(&path.display().to_string()).to_string()
}
