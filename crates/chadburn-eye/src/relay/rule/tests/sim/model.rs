//! What a relay has to do, once more and in other words: who is owed what, and who is closed why.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde_json::{Value, json};

use crate::relay::rule::{Next, Role};

/// One connection.
struct Peer {
    role: Role,
    camera: Option<String>,
    joined: Duration,
    heard: Duration,
    asked: Duration,
    ping: bool,
    bad: u32,
    reminded: BTreeSet<u64>,
    /// What has to come in this order.
    plain: VecDeque<Value>,
    /// The newest boxes of each camera's connection.
    boxes: BTreeMap<u64, Value>,
    /// The last boxes of those that are gone.
    last_boxes: Vec<Value>,
    /// The newest list of each kind.
    lists: BTreeMap<&'static str, Value>,
    /// The close frame that it is owed, or was.
    code: Option<u16>,
    is_told: bool,
    has_taken_it: bool,
}

/// An object: its number, its camera, its map.
type Object = (u64, Option<String>, Option<Value>);

pub(super) struct Model {
    peers: BTreeMap<u64, Peer>,
    objects: Vec<Object>,
    stopped: VecDeque<u64>,
    above: u64,
    beat: Duration,
}

impl Model {
    pub(super) fn new(first: u64) -> Self {
        let (peers, objects) = (BTreeMap::new(), Vec::new());
        Self { peers, objects, stopped: VecDeque::new(), above: first, beat: Duration::ZERO }
    }

    pub(super) fn is_camera(&self, key: u64) -> bool {
        self.peers[&key].camera.is_some()
    }

    pub(super) fn cameras(&self) -> Vec<&str> {
        let mut all: Vec<_> = self.peers.values().filter_map(|it| it.camera.as_deref()).collect();
        all.sort_unstable();
        all
    }

    pub(super) fn objects(&self) -> usize {
        self.objects.len()
    }

    pub(super) fn clients(&self) -> usize {
        self.count(|it| it.role != Role::Processor)
    }

    fn count(&self, holds: impl Fn(&Peer) -> bool) -> usize {
        self.peers.values().filter(|it| it.code.is_none() && holds(it)).count()
    }

    pub(super) fn is_owed(&self, key: u64) -> bool {
        let it = &self.peers[&key];
        let something = !it.plain.is_empty() || !it.boxes.is_empty() || !it.last_boxes.is_empty();
        if it.code.is_some() {
            !it.has_taken_it
        } else {
            something || !it.lists.is_empty() || it.ping
        }
    }

    pub(super) fn join(&mut self, now: Duration, key: u64, role: Role) {
        let is_full = if role == Role::Processor {
            self.count(|it| it.role == role && it.camera.is_none()) >= 64
        } else {
            self.clients() >= 256
        };
        let peer = Peer {
            role,
            camera: None,
            joined: now,
            heard: now,
            asked: now,
            ping: false,
            bad: 0,
            reminded: BTreeSet::new(),
            plain: VecDeque::new(),
            boxes: BTreeMap::new(),
            last_boxes: Vec::new(),
            lists: BTreeMap::new(),
            code: None,
            is_told: false,
            has_taken_it: false,
        };
        self.peers.insert(key, peer);
        if is_full {
            self.close(key, 1013);
        } else if role == Role::Panel {
            let lists = [("cameras", self.camera_list()), ("objects", self.object_list())];
            self.peer(key).lists.extend(lists);
        }
    }

    pub(super) fn leave(&mut self, key: u64) {
        self.part(key);
        self.peers.remove(&key);
    }

    pub(super) fn shutdown(&mut self) {
        for key in self.keys(|_| true) {
            self.close(key, 1001);
        }
    }

    pub(super) fn tick(&mut self, now: Duration) {
        let second = Duration::from_secs(1);
        let since = |then| now.saturating_sub(then);
        for key in self.keys(|_| true) {
            let it = self.peer(key);
            let is_unknown = it.role == Role::Processor && it.camera.is_none();
            if (is_unknown && since(it.joined) >= 10 * second) || since(it.heard) >= 40 * second {
                self.close(key, 1008);
            } else if since(it.heard) >= 15 * second && since(it.asked) >= 15 * second {
                (it.asked, it.ping) = (now, true);
            }
        }
        if since(self.beat) >= 4 * second {
            self.beat = now;
            self.list("cameras");
        }
    }

