//! Whose socket the other end of a local connection is, as the kernel itself says.
//!
//! It is asked about each connection alone, which takes some microseconds however many there are; where
//! it does not answer such questions, its tables are read. What that person may do is not known here.

use std::net::SocketAddr;

use crate::policy::Owner;

#[cfg(target_os = "linux")]
mod diag;
#[cfg(target_os = "linux")]
mod tables;

/// Whose socket the other end of the connection between these two addresses is, if that can be said
/// without waiting; otherwise it is not asked yet. Only a kernel that has answered before is asked: the
/// first question may have it load a module, and one that has none would look for it every time.
#[must_use]
pub fn owner_at_once(peer: SocketAddr, local: SocketAddr) -> Owner {
    #[cfg(target_os = "linux")]
    if diag::has_answered()
        && let owner @ Owner::User(_) = diag::owner_of(peer, local)
    {
        return owner;
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (peer, local);
    Owner::Unasked
}

/// The same, however long it takes.
#[must_use]
pub fn owner_of(peer: SocketAddr, local: SocketAddr) -> Owner {
    owners_of(&[(peer, local)])[0]
}

/// The same for many connections, each as (peer, local).
#[must_use]
pub fn owners_of(connections: &[(SocketAddr, SocketAddr)]) -> Vec<Owner> {
    #[cfg(target_os = "linux")]
    {
        let ask = |(peer, local): &_| diag::owner_of(*peer, *local);
        let mut owners: Vec<_> = connections.iter().map(ask).collect();
        // The kernel says the same of a socket that is not there and of a question that it does not
        // understand.
        let left: Vec<_> =
            (0..owners.len()).filter(|&index| owners[index] == Owner::Unknown).collect();
        if !left.is_empty() {
            let asked: Vec<_> = left.iter().map(|&index| connections[index]).collect();
            for (index, owner) in left.into_iter().zip(tables::owners_of(&asked)) {
                owners[index] = owner;
            }
        }
        owners
    }
    #[cfg(not(target_os = "linux"))]
    {
        vec![Owner::Unknown; connections.len()]
    }
}

/// A v4 connection through a v6 socket is a v4 one, and its other end perhaps a v4 socket. Zone and
/// flow are not asked for.
#[cfg(target_os = "linux")]
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
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
        for (bind, connect) in
            [("127.0.0.1:0", "127.0.0.1"), ("[::]:0", "127.0.0.1"), ("[::1]:0", "::1")]
        {
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
            for ask in [owners_of, tables::owners_of] {
                assert_eq!(ask(&asked), [Owner::Unknown, own, own]);
            }
            assert_eq!(asked.map(|it| diag::owner_of(it.0, it.1)), [Owner::Unknown, own, own]);
            assert_eq!(owner_at_once(peer, local), own);
            assert_eq!(owner_at_once(nobody, local), Owner::Unasked);
            drop(client);
            assert_eq!(owner_of(peer, local), Owner::Unknown);
        }
    }
}
