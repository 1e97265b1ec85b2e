//! The publisher: watches the status file for a server that watches none, and publishes each status
//! over one connection, as cheaply as can be. What it costs belongs to that server's costs. Knows of
//! stations nothing, and forgives nothing: an error ends it.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};

use crate::watch::Watch;
use crate::{handshake, mqtt};

/// A server that accepts nobody by then never will.
const START_LIMIT: Duration = Duration::from_secs(10);
/// How long to wait before it is tried again.
const RETRY: Duration = Duration::from_millis(20);
/// A server that does not answer by then is dead.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// More than this is no answer to a publisher.
const ANSWER_SIZE: usize = 16 * 1024;

/// What to publish where.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How the server is told
    #[arg(long, value_enum)]
    by: By,
    /// Where it is told, on loopback
    #[arg(long)]
    port: u16,
    /// Where its stations go, which is said once there is something for them
    #[arg(long)]
    stations_port: u16,
    /// The file to watch
    #[arg(long)]
    status_file: PathBuf,
}

/// The two ways of publishing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    /// A POST to `/publish`, as nchan's publishers do
    Post,
    /// A retained PUBLISH that is not acknowledged, to an MQTT broker
    Mqtt,
}

/// Publishes until the server is gone.
pub(crate) fn run(options: &Options) -> Result<()> {
    let watch = Watch::start(&options.status_file, || ())?;
    let mut socket = connect(SocketAddr::from((Ipv4Addr::LOCALHOST, options.port)))?;
    if options.by == By::Mqtt {
        socket.write_all(&mqtt::connect())?;
        let acknowledged = answer(&mut socket, |bytes| Ok(mqtt::parse(bytes)?.map(|_| ())));
        acknowledged.context("the broker did not let the publisher in")?;
    }
    publish(&mut socket, options.by, watch.first())?;
    writeln!(io::stdout(), "listening on http://127.0.0.1:{}", options.stations_port)?;
    while let Some(status) = watch.wait() {
        publish(&mut socket, options.by, &status)?;
    }
    Ok(())
}

fn connect(address: SocketAddr) -> Result<TcpStream> {
    let until = Instant::now() + START_LIMIT;
    let socket = loop {
        match TcpStream::connect(address) {
            // Where nobody listens, a socket may by chance connect to itself.
            Ok(socket) if socket.local_addr()? == address => {}
            Err(_) if Instant::now() < until => std::thread::sleep(RETRY),
            other => break other.with_context(|| format!("nobody listens at {address}"))?,
        }
    };
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(ANSWER_LIMIT))?;
    Ok(socket)
}

fn publish(socket: &mut TcpStream, by: By, status: &str) -> Result<()> {
    match by {
        By::Mqtt => socket.write_all(&mqtt::publish(status.as_bytes()))?,
        By::Post => {
            socket.write_all(&post(status))?;
            answer(socket, answered).context("what was published was not taken")?;
        }
    }
    Ok(())
}

/// Reads until `complete` finds an answer in what came.
fn answer<T>(socket: &mut TcpStream, complete: impl Fn(&[u8]) -> Result<Option<T>>) -> Result<T> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        if let Some(answer) = complete(&bytes)? {
            return Ok(answer);
        }
        ensure!(bytes.len() < ANSWER_SIZE, "an endless answer");
        match socket.read(&mut buffer)? {
            0 => bail!("the server hung up"),
            length => bytes.extend_from_slice(&buffer[..length]),
        }
    }
}

fn post(status: &str) -> Vec<u8> {
    let length = status.len();
    let head = "POST /publish HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n";
    format!("{head}Content-Length: {length}\r\n\r\n{status}").into_bytes()
}

/// Whether this is a whole answer, of head and body; an error unless it says that all went well.
fn answered(bytes: &[u8]) -> Result<Option<()>> {
    let Some(length) = handshake::head_length(bytes) else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&bytes[..length])?;
    let first = head.lines().next().unwrap_or_default();
    ensure!(first.starts_with("HTTP/1.1 20"), "the server answered {first}");
    let body = handshake::header(head.as_bytes(), "content-length").map_or(Ok(0), str::parse)?;
    Ok((bytes.len() >= length + body).then_some(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_over_after_its_body() {
        let text = b"HTTP/1.1 202 Accepted\r\nContent-Length: 3\r\n\r\nabc";
        for cut in [0, 10, text.len() - 1] {
            assert_eq!(answered(&text[..cut]).unwrap(), None);
        }
        assert_eq!(answered(text).unwrap(), Some(()));
        assert_eq!(answered(b"HTTP/1.1 201 Created\r\n\r\n").unwrap(), Some(()));
        assert!(answered(b"HTTP/1.1 403 Forbidden\r\n\r\n").is_err());
    }

    #[test]
    fn a_status_is_posted_whole() {
        let text = String::from_utf8(post("m000001")).unwrap();
        assert!(text.ends_with("Content-Length: 7\r\n\r\nm000001"), "{text}");
    }
}
