//! Messages between processors, the relay and clients, one alone and many in a row.

use std::time::Duration;

use chadburn_eye::relay::rule::{Effect, Event, Next, Role, Rule, Said, close};
use chadburn_eye::wire::{
    self, Boxes, FromClient, FromProcessor, MAX_BOXES, MAX_FEATURES, ObjectId, ToClient,
    ToProcessor,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A message is understood and within its bounds, and says the same when it is written again; or it is refused in one
/// line.
pub(crate) fn message(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match again::<FromProcessor>(text) {
        Some(FromProcessor::Identifier { id }) => {
            assert!((1..=128).contains(&id.as_str().len()) && !id.as_str().contains('\n'));
        }
        Some(FromProcessor::BoundingBoxes(boxes)) => bounded(&boxes),
        Some(FromProcessor::FeatureMap(update)) => {
            assert!(update.feature_map.len() <= MAX_FEATURES);
            assert!(update.feature_map.iter().all(|it| it.is_finite()));
        }
        None => {}
    }
    if let Some(FromClient::Start { target, .. }) = again(text) {
        assert!(target.image.is_some() || target.frame_id.is_some() && target.box_id.is_some());
    }
    again::<ToProcessor>(text);
    if let Some(ToClient::BoundingBoxes { boxes, .. }) = again(text) {
        bounded(&boxes);
    }
}

fn again<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(text: &str) -> Option<T> {
    match wire::read::<T>(text) {
        Ok(message) => {
            let written = wire::write(&message);
            assert_eq!(wire::read::<T>(&written).as_ref(), Ok(&message), "{written}");
            Some(message)
        }
        Err(why) => {
            assert!((1..=200).contains(&why.len()) && !why.contains(char::is_control), "{why:?}");
            None
        }
    }
}

fn bounded(Boxes { frame_id, boxes }: &Boxes) {
    assert!(frame_id.is_finite() && boxes.len() <= MAX_BOXES);
    for it in boxes {
        let [left, top, right, bottom] = it.rect.edges();
        assert!(0.0 <= left && left <= right && right <= 1.0, "{it:?}");
        assert!(0.0 <= top && top <= bottom && bottom <= 1.0, "{it:?}");
        assert!(it.certainty.is_finite());
        assert!(it.object_id.is_none_or(|it| it.get() < 1 << 53));
    }
}

/// Who says what of the lines that come.
const ROLES: [Role; 4] = [Role::Processor, Role::Processor, Role::Client, Role::Panel];

/// Lines to a relay, each of whom its first byte says. Whatever they are, what everybody is sent can be read, and
/// nobody but who speaks nonsense is closed.
pub(crate) fn lines(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut rule = Rule::new(ObjectId::default());
    let mut effects = Vec::new();
    for (key, role) in (0..).zip(ROLES) {
        rule.step(Duration::ZERO, Event::Joined(key, role), &mut effects);
    }
    for line in text.lines() {
        let Some((who, said)) = line.split_at_checked(1) else { continue };
        let key = u64::from(who.as_bytes()[0] % 4);
        rule.step(Duration::ZERO, Event::Heard(key, Said::Text(said)), &mut effects);
        assert!(rule.objects() <= 256 && rule.cameras().len() <= 2);
        for (key, role) in (0..).zip(ROLES) {
            read_all(&mut rule, key, role);
        }
    }
    let lines = effects.iter().filter_map(|it| match it {
        Effect::Log(_, line) => Some(line),
        _ => None,
    });
    assert!(lines.into_iter().all(|line| !line.contains(char::is_control)));
}

fn read_all(rule: &mut Rule, key: u64, from: Role) {
    loop {
        match rule.take(key) {
            Next::Nothing => return,
            Next::Text(text) if from == Role::Processor => {
                assert!(wire::read::<ToProcessor>(&text).is_ok(), "{text}");
            }
            Next::Text(text) => assert!(wire::read::<ToClient>(&text).is_ok(), "{text}"),
            Next::Close(why) => {
                assert!(
                    [close::UNIDENTIFIED, close::BAD, close::REPLACED].contains(&why),
                    "{why:?}"
                );
            }
            Next::Ping => unreachable!("no time passes"),
        }
    }
}
