//! A lesson's Socket.IO client: what socket.io-client does, over connections that the tap knows by name.
//!
//! [`session`] decides what is said when, and has no connections; `polling` and `websocket` carry it; the task here owns them
//! all and always reads.

mod packet;
mod polling;
mod session;
mod unsaid;
mod websocket;

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::Link;
use super::dialer::Dialer;
use super::handshake;
use super::inbox::{Command, Incoming, Post, Queue};
use super::line::{Line, ended};
use super::stream::Stream;
use super::talk::{By, Talk, Turn};

pub use packet::{Arg, Emit, Io};
pub use session::Mode;
pub(super) use unsaid::Unsaid;

pub(super) use websocket::{closed, how};

use packet::Packet;
use polling::Answer;
use session::Session;

/// How long the last question of polling may stay without an answer when the client has left.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a server may take to answer a probe, to take the last words of a client that leaves, and to end a connection.
const LIMIT: Duration = Duration::from_secs(10);

/// Whether the session has changed to a WebSocket; why not, where it never will.
pub(super) type Upgraded = Option<Result<(), String>>;

/// What a session begins with.
pub(super) struct Start {
    pub mode: Mode,
    pub namespace: String,
    pub unsaid: Unsaid,
    /// Its first connection.
    pub first: Stream,
    /// For the others.
    pub dialer: Dialer,
    pub post: Post,
    pub upgraded: watch::Sender<Upgraded>,
}

type Exchanging = Pin<Box<dyn Future<Output = (Option<Line>, Answer)> + Send>>;
type Opening = Pin<Box<dyn Future<Output = Result<Talk, String>> + Send>>;
type Writing = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A session with its connections.
struct Running {
    session: Session,
    dialer: Dialer,
    post: Post,
    upgraded: watch::Sender<Upgraded>,
    /// The question that waits, and the connection for the next one.
    get: Option<Exchanging>,
    get_line: Option<Line>,
    /// Whether a question has been answered.
    asked: bool,
    /// What is being said by polling, and the connection for what is said next.
    posting: Option<Exchanging>,
    post_line: Option<Line>,
    /// A WebSocket that is not there yet.
    opening: Option<Opening>,
    /// It works, and polling has not stopped yet.
    tried: Option<Talk>,
    ws: Option<Talk>,
    /// Bytes that are written past the library, before anything else is.
    writing: Option<Writing>,
    /// An order past the library: what was said before it is written first.
    held: Option<Command>,
    /// When the server's heartbeat is overdue.
    overdue: Option<Instant>,
    /// When whoever leaves goes without having been heard.
    goes: Option<Instant>,
    /// Whether the lesson told it to leave.
    left: bool,
    /// Orders taken that are not all carried out; the first is to connect.
    owed: usize,
}

enum Happened {
    Order(Option<Command>),
    Got((Option<Line>, Answer)),
    Posted((Option<Line>, Answer)),
    Opened(Result<Talk, String>),
    /// On the session's WebSocket.
    Turn(Turn),
    /// On the one that is not in use yet.
    Tried(Turn),
    Written,
    Idle,
    Silent,
    Gone,
}

/// Owns the session to its end.
pub(super) async fn own(start: Start, mut queue: Queue) {
    let mut running = Running::new(start).await;
    let mut listening = true;
    loop {
        running.begin();
        running.flush();
        running.dialer.counts.sent.add(std::mem::take(&mut running.session.said));
        if let Some(command) = running.held.take() {
            running.held = running.obey_now(command);
        }
        if running.session.is_settled() && running.held.is_none() && running.has_said_all() {
            (0..std::mem::take(&mut running.owed)).for_each(|_| queue.sent());
        }
        if running.session.is_over() || (running.session.has_left() && running.has_said_all()) {
            break;
        }
        match running.next(&mut queue, listening).await {
            Happened::Order(Some(command)) => {
                running.owed += 1;
                running.held = running.obey_now(command);
            }
            Happened::Order(None) => {
                listening = false;
                running.session.leave();
            }
            Happened::Got((line, answer)) => running.got(line, answer),
            Happened::Posted((line, answer)) => {
                (running.posting, running.post_line) = (None, line);
                if let Err(why) = answer {
                    running.over(&why);
                }
            }
            Happened::Opened(ws) => running.opened(ws),
            Happened::Turn(turn) => running.turn(turn),
            Happened::Tried(turn) => running.tried(turn),
            Happened::Written => running.writing = None,
            Happened::Idle => running.post_line = None,
            Happened::Silent => running.over("no heartbeat came in time"),
            Happened::Gone => running.over("the server did not let it end"),
        }
        running.switch();
    }
    running.end(queue).await;
}

