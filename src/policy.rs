//! Who may do what: one pure function, [`Policy::judge`], over who asks and what for.
//!
//! It opens nothing and looks nothing up. Where the answer depends on who owns the other end of a
//! connection it says [`Verdict::AskOwner`], and is asked again when that is known.

/// What is known of the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its address is a loopback address.
    pub loopback: bool,
    /// Its request had passed a proxy that said so (`Forwarded`, `X-Forwarded-For`, `Via`, …).
    pub forwarded: bool,
    /// Whose socket it is, as far as that is known.
    pub owner: Owner,
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
