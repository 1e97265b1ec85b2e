//! The debug console: lines in, lines out.

use std::time::Duration;

use chadburn_client::{RequestError, Settings, Station};
use tokio::io::{AsyncBufReadExt, BufReader};

use super::{CommandError, await_answer, print_line};

/// Says each line to the server, and what comes back, until there are no more. What the server
/// refuses is said like any other line; the last of them decides the exit code.
pub(super) async fn run(settings: Settings, wait: Duration) -> Result<(), CommandError> {
    let station = Station::connect(settings).await?;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut last = Ok(());
    while let Some(line) = lines.next_line().await? {
        last = match await_answer(&station, wait, station.console(line)).await {
            Ok(answer) => {
                for line in answer {
                    print_line(&line)?;
                }
                Ok(())
            }
            Err(CommandError::Request(RequestError::Refused { code, message })) => {
                print_line(&message)?;
                Err(RequestError::Refused { code, message })
            }
            Err(other) => return Err(other),
        };
    }
    Ok(last?)
}
