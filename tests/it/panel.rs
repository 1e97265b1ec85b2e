//! A station on the JSON wire: it hears orders, replies and the bell, and answers.

use serde_json::{Value, json};

use crate::patience::soon;
use crate::server::TestServer;
use crate::station::{GOING_AWAY, TestStation};

/// The JSON wire's subprotocol.
pub(crate) const SUBPROTOCOL: (&str, &str) = ("Sec-WebSocket-Protocol", "chadburn.v1");

/// A position of the default dial.
pub(crate) const STOP: u8 = 6;
/// A position of the default dial.
pub(crate) const COFFEE: u8 = 7;
/// A position of the default dial.
pub(crate) const LUNCH: u8 = 8;

/// A connected panel.
#[derive(Debug)]
pub(crate) struct Panel {
    /// The connection.
    pub(crate) link: TestStation,
    /// The `welcome`.
    pub(crate) welcome: Value,
    /// The latest `state`.
    pub(crate) state: Value,
    /// The latest `roll`.
    pub(crate) roll: Value,
    /// Numbers its requests.
    requests: u64,
}

impl Panel {
    /// A panel that has been welcomed and knows the state.
    pub(crate) async fn open(server: &TestServer) -> Self {
        Self::over(TestStation::connect(server, &[SUBPROTOCOL]).await).await
    }

    /// The same over a connection that has heard nothing yet.
    pub(crate) async fn over(link: TestStation) -> Self {
        let [welcome, state, roll] = [const { Value::Null }; 3];
        let mut panel = Self { link, welcome, state, roll, requests: 0 };
        panel.welcome = panel.hear().await;
        assert_eq!(panel.welcome["type"], "welcome", "the welcome comes first");
        assert_eq!(panel.hear().await["type"], "state", "the state comes second");
        panel
    }

    /// This station's uuid.
    pub(crate) fn station(&self) -> String {
        self.welcome["station"].as_str().expect("a welcome names the station").to_owned()
    }

    /// The present order's number.
    pub(crate) fn order(&self) -> u64 {
        self.state["order"]["seq"].as_u64().expect("there is an order")
    }

    /// Whether the bell rings.
    pub(crate) fn bell(&self) -> bool {
        self.state["bell"].as_bool().expect("the bell rings or does not")
    }

    /// The next message that is neither a beat nor a roll, which come when they come.
    pub(crate) async fn hear(&mut self) -> Value {
        let message = soon("a message", async {
            loop {
                let text = self.link.hear().await;
                let message: Value = serde_json::from_str(&text).expect("JSON is spoken here");
                match message["type"].as_str() {
                    Some("roll") => self.roll = message,
                    Some("beat") => {}
                    _ => break message,
                }
            }
        });
        let message = message.await;
        if message["type"] == "state" {
            self.check_order_of(&message);
            self.state = message.clone();
        }
        message
    }

    /// Numbers rise strictly from state to state.
    fn check_order_of(&self, state: &Value) {
        if let (Some(before), Some(now)) = (self.state["seq"].as_u64(), state["seq"].as_u64()) {
            assert!(now > before, "seq {now} after {before}");
        }
    }

    /// The next message, which has to be a `state`.
    pub(crate) async fn expect_state(&mut self) -> &Value {
        let message = self.hear().await;
        assert_eq!(message["type"], "state", "{message}");
        &self.state
    }

    /// The next message, which has to be the state with this position as the order.
    pub(crate) async fn expect_order(&mut self, position: u8) {
        let state = self.expect_state().await;
        assert_eq!(state["order"]["position"], position, "{state}");
    }

    /// The next message, which has to be the state with this position as the reply.
    pub(crate) async fn expect_reply(&mut self, position: u8) {
        let state = self.expect_state().await;
        assert_eq!(state["reply"]["position"], position, "{state}");
    }

    /// Hears messages until one of which this is true.
    pub(crate) async fn hear_until(&mut self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        soon(what, async {
            loop {
                let message = self.hear().await;
                if is(&message) {
                    break message;
                }
            }
        })
        .await
    }

    /// Hears messages until the status file has this health, by a state or by a `source`.
    pub(crate) async fn expect_health(&mut self, health: &str) -> Value {
        self.expect_health_of("status", health).await
    }

    /// Hears messages until this file has this health.
    pub(crate) async fn expect_health_of(&mut self, file: &str, health: &str) -> Value {
        self.hear_until(&format!("the {file} file being {health}"), |message| {
            message["type"] == "source" && message["file"] == file && message["health"] == health
        })
        .await
    }

    /// Sends this.
    pub(crate) async fn say(&mut self, message: &Value) {
        self.link.say(&message.to_string()).await;
    }

    /// Sends this with an id, and hears its `ok` or `error`. States in between are taken note of.
    pub(crate) async fn request(&mut self, mut message: Value) -> Value {
        self.requests += 1;
        let id = self.requests;
        message["id"] = json!(id);
        self.say(&message).await;
        self.hear_until("the request's outcome", |message| message["id"] == id).await
    }

    /// Answers the present order with this position, and waits for the outcome.
    pub(crate) async fn answer(&mut self, position: u8) -> Value {
        let order = self.order();
        self.request(json!({ "type": "answer", "order": order, "position": position })).await
    }

    /// Answers the present order with this position, which goes well.
    pub(crate) async fn accept(&mut self, position: u8) {
        let outcome = self.answer(position).await;
        assert_eq!(outcome["type"], "ok", "{outcome}");
    }

    /// Hears messages until the state of which this is true, unless the present one already is.
    pub(crate) async fn until(&mut self, what: &str, is: impl Fn(&Value) -> bool) {
        if !is(&self.state) {
            self.hear_until(what, |message| message["type"] == "state" && is(message)).await;
        }
    }

    /// Hears messages until this position is the reply.
    pub(crate) async fn until_reply(&mut self, position: u8) {
        self.until("the reply", |state| state["reply"]["position"] == position).await;
    }

    /// Proves that nothing has come: the next thing is the answer to a question asked now.
    pub(crate) async fn expect_nothing_yet(&mut self) {
        self.say(&json!({ "type": "console", "command": "anything?" })).await;
        let message = self.hear().await;
        assert_eq!(message, json!({ "type": "console", "text": "Server echoed: anything?" }));
        assert_eq!(self.hear().await, json!({ "type": "ok" }));
    }

    /// The farewell, and the end.
    pub(crate) async fn expect_farewell(&mut self) {
        let farewell = self.hear().await;
        assert_eq!(farewell, json!({ "type": "farewell", "reason": "shutdown" }));
        self.link.expect_close(GOING_AWAY).await;
    }
}
