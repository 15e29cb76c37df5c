//! Clients that do nothing wrong, over plain sockets.

use std::net::SocketAddr;

use futures_util::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::Result;

/// Connects; with a small buffer to receive into, where `small`.
pub async fn connect(address: SocketAddr, small: bool) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if small {
        socket.set_recv_buffer_size(4096)?;
    }
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

pub fn handshake(address: SocketAddr) -> String {
    format!(
        "GET /ws HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

/// An open socket of the list.
pub struct Socket {
    ws: WebSocketStream<TcpStream>,
}

impl Socket {
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let mut stream = connect(address, false).await?;
        stream.write_all(handshake(address).as_bytes()).await?;
        let (head, rest) = head(&mut stream, Vec::new()).await?;
        if !head.starts_with("HTTP/1.1 101") {
            return Err(format!("no socket: {head}").into());
        }
        Ok(Self { ws: WebSocketStream::from_partially_read(stream, rest, Role::Client, None).await })
    }

    /// The next text.
    pub async fn hear(&mut self) -> Result<String> {
        loop {
            match self.ws.next().await.ok_or("the socket ended")?? {
                Message::Text(text) => return Ok(text.to_string()),
                Message::Close(frame) => return Err(format!("the socket was closed: {frame:?}").into()),
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }
}

/// One that posts, over a connection that stays.
pub struct Poster {
    stream: TcpStream,
    address: SocketAddr,
    rest: Vec<u8>,
}

impl Poster {
    pub async fn connect(address: SocketAddr) -> Result<Self> {
        Ok(Self { stream: connect(address, false).await?, address, rest: Vec::new() })
    }

    pub async fn post(&mut self, text: &str) -> Result<()> {
        let body = serde_json::json!({ "from": "poster", "text": text }).to_string();
        let (address, length) = (self.address, body.len());
        let request = format!(
            "POST /api/messages HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        match self.ask(&request).await? {
            201 => Ok(()),
            status => Err(format!("a post was answered {status}").into()),
        }
    }

    pub async fn status(&mut self, target: &str) -> Result<u16> {
        let address = self.address;
        self.ask(&format!("HEAD {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")).await
    }

    async fn ask(&mut self, request: &str) -> Result<u16> {
        self.stream.write_all(request.as_bytes()).await?;
        let (head, mut rest) = head(&mut self.stream, std::mem::take(&mut self.rest)).await?;
        let status = head.get(9..12).ok_or("no answer")?.parse()?;
        let lower = head.to_ascii_lowercase();
        let length = lower.split_once("content-length: ").and_then(|(_, rest)| rest.split("\r\n").next());
        let length: usize = if request.starts_with("HEAD") { 0 } else { length.unwrap_or("0").parse()? };
        while rest.len() < length {
            if self.stream.read_buf(&mut rest).await? == 0 {
                return Err("half an answer".into());
            }
        }
        self.rest = rest.split_off(length);
        Ok(status)
    }
}

/// Reads the head of an answer, and what came with it.
async fn head(stream: &mut TcpStream, mut bytes: Vec<u8>) -> Result<(String, Vec<u8>)> {
    loop {
        if let Some(at) = bytes.windows(4).position(|seen| seen == b"\r\n\r\n") {
            let rest = bytes.split_off(at + 4);
            return Ok((String::from_utf8(bytes)?, rest));
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err("no answer".into());
        }
    }
}
