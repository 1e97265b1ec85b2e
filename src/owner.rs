//! Whose socket the other end of a local connection is, as the kernel's own tables say.
//!
//! It knows nothing of what that person may do.

use std::net::SocketAddr;

use crate::policy::Owner;

/// Whose socket the other end of the connection between these two addresses is.
#[must_use]
pub fn owner_of(peer: SocketAddr, local: SocketAddr) -> Owner {
    owners_of(&[(peer, local)])[0]
}

/// The same for many connections, each as (peer, local), for one reading of the tables: with ten
/// thousand stations these are megabytes that the kernel writes out line by line.
#[must_use]
pub fn owners_of(connections: &[(SocketAddr, SocketAddr)]) -> Vec<Owner> {
    #[cfg(target_os = "linux")]
    {
        tables::owners_of(connections)
    }
    #[cfg(not(target_os = "linux"))]
    {
        vec![Owner::Unknown; connections.len()]
    }
}

#[cfg(target_os = "linux")]
mod tables {
    //! The tables of Linux, `proc_pid_net(5)`.

    use std::collections::HashMap;
    use std::fs::File;
    use std::io::{self, BufRead, BufReader};
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

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

    /// A v4 connection through a v6 socket stands in the v6 table, and its other end perhaps in
    /// the v4 one: they are compared as v4. Zone and flow are not in the tables.
    fn canonical(address: SocketAddr) -> SocketAddr {
        SocketAddr::new(address.ip().to_canonical(), address.port())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::tables::row;
    use super::*;

    const ROW: &str = "   3: 0100007F:DDF2 0100007F:0751 01 00000000:00000000 00:00000000 00000000  \
        1000        0 48211 1 0000000000000000 20 4 30 10 -1\n";

    fn own_user() -> u32 {
        rustix::process::geteuid().as_raw()
    }

    #[test]
    fn a_row_is_read() {
        let row = row(ROW).expect("a row");
        assert_eq!(row.own, "127.0.0.1:56818".parse().unwrap());
        assert_eq!(row.other, "127.0.0.1:1873".parse().unwrap());
        assert_eq!(row.user, 1000);
    }

    #[test]
    fn a_row_of_the_v6_table_is_read_and_mapped_addresses_are_v4() {
        let v6 = ROW.replace("0100007F", "00000000000000000000000001000000");
        assert_eq!(row(&v6).expect("a row").own, "[::1]:56818".parse().unwrap());
        let mapped = ROW.replace("0100007F", "0000000000000000FFFF00000100007F");
        assert_eq!(row(&mapped), row(ROW));
    }

    #[test]
    fn what_is_no_held_established_socket_is_no_row() {
        let header = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt";
        for line in [
            header,
            "",
            "\n",
            "3:",
            &ROW.replace(" 01 ", " 08 "),
            &ROW.replace(" 01 ", " 0A "),
            &ROW.replace(" 48211 ", " 0 "),
            &ROW.replace(" 1000 ", " root "),
            &ROW.replace("0100007F:", "0100007F"),
            &ROW.replace("0100007F", "0100007"),
            &ROW.replace("0100007F", "0100007é"),
        ] {
            assert_eq!(row(line), None, "{line}");
        }
    }

    #[test]
    fn the_owner_of_a_real_connection_is_found_and_lost_when_it_closes() {
        for (bind, connect) in [("127.0.0.1:0", "127.0.0.1"), ("[::]:0", "127.0.0.1")] {
            let Ok(listener) = TcpListener::bind(bind) else {
                continue;
            };
            let port = listener.local_addr().unwrap().port();
            let client = TcpStream::connect((connect, port)).unwrap();
            let (server, peer) = listener.accept().unwrap();
            let local = server.local_addr().unwrap();
            assert_eq!(owner_of(peer, local), Owner::User(own_user()));
            let nobody = SocketAddr::new(peer.ip(), 1);
            let asked = [(nobody, local), (peer, local), (peer, local)];
            let own = Owner::User(own_user());
            assert_eq!(owners_of(&asked), [Owner::Unknown, own, own]);
            drop(client);
            assert_eq!(owner_of(peer, local), Owner::Unknown);
        }
    }
}
