//! What a client says while it waits for news on another connection: each time a POST, on a second connection that stays open.

use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use hyper::header::{ACCEPT, CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use super::dialer::Dialer;
use super::inbox::Body;
use super::line::{Line, refusal};
use super::running::Ending;
use super::stream::Leave;
use super::transport::{LaneError, Speech};

/// How long nobody tries again after a failure.
pub(super) const AGAIN: Duration = Duration::from_secs(1);

/// The longest answer to what was said, bytes.
const MAX_BODY: usize = 1 << 20;

/// What the client says, and the end of its run.
pub(super) struct Mouth {
    words: Words,
    speech: mpsc::UnboundedReceiver<Speech>,
    ending: Ending,
}

impl Mouth {
    pub fn new(dialer: &Dialer, speech: mpsc::UnboundedReceiver<Speech>, ending: Ending) -> Self {
        let words = Words { dialer: dialer.clone(), line: None, posting: None, again: None };
        Self { words, speech, ending }
    }

    pub fn is_over(&self) -> bool {
        self.ending.is_over()
    }

    /// Does the work, and says meanwhile what the client wants to say. `None` where the run is over first.
    pub async fn during<T>(&mut self, work: impl Future<Output = T>) -> Result<Option<T>, LaneError> {
        let mut work = pin!(work);
        let Self { words, speech, ending } = self;
        loop {
            tokio::select! {
                biased;
                () = ending.wait() => return Ok(None),
                done = &mut work => return Ok(Some(done)),
                said = words.turn() => said?,
                Some(speech) = speech.recv(), if words.are_free() => words.say(speech),
            }
        }
    }

    /// The same for work on a connection: when the run is over, our sending ends there, and what still comes is waited for.
    pub async fn on<T>(
        &mut self,
        leave: &Leave,
        work: impl Future<Output = T>,
    ) -> Result<Option<T>, LaneError> {
        if self.is_over() {
            return Ok(None);
        }
        let mut work = pin!(work);
        // Begun before anybody looks for the end again: what is asked is asked before our sending ends.
        let begun = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await;
        if let Poll::Ready(done) = begun {
            return Ok(Some(done));
        }
        if let Some(done) = self.during(work.as_mut()).await? {
            return Ok(Some(done));
        }
        leave.now();
        Ok(timeout(self.ending.grace, work).await.ok())
    }

    /// Ends in good order, with the connection on which news came.
    pub async fn end(self, line: Option<Line>) {
        let end = async {
            if let Some(line) = line {
                line.end().await;
            }
        };
        let _ = timeout(self.ending.grace, async { tokio::join!(end, self.words.end()) }).await;
    }
}

type Posting = Pin<Box<dyn Future<Output = (Option<Line>, Result<(), Unsaid>)> + Send>>;

/// Why words did not reach the server, as far as that is known.
enum Unsaid {
    /// It certainly did not take them: they can be said again.
    Untaken(Speech),
    /// Nobody knows. Said again, they might be heard twice: they are not.
    Unknown,
    /// It did not want them.
    Refused(String),
}

/// The second connection.
struct Words {
    dialer: Dialer,
    line: Option<Line>,
    posting: Option<Posting>,
    /// What is said again, and when.
    again: Option<(Instant, Speech)>,
}

impl Words {
    /// One after the other: what was said first is in the list first.
    fn are_free(&self) -> bool {
        self.posting.is_none() && self.again.is_none()
    }

    fn say(&mut self, speech: Speech) {
        self.posting = Some(Box::pin(post(self.line.take(), self.dialer.clone(), speech)));
    }

    /// Does what there is to do. Nothing is lost where this is dropped.
    async fn turn(&mut self) -> Result<(), LaneError> {
        if let Some(posting) = &mut self.posting {
            let (line, said) = posting.await;
            (self.posting, self.line) = (None, line);
            return self.said(said);
        }
        if let Some((at, _)) = &self.again {
            sleep_until(*at).await;
            if let Some((_, speech)) = self.again.take() {
                self.say(speech);
            }
            return Ok(());
        }
        match &mut self.line {
            // The server has ended it. The next words open another.
            Some(line) => {
                line.idle().await;
                self.line = None;
            }
            None => pending().await,
        }
        Ok(())
    }

    fn said(&mut self, said: Result<(), Unsaid>) -> Result<(), LaneError> {
        match said {
            // Where it broke, that is not counted: whether news still come is told by the other connection.
            Ok(()) | Err(Unsaid::Unknown) => self.dialer.counts.sent.add(1),
            Err(Unsaid::Untaken(speech)) => self.again = Some((Instant::now() + AGAIN, speech)),
            Err(Unsaid::Refused(why)) => return Err(LaneError::Ended(why)),
        }
        Ok(())
    }

    async fn end(mut self) {
        if let Some(posting) = self.posting.take() {
            let (line, said) = posting.await;
            self.line = line;
            let _ = self.said(said);
        }
        if let Some(line) = self.line.take() {
            line.end().await;
        }
    }
}

async fn post(line: Option<Line>, dialer: Dialer, speech: Speech) -> (Option<Line>, Result<(), Unsaid>) {
    let mut old = line;
    loop {
        let reused = old.is_some();
        let mut line = match old.take() {
            Some(line) => line,
            None => match Line::dial(&dialer).await {
                Ok(line) => line,
                Err(_) => return (None, Err(Unsaid::Untaken(speech))),
            },
        };
        let request = match request(&dialer.host(), &speech) {
            Ok(request) => request,
            Err(error) => return (Some(line), Err(Unsaid::Refused(error.to_string()))),
        };
        return match line.ask(request, MAX_BODY).await {
            Ok((StatusCode::CREATED, _)) => (Some(line), Ok(())),
            Ok((status, body)) => (Some(line), Err(Unsaid::Refused(refusal(status, &body)))),
            // It ended while nothing was said.
            Err(broken) if broken.untaken && reused => continue,
            Err(broken) if broken.untaken => (None, Err(Unsaid::Untaken(speech))),
            Err(_) => (None, Err(Unsaid::Unknown)),
        };
    }
}

fn request(host: &str, Speech { from, text }: &Speech) -> Result<Request<Body>, hyper::http::Error> {
    let body = json!({ "from": from, "text": text }).to_string();
    Request::post("/api/messages")
        .header(HOST, host)
        .header(ACCEPT, "*/*")
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(body))
}