    /// A frame that is no text, and the code that it is closed with.
    pub(super) fn frame(&mut self, now: Duration, key: u64, code: Option<u16>) {
        let it = self.peer(key);
        if it.code.is_none() {
            it.heard = now;
            if let Some(code) = code {
                self.close(key, code);
            }
        }
    }

    pub(super) fn say(&mut self, now: Duration, key: u64, message: &Value) {
        let it = self.peer(key);
        if it.code.is_some() {
            return;
        }
        it.heard = now;
        let (role, camera) = (it.role, it.camera.clone());
        let number = |name: &str| message[name].as_u64();
        match (role, camera, message["type"].as_str().unwrap()) {
            (Role::Processor, None, "identifier") => {
                self.identify(key, message["id"].as_str().unwrap());
            }
            (Role::Processor, None, _) => self.close(key, 1008),
            (Role::Processor, Some(camera), "boundingBoxes") => {
                if let Some(object) = message["boxes"][0]["objectId"].as_u64() {
                    self.above = self.above.max(object + 1);
                    self.remind(key, object);
                }
                let mut message = message.clone();
                message["cameraId"] = json!(camera);
                for client in self.keys(|it| it.role != Role::Processor) {
                    self.peer(client).boxes.insert(key, message.clone());
                    self.judge(client);
                }
            }
            (Role::Processor, Some(_), "featureMap") => {
                self.update(key, number("objectId").unwrap(), message);
            }
            (Role::Client | Role::Panel, _, "start") if message["cameraId"].is_string() => {
                self.start(key, message);
            }
            (Role::Client | Role::Panel, _, "stop") => self.stop(number("objectId").unwrap()),
            _ => {
                let it = self.peer(key);
                it.bad += 1;
                if it.bad == 100 {
                    self.close(key, 1008);
                }
            }
        }
    }

    fn identify(&mut self, key: u64, id: &str) {
        let older = self.peers.iter().find(|(_, it)| it.camera.as_deref() == Some(id));
        match older.map(|(key, _)| *key) {
            Some(older) => self.close(older, 4001),
            None if self.cameras().len() == 64 => return self.close(key, 1013),
            None => {}
        }
        let maps = self.objects.iter().filter_map(|(.., map)| map.clone()).collect();
        let it = self.peer(key);
        (it.camera, it.plain) = (Some(id.to_owned()), maps);
        self.list("cameras");
    }

    fn update(&mut self, key: u64, object: u64, message: &Value) {
        if self.remind(key, object) {
            return;
        }
        self.above = self.above.max(object + 1);
        let known = self.objects.iter().position(|it| it.0 == object);
        let had_map = known.is_some_and(|index| self.objects[index].2.is_some());
        let camera = known.and_then(|index| self.objects.remove(index).1);
        self.make_room();
        self.objects.push((object, camera, Some(message.clone())));
        for other in self.keys(|it| it.camera.is_some()) {
            if other != key {
                self.owe(other, message);
            }
        }
        // The list says in which order maps came, which nobody sees; it is told with the next change.
        if !had_map {
            self.list("objects");
        }
    }

    fn start(&mut self, key: u64, message: &Value) {
        let camera = message["cameraId"].as_str().unwrap();
        let found = self.keys(|it| it.camera.as_deref() == Some(camera)).first().copied();
        let answer = if let Some(processor) = found {
            let object = self.above;
            self.above += 1;
            self.make_room();
            self.objects.push((object, Some(camera.to_owned()), None));
            let mut start = message.clone();
            start["objectId"] = json!(object);
            start.as_object_mut().unwrap().remove("cameraId");
            self.owe(processor, &start);
            self.list("objects");
            json!({"type": "started", "objectId": object, "cameraId": camera})
        } else {
            let reason = "no such camera is connected";
            json!({"type": "refused", "cameraId": camera, "reason": reason})
        };
        if self.peer(key).role == Role::Panel {
            self.owe(key, &answer);
        }
    }

    fn stop(&mut self, object: u64) {
        self.above = self.above.max(object + 1);
        self.objects.retain(|it| it.0 != object);
        if self.stopped.contains(&object) {
            return;
        }
        self.stopped.push_back(object);
        for processor in self.keys(|it| it.camera.is_some()) {
            self.owe(processor, &json!({"type": "stop", "objectId": object}));
        }
        self.list("objects");
    }

