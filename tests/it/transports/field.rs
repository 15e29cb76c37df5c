//! A server, and a client of one transport that takes part.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use wsdemo::client::{Clock, Counts, Ear, Lane, LaneError, Made, Span, Speech, Trust, transport};
use wsdemo::server::{Draft, Limits, Server, Servers, Tls};
use wsdemo::tap::{Network, Taps};
use wsdemo::timeline::{Bus, Event, Kind, Layer, Seq, Side, Slices, Who};

use crate::harness::LIMIT;

pub const ALL: [&str; 7] =
    ["close", "keep-alive", "long-poll", "sse", "websocket", "socketio", "socketio-upgrade"];

/// How often short polling asks here.
const POLL: Duration = Duration::from_millis(20);

/// What the server may be told.
#[derive(Default)]
pub struct Options {
    pub tls: bool,
    pub network: Network,
    pub limits: Option<Limits>,
    /// Where it listens; any free port, where that is 0.
    pub port: u16,
}

pub struct Field {
    pub address: SocketAddr,
    pub server: Server,
    pub bus: Bus,
    made: Made,
    list: watch::Receiver<Vec<(u64, String, String)>>,
    tls: Option<Tls>,
    network: Network,
}

/// What the timeline says of a client.
#[derive(Debug, Default)]
pub struct Told {
    /// Of TCP's streams, both ways.
    pub bytes: u64,
    pub requests: u64,
    pub empty: u64,
    pub content_sent: u64,
    pub content_heard: u64,
    /// The codes of close frames, in order.
    pub closes: Vec<u16>,
    pub firsts: Vec<(Who, Option<Side>)>,
    /// Whether every message was whole.
    pub whole: bool,
}

impl Field {
    pub fn start(options: Options) -> Self {
        let bus = Bus::new();
        let taps = Taps::new(bus.clone());
        let (made, (told, list)) = (Made::default(), watch::channel(Vec::new()));
        let tls = options.tls.then(|| Tls::new().unwrap());
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let on_made = {
            let (made, bus) = (made.clone(), bus.clone());
            move |message: &wsdemo::server::Message| {
                made.note(message.id, bus.now());
                told.send_modify(|list| list.push((message.id, message.from.clone(), message.text.clone())));
            }
        };
        let server = Server::start(
            TcpListener::from_std(listener).unwrap(),
            taps,
            &Servers::default(),
            wsdemo::server::Options {
                network: options.network,
                tls: tls.clone(),
                limits: options.limits.unwrap_or(Limits::SOLO),
                ..wsdemo::server::Options::default()
            },
            Box::new(on_made),
        )
        .unwrap();
        Self { address: server.address, server, bus, made, list, tls, network: options.network }
    }

    pub fn player(&self, name: &str) -> Player {
        self.playing(name, self.tls.as_ref())
    }

    pub fn player_trusting(&self, name: &str, tls: &Tls) -> Player {
        self.playing(name, Some(tls))
    }

    /// With so many places at the door for all that are given the same.
    pub fn player_at(&self, door: &Arc<Semaphore>, name: &str) -> Player {
        let (clock, sets) = Clock::new(Instant::now(), None);
        self.playing_by(clock.connecting(Instant::now(), door), sets, name, self.tls.as_ref())
    }

    /// The same, and it does not believe the server.
    pub fn stranger_at(&self, door: &Arc<Semaphore>, name: &str) -> Player {
        let (clock, sets) = Clock::new(Instant::now(), None);
        let clock = clock.connecting(Instant::now(), door);
        self.playing_by(clock, sets, name, Some(&Tls::new().unwrap()))
    }

    fn playing(&self, name: &str, tls: Option<&Tls>) -> Player {
        let (clock, sets) = Clock::new(Instant::now(), None);
        self.playing_by(clock, sets, name, tls)
    }

