//! What a client may say, as a server in any language would answer it.

use std::fmt;
use std::sync::Arc;

use rmpv::Value;
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use socketioxide::extract::SocketRef;

use super::seat::{Room, Seat};
use crate::server::doors::messages;
use crate::server::{Draft, NewsId, Store};

/// Who says something without saying who it is.
const SOMEONE: &str = "someone";

/// The longest name of a room, bytes.
const NAME: usize = 64;

/// How many rooms one socket may be in, beside its own.
const ROOMS: usize = 64;

/// What was said with an event, however much it was; JSON and binary.
pub(super) struct Args(pub Vec<Value>);

impl<'de> Deserialize<'de> for Args {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Args;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("what is said with an event")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Args, A::Error> {
                let mut args = Vec::new();
                while let Some(arg) = seq.next_element()? {
                    args.push(arg);
                }
                Ok(Args(args))
            }
        }
        // A tuple, because only of those socketioxide hands over more than the first.
        deserializer.deserialize_tuple(usize::MAX, All)
    }
}

/// What it takes, bytes, about.
pub(super) fn len(value: &Value) -> usize {
    match value {
        Value::Nil | Value::Boolean(_) => 5,
        Value::Integer(_) | Value::F32(_) | Value::F64(_) => 12,
        Value::String(text) => text.as_bytes().len() + 2,
        Value::Binary(bytes) | Value::Ext(_, bytes) => bytes.len() + 40,
        Value::Array(items) => 2 + items.iter().map(|item| len(item) + 1).sum::<usize>(),
        Value::Map(fields) => {
            2 + fields.iter().map(|(name, value)| len(name) + len(value) + 2).sum::<usize>()
        }
    }
}

/// How many attachments it has.
pub(super) fn attachments(value: &Value) -> usize {
    match value {
        Value::Binary(_) => 1,
        Value::Array(items) => items.iter().map(attachments).sum(),
        Value::Map(fields) => fields.iter().map(|(_, value)| attachments(value)).sum(),
        Value::Nil
        | Value::Boolean(_)
        | Value::Integer(_)
        | Value::F32(_)
        | Value::F64(_)
        | Value::String(_)
        | Value::Ext(..) => 0,
    }
}

/// Joins the list, and is heard like everything else: by subscription.
pub(super) async fn post(args: Vec<Value>, store: &Store) -> Result<Value, String> {
    let draft = draft(args.into_iter().next().unwrap_or(Value::Nil))?;
    let message = store.post(draft).await.map_err(|error| error.to_string())?;
    Ok(Value::Map(vec![
        ("id".into(), message.id.into()),
        ("from".into(), message.from.into()),
        ("text".into(), message.text.into()),
    ]))
}

/// `{from, text}` as it is, a text as the text, anything else as its JSON.
fn draft(value: Value) -> Result<Draft, String> {
    let someone = |text| Ok(Draft { from: SOMEONE.into(), text });
    if let Value::String(text) = value {
        return someone(text.into_str().ok_or("the text is not UTF-8")?);
    }
    if attachments(&value) > 0 {
        return Err("the list has text and JSON; binary goes to `echo` or to a room".into());
    }
    let json = serde_json::to_value(&value).map_err(|error| error.to_string())?;
    let whole = ["from", "text"].iter().all(|name| json.get(name).is_some_and(serde_json::Value::is_string));
    if whole {
        return messages::draft(&json).map_err(|problem| problem.detail().to_owned());
    }
    someone(json.to_string())
}

/// Enters a room. Its name is the answer.
pub(super) fn join(socket: &SocketRef, args: Vec<Value>) -> Result<Value, String> {
    let name = name(args.into_iter().next())?;
    if socket.rooms().len() > ROOMS {
        return Err(format!("one socket may be in {ROOMS} rooms"));
    }
    socket.join(name.clone());
    Ok(name.into())
}

/// Leaves a room. Its name is the answer.
pub(super) fn leave(socket: &SocketRef, args: Vec<Value>) -> Result<Value, String> {
    let name = name(args.into_iter().next())?;
    socket.leave(name.clone());
    Ok(name.into())
}

/// Says something to every member of a room. `at` is where the list is.
pub(super) fn say(socket: &SocketRef, args: Vec<Value>, at: NewsId) -> Result<(), String> {
    let mut args = args.into_iter();
    let name = name(args.next())?;
    let payload = Arc::new(args.next().unwrap_or(Value::Nil));
    for member in socket.within(name).sockets() {
        if let Some(seat) = member.extensions.get::<Arc<Seat>>() {
            seat.hear(Room { payload: Arc::clone(&payload), at });
        }
    }
    Ok(())
}

/// The name of a room, as on the other doors.
fn name(value: Option<Value>) -> Result<String, String> {
    let name = match value {
        Some(Value::String(name)) => name.into_str().ok_or("the name of a room is UTF-8")?,
        _ => return Err("name the room, as a text".into()),
    };
    if name.is_empty() || name.len() > NAME {
        return Err(format!("the name of a room has 1 to {NAME} bytes"));
    }
    if name.chars().any(char::is_control) {
        return Err("the name of a room has no control characters".into());
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(json: &str) -> Result<(String, String), String> {
        let value: Value = serde_json::from_str(json).unwrap();
        draft(value).map(|draft| (draft.from, draft.text))
    }

    #[test]
    fn what_becomes_a_message() {
        let someone = |text: &str| Ok((SOMEONE.to_owned(), text.to_owned()));
        assert_eq!(said(r#""hello""#), someone("hello"));
        assert_eq!(said(r#"{"from":"Anna","text":"hi","more":1}"#), Ok(("Anna".into(), "hi".into())));
        assert_eq!(said(r#"{"b":1,"a":[true,null,1.5]}"#), someone(r#"{"b":1,"a":[true,null,1.5]}"#));
        assert_eq!(said(r#"{"from":1,"text":"hi"}"#), someone(r#"{"from":1,"text":"hi"}"#));
        assert_eq!(said("42"), someone("42"));
        assert_eq!(said("null"), someone("null"));
        assert!(said(&format!(r#"{{"from":"{}","text":""}}"#, "x".repeat(65))).is_err());
        assert!(draft(Value::Array(vec![Value::Binary(vec![1])])).is_err());
    }

    #[test]
    fn names_of_rooms() {
        assert_eq!(name(Some("red".into())), Ok("red".into()));
        for bad in [None, Some(Value::Nil), Some("".into()), Some("a\nb".into()), Some("x".repeat(65).into())]
        {
            assert!(name(bad.clone()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn attachments_are_counted_wherever_they_stand() {
        let binary = || Value::Binary(vec![0; 10]);
        let nested =
            Value::Map(vec![("a".into(), binary()), ("b".into(), Value::Array(vec![binary(), 1.into()]))]);
        assert_eq!(attachments(&nested), 2);
        assert!(len(&nested) > 100);
    }
}
