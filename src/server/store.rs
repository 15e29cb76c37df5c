//! The list of messages that all doors show.
//!
//! Ids come from one sequencer, in the order in which messages are made; clients must not read anything into them but
//! that order. What happens to the list is told to every subscription; a subscriber that falls more than
//! [`BACKLOG`] behind is told that it lost something, and nobody waits for it.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// The most messages in the list; the oldest go first.
pub const CAPACITY: usize = 1_000;

/// The most events that a subscriber may fall behind, and that are kept for one who comes back.
pub const BACKLOG: usize = 256;

/// How many messages one client may add before others have their turn: many may do so before one listens, who can hear of no more
/// than [`CAPACITY`] at once.
pub const POSTS: usize = 8;

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

/// Where in what happened to the list something stands: after the message `message`, as the `change`th change since. The
/// message itself is the 0th. Written `7`, or `7.2`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct NewsId {
    message: u64,
    change: u64,
}

impl fmt::Display for NewsId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.change {
            0 => write!(f, "{}", self.message),
            change => write!(f, "{}.{change}", self.message),
        }
    }
}

impl FromStr for NewsId {
    type Err = ();

    /// One way to write each.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (message, change) = text.split_once('.').unwrap_or((text, "0"));
        let number = |text: &str| text.parse().map_err(|_| ());
        let id = Self { message: number(message)?, change: number(change)? };
        if id.to_string() == text { Ok(id) } else { Err(()) }
    }
}

/// What happened to the list.
#[derive(Debug, Clone)]
pub struct News {
    /// When, in the order of everything that happened.
    pub id: NewsId,
    /// `message`, `changed` or `deleted`.
    pub event: &'static str,
    /// `{"event":…,"data":…}`, encoded once for all who hear it.
    pub json: Utf8Bytes,
}

