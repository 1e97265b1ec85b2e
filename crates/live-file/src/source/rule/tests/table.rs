//! The table in `writings.md` that says what a writing is, row by row.

use super::*;

/// What was told: `7` and a newline, at this second of the clock.
const TOLD: i64 = 1_000_000;

/// A day, in seconds.
const DAY: i64 = 86_400;

/// What a look sees, and the clock at that time.
type Sight = (Seen, i64);

/// Of a file that is not touched, in a row that says so.
const VERSION: Version = Version { file: (1, 2, None), changed: (TOLD - 1, 1) };

fn seven(mtime: i64) -> Seen {
    sized("7", mtime, 2)
}

fn sized(text: &str, mtime: i64, size: u64) -> Seen {
    Seen::Text(Writing { stamp: Stamp { mtime: (mtime, 0), size }, text: text.to_owned() })
}

/// What the first column says, one sight after the other.
fn sights(words: &str) -> Vec<Sight> {
    let later = TOLD + 5 * DAY;
    match words {
        "another text" => vec![(sized("8", TOLD, 2), TOLD)],
        "the same text in another size" => vec![(sized("7", TOLD, 3), TOLD)],
        "the same bytes and date" => vec![(seven(TOLD), TOLD), (seven(TOLD), later)],
        "the same bytes and date, of a file that was not touched" => {
            vec![(seven(TOLD), TOLD + 1), (seven(TOLD), later)]
        }
        "a later date, within 10 s of the clock" => {
            let touched = [TOLD + 1, TOLD + 20, later];
            touched
                .iter()
                .flat_map(|&at| [(seven(at), at - 10), (seven(at + 30), at + 40)])
                .collect()
        }
        "a later date, within 10 s of when the file was touched, and seen later" => {
            [TOLD + 1, TOLD + 9].map(|at| (seven(at), at + DAY)).into()
        }
        "a later date, farther from the clock" => {
            vec![(seven(TOLD + 1), TOLD + 12), (seven(TOLD + DAY), later), (seven(later), TOLD)]
        }
        "an earlier date, within 10 s of a clock that was set back" => {
            vec![(seven(TOLD - 100), TOLD - 90), (seven(TOLD - DAY), TOLD - DAY)]
        }
        "an earlier date, otherwise" => {
            vec![(seven(TOLD - 5), TOLD), (seven(TOLD - DAY), later), (seven(1), later)]
        }
        "the date with which it was told, after an earlier one" => {
            vec![(seven(TOLD - DAY), TOLD), (seven(TOLD), TOLD)]
        }
        _ => panic!("no sight is {words:?}"),
    }
}

/// What the second column says.
fn hints(words: &str) -> Vec<Hint> {
    if let Some(words) = words.strip_prefix("lost hints, then ") {
        return [vec![Hint::Lost], hints(words)].concat();
    }
    match words {
        "nothing" => vec![],
        "other attributes" => vec![Hint::Stirred],
        "a change" => vec![Hint::Changed],
        "a close" => vec![Hint::Closed],
        "a close after a change" => vec![Hint::Opened, Hint::Changed, Hint::Closed],
        "a rename over it" => vec![Hint::MovedIn],
        "a rename to where none was" => vec![Hint::Gone, Hint::MovedIn],
        "a swap on the way of a link" => vec![Hint::Swapped],
        "lost hints" => vec![Hint::Lost],
        _ => panic!("no hint is {words:?}"),
    }
}

/// Whether each sight is a writing.
fn plays(watch: Watch, (words, sights): (&str, &[Sight]), hinted: &str) -> bool {
    let mut play = Play::new(false, watch, seven(TOLD));
    play.clock = TOLD;
    play.version = words.ends_with("not touched").then_some(VERSION);
    assert_eq!(play.say(150), ["7", "Ok"]);
    let mut told = Vec::new();
    for (seen, clock) in sights {
        play.knocks_come();
        (play.seen, play.clock) = (seen.clone(), *clock);
        if words.ends_with("seen later") {
            play.version = Some(Version { changed: (clock - DAY, 0), ..VERSION });
        }
        if hinted == "a new watch" {
            play.rule.set_watch(play.now, watch);
        } else {
            for hint in hints(hinted) {
                play.hint(hint);
            }
        }
        let said = play.say(1_300);
        assert!(said.len() <= 1, "{said:?}");
        told.push(!said.is_empty());
    }
    assert!(told.iter().all(|it| *it == told[0]), "{watch:?} {hinted}: {sights:?} {told:?}");
    told[0]
}

#[test]
fn the_rule_is_what_the_table_says() {
    let document = include_str!("../writings.md");
    let (_, table) =
        document.split_once("| seen | hinted | watched | polled |").expect("it is there");
    let mut rows = 0;
    for row in table.lines().skip(2).take_while(|line| line.starts_with('|')) {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [seen, hinted, watched, polled] = cells[..] else { panic!("{row}") };
        for hinted in hinted.split("; ") {
            for (watch, says) in [(INOTIFY, watched), (Watch::Poll, polled)] {
                let word = if plays(watch, (seen, &sights(seen)), hinted) {
                    "a writing"
                } else {
                    "nothing"
                };
                assert_eq!(word, says, "{seen}, {hinted}, {watch:?}");
            }
        }
        rows += 1;
    }
    assert_eq!(rows, 17);
}
