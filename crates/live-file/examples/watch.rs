//! `watch FILE`: prints each completed writing of a file, and whatever is wrong with it, until it is interrupted.

#![expect(clippy::print_stdout, reason = "it is what this program is for")]

use std::io;
use std::path::PathBuf;

use live_file::{Options, Report, survey, watch};

fn main() -> io::Result<()> {
    let Some(path) = std::env::args_os().nth(1).map(PathBuf::from) else {
        return Err(io::Error::other("usage: watch FILE"));
    };
    if let Some(why) = survey(&path)?.needs_polling {
        println!("{} is polled: {why}", path.display());
    }
    let _source = watch(&path, Options::default(), |report| match report {
        Report::Written(writing) => println!("written: {:?}", writing.text),
        Report::Health(health) => println!("{}: {}", health.state.name(), health.detail),
    })?;
    loop {
        std::thread::park();
    }
}
