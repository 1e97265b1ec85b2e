//! A dial file.

use chadburn::dial_file;
use chadburn_core::{MAX_POSITIONS, MIN_POSITIONS};

/// Either a dial on which every position can be found by number and name, or a fault with the line
/// it is in.
pub(crate) fn enter(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let judged = dial_file::parse(text, |dial| {
        assert!((MIN_POSITIONS..=MAX_POSITIONS).contains(&dial.sectors.len()));
        for (index, sector) in dial.sectors.iter().enumerate() {
            assert_eq!(usize::from(sector.position.number()), index + 1);
            assert_eq!(dial.find(sector.name), Some(sector));
            assert_eq!(dial.find(&sector.position.to_string()), Some(sector));
            let texts = [dial.title, sector.name, sector.arc.unwrap_or("-")];
            assert!(texts.iter().all(|text| !text.chars().any(char::is_control)));
            assert!(texts.iter().all(|text| (1..=40).contains(&text.chars().count())));
        }
    });
    if let Err(fault) = judged {
        assert!((1..=text.split('\n').count()).contains(&fault.line(text)), "{fault:?}");
        assert!(!fault.what.is_empty() && !fault.what.contains('\n'), "{fault:?}");
    }
}
