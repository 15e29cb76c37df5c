//! Somebody's subscription to the list, who also hears of what its channel could not hold.
//!
//! The channel keeps [`super::store::BACKLOG`] news. When many speak at once, more than that may happen before a listener has its turn,
//! who is not slow for that: what it did not get from the channel it gets from the list.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use super::store::Following;
use super::{News, NewsId, Store};

/// A subscription.
#[derive(Debug)]
pub(super) struct Subscription {
    store: Arc<Store>,
    news: Receiver<News>,
    /// How far it has heard.
    known: NewsId,
    /// From the list, and not heard yet.
    missed: VecDeque<News>,
}

/// Why there is nothing more to hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// Something happened that is no longer known.
    Lost,
    /// The server stops.
    Stopped,
}

impl Subscription {
    /// To everything that happens from now on.
    pub fn new(store: &Arc<Store>) -> Self {
        let Following { at: known, news, .. } = store.follow(None);
        Self { store: Arc::clone(store), news, known, missed: VecDeque::new() }
    }

    /// How far it has heard: of everything up to there.
    pub fn known(&self) -> NewsId {
        self.known
    }

    /// How much waits.
    pub fn len(&self) -> usize {
        self.missed.len() + self.news.len()
    }

    /// The next news. Nothing is lost where this is given up.
    pub async fn next(&mut self) -> Result<News, Over> {
        loop {
            if let Some(news) = self.take() {
                return news;
            }
            match self.news.recv().await {
                Ok(news) => return Ok(self.heard(news)),
                Err(RecvError::Lagged(_)) => self.catch_up()?,
                Err(RecvError::Closed) => return Err(Over::Stopped),
            }
        }
    }

    /// The same, where it is there already.
    pub fn take(&mut self) -> Option<Result<News, Over>> {
        loop {
            if let Some(news) = self.missed.pop_front() {
                return Some(Ok(self.heard(news)));
            }
            match self.news.try_recv() {
                Ok(news) => return Some(Ok(self.heard(news))),
                Err(TryRecvError::Lagged(_)) => match self.catch_up() {
                    Ok(()) => {}
                    Err(over) => return Some(Err(over)),
                },
                Err(TryRecvError::Empty) => return None,
                Err(TryRecvError::Closed) => return Some(Err(Over::Stopped)),
            }
        }
    }

    fn heard(&mut self, news: News) -> News {
        self.known = news.id;
        news
    }

    fn catch_up(&mut self) -> Result<(), Over> {
        let Following { missed, news, whole, .. } = self.store.follow(Some(self.known));
        if !whole {
            return Err(Over::Lost);
        }
        self.missed = missed.into();
        self.news = news;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Draft;
    use crate::server::store::{BACKLOG, CAPACITY, Change};

    async fn post(store: &Store, many: usize) {
        for n in 0..many {
            store.post(Draft { from: "anna".into(), text: n.to_string() }).await.unwrap();
        }
    }

    fn heard(subscription: &mut Subscription) -> Vec<u64> {
        let mut ids = Vec::new();
        while let Some(news) = subscription.take() {
            ids.push(news.unwrap().id.to_string().parse().unwrap());
        }
        ids
    }

    #[tokio::test]
    async fn what_the_channel_could_not_hold_comes_from_the_list() {
        let store = Arc::new(Store::new(Box::new(|_| ())));
        let mut subscription = Subscription::new(&store);
        for many in [1, BACKLOG, BACKLOG + 1, CAPACITY] {
            let first = subscription.known().to_string().parse::<u64>().unwrap() + 1;
            post(&store, many).await;
            assert_eq!(heard(&mut subscription), (first..first + many as u64).collect::<Vec<_>>());
            assert_eq!((subscription.known(), subscription.len()), (store.at(), 0));
        }
    }

    #[tokio::test]
    async fn what_is_no_longer_known_is_said_to_be_lost() {
        let store = Arc::new(Store::new(Box::new(|_| ())));
        let mut subscription = Subscription::new(&store);
        post(&store, CAPACITY + 1).await;
        assert_eq!(subscription.next().await.unwrap_err(), Over::Lost);
        // A change among them, which the list does not tell.
        let mut subscription = Subscription::new(&store);
        store.change(CAPACITY as u64, Change { text: Some("new".into()), from: None }).unwrap();
        post(&store, BACKLOG).await;
        assert_eq!(subscription.next().await.unwrap_err(), Over::Lost);
        // As long as it is known, it is told.
        let mut subscription = Subscription::new(&store);
        store.change(CAPACITY as u64, Change { text: Some("newer".into()), from: None }).unwrap();
        assert_eq!(subscription.next().await.unwrap().event, "changed");
    }
}
