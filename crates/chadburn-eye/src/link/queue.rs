//! What waits to be said to the orchestrator, and in which order.
//!
//! Pure. Maps go first, none of them is lost, and all of ours are said again on each connection. Boxes are old
//! after a moment: only so many of the newest wait.

use std::collections::{BTreeMap, VecDeque};

use crate::wire::{Boxes, FromProcessor, ObjectId, Update};

/// How many frames' boxes wait: some six seconds.
const BOXES: usize = 64;

/// How many objects of ours there may be, as many as the relay keeps.
pub(super) const OBJECTS: usize = 256;

/// What waits.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// The maps that were made here.
    own: BTreeMap<ObjectId, Vec<f64>>,
    /// Those of them that have still to be said, in this order.
    updates: VecDeque<ObjectId>,
    boxes: VecDeque<Boxes>,
    dropped: u64,
}

impl Queue {
    /// What was seen in a frame.
    pub(super) fn see(&mut self, boxes: Boxes) {
        if self.boxes.len() == BOXES {
            self.boxes.pop_front();
            self.dropped += 1;
        }
        self.boxes.push_back(boxes);
    }

    /// What an object looks like, as was found here. False if there are too many.
    pub(super) fn learn(&mut self, Update { object_id, feature_map }: Update) -> bool {
        if self.own.len() >= OBJECTS && !self.own.contains_key(&object_id) {
            return false;
        }
        self.own.insert(object_id, feature_map);
        if !self.updates.contains(&object_id) {
            self.updates.push_back(object_id);
        }
        true
    }

    /// Nobody looks for this object any more.
    pub(super) fn forget(&mut self, object_id: ObjectId) {
        self.own.remove(&object_id);
        self.updates.retain(|it| *it != object_id);
    }

    /// There is a connection, and whoever is at the other end may know nothing.
    pub(super) fn up(&mut self) {
        let others = self.own.keys().filter(|it| !self.updates.contains(it));
        let again: Vec<_> = others.copied().collect();
        self.updates.extend(again);
    }

    /// What is to be said next.
    pub(super) fn next(&self) -> Option<FromProcessor> {
        if let Some(object_id) = self.updates.front() {
            let feature_map = self.own.get(object_id).cloned().unwrap_or_default();
            let object_id = *object_id;
            return Some(FromProcessor::FeatureMap(Update { object_id, feature_map }));
        }
        self.boxes.front().cloned().map(FromProcessor::BoundingBoxes)
    }

    /// That was taken by the link.
    pub(super) fn taken(&mut self) {
        if self.updates.pop_front().is_none() {
            self.boxes.pop_front();
        }
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.updates.is_empty() && self.boxes.is_empty()
    }

    /// How many frames' boxes were left out.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> ObjectId {
        ObjectId::try_from(number).unwrap()
    }

    fn learn(queue: &mut Queue, object: u64, value: f64) -> bool {
        queue.learn(Update { object_id: id(object), feature_map: vec![value] })
    }

    fn see(queue: &mut Queue, frame_id: f64) {
        queue.see(Boxes { frame_id, boxes: Vec::new() });
    }

    /// All that is said, in short: `m` with object and value, `b` with the frame.
    fn said(queue: &mut Queue) -> Vec<String> {
        let mut said = Vec::new();
        while let Some(message) = queue.next() {
            queue.taken();
            said.push(match message {
                FromProcessor::FeatureMap(it) => format!("m{}:{}", it.object_id, it.feature_map[0]),
                FromProcessor::BoundingBoxes(it) => format!("b{}", it.frame_id),
                FromProcessor::Identifier { .. } => unreachable!("the link says it"),
            });
        }
        said
    }

    #[test]
    fn maps_go_first_and_each_as_it_is_now() {
        let mut queue = Queue::default();
        see(&mut queue, 1.0);
        learn(&mut queue, 7, 0.5);
        learn(&mut queue, 3, 0.25);
        see(&mut queue, 2.0);
        learn(&mut queue, 7, 0.75);
        assert!(!queue.is_empty());
        assert_eq!(said(&mut queue), ["m7:0.75", "m3:0.25", "b1", "b2"]);
        assert!(queue.is_empty());
    }

    #[test]
    fn of_boxes_the_newest_stay_and_in_their_order() {
        let mut queue = Queue::default();
        for frame in 0..1_000 {
            see(&mut queue, f64::from(frame));
        }
        let expected: Vec<_> = (936..1_000).map(|frame| format!("b{frame}")).collect();
        assert_eq!(said(&mut queue), expected);
        assert_eq!(queue.dropped(), 936);
    }

    #[test]
    fn on_each_connection_all_maps_of_ours_are_said_again() {
        let mut queue = Queue::default();
        learn(&mut queue, 1, 0.1);
        learn(&mut queue, 2, 0.2);
        assert_eq!(said(&mut queue), ["m1:0.1", "m2:0.2"]);
        learn(&mut queue, 3, 0.3);
        see(&mut queue, 9.0);
        queue.up();
        queue.up();
        assert_eq!(said(&mut queue), ["m3:0.3", "m1:0.1", "m2:0.2", "b9"], "each once");
        queue.forget(id(2));
        queue.up();
        queue.forget(id(3));
        assert_eq!(said(&mut queue), ["m1:0.1"]);
    }

    #[test]
    fn there_are_not_more_objects_than_anybody_can_look_for() {
        let mut queue = Queue::default();
        for object in 0..256 {
            assert!(learn(&mut queue, object, 0.5));
        }
        assert!(!learn(&mut queue, 256, 0.5));
        assert!(learn(&mut queue, 255, 0.75), "one that is known");
        queue.forget(id(0));
        assert!(learn(&mut queue, 256, 0.5));
        assert_eq!(said(&mut queue).len(), 256);
    }
}
