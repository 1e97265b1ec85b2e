//! What is counted and measured, for `GET /metrics`.
//!
//! Whoever has something to tell calls a plain method; each is an atomic or two, and none waits for
//! a lock, for the hub calls them on its own thread. It does not know how anything is found out.

mod text_format;
mod times;

use std::sync::atomic::Ordering;
use std::time::Duration;

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use self::times::Times;
use crate::file::File;
use crate::wire::Wire;
use live_file::writing::{Health, Watch};

/// What [`Metrics::encode_text`] makes, the text format of Prometheus.
pub const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What [`Metrics::encode`] makes (`OpenMetrics` 1.0).
pub const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The buckets of a push: from what a few sockets cost to what somebody could notice.
const PUSH: [Duration; 14] = {
    const fn us(microseconds: u64) -> Duration {
        Duration::from_micros(microseconds)
    }
    [
        us(50),
        us(100),
        us(250),
        us(500),
        us(1_000),
        us(2_500),
        us(5_000),
        us(10_000),
        us(25_000),
        us(50_000),
        us(100_000),
        us(250_000),
        us(500_000),
        us(1_000_000),
    ]
};

/// The buckets of a reply: from a hand on the lever to a weekend.
const REPLY: [Duration; 12] = {
    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }
    [
        s(1),
        s(2),
        s(5),
        s(10),
        s(30),
        s(60),
        s(300),
        s(900),
        s(3_600),
        s(14_400),
        s(86_400),
        s(259_200),
    ]
};

/// Why a station's connection was closed by the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parting {
    /// It took nothing of what it was owed.
    Stuck,
    /// It said nothing, and answered no ping.
    Silent,
    /// Its frames broke the protocol.
    Violation,
    /// It was owed more than it may be.
    Overfull,
    /// The same station came back on another connection.
    Replaced,
}

/// A label and its value.
type Label = (&'static str, &'static str);

