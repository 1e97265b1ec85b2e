//! Who may do what: pure functions over who asks and what for. Who may come at all, [`Visitors`] judges.
//!
//! It opens nothing and looks nothing up: whether a peer is local is found out by HTTP, before anybody
//! else hears of it.

use std::net::IpAddr;

use chadburn_web::visitors::{TOKEN_REQUIRED, Visitors};
use thiserror::Error;

/// What is known of the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its address; of IPv6 only the 64 bits that are not the host's to choose.
    pub address: IpAddr,
    /// Somebody at this machine asks, who is root or the server's own user. Once known it stays so.
    pub local: bool,
    /// It has given the token.
    pub trusted: bool,
}

impl Peer {
    /// One at this address of which nothing else is known.
    #[must_use]
    pub fn at(address: IpAddr) -> Self {
        Self { address, local: false, trusted: false }
    }
}

/// From where something may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// From nowhere.
    Never,
    /// From this machine, by root or the user the server runs as.
    Local,
    /// From anywhere.
    Any,
}

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// To hear or read how things are, or what happened.
    Read,
    /// To give an order.
    Order,
    /// To answer the present order.
    Answer,
    /// To end the server.
    Shutdown,
}

/// Why something may not be done, in words for whoever asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Orders are not taken from there.
    #[error("Order refused: this server takes none from here; --allow-orders says from where")]
    Order,
    /// It needs the token, and this peer has not given it.
    #[error("{TOKEN_REQUIRED}")]
    TokenRequired,
    /// The original's words, fixed.
    #[error("Shutdown refused: only from this machine.")]
    Shutdown,
}

/// From where what changes something may be done, as the server was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reaches {
    /// From where orders are taken over the network (`--allow-orders`).
    pub orders: Reach,
    /// From where it may be shut down (`--allow-shutdown`).
    pub shutdown: Reach,
}

impl Reaches {
    /// From where this may be done.
    #[must_use]
    pub fn of(self, act: Act) -> Reach {
        match act {
            Act::Read | Act::Answer => Reach::Any,
            Act::Order => self.orders,
            Act::Shutdown => self.shutdown,
        }
    }

    /// Whether it matters for one of these acts whether somebody at this machine asks.
    #[must_use]
    pub fn are_local(self, acts: &[Act]) -> bool {
        acts.iter().any(|act| self.of(*act) == Reach::Local)
    }
}

/// What the owner of this server decided, and what his machine is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Who may come and who may read, and the token that everything else needs where there is one.
    pub visitors: Visitors,
    /// From where orders and the shutdown are taken.
    pub reaches: Reaches,
}

impl Policy {
    /// Whether this peer may do this.
    pub fn judge(&self, peer: &Peer, act: Act) -> Result<(), Refusal> {
        // Before anything else: whoever has no token learns nothing of what it would open.
        let wants_token =
            self.visitors.token.is_some() && (act != Act::Read || self.visitors.private);
        if wants_token && !peer.trusted {
            return Err(Refusal::TokenRequired);
        }
        match self.reaches.of(act) {
            Reach::Any => Ok(()),
            Reach::Local if peer.local => Ok(()),
            Reach::Local | Reach::Never => Err(match act {
                Act::Shutdown => Refusal::Shutdown,
                Act::Order | Act::Answer | Act::Read => Refusal::Order,
            }),
        }
    }
}

#[cfg(test)]
mod tests;
