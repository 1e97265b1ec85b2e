//! The way to the server: whether it is there, knows its name, upgrades, lets pages and events
//! through, tells near from far, and has the same time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chadburn_client::{Failure, May, Page, Settings, Station, Welcome, get, get_until};
use serde::Deserialize;
use tokio::time::timeout;

use super::Finding;
use crate::calendar;
use crate::commands::redirect_text;
use chadburn_host::log::escaped;

/// How far two clocks may be apart, in seconds; a header's date is a second coarse.
const APART: u64 = 5;

/// How long the first event may take, in which the present state comes; it is there at once.
const EVENT: Duration = Duration::from_secs(3);

/// What was found out of the way to the server, and of the server.
pub(super) struct Way {
    pub(super) findings: Vec<Finding>,
    /// Its status file is well, and it looks at it ten times a second, because no kernel tells it of changes.
    pub(super) polls: bool,
}

impl Way {
    fn of(findings: Vec<Finding>) -> Self {
        Self { findings, polls: false }
    }
}

pub(super) async fn look(settings: Settings, url: &str) -> Way {
    let shown = escaped(url);
    let page = match get(&settings, "readyz").await {
        Ok(page) => page,
        Err(failure) => {
            let then = "start the server, or say with --url where it is; a firewall or another \
                        port may be in between";
            return Way::of(vec![Finding::Bad(failure.to_string(), then.into())]);
        }
    };
    let mut way = Way::of(vec![host(&page, &shown.to_string())]);
    if matches!(way.findings[0], Finding::Bad(..)) {
        return way;
    }
    let Way { findings, polls } = &mut way;
    *polls = ready(&page, findings);
    findings.push(clock(&page));
    let (finding, welcome) = upgrade(settings.clone()).await;
    findings.push(finding);
    findings.extend(welcome.as_ref().and_then(|welcome| version(&welcome.server)));
    let may = welcome.map(|welcome| welcome.may);
    if let Some(may) = may
        && is_elsewhere(url).await
    {
        findings.extend(forwarder(settings.clone(), may).await);
    }
    // The server itself speaks no TLS and does not say what it is.
    let proxied = ["server", "via"].iter().any(|it| page.header(it).is_some());
    if let Some(may) = may.filter(|_| proxied || url.starts_with("wss:")) {
        findings.push(strangers(may));
    }
    findings.push(origin(settings.clone(), url).await);
    findings.push(events(&settings).await);
    way
}

/// What `/readyz` says; the rest of it is not kept.
#[derive(Deserialize)]
struct Ready {
    status_file: Option<ReadyFile>,
    accept_file: Option<ReadyFile>,
    bell_book: Option<ReadyFile>,
}

/// What it says of a file.
#[derive(Deserialize)]
struct ReadyFile {
    health: Option<String>,
    detail: Option<String>,
    watch: Option<String>,
}

fn host(page: &Page, url: &str) -> Finding {
    let is_ours = serde_json::from_str::<Ready>(&page.body).is_ok();
    match page.status {
        200 | 503 if !is_ours => Finding::Bad(
            format!("{url} answers with a page that is not Chadburn's"),
            "look at the address in a browser: it may be a sign-in, a portal or another server"
                .into(),
        ),
        301..=308 => Finding::Bad(
            format!("{url} {}", redirect_text(page)),
            "sign in anew if that is a sign-on that has expired, and let it pass programs with a \
             header; or give the address that is meant"
                .into(),
        ),
        200 | 503 => Finding::Well(format!("{url} is a server that knows its name")),
        421 => Finding::Bad(
            format!("{url} does not answer to this name"),
            "start it with --host and the name in the address; a proxy must pass Host on".into(),
        ),
        status => Finding::Bad(
            format!("{url} answers with {status}, so it is no Chadburn or an older one"),
            "look what else listens on this port, and where the proxy leads; below a sub-path the \
             address needs it, as in wss://eot.example.com/eot/websocket, and the proxy cuts it off"
                .into(),
        ),
    }
}

