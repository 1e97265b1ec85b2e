//! What each of Chadburn's web pages stands on: a [`Server`] over plain HTTP/1 that strangers may reach.
//!
//! * Every connection has one of a number of [`seats`], and deadlines: 10 s for a request's head, 75 s of rest
//!   between two requests, 15 s in which a peer takes nothing of an answer. Whoever finds no seat is told so.
//! * [`visitors`] judges who may come and who may read: `Host` (against DNS rebinding), `Origin` (and CORS), and
//!   a token. What replaces the [`Visitors`](visitors::Visitors) holds from the next request on.
//! * [`limits`] bounds what one address takes: connections at once, requests a second, wrong tokens.
//! * Every answer has security headers; what cannot be answered is a [`Problem`](problem::Problem) in JSON.
//! * [`assets`] are a page's files, in the binary or in a directory, which browsers keep under their digest.
//! * A [`Service`] answers, mostly an axum router. It may take a connection away ([`Upgraded`]), with what was
//!   not read and not sent, for a WebSocket or an event stream that something else than tokio serves.
//!
//! It knows no order and no station. It speaks no TLS: that is for a proxy before it.
//!
//! ```
//! use std::num::NonZeroU32;
//! use std::sync::Arc;
//!
//! use axum::{Router, routing::get};
//! use chadburn_web::assets::{AssetService, Assets, routes};
//! use chadburn_web::{Server, limits::Limits, visitors::Visitors, workers::Workers};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! use tokio::net::{TcpListener, TcpStream};
//! use tokio::sync::{Semaphore, watch};
//! use tokio_util::{sync::CancellationToken, task::TaskTracker};
//!
//! const FILES: &[(&str, &[u8])] = &[
//!     ("page.html", b"<script type=module src=static/{{assets}}/clock.js></script>"),
//!     ("static/clock.js", b"document.title = Date();"),
//! ];
//!
//! # async fn ask(stream: &mut TcpStream, path: &str) -> std::io::Result<String> {
//! #     let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
//! #     stream.write_all(request.as_bytes()).await?;
//! #     let mut answer = String::new();
//! #     stream.read_to_string(&mut answer).await?;
//! #     Ok(answer)
//! # }
//! #
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let assets = Assets::embedded("page.html", FILES);
//! let digest = assets.digest().to_owned();
//! let page = AssetService::new(assets, "", Workers::new(1));
//! let service = Router::new()
//!     .route("/time", get(async || "noon"))
//!     .merge(routes(page, "static/clock.svg", "there is nothing here"));
//! let (_replace, visitors) = watch::channel(Visitors::default());
//! let server = Server {
//!     service,
//!     visitors,
//!     seats: Arc::new(Semaphore::new(16)),
//!     limits: Limits { connections: NonZeroU32::new(1), ..Limits::default() },
//! };
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! let address = listener.local_addr()?;
//! let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
//! let (own_stop, own_tracker) = (stop.clone(), tracker.clone());
//! tracker.spawn(async move { server.serve(listener, own_stop, &own_tracker).await });
//!
//! let mut first = TcpStream::connect(address).await?;
//! let mut second = TcpStream::connect(address).await?;
//! let rejected = ask(&mut second, "/").await?;
//! assert!(rejected.starts_with("HTTP/1.1 429 "), "one connection an address: {rejected}");
//! let page = ask(&mut first, "/").await?;
//! assert!(page.contains(&digest) && page.contains("content-security-policy: default-src 'none'"));
//!
//! stop.cancel();
//! tracker.close();
//! tracker.wait().await;
//! # Ok(())
//! # }
//! ```

pub mod address;
pub mod assets;
pub mod body;
mod caller;
mod connection;
mod cors;
pub mod gzip;
mod headers;
mod limiter;
pub mod limits;
pub mod lists;
mod owner;
pub mod problem;
pub mod query;
mod rejector;
pub mod seats;
mod server;
mod service;
mod socket;
pub mod token;
pub mod visitors;
pub mod workers;

pub use caller::Caller;
pub use server::{Server, listen};
pub use service::{Service, Terms, TokenUse, Upgraded};
pub use socket::Control;
