//! The README's recipes for `chadburn watch --exec`, as they stand there. Only addresses and the
//! minute of patience are the test's own.

use std::process::Stdio;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use crate::home::Home;
use crate::link::url;
use crate::patience::{soon, until};
use crate::server::TestServer;
use crate::setup::Setup;

/// The recipes, in the README's order.
fn recipes() -> [&'static str; 3] {
    let readme = include_str!("../../README.md");
    let section = readme.split("\n## ").find(|it| it.starts_with("Follow it from anywhere\n"));
    let blocks = section.expect("there is such a section").split("```sh\n").skip(1);
    let blocks: Vec<_> = blocks.filter_map(|block| block.split("```").next()).collect();
    blocks.try_into().expect("there are three recipes")
}

/// Runs a recipe in this directory, and waits until it is at the server.
async fn start(recipe: &str, server: &TestServer, home: &Home) -> Child {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_chadburn"));
    let folder = program.parent().expect("it is in a directory").display().to_string();
    let path = std::env::var("PATH").expect("there is a path");
    let mut shell = Command::new("sh");
    // The shell becomes the recipe, so that there is nothing left when the test ends.
    shell.args(["-c", &format!("exec {recipe}")]).current_dir(home.path()).kill_on_drop(true);
    shell.env("PATH", format!("{folder}:{path}")).env("CHADBURN_URL", url(server));
    shell.env_remove("http_proxy").stdin(Stdio::null());
    shell.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = shell.spawn().expect("there is a shell");
    let out = child.stdout.as_mut().expect("it is piped");
    let mut lines = BufReader::new(out).lines();
    while !soon("the link", lines.next_line()).await.expect("text").expect("more").contains("link")
    {
    }
    child
}

#[tokio::test]
async fn a_telegraph_in_another_building_is_followed() {
    let (there, here) = (TestServer::start().await, TestServer::start().await);
    let recipe = recipes()[0].replace("wss://eot.example.com/websocket", &url(&there));
    assert_ne!(recipe, recipes()[0]);
    let _follower = start(&recipe, &there, &here.home).await;
    for order in ["7", "main is \"broken\" & $HOME", "7"] {
        there.home.order(order);
        let line = format!("{order}\n");
        let status = here.home.status();
        until("the order is here", || std::fs::read_to_string(&status).is_ok_and(|it| it == line))
            .await;
    }
    assert_eq!(here.home.strays(), Vec::<String>::new());
}

#[tokio::test]
async fn a_mirror_is_right_after_a_restart_of_either_side() {
    let (mut there, here) = (TestServer::start().await, TestServer::start().await);
    let recipe = recipes()[0].replace("wss://eot.example.com/websocket", &url(&there));
    let follower = start(&recipe, &there, &here.home).await;
    let is = |order: &str| {
        std::fs::read_to_string(here.home.status()).is_ok_and(|it| it == format!("{order}\n"))
    };
    there.home.order("7");
    until("it follows", || is("7")).await;
    there.kill().await;
    there.home.order("8");
    let there = Setup::at(Arc::clone(&there.home)).port(there.address.port()).start().await;
    until("it follows another server", || is("8")).await;
    // Dropped it is killed, and what is ordered meanwhile is no event for the next one.
    drop(follower);
    there.home.order("9");
    let _follower = start(&recipe, &there, &here.home).await;
    until("another one follows", || is("9")).await;
}

#[tokio::test]
async fn a_webhook_rings_when_nobody_answers() {
    let server = TestServer::start().await;
    let hook = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}/bell", hook.local_addr().expect("it is bound"));
    let recipe = recipes()[1].replace("https://hooks.example.com/bell", &address);
    let recipe = recipe.replace("60s", "500ms");
    let _watcher = start(&recipe, &server, &server.home).await;
    for _ in 0..2 {
        let (mut call, _) = soon("the hook", hook.accept()).await.expect("a call");
        let mut heard = String::new();
        let mut bytes = [0; 1024];
        while !heard.ends_with("nobody answers 6") {
            let count = soon("the call", call.read(&mut bytes)).await.expect("bytes");
            assert!(count > 0, "the call ends in {heard:?}");
            heard.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
        assert!(heard.starts_with("POST /bell HTTP/1.1"), "{heard}");
        let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        call.write_all(reply).await.expect("it listens");
    }
}

#[tokio::test]
async fn a_bot_always_comes_to_coffee() {
    let server = TestServer::start().await;
    let mut bot = start(recipes()[2], &server, &server.home).await;
    server.home.order("lunch");
    server.home.order("coffee");
    until("it comes", || server.home.reply().as_deref() == Some("coffee\n")).await;
    let book = || std::fs::read_to_string(server.home.file("bell-book.jsonl")).unwrap_or_default();
    until("it is in the book", || book().contains(r#""who":"the bot""#)).await;
    // The same order once more is answered once more, and nothing else is.
    server.home.order("coffee");
    until("it comes again", || book().matches(r#""who":"the bot""#).count() == 2).await;
    assert_eq!(book().matches(r#""what":"reply""#).count(), 2);
    // What its commands say goes to standard error, and not between the events.
    let mut said = BufReader::new(bot.stderr.take().expect("it is piped")).lines();
    for _ in 0..2 {
        let line = soon("a line", said.next_line()).await.expect("text");
        assert_eq!(line.as_deref(), Some("answered 7 COFFEE"));
    }
}
