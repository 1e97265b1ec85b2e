//! How it ends, and how it does not begin.

use std::process::Output;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::process::Command;

use crate::host::{PROGRAM, Relay, within};
use crate::peer::{Peer, boxes, open};

#[tokio::test]
async fn it_ends_within_a_second_and_says_so() {
    for signal in [Signal::INT, Signal::TERM] {
        let mut relay = Relay::start().await;
        let mut gate = Peer::camera(&relay, "gate").await;
        let mut client = Peer::client(&relay).await;
        let mut panel = Peer::panel(&relay).await;
        let mut unknown = Peer::unknown(&relay).await;
        relay.reaches("processors", 1).await;
        relay.reaches("clients", 2).await;
        let began = Instant::now();
        relay.signal(signal);
        for peer in [&mut gate, &mut client, &mut panel, &mut unknown] {
            assert_eq!(peer.code().await, 1001);
        }
        assert_eq!(relay.ended().await.code(), Some(0));
        let took = began.elapsed();
        assert!(took < Duration::from_secs(1), "{signal:?}: {took:?}");
    }
}

#[tokio::test]
async fn nobody_who_does_not_read_or_answer_holds_up_its_end() {
    let mut relay = Relay::start().await;
    let mut gate = Peer::camera(&relay, "gate").await;
    let _stuck = open(&relay, "client", &[], Some(4_096)).await.unwrap();
    let _idle = open(&relay, "processor", &[], None).await.unwrap();
    relay.reaches("clients", 1).await;
    let mut full = boxes(1.0);
    full["boxes"] = serde_json::json!(vec![full["boxes"][0].clone(); 32]);
    while relay.figure("conflated_total").await == 0 {
        for _ in 0..100 {
            gate.say(full.clone()).await;
        }
    }
    let began = Instant::now();
    relay.signal(Signal::TERM);
    assert_eq!(relay.ended().await.code(), Some(0));
    let took = began.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
}

async fn refused(args: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(PROGRAM);
    let Output { status, stderr, .. } =
        within("its end", command.arg("relay").args(args).kill_on_drop(true).output())
            .await
            .unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

#[tokio::test]
async fn what_it_cannot_do_is_one_line() {
    let relay = Relay::start().await;
    let port = relay.port.to_string();
    for (args, code, said) in [
        (&["--bind", "0.0.0.0"][..], 2, "--bind 0.0.0.0 lets others in"),
        (&["--bind", "::"], 2, "--bind :: lets others in"),
        (&["--port", "x"], 2, "invalid value 'x' for '--port"),
        (&["--token-file", "/no/such/file"], 2, "token file /no/such/file: No such file"),
        (&["--token-file", "a", "--open"], 2, "cannot be used with"),
        (&["--log-format", "loud"], 2, "it is human or json"),
        (&["--more"], 2, "unexpected argument '--more'"),
        (&["--port", &port], 1, "cannot listen on 127.0.0.1"),
    ] {
        let (exit, line) = refused(args).await;
        assert_eq!(exit, Some(code), "{args:?}: {line}");
        assert!(line.starts_with("chadburn-eye: ") && line.contains(said), "{args:?}: {line}");
        assert_eq!(line.lines().count(), 1, "{args:?}: {line}");
    }
}

#[tokio::test]
async fn beyond_this_machine_it_listens_if_it_is_told_that_all_may_come() {
    let relay = Relay::with(&["--bind", "0.0.0.0", "--open"]).await;
    let mut client = Peer::client(&relay).await;
    client.settles().await;
}
