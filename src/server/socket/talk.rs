//! What is spoken on a socket: what a client's message does, and what it hears of others. The loop knows no door beyond this.

use std::future::pending;

use bytes::Bytes;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

use crate::server::context::Context;
use crate::server::doors::messages;
use crate::server::rooms::Member;
use crate::server::store::{BACKLOG, POSTS};
use crate::server::subscription::{Over, Subscription};
use crate::server::{News, Store};

/// What is spoken on a socket.
#[derive(Debug)]
pub(in crate::server) enum Talk {
    /// The list of messages, and what happens to it.
    List(Subscription),
    /// Everything comes back as it was.
    Echo,
    /// Everything goes to all members of a room as it is, text and binary alike.
    Room(Member),
}

/// What a socket hears.
#[derive(Debug)]
pub(in crate::server) enum Heard {
    Message(Message),
    /// Messages that are encoded already, once for all that are to hear them.
    Frames(Bytes),
    /// More came than may wait for a client that does not read.
    TooMuch,
    /// There is nothing more to hear.
    End,
}

impl Talk {
    /// The next thing that others did. Nothing is lost where this is given up.
    pub async fn hear(&mut self) -> Heard {
        match self {
            Self::List(news) => Heard::news(news.next().await),
            Self::Room(member) => Heard::frames(member.next().await),
            Self::Echo => pending().await,
        }
    }

    /// The same, where it is there already.
    pub fn heard(&mut self) -> Option<Heard> {
        match self {
            Self::List(news) => news.take().map(Heard::news),
            Self::Room(member) => member.take().map(Heard::frames),
            Self::Echo => None,
        }
    }

    /// Whether more came than may wait.
    pub fn is_behind(&self) -> bool {
        match self {
            Self::List(news) => news.len() > BACKLOG,
            Self::Room(member) => member.is_behind(),
            Self::Echo => false,
        }
    }

    /// How much of what the client says may be taken at once: what goes to the list goes to everybody, who must keep up.
    pub fn turn(&self) -> usize {
        match self {
            Self::List(_) => POSTS,
            Self::Room(_) | Self::Echo => usize::MAX,
        }
    }

    /// Takes what the client said, text or binary; what is to be answered at once.
    pub async fn say(&mut self, message: Message, context: &Context) -> Option<Message> {
        match self {
            Self::List(_) => post(&message, &context.store).await.err().map(|detail| complaint(&detail)),
            Self::Room(member) => {
                member.say(message);
                None
            }
            Self::Echo => Some(message),
        }
    }

    /// The client has said all that it said for now.
    pub fn said(&mut self) {
        match self {
            Self::Room(member) => member.spread(),
            Self::List(_) | Self::Echo => {}
        }
    }
}

impl Heard {
    fn news(news: Result<News, Over>) -> Self {
        match news {
            Ok(news) => Self::Message(Message::Text(news.json)),
            Err(Over::Lost) => Self::TooMuch,
            Err(Over::Stopped) => Self::End,
        }
    }

    fn frames(frames: Option<Bytes>) -> Self {
        frames.map_or(Self::TooMuch, Self::Frames)
    }
}

/// `{"event":"message","data":{…}}` joins the list, and is heard like everything else: by subscription.
async fn post(message: &Message, store: &Store) -> Result<(), String> {
    let Message::Text(text) = message else { return Err("this door understands text messages only".into()) };
    let envelope: Value =
        serde_json::from_str(text).map_err(|error| format!("the message is not JSON: {error}"))?;
    if envelope.get("event").and_then(Value::as_str) != Some("message") {
        return Err(r#"send {"event":"message","data":{"from":"…","text":"…"}}"#.into());
    }
    let draft = messages::draft(envelope.get("data").unwrap_or(&Value::Null));
    let draft = draft.map_err(|problem| problem.detail().to_owned())?;
    store.post(draft).await.map(drop).map_err(|error| error.to_string())
}

fn complaint(detail: &str) -> Message {
    Message::text(serde_json::json!({ "event": "error", "data": { "detail": detail } }).to_string())
}
