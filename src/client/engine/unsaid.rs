//! What waits for a session.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::Emit;

/// The most that is kept: as much as a workload may say. socket.io-client keeps all; here, who is away for long forgets what it said first.
const MOST: usize = 10_000;

/// What a client emitted while nobody was there to hear it. It outlives sessions: the next one says it.
#[derive(Debug, Clone, Default)]
pub(in crate::client) struct Unsaid(Arc<Mutex<VecDeque<Emit>>>);

impl Unsaid {
    /// Where there are too many, the oldest is lost: it was never sent, and is not counted as sent.
    pub fn keep(&self, emit: Emit) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == MOST {
            kept.pop_front();
        }
        kept.push_back(emit);
    }

    pub fn take(&self) -> VecDeque<Emit> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_lost() {
        let unsaid = Unsaid::default();
        for n in 0..MOST + 2 {
            unsaid.keep(Emit::json("message", vec![n.into()]));
        }
        let kept = unsaid.take();
        assert_eq!((kept.len(), &kept[0]), (MOST, &Emit::json("message", vec![2.into()])));
        assert!(unsaid.take().is_empty());
    }
}