/// What the server says of its files; whether its status file is well and polled.
fn ready(page: &Page, findings: &mut Vec<Finding>) -> bool {
    let Ok(Ready { status_file, accept_file, bell_book }) = serde_json::from_str(&page.body) else {
        let what = "the server does not say how its files are".into();
        findings.push(Finding::Bad(what, "look what the proxy makes of /readyz".into()));
        return false;
    };
    let is_polled = |file: &ReadyFile| {
        (file.health.as_deref(), file.watch.as_deref()) == (Some("ok"), Some("poll"))
    };
    let polls = status_file.as_ref().is_some_and(is_polled);
    for (file, name) in [(status_file, "status"), (accept_file, "accept"), (bell_book, "book")] {
        let Some(file) = file else { continue };
        match (file.health.as_deref(), file.detail.as_deref()) {
            _ if is_polled(&file) => {
                let what = format!("the server's {name} file is well, by poll");
                findings.push(Finding::Note(what, "it looks ten times a second"));
            }
            (Some("ok"), _) => {
                let watch = file.watch.map(|watch| format!(", by {}", escaped(&watch)));
                let watch = watch.unwrap_or_default();
                findings.push(Finding::Well(format!("the server's {name} file is well{watch}")));
            }
            (Some(health), detail) => {
                let detail = escaped(detail.filter(|it| !it.is_empty()).unwrap_or(health));
                findings.push(Finding::Bad(
                    format!("the server's {name} file: {detail}"),
                    "it heals by itself once that is mended".into(),
                ));
            }
            (None, _) => {}
        }
    }
    polls
}

/// Now only label what happened, but labels that contradict each other are a nuisance.
fn clock(page: &Page) -> Finding {
    let Some(theirs) = page.header("date").and_then(calendar::http_date) else {
        return Finding::Note(
            "the server does not say what time it is".into(),
            "a proxy may hide it",
        );
    };
    let ours = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    match ours.abs_diff(theirs) {
        apart if apart <= APART => Finding::Well("the clocks agree".into()),
        apart => Finding::Bad(
            format!("the server's clock and this one are {apart} s apart"),
            "let both keep time by NTP: timedatectl set-ntp true".into(),
        ),
    }
}

/// Whether the WebSocket gets through, and what one may do then.
async fn upgrade(settings: Settings) -> (Finding, Option<Welcome>) {
    let finding = match Station::connect(settings).await {
        Ok(station) => {
            let welcome = station.welcome();
            let dial = welcome.as_ref().is_some_and(|welcome| !welcome.dial.sectors.is_empty());
            let dial = if dial { "" } else { "; this telegraph has no dial" };
            return (Finding::Well(format!("a station gets through{dial}")), welcome);
        }
        Err(failure) => Finding::Bad(
            format!("no station gets through: {failure}"),
            match &failure {
                Failure::Refused { status: Some(400 | 426 | 200), .. } => {
                    "a proxy must pass Upgrade and Connection on, over HTTP/1.1 (README, wss)"
                }
                Failure::Refused { status: Some(404), .. } => "the path is /websocket",
                Failure::Refused { status: Some(300..=399), .. } => {
                    "sign in anew, or give the address that is meant; a proxy must pass /websocket on"
                }
                Failure::Refused { status: None, .. } => "look at the token, and who answers here",
                _ => "look at the proxy's timeouts and limits",
            }
            .into(),
        ),
    };
    (finding, None)
}

/// Whether the server is of another version than this program.
fn version(theirs: &str) -> Option<Finding> {
    const OURS: &str = env!("CARGO_PKG_VERSION");
    (theirs != OURS).then(|| {
        let theirs = escaped(theirs);
        Finding::Note(
            format!("the server is of version {theirs}, and this program of {OURS}"),
            "they understand each other; the older one should be replaced when that is possible",
        )
    })
}

/// Whether the server tells those who come through a proxy at its machine from those who are there.
/// If it does not, they may do what is kept for the latter; what everybody may do looks the same.
fn strangers(may: May) -> Finding {
    let what = match (may.order, may.shutdown) {
        (false, false) => {
            return Finding::Well("who comes through the proxy is a stranger to the server".into());
        }
        (true, false) => "give orders",
        (false, true) => "end the server",
        (true, true) => "give orders and end the server",
    };
    Finding::Note(
        format!("who comes through the proxy may {what}"),
        "unless that is meant for all, it must pass X-Forwarded-For on (README, wss)",
    )
}

