//! Messages of one's own: `cargo run --example eye -- ws://localhost:8888/processor`.
#![expect(clippy::print_stdout, reason = "what comes is printed")]

use chadburn_client::{Failure, Settings, Typed};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Eye {
    Identifier { id: String },
    Start { camera_id: Option<String>, frame_id: Option<f64> },
    Stop { object_id: u64 },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "ws://localhost:8888/processor".into());
    let identity = serde_json::to_string(&Eye::Identifier { id: "gate".into() });
    let settings = Settings::new(&url)?.identity(identity.expect("it can be JSON"));
    let mut link: Typed<Eye, Eye> = Typed::connect(settings).await?;
    while let Some(event) = link.recv().await {
        println!("{event:?}");
    }
    Ok(())
}
