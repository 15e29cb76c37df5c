//! A server of the test's own, and visitors that say exactly what they are told to: over plain sockets, so that nothing
//! between the test and the wire makes anything better.

use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};

use serde_json::Value;
use tokio::net::TcpSocket;
use tokio::runtime::Runtime;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Message, WebSocket};
use wsdemo::server::{Draft, Options, Server, Servers};
use wsdemo::tap::Taps;
use wsdemo::timeline::{Bus, ConnId, Ending, Event, Kind, Seq};

use crate::harness::{LIMIT, state};
use crate::players::two_threads;

/// A running server and its timeline.
pub struct Host {
    pub address: SocketAddr,
    pub server: Server,
    pub bus: Bus,
    runtime: Runtime,
}

impl Host {
    pub fn start() -> Self {
        Self::with(Options::default())
    }

    pub fn with(options: Options) -> Self {
        Self::at(0, options)
    }

    /// On this port.
    pub fn at(port: u16, options: Options) -> Self {
        let runtime = two_threads();
        let bus = Bus::new();
        let taps = Taps::new(bus.clone());
        let server = runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.unwrap();
            Server::start(listener, taps, &Servers::default(), options, Box::new(|_| ())).unwrap()
        });
        Self { address: server.address, server, bus, runtime }
    }

    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(async { tokio::time::timeout(LIMIT, work).await.unwrap() })
    }

    pub fn stop(&self) {
        self.block_on(self.server.stop());
    }

    /// The first event that is wanted, as soon as it is there.
    pub fn find<T>(&self, wanted: impl FnMut(&Event) -> Option<T>) -> T {
        self.block_on(self.bus.find(Seq(0), wanted))
    }

    /// The visitor's connection, when it has been accepted.
    pub fn conn(&self, visitor: &Visitor) -> ConnId {
        self.conn_from(visitor.stream.local_addr().unwrap())
    }

    pub fn conn_of(&self, socket: &Socket) -> ConnId {
        self.conn_from(socket.ws.get_ref().local_addr().unwrap())
    }

    fn conn_from(&self, local: SocketAddr) -> ConnId {
        self.find(|event| match &event.kind {
            Kind::Opened { conn, client, .. } if *client == local => Some(*conn),
            _ => None,
        })
    }

    /// Ends when the visitor's request has been read.
    pub fn asked(&self, visitor: &Visitor) {
        let ours = self.conn(visitor);
        self.find(|event| match &event.kind {
            Kind::Request { conn, .. } if *conn == ours => Some(()),
            _ => None,
        });
    }

    /// How a connection ended, when it has.
    pub fn ending(&self, conn: ConnId) -> Ending {
        self.find(|event| match &event.kind {
            Kind::Closed { conn: ended, .. } if *ended == conn => Some(()),
            _ => None,
        });
        state(self.bus.after(Seq(0)).iter().map(|event| &**event)).get(conn).unwrap().closed.unwrap()
    }

    /// One request on a connection of its own.
    pub fn ask(&self, method: &str, target: &str, headers: &str, body: &str) -> Response {
        let mut visitor = Visitor::connect(self);
        visitor.request(method, target, headers, body);
        visitor.response_to(method)
    }

    /// So many messages of 60 KB each: soon more than the kernel keeps for a client that does not read.
    pub fn fill(&self, messages: usize) {
        for _ in 0..messages {
            let draft = Draft { from: "anna".into(), text: "x".repeat(60_000) };
            self.block_on(self.server.store.post(draft)).unwrap();
        }
    }

    pub fn post(&self, text: &str) -> Value {
        let body = serde_json::json!({ "from": "anna", "text": text }).to_string();
        let response = self.ask("POST", "/api/messages", "", &body);
        assert_eq!(response.status, 201);
        response.json()
    }
}

/// A response, read.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(seen, _)| seen.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// What is wrong, of a JSON problem (RFC 9457).
    pub fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        assert!(problem["title"].is_string());
        problem["detail"].as_str().unwrap().to_owned()
    }
}

/// A plain connection.
pub struct Visitor {
    pub stream: TcpStream,
    host: SocketAddr,
    /// Read, and not taken yet.
    rest: Vec<u8>,
}

impl Visitor {
    pub fn connect(host: &Host) -> Self {
        Self::to(host.address)
    }

    /// One of the lesson's own.
    pub fn announced(host: &Host, name: &str) -> Self {
        let stream = host.block_on(async {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
            host.server.taps.announce(socket.local_addr().unwrap(), name);
            socket.connect(host.address).await.unwrap().into_std().unwrap()
        });
        stream.set_nonblocking(false).unwrap();
        Self::over(stream, host.address)
    }

    pub fn to(host: SocketAddr) -> Self {
        Self::over(TcpStream::connect(host).unwrap(), host)
    }

