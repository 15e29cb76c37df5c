//! `/socket.io/`: Socket.IO, by socketioxide. `doors/socketio.rs` speaks HTTP with its clients; this is what is behind it.
//!
//! Every socket of a namespace has a [`seat::Worker`], which alone emits to it, and hears of the list by its own subscription.
//! What others want it to hear goes into its [`Seat`]. What may wait, and where, is counted by the [`Session`].

mod carried;
mod events;
mod probe;
mod seat;
mod session;

use std::fmt;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use engineioxide::service::NotFoundService;
use http_body_util::{BodyExt as _, Full};
use hyper::service::Service as _;
use hyper::{Request, Response};
use socketioxide::extract::SocketRef;
use socketioxide::handler::ConnectHandler as _;
use socketioxide::service::SocketIoService;
use socketioxide::socket::DisconnectReason;
use socketioxide::{ParserConfig, SocketIo};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::context::{Hold, Options};
use super::hang_up::hang_up;
use super::subscription::Subscription;
use super::{Limits, Store};
use crate::tap::Stream;
use carried::Carried;
use seat::{Ear, Seat, Worker};
pub(super) use session::Session;
use session::Sessions;

/// The namespaces that there are.
const NAMESPACES: [&str; 2] = ["/", "/class"];

/// How long a client may take to answer a heartbeat, as everywhere in that world.
const ANSWER: Duration = Duration::from_secs(20);

/// As good as never. A client in JavaScript adds two of these, in milliseconds, and must stay below 2³¹.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a client may take to upgrade, or to enter a namespace.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where it is.
pub(super) const PATH: &str = "/socket.io/";

/// How much is read at once from a WebSocket, bytes. Each keeps as much.
const READ: usize = 1024;

/// The most attachments of one packet.
const ATTACHMENTS: usize = 256;

/// The longest body, either way, bytes.
const BODY: u64 = 64 * 1024;

/// How long clients are told that it may be, who split what they send: those in JavaScript count binary too low, by 4 bytes a packet.
pub(super) const TOLD: u64 = 60_000;

/// What is behind the door.
pub(super) struct Engine {
    service: SocketIoService<NotFoundService>,
    io: SocketIo,
    sessions: Arc<Sessions>,
    /// How long a client may take nothing of what is sent to it.
    patience: Option<Duration>,
    /// How long it may try whether a WebSocket works.
    probing: Duration,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("sessions", &self.sessions).finish_non_exhaustive()
    }
}

/// Left by the door that agreed to a handshake: what is done on the stream.
#[derive(Debug)]
pub(super) struct Handshake {
    /// What asked for it. A new session's is in its extensions.
    pub request: Request<()>,
    pub session: Arc<Session>,
    /// Whether the session begins with it.
    pub is_new: bool,
}

impl Engine {
    /// `options` are those of strangers: a session is nobody's in particular.
    pub fn new(store: &Arc<Store>, options: &Options) -> Self {
        let Limits { message, silence, write_time, .. } = options.limits;
        let crossing = options.network.crossing() * 2;
        // Without limits in time nobody is late, and nothing beats that the lesson did not ask for; where it did, one who is
        // gone is found out.
        let beat = options.heartbeat.unwrap_or(NEVER);
        let answer = if silence.is_some() { ANSWER } else { beat };
        let time = |time: Duration| silence.map_or(NEVER, |_| time + crossing);
        let parser =
            ParserConfig::common().max_incoming_binary_buf_size(message).max_incoming_binaries(ATTACHMENTS);
        let (service, io) = SocketIo::builder()
            .req_path(PATH)
            .ping_interval(beat)
            .ping_timeout((answer + crossing).min(NEVER))
            .connect_timeout(time(PATIENCE))
            .upgrade_timeout(time(PATIENCE))
            .max_buffer_size(session::QUEUE)
            .max_payload(BODY)
            .ws_read_buffer_size(READ)
            .ws_max_message_size(message)
            .ws_max_frame_size(message)
            .with_parser(parser)
            .build_svc();
        for namespace in NAMESPACES {
            let (before, after) = (Arc::clone(store), Arc::clone(store));
            let enter = move |socket: SocketRef| std::future::ready(enter(&socket, &before));
            io.ns(namespace, (move |socket: SocketRef| serve(socket, after)).with(enter));
        }
        Self { service, io, sessions: Arc::default(), patience: write_time, probing: time(PATIENCE) }
    }

