//! PROTOCOL.md, the fixtures and the code name the same things: no message, code, word or route is
//! in one of them alone.

#![expect(clippy::unwrap_used, reason = "a test that cannot read the code has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

type Names = BTreeSet<String>;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The rows of the table below this head, cell by cell.
fn rows(head: &str) -> Vec<Vec<String>> {
    let protocol = read("PROTOCOL.md");
    let (_, rest) = protocol.split_once(head).unwrap_or_else(|| panic!("{head} is not there"));
    let rows = rest.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let rows = rows.map_while(|line| line.strip_prefix("| "));
    rows.map(|row| row.split(" | ").map(str::to_owned).collect()).collect()
}

/// What stands in backquotes.
fn quoted(text: &str) -> Names {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The first words in the table below this head.
fn documented(head: &str) -> Names {
    rows(head).iter().flat_map(|cells| quoted(&cells[0])).collect()
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

/// The objects of a text that is written as in "`dial` {`title`, `positions`: [{`name`, `arc` or null}]}": by what
/// they are called, the names of their fields. What is called `name` here may stand as `path.name` in the text. What
/// stands in round brackets explains a field.
fn objects(text: &str, path: &str) -> BTreeMap<String, Names> {
    let mut objects = BTreeMap::new();
    // Which objects are open, and what was named last in each.
    let mut open = vec![(path.to_owned(), String::new())];
    let mut explained = 0_u32;
    for (index, part) in text.split('`').enumerate() {
        if index % 2 == 1 {
            let (path, last) = open.last_mut().unwrap();
            if explained == 0 {
                let fields: &mut Names = objects.entry(path.clone()).or_default();
                fields.insert(part.to_owned());
                part.clone_into(last);
            }
            continue;
        }
        for letter in part.chars() {
            match letter {
                '(' => explained += 1,
                ')' => explained -= 1,
                '{' if explained == 0 => {
                    let (path, last) = open.last().unwrap();
                    let path =
                        if path.is_empty() { last.clone() } else { format!("{path}.{last}") };
                    open.push((path, String::new()));
                }
                '}' if explained == 0 => drop(open.pop()),
                _ => {}
            }
        }
    }
    objects
}

/// The objects that a message consists of, each with its fields.
fn objects_of(value: &Value, path: &str, all: &mut BTreeMap<String, Names>) {
    match value {
        Value::Object(object) => {
            let names = all.entry(path.to_owned()).or_default();
            names.extend(object.keys().filter(|name| *name != "type").cloned());
            for (name, value) in object {
                objects_of(value, &format!("{path}.{name}"), all);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| objects_of(value, path, all)),
        _ => {}
    }
}

/// All objects of these fixtures.
fn fixed_objects(part: &str) -> BTreeMap<String, Names> {
    let mut all = BTreeMap::new();
    for fixture in fixtures(part) {
        let message = &fixture["message"];
        objects_of(message, message["type"].as_str().unwrap(), &mut all);
    }
    all
}

/// The objects in the table below this head.
fn documented_objects(head: &str) -> BTreeMap<String, Names> {
    let described = rows(head);
    let objects = described.iter().map(|cells| {
        let name = quoted(&cells[0]).pop_first().unwrap();
        objects(&cells[1], &name)
    });
    objects.flatten().collect()
}

/// The fields of a struct or of a variant, as serde spells them.
fn fields(path: &str, head: &str) -> Names {
    let code = read(path);
    let (before, rest) = code.split_once(head).unwrap_or_else(|| panic!("{head} in {path}"));
    let line = &code[before.rfind('\n').unwrap() + 1..];
    let indent = line.len() - line.trim_start_matches(' ').len();
    let end = format!("\n{}}}", " ".repeat(indent));
    let mut renamed = None;
    let mut names = Names::new();
    for line in rest.split(&end).next().unwrap().lines().map(str::trim) {
        if let Some((_, name)) = line.split_once("rename = \"") {
            renamed = name.split('"').next().map(str::to_owned);
        } else if line == "#[serde(skip)]" || line == "#[serde(flatten)]" {
            renamed = Some(String::new());
        } else if !line.starts_with('/') && !line.starts_with('#') && line.ends_with(',') {
            let name = line.trim_start_matches("pub ").split(':').next().unwrap().to_owned();
            names.insert(renamed.take().unwrap_or(name));
        }
    }
    names.remove("");
    names
}

#[test]
fn every_field_of_a_message_is_told_of_where_its_message_is() {
    let protocol = read("PROTOCOL.md");
    let mut told = documented_objects("### What the server says");
    let (_, rest) = protocol.split_once("\n`state.order` is null").unwrap();
    let (of_a_state, _) = rest.split_once("is the status file's.").unwrap();
    let of_a_state = objects(&format!("`state.order` is null{of_a_state}"), "");
    told.extend(of_a_state.into_iter().filter(|(path, _)| !path.is_empty()));
    let fixed = fixed_objects("server");
    assert!(fixed.len() > 15, "{fixed:?}");
    assert_eq!(told, fixed);

    let mut fixed = fixed_objects("station");
    for names in fixed.values_mut() {
        // Each may carry one, which is said once.
        assert!(names.remove("id"), "a request without a fixture with an id");
    }
    assert_eq!(documented_objects("### What a station says"), fixed);
}

#[test]
fn every_field_of_the_code_stands_in_a_fixture() {
    let message = |head: &str| fields("crates/chadburn-v1/src/message.rs", head);
    let fixed = fixed_objects("server");
    for (head, path) in [
        ("pub struct Welcome<S = String> {", "welcome"),
        ("pub struct Dial<S = String> {", "welcome.dial"),
        ("pub struct Sector<S = String> {", "welcome.dial.positions"),
        ("pub struct May {", "may"),
        ("pub struct State<S = String> {", "state"),
        ("pub struct Order<S = String> {", "state.order"),
        ("pub struct Reply<S = String> {", "state.reply"),
        ("pub struct Health<S = String> {", "state.source"),
        ("pub struct Roll<S = String> {", "roll"),
        ("pub struct RollAnswer<S = String> {", "roll.answers"),
        ("Gap {", "gap"),
        ("Beat {", "beat"),
        ("    Ok {", "ok"),
        ("    Error {", "error"),
        ("    Console {", "console"),
        ("Farewell {", "farewell"),
    ] {
        assert_eq!(message(head), fixed[path], "{path}");
    }
    let mut source = message("    Source {");
    source.extend(message("pub struct Health<S = String> {"));
    assert_eq!(source, fixed["source"]);
    let fixed = fixed_objects("station");
    for (name, all) in fixed {
        let head = format!("    {}{} {{", name[..1].to_uppercase(), &name[1..]);
        let mut declared = fields("crates/chadburn-v1/src/request.rs", &head);
        declared.insert("id".into());
        assert_eq!(declared, all, "{name}");
    }
}

#[test]
fn every_field_of_an_entry_and_of_readiness_is_told_of() {
    let protocol = read("PROTOCOL.md");
    let (_, rest) = protocol.split_once("An entry has ").unwrap();
    let (sentence, _) = rest.split_once(" of which").unwrap();
    assert_eq!(fields("src/entry.rs", "pub struct Entry {"), quoted(sentence));

    let (_, rest) = protocol.split_once("| `GET /readyz` | 200 with {").unwrap();
    let told = objects(rest.split('}').next().unwrap(), "readyz");
    let code = read("src/http/routes/health.rs");
    let bodies = code.split("body[\"").skip(1).chain(code.split("json!({ \"").skip(1).take(1));
    let keys: Names = bodies.map(|rest| rest.split('"').next().unwrap().to_owned()).collect();
    assert_eq!(told["readyz"], keys);
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