    fn over(stream: TcpStream, host: SocketAddr) -> Self {
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, host, rest: Vec::new() }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// A request with Host, and Content-Length where there is a body; `headers` are whole lines, each ended by CR LF.
    pub fn request(&mut self, method: &str, target: &str, headers: &str, body: &str) {
        let request = self.written(method, target, headers, body);
        self.send(request.as_bytes());
    }

    pub fn written(&self, method: &str, target: &str, headers: &str, body: &str) -> String {
        let mut request = format!("{method} {target} HTTP/1.1\r\n");
        if !headers.lines().any(|line| line.starts_with("Host:")) {
            write!(request, "Host: {}\r\n", self.host).unwrap();
        }
        if !body.is_empty() {
            write!(request, "Content-Length: {}\r\n", body.len()).unwrap();
        }
        request + headers + "\r\n" + body
    }

    /// The request that opens a socket.
    pub fn handshake(&self) -> String {
        self.handshake_at("/ws")
    }

    fn handshake_at(&self, path: &str) -> String {
        let headers = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        self.written("GET", path, headers, "")
    }

    pub fn end_sending(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    pub fn response(&mut self) -> Response {
        self.response_to("GET")
    }

    pub fn response_to(&mut self, method: &str) -> Response {
        let head = loop {
            if let Some(at) = self.rest.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break self.take(at + 4);
            }
            self.more();
        };
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.lines();
        let first = lines.next().unwrap();
        let status: u16 = first.strip_prefix("HTTP/1.1 ").unwrap()[..3].parse().unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_owned(), value.to_owned())
        };
        let headers: Vec<_> = lines.filter(|line| !line.is_empty()).map(header).collect();
        let mut response = Response { status, headers, body: Vec::new() };
        let length = response.header("content-length").map_or(0, |length| length.parse().unwrap());
        if method != "HEAD" && status != 101 && status != 204 {
            while self.rest.len() < length {
                self.more();
            }
            response.body = self.take(length);
        }
        response
    }

    /// The next chunk of a body that comes in chunks; none at its end (RFC 9112, 7.1).
    pub fn chunk(&mut self) -> Option<String> {
        let line = loop {
            if let Some(at) = self.rest.windows(2).position(|bytes| bytes == b"\r\n") {
                break self.take(at + 2);
            }
            self.more();
        };
        let size = std::str::from_utf8(&line).unwrap().trim_end();
        let size = usize::from_str_radix(size, 16).unwrap();
        while self.rest.len() < size + 2 {
            self.more();
        }
        let mut chunk = self.take(size + 2);
        assert_eq!(chunk.split_off(size), b"\r\n");
        (size > 0).then(|| String::from_utf8(chunk).unwrap())
    }

    /// Waits until these bytes have come; they stay to be read.
    pub fn wait_for(&mut self, bytes: &[u8]) {
        while !self.rest.windows(bytes.len()).any(|seen| seen == bytes) {
            self.more();
        }
    }

    /// Everything to the end of the stream; an error where it was reset.
    pub fn read_out(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = std::mem::take(&mut self.rest);
        self.stream.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Opens a socket on this connection.
    pub fn upgrade(self) -> Socket {
        self.upgrade_at("/ws")
    }

    pub fn upgrade_at(mut self, path: &str) -> Socket {
        let handshake = self.handshake_at(path);
        self.send(handshake.as_bytes());
        assert_eq!(self.response().status, 101);
        // The server may have spoken right behind it.
        Socket { ws: WebSocket::from_partially_read(self.stream, self.rest, Role::Client, None) }
    }

    fn more(&mut self) {
        let mut buf = [0; 64 * 1024];
        let len = self.stream.read(&mut buf).unwrap();
        assert!(len > 0, "the server hung up after {:?}", String::from_utf8_lossy(&self.rest));
        self.rest.extend_from_slice(&buf[..len]);
    }

    fn take(&mut self, len: usize) -> Vec<u8> {
        let rest = self.rest.split_off(len);
        std::mem::replace(&mut self.rest, rest)
    }
}

/// An open socket.
pub struct Socket {
    pub ws: WebSocket<TcpStream>,
}

impl Socket {
    pub fn open(host: &Host) -> Self {
        Visitor::connect(host).upgrade()
    }

    pub fn say(&mut self, text: &str) {
        let data = serde_json::json!({ "from": "ben", "text": text });
        let event = serde_json::json!({ "event": "message", "data": data });
        self.ws.send(Message::text(event.to_string())).unwrap();
    }

    /// The next event's name and data.
    pub fn event(&mut self) -> (String, Value) {
        loop {
            match self.ws.read().unwrap() {
                Message::Text(text) => {
                    let mut event: Value = serde_json::from_str(&text).unwrap();
                    return (event["event"].as_str().unwrap().to_owned(), event["data"].take());
                }
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("no event: {other:?}"),
            }
        }
    }
}
