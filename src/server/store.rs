//! The list of messages that all doors show.
//!
//! Ids come from one sequencer, in the order in which messages are made; clients must not read anything into them but
//! that order. What happens to the list is told to every subscription; a subscriber that falls more than
//! [`BACKLOG`] behind is told that it lost something, and nobody waits for it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// The most messages in the list; the oldest go first.
pub const CAPACITY: usize = 1_000;

/// The most events that a subscriber may fall behind.
pub const BACKLOG: usize = 256;

/// What somebody wants to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// Who says it.
    pub from: String,
    /// The words.
    pub text: String,
}

/// What somebody wants to change; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// Who says it.
    pub from: Option<String>,
    /// The words.
    pub text: Option<String>,
}

/// A message of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Greater than that of every message made before.
    pub id: u64,
    /// Who said it.
    pub from: String,
    /// The words.
    pub text: String,
}

/// Why the store did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no such message, or no longer.
    #[error("there is no message {0}")]
    NotFound(u64),
}

/// What happened to the list.
#[derive(Debug, Clone)]
pub struct News {
    /// `{"event":…,"data":…}` with `message`, `changed` or `deleted`, encoded once for all who hear it.
    pub json: Utf8Bytes,
}

impl News {
    fn new(event: &'static str, data: &impl Serialize) -> Self {
        #[derive(Serialize)]
        struct Envelope<'a, T> {
            event: &'static str,
            data: &'a T,
        }
        // Strings and numbers only: encoding cannot fail.
        let json = serde_json::to_string(&Envelope { event, data }).unwrap_or_default();
        Self { json: json.into() }
    }
}

/// Called with every message that is made, before anybody can hear of it.
pub type OnMade = Box<dyn Fn(&Message) + Send + Sync>;

/// The messages, in memory.
pub struct Store {
    list: Mutex<List>,
    news: broadcast::Sender<News>,
    on_made: OnMade,
}

#[derive(Default)]
struct List {
    last_id: u64,
    messages: BTreeMap<u64, Message>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("messages", &self.list().messages.len()).finish_non_exhaustive()
    }
}

impl Store {
    /// An empty list.
    #[must_use]
    pub fn new(on_made: OnMade) -> Self {
        Self { list: Mutex::default(), news: broadcast::Sender::new(BACKLOG), on_made }
    }

    /// Everything that happens from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }

    /// Adds a message.
    ///
    /// # Errors
    /// None in memory; another store may be out of reach.
    pub async fn post(&self, draft: Draft) -> Result<Message, StoreError> {
        self.post_with(draft, |_| ()).await
    }

    /// Adds a message; `made` is called with it before anybody can hear of it.
    ///
    /// # Errors
    /// As [`Store::post`].
    #[expect(clippy::unused_async, reason = "a store elsewhere has to wait, and every door is ready for it")]
    pub async fn post_with(&self, draft: Draft, made: impl FnOnce(&Message)) -> Result<Message, StoreError> {
        let mut list = self.list();
        list.last_id += 1;
        let message = Message { id: list.last_id, from: draft.from, text: draft.text };
        list.messages.insert(message.id, message.clone());
        while list.messages.len() > CAPACITY {
            list.messages.pop_first();
        }
        (self.on_made)(&message);
        made(&message);
        // Sent under the lock, so that all hear of the messages in the order of their ids.
        let _ = self.news.send(News::new("message", &message));
        Ok(message)
    }

    /// The messages newer than `since`; all without it.
    #[must_use]
    pub fn newer(&self, since: Option<u64>) -> Vec<Message> {
        let first = since.map_or(0, |id| id.saturating_add(1));
        self.list().messages.range(first..).map(|(_, message)| message.clone()).collect()
    }

    /// One message.
    ///
    /// # Errors
    /// `NotFound`
    pub fn get(&self, id: u64) -> Result<Message, StoreError> {
        self.list().messages.get(&id).cloned().ok_or(StoreError::NotFound(id))
    }

    /// Changes a message, wholly or in part.
    ///
    /// # Errors
    /// `NotFound`
    pub fn change(&self, id: u64, change: Change) -> Result<Message, StoreError> {
        let mut list = self.list();
        let message = list.messages.get_mut(&id).ok_or(StoreError::NotFound(id))?;
        message.from = change.from.unwrap_or_else(|| message.from.clone());
        message.text = change.text.unwrap_or_else(|| message.text.clone());
        let _ = self.news.send(News::new("changed", message));
        Ok(message.clone())
    }

    /// Removes a message.
    ///
    /// # Errors
    /// `NotFound`
    pub fn delete(&self, id: u64) -> Result<(), StoreError> {
        #[derive(Serialize)]
        struct Deleted {
            id: u64,
        }
        let mut list = self.list();
        list.messages.remove(&id).ok_or(StoreError::NotFound(id))?;
        let _ = self.news.send(News::new("deleted", &Deleted { id }));
        Ok(())
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(text: &str) -> Draft {
        Draft { from: "anna".into(), text: text.into() }
    }

    #[tokio::test]
    async fn what_is_posted_is_listed_and_heard_in_order() {
        let store = Store::new(Box::new(|_| ()));
        let mut news = store.subscribe();
        for n in 1..=3 {
            assert_eq!(store.post(draft(&n.to_string())).await.unwrap().id, n);
        }
        assert_eq!(store.newer(Some(1)).iter().map(|message| message.id).collect::<Vec<_>>(), [2, 3]);
        let first = news.recv().await.unwrap();
        assert_eq!(first.json, r#"{"event":"message","data":{"id":1,"from":"anna","text":"1"}}"#);
        assert!(store.newer(Some(u64::MAX)).is_empty());
    }

    #[tokio::test]
    async fn the_oldest_go_when_the_list_is_full() {
        let store = Store::new(Box::new(|_| ()));
        for n in 0..=CAPACITY {
            store.post(draft(&n.to_string())).await.unwrap();
        }
        assert_eq!(store.newer(None).len(), CAPACITY);
        assert_eq!(store.get(1), Err(StoreError::NotFound(1)));
    }

    #[tokio::test]
    async fn a_change_keeps_what_it_does_not_name() {
        let store = Store::new(Box::new(|_| ()));
        let id = store.post(draft("a")).await.unwrap().id;
        let change = Change { text: Some("b".into()), from: None };
        assert_eq!(store.change(id, change).unwrap(), Message { id, from: "anna".into(), text: "b".into() });
        assert_eq!(store.delete(id), Ok(()));
        assert_eq!(store.delete(id), Err(StoreError::NotFound(id)));
    }
}