/// What a slot holds, once it is there; never, where it is empty.
async fn some<F: Future + Unpin>(slot: &mut Option<F>) -> F::Output {
    match slot {
        Some(future) => future.await,
        None => pending().await,
    }
}

impl Running {
    async fn new(start: Start) -> Self {
        let Start { mode, namespace, unsaid, first, dialer, post, upgraded } = start;
        let session = Session::new(mode, &namespace, unsaid);
        let mut running = Self {
            session,
            dialer,
            post,
            upgraded,
            get: None,
            get_line: None,
            asked: false,
            posting: None,
            post_line: None,
            opening: None,
            tried: None,
            ws: None,
            writing: None,
            held: None,
            overdue: None,
            goes: None,
            left: false,
            owed: 1,
        };
        if mode == Mode::WebSocket {
            let (target, host) = (running.session.target("websocket"), running.dialer.host());
            let counts = Arc::clone(&running.dialer.counts);
            running.opening =
                Some(Box::pin(async move { handshake::open(first, &target, &host, &counts).await }));
        } else {
            running.get_line = Line::open(first, &running.dialer).await.ok();
        }
        let never = match mode {
            Mode::Upgrade => None,
            Mode::WebSocket => Some("this client began with a WebSocket"),
            Mode::Polling => Some("this client only polls"),
        };
        if let Some(why) = never {
            running.upgraded.send_replace(Some(Err(why.into())));
        }
        running
    }

    /// Begins what can be begun, all at once, as socket.io-client does.
    fn begin(&mut self) {
        if self.posting.is_none() {
            let batch = self.session.batch();
            if !batch.is_empty() {
                let line = self.post_line.take();
                self.posting = self.ask(line, Some(&batch));
            }
        }
        if self.session.begins_probe() {
            let target = self.session.target("websocket");
            self.opening = Some(Box::pin(websocket::probe(self.dialer.clone(), target)));
        }
        if self.get.is_none() && self.session.may_poll() {
            let line = self.get_line.take();
            self.get = self.ask(line, None);
        }
    }

    fn ask(&mut self, line: Option<Line>, packets: Option<&[Packet]>) -> Option<Exchanging> {
        match polling::request(&self.dialer.host(), &self.session.target("polling"), packets) {
            Ok(request) => Some(Box::pin(polling::exchange(line, self.dialer.clone(), request))),
            Err(why) => {
                self.over(&why);
                None
            }
        }
    }

    /// Hands the WebSocket what is to be said.
    fn flush(&mut self) {
        if let Some(ws) = &mut self.ws {
            while let Some(packet) = self.session.frame() {
                ws.say(websocket::message(packet), By::Rule);
            }
        }
        if self.session.is_leaving() {
            self.goes.get_or_insert_with(|| Instant::now() + LIMIT + self.dialer.stall);
        }
    }

    /// Whether nothing is on its way to the server.
    fn has_said_all(&self) -> bool {
        self.posting.is_none() && self.writing.is_none() && self.ws.as_ref().is_none_or(Talk::has_said_all)
    }