    fn playing_by(
        &self,
        clock: Clock,
        sets: watch::Sender<Option<Span>>,
        name: &str,
        tls: Option<&Tls>,
    ) -> Player {
        let readiness = clock.readiness();
        let (speech, listen) = mpsc::unbounded_channel();
        let counts = Arc::<Counts>::default();
        let taps = self.server.taps.with_default_name(name);
        let ear = Ear::new(name, taps.clone(), self.made.clone()).counting(Arc::clone(&counts));
        let lane = Lane {
            server: self.address,
            taps,
            trust: tls.map(|tls| Trust::new(tls.certificate()).unwrap()),
            poll: POLL,
            phase: POLL / 2,
            rtt: self.network.rtt,
            stall: self.network.stall.map_or(Duration::ZERO, |stall| stall.time),
            clock,
            ear: ear.speaking_as(["anna"].into_iter()),
            speech: listen,
            counts: Arc::clone(&counts),
        };
        let task = tokio::spawn(transport(name).unwrap().run(lane));
        let (name, bus) = (name.to_owned(), self.bus.clone());
        Player { name, bus, speech, sets, readiness, counts, task, span: Mutex::default() }
    }

    /// The server has news; its id.
    pub async fn news(&self, text: &str) -> u64 {
        self.server.store.post(Draft { from: "server".into(), text: text.into() }).await.unwrap().id
    }

    pub fn news_so_far(&self) -> Vec<u64> {
        self.list.borrow().iter().filter(|(_, from, _)| from == "server").map(|(id, ..)| *id).collect()
    }

    /// What everybody said, in order.
    pub fn words(&self, from: &str) -> Vec<String> {
        let list = self.list.borrow();
        list.iter().filter(|(_, by, _)| by == from).map(|(_, _, text)| text.clone()).collect()
    }

    /// The id of this message, as soon as it is in the list.
    pub async fn has(&self, from: &str, text: &str) -> u64 {
        let mut list = self.list.clone();
        let found = |list: &Vec<(u64, String, String)>| {
            list.iter().find(|(_, by, words)| by == from && words == text).map(|(id, ..)| *id)
        };
        let waiting = list.wait_for(|list| found(list).is_some());
        let list = timeout(LIMIT, waiting)
            .await
            .unwrap_or_else(|_| {
                panic!(
                    "{text:?} does not come; {:?}",
                    self.bus
                        .after(Seq(0))
                        .iter()
                        .rev()
                        .take(12)
                        .map(|e| format!("{:?}", e.kind).chars().take(300).collect::<String>())
                        .collect::<Vec<_>>()
                )
            })
            .unwrap();
        found(&list).unwrap()
    }

    pub async fn find<T>(&self, wanted: impl FnMut(&Event) -> Option<T>) -> T {
        timeout(LIMIT, self.bus.find(Seq(0), wanted)).await.expect("it does not happen")
    }

    /// Ends when so many connections have been opened.
    pub async fn opened(&self, count: usize) {
        let mut open = 0;
        self.find(|event| {
            open += usize::from(matches!(event.kind, Kind::Opened { .. }));
            (open >= count).then_some(())
        })
        .await;
    }

    /// Ends when every connection that was opened is over.
    pub async fn all_closed(&self) {
        let mut open = 0_usize;
        let mut growth = self.bus.growth();
        let mut seen = Seq(0);
        let closing = async {
            loop {
                growth.borrow_and_update();
                for event in self.bus.after(seen) {
                    seen = event.seq;
                    match event.kind {
                        Kind::Opened { .. } => open += 1,
                        Kind::Closed { .. } => open -= 1,
                        _ => {}
                    }
                }
                if open == 0 {
                    return;
                }
                growth.changed().await.unwrap();
            }
        };
        timeout(LIMIT, closing).await.expect("a connection does not end");
    }

