//! PROTOCOL.md, the fixtures and the code name the same things: no message, code, word or route is
//! in one of them alone.

#![expect(clippy::unwrap_used, reason = "a test that cannot read the code has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

type Names = BTreeSet<String>;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// What stands in backquotes in the first column of the table below this head, cell by cell.
fn table(head: &str) -> Vec<Names> {
    let protocol = read("PROTOCOL.md");
    let (_, rest) = protocol.split_once(head).unwrap_or_else(|| panic!("{head} is not there"));
    let rows = rest.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let cells = rows.map_while(|line| line.strip_prefix("| ")?.split(" | ").next());
    cells.map(quoted).collect()
}

/// What stands in backquotes.
fn quoted(text: &str) -> Names {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The first words in the table below this head.
fn documented(head: &str) -> Names {
    table(head).into_iter().flatten().collect()
}

/// The variants of an enum, as serde spells them.
fn variants(path: &str, name: &str) -> Names {
    let code = read(path);
    let (_, rest) = code.split_once(&format!("pub enum {name}")).unwrap();
    let body = rest.split("\n}\n").next().unwrap();
    // A variant stands four blanks in; its fields stand deeper, its comments begin otherwise.
    let lines = body.lines().filter_map(|line| line.strip_prefix("    "));
    let named = lines.filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
    let name_of = |line: &str| line.split(|c: char| !c.is_alphanumeric()).next().map(snake_case);
    named.filter_map(name_of).collect()
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for (index, letter) in name.chars().enumerate() {
        if letter.is_uppercase() && index > 0 {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

fn fixtures(part: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(&read("tests/fixtures/chadburn.v1.json")).unwrap();
    all[part].as_array().unwrap().clone()
}

/// The types of the fixtures in this part.
fn fixed(part: &str) -> Names {
    let fixtures = fixtures(part);
    fixtures.iter().map(|it| it["message"]["type"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_message_of_the_server_is_told_of_and_fixed() {
    let mut known = variants("crates/chadburn-v1/src/message.rs", "Message");
    // One word is for what is not known yet.
    assert!(known.remove("unknown"));
    assert!(known.contains("welcome") && known.contains("farewell") && known.len() > 9);
    assert_eq!(known, documented("### What the server says"));
    assert_eq!(known, fixed("server"), "a message without a fixture");
}

#[test]
fn every_message_of_a_station_is_told_of_and_fixed_well_and_ill_formed() {
    let known = variants("crates/chadburn-v1/src/request.rs", "Request");
    assert!(known.contains("answer") && known.len() > 4);
    assert_eq!(known, documented("### What a station says"));
    assert_eq!(known, fixed("station"), "a message without a fixture");
    let refused: Names = fixtures("refused")
        .iter()
        .filter_map(|it| serde_json::from_str::<Value>(it["text"].as_str()?).ok())
        .filter_map(|message| message["type"].as_str().map(str::to_owned))
        .filter(|kind| kind != "sing")
        .collect();
    assert_eq!(known, refused, "a message without one that is refused");
}

#[test]
fn every_field_of_a_message_is_told_of() {
    let protocol = read("PROTOCOL.md");
    let told = quoted(&protocol);
    let fields = |value: &Value| -> Vec<String> {
        let mut fields = Vec::new();
        let mut todo = vec![value.clone()];
        while let Some(value) = todo.pop() {
            match value {
                Value::Object(object) => {
                    fields.extend(object.keys().cloned());
                    todo.extend(object.into_iter().map(|(_, value)| value));
                }
                Value::Array(values) => todo.extend(values),
                _ => {}
            }
        }
        fields
    };
    for fixture in fixtures("server").iter().chain(&fixtures("station")) {
        for field in fields(&fixture["message"]) {
            assert!(told.contains(&field), "{field} of {} is not told of", fixture["name"]);
        }
    }
}

#[test]
fn every_code_and_word_is_told_of() {
    let mut codes = variants("crates/chadburn-v1/src/message.rs", "Code");
    assert!(codes.remove("unknown"));
    assert_eq!(codes, documented("| `error` code | meaning |"));
    let told = quoted(&read("PROTOCOL.md"));
    for (path, name) in [
        ("crates/live-file/src/writing.rs", "Condition"),
        ("crates/live-file/src/writing.rs", "Watch"),
        ("src/entry.rs", "What"),
    ] {
        for word in variants(path, name) {
            assert!(told.contains(&word), "{word} of {name} is not told of");
            // What is no word of serde's making is written out, beside its variant.
            let written = read(path).contains(&format!("=> \"{word}\""));
            assert!(written || path == "src/entry.rs", "{word} of {name} is called otherwise");
        }
    }
    assert_eq!(variants("src/entry.rs", "What"), documented("| `what` | |"));
}

#[test]
fn every_route_is_told_of() {
    let code = read("src/http/routes.rs");
    let mut known: Names = code
        .split(".route(\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().replace("{*path}", "…"))
        .collect();
    known.insert("/websocket".to_owned());
    let routes = documented("| route | |");
    let paths = routes.iter().map(|route| route.rsplit(' ').next().unwrap().to_owned());
    assert_eq!(known, paths.collect::<Names>());
}
