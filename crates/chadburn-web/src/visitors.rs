//! Who may come and who may read: the one place where a request's `Host`, `Origin` and token are judged.
//!
//! Pure. Whoever replaces the token replaces the whole [`Visitors`] that a server looks at.

use chadburn_host::secret::Secret;
use thiserror::Error;

use crate::address::{Authority, Host, Name, Origin};

/// Said to whoever has not given the token, by HTTP and on any other wire.
pub const TOKEN_REQUIRED: &str = "Refused: this needs the token.";

/// Why a request is not answered, in words for whoever made it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotAdmitted {
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
}

impl NotAdmitted {
    /// The HTTP status code that says it.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::NoHost | Self::BadHost => 400,
            Self::ForeignOrigin(_) | Self::BadOrigin => 403,
            Self::ForeignHost(_) => 421,
        }
    }
}

/// Which requests a server answers, and who may read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Visitors {
    /// The names beyond the usual ones that the server answers to (`--host`).
    pub hosts: Vec<Name>,
    /// The origins beyond its own whose pages may talk to it (`--allow-origin`).
    pub origins: Vec<Origin>,
    /// What this machine calls itself.
    pub machine: Option<Name>,
    /// What others than readers need, if anything (`--token-file`). It opens nothing that is closed
    /// without it.
    pub token: Option<Secret>,
    /// Reading needs it too (`--private`).
    pub private: bool,
}

impl Visitors {
    /// Whether a request with these headers is answered at all, a WebSocket handshake included: the one
    /// `Host`, and the `Origin`, which only browsers send. `tls` is whether a proxy says that it was
    /// asked by TLS: then this server's pages are at `https`.
    pub fn visit(
        &self,
        host: Option<&str>,
        origin: Option<&str>,
        tls: bool,
    ) -> Result<(), NotAdmitted> {
        let host = host.ok_or(NotAdmitted::NoHost)?;
        let host: Authority = host.parse().map_err(|_| NotAdmitted::BadHost)?;
        if let Host::Name(name) = &host.host
            && !self.answers_to(name)
        {
            return Err(NotAdmitted::ForeignHost(name.clone()));
        }
        // No Origin means no browser, and only browsers can be talked into something.
        let Some(origin) = origin else { return Ok(()) };
        let origin: Origin = origin.parse().map_err(|_| NotAdmitted::BadOrigin)?;
        // A page by plain http may come from anybody between the browser and the proxy.
        let is_own = origin.is_at(&host) && !(tls && origin.is_plain());
        if is_own || self.origins.contains(&origin) {
            Ok(())
        } else {
            Err(NotAdmitted::ForeignOrigin(origin))
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
