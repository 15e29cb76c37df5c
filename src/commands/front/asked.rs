//! What the lesson asks of whoever sits there.

use tokio::sync::{mpsc, oneshot};

use crate::lesson::pace::{Asking, Go, Reply, Stop};
use crate::timeline::Seq;

/// A question of the lesson, with where its answer goes.
#[derive(Debug)]
pub(in crate::commands) enum Asked {
    /// May it go on?
    Stop(Stop, oneshot::Sender<Go>),
    /// What is predicted?
    Question(Asking, oneshot::Sender<Reply>),
}

impl Asked {
    /// What must be on the screen first.
    pub fn shown(&self) -> Seq {
        match self {
            Self::Stop(stop, _) => stop.shown,
            Self::Question(asking, _) => asking.shown,
        }
    }

    /// How many words were told since the last time.
    pub fn words(&self) -> usize {
        match self {
            Self::Stop(stop, _) => stop.words,
            Self::Question(asking, _) => asking.words,
        }
    }

    /// Whether what follows is the end.
    pub fn is_last(&self) -> bool {
        matches!(self, Self::Stop(stop, _) if stop.step == stop.of)
    }

    /// From how many one can choose.
    pub fn choices(&self) -> u64 {
        match self {
            Self::Stop(..) => 0,
            Self::Question(asking, _) => asking.choices,
        }
    }

    /// Answers with what to do; a question stays without a prediction. A lesson that is gone needs no answer.
    pub fn answer(self, go: Go) {
        match self {
            Self::Stop(_, answer) => drop(answer.send(go)),
            Self::Question(_, answer) if go == Go::On => drop(answer.send(Reply::Skipped)),
            Self::Question(_, answer) => drop(answer.send(Reply::Left(go))),
        }
    }

    /// Answers a question with a prediction.
    pub fn choose(self, choice: u64) {
        match self {
            Self::Stop(_, answer) => drop(answer.send(Go::On)),
            Self::Question(_, answer) => drop(answer.send(Reply::Chosen(choice))),
        }
    }
}

/// Asks at a stop, and waits. Where nobody is there to answer any more, the lesson is left.
pub(in crate::commands) async fn stop(front: &mpsc::UnboundedSender<Asked>, stop: Stop) -> Go {
    let (answer, go) = oneshot::channel();
    let _ = front.send(Asked::Stop(stop, answer));
    go.await.unwrap_or(Go::Quit)
}

/// Asks a question, and waits.
pub(in crate::commands) async fn question(front: &mpsc::UnboundedSender<Asked>, asking: Asking) -> Reply {
    let (answer, reply) = oneshot::channel();
    let _ = front.send(Asked::Question(asking, answer));
    reply.await.unwrap_or(Reply::Left(Go::Quit))
}
