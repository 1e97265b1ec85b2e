//! People: what they are called, who answered and how, and one who is connected twice.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::panel::{COFFEE, LUNCH, Panel, SUBPROTOCOL};
use crate::patience::soon;
use crate::server::TestServer;
use crate::station::TestStation;

/// Closed because this station is connected elsewhere, and newer.
const REPLACED: u16 = 4001;

/// Hears messages until a roll of which this is true.
async fn roll_where(panel: &mut Panel, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    soon(what, async {
        while panel.roll.is_null() || !is(&panel.roll) {
            let message: Value = serde_json::from_str(&panel.link.hear().await).expect("JSON");
            match message["type"].as_str() {
                Some("roll") => panel.roll = message,
                Some("state") => panel.state = message,
                _ => {}
            }
        }
        panel.roll.clone()
    })
    .await
}

async fn name(panel: &mut Panel, name: &str) -> Value {
    panel.request(json!({ "type": "name", "name": name })).await["code"].clone()
}

/// A panel of the station with this secret.
async fn panel_of(server: &TestServer, secret: &str) -> Panel {
    let query = format!("resume={secret}");
    Panel::over(TestStation::connect_with(server, &query, &[SUBPROTOCOL]).await).await
}

#[tokio::test]
async fn everybody_sees_who_is_coming() {
    let server = TestServer::with_status("7\n").await;
    let [mut zoe, mut tim, mut third] =
        [Panel::open(&server).await, Panel::open(&server).await, Panel::open(&server).await];
    assert_eq!(name(&mut zoe, "Zoë").await, Value::Null);
    assert_eq!(name(&mut tim, "Tim 🛶").await, Value::Null);
    let order = zoe.order();
    let coming = json!({ "type": "answer", "order": order, "position": COFFEE, "coming": true });
    assert_eq!(zoe.request(coming).await["type"], "ok");
    let not = json!({ "type": "answer", "order": order, "coming": false });
    assert_eq!(tim.request(not).await["type"], "ok");
    for panel in [&mut zoe, &mut tim, &mut third] {
        let both = |roll: &Value| roll["answers"].as_array().is_some_and(|all| all.len() == 2);
        let roll = roll_where(panel, "both answers", both).await;
        assert_eq!((&roll["order"], &roll["stations"]), (&json!(order), &json!(3)));
        assert_eq!((&roll["more_answers"], &roll["more_named"]), (&json!(0), &json!(0)));
        let mut named: Vec<_> = roll["named"].as_array().expect("names").iter().collect();
        named.sort_by_key(ToString::to_string);
        assert_eq!(named, ["Tim 🛶", "Zoë"]);
        let [first, second] = [0, 1].map(|index| &roll["answers"][index]);
        assert_eq!((&first["name"], &first["coming"]), (&json!("Zoë"), &json!(true)));
        assert_eq!(first["position"], COFFEE);
        assert_eq!((&second["name"], &second["coming"]), (&json!("Tim 🛶"), &json!(false)));
        assert_eq!(second["position"], Value::Null);
        assert!(first["after_ms"].as_u64() <= second["after_ms"].as_u64(), "the first first");
    }
    // A note among people: Tim's word has moved neither the file nor the bell.
    third.until("silence", |state| state["bell"] == false).await;
    assert_eq!(
        (&third.state["reply"]["who"], server.home.reply()),
        (&json!("Zoë"), Some("7\n".into()))
    );

    server.home.order("8");
    third.until("the order", |state| state["order"]["position"] == LUNCH).await;
    drop(tim);
    let roll = roll_where(&mut third, "one less", |roll| roll["stations"] == 2).await;
    assert_eq!((&roll["order"], &roll["answers"]), (&json!(third.order()), &json!([])));
    assert_eq!(roll["named"], json!(["Zoë"]), "a name lasts as long as its connection");
}

#[tokio::test]
async fn a_name_has_at_most_forty_characters_of_any_script() {
    let server = TestServer::start().await;
    let mut panel = Panel::open(&server).await;
    let longest = "名".repeat(40);
    for good in ["a", "O'Neill <b>", "żółć", "שלום", "👩‍🚀", longest.as_str(), ""] {
        assert_eq!(name(&mut panel, good).await, Value::Null, "{good}");
        let named = if good.is_empty() { json!([]) } else { json!([good]) };
        roll_where(&mut panel, good, |roll| roll["named"] == named).await;
    }
    let too_long = "名".repeat(41);
    for bad in
        [too_long.as_str(), " ", "\u{3000}", "a\u{0}", "a\u{202e}b", "a\u{2028}b", "\u{200f}"]
    {
        assert_eq!(name(&mut panel, bad).await, "bad_name", "{bad:?}");
    }
}

#[tokio::test]
async fn the_newest_connection_of_a_station_wins() {
    let server = TestServer::with_status("7\n").await;
    let mut older = Panel::open(&server).await;
    let secret = older.welcome["resume"].as_str().expect("a secret").to_owned();
    assert!((16..=64).contains(&secret.len()));
    older.accept(COFFEE).await;
    older.until_reply(COFFEE).await;
    let mut newer = panel_of(&server, &secret).await;
    assert_eq!(newer.station(), older.station(), "it is the same station");
    assert_eq!(newer.welcome["resume"], secret.as_str());
    assert_eq!(newer.state["reply"]["by"], older.station());
    let farewell = older.hear_until("a farewell", |message| message["type"] == "farewell").await;
    assert_eq!(farewell, json!({ "type": "farewell", "reason": "replaced" }));
    older.link.expect_close(REPLACED).await;
    // Its answer is still its answer: the same one again is applied once.
    newer.accept(COFFEE).await;
    let once = |roll: &Value| {
        roll["stations"] == 1 && roll["answers"].as_array().is_some_and(|all| all.len() == 1)
    };
    roll_where(&mut newer, "one station and its one answer", once).await;
    let mut stranger = Panel::open(&server).await;
    assert_ne!(stranger.station(), newer.station());
    for line in server.log.whole() {
        assert!(!line.contains(&secret), "a secret is in the log: {line}");
    }
    let told = roll_where(&mut stranger, "two", |roll| roll["stations"] == 2).await;
    assert!(!told.to_string().contains(&secret), "it is told to nobody else: {told}");
}

#[tokio::test]
async fn the_roll_is_told_at_most_four_times_a_second() {
    let server = TestServer::start().await;
    let mut panel = Panel::open(&server).await;
    let begun = Instant::now();
    let storm = async {
        while begun.elapsed() < Duration::from_secs(2) {
            drop(Panel::open(&server).await);
        }
        server.home.order("8");
    };
    let listen = async {
        let mut rolls = 0;
        loop {
            let message: Value = serde_json::from_str(&panel.link.hear().await).expect("JSON");
            match message["type"].as_str() {
                Some("roll") => rolls += 1,
                Some("state") if message["order"]["position"] == LUNCH => break rolls,
                _ => {}
            }
        }
    };
    let ((), rolls) = tokio::join!(storm, listen);
    // One that had been told before is among them, and the one with which the first quarter begins.
    let most = 2 + begun.elapsed().as_millis() / 250;
    assert!((2..=most).contains(&rolls), "{rolls} and not at most {most}");
}
