//! Who may do what: one pure function, [`Policy::judge`], over who asks and what for.
//!
//! It opens nothing and looks nothing up. Where the answer depends on who owns the other end of a
//! connection it says [`Verdict::AskOwner`], and is asked again when that is known.

pub mod address;
mod secret;

use std::net::IpAddr;

use thiserror::Error;

use address::{Authority, Name, Origin};
pub use secret::Secret;

/// What is known of the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its address; of IPv6 only the 64 bits that are not the host's to choose.
    pub address: IpAddr,
    /// Its address is a loopback address.
    pub loopback: bool,
    /// Its request had passed a proxy that said so (`Forwarded`, `X-Forwarded-For`, `Via`, …).
    pub forwarded: bool,
    /// Whose socket it is, as far as that is known.
    pub owner: Owner,
    /// It has given the token.
    pub trusted: bool,
}

impl Peer {
    /// One at this address of which nothing else is known.
    #[must_use]
    pub fn at(address: IpAddr) -> Self {
        let loopback = address.is_loopback();
        Self { address, loopback, forwarded: false, owner: Owner::Unasked, trusted: false }
    }
}

/// Whose socket the other end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Nobody has looked yet.
    Unasked,
    /// It could not be found out: the peer is on another machine, or its socket is closing.
    Unknown,
    /// This user's.
    User(u32),
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
pub enum Act<'a> {
    /// To make an HTTP request with these headers, a WebSocket handshake included.
    Visit {
        /// The one `Host` header.
        host: Option<&'a str>,
        /// The `Origin` header; only browsers send it.
        origin: Option<&'a str>,
    },
    /// To give an order.
    Order,
    /// To answer the present order.
    Answer,
    /// To end the server.
    Shutdown,
}

/// What the policy says to that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may be done.
    Granted,
    /// It depends on the owner of the peer's socket: find out, and ask again.
    AskOwner,
    /// It may not be done.
    Refused(Refusal),
}

/// Why something may not be done, in words for whoever asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The request does not say whom it is for.
    #[error("the request has no Host header")]
    NoHost,
    /// What it says is no address.
    #[error("the Host header is not an address")]
    BadHost,
    /// It is for somebody else: a mistake, or a foreign page whose name was pointed here (DNS
    /// rebinding).
    #[error("this server does not answer to {0}; if it should, start it with --host {0}")]
    ForeignHost(Name),
    /// A page from elsewhere makes a browser ask.
    #[error("a page of another origin may not do this; --allow-origin ORIGIN would let it")]
    ForeignOrigin,
    /// Orders are not taken from there.
    #[error("Order refused: this server takes none from here; --allow-orders says from where")]
    Order,
    /// It needs the token, and this peer has not given it.
    #[error("Refused: this needs the token.")]
    TokenRequired,
    /// The original's words, fixed.
    #[error("Shutdown refused: only from this machine.")]
    Shutdown,
}

impl Refusal {
    /// The HTTP status code that says it.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::NoHost | Self::BadHost => 400,
            Self::TokenRequired => 401,
            Self::ForeignOrigin | Self::Order | Self::Shutdown => 403,
            Self::ForeignHost(_) => 421,
        }
    }
}

/// What the owner of this server decided, and what his machine is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The names beyond the usual ones that the server answers to (`--host`).
    pub hosts: Vec<Name>,
    /// The origins beyond its own whose pages may talk to it (`--allow-origin`).
    pub origins: Vec<Origin>,
    /// From where orders are taken over the network (`--allow-orders`).
    pub orders: Reach,
    /// From where it may be shut down.
    pub shutdown: Reach,
    /// What orders, answers and the shutdown need, if anything (`--token-file`). It opens nothing
    /// that is closed without it.
    pub token: Option<Secret>,
    /// The user it runs as.
    pub own_user: u32,
    /// What this machine calls itself.
    pub machine: Option<Name>,
}

impl Policy {
    /// Whether this peer may do this.
    #[must_use]
    pub fn judge(&self, peer: &Peer, act: &Act<'_>) -> Verdict {
        if let Act::Visit { host, origin } = *act {
            return self.visit(host, origin).map_or_else(Verdict::Refused, |()| Verdict::Granted);
        }
        // Before anything else: whoever has no token learns nothing of what it would open.
        if self.token.is_some() && !peer.trusted {
            return Verdict::Refused(Refusal::TokenRequired);
        }
        match act {
            Act::Visit { .. } | Act::Answer => Verdict::Granted,
            Act::Order => self.within(self.orders, peer, Refusal::Order),
            Act::Shutdown => self.within(self.shutdown, peer, Refusal::Shutdown),
        }
    }

    /// Whether something that this peer may want depends on the owner of its socket.
    #[must_use]
    pub fn depends_on_owner(&self, peer: &Peer) -> bool {
        [Act::Shutdown, Act::Order].iter().any(|act| self.judge(peer, act) == Verdict::AskOwner)
    }

    /// Whether this is the token. Without one there is nothing that it could be.
    #[must_use]
    pub fn is_token(&self, value: &str) -> bool {
        self.token.as_ref().is_some_and(|token| token.is(value))
    }

    fn visit(&self, host: Option<&str>, origin: Option<&str>) -> Result<(), Refusal> {
        let host = host.ok_or(Refusal::NoHost)?;
        let host: Authority = host.parse().map_err(|_| Refusal::BadHost)?;
        if let address::Host::Name(name) = &host.host
            && !self.answers_to(name)
        {
            return Err(Refusal::ForeignHost(name.clone()));
        }
        // No Origin means no browser, and only browsers can be talked into something.
        let Some(origin) = origin else { return Ok(()) };
        let origin: Origin = origin.parse().map_err(|_| Refusal::ForeignOrigin)?;
        if origin.is_at(&host) || self.origins.contains(&origin) {
            Ok(())
        } else {
            Err(Refusal::ForeignOrigin)
        }
    }

    /// A name that nobody outside this network can own is safe from DNS rebinding; any other must
    /// have been given to the server by its owner.
    fn answers_to(&self, name: &Name) -> bool {
        name.is_of_this_network()
            || self.machine.as_ref() == Some(name)
            || self.hosts.contains(name)
    }

    fn within(&self, reach: Reach, peer: &Peer, refusal: Refusal) -> Verdict {
        match reach {
            Reach::Any => Verdict::Granted,
            // A reverse proxy on this machine is a loopback peer as well, and runs as root or as
            // anybody: it speaks for strangers, and says so in its headers.
            Reach::Local if peer.loopback && !peer.forwarded => match peer.owner {
                Owner::Unasked => Verdict::AskOwner,
                Owner::User(user) if user == 0 || user == self.own_user => Verdict::Granted,
                Owner::User(_) | Owner::Unknown => Verdict::Refused(refusal),
            },
            Reach::Local | Reach::Never => Verdict::Refused(refusal),
        }
    }
}

#[cfg(test)]
mod tests;
