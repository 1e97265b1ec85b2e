//! The command line and the environment, and what people write there of times.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use chadburn::calendar;
use chadburn::cli::{self, Command};
use chadburn_host::log::{escaped_whole, one_line};
use chadburn_v1::acts;

/// Words with NULs between them; one with a `=` that does not begin with a `-` is a variable. They are
/// understood, or it is said in one line why not.
pub(crate) fn enter(bytes: &[u8]) {
    let words = bytes.split(|byte| *byte == 0);
    let is_variable = |word: &&[u8]| !word.starts_with(b"-") && word.contains(&b'=');
    let (variables, words): (Vec<_>, Vec<_>) = words.partition(is_variable);
    let variable = |name: &str| {
        variables.iter().find_map(|word| {
            let value = word.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
            Some(OsString::from_vec(value.to_vec()))
        })
    };
    let typed = words.iter().map(|word| OsString::from_vec(word.to_vec()));
    let typed = std::iter::once(OsString::from("chadburn")).chain(typed);
    match cli::parse(typed, variable, Path::new("/nowhere")) {
        Ok(Command::Print(text)) => assert!(!text.is_empty()),
        Ok(_) => {}
        Err(misuse) => {
            let line = escaped_whole(&misuse.to_string()).to_string();
            assert!(!line.is_empty() && !line.chars().any(acts), "{line:?}");
        }
    }
    for word in
        bytes.split(|byte| matches!(byte, 0 | b'=')).filter_map(|it| str::from_utf8(it).ok())
    {
        // What is a time can be said as one.
        let moment = calendar::moment(word);
        assert!(moment.is_none_or(|at| calendar::iso(at).is_some()), "{word:?}");
        let date = calendar::http_date(word).and_then(|seconds| seconds.checked_mul(1_000));
        assert!(date.is_none_or(|at| calendar::iso(at).is_some()), "{word:?}");
        let _ = calendar::span(word);
        assert!(!one_line(word).to_string().chars().any(acts), "{word:?}");
    }
}
