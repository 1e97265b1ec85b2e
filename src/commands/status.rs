//! How things are.

use chadburn_client::{Message, Settings, Station};

use super::{CommandError, print_json, print_line, shown_order, shown_reply, write_line};
use chadburn_host::terminal::Terminal;

pub(super) async fn run(settings: Settings, json: bool) -> Result<(), CommandError> {
    let station = Station::connect(settings).await?;
    let state =
        station.state().ok_or_else(|| CommandError::NoResult("there is no state".into()))?;
    if json {
        let text = serde_json::to_string(&Message::State(state)).map_err(std::io::Error::from)?;
        return Ok(print_json(text)?);
    }
    let order = state.order.as_ref().map_or("none".into(), shown_order);
    let reply = state.reply.as_ref().map_or("none".into(), shown_reply);
    print_line(&format!("order  {order}"))?;
    print_line(&format!("reply  {reply}"))?;
    let rings = format!("bell   {}", Terminal::ours().loud("rings"));
    write_line(if state.bell { &rings } else { "bell   is quiet" })?;
    if !state.source.detail.is_empty() {
        print_line(&format!("file   {}", chadburn_host::log::escaped(&state.source.detail)))?;
    }
    Ok(())
}
