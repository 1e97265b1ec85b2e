//! What a station makes sure of in the rolls that it hears.

use std::collections::HashSet;

use serde_json::Value;
use uuid::Uuid;

use super::ask::How;
use super::{Client, View};

/// How many answers and names a roll lists at most.
const LISTED: usize = 200;

impl Client {
    /// A roll is of an order, is not older than the state before it, and names nobody who has not
    /// answered that order.
    pub(super) fn roll(&mut self, value: &Value, view: &View<'_>) -> Result<(), String> {
        let order = value["order"].as_u64();
        let before = self.heard.roll.as_ref().and_then(|roll| roll["order"].as_u64());
        // The first may still be the one that everybody else heard last.
        let first = self.heard.roll.is_none();
        if order < before || (!first && order < self.heard.order) {
            return Err(format!("a roll of {order:?} after {before:?} and {:?}", self.heard.order));
        }
        let list = |name: &str| value[name].as_array().ok_or("a roll without a list");
        let (answers, named) = (list("answers")?, list("named")?);
        let mut stations = HashSet::new();
        for answer in answers {
            let station: Option<Uuid> = answer["station"].as_str().and_then(|id| id.parse().ok());
            let claims = view.model.claims.borrow();
            let claimed = station.is_some_and(|station| claims.contains(&(order, station)));
            if !claimed || !stations.insert(station) {
                return Err(format!("nobody gave {order:?} the answer {answer}"));
            }
        }
        if answers.len() > LISTED || named.len() > LISTED {
            return Err(format!("{} answers and {} names are listed", answers.len(), named.len()));
        }
        self.heard.roll = Some(value.clone());
        Ok(())
    }

    /// Nothing has changed for long: the roll says who is there, what this station is called and
    /// how it has answered. `present`: how many stations there are, and the order's number.
    pub fn judge_roll(&self, stations: usize, order: Option<u64>) {
        let Some(roll) = &self.heard.roll else {
            return self.book.fail(format!("{} has heard no roll", self.id));
        };
        let named = roll["named"].as_array();
        let is_named = self.name.as_deref().is_none_or(|name| {
            named.is_some_and(|named| named.iter().any(|one| one.as_str() == Some(name)))
        });
        let so = roll["stations"] == stations && is_named;
        self.book.hold(so, || {
            format!("{} ({:?}) hears {roll}, and {stations} are there", self.id, self.name)
        });
        if let Some(how) = self.said.filter(|how| Some(how.order) == order && !self.again) {
            let How { coming, .. } = how;
            let answers = roll["answers"].as_array().into_iter().flatten();
            let mut own = answers.filter(|answer| answer["station"] == self.id.to_string());
            let own = own.next().map(|own| own["coming"].as_bool());
            self.book.hold(roll["order"].as_u64() == order && own == Some(coming), || {
                format!("{} has said {how:?}, and the roll is {roll}", self.id)
            });
        }
    }
}
