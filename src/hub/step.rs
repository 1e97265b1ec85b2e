//! The whole server as one pure function: [`Hub::step`] takes a moment and an event, and says what
//! is to be done. It does no IO and reads no clock.
//!
//! This file has the state and the dispatch. `newcomers`: stations come and go. `answers`: what a
//! request leads to. `write_queue`: the writes in progress. `roll`: who answered. `health`: the files'
//! health. `tell`: messages. `lines`: how much may be logged. `census`: sizes, for tests.

mod answers;
mod census;
mod health;
mod lines;
mod newcomers;
mod roll;
mod tell;
mod write_queue;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use chadburn_core::Dial;
use chadburn_v1::Message;
use uuid::Uuid;

pub use self::census::Census;
use self::health::HealthInputs;
use self::lines::{LineKind, LoggedLines};
use self::roll::Roll;
use self::write_queue::WriteQueue;
use super::{Effect, Event, Key};
use crate::clock::Now;
use crate::entry::What;
use crate::file::File;
use crate::policy::Policy;
use crate::session::Session;
use crate::telegraph::history::History;
use crate::telegraph::{Author, Telegraph};
use live_file::writing::{Health, Report};

/// The namespace in which a station's id is made from its secret (UUID version 5), so that the
/// same secret means the same station, with nothing to be remembered. Random, and never changed.
const STATIONS: Uuid = Uuid::from_u128(0x1f0d_9a56_6c0e_4c1b_9b5e_7d43_c5a2_1873);

/// What the hub is told once, at its start.
#[derive(Debug)]
pub struct Facts {
    /// The dial.
    pub dial: Dial<'static>,
    /// The directory that the given file names start from.
    pub base: String,
    /// The status file's name, as it was given.
    pub status_file: String,
    /// Which panel this server carries.
    pub assets: String,
    /// Who may do what.
    pub policy: Policy,
    /// What the bell book remembers.
    pub history: History,
}

/// All that is decided about one telegraph: its files, its stations, its policy. No sockets. The
/// [`Engine`](super::Engine) has one for each.
#[derive(Debug)]
pub struct Hub {
    /// The dial.
    dial: Dial<'static>,
    /// The directory that the given file names start from.
    base: String,
    /// The status file's name, as it was given.
    status_name: String,
    /// Which panel this server carries.
    assets: String,
    /// Who may do what.
    policy: Policy,
    /// Order, reply and bell.
    telegraph: Telegraph,
    /// Who answered the present order.
    roll: Roll,
    /// The roll message that was sent last, for newcomers.
    sent_roll: Option<Arc<str>>,
    /// The roll has changed since it was sent last.
    roll_changed: bool,
    /// When it was sent last.
    roll_sent_at: Option<Duration>,
    /// The health of the files, once their sources have settled; of the book if one is kept.
    health: [Option<Health>; 3],
    /// What each file's health is derived from.
    health_inputs: [HealthInputs; 3],
    /// Every open connection, by slot, including those that must still give the token.
    stations: Vec<Option<Station>>,
    /// How many of them have been greeted; those that must still give the token are not counted.
    greeted_count: usize,
    /// Who must give the token before anything is said, and since when, oldest first.
    unproven: VecDeque<(Duration, Key)>,
    /// JSON stations by id, to find an older connection of the same station.
    by_id: HashMap<Uuid, Key>,
    /// Replies on their way into the accept file.
    replies: WriteQueue,
    /// Orders on their way into the status file.
    orders: WriteQueue,
    /// Who has written how many lines to the log.
    lines: LoggedLines,
    /// The time of the present event, since the start.
    time: Duration,
    /// Farewell has been said; nobody is greeted any more.
    closing: bool,
}

/// The deciding side of one station.
#[derive(Debug)]
struct Station {
    /// Which of the stations that have had this place.
    generation: u32,
    /// Its conversation.
    session: Session,
    /// Its greeting, as long as it has not given the token that it must give; then `None`.
    greeting: Option<Box<Greeting>>,
    /// How many wrong tokens it has given.
    wrong_tokens: u8,
}

/// What a newcomer's greeting depends on.
#[derive(Debug)]
struct Greeting {
    /// Its secret.
    secret: String,
    /// The latest number that it has already been told, if it is reconnecting.
    known_seq: Option<u64>,
}

/// Who waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asker {
    /// The station at this place.
    Station(Key),
    /// The HTTP request with this ticket.
    Http(u64),
}

impl Hub {
    /// A hub without stations.
    #[must_use]
    pub fn new(now: Now, facts: Facts) -> Self {
        let Facts { dial, base, status_file, assets, policy, history } = facts;
        Self {
            dial,
            base,
            status_name: status_file,
            assets,
            policy,
            telegraph: Telegraph::new(dial, now, history),
            roll: Roll::default(),
            sent_roll: None,
            roll_changed: false,
            roll_sent_at: None,
            health: [const { None }; 3],
            health_inputs: Default::default(),
            stations: Vec::new(),
            greeted_count: 0,
            unproven: VecDeque::new(),
            by_id: HashMap::new(),
            replies: WriteQueue::default(),
            orders: WriteQueue::default(),
            lines: LoggedLines::default(),
            time: now.since_start,
            closing: false,
        }
    }

