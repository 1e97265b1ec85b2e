//! A page of figures, in the text format of Prometheus, 0.0.4.

use std::fmt::{Display, Write};

/// What such a page is.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The page while it is written.
#[derive(Debug)]
pub(crate) struct Page {
    /// What all names begin with.
    prefix: &'static str,
    text: String,
}

impl Page {
    pub(crate) fn new(prefix: &'static str) -> Self {
        Self { prefix, text: String::new() }
    }

    /// A figure without labels.
    pub(crate) fn figure(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.sample(name, "", value);
    }

    /// What the samples that follow are.
    pub(crate) fn family(&mut self, name: &str, kind: &str, help: &str) {
        let prefix = self.prefix;
        // A string takes every line.
        let _ = writeln!(self.text, "# HELP {prefix}_{name} {help}");
        let _ = writeln!(self.text, "# TYPE {prefix}_{name} {kind}");
    }

    /// One of them; `labels` with their braces.
    pub(crate) fn sample(&mut self, name: &str, labels: &str, value: impl Display) {
        let _ = writeln!(self.text, "{}_{name}{labels} {value}", self.prefix);
    }

    /// All of it.
    pub(crate) fn text(self) -> String {
        self.text
    }
}
