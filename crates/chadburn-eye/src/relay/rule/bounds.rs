//! How many, how large and how long.

use std::time::Duration;

use super::objects::MAX_OBJECTS;

/// The most processors that have said who they are, and the most that have not.
pub const MAX_PROCESSORS: usize = 64;

/// The most clients.
pub const MAX_CLIENTS: usize = 256;

/// How long a processor may take to say which camera it is.
pub const IDENTIFIER_LIMIT: Duration = Duration::from_secs(10);

/// How many messages of one connection may be none.
pub const MAX_BAD: u32 = 100;

/// How many messages may wait for a client, boxes apart.
pub const MAX_WAITING_CLIENT: usize = 256;

/// How many may wait for a processor: all maps, and as many again thrice.
pub const MAX_WAITING_PROCESSOR: usize = 4 * MAX_OBJECTS;

/// How many bytes may wait for a processor: all maps at their largest (25 bytes a number), and some images.
pub const MAX_WAITING_BYTES: usize = 16 << 20;

/// A start is refused while more than this waits for its camera, so that no client can have a slow one closed.
pub const MAX_WAITING_START: usize = MAX_WAITING_BYTES / 2;

/// Whoever says nothing is asked for a sign of life so often, as the server asks its stations.
pub const PING_INTERVAL: Duration = Duration::from_secs(15);

/// Whoever gives none for so long is gone.
pub const SILENCE_LIMIT: Duration = Duration::from_secs(40);

/// A panel hears something so often, or it takes its link for lost (`static/socket.js`).
pub const BEAT: Duration = Duration::from_secs(4);