    /// A session that takes this place, begun by a connection that has so many.
    pub fn begin(&self, place: OwnedSemaphorePermit, begun: &Arc<AtomicUsize>) -> Arc<Session> {
        self.sessions.begin(place, begun)
    }

    /// The session with this id.
    pub fn session(&self, id: &str) -> Option<Arc<Session>> {
        self.sessions.get(id)
    }

    /// How many there are.
    pub fn sessions(&self) -> usize {
        self.sessions.count()
    }

    /// What Engine.IO answers.
    pub async fn answer(&self, request: Request<Full<Bytes>>) -> Response<Bytes> {
        let Ok(response) = self.service.call(request).await;
        let (parts, body) = response.into_parts();
        // It is there as a whole.
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        Response::from_parts(parts, body)
    }

    /// Speaks on a stream on which the handshake is done; `early` is what the client sent before it had our 101.
    pub async fn carry(&self, mut stream: Stream, early: Vec<u8>, mut handshake: Handshake, mut hold: Hold) {
        let early = if handshake.is_new {
            Some(early)
        } else {
            let probe = timeout(self.probing, probe::probe(&mut stream, early, &handshake.session));
            tokio::select! {
                heard = probe => heard.ok().flatten(),
                () = hold.guard.told() => None,
            }
        };
        let Some(early) = early else { return hang_up(stream).await };
        if !handshake.session.claim() {
            return hang_up(stream).await;
        }
        let request = std::mem::take(&mut handshake.request);
        let carried = Carried::new(stream, early.into(), handshake, hold, self.patience);
        // The door has looked at the request. In a box, since socketioxide's task has room for it several times.
        let _ = self.service.call((Box::new(carried), request)).into_inner();
    }

    /// Ends a session whose client is ended for what it does.
    pub async fn end(&self, id: &str) {
        let close = Full::new(Bytes::from_static(b"1"));
        let request = Request::post(format!("{PATH}?EIO=4&transport=polling&sid={id}")).body(close);
        if let Ok(request) = request {
            self.answer(request).await;
        }
    }

    /// Ends every session.
    pub async fn stop(&self) {
        self.io.close().await;
    }
}

/// A socket's subscription to the list, on its way from [`enter`] to [`serve`].
#[derive(Clone)]
struct Entering(Arc<Mutex<Option<Subscription>>>);

/// Before the client is told that it is in: from then on it may speak, and hears everything.
fn enter(socket: &SocketRef, store: &Arc<Store>) -> Result<(), Unknown> {
    let session = socket.req_parts().extensions.get::<Arc<Session>>().ok_or(Unknown)?;
    session.is(&socket.id.to_string());
    let seat = Arc::new(Seat::new(Arc::clone(session)));
    socket.on_fallback(Ear(Arc::clone(&seat)));
    let left = Arc::clone(&seat);
    socket.on_disconnect(async move |why: DisconnectReason| left.left(why));
    socket.extensions.insert(seat);
    // Its own room, in which it can be reached alone.
    socket.join(socket.id.to_string());
    socket.extensions.insert(Entering(Arc::new(Mutex::new(Some(Subscription::new(store))))));
    Ok(())
}

/// Once it is told.
async fn serve(socket: SocketRef, store: Arc<Store>) {
    let entering = socket.extensions.remove::<Entering>();
    let news = entering.and_then(|it| it.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    if let (Some(seat), Some(news)) = (socket.extensions.get::<Arc<Seat>>(), news) {
        Worker { seat, socket, news, store }.run().await;
    }
}

/// A session that did not come through the door; there are none.
#[derive(Debug, thiserror::Error)]
#[error("unknown session")]
struct Unknown;
