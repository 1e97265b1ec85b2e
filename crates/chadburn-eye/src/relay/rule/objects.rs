//! The objects that are tracked, what they look like, and which are not to be tracked any more.

use std::collections::VecDeque;

use crate::relay::outbox::Text;
use crate::wire::{CameraId, ObjectId, Tracked};

/// The most objects.
pub const MAX_OBJECTS: usize = 256;

/// How many of those that were stopped are remembered: a processor that was away may come back with one.
pub const MAX_STOPPED: usize = 1_024;

/// All objects.
#[derive(Debug)]
pub(super) struct Objects {
    /// Those that are tracked; the one that was heard of last is last.
    tracked: Vec<Object>,
    /// Those that were stopped, oldest first.
    stopped: VecDeque<ObjectId>,
    /// Above all that were ever seen; `None` above the largest number.
    next: Option<ObjectId>,
}

#[derive(Debug)]
struct Object {
    id: ObjectId,
    /// The camera it was started at.
    camera: Option<CameraId>,
    /// The message that says what it looks like.
    map: Option<Text>,
}

impl Objects {
    /// None yet; the first that is started here has at least this number.
    pub(super) fn new(first: ObjectId) -> Self {
        Self { tracked: Vec::new(), stopped: VecDeque::new(), next: Some(first) }
    }

    /// This number is somebody's.
    pub(super) fn see(&mut self, id: ObjectId) {
        if self.next.is_some_and(|next| id >= next) {
            self.next = id.next();
        }
    }

    /// A new object, at this camera. And one that is forgotten for it, if it is one too many.
    pub(super) fn start(&mut self, camera: CameraId) -> (ObjectId, Option<ObjectId>) {
        let id = self.next.unwrap_or_else(|| self.unused());
        self.see(id);
        (id, self.put(Object { id, camera: Some(camera), map: None }))
    }

    /// This message says what the object looks like. Returns one that is forgotten for it, if it is one too many.
    pub(super) fn update(&mut self, id: ObjectId, map: Text) -> Option<ObjectId> {
        self.see(id);
        let known = self.tracked.iter().position(|it| it.id == id);
        let camera = known.and_then(|index| self.tracked.remove(index).camera);
        self.put(Object { id, camera, map: Some(map) })
    }

    /// The object is not to be tracked any more. Whether that is new.
    pub(super) fn stop(&mut self, id: ObjectId) -> bool {
        self.see(id);
        self.tracked.retain(|it| it.id != id);
        if self.is_stopped(id) {
            return false;
        }
        if self.stopped.len() == MAX_STOPPED {
            self.stopped.pop_front();
        }
        self.stopped.push_back(id);
        true
    }

    /// Whether the object is not to be tracked any more.
    pub(super) fn is_stopped(&self, id: ObjectId) -> bool {
        self.stopped.contains(&id)
    }

    /// What all objects look like, in the order in which it was said.
    pub(super) fn maps(&self) -> impl Iterator<Item = &Text> {
        self.tracked.iter().filter_map(|it| it.map.as_ref())
    }

    /// All objects, for those who show them.
    pub(super) fn list(&self) -> Vec<Tracked> {
        let tracked = |it: &Object| Tracked {
            object_id: it.id,
            camera_id: it.camera.clone(),
            has_map: it.map.is_some(),
        };
        self.tracked.iter().map(tracked).collect()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.tracked.len()
    }

    /// Whether this one is tracked, and known by its looks.
    pub(super) fn has_map(&self, id: ObjectId) -> bool {
        self.tracked.iter().any(|it| it.id == id && it.map.is_some())
    }

    /// Adds an object. Where there is no room the oldest is forgotten, and one of which no map came before any other.
    fn put(&mut self, object: Object) -> Option<ObjectId> {
        let forgotten = (self.tracked.len() >= MAX_OBJECTS).then(|| {
            let mapless = self.tracked.iter().position(|it| it.map.is_none());
            self.tracked.remove(mapless.unwrap_or(0)).id
        });
        self.tracked.push(object);
        forgotten
    }

    /// The smallest number that nobody is known to have: somebody has had the largest.
    fn unused(&self) -> ObjectId {
        let is_used = |id| self.is_stopped(id) || self.tracked.iter().any(|it| it.id == id);
        let mut numbers = (0..).map_while(|number| ObjectId::try_from(number).ok());
        numbers.find(|id| !is_used(*id)).expect("few of all numbers are used")
    }
}
