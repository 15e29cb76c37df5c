//! A connection for each request, by hyper's client over our own stream: the server is asked to close, and it is waited for
//! (RFC 9112, 9.6), so that it is the server that ends first, however many clients there are.

use std::time::Duration;

use hyper::Request;
use hyper::header::{ACCEPT, CONNECTION, CONTENT_TYPE, HOST};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{Answer, Failed, PATIENCE, Question};
use crate::client::Lane;
use crate::client::dialer::Dialer;
use crate::client::inbox::Body;
use crate::client::line::Line;

/// The longest answer, bytes: the whole list.
const MAX_BODY: usize = 128 << 20;

/// Who opens them.
pub(super) struct Closing {
    dialer: Dialer,
    patience: Duration,
    /// Answered, and not over yet.
    ending: JoinSet<()>,
}

impl Closing {
    pub fn new(lane: &Lane) -> Self {
        let (dialer, patience) = (Dialer::of(lane, "close"), PATIENCE + lane.stall);
        Self { dialer, patience, ending: JoinSet::new() }
    }

    /// The answer is there with its content; the end of its connection holds nobody up.
    pub async fn exchange(&mut self, question: Question) -> Result<Answer, Failed> {
        while self.ending.try_join_next().is_some() {}
        let asking = timeout(self.patience, ask(self.dialer.afresh(), question));
        let (line, answer) = asking.await.unwrap_or_else(|_| Err(Failed::late()))?;
        self.ending.spawn(line.end_after());
        Ok(answer)
    }

    /// Waits so long for the ends of those that are answered.
    pub async fn end(mut self, grace: Duration) {
        let _ = timeout(grace, async { while self.ending.join_next().await.is_some() {} }).await;
    }
}

async fn ask(dialer: Dialer, question: Question) -> Result<(Line, Answer), Failed> {
    let request = request(&dialer.host(), question).map_err(|error| Failed::broke(error.to_string()))?;
    let mut line = Line::dial(&dialer).await.map_err(Failed::unreachable)?;
    match line.ask(request, MAX_BODY).await {
        Ok((status, body)) => {
            let local = Some(line.local);
            Ok((line, Answer { status, body, local }))
        }
        Err(broken) => Err(Failed { untaken: broken.untaken, ..Failed::broke(broken.why) }),
    }
}

fn request(host: &str, Question { target, words }: Question) -> Result<Request<Body>, hyper::http::Error> {
    let request = Request::builder().uri(target).header(CONNECTION, "close");
    let request = request.header(ACCEPT, "*/*").header(HOST, host);
    match words {
        None => request.body(Body::default()),
        Some(words) => {
            request.method("POST").header(CONTENT_TYPE, "application/json").body(Body::from(words))
        }
    }
}
