//! Chadburn from outside: the real program, real files, real sockets, and the contract.

/// How long anything may take.
mod patience;

/// A directory with the two files in it, and the ways in which people write files.
mod home;

/// What the server says about itself, line by line.
mod log;

/// How a server is to be started.
mod setup;

/// The server under test.
mod server;

/// A station: the text wire over a real WebSocket.
mod station;

/// A station on the JSON wire.
mod panel;

/// Askers that end their side at each stage of an exchange.
mod half_closed;
/// A peer that writes its bytes itself.
mod raw;

/// Requests over HTTP.
mod http;

/// A stream of events.
mod events;

/// What the text wire says, byte for byte.
mod text_wire;

/// From the status file to every station: promptly, in order, the last one always.
mod orders;

/// What counts as a writing of the status file.
mod writings;

/// What the server says on the JSON wire.
mod json_wire;

/// What a station says on the JSON wire, and what is refused.
mod json_requests;

/// Replies: who answered, whether it matches, whether the bell rings.
mod replies;

/// What `Accept&N` takes and how it gets into the accept file.
mod accept_file;

/// The end of the server: in time, and with a farewell to everybody.
mod shutdown;

/// Endings under difficulties.
mod endings;

/// Who may say `shutdown`.
mod shutdown_policy;

/// What the log says, and that it harms nobody.
mod log_flood;
mod log_lines;

/// Where reading needs the token.
mod private;
/// What needs the token, and how it is given.
mod token;

/// The handshake, and whom the server talks to: Host and Origin.
mod handshake;

/// RFC 6455 after the handshake.
mod frames;

/// States: their numbers, their times, and what a slow panel hears of them.
mod states;

/// What programs are told over HTTP.
mod http_state;

/// What people are called, who answered, and who is connected twice.
mod people;

/// Streams of events.
mod streams;

/// The bell book, as it is read over HTTP.
mod bell_book;

/// What is counted and measured.
mod metrics;

/// Mounts that hang.
mod hangs;
mod mounts;

/// HTTP beside the WebSocket.
mod http_wire;

/// What each route refuses.
mod http_refused;

/// Peers that mean no good or know no better.
mod abuse;

/// What starts a server, and what ends it in one clear line.
mod command_line;
mod containers;

/// The status file in every state a file can be in.
mod status_file;

/// A status file that becomes another.
mod replacements;

/// Writers that are slow, hasty or many.
mod status_storm;

/// A server that the machine denies something.
mod starved;

/// A server with few descriptors.
mod seats;
mod secret;

/// How much one address may take.
mod limits;

/// An accept file that cannot be written.
mod accept_denied;

/// The accept file under stress.
mod accept_durable;

/// A thread's calls to the kernel, watched and made to fail.
#[cfg(target_os = "linux")]
mod strace;

/// What becomes durable, with every call failing or being the last.
mod injected;

/// How long the server bears with whom.
mod deadlines;

/// Many clients, most of them of no use.
mod load;

/// Stations that send more than anybody could answer.
mod greedy;

/// Readers of the bell book that do not read.
mod book_readers;

/// A server that is killed in the middle of a storm, and the next one.
mod killed;

/// The client's link and station.
mod link;
mod links;

/// The plain link with a server of another house.
mod foreign;

/// The commands that go to a server.
mod commands;

/// A server that says what no real one does at will.
mod scripted;

/// What is only printed, in real shells too.
mod printed;

/// Commands that are told to end.
mod told_to_end;

/// Waiting for an answer.
mod waiting;
mod watching;

/// What acts upon a terminal, and never reaches one.
mod escapes;

/// An authority, and the README's proxies.
mod tls;

/// Proxies and load balancers of others.
mod proxies;

/// The commands through TLS.
mod wss;

/// The README's recipes for them.
mod recipes;

/// What a locale has no letters for.
mod letters;

/// The view in a real shell: Ctrl-Z, bg, fg.
mod job_control;

/// A terminal of the test's own.
mod terminal;

/// The view of `chadburn watch` in a terminal.
mod view;

/// A telegraph without a dial.
mod no_dial;

/// What is wrong here, and what to do about it.
mod doctor;

/// What is wrong on the way to the server, and what to do about it.
mod way;
