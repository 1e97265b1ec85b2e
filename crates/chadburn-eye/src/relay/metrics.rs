//! `GET /metrics`: what is counted, in the text format of Prometheus.

use super::rule::Rule;
use crate::metrics::Page;

/// The page.
pub(super) fn page(rule: &Rule) -> String {
    let count = |count: usize| count as u64;
    let it = rule.counts();
    let mut page = Page::new("chadburn_relay");
    for (name, kind, help, value) in [
        ("processors", "gauge", "Cameras that are connected", count(rule.cameras().len())),
        ("clients", "gauge", "Clients that are connected", count(rule.clients())),
        ("objects", "gauge", "Objects that are tracked", count(rule.objects())),
        ("boxes_total", "counter", "Frames whose boxes were passed on", it.boxes),
        ("conflated_total", "counter", "Frames that a slow client did not get", it.conflated),
        ("updates_total", "counter", "Feature maps that were passed on", it.updates),
        ("late_updates_total", "counter", "Feature maps of stopped objects", it.late_updates),
        ("forgotten_total", "counter", "Objects that there was no room for", it.forgotten),
        ("starts_total", "counter", "Starts that have gone to their camera", it.starts),
        ("refused_starts_total", "counter", "Starts that have gone nowhere", it.refused_starts),
        ("stops_total", "counter", "Objects that were stopped", it.stops),
        ("bad_messages_total", "counter", "Messages that could not be read", it.bad),
    ] {
        page.figure(name, kind, help, value);
    }
    page.family("closed_total", "counter", "Connections that the relay has closed, by code");
    for (code, count) in &it.closed {
        page.sample("closed_total", &format!("{{code=\"{code}\"}}"), count);
    }
    page.text()
}