/// What stands before the name of the event, and between it and the data.
const ENVELOPE: (&str, &str) = (r#"{"event":""#, r#"","data":"#);

impl News {
    fn new(id: NewsId, event: &'static str, data: &impl Serialize) -> Self {
        // Strings and numbers only: encoding cannot fail.
        let data = serde_json::to_string(data).unwrap_or_default();
        let (before, between) = ENVELOPE;
        Self { id, event, json: [before, event, between, &data, "}"].concat().into() }
    }

    /// The data alone, as JSON on one line.
    #[must_use]
    pub fn data(&self) -> &str {
        let begin = ENVELOPE.0.len() + self.event.len() + ENVELOPE.1.len();
        &self.json[begin..self.json.len() - 1]
    }

    /// The same, shared.
    fn shared_data(&self) -> Bytes {
        Bytes::from(self.json.clone()).slice_ref(self.data().as_bytes())
    }

    /// The message that was made, as it is now.
    fn message(&self) -> Option<Message> {
        serde_json::from_str(self.data()).ok()
    }
}

/// What somebody hears who comes back.
#[derive(Debug)]
pub struct Following {
    /// What was missed, and is still known.
    pub missed: Vec<News>,
    /// Where the list is now.
    pub at: NewsId,
    /// Whether that is all of it.
    pub whole: bool,
    /// Everything that happens from now on.
    pub news: broadcast::Receiver<News>,
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
    /// Where it is: the newest message, and how many changes there were since.
    at: NewsId,
    /// Each as the news that it is, or would be now: encoded once for all who ask.
    messages: BTreeMap<u64, News>,
    /// What happened of late.
    recent: VecDeque<News>,
    /// The newest that is no longer among it.
    forgotten: NewsId,
    /// The last change.
    last_change: NewsId,
}

impl List {
    /// What is next: a change.
    fn changed(&mut self) -> NewsId {
        self.at.change += 1;
        self.last_change = self.at;
        self.at
    }

    /// Whether [`List::missed`] is all that happened after `since`.
    fn is_whole(&self, since: NewsId) -> bool {
        let oldest = self.messages.keys().next().copied().unwrap_or_default();
        since >= self.forgotten || (since >= self.last_change && oldest <= since.message.saturating_add(1))
    }

    /// What happened after `since`. Where not all of that is kept, the messages made since, as they are now.
    fn missed(&self, since: NewsId) -> Vec<News> {
        // Never given: of a server that ran here before, and everything is new to whoever read that one.
        let since = if since > self.at { NewsId::default() } else { since };
        if since >= self.forgotten {
            return self.recent.iter().filter(|news| news.id > since).cloned().collect();
        }
        let newer = self.messages.range(since.message.saturating_add(1)..);
        newer.map(|(_, made)| made.clone()).collect()
    }
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

    /// Where the list is now.
    #[must_use]
    pub fn at(&self) -> NewsId {
        self.list().at
    }

    /// Everything that happens from now on, and what happened after `since`.
    #[must_use]
    pub fn follow(&self, since: Option<NewsId>) -> Following {
        // Both under the lock: nothing is in neither, and nothing in both.
        let list = self.list();
        let missed = since.map_or_else(Vec::new, |since| list.missed(since));
        let whole = since.is_none_or(|since| list.is_whole(since));
        Following { missed, at: list.at, whole, news: self.news.subscribe() }
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
        list.at = NewsId { message: list.at.message + 1, change: 0 };
        let message = Message { id: list.at.message, from: draft.from, text: draft.text };
        let news = News::new(list.at, "message", &message);
        list.messages.insert(message.id, news.clone());
        while list.messages.len() > CAPACITY {
            list.messages.pop_first();
        }
        (self.on_made)(&message);
        made(&message);
        self.tell(&mut list, news);
        Ok(message)
    }

    /// The messages newer than `since`, in JSON, shared with whoever else asks; all without it.
    #[must_use]
    pub fn newer(&self, since: Option<u64>) -> Vec<Bytes> {
        let first = since.map_or(0, |id| id.saturating_add(1));
        self.list().messages.range(first..).map(|(_, news)| news.shared_data()).collect()
    }

    /// One message.
    ///
    /// # Errors
    /// `NotFound`
    pub fn get(&self, id: u64) -> Result<Message, StoreError> {
        self.list().messages.get(&id).and_then(News::message).ok_or(StoreError::NotFound(id))
    }

    /// Changes a message, wholly or in part.
    ///
    /// # Errors
    /// `NotFound`
    pub fn change(&self, id: u64, change: Change) -> Result<Message, StoreError> {
        let mut list = self.list();
        let made = list.messages.get_mut(&id).ok_or(StoreError::NotFound(id))?;
        let message = made.message().ok_or(StoreError::NotFound(id))?;
        let message = Message {
            id,
            from: change.from.unwrap_or(message.from),
            text: change.text.unwrap_or(message.text),
        };
        *made = News::new(made.id, "message", &message);
        let at = list.changed();
        self.tell(&mut list, News::new(at, "changed", &message));
        Ok(message)
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
        let at = list.changed();
        self.tell(&mut list, News::new(at, "deleted", &Deleted { id }));
        Ok(())
    }

    /// Told under the lock, so that all hear of everything in the order in which it happened.
    fn tell(&self, list: &mut List, news: News) {
        if list.recent.len() == BACKLOG
            && let Some(oldest) = list.recent.pop_front()
        {
            list.forgotten = oldest.id;
        }
        list.recent.push_back(news.clone());
        let _ = self.news.send(news);
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
        assert_eq!(
            store.newer(Some(1)),
            [r#"{"id":2,"from":"anna","text":"2"}"#, r#"{"id":3,"from":"anna","text":"3"}"#]
        );
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

    fn heard(news: &[News]) -> Vec<String> {
        news.iter().map(|news| format!("{} {} {}", news.id, news.event, news.data())).collect()
    }

    #[tokio::test]
    async fn who_comes_back_hears_what_was_missed() {
        let store = Store::new(Box::new(|_| ()));
        assert_eq!(store.follow(None).at.to_string(), "0");
        for text in ["a", "b"] {
            store.post(draft(text)).await.unwrap();
        }
        store.change(1, Change { text: Some("c".into()), from: None }).unwrap();
        store.delete(2).unwrap();
        store.post(draft("d")).await.unwrap();
        let all = [
            r#"2 message {"id":2,"from":"anna","text":"b"}"#,
            r#"2.1 changed {"id":1,"from":"anna","text":"c"}"#,
            r#"2.2 deleted {"id":2}"#,
            r#"3 message {"id":3,"from":"anna","text":"d"}"#,
        ];
        for (since, from) in [("1", 0), ("2", 1), ("2.1", 2), ("2.2", 3), ("2.9", 3), ("3", 4)] {
            let following = store.follow(since.parse().ok());
            assert_eq!(
                (heard(&following.missed), following.at.to_string()),
                (all[from..].iter().map(|&line| line.into()).collect(), "3".into())
            );
        }
        assert!(store.follow(None).missed.is_empty());
        // Of a server that ran before: everything is new.
        assert_eq!(store.follow("900.1".parse().ok()).missed.len(), 5);
    }

    #[tokio::test]
    async fn who_comes_back_late_hears_the_messages_as_they_are_now() {
        let store = Store::new(Box::new(|_| ()));
        for text in ["a", "b"] {
            store.post(draft(text)).await.unwrap();
        }
        for n in 0..BACKLOG {
            store.change(2, Change { text: Some(n.to_string()), from: None }).unwrap();
        }
        let missed = |since: &str| heard(&store.follow(since.parse().ok()).missed);
        assert_eq!(missed("1"), [r#"2 message {"id":2,"from":"anna","text":"255"}"#]);
        assert_eq!(missed("2").len(), BACKLOG, "just still kept");
        store.change(2, Change { text: Some("256".into()), from: None }).unwrap();
        assert_eq!(missed("2"), [""; 0], "the message is not newer");
        assert_eq!(missed("2.1").len(), BACKLOG);
    }

    #[test]
    fn an_id_is_written_in_one_way_only() {
        for id in ["0", "7", "7.2", "18446744073709551615.18446744073709551615"] {
            assert_eq!(id.parse::<NewsId>().unwrap().to_string(), id);
        }
        for id in ["", "x", "7.", ".2", "7.0", "07", "+7", "-7", "7.2.1", " 7", "18446744073709551616"] {
            assert_eq!(id.parse::<NewsId>(), Err(()), "{id}");
        }
    }
}