    async fn next(&mut self, queue: &mut Queue, listening: bool) -> Happened {
        let free = self.writing.is_none();
        let turn = async {
            match &mut self.ws {
                Some(ws) if free => ws.next().await,
                Some(ws) => ws.heard().await,
                None => pending().await,
            }
        };
        let tried = async {
            match &mut self.tried {
                Some(ws) => ws.next().await,
                None => pending().await,
            }
        };
        let idle = async {
            match &mut self.post_line {
                Some(line) => line.idle().await,
                None => pending().await,
            }
        };
        let at = async |time: Option<Instant>| match time {
            Some(time) => tokio::time::sleep_until(time).await,
            None => pending().await,
        };
        // How a WebSocket is doing is known before the question that it waits for is answered, so that no other is asked, and
        // nobody changes to one that has ended.
        tokio::select! {
            biased;
            command = queue.next(), if listening && free && self.held.is_none() => Happened::Order(command),
            () = some(&mut self.writing) => Happened::Written,
            ws = some(&mut self.opening) => Happened::Opened(ws),
            turn = tried => Happened::Tried(turn),
            answer = some(&mut self.get) => Happened::Got(answer),
            answer = some(&mut self.posting) => Happened::Posted(answer),
            turn = turn => Happened::Turn(turn),
            () = idle => Happened::Idle,
            () = at(self.overdue) => Happened::Silent,
            () = at(self.goes) => Happened::Gone,
        }
    }

    /// Hands back what has to wait until all that was said before is written.
    fn obey_now(&mut self, command: Command) -> Option<Command> {
        self.flush();
        let past = matches!(command, Command::Raw(_) | Command::Fin | Command::Reset);
        if past && self.ws.as_ref().is_some_and(|ws| !ws.has_said_all()) {
            return Some(command);
        }
        self.obey(command);
        None
    }

    /// Never waits.
    fn obey(&mut self, command: Command) {
        let unsent = |why: &str| self.post.deliver(Incoming::Unsent(why.into()));
        match command {
            Command::Emit(emit) => self.session.emit(emit),
            Command::Leave => {
                self.left = true;
                self.session.leave();
            }
            Command::Message(message) => match &mut self.ws {
                Some(ws) => ws.say(message, By::Hand),
                None => unsent("its connection is no WebSocket yet"),
            },
            Command::Raw(bytes) => {
                if let Some(link) = self.dialer.links.newest() {
                    self.writing = Some(Box::pin(async move { drop(link.write_raw(&bytes).await) }));
                }
            }
            Command::Fin => self.dialer.links.newest().iter().for_each(Link::fin),
            Command::Reset => self.dialer.links.newest().iter().for_each(Link::reset),
            // A request has a connection of its own.
            Command::Request(_) => unsent("a Socket.IO session is no place for a request"),
        }
    }

    /// What the server said by polling.
    fn got(&mut self, line: Option<Line>, answer: Answer) {
        self.get = None;
        if let Some(line) = &line {
            self.post.local = line.local;
        }
        // The first answer opens the session: what is said next takes that connection at once, and the next question another.
        let first = !std::mem::replace(&mut self.asked, true);
        if first {
            self.post_line = line
        } else {
            self.get_line = line
        }
        match answer {
            Ok(body) => {
                Packet::split(&String::from_utf8_lossy(&body))
                    .into_iter()
                    .for_each(|packet| self.take(packet));
            }
            Err(why) => self.over(&why),
        }
    }

    /// A WebSocket is there: the session's own, or one to change to.
    fn opened(&mut self, ws: Result<Talk, String>) {
        self.opening = None;
        let own = self.session.is_on_websocket();
        match ws {
            Ok(ws) if own => {
                self.post.local = ws.link().local;
                self.ws = Some(ws);
            }
            Ok(ws) => {
                self.session.probed(true);
                self.tried = Some(ws);
            }
            Err(why) if own => self.over(&why),
            Err(why) => self.stay(why),
        }
    }

    /// It goes on by polling.
    fn stay(&mut self, why: String) {
        self.session.probed(false);
        self.upgraded.send_replace(Some(Err(why)));
    }

