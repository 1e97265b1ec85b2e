//! What a request comes to, whether a station makes it or an HTTP client.

use std::net::IpAddr;
use std::sync::Arc;

use chadburn_v1::{By, Code};
use uuid::Uuid;

use super::lines::LineKind;
use super::roll::How;
use super::write_queue::{PendingWrite, STALE};
use super::{Asker, Author, Hub};
use crate::clock::Now;
use crate::file::File;
use crate::hub::{Ask, Effect, Key};
use crate::policy::{Act, Peer, Refusal};
use crate::session::{ResponseFormat, StationResponse, Want};
use crate::wire::text;
use chadburn_host::log::escaped;

/// What is known of whoever asks for something.
#[derive(Debug)]
struct Requester {
    /// Who waits for the answer.
    asker: Asker,
    /// The station that it is credited to.
    station_id: Uuid,
    /// What that station is called.
    who: Option<Arc<str>>,
    /// The other end.
    peer: Peer,
}

impl Requester {
    /// The address of one that has not given the token.
    fn untrusted_address(&self) -> Option<IpAddr> {
        (!self.peer.trusted).then_some(self.peer.address)
    }
}

impl Hub {
    pub(super) fn heard(&mut self, now: Now, key: Key, message: &str, effects: &mut Vec<Effect>) {
        let Some(station) = self.station(key) else { return };
        let (id, from) = (station.session.station_id, station.session.peer.address);
        let heard = station.session.parse_message(message);
        if self.is_unproven(key) {
            // Nothing of it is logged: whoever has not given the token could write there what he likes.
            match heard {
                Ok((Want::Token(value), format)) => {
                    self.check_token(now, key, &value, &format, effects);
                }
                _ => Self::spoke_too_early(key, effects),
            }
            return;
        }
        // A token is nobody's business, and whoever reads the log is somebody.
        let secret = matches!(heard, Ok((Want::Token(_), _)));
        let shown = if secret { "(a token)" } else { message };
        let line = || format!("Message from Client {id}: {}", escaped(shown));
        self.log((LineKind::Message, Some(from)), line, effects);
        match heard {
            Ok((want, format)) => self.station_asks(now, key, want, format, effects),
            Err(message) => effects.push(Effect::Say { to: key, message }),
        }
    }

    fn station_asks(
        &mut self,
        now: Now,
        key: Key,
        want: Want,
        format: ResponseFormat,
        effects: &mut Vec<Effect>,
    ) {
        let Some(station) = self.station(key) else { return };
        let requester = Requester {
            asker: Asker::Station(key),
            station_id: station.session.station_id,
            who: station.session.name.clone(),
            peer: station.session.peer,
        };
        match want {
            Want::Name(name) => self.set_name(key, &name),
            Want::Token(value) => return self.check_token(now, key, &value, &format, effects),
            want => return self.handle_request(now, &requester, want, format, effects),
        }
        say(requester.asker, &format, StationResponse::Nothing, effects);
    }

    pub(super) fn asked(&mut self, now: Now, ticket: u64, ask: Ask, effects: &mut Vec<Effect>) {
        let Ask { mut peer, token, who, want, station_id } = ask;
        peer.trusted = token.is_some_and(|token| self.policy.visitors.is_token(&token));
        let who = who.filter(|who| !who.is_empty()).map(Into::into);
        let requester = Requester { asker: Asker::Http(ticket), station_id, who, peer };
        // HTTP ignores the form.
        self.handle_request(now, &requester, want, ResponseFormat::Request(None), effects);
    }

    /// Gives a station the name that it wants.
    fn set_name(&mut self, key: Key, name: &str) {
        let Some(station) = self.station_mut(key) else { return };
        station.session.name = (!name.is_empty()).then(|| name.into());
        let (id, name) = (station.session.station_id, station.session.name.clone());
        self.roll.rename(id, name.as_ref());
        self.roll_changed = true;
    }

    /// Checks the token that a station gives.
    fn check_token(
        &mut self,
        now: Now,
        key: Key,
        value: &str,
        format: &ResponseFormat,
        effects: &mut Vec<Effect>,
    ) {
        let known = self.policy.visitors.token.is_none() || self.policy.visitors.is_token(value);
        let Some(station) = self.station_mut(key) else { return };
        station.session.peer.trusted |= known;
        if known {
            say(Asker::Station(key), format, StationResponse::Nothing, effects);
            self.token_accepted(now, key, effects);
        } else {
            let response = StationResponse::Refused(Code::BadToken, "that is not the token");
            say(Asker::Station(key), format, response, effects);
            self.token_rejected(key, effects);
        }
    }

