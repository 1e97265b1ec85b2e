//! How things are.

use chadburn_client::{Message, Settings, Station};

use super::{Trouble, out, say, say_json, shown_order, shown_reply};
use chadburn_host::terminal::Terminal;

pub(super) async fn run(settings: Settings, json: bool) -> Result<(), Trouble> {
    let station = Station::connect(settings).await?;
    let state = station.state().ok_or_else(|| Trouble::Nothing("there is no state".into()))?;
    if json {
        let text = serde_json::to_string(&Message::State(state)).map_err(std::io::Error::from)?;
        return Ok(say_json(text)?);
    }
    let order = state.order.as_ref().map_or("none".into(), shown_order);
    let reply = state.reply.as_ref().map_or("none".into(), shown_reply);
    say(&format!("order  {order}"))?;
    say(&format!("reply  {reply}"))?;
    let rings = format!("bell   {}", Terminal::ours().loud("rings"));
    out(if state.bell { &rings } else { "bell   is quiet" })?;
    if !state.source.detail.is_empty() {
        say(&format!("file   {}", chadburn_host::log::escaped(&state.source.detail)))?;
    }
    Ok(())
}
