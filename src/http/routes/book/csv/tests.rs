//! The table, read back.

use fastrand::Rng;

use chadburn_host::log::one_line;
use chadburn_v1::By;

use super::*;

use crate::entry::What;

/// Reads a table as RFC 4180 describes it.
fn parsed(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut characters = text.chars().peekable();
    let (mut quoted, mut begins) = (false, true);
    while let Some(c) = characters.next() {
        match c {
            '"' if begins => (quoted, begins) = (true, false),
            '"' if quoted && characters.next_if_eq(&'"').is_some() => cell.push('"'),
            '"' if quoted => {
                quoted = false;
                assert!(matches!(characters.peek(), Some(',' | '\r')), "text behind the quotes");
            }
            c if quoted => cell.push(c),
            ',' => {
                row.push(std::mem::take(&mut cell));
                begins = true;
            }
            '\r' => {
                assert_eq!(characters.next(), Some('\n'), "a bare CR");
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
                begins = true;
            }
            '"' | '\n' => panic!("a bare {c:?}"),
            c => {
                cell.push(c);
                begins = false;
            }
        }
    }
    assert!(!quoted && row.is_empty() && cell.is_empty(), "the last line has its end");
    rows
}

fn text(dice: &mut Rng) -> String {
    const NASTY: [char; 22] = [
        '"', ',', ';', ';', '\r', '\n', '=', '+', '-', '@', '\t', '\'', ' ', '\0', '\u{9b}',
        '\u{202e}', '\u{ff1d}', '7', 'é', '中', '\u{feff}', '🔔',
    ];
    (0..dice.usize(..8)).map(|_| NASTY[dice.usize(..NASTY.len())]).collect()
}

#[test]
fn whatever_is_in_it_the_table_is_read_back_and_holds_no_formula() {
    for seed in 1..=20_000_u64 {
        let mut dice = Rng::with_seed(seed);
        let texts = [text(&mut dice), text(&mut dice), text(&mut dice)];
        let [status, name, who] = texts.clone().map(|text| Some(text.into()));
        let entry = Entry { status, name, who, ..Entry::new(seed, seed, What::Order) };
        let rows = parsed(&table(&[entry.clone(), entry]));
        assert_eq!(rows.len(), 3, "seed {seed}");
        assert_eq!(rows[1], rows[2]);
        assert!(rows.iter().all(|row| row.len() == 13), "seed {seed}");
        for (text, cell) in texts.iter().zip([&rows[1][4], &rows[1][6], &rows[1][8]]) {
            let bare = |text: &str| text.replace('\'', "");
            assert_eq!(bare(cell), bare(&one_line(text).to_string()), "seed {seed}");
            assert!(!cell.chars().any(chadburn_v1::acts), "seed {seed}: {cell:?}");
            // However it is taken apart, and whatever is taken off there.
            for part in cell.split(';') {
                let part = part.trim_start_matches([' ', '"']);
                assert!(
                    !part.starts_with(['=', '+', '-', '@', '\u{ff1d}']),
                    "seed {seed}: {cell:?}"
                );
            }
        }
    }
}

#[test]
fn the_table_is_this() {
    let station = uuid::Uuid::nil();
    let order = Entry {
        status: Some("7".into()),
        position: chadburn_core::Position::new(7),
        name: Some("COFFEE".into()),
        since: Some(951_782_400_000),
        ..Entry::new(5, 951_782_400_007, What::Repeat)
    };
    let reply = Entry {
        status: Some("=HYPERLINK(\"x\"),\n".into()),
        by: Some(By::Station(station)),
        who: Some("Bo, \"the\" bell".into()),
        after_ms: Some(12),
        ..Entry::new(6, 0, What::Reply)
    };
    let stale =
        Entry { by: Some(By::File), to: Some(5), more: Some(9), ..Entry::new(6, 0, What::Stale) };
    assert_eq!(
        table(&[order, reply, stale]),
        "seq,at,time,what,status,position,name,by,who,since,after_ms,to,more\r\n\
         5,951782400007,2000-02-29T00:00:00.007Z,repeat,7,7,COFFEE,,,951782400000,,,\r\n\
         6,0,1970-01-01T00:00:00.000Z,reply,\"'=HYPERLINK(\"\"x\"\"),\\n\",,,\
         00000000-0000-0000-0000-000000000000,\"Bo, \"\"the\"\" bell\",,12,,\r\n\
         6,0,1970-01-01T00:00:00.000Z,stale,,,,file,,,,5,9\r\n"
    );
    assert_eq!(table(&[]), HEADER);
}