    fn handle_request(
        &mut self,
        now: Now,
        requester: &Requester,
        want: Want,
        format: ResponseFormat,
        effects: &mut Vec<Effect>,
    ) {
        let act = match want {
            Want::Accept(_) | Want::Answer { .. } => Some(Act::Answer),
            Want::Shutdown => Some(Act::Shutdown),
            Want::Order(_) => Some(Act::Order),
            _ => None,
        };
        let mut respond = |response| say(requester.asker, &format, response, effects);
        if let Some(Err(refusal)) = act.map(|act| self.policy.judge(&requester.peer, act)) {
            let code = match refusal {
                Refusal::TokenRequired => Code::TokenRequired,
                _ => Code::Refused,
            };
            return respond(StationResponse::Refused(code, &refusal.to_string()));
        }
        match want {
            Want::Nothing | Want::Name(_) | Want::Token(_) => respond(StationResponse::Nothing),
            Want::Echo(words) => respond(StationResponse::Line(&text::echo(&words))),
            Want::Base => respond(StationResponse::Line(&text::base(&self.base))),
            Want::File => respond(StationResponse::Line(&text::file(&self.status_name))),
            Want::Status => respond(StationResponse::Line(&text::status(self.telegraph.status()))),
            Want::Shutdown => {
                respond(StationResponse::Line(text::SHUTTING_DOWN));
                effects.push(Effect::AskShutdown);
            }
            Want::Accept(state) if !text::acceptable(&state) => {
                respond(StationResponse::Refused(Code::BadState, text::BAD_ACCEPT));
            }
            Want::Accept(text) => {
                self.enqueue_write(now, File::Accept, requester, format, text, None, effects);
            }
            Want::Order(status) => {
                // A name of the dial becomes its number, which every reader understands.
                let sector = self.dial.find(&status);
                let text = sector.map_or(status, |sector| sector.position.to_string());
                self.enqueue_write(now, File::Status, requester, format, text, None, effects);
            }
            Want::Answer { order, position, coming } => {
                let how = How { given: position, coming };
                self.answer_order(now, requester, format, order, how, effects);
            }
        }
    }

    /// An answer to the order with this number, or to the present one.
    fn answer_order(
        &mut self,
        now: Now,
        requester: &Requester,
        format: ResponseFormat,
        order: Option<u64>,
        how: How,
        effects: &mut Vec<Effect>,
    ) {
        let asker = requester.asker;
        let Some(present) = self.telegraph.order() else {
            let response = StationResponse::Refused(Code::NoOrder, "there is no order to answer");
            return say(asker, &format, response, effects);
        };
        let text = match how.given {
            None => present.status.text.to_string(),
            Some(position) if self.dial.sector(position).is_some() => position.to_string(),
            Some(_) => {
                let why = match self.dial.sectors {
                    [] => "there is no dial here, and so no position",
                    _ => "the dial has no such position",
                };
                let response = StationResponse::Refused(Code::NoPosition, why);
                return say(asker, &format, response, effects);
            }
        };
        let order = order.unwrap_or(present.seq);
        if present.seq != order {
            let (by, who) = (By::Station(requester.station_id), requester.who.clone());
            let author = Author { by, who, from: requester.untrusted_address() };
            let entry = self.telegraph.stale_entry(now, order, &text, author);
            effects.push(Effect::Record(entry));
            return say(asker, &format, StationResponse::Refused(Code::Stale, STALE), effects);
        }
        if self.roll.has(requester.station_id, how) {
            return say(asker, &format, StationResponse::Accepted(&text), effects);
        }
        if how.given.is_none() && how.coming == Some(false) {
            let after_ms = self.telegraph.millis_since_order(now).unwrap_or(0);
            self.roll.enter(requester.station_id, requester.who.clone(), Some(how), None, after_ms);
            self.roll_changed = true;
            return say(asker, &format, StationResponse::Nothing, effects);
        }
        self.enqueue_write(now, File::Accept, requester, format, text, Some((order, how)), effects);
    }

    /// Takes a text that is to go into a file. `answers`: for an answer, the order's number and how it was
    /// given.
    #[expect(clippy::too_many_arguments, reason = "each is a fact of the same waiting text")]
    fn enqueue_write(
        &mut self,
        now: Now,
        file: File,
        requester: &Requester,
        format: ResponseFormat,
        text: String,
        answers: Option<(u64, How)>,
        effects: &mut Vec<Effect>,
    ) {
        if let Asker::Station(key) = requester.asker {
            effects.push(Effect::Hold(key));
        }
        let Requester { asker, station_id, ref who, .. } = *requester;
        let (who, from) = (who.clone(), requester.untrusted_address());
        let (order, how) = answers.unzip();
        self.write_queue(file).push(PendingWrite {
            asker,
            station_id,
            who,
            from,
            format,
            text,
            order,
            how,
        });
        self.next_store(now, file, effects);
    }

