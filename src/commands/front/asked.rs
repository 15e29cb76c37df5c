//! What the lesson and whoever sits there have to say to each other.

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

/// The lesson's end of what lies between it and the front.
#[derive(Debug)]
pub(in crate::commands) struct Lectern {
    asks: mpsc::UnboundedSender<Asked>,
    leave: Option<oneshot::Receiver<()>>,
    over: Option<oneshot::Sender<()>>,
}

/// The front's end of it.
#[derive(Debug)]
pub(in crate::commands) struct Audience {
    asked: mpsc::UnboundedReceiver<Asked>,
    leave: Option<oneshot::Sender<()>>,
    over: Option<oneshot::Receiver<()>>,
}

/// Both ends.
pub(in crate::commands) fn between() -> (Lectern, Audience) {
    let (asks, asked) = mpsc::unbounded_channel();
    let (leaves, leave) = oneshot::channel();
    let (ends, over) = oneshot::channel();
    let lectern = Lectern { asks, leave: Some(leave), over: Some(ends) };
    (lectern, Audience { asked, leave: Some(leaves), over: Some(over) })
}

impl Lectern {
    /// Where the lesson's questions go.
    pub fn asker(&self) -> Asker {
        Asker(Some(self.asks.clone()))
    }

    /// Ends when the lesson is to be left in the middle of something.
    pub async fn left(&mut self) {
        received(&mut self.leave).await;
    }

    /// Says that somebody else ends the lesson: what was not shown yet need not be.
    pub fn is_over(&mut self) {
        // A front that is gone shows nothing more anyway.
        let _ = self.over.take().map(|over| over.send(()));
    }
}

impl Audience {
    /// Says that the lesson is to be left in the middle of something.
    pub fn leave(&mut self) {
        // Whoever runs the lesson may have ended it already.
        let _ = self.leave.take().map(|leave| leave.send(()));
    }

    /// What the lesson asks next; ends without it, once, when somebody else ends the lesson.
    pub async fn next(&mut self) -> Option<Asked> {
        let Self { asked, over, .. } = self;
        tokio::select! {
            Some(asked) = asked.recv() => Some(asked),
            () = received(over) => None,
        }
    }
}

/// Ends when it was sent; never, where that cannot come any more.
async fn received(from: &mut Option<oneshot::Receiver<()>>) {
    let sent = match from {
        Some(receiver) => receiver.await.is_ok(),
        None => false,
    };
    *from = None;
    if !sent {
        std::future::pending::<()>().await;
    }
}

/// Asks whoever sits there; where nobody does, the lesson goes on.
#[derive(Debug, Clone, Default)]
pub(in crate::commands) struct Asker(Option<mpsc::UnboundedSender<Asked>>);

impl Asker {
    /// At a stop, waits. Where nobody is there to answer any more, the lesson is left.
    pub async fn stop(&self, stop: Stop) -> Go {
        let Some(front) = &self.0 else { return Go::On };
        let (answer, go) = oneshot::channel();
        let _ = front.send(Asked::Stop(stop, answer));
        go.await.unwrap_or(Go::Quit)
    }

    /// Puts a question, and waits.
    pub async fn question(&self, asking: Asking) -> Reply {
        let Some(front) = &self.0 else { return Reply::Skipped };
        let (answer, reply) = oneshot::channel();
        let _ = front.send(Asked::Question(asking, answer));
        reply.await.unwrap_or(Reply::Left(Go::Quit))
    }
}
