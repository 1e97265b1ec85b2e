//! The text format of Prometheus, 0.0.4, out of a page of `OpenMetrics`: the samples are the same, and what is said
//! of each family has the name that its samples have. There are no units and no end.

use std::fmt::Write;

/// This page in the older form.
pub(super) fn of(page: &str) -> String {
    let (mut text, mut help) = (String::with_capacity(page.len()), "");
    for line in page.lines() {
        let comment = line.strip_prefix("# ").map(|line| line.splitn(3, ' ').collect::<Vec<_>>());
        match comment.as_deref() {
            // It comes before the type.
            Some(["HELP", _, words]) => help = words,
            Some(["TYPE", name, kind]) => {
                let (end, kind) = match *kind {
                    "counter" => ("_total", "counter"),
                    "info" => ("_info", "gauge"),
                    kind => ("", kind),
                };
                // A string takes every line.
                let _ = writeln!(text, "# HELP {name}{end} {help}\n# TYPE {name}{end} {kind}");
            }
            Some(_) => {}
            None => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    text
}