    /// Something happened on the WebSocket that works, before the session has changed to it.
    fn tried(&mut self, turn: Turn) {
        let why = match turn {
            Turn::Came(Some(Ok(close @ Message::Close(_)))) => websocket::closed(&close),
            // As socket.io-client: nothing is heard on it yet.
            Turn::Came(Some(Ok(_))) | Turn::Said => return,
            Turn::Came(Some(Err(error))) | Turn::Unsaid(error, _) => websocket::how(&error),
            Turn::Came(None) => ended(None),
        };
        self.tried = None;
        self.stay(why);
    }

    fn turn(&mut self, turn: Turn) {
        match turn {
            Turn::Said => {}
            Turn::Unsaid(error, By::Hand) => self.post.deliver(Incoming::Unsent(error.to_string())),
            Turn::Unsaid(error, By::Rule) => self.over(&websocket::how(&error)),
            Turn::Came(message) => self.came(message),
        }
    }

    fn came(&mut self, message: Option<Result<Message, Error>>) {
        match message {
            Some(Ok(Message::Text(text))) => self.take(Packet::Text(text.as_str().to_owned())),
            Some(Ok(Message::Binary(data))) => self.take(Packet::Binary(data)),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Ok(close @ Message::Close(_))) => self.over(&websocket::closed(&close)),
            Some(Err(error)) => self.over(&websocket::how(&error)),
            None => self.over(&ended(None)),
        }
    }

    fn take(&mut self, packet: Packet) {
        let io = self.session.take(packet);
        if self.session.is_bound_to_poll() && self.upgraded.borrow().is_none() {
            self.upgraded.send_replace(Some(Err("the server offers none".into())));
        }
        self.overdue = self.session.beat.map(|beat| Instant::now() + beat);
        if let Some(io) = io {
            self.post.deliver(Incoming::Io(io));
        }
    }

    fn over(&mut self, why: &str) {
        // Who leaves knows that it ends.
        if let Some(io) = self.session.over(why) {
            self.post.deliver(Incoming::Io(io));
        }
    }

    /// Changes to the WebSocket, where it works and no request is under way.
    fn switch(&mut self) {
        if self.get.is_some() || self.posting.is_some() || self.tried.is_none() {
            return;
        }
        let (Some(packet), Some(mut ws)) = (self.session.switch(), self.tried.take()) else { return };
        ws.say(websocket::message(packet), By::Rule);
        self.post.local = ws.link().local;
        self.ws = Some(ws);
        self.upgraded.send_replace(Some(Ok(())));
        // Nobody asks on them any more.
        for line in [self.get_line.take(), self.post_line.take()].into_iter().flatten() {
            tokio::spawn(line.end());
        }
    }

    /// Ends the connections in good order.
    async fn end(mut self, mut queue: Queue) {
        for command in queue.close() {
            if let Command::Emit(emit) = command {
                self.session.emit(emit);
            }
        }
        self.upgraded.send_if_modified(|upgraded| {
            let open = upgraded.is_none();
            if open {
                *upgraded = Some(Err("the session has ended".into()));
            }
            open
        });
        let until = Instant::now() + LIMIT + self.dialer.stall;
        let mut all: Vec<_> = self.ws.take().into_iter().chain(self.tried.take()).collect();
        for ws in &mut all {
            let _ = tokio::time::timeout_at(until, websocket::close(ws)).await;
        }
        if self.left {
            self.post.deliver(Incoming::Io(Io::Left));
        }
        (0..self.owed).for_each(|_| queue.sent());
        for ws in all {
            let _ = tokio::time::timeout_at(until, ws.end(|_| ())).await;
        }
        // What waits is answered when the server has heard that it is over.
        if !self.session.is_over()
            && let Some(get) = self.get.take()
            && let Ok((line, _)) = tokio::time::timeout(PATIENCE + self.dialer.stall, get).await
        {
            self.get_line = line;
        }
        let end = async |line: Option<Line>| {
            if let Some(line) = line {
                line.end().await;
            }
        };
        tokio::join!(end(self.get_line.take()), end(self.post_line.take()));
    }
}
