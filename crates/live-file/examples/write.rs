//! `write FILE TEXT`: puts a line into a file, whole and durably, or says why not.

use std::error::Error;
use std::path::Path;

use live_file::DurableFile;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, text] = arguments.as_slice() else { return Err("usage: write FILE TEXT".into()) };
    DurableFile::open(Path::new(path))?.write(format!("{text}\n").as_bytes())?;
    Ok(())
}