    pub fn told(&self, name: &str) -> Told {
        let mut told = Told { whole: true, ..Told::default() };
        let (mut ours, mut slices) = (Vec::new(), Slices::default());
        for event in self.bus.after(Seq(0)) {
            // reqwest's own connections bear no name.
            if let Kind::Opened { conn, name: of, .. } = &event.kind
                && of.as_deref().is_none_or(|of| of == name)
            {
                ours.push(*conn);
            }
            if !event.kind.conn().is_some_and(|conn| ours.contains(&conn)) {
                continue;
            }
            let slice = slices.event(&event);
            match &event.kind {
                // Within TLS they are told once more.
                Kind::Bytes { len, layer: Layer::Tcp, .. } => told.bytes += len,
                Kind::Request { .. } => told.requests += 1,
                Kind::MessageEnd { from, body_len, complete, .. } => {
                    told.carried(*from, *body_len);
                    told.whole &= complete;
                    told.empty +=
                        u64::from(*from == Side::Server && slice.is_some_and(|it| it.is_empty_list()));
                }
                Kind::Frame(frame) if frame.opcode.is_control() => told.closes.extend(frame.code),
                Kind::Frame(frame) => told.carried(frame.from, frame.len),
                Kind::Closed { first, reset_by, .. } => told.firsts.push((*first, *reset_by)),
                _ => {}
            }
        }
        told
    }
}

impl Told {
    fn carried(&mut self, from: Side, len: u64) {
        match from {
            Side::Client => self.content_sent += len,
            Side::Server => self.content_heard += len,
        }
    }
}

/// A client.
pub struct Player {
    name: String,
    bus: Bus,
    speech: mpsc::UnboundedSender<Speech>,
    sets: watch::Sender<Option<Span>>,
    readiness: watch::Receiver<wsdemo::client::Ready>,
    pub counts: Arc<Counts>,
    task: JoinHandle<Result<(), LaneError>>,
    span: Mutex<Option<Instant>>,
}

impl Player {
    /// Ends when it is ready.
    pub async fn ready(&mut self) {
        let ready = self.readiness.wait_for(|ready| ready.clients > 0);
        timeout(LIMIT, ready).await.unwrap_or_else(|_| panic!("{} is never ready", self.name)).unwrap();
    }

    pub fn was_ready(&self) -> usize {
        self.readiness.borrow().clients
    }

    /// The workload begins, and may take long.
    pub fn start(&self) {
        let start = Instant::now();
        *self.span.lock().unwrap() = Some(start);
        self.sets.send_replace(Some(Span { start, until: start + LIMIT }));
    }

    pub async fn begin(&mut self) {
        self.ready().await;
        self.start();
    }

    pub fn say(&self, text: &str) {
        self.speech.send(Speech { from: "anna".into(), text: text.into() }).unwrap();
    }

    /// The ids of the news that it was told, in order.
    pub fn heard(&self) -> Vec<u64> {
        let events = self.bus.after(Seq(0));
        let heard = events.iter().filter_map(|event| match &event.kind {
            Kind::Heard { client, id, .. } if *client == self.name => Some(*id),
            _ => None,
        });
        heard.collect()
    }

    pub async fn hears(&self, id: u64) {
        let heard = self.bus.find(Seq(0), |event| match &event.kind {
            Kind::Heard { client, id: of, .. } if *client == self.name && *of == id => Some(()),
            _ => None,
        });
        timeout(LIMIT, heard).await.unwrap_or_else(|_| panic!("{} does not hear of {id}", self.name));
    }

    pub async fn hears_all(&self, field: &Field) {
        for id in field.news_so_far() {
            self.hears(id).await;
        }
    }

    /// Nothing that it said itself is news to it.
    pub async fn knows(&self, said: u64) {
        assert!(!self.heard().contains(&said), "{}", self.name);
    }

    /// The run is over at once.
    pub fn end_now(&self) {
        self.end_in(Duration::ZERO);
    }

    /// A moment later.
    pub fn end_soon(&self) {
        self.end_in(POLL * 2);
    }

    pub fn end_in(&self, time: Duration) {
        let start = self.span.lock().unwrap().unwrap_or_else(Instant::now);
        self.sets.send_replace(Some(Span { start, until: Instant::now() + time }));
    }

    pub async fn finish(&mut self) -> Result<Arc<Counts>, LaneError> {
        let ended = timeout(LIMIT, &mut self.task).await;
        ended.unwrap_or_else(|_| panic!("{} does not end", self.name)).unwrap()?;
        Ok(Arc::clone(&self.counts))
    }
}

/// Ends when that is so: of counts nobody is told.
pub async fn eventually(name: &str, so: impl Fn() -> bool) {
    let waiting = async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(LIMIT, waiting).await.unwrap_or_else(|_| panic!("{name}: it does not happen"));
}
