//! The original's text wire, for servers that speak no other: texts as they are.

use std::pin::pin;
use std::time::Duration;

use chadburn_client::{Event, Link, Settings};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::{Instant, sleep};

use super::watch::now;
use super::{CommandError, MIN_ANSWER_TIMEOUT, print_line};
use chadburn_host::log::escaped;

/// What every server of this wire says first.
const GREETING: &str = "Connected to EOT Server";

/// A text that every server of this wire echoes. Answers come in the order of their questions, so
/// its echo says that nothing is owed any more.
const LAST: &str = "that was all";

/// What the server says to that.
const ECHO: &str = "Server echoed: that was all";

/// Says each text that comes, and how the link is.
pub(super) async fn watch(settings: Settings, url: &str) -> Result<(), CommandError> {
    let mut link = Link::open(settings.greeting(GREETING))?;
    while let Some(event) = link.recv().await {
        match event {
            Event::Message(text) => print_line(&format!("{} {}", now(), escaped(&text)))?,
            Event::Up => print_line(&format!("{} link up {}", now(), escaped(url)))?,
            Event::Down(why) => print_line(&format!("{} link down: {}", now(), escaped(&why)))?,
            Event::Failed(failure) => return Err(failure.into()),
            _ => {}
        }
    }
    Ok(())
}

/// Says each line to the server, and what the server says.
pub(super) async fn console(settings: Settings, wait: Duration) -> Result<(), CommandError> {
    let mut link = Link::connect(settings.greeting(GREETING)).await?;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut ended = false;
    // What is owed may take its time, but not for ever.
    let mut patience = pin!(sleep(wait));
    loop {
        tokio::select! {
            () = &mut patience, if ended => {
                return Err(CommandError::NoResult("the server has not answered everything".into()));
            }
            typed = lines.next_line(), if !ended => {
                let typed = typed?;
                ended = typed.is_none();
                if let Some(due) = Instant::now().checked_add(wait.max(MIN_ANSWER_TIMEOUT)) {
                    patience.as_mut().reset(due);
                }
                let text = typed.unwrap_or_else(|| LAST.to_owned());
                link.send(text).await.map_err(chadburn_client::RequestError::from)?;
            }
            event = link.recv() => match event {
                Some(Event::Message(text)) if ended && text == ECHO => return Ok(()),
                Some(Event::Message(text)) => print_line(&escaped(&text).to_string())?,
                // What was owed is lost with the connection, its end too.
                Some(Event::Up) if ended => {
                    link.send(LAST).await.map_err(chadburn_client::RequestError::from)?;
                }
                Some(Event::Failed(failure)) => return Err(failure.into()),
                Some(_) => {}
                None => return Ok(()),
            },
        }
    }
}
