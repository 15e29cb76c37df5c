//! What passes between a client and the tasks that own its connections.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::Full;
use tokio::sync::mpsc;

use super::Ear;

/// The most messages that a client holds until somebody asks for them.
pub(super) const INBOX: usize = 4_096;

/// What a request carries.
pub type Body = Full<Bytes>;

/// Something that arrived at a client, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// An HTTP response.
    Response {
        /// Its status code.
        status: u16,
        /// In order.
        headers: Vec<(String, String)>,
        /// Its content.
        body: Bytes,
    },
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Bytes),
    /// A ping; tungstenite has answered it.
    Ping(Bytes),
    /// A pong.
    Pong(Bytes),
    /// A close frame, with its code and reason where it carries them.
    Close(Option<(u16, String)>),
}

/// What a client is to do on a connection, in order.
#[derive(Debug)]
pub enum Command {
    /// Send this request and read its response.
    Request(hyper::Request<Body>),
    /// Send this message or frame.
    Message(tokio_tungstenite::tungstenite::Message),
    /// Write these bytes, whatever they mean.
    Raw(Vec<u8>),
    /// End our sending.
    Fin,
    /// Reset the connection.
    Reset,
}

/// What a connection's task needs to hand on what it reads.
#[derive(Debug, Clone)]
pub(super) struct Post {
    pub inbox: mpsc::Sender<Incoming>,
    pub ear: Arc<Mutex<Ear>>,
    /// Our own address.
    pub local: SocketAddr,
}

impl Post {
    /// Hands it on; where nobody has asked for thousands of messages, the newest are dropped.
    pub fn deliver(&self, incoming: Incoming) {
        let mut ear = self.ear.lock().unwrap_or_else(PoisonError::into_inner);
        let conn = ear.conn_from(self.local);
        match &incoming {
            Incoming::Response { status, body, .. } if *status < 300 => ear.answer(body, conn),
            Incoming::Text(text) => ear.event(text, conn),
            Incoming::Response { .. }
            | Incoming::Binary(_)
            | Incoming::Ping(_)
            | Incoming::Pong(_)
            | Incoming::Close(_) => {}
        }
        let _ = self.inbox.try_send(incoming);
    }
}
