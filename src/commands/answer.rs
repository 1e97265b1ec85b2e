//! Answering and ordering.

use std::time::Duration;

use chadburn_client::{Code, Dial, RequestError, Sector, Settings, Station};
use chadburn_core::text::bare;

use super::{CommandError, await_answer, print_line, shown_order};
use chadburn_host::log::escaped;

/// How often an order may get a new number while it is being answered. A server that has just been
/// restarted gives the same order a new one.
const RENUMBERED: usize = 3;

/// Answers the order that stands when the server is reached. One that another order overtakes is
/// not answered: nobody has seen the other yet.
pub(super) async fn run(
    settings: Settings,
    wait: Duration,
    position: Option<String>,
    coming: Option<bool>,
) -> Result<(), CommandError> {
    let station = Station::connect(settings).await?;
    let sector = match (position, station.welcome()) {
        (Some(text), Some(welcome)) => Some(find(&welcome.dial, &text)?),
        _ => None,
    };
    let mut tries = 0;
    let mut order = present(&station)?;
    loop {
        let position = sector.as_ref().map(|it| it.position);
        match await_answer(&station, wait, station.answer(order.seq, position, coming)).await {
            Ok(()) => break,
            Err(CommandError::Request(RequestError::Refused { code: Code::Stale, message })) => {
                let now = present(&station)?;
                tries += 1;
                if now.status != order.status || now.seq == order.seq || tries > RENUMBERED {
                    return Err(RequestError::Refused { code: Code::Stale, message }.into());
                }
                order = now;
            }
            Err(other) => return Err(other),
        }
    }
    let order_said = shown_order(&order);
    print_line(&match (coming, &sector) {
        (Some(false), None) => format!("not coming to {order_said}"),
        (_, Some(it)) if order.position != Some(it.position) => {
            format!("answered {order_said} with {}", shown_sector(it))
        }
        _ => format!("answered {order_said}"),
    })?;
    Ok(())
}

/// Gives an order.
pub(super) async fn order(
    settings: Settings,
    wait: Duration,
    status: String,
) -> Result<(), CommandError> {
    let station = Station::connect(settings).await?;
    await_answer(&station, wait, station.order(status.clone())).await?;
    let dial = station.welcome().map(|welcome| welcome.dial);
    print_line(&match dial.as_ref().and_then(|dial| dial.find(bare(&status))) {
        Some(sector) => format!("ordered {}", shown_sector(sector)),
        None => format!("ordered {}", escaped(&status)),
    })?;
    Ok(())
}

fn present(station: &Station) -> Result<chadburn_client::Order, CommandError> {
    let order = station.state().and_then(|state| state.order);
    order.ok_or_else(|| CommandError::NoResult("there is no order to answer".into()))
}

fn shown_sector(sector: &Sector) -> String {
    format!("{} {}", sector.position, escaped(&sector.name))
}

fn find(dial: &Dial, text: &str) -> Result<Sector, CommandError> {
    dial.find(text).cloned().ok_or_else(|| {
        if dial.sectors.is_empty() {
            let how = "chadburn answer alone accepts the order as it stands";
            return CommandError::NoResult(format!("this telegraph has no dial; {how}"));
        }
        let names: Vec<_> =
            dial.sectors.iter().map(|it| format!("{} {}", it.position, it.name)).collect();
        CommandError::NoResult(format!("{text:?} is not on the dial: {}", names.join(", ")))
    })
}
