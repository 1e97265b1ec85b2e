//! Real connections, asked about in both ways.

use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::OwnedFd;

use rustix::net::sockopt::set_socket_linger;

use super::*;

/// Both ways of finding a socket.
const WAYS: [fn(SocketAddr, SocketAddr) -> Option<Held>; 2] = [diag::find, tables::find];

fn own_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Both ends of a connection.
struct Pair {
    client: TcpStream,
    server: TcpStream,
    connection: Connection,
}

impl Pair {
    /// A connection between these; `None` where this machine has no such addresses.
    fn between(bind: &str, connect: &str) -> Option<Self> {
        let listener = TcpListener::bind(bind).ok()?;
        let port = listener.local_addr().unwrap().port();
        Some(Self::over(&listener, TcpStream::connect((connect, port)).unwrap()))
    }

    fn new() -> Self {
        Self::between("127.0.0.1:0", "127.0.0.1").expect("IPv4")
    }

    fn over(listener: &TcpListener, client: TcpStream) -> Self {
        let (server, peer) = listener.accept().unwrap();
        let connection = Connection::of(&server, server.local_addr().unwrap(), peer).unwrap();
        Self { client, server, connection }
    }

    fn users(&self) -> [Option<u32>; 2] {
        WAYS.map(|find| self.connection.peer_user_by(find))
    }
}

/// A client on this port that resets its connection when it is dropped.
fn resetting(port: u16, server: SocketAddr) -> TcpStream {
    use rustix::net::{AddressFamily, SocketType, bind, connect, socket, sockopt};
    let socket: OwnedFd = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    sockopt::set_socket_reuseaddr(&socket, true).unwrap();
    bind(&socket, &SocketAddr::new(server.ip(), port)).unwrap();
    connect(&socket, &server).unwrap();
    set_socket_linger(&socket, Some(std::time::Duration::ZERO)).unwrap();
    socket.into()
}

#[tokio::test]
async fn the_user_of_a_real_connection_is_known_and_lost_when_it_closes() {
    let own = Some(own_user());
    for (bind, connect) in
        [("127.0.0.1:0", "127.0.0.1"), ("[::]:0", "127.0.0.1"), ("[::1]:0", "::1")]
    {
        let Some(pair) = Pair::between(bind, connect) else { continue };
        assert_eq!(pair.users(), [own, own], "{bind}");
        assert_eq!(pair.connection.peer_user().await, own);
        drop(pair.client);
        assert_eq!(pair.connection.peer_user().await, None);
    }
}

#[test]
fn a_peer_that_has_closed_one_direction_is_nobody() {
    let pair = Pair::new();
    pair.client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(pair.users(), [None, None]);
    let pair = Pair::new();
    pair.server.shutdown(Shutdown::Write).unwrap();
    assert_eq!(pair.users(), [None, None], "our own end does not stand any more");
}

/// The first has left before it was asked whose it is; the kernel then says whose the second is,
/// which has the same addresses. Held against it is that it is not our end which stands.
#[test]
fn a_port_that_is_somebody_elses_by_now_does_not_speak_for_the_first() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap();
    // A listener leaves nothing behind that would keep its port.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let first = Pair::over(&listener, resetting(port, server));
    drop(first.client);
    let second = Pair::over(&listener, resetting(port, server));
    assert_eq!(first.connection.peer, second.connection.peer);
    for find in WAYS {
        let Connection { peer, local, .. } = first.connection;
        assert!(find(peer, local).is_some(), "by its addresses alone there is somebody");
        assert_eq!(first.connection.peer_user_by(find), None);
        assert_eq!(second.connection.peer_user_by(find), Some(own_user()));
    }
    drop(first.server);
}

/// The port changes hands between the two questions.
#[test]
fn what_is_said_of_a_peer_counts_only_if_our_end_stands_after_it() {
    let pair = Pair::new();
    let ours = diag::find(pair.connection.local, pair.connection.peer).unwrap();
    assert_eq!(ours.inode, pair.connection.inode);
    drop(pair.client);
    for find in WAYS {
        assert_eq!(find(pair.connection.local, pair.connection.peer), None);
    }
}
