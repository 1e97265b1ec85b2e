//! Commands that print JPEGs: those of the user, and ffmpeg, which reads what we do not.
//!
//! Each runs in a process group of its own, which ends with it. What it says of its troubles is told without addresses,
//! since passwords stand in them.

use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use super::address::Url;
use super::{CHUNK, Feed, Sink};

/// The longest line of a command's troubles that is told, in bytes.
const MAX_LINE: usize = 300;

/// What ffmpeg always does: pictures of good quality (2 to 31, lower is better) go to standard output, and nothing waits.
const PRINT: [&str; 8] = ["-an", "-f", "mjpeg", "-q:v", "4", "-flush_packets", "1", "pipe:1"];

/// What ffmpeg always knows: it asks nobody anything, and says only what is wrong.
const QUIET: [&str; 4] = ["-nostdin", "-hide_banner", "-loglevel", "error"];

/// A command for the shell.
pub(super) async fn shell(line: &str, sink: &Sink) -> Result<(), String> {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", line]);
    run(command, None, "the command", sink).await
}

/// A camera of this machine.
pub(super) async fn device(path: &Path, sink: &Sink) -> Result<(), String> {
    let mut command = Command::new("ffmpeg");
    command.args(QUIET).args(["-f", "v4l2", "-i"]).arg(path).args(PRINT);
    run(command, None, "ffmpeg", sink).await
}

/// An address. ffmpeg is told it on its standard input, as the one entry of a list: arguments can be seen by everybody.
/// Protocols and forms are limited to those of a camera, since a playlist could have it read files of ours.
pub(super) async fn url(url: &Url, sink: &Sink) -> Result<(), String> {
    let (protocols, forms) = match url.scheme {
        "rtsp" => ("pipe,rtsp,rtp,udp,tcp", "concat,rtsp,sdp,rtp"),
        _ => {
            ("pipe,https,tls,tcp", "concat,mpjpeg,mjpeg,jpeg_pipe,png_pipe,image2,mov,matroska,flv")
        }
    };
    let mut command = Command::new("ffmpeg");
    command.args(QUIET).args(["-protocol_whitelist", protocols, "-format_whitelist", forms]);
    command.args(["-f", "concat", "-safe", "0", "-i", "pipe:0"]).args(PRINT);
    let quoted = url.secret.replace('\'', r"'\''");
    let mut list = format!("ffconcat version 1.0\nfile '{quoted}'\n");
    if url.scheme == "rtsp" {
        // Over UDP pictures lose their tails.
        list += "option rtsp_transport tcp\n";
    }
    run(command, Some(list), "ffmpeg", sink).await
}

async fn run(
    mut command: Command,
    input: Option<String>,
    name: &str,
    sink: &Sink,
) -> Result<(), String> {
    let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
    command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.process_group(0).kill_on_drop(true).spawn();
    let mut child = child.map_err(|error| format!("{name} cannot be started: {error}"))?;
    let _group = Group(child.id().and_then(|id| Pid::from_raw(id.cast_signed())));
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
        // One that does not read it has ended, and says why.
        let _ = stdin.write_all(input.as_bytes()).await;
    }
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(format!("{name} has no output"));
    };
    let mut feed = Feed::new(sink);
    let (read, said) = tokio::join!(feed.read(stdout), last_line(stderr));
    read.map_err(|error| format!("{name}: {error}"))?;
    let status = child.wait().await.map_err(|error| format!("{name}: {error}"))?;
    if status.success() {
        return Ok(());
    }
    let said = without_addresses(&said);
    Err(if said.is_empty() {
        format!("{name} has ended ({status})")
    } else {
        format!("{name} has ended ({status}): {said}")
    })
}

/// The last line of all that can be read that is not empty; of long ones the beginning.
async fn last_line(mut from: impl AsyncRead + Unpin) -> String {
    let (mut chunk, mut line, mut last) = (vec![0; CHUNK], Vec::new(), Vec::new());
    // What cannot be read was not said.
    while let Ok(length @ 1..) = from.read(&mut chunk).await {
        for byte in &chunk[..length] {
            match byte {
                b'\n' | b'\r' if line.is_empty() => {}
                b'\n' | b'\r' => last = std::mem::take(&mut line),
                byte if line.len() < MAX_LINE => line.push(*byte),
                _ => {}
            }
        }
    }
    let last = if line.is_empty() { last } else { line };
    String::from_utf8_lossy(&last).trim().to_owned()
}

/// The line, with a sign for each address in it.
fn without_addresses(line: &str) -> String {
    let words = line.split_inclusive([' ', '\'', '"', '(', ')', '[', ']', '<', '>']);
    words
        .map(|word| {
            let end = word.len()
                - word.trim_end_matches([' ', '\'', '"', '(', ')', '[', ']', '<', '>']).len();
            if word.contains("://") {
                format!("…{}", &word[word.len() - end..])
            } else {
                word.to_owned()
            }
        })
        .collect()
}

/// A process group that is killed when this is dropped.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It fails only if all of it has ended.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn troubles_are_told_without_addresses() {
        let line = "Impossible to open 'rtsp://tim:hush@cam/1' (tcp://cam:554?a=b): refused";
        assert_eq!(without_addresses(line), "Impossible to open '…' (…): refused");
        assert_eq!(without_addresses("no address here: 7 // 8"), "no address here: 7 // 8");
        let strange = "https://a b://c";
        assert_eq!(without_addresses(strange), "… …");
    }

    #[tokio::test]
    async fn of_all_that_is_said_the_last_line_counts() {
        assert_eq!(last_line(&b"one\ntwo\r\n\n"[..]).await, "two");
        assert_eq!(last_line(&b"one\nhalf"[..]).await, "half");
        assert_eq!(last_line(&b""[..]).await, "");
        let endless = "x".repeat(1_000_000);
        assert_eq!(last_line(endless.as_bytes()).await.len(), MAX_LINE);
    }
}
