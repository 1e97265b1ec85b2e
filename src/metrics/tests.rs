//! What a scraper sees, read by a strict little parser of `OpenMetrics`.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use live_file::writing::Condition;

/// A family: its type, and its samples in their order.
#[derive(Debug, Default)]
struct Read {
    kind: String,
    help: String,
    unit: String,
    samples: Vec<(String, f64)>,
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// The labels of a sample, if they are well-formed.
fn labels(text: &str) -> BTreeMap<&str, &str> {
    let Some(inner) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) else {
        assert_eq!(text, "");
        return BTreeMap::new();
    };
    let pairs = inner.split(',').map(|pair| {
        let (name, value) = pair.split_once('=').expect("a label has a value");
        assert!(is_name(name), "{pair}");
        let value = value.strip_prefix('"').and_then(|it| it.strip_suffix('"')).expect("quotes");
        assert!(!value.contains(['"', '\\', '\n']), "{pair}");
        (name, value)
    });
    pairs.collect()
}

/// Reads a page: `# HELP`, `# TYPE`, `# UNIT` before a family's samples, no family twice, no
/// sample twice or under a foreign name, and `# EOF` at the end.
fn read(page: &str) -> BTreeMap<String, Read> {
    let mut families: BTreeMap<String, Read> = BTreeMap::new();
    let (mut present, mut seen) = (String::new(), BTreeSet::new());
    let lines = page.strip_suffix("# EOF\n").expect("an end");
    for line in lines.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.splitn(3, ' ');
            let (what, name) = (words.next().unwrap(), words.next().unwrap());
            let text = words.next().unwrap().to_owned();
            if name != present {
                assert!(!families.contains_key(name), "{name} stands there twice");
                present = name.to_owned();
            }
            let family = families.entry(present.clone()).or_default();
            assert!(family.samples.is_empty(), "{line}");
            let slot = match what {
                "HELP" => &mut family.help,
                "TYPE" => &mut family.kind,
                "UNIT" => &mut family.unit,
                _ => panic!("{line}"),
            };
            assert_eq!(std::mem::replace(slot, text), "", "{line}");
            continue;
        }
        let (sample, value) = line.rsplit_once(' ').expect("a value");
        assert!(seen.insert(sample.to_owned()), "{sample} stands there twice");
        let (name, _) = sample.split_at(sample.find('{').unwrap_or(sample.len()));
        let family = families.get_mut(&present).expect("a type before its samples");
        let suffixes: &[&str] = match family.kind.as_str() {
            "counter" => &["_total"],
            "gauge" => &[""],
            "info" => &["_info"],
            "histogram" => &["_sum", "_count", "_bucket"],
            kind => panic!("{kind}"),
        };
        let suffix = name.strip_prefix(&present).unwrap_or_else(|| panic!("{name} in {present}"));
        assert!(suffixes.contains(&suffix), "{line}");
        family.samples.push((sample[present.len()..].to_owned(), value.parse().expect("a number")));
    }
    families
}

/// The rules of promtool's linter, and what `OpenMetrics` asks of each type.
fn judge(families: &BTreeMap<String, Read>) {
    for (name, Read { kind, help, unit, samples }) in families {
        assert!(is_name(name) && name.starts_with("chadburn_"), "{name}");
        assert!(!help.is_empty() && help.ends_with('.'), "{name}: {help}");
        for end in ["_total", "_count", "_sum", "_bucket", "_info"] {
            assert!(!name.ends_with(end), "{name} has a reserved end");
        }
        for word in ["counter", "gauge", "histogram", "milliseconds", "ms"] {
            assert!(!name.split('_').any(|part| part == word), "{name} has a word of no use");
        }
        assert!(name.ends_with(unit.as_str()), "{name} {unit}");
        let mut label_names = BTreeSet::new();
        for (sample, value) in samples {
            let labels = labels(&sample[sample.find('{').unwrap_or(sample.len())..]);
            assert!(*value >= 0.0, "{name}{sample}");
            label_names.insert(labels.keys().map(|&it| it.to_owned()).collect::<Vec<_>>());
        }
        if kind == "histogram" {
            judge_histogram(name, samples);
            assert_eq!(unit, "seconds");
        } else {
            assert!(label_names.len() <= 1, "{name}: all samples have the same labels");
        }
    }
}

fn judge_histogram(name: &str, samples: &[(String, f64)]) {
    let of =
        |wanted: &str| samples.iter().find(|(sample, _)| sample == wanted).map(|(_, value)| *value);
    let buckets: Vec<_> = samples
        .iter()
        .filter_map(|(sample, value)| {
            let end = labels(sample.strip_prefix("_bucket")?)["le"];
            Some((if end == "+Inf" { f64::INFINITY } else { end.parse().unwrap() }, *value))
        })
        .collect();
    assert!(buckets.len() > 5, "{name}");
    assert!(buckets.is_sorted_by(|one, next| one.0 < next.0 && one.1 <= next.1), "{buckets:?}");
    let last = buckets.last().unwrap();
    assert_eq!((last.0, Some(last.1)), (f64::INFINITY, of("_count")), "{name}");
    assert!(of("_sum").is_some(), "{name}");
}

