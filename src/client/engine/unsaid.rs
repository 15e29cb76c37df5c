//! What waits for a session.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::Emit;

/// What a client emitted while nobody was there to hear it. It outlives sessions: the next one says it.
#[derive(Debug, Clone, Default)]
pub(in crate::client) struct Unsaid(Arc<Mutex<VecDeque<Emit>>>);

impl Unsaid {
    pub fn keep(&self, emit: Emit) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(emit);
    }

    pub fn take(&self) -> VecDeque<Emit> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
