//! The relay as a pure function: a moment and an event go in, and what is to be done comes out.
//!
//! It holds all connections with what waits for each of them. It does no IO and reads no clock: moments are given, as
//! time since the start. Whoever has been woken asks for what it is owed ([`Rule::take`]).

pub mod bounds;
mod events;
mod objects;
mod saying;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chadburn_host::log::escaped;

use self::bounds::{
    BEAT, IDENTIFIER_LIMIT, MAX_BAD, MAX_CLIENTS, MAX_PROCESSORS, MAX_WAITING_BYTES,
    MAX_WAITING_CLIENT, MAX_WAITING_PROCESSOR, PING_INTERVAL, SILENCE_LIMIT,
};
pub use self::events::{Close, Counts, Effect, Event, Next, Role, Said, close};
use self::objects::Objects;
pub use self::objects::{MAX_OBJECTS, MAX_STOPPED};
use super::outbox::{Kind, Outbox, Text};
use crate::wire::{self, CameraId, FromProcessor, ObjectId, ToClient};

/// All that is decided.
#[derive(Debug)]
pub struct Rule {
    connections: BTreeMap<u64, Connection>,
    /// The connection of each camera.
    cameras: BTreeMap<CameraId, u64>,
    objects: Objects,
    counts: Counts,
    /// When all panels were told the cameras, as a sign of life.
    beat: Duration,
    /// The relay ends.
    closing: bool,
}

/// The deciding side of one connection.
#[derive(Debug)]
struct Connection {
    role: Role,
    /// Which camera it is, once it has said so.
    camera: Option<CameraId>,
    joined: Duration,
    /// When anything came last.
    heard: Duration,
    /// When it was asked for a sign of life.
    pinged: Duration,
    /// Such a question waits.
    ping: bool,
    /// How many of its messages were none.
    bad: u32,
    /// What it was reminded of: objects that it knows although they were stopped.
    reminded: BTreeSet<ObjectId>,
    outbox: Outbox,
    /// Why it is closed; from then on nothing else is said to it, and it is not heard.
    close: Option<Close>,
    /// Its close frame was taken.
    parted: bool,
}

impl Rule {
    /// Nobody is there yet. The first object that is started gets at least this number: numbers that were given before
    /// a restart may be known to processors that say nothing of them.
    #[must_use]
    pub fn new(first: ObjectId) -> Self {
        Self {
            connections: BTreeMap::new(),
            cameras: BTreeMap::new(),
            objects: Objects::new(first),
            counts: Counts::default(),
            beat: Duration::ZERO,
            closing: false,
        }
    }

    /// Takes an event, and appends what is to be done about it.
    pub fn step(&mut self, now: Duration, event: Event<'_>, effects: &mut Vec<Effect>) {
        match event {
            Event::Joined(key, role) => self.joined(now, key, role, effects),
            Event::Heard(key, said) => self.heard(now, key, said, effects),
            Event::Left(key) => self.left(key, effects),
            Event::Tick => self.tick(now, effects),
            Event::Shutdown => {
                self.closing = true;
                for key in self.keys(|_| true) {
                    self.close(key, close::SHUTDOWN, effects);
                }
            }
        }
    }

    /// What this connection is to send next.
    pub fn take(&mut self, key: u64) -> Next {
        let Some(it) = self.connections.get_mut(&key) else { return Next::Nothing };
        if let Some(close) = it.close {
            let first = !std::mem::replace(&mut it.parted, true);
            return if first { Next::Close(close) } else { Next::Nothing };
        }
        if std::mem::take(&mut it.ping) {
            return Next::Ping;
        }
        it.outbox.pop().map_or(Next::Nothing, Next::Text)
    }

    /// What is counted.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// All cameras that are connected.
    #[must_use]
    pub fn cameras(&self) -> impl ExactSizeIterator<Item = &CameraId> {
        self.cameras.keys()
    }

