//! The tables of Linux, `proc_pid_net(5)`: with ten thousand stations megabytes that the kernel writes
//! out line by line, so that many questions are answered by one reading.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::canonical;
use crate::policy::Owner;

/// The state of an established connection (`TCP_ESTABLISHED`, `include/net/tcp_states.h`).
const ESTABLISHED: &str = "01";

/// What the tables say of one socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The address of its own end.
    pub(super) own: SocketAddr,
    /// The address of its other end.
    pub(super) other: SocketAddr,
    /// The user who owns it.
    pub(super) user: u32,
}

pub(super) fn owners_of(connections: &[(SocketAddr, SocketAddr)]) -> Vec<Owner> {
    let key = |(peer, local): &(SocketAddr, SocketAddr)| (canonical(*peer), canonical(*local));
    let mut owners: HashMap<_, _> =
        connections.iter().map(|connection| (key(connection), Owner::Unknown)).collect();
    let mut missing = owners.len();
    for table in ["/proc/self/net/tcp", "/proc/self/net/tcp6"] {
        let Ok(file) = File::open(table) else {
            continue;
        };
        let looked = look(BufReader::new(file), |row| {
            if let Some(owner @ Owner::Unknown) = owners.get_mut(&(row.own, row.other)) {
                *owner = Owner::User(row.user);
                missing -= 1;
            }
            missing > 0
        });
        if let Err(error) = looked {
            tracing::debug!(%error, table, "could not read who owns a connection");
        }
    }
    connections.iter().map(|connection| owners[&key(connection)]).collect()
}

/// Reads rows until there are no more, or `more` says that it has seen enough.
fn look(mut table: impl BufRead, mut more: impl FnMut(Row) -> bool) -> io::Result<()> {
    let mut line = String::new();
    while table.read_line(&mut line)? > 0 {
        if let Some(row) = row(&line)
            && !more(row)
        {
            break;
        }
        line.clear();
    }
    Ok(())
}

/// The row on this line, if it is an established socket that somebody holds. A socket that
/// nobody holds any more has inode 0 and is said to be root's: it must not pass as root.
pub(super) fn row(line: &str) -> Option<Row> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let own = address(fields.next()?)?;
    let other = address(fields.next()?)?;
    if fields.next()? != ESTABLISHED {
        return None;
    }
    let mut fields = fields.skip(3);
    let user = fields.next()?.parse().ok()?;
    let inode: u64 = fields.nth(1)?.parse().ok()?;
    (inode != 0).then_some(Row { own, other, user })
}

/// `0100007F:0751`: words of 32 bits as they lie in memory, then the port as a number.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |index: usize| {
        let digits = ip.get(index * 8..index * 8 + 8)?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
    };
    let ip: IpAddr = match ip.len() {
        8 => Ipv4Addr::from(word(0)?).into(),
        32 => {
            let mut bytes = [0; 16];
            for (index, chunk) in bytes.chunks_exact_mut(4).enumerate() {
                chunk.copy_from_slice(&word(index)?);
            }
            Ipv6Addr::from(bytes).into()
        }
        _ => return None,
    };
    Some(canonical(SocketAddr::new(ip, port)))
}
