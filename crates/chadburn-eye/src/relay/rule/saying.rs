//! What processors and clients say, and what it leads to.

use chadburn_host::log::escaped;

use super::bounds::{MAX_PROCESSORS, MAX_WAITING_START};
use super::events::{Effect, Role, close};
use super::objects::{MAX_OBJECTS, MAX_STOPPED};
use super::{Rule, text};
use crate::relay::outbox::Kind;
use crate::wire::{
    self, Boxes, CameraId, FromClient, FromProcessor, ObjectId, Target, ToClient, ToProcessor,
    Update,
};

impl Rule {
    pub(super) fn processor_said(
        &mut self,
        key: u64,
        camera: CameraId,
        text: &str,
        effects: &mut Vec<Effect>,
    ) -> Result<(), String> {
        match wire::read(text)? {
            FromProcessor::Identifier { .. } => return Err("it has said who it is".into()),
            FromProcessor::BoundingBoxes(boxes) => self.boxes(key, camera, boxes, effects),
            FromProcessor::FeatureMap(update) => self.update(key, update, effects),
        }
        Ok(())
    }

    pub(super) fn client_said(
        &mut self,
        key: u64,
        text: &str,
        effects: &mut Vec<Effect>,
    ) -> Result<(), String> {
        match wire::read(text)? {
            FromClient::Start { camera_id, target } => self.start(key, camera_id, target, effects),
            FromClient::Stop { object_id } => self.stop(object_id, effects),
        }
        Ok(())
    }

    /// A processor has said which camera it is.
    pub(super) fn identified(&mut self, key: u64, camera: CameraId, effects: &mut Vec<Effect>) {
        let older = self.cameras.get(&camera).copied();
        if older.is_none() && self.cameras.len() >= MAX_PROCESSORS {
            return self.close(key, close::FULL, effects);
        }
        if let Some(older) = older {
            self.close(older, close::REPLACED, effects);
        }
        effects.push(Effect::Log(false, format!("{}: connected", escaped(camera.as_str()))));
        if let Some(it) = self.connections.get_mut(&key) {
            it.camera = Some(camera.clone());
        }
        self.cameras.insert(camera, key);
        let maps: Vec<_> = self.objects.maps().cloned().collect();
        for map in maps {
            self.push(key, Kind::Plain, map, effects);
        }
        self.tell_cameras(effects);
    }

    fn boxes(&mut self, key: u64, camera_id: CameraId, boxes: Boxes, effects: &mut Vec<Effect>) {
        self.counts.boxes += 1;
        for object in boxes.boxes.iter().filter_map(|it| it.object_id) {
            self.objects.see(object);
            if self.objects.is_stopped(object) {
                self.remind(key, object, effects);
            }
        }
        let text = text(&ToClient::BoundingBoxes { camera_id, boxes });
        for client in self.keys(|it| it.role != Role::Processor) {
            self.push(client, Kind::Boxes(key), text.clone(), effects);
        }
    }

    fn update(&mut self, key: u64, update: Update, effects: &mut Vec<Effect>) {
        let object = update.object_id;
        if self.objects.is_stopped(object) {
            self.counts.late_updates += 1;
            return self.remind(key, object, effects);
        }
        self.counts.updates += 1;
        let is_new = !self.objects.has_map(object);
        let text = text(&ToProcessor::FeatureMap(update));
        if let Some(forgotten) = self.objects.update(object, text.clone()) {
            self.forgotten(forgotten, effects);
        }
        for other in self.keys(|it| it.camera.is_some()) {
            if other != key {
                self.push(other, Kind::Plain, text.clone(), effects);
            }
        }
        if is_new {
            self.tell_objects(effects);
        }
    }

    fn start(&mut self, key: u64, camera_id: CameraId, target: Target, effects: &mut Vec<Effect>) {
        let camera = self.cameras.get(&camera_id).copied();
        let waits = |key| self.connections.get(&key).map_or(0, |it| it.outbox.bytes());
        let refused = match camera {
            None => Some("no such camera is connected"),
            Some(key) if waits(key) > MAX_WAITING_START => Some("the camera is too slow"),
            Some(_) => None,
        };
        let answer = if let (None, Some(camera)) = (refused, camera) {
            self.counts.starts += 1;
            let (object_id, forgotten) = self.objects.start(camera_id.clone());
            if let Some(forgotten) = forgotten {
                self.forgotten(forgotten, effects);
            }
            effects.push(Effect::Log(
                false,
                format!("{}: start of {object_id}", escaped(camera_id.as_str())),
            ));
            let start = text(&ToProcessor::Start { object_id, target });
            self.push(camera, Kind::Plain, start, effects);
            self.tell_objects(effects);
            ToClient::Started { object_id, camera_id }
        } else {
            self.counts.refused_starts += 1;
            let reason = refused.unwrap_or_default().to_owned();
            ToClient::Refused { camera_id, reason }
        };
        if self.connections.get(&key).is_some_and(|it| it.role == Role::Panel) {
            self.push(key, Kind::Plain, text(&answer), effects);
        }
    }

    fn stop(&mut self, object_id: ObjectId, effects: &mut Vec<Effect>) {
        if !self.objects.stop(object_id) {
            return;
        }
        self.counts.stops += 1;
        effects.push(Effect::Log(false, format!("stop of {object_id}")));
        let stop = text(&ToProcessor::Stop { object_id });
        for processor in self.keys(|it| it.camera.is_some()) {
            self.push(processor, Kind::Plain, stop.clone(), effects);
        }
        self.tell_objects(effects);
    }

    /// Tells a processor, once, that an object it knows was stopped while it was away.
    fn remind(&mut self, key: u64, object_id: ObjectId, effects: &mut Vec<Effect>) {
        let Some(it) = self.connections.get_mut(&key) else { return };
        if it.reminded.len() < MAX_STOPPED && it.reminded.insert(object_id) {
            let stop = text(&ToProcessor::Stop { object_id });
            self.push(key, Kind::Plain, stop, effects);
        }
    }

    fn forgotten(&mut self, object: ObjectId, effects: &mut Vec<Effect>) {
        self.counts.forgotten += 1;
        let line = format!("{object} is forgotten: there are more than {MAX_OBJECTS} objects");
        effects.push(Effect::Log(true, line));
    }
}
