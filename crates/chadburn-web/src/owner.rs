//! Whose socket the other end of a local connection is, as the kernel itself says.
//!
//! It is asked about each connection alone, which takes some microseconds however many there are; where
//! it does not answer such questions, its tables are read. What that user may do is not known here.

use std::net::SocketAddr;
use std::os::fd::AsFd;

#[cfg(target_os = "linux")]
use tokio::task::spawn_blocking;

#[cfg(target_os = "linux")]
mod diag;
#[cfg(target_os = "linux")]
mod tables;

/// A connection that this process holds, so that the kernel can be asked about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Connection {
    /// The address of the other end.
    peer: SocketAddr,
    /// The address of our end.
    local: SocketAddr,
    /// The inode of our end, which no other socket has as long as this one is held.
    inode: u64,
}

/// A socket as the kernel knows it, established and held by some process.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    /// Who owns it.
    user: u32,
    /// Its inode, never 0: that is a socket which nobody holds any more, and which is said to be root's.
    inode: u64,
}

impl Connection {
    /// The connection of this socket, between our address and the peer's.
    #[must_use]
    pub(crate) fn of(socket: impl AsFd, local: SocketAddr, peer: SocketAddr) -> Option<Self> {
        let inode = rustix::fs::fstat(socket).ok()?.st_ino;
        Some(Self { peer, local, inode })
    }

    /// Who owns the other end, if that can be known.
    ///
    /// Address and port of a peer that has left may soon be somebody else's, and of them alone the
    /// kernel is asked. So its answer is believed only if our own end still stands after it: then nobody
    /// else can have had the peer's port meanwhile. A peer that has closed one direction counts as gone.
    #[cfg(target_os = "linux")]
    pub(crate) async fn peer_user(self) -> Option<u32> {
        // The first question may have the kernel load a module, and one that has none would look for it
        // every time.
        if diag::has_answered() {
            return self.peer_user_by(diag::find);
        }
        let slowly =
            move || self.peer_user_by(diag::find).or_else(|| self.peer_user_by(tables::find));
        spawn_blocking(slowly).await.ok().flatten()
    }

    /// Who owns the other end: nobody can say here.
    #[cfg(not(target_os = "linux"))]
    #[expect(clippy::unused_async, reason = "it waits where it can be known")]
    pub(crate) async fn peer_user(self) -> Option<u32> {
        None
    }

    /// The same, by this way of finding a socket by its own address and that of its other end.
    #[cfg(target_os = "linux")]
    fn peer_user_by(self, find: fn(SocketAddr, SocketAddr) -> Option<Held>) -> Option<u32> {
        let peer = find(self.peer, self.local)?;
        let own = find(self.local, self.peer)?;
        (own.inode == self.inode).then_some(peer.user)
    }
}

/// A v4 connection through a v6 socket is a v4 one, and its other end perhaps a v4 socket. Zone and
/// flow are not asked for.
#[cfg(target_os = "linux")]
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;