    /// Starts the next write of a file, if none is in progress. A waiting answer to an older order is
    /// refused as stale; one that its station has already given is confirmed without a write.
    fn next_store(&mut self, now: Now, file: File, effects: &mut Vec<Effect>) {
        self.refuse_unanswered(file, effects);
        let (telegraph, roll) = (&self.telegraph, &self.roll);
        let present = telegraph.order().map(|order| order.seq);
        let queue = if file == File::Status { &mut self.orders } else { &mut self.replies };
        let started = queue.start(|waiting| {
            let response = match waiting.order {
                Some(order) if Some(order) != present => {
                    let entry = telegraph.stale_entry(now, order, &waiting.text, waiting.author());
                    effects.push(Effect::Record(entry));
                    StationResponse::Refused(Code::Stale, STALE)
                }
                Some(_) if waiting.how.is_some_and(|how| roll.has(waiting.station_id, how)) => {
                    StationResponse::Accepted(&waiting.text)
                }
                _ => return true,
            };
            say(waiting.asker, &waiting.format, response, effects);
            resume(waiting.asker, effects);
            false
        });
        if let Some((ticket, text)) = started {
            effects.push(Effect::Store { file, ticket, text });
        }
    }

    /// One write answers everybody who waited: only the last text is written, as if the earlier ones
    /// had been overwritten at once.
    pub(super) fn stored(
        &mut self,
        now: Now,
        file: File,
        ticket: u64,
        result: &Result<(), String>,
        effects: &mut Vec<Effect>,
    ) {
        let present = self.telegraph.order().map(|order| order.seq);
        let after_ms = self.telegraph.millis_since_order(now).unwrap_or(0);
        let served = self.write_queue(file).finish(ticket, result.is_ok());
        let failure = result.as_ref().err().filter(|_| !served.is_empty());
        for waiting in served {
            let PendingWrite { asker, station_id, who, format, text, order, how, .. } = waiting;
            match result {
                Ok(()) if file == File::Accept => {
                    // The roll is of the present order; it may have changed while this was written.
                    if order.is_none() || order == present {
                        let position = self.dial.find(&text).map(|sector| sector.position);
                        self.roll.enter(station_id, who, how, position, after_ms);
                        self.roll_changed = true;
                    }
                    say(asker, &format, StationResponse::Accepted(&text), effects);
                }
                Ok(()) => say(asker, &format, StationResponse::Nothing, effects),
                Err(reason) => not_written(file, asker, &format, reason, effects),
            }
            resume(asker, effects);
        }
        if let Some(reason) = failure {
            self.log_failure(reason, effects);
        }
        self.next_store(now, file, effects);
    }

    /// If the file's disk does not answer, whoever waits for a write of it is told so. The write in
    /// progress is given up: it is cancelled if its rename has not begun; else it takes effect and is
    /// credited as usual.
    pub(super) fn refuse_unanswered(&mut self, file: File, effects: &mut Vec<Effect>) {
        let Some(why) = self.why_unanswered(file).cloned() else { return };
        let (ticket, given_up) = self.write_queue(file).give_up();
        effects.extend(ticket.map(|ticket| Effect::Abandon { file, ticket }));
        if given_up.is_empty() {
            return;
        }
        for PendingWrite { asker, format, .. } in given_up {
            not_written(file, asker, &format, &why, effects);
            resume(asker, effects);
        }
        self.log_failure(&why, effects);
    }

    fn log_failure(&mut self, why: &str, effects: &mut Vec<Effect>) {
        let line = || format!("not written: {}", escaped(why));
        self.log((LineKind::Failure, None), line, effects);
    }
}

/// A text is not in its file, and whoever gave it learns why.
fn not_written(
    file: File,
    asker: Asker,
    format: &ResponseFormat,
    why: &str,
    effects: &mut Vec<Effect>,
) {
    let line = text::not_accepted(why);
    let line = if file == File::Accept { &line } else { why };
    say(asker, format, StationResponse::Refused(Code::WriteFailed, line), effects);
}

fn say(
    asker: Asker,
    format: &ResponseFormat,
    response: StationResponse<'_>,
    effects: &mut Vec<Effect>,
) {
    match asker {
        Asker::Station(to) => {
            effects.extend(format.encode(response).map(|message| Effect::Say { to, message }));
        }
        Asker::Http(ticket) => {
            let outcome = match response {
                StationResponse::Refused(code, line) => Err((code, line.to_owned())),
                _ => Ok(()),
            };
            effects.push(Effect::Respond { ticket, outcome });
        }
    }
}

fn resume(asker: Asker, effects: &mut Vec<Effect>) {
    if let Asker::Station(key) = asker {
        effects.push(Effect::Resume(key));
    }
}
