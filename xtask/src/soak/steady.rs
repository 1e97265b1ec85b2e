//! Stations that stay from the first storm to the last, and hear all of it.

use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use super::office::{How, ORDER, Office};
use super::peer::Peer;

/// How many they are.
const STATIONS: usize = 4;

/// How long an order may take in the calm after a storm: the contract's second, and the looks that
/// it takes to find a directory that was replaced.
const PROMPT: Duration = Duration::from_secs(5);

/// The stations.
#[derive(Debug)]
pub(super) struct Steady {
    stations: Vec<Station>,
}

#[derive(Debug)]
struct Station {
    /// The newest order it has heard.
    newest: Arc<AtomicU64>,
    /// How many it has heard.
    heard: Arc<AtomicU64>,
    /// It leaves by itself.
    leaving: Arc<AtomicBool>,
    stream: std::net::TcpStream,
    thread: JoinHandle<Result<()>>,
}

impl Steady {
    /// All of them, greeted.
    pub(super) fn connect(office: &Office) -> Result<Self> {
        let stations = (0..STATIONS).map(|_| Station::connect(office)).collect::<Result<_>>()?;
        Ok(Self { stations })
    }

    /// Gives one more order, of which all must hear in time; how many orders all have heard.
    pub(super) fn hear_of(&self, office: &Office) -> Result<u64> {
        let (number, begun) = (office.order(How::Rename)?, Instant::now());
        while self.stations.iter().any(|it| it.newest.load(Ordering::Relaxed) < number) {
            self.well()?;
            ensure!(begun.elapsed() < PROMPT, "order {number} has not come in {PROMPT:?}");
            thread::sleep(Duration::from_millis(5));
        }
        Ok(self.stations.iter().map(|it| it.heard.load(Ordering::Relaxed)).sum())
    }

    /// That none has been cut off, or told something that is not so.
    pub(super) fn well(&self) -> Result<()> {
        ensure!(
            !self.stations.iter().any(|station| station.thread.is_finished()),
            "a steady station was cut off or told a falsehood: its words stand above"
        );
        Ok(())
    }

    /// They leave.
    pub(super) fn leave(self) {
        for Station { leaving, stream, thread, .. } in self.stations {
            leaving.store(true, Ordering::Relaxed);
            // What it still had to say does not matter any more.
            let _ = stream.shutdown(Shutdown::Both);
            let _ = thread.join();
        }
    }
}

impl Station {
    fn connect(office: &Office) -> Result<Self> {
        let mut peer = Peer::join(office, false)?;
        let stream = peer.stream.try_clone()?;
        // Pings come every 15 s.
        stream.set_read_timeout(Some(Duration::from_secs(40)))?;
        let (newest, heard, leaving) =
            <(Arc<AtomicU64>, Arc<AtomicU64>, Arc<AtomicBool>)>::default();
        let thread = thread::spawn({
            let (newest, heard, leaving) = (newest.clone(), heard.clone(), leaving.clone());
            move || {
                let listened = listen(&mut peer, &newest, &heard);
                match listened {
                    Err(error) if !leaving.load(Ordering::Relaxed) => {
                        eprintln!("a steady station: {error:#}");
                        Err(error)
                    }
                    _ => Ok(()),
                }
            }
        });
        Ok(Self { newest, heard, leaving, stream, thread })
    }
}

/// Every order is newer than the one before, and whole.
fn listen(peer: &mut Peer, newest: &AtomicU64, heard: &AtomicU64) -> Result<()> {
    ensure!(peer.hear()?.as_deref() == Some("Connected to EOT Server"), "another greeting");
    let mut last = None;
    while let Some(text) = peer.hear()? {
        let order = if last.is_none() { text.strip_suffix("&1") } else { Some(&*text) };
        let number = order.and_then(|order| order.strip_prefix(ORDER));
        let Some(number) = number.and_then(|number| number.parse::<u64>().ok()) else {
            bail!("heard {text:?}, which is no order")
        };
        ensure!(last.is_none_or(|last| number > last), "heard {number} after {last:?}");
        last = Some(number);
        newest.store(number, Ordering::Relaxed);
        heard.fetch_add(1, Ordering::Relaxed);
    }
    bail!("the connection was cut")
}
