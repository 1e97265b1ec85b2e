//! The relay's page in the binary. What it shares with the panel are the panel's own files.

/// The page itself.
pub(super) const PAGE: &str = "relay.html";

/// Its icon.
pub(super) const ICON: &str = "static/favicon.svg";

/// All files.
pub(super) const FILES: &[(&str, &[u8])] = &[
    (PAGE, include_bytes!("../../static/relay.html")),
    ("static/relay.css", include_bytes!("../../static/relay.css")),
    ("static/relay.js", include_bytes!("../../static/relay.js")),
    ("static/relay-cameras.js", include_bytes!("../../static/relay-cameras.js")),
    ("static/relay-store.js", include_bytes!("../../static/relay-store.js")),
    ("static/day.css", include_bytes!("../../../../static/day.css")),
    ("static/night.css", include_bytes!("../../../../static/night.css")),
    ("static/panel.css", include_bytes!("../../../../static/panel.css")),
    (ICON, include_bytes!("../../../../static/favicon.svg")),
    ("static/light.js", include_bytes!("../../../../static/light.js")),
    ("static/memory.js", include_bytes!("../../../../static/memory.js")),
    ("static/protocol.js", include_bytes!("../../../../static/protocol.js")),
    ("static/socket.js", include_bytes!("../../../../static/socket.js")),
    ("static/unseen.js", include_bytes!("../../../../static/unseen.js")),
    ("static/svg.js", include_bytes!("../../../../static/svg.js")),
];
