//! A station that reads server-sent events.

use std::fmt::Write;

use serde_json::Value;

use crate::raw::Raw;
use crate::server::TestServer;

/// An event, as it was dispatched (HTML, 9.2.6).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    /// Its name; `message` if it has none.
    pub(crate) name: String,
    /// Its id, if it has one: a state's number.
    pub(crate) id: Option<u64>,
    /// What it says.
    pub(crate) data: Value,
}

/// A stream of events that has been answered.
#[derive(Debug)]
pub(crate) struct Events {
    raw: Raw,
}

impl Events {
    /// A stream, asked for with these headers.
    pub(crate) async fn open(server: &TestServer, headers: &[(&str, &str)]) -> Self {
        Self::at(server, "/events", headers).await
    }

    /// The same at this path, for its query.
    pub(crate) async fn at(server: &TestServer, path: &str, headers: &[(&str, &str)]) -> Self {
        Self::over(Raw::connect(server).await, server, path, headers).await
    }

    /// The same over a connection that is already there.
    pub(crate) async fn over(
        mut raw: Raw,
        server: &TestServer,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Self {
        let mut request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n", server.authority());
        for (name, value) in headers {
            let _ = write!(request, "{name}: {value}\r\n");
        }
        request += "\r\n";
        raw.send(request).await;
        let response = raw.response().await;
        assert_eq!(response.code, 200, "{response:?}");
        assert_eq!(response.header("content-type"), Some("text/event-stream; charset=utf-8"));
        Self { raw }
    }

    /// The next event; `None` at the end of the stream.
    pub(crate) async fn try_hear(&mut self) -> Option<Event> {
        let (mut name, mut id, mut data) = (None, None, None);
        loop {
            let line = self.raw.line().await?;
            let (field, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => name = Some(value.to_owned()),
                "id" => id = Some(value.parse().expect("an id is a number")),
                "data" => data = Some(serde_json::from_str(value).expect("JSON is spoken here")),
                // The end of an event, or of something else.
                "" if line.is_empty() => {
                    if let Some(data) = data.take() {
                        return Some(Event { name: name.unwrap_or("message".into()), id, data });
                    }
                }
                // A comment, or the time to wait.
                _ => {}
            }
        }
    }

    /// The next event, which has to come.
    pub(crate) async fn hear(&mut self) -> Event {
        self.try_hear().await.expect("an event comes")
    }
}
