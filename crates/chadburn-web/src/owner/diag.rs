//! Questions to the kernel about single sockets, `sock_diag(7)`.
//!
//! The numbers and the layouts are those of `linux/netlink.h`, `linux/sock_diag.h` and
//! `linux/inet_diag.h`.

use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::Errno;
use rustix::net::netlink::SOCK_DIAG;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with,
};

use super::{Held, canonical};

/// `SOCK_DIAG_BY_FAMILY`: a question about a socket, and the answer to it.
const BY_FAMILY: u16 = 20;

/// `NLM_F_REQUEST`.
const REQUEST: u16 = 1;

/// `AF_INET` and `AF_INET6`.
const FAMILIES: [u8; 2] = [2, 10];

/// `IPPROTO_TCP`.
const TCP: u8 = 6;

/// `TCP_ESTABLISHED`.
const ESTABLISHED: u8 = 1;

/// The length of `nlmsghdr`.
const HEADER: usize = 16;

/// The length of `nlmsghdr` and `inet_diag_req_v2`.
const QUESTION: usize = HEADER + 56;

/// The length of `nlmsghdr` and `inet_diag_msg`; attributes may follow.
const ANSWER: usize = HEADER + 72;

thread_local! {
    /// The way to the kernel, kept open: to open it takes as long as a question.
    static KERNEL: RefCell<Option<Kernel>> = const { RefCell::new(None) };
}

/// Whether the kernel has ever answered one.
static ANSWERED: AtomicBool = AtomicBool::new(false);

/// Where questions go, and how many have gone there.
#[derive(Debug)]
struct Kernel {
    socket: OwnedFd,
    asked: u32,
}

/// The socket with this address at its own end and that at its other one, unless the kernel does not
/// want to speak of it.
pub(super) fn find(own: SocketAddr, other: SocketAddr) -> Option<Held> {
    KERNEL.with_borrow_mut(|kernel| {
        let held = match kernel {
            Some(kernel) => kernel.ask(own, other),
            None => Kernel::new().and_then(|new| kernel.insert(new).ask(own, other)),
        };
        if let Ok(Some(held)) = held {
            ANSWERED.store(true, Ordering::Relaxed);
            return Some(held);
        }
        // An answer that is late must not be taken for the next one's.
        *kernel = None;
        None
    })
}

/// Whether the kernel answers such questions, as far as is known.
pub(super) fn has_answered() -> bool {
    ANSWERED.load(Ordering::Relaxed)
}

impl Kernel {
    fn new() -> Result<Self, Errno> {
        let (kind, flags) = (SocketType::DGRAM, SocketFlags::CLOEXEC);
        let socket = socket_with(AddressFamily::NETLINK, kind, flags, Some(SOCK_DIAG))?;
        Ok(Self { socket, asked: 0 })
    }

    fn ask(&mut self, own: SocketAddr, other: SocketAddr) -> Result<Option<Held>, Errno> {
        self.asked = self.asked.wrapping_add(1);
        let question = question(self.asked, canonical(own), canonical(other));
        send(&self.socket, &question, SendFlags::empty())?;
        let mut answer = [0; 1024];
        // It is there when the question has been sent.
        let (length, _) = recv(&self.socket, &mut answer[..], RecvFlags::DONTWAIT)?;
        Ok(held_in(&answer[..length], self.asked))
    }
}

/// A question about the socket of this end, with this number.
fn question(number: u32, own: SocketAddr, other: SocketAddr) -> [u8; QUESTION] {
    let mut question = [0; QUESTION];
    let mut put = |at: usize, bytes: &[u8]| question[at..at + bytes.len()].copy_from_slice(bytes);
    let length = u32::try_from(QUESTION).expect("it is short");
    put(0, &length.to_ne_bytes());
    put(4, &BY_FAMILY.to_ne_bytes());
    put(6, &REQUEST.to_ne_bytes());
    put(8, &number.to_ne_bytes());
    put(16, &[FAMILIES[usize::from(own.is_ipv6())], TCP]);
    put(20, &(1_u32 << ESTABLISHED).to_ne_bytes());
    put(24, &own.port().to_be_bytes());
    put(26, &other.port().to_be_bytes());
    for (at, ip) in [(28, own.ip()), (44, other.ip())] {
        match ip {
            IpAddr::V4(ip) => put(at, &ip.octets()),
            IpAddr::V6(ip) => put(at, &ip.octets()),
        }
    }
    // INET_DIAG_NOCOOKIE: whichever socket it is.
    put(64, &[0xFF; 8]);
    question
}

/// The socket in this answer to the question with this number.
fn held_in(answer: &[u8], number: u32) -> Option<Held> {
    let answer = answer.first_chunk::<ANSWER>()?;
    let word = |at: usize| u32::from_ne_bytes([0, 1, 2, 3].map(|byte| answer[at + byte]));
    let kind = u16::from_ne_bytes([answer[4], answer[5]]);
    let (state, user, inode) = (answer[HEADER + 1], word(HEADER + 64), word(HEADER + 68));
    let established = (kind, word(8), state) == (BY_FAMILY, number, ESTABLISHED);
    (established && inode != 0).then_some(Held { user, inode: inode.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELD: Held = Held { user: 1000, inode: 48_211 };

    /// The answer about a socket of user 1000 with inode 48211.
    fn answer() -> [u8; ANSWER] {
        let mut answer = [0; ANSWER];
        answer[4..6].copy_from_slice(&BY_FAMILY.to_ne_bytes());
        answer[8..12].copy_from_slice(&7_u32.to_ne_bytes());
        answer[HEADER..HEADER + 2].copy_from_slice(&[2, ESTABLISHED]);
        answer[HEADER + 64..HEADER + 68].copy_from_slice(&1000_u32.to_ne_bytes());
        answer[HEADER + 68..].copy_from_slice(&48_211_u32.to_ne_bytes());
        answer
    }

    #[test]
    fn an_answer_is_read() {
        assert_eq!(held_in(&answer(), 7), Some(HELD));
        let with_attributes = [&answer()[..], &[0; 12]].concat();
        assert_eq!(held_in(&with_attributes, 7), Some(HELD));
    }

    #[test]
    fn what_is_no_answer_about_a_held_established_socket_tells_of_nobody() {
        assert_eq!(held_in(&answer(), 8), None, "another question's");
        let spoil = |at: usize, bytes: &[u8]| {
            let mut answer = answer();
            answer[at..at + bytes.len()].copy_from_slice(bytes);
            answer
        };
        for (what, spoilt) in [
            ("an error", spoil(4, &2_u16.to_ne_bytes())),
            ("a listener", spoil(HEADER + 1, &[10])),
            ("a closing one", spoil(HEADER + 1, &[8])),
            ("one that nobody holds", spoil(HEADER + 68, &[0; 4])),
        ] {
            assert_eq!(held_in(&spoilt, 7), None, "{what}");
        }
        for length in 0..ANSWER {
            assert_eq!(held_in(&answer()[..length], 7), None);
        }
    }
}
