//! Chadburn from outside: the real program, real files, real sockets, and the contract.

// How the tests get at the server.
mod home;
mod http;
mod log;
mod panel;
mod patience;
mod raw;
mod server;
mod station;

/// What the text wire says, byte for byte.
mod text_wire;

/// From the status file to every station: promptly, in order, the last one always.
mod orders;

/// What the JSON wire says and what it refuses.
mod json_wire;

/// Replies: who answered, whether it matches, whether the bell rings.
mod replies;

/// What `Accept&N` takes and how it gets into the accept file.
mod accept_file;
