//! Those who come with the storm. Each does one thing over and over until it is over, and fails if
//! the server does.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fastrand::Rng;

use super::Deeds;
use super::office::{How, Office};
use super::peer::Peer;

/// A guest: the server, what has been done, whether the storm is over, and a seed.
type Guest = fn(&Office, &Deeds, &AtomicBool, u64) -> Result<()>;

/// All of them.
pub(super) const GUESTS: [Guest; 8] =
    [come_and_go, come_and_go, come_and_go, get_stuck, bring_garbage, bring_garbage, write, accept];

/// How many stations get stuck at once.
const STUCK: usize = 40;

fn is_over(over: &AtomicBool) -> bool {
    over.load(Ordering::Relaxed)
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// A pace that leaves a busy machine something to do beside this.
fn rest(milliseconds: u64) {
    thread::sleep(Duration::from_millis(milliseconds));
}

/// Joins on either wire, is greeted, asks something or nothing, and leaves in one of three ways.
fn come_and_go(office: &Office, deeds: &Deeds, over: &AtomicBool, seed: u64) -> Result<()> {
    let mut dice = Rng::with_seed(seed);
    let mut here: Vec<Peer> = Vec::new();
    while !is_over(over) {
        let json = dice.u64(..3) == 0;
        let mut peer = Peer::join(office, json).context("a station that came and went")?;
        ensure!(peer.hear()?.is_some() && peer.hear()?.is_some(), "nobody was greeted");
        count(&deeds.joins);
        if !json && dice.u64(..2) == 0 {
            peer.say("Ahoy")?;
            peer.hear_until("Server echoed: Ahoy")?;
        }
        here.push(peer);
        if here.len() > 20 {
            let mut peer = here.swap_remove(dice.usize(..20));
            match dice.u64(..3) {
                // Says farewell and waits for it to be said back.
                0 => {
                    peer.send(0x88, &1000_u16.to_be_bytes())?;
                    while peer.hear()?.is_some() {}
                }
                // Goes without a word, which resets the connection if something is unread.
                1 => drop(peer),
                // Goes in the middle of a frame.
                _ => drop(peer.stream.write_all(&[0x81, 0x85, 0, 0])),
            }
        }
        rest(dice.u64(..20));
    }
    Ok(())
}

/// Joins, asks for as much as goes in, and reads none of it. The server may cut it off whenever it
/// has enough, so nothing that happens to it is an error.
fn get_stuck(office: &Office, deeds: &Deeds, over: &AtomicBool, seed: u64) -> Result<()> {
    let mut dice = Rng::with_seed(seed);
    let mut here: Vec<Peer> = Vec::new();
    let long = "x".repeat(60_000);
    while !is_over(over) {
        let mut peer =
            Peer::join(office, dice.u64(..2) == 0).context("a station that got stuck")?;
        count(&deeds.stuck);
        peer.stream.set_write_timeout(Some(Duration::from_millis(50)))?;
        for _ in 0..dice.u64(..200) {
            if is_over(over) || peer.say(&long).is_err() {
                break;
            }
        }
        here.push(peer);
        if here.len() > STUCK {
            here.remove(0);
        }
        rest(50);
    }
    Ok(())
}

/// Brings bytes that are nothing, before a handshake or behind one. The server may answer or not.
fn bring_garbage(office: &Office, deeds: &Deeds, over: &AtomicBool, seed: u64) -> Result<()> {
    let mut dice = Rng::with_seed(seed);
    while !is_over(over) {
        let mut bytes = match dice.u64(..4) {
            0 => b"GET /".to_vec(),
            1 => {
                b"POST /accept HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n".to_vec()
            }
            2 => b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ".to_vec(),
            _ => Vec::new(),
        };
        for _ in 0..dice.u64(..3_000) {
            bytes.push(dice.u8(..));
        }
        let mut stream = if dice.u64(..2) == 0 {
            Peer::join(office, dice.u64(..2) == 0).context("a station with garbage")?.stream
        } else {
            office.call()?
        };
        count(&deeds.garbage);
        stream.set_read_timeout(Some(Duration::from_millis(50)))?;
        // Whatever comes of it.
        let _ = stream.write_all(&bytes);
        let _ = stream.read(&mut [0; 4096]);
        drop(stream);
        rest(dice.u64(..20));
    }
    Ok(())
}

/// Writes the status file in bursts, in every way, and now and then replaces its directory.
fn write(office: &Office, deeds: &Deeds, over: &AtomicBool, seed: u64) -> Result<()> {
    let mut dice = Rng::with_seed(seed);
    while !is_over(over) {
        for _ in 0..dice.u64(..100) {
            let how = if dice.u64(..2) == 0 { How::Rename } else { How::InPlace };
            office.order(how).context("the status file")?;
            count(&deeds.writings);
            rest(dice.u64(..3));
        }
        if dice.u64(..8) == 0 {
            office.order(How::Directory).context("the directory")?;
            count(&deeds.replaced);
        }
        rest(dice.u64(..300));
    }
    // Every storm has one.
    office.order(How::Directory)?;
    count(&deeds.replaced);
    Ok(())
}

/// Answers, and looks after each acknowledgement whether the reply is in the file.
fn accept(office: &Office, deeds: &Deeds, over: &AtomicBool, seed: u64) -> Result<()> {
    let mut dice = Rng::with_seed(seed);
    let mut peer = Peer::join(office, false).context("the station that answers")?;
    while !is_over(over) {
        let reply = format!("{}", 1 + dice.u64(..1_000_000));
        peer.say(&format!("Accept&{reply}"))?;
        peer.hear_until(&format!("Accepted state: {reply}"))?;
        let written = office.accepted()?;
        ensure!(
            written == format!("{reply}\n"),
            "{reply} was acknowledged and {written:?} written"
        );
        count(&deeds.accepts);
        rest(dice.u64(..10));
    }
    Ok(())
}
