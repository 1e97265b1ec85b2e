//! Stations that send without end beside those that are measured, and whoever asks meanwhile whether the
//! server is alive. Each on a thread of its own, and none of them is measured as a station.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use mio::{Events, Interest, Poll, Token};

use crate::{frame, handshake};

/// The shortest message there is, which the text wire does not answer: 7 bytes in its frame.
const MESSAGE: &[u8] = b"&";

/// How many of them are written at once.
const AT_ONCE: usize = 9_000;

/// How often it is asked whether the server is alive.
const ASK: Duration = Duration::from_millis(20);

/// How long an answer to that may take before it counts as none.
const PATIENCE: Duration = Duration::from_secs(30);

/// What goes on beside the stations that are measured.
#[derive(Debug)]
pub(crate) struct Beside {
    ends: Arc<AtomicBool>,
    lost: Arc<AtomicUsize>,
    flood: JoinHandle<Result<()>>,
    asker: JoinHandle<Result<Vec<u64>>>,
}

/// What became of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Nanoseconds that each answer of `/livez` took, in no order.
    pub(crate) live: Vec<u64>,
    /// Greedy stations that lost their connection.
    pub(crate) lost: u64,
}

impl Beside {
    /// So many stations that send without end, perhaps none, and somebody who asks.
    pub(crate) fn start(address: SocketAddr, greedy: usize) -> Result<Self> {
        let (ends, lost) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let sockets = (0..greedy).map(|_| greeted(address)).collect::<Result<Vec<_>>>()?;
        let (own_ends, own_lost) = (Arc::clone(&ends), Arc::clone(&lost));
        let flood = thread::spawn(move || flood(sockets, &own_ends, &own_lost));
        let own_ends = Arc::clone(&ends);
        let asker = thread::spawn(move || {
            let mut took = Vec::new();
            while !own_ends.load(Ordering::Relaxed) {
                took.push(ask(address)?);
                thread::sleep(ASK);
            }
            Ok(took)
        });
        Ok(Self { ends, lost, flood, asker })
    }

    /// Ends it.
    pub(crate) fn end(self) -> Result<Outcome> {
        self.ends.store(true, Ordering::Relaxed);
        let panicked = |_| anyhow::anyhow!("a thread has panicked");
        self.flood.join().map_err(panicked)??;
        let live = self.asker.join().map_err(panicked)?.context("/livez")?;
        Ok(Outcome { live, lost: self.lost.load(Ordering::Relaxed) as u64 })
    }
}

/// A connection that has shaken hands.
fn greeted(address: SocketAddr) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(&handshake::request(&address.to_string(), None))?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.extend(byte);
        ensure!(head.len() <= handshake::HEAD_LIMIT, "an endless answer to the handshake");
    }
    handshake::check_answer(&head, &handshake::expected_accept(), None)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

/// Keeps every socket full, and reads what comes.
fn flood(sockets: Vec<TcpStream>, ends: &AtomicBool, lost: &AtomicUsize) -> Result<()> {
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(128));
    let block = frame::from_client(frame::TEXT, MESSAGE, [0; 4]).repeat(AT_ONCE);
    let mut scratch = vec![0; 64 * 1024];
    let mut seats: Vec<_> = sockets
        .into_iter()
        .map(|stream| Some((mio::net::TcpStream::from_std(stream), 0)))
        .collect();
    for (index, seat) in seats.iter_mut().enumerate() {
        if let Some((socket, _)) = seat {
            let both = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(socket, Token(index), both)?;
        }
    }
    while !ends.load(Ordering::Relaxed) {
        match poll.poll(&mut events, Some(Duration::from_millis(100))) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            other => other?,
        }
        for event in &events {
            let place = &mut seats[event.token().0];
            let Some((socket, sent)) = place else { continue };
            if push(socket, sent, &block, &mut scratch).is_err() {
                *place = None;
                lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    Ok(())
}

/// Reads all that has come, and writes as much as is taken.
fn push(
    socket: &mut mio::net::TcpStream,
    sent: &mut usize,
    block: &[u8],
    scratch: &mut [u8],
) -> std::io::Result<()> {
    loop {
        match socket.read(scratch) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    loop {
        match socket.write(&block[*sent..]) {
            Ok(taken) => *sent = (*sent + taken) % block.len(),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// How many nanoseconds it takes until the server says that it is alive.
fn ask(address: SocketAddr) -> Result<u64> {
    let from = Instant::now();
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET /livez HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "not alive: {answer}");
    Ok(u64::try_from(from.elapsed().as_nanos()).unwrap_or(u64::MAX))
}
