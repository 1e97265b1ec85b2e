//! Who may do what: pure functions over who asks and what for. [`Policy::visit`] judges a request's
//! headers, [`Policy::judge`] what is asked for.
//!
//! It opens nothing and looks nothing up: whether a peer is local is found out by HTTP, before anybody
//! else hears of it.

use std::net::IpAddr;

use chadburn_host::secret::Secret;
use chadburn_web::address::{self, Authority, Name, Origin};
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
    #[error(
        "a page of {0} may not do this; if it should, start the server with --allow-origin {0}"
    )]
    ForeignOrigin(Origin),
    /// Nobody can tell which page makes a browser ask: `null` is what any page can make it say.
    #[error("the Origin header is no page's address, and no option lets it in")]
    BadOrigin,
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
            Self::ForeignOrigin(_) | Self::BadOrigin | Self::Order | Self::Shutdown => 403,
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
    /// Reading needs it too (`--private`).
    pub private: bool,
    /// What this machine calls itself.
    pub machine: Option<Name>,
}

impl Policy {
    /// Whether this peer may do this.
    pub fn judge(&self, peer: &Peer, act: Act) -> Result<(), Refusal> {
        // Before anything else: whoever has no token learns nothing of what it would open.
        let wants_token = self.token.is_some() && (act != Act::Read || self.private);
        if wants_token && !peer.trusted {
            return Err(Refusal::TokenRequired);
        }
        match self.reach(act) {
            Reach::Any => Ok(()),
            Reach::Local if peer.local => Ok(()),
            Reach::Local | Reach::Never => Err(match act {
                Act::Shutdown => Refusal::Shutdown,
                Act::Order | Act::Answer | Act::Read => Refusal::Order,
            }),
        }
    }

    /// From where this may be done.
    #[must_use]
    pub fn reach(&self, act: Act) -> Reach {
        match act {
            Act::Read | Act::Answer => Reach::Any,
            Act::Order => self.orders,
            Act::Shutdown => self.shutdown,
        }
    }

    /// Whether whoever brings this token, or none, may read.
    #[must_use]
    pub fn may_read(&self, token: Option<&str>) -> bool {
        !self.private || token.is_some_and(|token| self.is_token(token))
    }

    /// Whether this is the token. Without one there is nothing that it could be.
    #[must_use]
    pub fn is_token(&self, value: &str) -> bool {
        self.token.as_ref().is_some_and(|token| token.is(value))
    }

    /// Whether a request with these headers is answered at all, a WebSocket handshake included: the one
    /// `Host`, and the `Origin`, which only browsers send. `tls` is whether a proxy says that it was
    /// asked by TLS: then this server's pages are at `https`.
    pub fn visit(
        &self,
        host: Option<&str>,
        origin: Option<&str>,
        tls: bool,
    ) -> Result<(), Refusal> {
        let host = host.ok_or(Refusal::NoHost)?;
        let host: Authority = host.parse().map_err(|_| Refusal::BadHost)?;
        if let address::Host::Name(name) = &host.host
            && !self.answers_to(name)
        {
            return Err(Refusal::ForeignHost(name.clone()));
        }
        // No Origin means no browser, and only browsers can be talked into something.
        let Some(origin) = origin else { return Ok(()) };
        let origin: Origin = origin.parse().map_err(|_| Refusal::BadOrigin)?;
        // A page by plain http may come from anybody between the browser and the proxy.
        let is_own = origin.is_at(&host) && !(tls && origin.is_plain());
        if is_own || self.origins.contains(&origin) {
            Ok(())
        } else {
            Err(Refusal::ForeignOrigin(origin))
        }
    }

    /// Whether the owner has allowed pages of this `Origin` to talk to this server, wherever it is asked.
    #[must_use]
    pub fn is_allowed(&self, origin: &str) -> bool {
        origin.parse().is_ok_and(|origin| self.origins.contains(&origin))
    }

    /// Whether a request with these headers was made at this machine, as far as they can say: its `Host` is
    /// a loopback name or address, and so is its `Origin`, if it has one. Everything else may lead here
    /// from afar: through a tunnel, or in a browser whose page's name was pointed here.
    #[must_use]
    pub fn is_for_loopback(host: Option<&str>, origin: Option<&str>) -> bool {
        let host = host.and_then(|host| host.parse::<Authority>().ok());
        host.is_some_and(|host| host.is_loopback())
            && origin.is_none_or(|it| it.parse::<Origin>().is_ok_and(|it| it.is_loopback()))
    }

    /// A name that nobody outside this network can own is safe from DNS rebinding; any other must
    /// have been given to the server by its owner.
    fn answers_to(&self, name: &Name) -> bool {
        name.is_of_this_network()
            || self.machine.as_ref() == Some(name)
            || self.hosts.contains(name)
    }
}

#[cfg(test)]
mod tests;