/// Whether a connection to this address is one that the server takes for somebody else's than one at its
/// machine.
async fn is_elsewhere(url: &str) -> bool {
    let authority = url.split('/').nth(2).unwrap_or_default();
    let port = if url.starts_with("wss:") { ":443" } else { ":80" };
    let has_port = authority.rsplit(':').next().is_some_and(|it| it.parse::<u16>().is_ok());
    let target = if has_port { authority.to_owned() } else { format!("{authority}{port}") };
    let Ok(addresses) = tokio::net::lookup_host(target).await else { return false };
    let here = |ip: std::net::IpAddr| ip.to_canonical().is_loopback() || ip.is_unspecified();
    addresses.map(|address| address.ip()).all(|ip| !here(ip))
}

/// Whether somebody who says that he asks for `localhost` may more than who asks for the address's name. From
/// another machine only a forwarder of plain TCP can make it so, which passes for its owner there.
async fn forwarder(settings: Settings, may: May) -> Option<Finding> {
    let settings = settings.header("host", "localhost").ok()?;
    // Whoever does not answer to that name has no such forwarder before it.
    let forged = Station::connect(settings).await.ok()?.welcome()?.may;
    let more = (forged.order && !may.order) || (forged.shutdown && !may.shutdown);
    more.then(|| {
        Finding::Bad(
            "this address leads to the server's loopback by plain TCP, so that whoever asks there for \
             localhost passes for root or the server's own user"
                .into(),
            "start the server with --allow-shutdown never, or give it a token (README, wss)".into(),
        )
    })
}

/// Whether the events of `/events` come as they happen.
async fn events(settings: &Settings) -> Finding {
    let mark = "\ndata: ";
    match timeout(EVENT, get_until(settings, "events", mark)).await {
        Ok(Ok(page)) if page.status == 200 && page.body.contains(mark) => {
            Finding::Well("events come as they happen".into())
        }
        Ok(Ok(page)) if page.status == 401 => Finding::Bad(
            "nobody reads here without the token".into(),
            "name its file with --token-file".into(),
        ),
        Ok(Ok(page)) => Finding::Bad(
            match page.header("location").filter(|_| (300..400).contains(&page.status)) {
                None => format!("there are no events: {}", page.status),
                Some(to) => format!("there are no events: {}, to {}", page.status, escaped(to)),
            },
            "a proxy must pass /events on too".into(),
        ),
        Ok(Err(failure)) => Finding::Bad(
            format!("there are no events: {failure}"),
            "a proxy must pass /events on too".into(),
        ),
        Err(_) => Finding::Bad(
            "events are held up on the way".into(),
            "a proxy must not buffer them: proxy_buffering off, or heed X-Accel-Buffering".into(),
        ),
    }
}

/// Whether the server's own page would get through: its Origin has the address's name, and a proxy
/// that does not pass Host on makes it a foreign one.
async fn origin(settings: Settings, url: &str) -> Finding {
    let origin = url.strip_prefix("ws").unwrap_or(url);
    let authority = origin.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    let origin = format!("http{authority}");
    let tried = match settings.header("origin", &origin) {
        Ok(settings) => Station::connect(settings).await,
        Err(failure) => Err(failure),
    };
    match tried {
        Ok(_) => Finding::Well(format!("a page of {} gets through", escaped(&origin))),
        Err(failure) => Finding::Bad(
            format!("a page of {} does not get through: {failure}", escaped(&origin)),
            "a proxy must pass Host on unchanged, with its port (nginx: $http_host); or start the \
             server with --allow-origin"
                .into(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_is_worth_a_note() {
        assert_eq!(version(env!("CARGO_PKG_VERSION")), None);
        let Some(Finding::Note(what, _)) = version("9\u{1b}") else { panic!("a note") };
        assert!(what.starts_with("the server is of version 9\\u{1b}, and"), "{what}");
    }
}