    /// The id of the station with this secret.
    #[must_use]
    pub fn station_id(secret: &str) -> Uuid {
        Uuid::new_v5(&STATIONS, secret.as_bytes())
    }

    /// Takes an event, and appends what is to be done about it.
    pub fn step(&mut self, now: Now, event: Event<'_>, effects: &mut Vec<Effect>) {
        self.time = now.since_start;
        match event {
            Event::Started => {
                effects.push(Effect::Record(self.telegraph.run_entry(now, What::Run)));
            }
            Event::Joined { key, secret, known_seq, wire, peer } => {
                let station_id = Self::station_id(&secret);
                let session = Session { station_id, wire, peer, name: None };
                self.joined(now, key, session, Greeting { secret, known_seq }, effects);
            }
            Event::CaughtUp { key, seen } => self.caught_up(key, seen, effects),
            Event::Heard { key, message } => self.heard(now, key, message, effects),
            Event::Asked { ticket, ask } => self.asked(now, ticket, *ask, effects),
            Event::Left { key } => self.left(key, effects),
            Event::Source { file, report: Report::Written(writing) } => {
                let author = self.write_queue(file).author(&writing);
                self.written(now, file, &writing.text, author, effects);
            }
            Event::Source { file, report: Report::Health(health) } => {
                self.source_said(file, health, effects);
            }
            Event::Writable { file, result } => self.writable(file, result, effects),
            Event::Prepared { file, ticket, stamp } => {
                self.write_queue(file).prepared(ticket, stamp);
            }
            Event::Stored { file, ticket, result } => {
                self.stored(now, file, ticket, &result, effects);
            }
            Event::Unanswered { file, why } => self.unanswered(file, why, effects),
            Event::Policy(policy) => self.new_policy(policy, effects),
            Event::Tick => {
                self.expire_unproven(now, effects);
                self.log_silence(now.since_start, effects);
            }
            Event::Shutdown => self.shutdown(effects),
            Event::Ended => {
                self.log_silence(Duration::MAX, effects);
                effects.push(Effect::Record(self.telegraph.run_entry(now, What::End)));
            }
        }
        self.tell_roll(now, effects);
    }

    /// The telegraph, for whoever wants to look.
    #[must_use]
    pub fn telegraph(&self) -> &Telegraph {
        &self.telegraph
    }

    /// Whether this is the token, as the hub knows it now.
    #[must_use]
    pub fn is_token(&self, value: &str) -> bool {
        self.policy.visitors.is_token(value)
    }

    /// How many stations are in conversation.
    #[must_use]
    pub fn stations(&self) -> usize {
        self.greeted_count
    }

    /// Whether farewell has been said.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.closing
    }

    /// How many texts wait to be written into files.
    #[must_use]
    pub fn pending_writes(&self) -> usize {
        self.replies.pending() + self.orders.pending()
    }

    /// A watched file says this now.
    fn written(
        &mut self,
        now: Now,
        file: File,
        text: &str,
        author: Author,
        effects: &mut Vec<Effect>,
    ) {
        let from = author.from;
        let (entry, heard) = match file {
            File::Status => {
                self.roll.clear();
                (self.telegraph.ordered(now, text, author), Some(text))
            }
            File::Accept => (self.telegraph.replied(now, text, author), None),
            // Nobody reads the book back.
            File::Book => return,
        };
        let mut logged = Vec::new();
        self.log((LineKind::Writing, from), || tell::line(&entry), &mut logged);
        // Recorded first, which waits for nothing: whoever has heard a push must find it in the book.
        effects.push(Effect::Record(entry));
        self.push(heard, effects);
        effects.append(&mut logged);
    }

    fn shutdown(&mut self, effects: &mut Vec<Effect>) {
        if !self.closing {
            self.closing = true;
            self.publish(effects);
            let json = Message::Farewell { reason: "shutdown" }.encode();
            effects.push(Effect::Farewell(json));
        }
    }

    fn write_queue(&mut self, file: File) -> &mut WriteQueue {
        if file == File::Status { &mut self.orders } else { &mut self.replies }
    }

    fn station(&self, key: Key) -> Option<&Station> {
        let place = self.stations.get(key.slot as usize)?;
        place.as_ref().filter(|station| station.generation == key.generation)
    }

    fn station_mut(&mut self, key: Key) -> Option<&mut Station> {
        let place = self.stations.get_mut(key.slot as usize)?;
        place.as_mut().filter(|station| station.generation == key.generation)
    }
}

#[cfg(test)]
mod tests;
