//! Sources: where pictures come from. One that is lost or falls silent is opened again.
//!
//! Whatever comes is judged by its header, and only the newest is kept.

pub mod address;
mod child;
mod directory;
mod http;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chadburn_host::backoff::Backoff;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use self::address::Address;
use crate::picture::jpeg::Splitter;
use crate::picture::{BadPicture, Picture};
use crate::scene::{self, Hand};

/// A source that is silent for longer than this, beside the time between two snapshots, is closed and opened again.
const SILENT: Duration = Duration::from_secs(5);

/// The same for the first picture of ffmpeg: a camera that speaks RTSP is only understood from its next whole picture
/// on, which may be ten seconds away.
const BEGINS: Duration = Duration::from_secs(20);

/// The first wait before a lost source is opened again.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The longest: a camera that is plugged in again is seen within half a minute.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The time between two snapshots, unless it is said.
const EVERY: Duration = Duration::from_secs(1);

/// The least time between two pictures of a stream: whoever can send more is not read faster.
const LEAST: Duration = Duration::from_millis(8);

/// How much is read at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// What has come last: a picture, or what is wrong with it.
pub type Arrival = Result<Picture, BadPicture>;

/// Where pictures go. A clone is the same.
#[derive(Clone, Debug)]
pub struct Sink {
    newest: watch::Sender<Option<Arrival>>,
    trouble: watch::Sender<Option<String>>,
    counts: Arc<Counts>,
}

/// How much came, since the start.
#[derive(Debug, Default)]
pub struct Counts {
    /// Pictures, by their headers good ones.
    pub pictures: AtomicU64,
    /// Bad ones.
    pub bad: AtomicU64,
    /// How often the source was lost.
    pub lost: AtomicU64,
}

impl Default for Sink {
    fn default() -> Self {
        let (newest, trouble) = (watch::Sender::new(None), watch::Sender::new(None));
        Self { newest, trouble, counts: Arc::default() }
    }
}

impl Sink {
    /// Takes what has come.
    pub fn put(&self, arrival: Arrival) {
        let count = if arrival.is_ok() { &self.counts.pictures } else { &self.counts.bad };
        count.fetch_add(1, Ordering::Relaxed);
        self.newest.send_replace(Some(arrival));
    }

    /// What has come last.
    #[must_use]
    pub fn newest(&self) -> watch::Receiver<Option<Arrival>> {
        self.newest.subscribe()
    }

    /// Why the source was lost last.
    #[must_use]
    pub fn trouble(&self) -> watch::Receiver<Option<String>> {
        self.trouble.subscribe()
    }

    /// How much came.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    fn lost(&self, why: String) {
        self.counts.lost.fetch_add(1, Ordering::Relaxed);
        self.trouble.send_replace(Some(why));
    }

    /// Waits until nothing has come for so long, and says for how long; for the first picture it has longer patience.
    async fn until_silent(&self, first: Duration, patience: Duration) -> Duration {
        let (mut newest, mut now) = (self.newest.subscribe(), first);
        while timeout(now, newest.changed()).await.is_ok() {
            now = patience;
        }
        now
    }
}

/// Reads this source. Returns only at the end of standard input: all others are opened again. `hand` turns the pointer
/// of the scene.
pub async fn read(address: &Address, every: Option<Duration>, hand: &Hand, sink: &Sink) {
    let (mut backoff, mut newest) = (Backoff::new(FIRST_WAIT, LONGEST_WAIT), sink.newest());
    let patience = SILENT + every.unwrap_or_default();
    let is_ffmpeg = matches!(address, Address::Device(_) | Address::Ffmpeg(_));
    let first = if is_ffmpeg { BEGINS.max(patience) } else { patience };
    loop {
        let begun = Instant::now();
        newest.mark_unchanged();
        let silent = async {
            if address.is_live() {
                sink.until_silent(first, patience).await
            } else {
                std::future::pending().await
            }
        };
        let ended = tokio::select! {
            ended = session(address, every, hand, sink) => ended,
            waited = silent => Err(format!("nothing came for {} s", waited.as_secs())),
        };
        let has_brought = newest.has_changed().unwrap_or_default();
        match ended {
            Ok(()) if *address == Address::Stdin => return,
            // It has printed what it had, as a command does that takes one picture.
            Ok(()) if has_brought => {
                sleep_until(begun + every.unwrap_or(EVERY)).await;
                continue;
            }
            Ok(()) => sink.lost("it has ended without a picture".into()),
            Err(why) => sink.lost(why),
        }
        sleep(backoff.lost(if has_brought { begun.elapsed() } else { Duration::ZERO })).await;
    }
}

/// Reads it until it ends or is lost, with why in the middle of a sentence. When this is dropped nothing of it goes on.
async fn session(
    address: &Address,
    every: Option<Duration>,
    hand: &Hand,
    sink: &Sink,
) -> Result<(), String> {
    match address {
        Address::Scene(camera) => {
            scene::run(*camera, hand, sink).await;
            Ok(())
        }
        Address::Stdin => {
            let read = Feed::new(sink).read(tokio::io::stdin()).await;
            read.map_err(|error| format!("standard input: {error}"))
        }
        Address::Directory(path) => directory::run(path, sink).await,
        Address::Http(address) => http::run(address, every, sink).await,
        Address::Command(line) => child::shell(line, sink).await,
        Address::Device(path) => child::device(path, sink).await,
        Address::Ffmpeg(url) => child::url(url, sink).await,
    }
}

/// Finds the pictures in a stream of bytes.
struct Feed<'a> {
    splitter: Splitter,
    sink: &'a Sink,
}

impl<'a> Feed<'a> {
    fn new(sink: &'a Sink) -> Self {
        Self { splitter: Splitter::default(), sink }
    }

    async fn take(&mut self, bytes: &[u8]) {
        self.splitter.push(bytes);
        while let Some(found) = self.splitter.next() {
            self.sink.put(found.map(|(bytes, size)| Picture::jpeg(bytes, size)));
            sleep(LEAST).await;
        }
    }

    /// Takes all that can be read.
    async fn read(&mut self, mut from: impl AsyncRead + Unpin) -> std::io::Result<()> {
        let mut chunk = vec![0; CHUNK];
        loop {
            match from.read(&mut chunk).await? {
                0 => {
                    self.end();
                    return Ok(());
                }
                length => self.take(&chunk[..length]).await,
            }
        }
    }

    /// There is no more: a picture that has begun has no end.
    fn end(&mut self) {
        if self.splitter.is_within() {
            self.sink.put(Err(BadPicture::Truncated));
        }
    }
}