    /// Whether the object was stopped; its processor is told so once.
    fn remind(&mut self, key: u64, object: u64) -> bool {
        let is_stopped = self.stopped.contains(&object);
        if is_stopped && self.peer(key).reminded.insert(object) {
            self.owe(key, &json!({"type": "stop", "objectId": object}));
        }
        is_stopped
    }

    fn make_room(&mut self) {
        if self.objects.len() == 256 {
            let mapless = self.objects.iter().position(|(.., map)| map.is_none());
            self.objects.remove(mapless.unwrap_or(0));
        }
    }

    fn owe(&mut self, key: u64, message: &Value) {
        self.peer(key).plain.push_back(message.clone());
        self.judge(key);
    }

    /// Closes whoever is owed too much.
    fn judge(&mut self, key: u64) {
        let it = self.peer(key);
        let most = if it.role == Role::Processor { 1_024 } else { 256 };
        if it.code.is_none() && it.plain.len() + it.last_boxes.len() > most {
            self.close(key, 1013);
        }
    }

    fn close(&mut self, key: u64, code: u16) {
        self.peer(key).code = Some(code);
        self.part(key);
    }

    fn part(&mut self, key: u64) {
        if self.peer(key).camera.take().is_some() {
            for it in self.peers.values_mut() {
                it.last_boxes.extend(it.boxes.remove(&key));
            }
            self.list("cameras");
        }
    }

    fn list(&mut self, kind: &'static str) {
        let list = if kind == "cameras" { self.camera_list() } else { self.object_list() };
        for panel in self.keys(|it| it.role == Role::Panel) {
            self.peer(panel).lists.insert(kind, list.clone());
            self.judge(panel);
        }
    }

    fn camera_list(&self) -> Value {
        json!({"type": "cameras", "cameras": self.cameras()})
    }

    fn object_list(&self) -> Value {
        let object = |(id, camera, map): &Object| match camera {
            Some(camera) => json!({"objectId": id, "cameraId": camera, "hasMap": map.is_some()}),
            None => json!({"objectId": id, "hasMap": map.is_some()}),
        };
        json!({"type": "objects", "objects": self.objects.iter().map(object).collect::<Vec<_>>()})
    }

    pub(super) fn told_to_close(&mut self, seed: u64, key: u64) {
        let it = self.peer(key);
        assert!(
            it.code.is_some() && !it.is_told,
            "seed {seed}: {key} is closed, and should not be"
        );
        it.is_told = true;
    }

    /// Judges what a connection has taken. Whether it was anything.
    pub(super) fn taken(&mut self, seed: u64, key: u64, next: &Next) -> bool {
        let owed = self.is_owed(key);
        let it = self.peer(key);
        match next {
            Next::Nothing => assert!(!owed, "seed {seed}: {key} is owed more"),
            Next::Close(close) => {
                assert_eq!(it.code, Some(close.code), "seed {seed}: {key}");
                assert!(it.is_told && !it.has_taken_it, "seed {seed}: {key} is closed once");
                it.has_taken_it = true;
            }
            Next::Ping => assert!(std::mem::take(&mut it.ping), "seed {seed}: {key} is asked"),
            Next::Text(text) => {
                assert_eq!(it.code, None, "seed {seed}: {key} is closed, and hears");
                let message: Value = serde_json::from_str(text).unwrap();
                let kind = message["type"].as_str().unwrap();
                if it.lists.get(kind) == Some(&message) {
                    it.lists.remove(kind);
                } else if let Some(index) = it.last_boxes.iter().position(|it| *it == message) {
                    it.last_boxes.remove(index);
                } else if let Some(key) =
                    it.boxes.iter().find(|(_, it)| **it == message).map(|(key, _)| *key)
                {
                    it.boxes.remove(&key);
                } else {
                    assert_eq!(it.plain.pop_front(), Some(message), "seed {seed}: {key}");
                }
            }
        }
        *next != Next::Nothing
    }

    pub(super) fn check_empty(&self, seed: u64) {
        for key in self.peers.keys() {
            assert!(!self.is_owed(*key), "seed {seed}: {key} is owed something at the end");
        }
    }

    fn keys(&self, holds: impl Fn(&Peer) -> bool) -> Vec<u64> {
        let open = self.peers.iter().filter(|(_, it)| it.code.is_none() && holds(it));
        open.map(|(key, _)| *key).collect()
    }

    fn peer(&mut self, key: u64) -> &mut Peer {
        self.peers.get_mut(&key).unwrap()
    }
}
