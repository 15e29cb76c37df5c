//! Somebody does not want to wait: what takes its time comes to an end, with what there is so far.

use std::sync::Arc;

use tokio::sync::watch;

/// Both ends of it. Clones are the same.
#[derive(Debug, Clone)]
pub struct Haste {
    state: Arc<watch::Sender<State>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// Whether something is under way that can end early.
    heard: bool,
    asked: bool,
}

/// While it lives, something is under way that can end early.
#[derive(Debug)]
pub struct Listening {
    haste: Haste,
    state: watch::Receiver<State>,
}

impl Default for Haste {
    fn default() -> Self {
        Self { state: Arc::new(watch::Sender::default()) }
    }
}

impl Haste {
    /// Asks for an early end. False where nothing is under way that could have one, or where that was asked for before.
    #[must_use]
    pub fn ask(&self) -> bool {
        let mut news = false;
        self.state.send_modify(|state| {
            news = state.heard && !state.asked;
            state.asked |= news;
        });
        news
    }

    /// Something begins that can end early.
    #[must_use]
    pub fn listen(&self) -> Listening {
        self.state.send_modify(|state| state.heard = true);
        Listening { haste: self.clone(), state: self.state.subscribe() }
    }
}

impl Listening {
    /// Ends when an early end is asked for.
    pub async fn asked(&mut self) {
        // It cannot be closed: we hold the sender ourselves.
        let _ = self.state.wait_for(|state| state.asked).await;
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.haste.state.send_modify(|state| state.heard = false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_is_asked_once_and_only_of_who_listens() {
        let haste = Haste::default();
        assert!(!haste.ask());
        let mut listening = haste.listen();
        assert!(haste.ask() && !haste.ask());
        listening.asked().await;
        drop(listening);
        assert!(!haste.ask());
    }
}