/// The value of this sample.
fn value(metrics: &Metrics, sample: &str) -> Option<f64> {
    let page = metrics.encode();
    let line = page.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '))?;
    Some(line.parse().unwrap())
}

fn healthy(watch: Watch) -> Health {
    Health { state: Condition::Ok, detail: String::new(), watch }
}

#[test]
fn a_page_is_well_formed_before_and_after_everything_has_happened() {
    let metrics = Metrics::new();
    let families = read(&metrics.encode());
    judge(&families);
    // A file that has not been read has no health.
    assert!(!families.contains_key("chadburn_source_healthy"));
    metrics.ordered();
    metrics.repeated();
    metrics.replied();
    metrics.bell(true);
    for time in [0, 1, 50_000, 50_001, 1_000_000, 1_000_000_000, 10_000_000_000] {
        metrics.pushed(Duration::from_nanos(time));
        metrics.answered(Duration::from_nanos(time));
    }
    for file in [File::Status, File::Accept, File::Book] {
        metrics.health(file, &healthy(Watch::Poll));
        metrics.store_failed(file);
    }
    for status in [0, 99, 101, 200, 304, 404, 503, 600] {
        metrics.responded(status);
    }
    for wire in [Wire::Text, Wire::Json, Wire::Sse] {
        metrics.stations(wire, 7);
    }
    for reason in
        [Parting::Stuck, Parting::Silent, Parting::Violation, Parting::Overfull, Parting::Replaced]
    {
        metrics.closed(reason, 3);
    }
    metrics.conflated(9);
    metrics.book_queue(2);
    metrics.book_dropped(1);
    metrics.turned_away();
    let families = read(&metrics.encode());
    judge(&families);
    for (name, family) in &families {
        assert!(!family.samples.is_empty(), "{name}");
        assert!(family.samples.iter().all(|(_, value)| *value > 0.0), "{name} {family:?}");
    }
}

#[test]
fn what_is_told_is_what_is_shown() {
    let metrics = Metrics::new();
    metrics.ordered();
    metrics.ordered();
    metrics.closed(Parting::Silent, 5);
    metrics.stations(Wire::Sse, 4);
    metrics.stations(Wire::Sse, 3);
    metrics.responded(201);
    metrics.pushed(Duration::from_micros(250));
    metrics.pushed(Duration::from_secs(2));
    for (sample, expected) in [
        ("chadburn_orders_total", 2.0),
        ("chadburn_closed_stations_total{reason=\"silent\"}", 5.0),
        ("chadburn_closed_stations_total{reason=\"stuck\"}", 0.0),
        ("chadburn_stations{wire=\"sse\"}", 3.0),
        ("chadburn_http_requests_total{class=\"2xx\"}", 1.0),
        ("chadburn_push_duration_seconds_bucket{le=\"0.0001\"}", 0.0),
        ("chadburn_push_duration_seconds_bucket{le=\"0.00025\"}", 1.0),
        ("chadburn_push_duration_seconds_bucket{le=\"1.0\"}", 1.0),
        ("chadburn_push_duration_seconds_count", 2.0),
        ("chadburn_push_duration_seconds_sum", 2.00025),
    ] {
        assert_eq!(value(&metrics, sample), Some(expected), "{sample}\n{}", metrics.encode());
    }
    assert!(metrics.encode().contains("chadburn_build_info{version=\""));
}

#[test]
fn a_file_is_watched_in_one_way_at_a_time() {
    let metrics = Metrics::new();
    let sample = |watch| format!("chadburn_source_healthy{{file=\"status\",watch=\"{watch}\"}}");
    metrics.health(File::Status, &healthy(Watch::Inotify));
    assert_eq!(value(&metrics, &sample("inotify")), Some(1.0));
    let sick = Health { state: Condition::Missing, ..healthy(Watch::Poll) };
    metrics.health(File::Status, &sick);
    assert_eq!(value(&metrics, &sample("inotify")), None);
    assert_eq!(value(&metrics, &sample("poll")), Some(0.0));
}

#[test]
fn the_older_form_has_the_same_samples_and_names_each_family_as_its_samples_are_named() {
    let metrics = Metrics::new();
    metrics.health(File::Status, &healthy(Watch::Inotify));
    metrics.pushed(Duration::from_micros(250));
    let (open, text) = (metrics.encode(), metrics.encode_text());
    let samples = |page: &str| -> Vec<String> {
        page.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    };
    assert_eq!(samples(&open), samples(&text));
    assert!(!text.contains("# EOF") && !text.contains("# UNIT") && text.ends_with('\n'));
    let (mut present, mut kinds) = (String::new(), BTreeSet::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|it| it.split_once(' ')) {
            assert!(help.ends_with('.'), "{line}");
            let kind = lines.next().and_then(|it| it.strip_prefix("# TYPE ")).expect("a type");
            let (of, kind) = kind.split_once(' ').expect("of a family");
            assert_eq!(of, name);
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            kinds.insert(kind);
            name.clone_into(&mut present);
            continue;
        }
        let (name, _) = line.split_at(line.find(['{', ' ']).expect("a value"));
        let end = name.strip_prefix(&present).unwrap_or_else(|| panic!("{line} in {present}"));
        assert!(["", "_bucket", "_sum", "_count"].contains(&end), "{line} in {present}");
    }
    assert_eq!(kinds.len(), 3);
}
