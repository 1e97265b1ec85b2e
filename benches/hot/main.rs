//! What a push, a newcomer, a message and a writing cost inside the server, without a kernel and
//! without a network: `cargo bench`, or `cargo bench -- push` for those alone.
//!
//! `push` has a floor of its own, the same frame into the same sinks in a bare loop; what lies
//! between the two is the engine. What the whole costs on real sockets is `cargo xtask bench`'s
//! business.

use std::hint::black_box;
use std::io::Write;
use std::time::Duration;

use chadburn::hub::Wire;
use chadburn::hub::frame::{Decoder, encode, opcode};
use chadburn::policy::{Reach, Reaches};
use chadburn::status::FORMAT;
use chadburn_core::serial::Report;
use chadburn_v1::parse;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use live_file::source::look::{RealDisk, look};
use live_file::source::rule::{Hint, Rule, Step};
use live_file::writing::Watch;
use testkit::frames;
use testkit::office::{Office, Sink};

/// Stations of a push: as many as an office, a company, and the goal have.
const STATIONS: [usize; 3] = [100, 1_000, 10_000];

/// `status` in a masked frame, whose mask changes nothing.
const STATUS: &[u8] = b"\x81\x86\0\0\0\0status";

/// Nobody may give orders or end the server over the network.
const NEVER: Reaches = Reaches { orders: Reach::Never, shutdown: Reach::Never };

criterion_group!(hot, push, newcomer, question, decoding, messages, writing, serial);
criterion_main!(hot);

/// An order, from its writing to the last socket.
fn push(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("push");
    for stations in STATIONS {
        group.throughput(Throughput::Elements(stations as u64));
        let frame = encode(opcode::TEXT, b"7");
        let mut sinks = vec![Sink::default(); stations];
        group.bench_function(BenchmarkId::new("floor", stations), |bench| {
            bench.iter(|| {
                for sink in &mut sinks {
                    let taken = sink.write(black_box(&frame));
                    assert!(matches!(taken, Ok(length) if length == frame.len()));
                }
            });
        });
        for (name, wire) in [("text", Wire::Text), ("json", Wire::Json), ("sse", Wire::Sse)] {
            let mut office = Office::open(NEVER);
            for _ in 0..stations {
                office.joins(wire, Sink::default());
            }
            group.bench_function(BenchmarkId::new(name, stations), |bench| {
                bench.iter(|| office.orders());
            });
        }
    }
}

/// From the handshake to the whole greeting, and out again.
fn newcomer(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("newcomer");
    for (name, wire) in [("text", Wire::Text), ("json", Wire::Json), ("sse", Wire::Sse)] {
        let mut office = Office::open(NEVER);
        group.bench_function(name, |bench| {
            bench.iter(|| {
                let key = office.joins(wire, Sink::default());
                office.loses(key);
            });
        });
    }
}

/// A station's question, from its socket to the answer's.
fn question(criterion: &mut Criterion) {
    let mut office = Office::open(NEVER);
    let key = office.joins(Wire::Text, Sink::default());
    criterion.bench_function("question", |bench| {
        bench.iter(|| {
            office.socket(key).expect("it is there").says = STATUS;
            office.hears(key);
        });
    });
}

/// A client's frame, unmasked and held to be UTF-8.
fn decoding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("frame");
    for length in [8, 1_024, 65_536] {
        let bytes = frames::text(vec![b'a'; length]);
        group.throughput(Throughput::Bytes(length as u64));
        group.bench_function(BenchmarkId::new("decode", length), |bench| {
            let decode = |mut bytes: Vec<u8>| {
                let mut input = bytes.as_mut_slice();
                assert!(matches!(Decoder::default().next(&mut input), Ok(Some(_))));
                bytes
            };
            bench.iter_batched(|| bytes.clone(), decode, BatchSize::SmallInput);
        });
    }
}

/// What a station says in JSON.
fn messages(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("message");
    for (name, text) in [
        ("answer", r#"{"type":"answer","id":7,"order":1790000000000,"position":7,"coming":true}"#),
        ("order", r#"{"type":"order","id":8,"status":"main is broken"}"#),
        ("broken", r#"{"type":"order","id":8,"status":"main is"#),
    ] {
        group.bench_function(name, |bench| bench.iter(|| parse(black_box(text)).is_ok()));
    }
}

/// A file that was renamed in: the look at the real file, and the rule without it.
fn writing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("writing");
    let directory = tempfile::tempdir().expect("a place for the file");
    let path = directory.path().join("status.eot");
    std::fs::write(&path, "7\n").expect("a file");
    let mut disk = RealDisk::new(&path, FORMAT.max_file);
    group.bench_function("look", |bench| bench.iter(|| look(&mut disk, "status.eot", &FORMAT)));
    let seen = look(&mut disk, "status.eot", &FORMAT);
    group.bench_function("rule", |bench| {
        bench.iter(|| {
            let (mut rule, now) = (Rule::new(false, Watch::Inotify), Duration::ZERO);
            rule.hint(now, Hint::Opened);
            rule.hint(now, Hint::MovedIn);
            loop {
                match rule.next(now) {
                    Step::Look | Step::Glance => rule.looked(now, seen.clone()),
                    Step::Knock => {
                        rule.hint(now, Hint::Opened);
                        rule.hint(now, Hint::Knocked);
                    }
                    Step::Tell(report) => break report,
                    Step::Wait(until) | Step::AwaitKnock(until) => {
                        panic!("nothing is told before {until:?}")
                    }
                }
            }
        });
    });
}

/// The board's state line, with its checksum.
fn serial(criterion: &mut Criterion) {
    let line = "S 15 7 7 683 0 ok quiet*42A7";
    assert!(Report::parse(line).is_some(), "{line} is one");
    criterion.bench_function("serial/state", |bench| {
        bench.iter(|| Report::parse(black_box(line)).is_some());
    });
}