    /// How many clients there are.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.open().filter(|(_, it)| it.role != Role::Processor).count()
    }

    /// How many objects are tracked.
    #[must_use]
    pub fn objects(&self) -> usize {
        self.objects.len()
    }

    /// How many connections there are, with those that are closed and have not left.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    fn joined(&mut self, now: Duration, key: u64, role: Role, effects: &mut Vec<Effect>) {
        let count = self.open().filter(|(_, it)| {
            (it.role == Role::Processor) == (role == Role::Processor) && it.camera.is_none()
        });
        let most = if role == Role::Processor { MAX_PROCESSORS } else { MAX_CLIENTS };
        let is_full = count.count() >= most;
        let connection = Connection {
            role,
            camera: None,
            joined: now,
            heard: now,
            pinged: now,
            ping: false,
            bad: 0,
            reminded: BTreeSet::new(),
            outbox: Outbox::default(),
            close: None,
            parted: false,
        };
        self.connections.insert(key, connection);
        if self.closing {
            self.close(key, close::SHUTDOWN, effects);
        } else if is_full {
            self.close(key, close::FULL, effects);
        } else if role == Role::Panel {
            let (cameras, objects) = (self.camera_list(), self.object_list());
            self.push(key, Kind::Cameras, cameras, effects);
            self.push(key, Kind::Objects, objects, effects);
        }
    }

    fn heard(&mut self, now: Duration, key: u64, said: Said<'_>, effects: &mut Vec<Effect>) {
        let Some(it) = self.connections.get_mut(&key).filter(|it| it.close.is_none()) else {
            return;
        };
        it.heard = now;
        let (role, camera) = (it.role, it.camera.clone());
        let text = match said {
            Said::Text(text) => text,
            Said::Sign => return,
            Said::Binary => return self.close(key, close::BINARY, effects),
            Said::TooLong => return self.close(key, close::TOO_LONG, effects),
            Said::NotUtf8 => return self.close(key, close::NOT_UTF8, effects),
            Said::Broken => return self.close(key, close::BROKEN, effects),
        };
        let understood = match (role, camera) {
            (Role::Processor, None) => {
                let Ok(FromProcessor::Identifier { id }) = wire::read(text) else {
                    return self.close(key, close::UNIDENTIFIED, effects);
                };
                return self.identified(key, id, effects);
            }
            (Role::Processor, Some(camera)) => self.processor_said(key, camera, text, effects),
            (Role::Client | Role::Panel, _) => self.client_said(key, text, effects),
        };
        if let Err(why) = understood {
            self.bad(key, &why, effects);
        }
    }

    /// A message was none. The first of a connection is logged.
    fn bad(&mut self, key: u64, why: &str, effects: &mut Vec<Effect>) {
        self.counts.bad += 1;
        let Some(it) = self.connections.get_mut(&key) else { return };
        it.bad += 1;
        if it.bad == 1 {
            let who = it.camera.as_ref().map_or("a client", CameraId::as_str);
            effects.push(Effect::Log(
                true,
                format!("{}: a message cannot be read: {}", escaped(who), escaped(why)),
            ));
        }
        if it.bad >= MAX_BAD {
            self.close(key, close::BAD, effects);
        }
    }

    fn left(&mut self, key: u64, effects: &mut Vec<Effect>) {
        if let Some(camera) = self.part(key, effects) {
            effects.push(Effect::Log(false, format!("{}: gone", escaped(camera.as_str()))));
        }
        self.connections.remove(&key);
    }

    fn tick(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        let mut over = Vec::new();
        for (key, it) in self.connections.iter_mut().filter(|(_, it)| it.close.is_none()) {
            let is_unknown = it.role == Role::Processor && it.camera.is_none();
            if is_unknown && now >= it.joined + IDENTIFIER_LIMIT {
                over.push((*key, close::UNIDENTIFIED));
            } else if now >= it.heard + SILENCE_LIMIT {
                over.push((*key, close::SILENT));
            } else if now >= it.heard.max(it.pinged) + PING_INTERVAL {
                (it.pinged, it.ping) = (now, true);
                effects.push(Effect::Wake(*key));
            }
        }
        for (key, why) in over {
            self.close(key, why, effects);
        }
        if now >= self.beat + BEAT {
            self.beat = now;
            self.tell_cameras(effects);
        }
    }

    /// Closes a connection. It is no camera and no client any more.
    fn close(&mut self, key: u64, why: Close, effects: &mut Vec<Effect>) {
        let Some(it) = self.connections.get_mut(&key).filter(|it| it.close.is_none()) else {
            return;
        };
        it.close = Some(why);
        it.outbox = Outbox::default();
        *self.counts.closed.entry(why.code).or_default() += 1;
        effects.extend([Effect::Wake(key), Effect::Close(key)]);
        if let Some(camera) = self.part(key, effects) {
            let line = format!("{}: closed: {}", escaped(camera.as_str()), why.reason);
            effects.push(Effect::Log(why != close::SHUTDOWN, line));
        }
    }

    /// If this is a camera's connection, the camera is gone.
    fn part(&mut self, key: u64, effects: &mut Vec<Effect>) -> Option<CameraId> {
        let camera = self.connections.get_mut(&key)?.camera.take()?;
        self.cameras.remove(&camera);
        for it in self.connections.values_mut() {
            it.outbox.settle(key);
        }
        self.tell_cameras(effects);
        Some(camera)
    }

    fn tell_cameras(&mut self, effects: &mut Vec<Effect>) {
        let list = self.camera_list();
        self.tell(Kind::Cameras, &list, effects);
    }

    fn tell_objects(&mut self, effects: &mut Vec<Effect>) {
        let list = self.object_list();
        self.tell(Kind::Objects, &list, effects);
    }

    fn tell(&mut self, kind: Kind, list: &Text, effects: &mut Vec<Effect>) {
        for panel in self.keys(|it| it.role == Role::Panel) {
            self.push(panel, kind, list.clone(), effects);
        }
    }

    fn camera_list(&self) -> Text {
        text(&ToClient::Cameras { cameras: self.cameras.keys().cloned().collect() })
    }

    fn object_list(&self) -> Text {
        text(&ToClient::Objects { objects: self.objects.list() })
    }

    /// Lets this wait for a connection, which is closed if that is too much.
    fn push(&mut self, key: u64, kind: Kind, text: Text, effects: &mut Vec<Effect>) {
        let Some(it) = self.connections.get_mut(&key).filter(|it| it.close.is_none()) else {
            return;
        };
        let was_empty = it.outbox.is_empty();
        if it.outbox.push(kind, text) && matches!(kind, Kind::Boxes(_)) {
            self.counts.conflated += 1;
        }
        let is_too_much = if it.role == Role::Processor {
            it.outbox.plain() > MAX_WAITING_PROCESSOR || it.outbox.bytes() > MAX_WAITING_BYTES
        } else {
            it.outbox.plain() > MAX_WAITING_CLIENT
        };
        if is_too_much {
            self.close(key, close::SLOW, effects);
        } else if was_empty {
            effects.push(Effect::Wake(key));
        }
    }

    /// All connections that are not closed.
    fn open(&self) -> impl Iterator<Item = (&u64, &Connection)> {
        self.connections.iter().filter(|(_, it)| it.close.is_none())
    }

    /// Those of them for which this holds.
    fn keys(&self, holds: impl Fn(&Connection) -> bool) -> Vec<u64> {
        self.open().filter(|(_, it)| holds(it)).map(|(key, _)| *key).collect()
    }
}

fn text(message: &impl serde::Serialize) -> Text {
    wire::write(message).into()
}

#[cfg(test)]
mod tests;