/// Everything that is counted and measured.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    orders: Counter,
    repeats: Counter,
    replies: Counter,
    push: Times,
    reply: Times,
    bell: Gauge,
    /// By wire, in its order.
    stations: [Gauge; 3],
    conflated: Counter,
    /// By reason, in its order.
    closed: [Counter; 5],
    sources: Family<[Label; 2], Gauge>,
    book_queue: Gauge,
    book_dropped: Counter,
    /// Of the status file and the accept file.
    store_failures: [Counter; 2],
    /// By the first digit of the status.
    requests: [Counter; 5],
    refused: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new() -> Self {
        let mut book = Listing(Registry::with_prefix("chadburn"));
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        book.0.register("build", "The running server", version);
        Self {
            orders: book.counter("orders", "Orders given, repeats apart"),
            repeats: book.counter("repeats", "Orders given once more"),
            replies: book.counter("replies", "Replies, whoever wrote them"),
            push: book.times(
                "push_duration",
                "From a completed writing to the last station's socket",
                &PUSH,
            ),
            reply: book.times("reply_delay", "From an order to a reply", &REPLY),
            bell: book.gauge("bell_ringing", "Whether the bell rings"),
            stations: book.gauges(
                "stations",
                "Connected stations",
                ["text", "json", "sse"].map(|wire| ("wire", wire)),
            ),
            conflated: book.counter(
                "conflated_states",
                "States that a slow station did not get because it gets a newer one",
            ),
            closed: book.counters(
                "closed_stations",
                "Stations whose connection the server closed before its end",
                ["stuck", "silent", "violation", "overfull", "replaced"]
                    .map(|reason| ("reason", reason)),
            ),
            sources: book.listed("source_healthy", "Whether a file is well, and how it is watched"),
            book_queue: book.gauge("book_queue_entries", "Entries on their way into the bell book"),
            book_dropped: book.counter("book_dropped_entries", "Entries the bell book has lost"),
            store_failures: book.counters(
                "store_failures",
                "Writes of a file that were asked for over the network and failed",
                ["status", "accept"].map(|file| ("file", file)),
            ),
            requests: book.counters(
                "http_requests",
                "Requests answered, by the class of the answer",
                ["1xx", "2xx", "3xx", "4xx", "5xx"].map(|class| ("class", class)),
            ),
            refused: book.counter("refused_connections", "Connections that were not let in"),
            registry: book.0,
        }
    }

    /// An order was given.
    pub fn ordered(&self) {
        self.orders.inc();
    }

    /// The present order was given once more.
    pub fn repeated(&self) {
        self.repeats.inc();
    }

    /// A reply was read.
    pub fn replied(&self) {
        self.replies.inc();
    }

    /// So long after a writing was complete, the last socket was handed the push of it.
    pub fn pushed(&self, time: Duration) {
        self.push.observe(time);
    }

    /// So long after the order, a reply came.
    pub fn answered(&self, time: Duration) {
        self.reply.observe(time);
    }

    /// The bell rings, or does not.
    pub fn bell(&self, rings: bool) {
        self.bell.set(rings.into());
    }

    /// So many stations are connected on this wire.
    pub fn stations(&self, wire: Wire, count: usize) {
        self.stations[wire as usize].set(whole(count));
    }

    /// So many states were left out for slow stations, since the start.
    pub fn conflated(&self, total: u64) {
        self.conflated.inner().store(total, Ordering::Relaxed);
    }

    /// So many stations were closed for this reason, since the start.
    pub fn closed(&self, parting: Parting, total: u64) {
        self.closed[parting as usize].inner().store(total, Ordering::Relaxed);
    }

    /// This is a file's health. Not for the hot path: it takes a lock.
    pub fn health(&self, file: File, health: &Health) {
        // Nobody watches the book.
        let watch = if file == File::Book { "none" } else { health.watch.name() };
        let labels = |watch| [("file", file.name()), ("watch", watch)];
        let watches = [Watch::Inotify, Watch::Fsevents, Watch::Poll].map(Watch::name);
        for other in watches.into_iter().filter(|other| *other != watch) {
            self.sources.remove(&labels(other));
        }
        self.sources.get_or_create(&labels(watch)).set(health.is_well().into());
    }

    /// So many entries are on their way into the bell book.
    pub fn book_queue(&self, count: usize) {
        self.book_queue.set(whole(count));
    }

    /// So many entries did not get into the bell book, since the start.
    pub fn book_dropped(&self, total: u64) {
        self.book_dropped.inner().store(total, Ordering::Relaxed);
    }

    /// A write of the status or the accept file, asked for over the network, failed.
    pub fn store_failed(&self, file: File) {
        match file {
            File::Status => self.store_failures[0].inc(),
            File::Accept => self.store_failures[1].inc(),
            // The book has its own count.
            File::Book => return,
        };
    }

    /// A request was answered with this status.
    pub fn responded(&self, status: u16) {
        if let Some(counter) = self.requests.get(usize::from(status / 100).wrapping_sub(1)) {
            counter.inc();
        }
    }

    /// A connection was not let in: there was no seat, or its address has all it may.
    pub fn turned_away(&self) {
        self.refused.inc();
    }

    /// All of it, as [`TEXT`].
    #[must_use]
    pub fn encode_text(&self) -> String {
        text_format::of(&self.encode())
    }

    /// All of it, as [`OPENMETRICS`].
    #[must_use]
    pub fn encode(&self) -> String {
        let mut page = String::new();
        text::encode(&mut page, &self.registry).expect("a string takes every line");
        page
    }
}

/// A registry, and what can be entered in it.
struct Listing(Registry);

impl Listing {
    fn counter(&mut self, name: &str, help: &str) -> Counter {
        let counter = Counter::default();
        self.0.register(name, help, counter.clone());
        counter
    }

    fn gauge(&mut self, name: &str, help: &str) -> Gauge {
        let gauge = Gauge::default();
        self.0.register(name, help, gauge.clone());
        gauge
    }

    fn times(&mut self, name: &str, help: &str, bounds: &'static [Duration]) -> Times {
        let times = Times::new(bounds);
        self.0.register_with_unit(name, help, Unit::Seconds, times.clone());
        times
    }

    fn listed<const N: usize>(&mut self, name: &str, help: &str) -> Family<[Label; N], Gauge> {
        let family = Family::default();
        self.0.register(name, help, family.clone());
        family
    }

    fn gauges<const N: usize>(&mut self, name: &str, help: &str, each: [Label; N]) -> [Gauge; N] {
        let family = Family::<[Label; 1], Gauge>::default();
        self.0.register(name, help, family.clone());
        each.map(|label| family.get_or_create_owned(&[label]))
    }

    fn counters<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        each: [Label; N],
    ) -> [Counter; N] {
        let family = Family::<[Label; 1], Counter>::default();
        self.0.register(name, help, family.clone());
        each.map(|label| family.get_or_create_owned(&[label]))
    }
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
