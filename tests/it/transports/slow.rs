//! One client that reads nothing, and another that hears every news meanwhile.

use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use wsdemo::server::Limits;
use wsdemo::timeline::{ConnId, Kind, Seq, Side};

use super::field::{Field, Options};

/// News, bytes, and how many: fewer than are kept for one who does not read, so that it is not hung up on.
const SIZE: usize = 10_000;
const NEWS: usize = 240;

/// More than a kernel takes for one who does not read, bytes.
const STUCK: usize = NEWS * SIZE / 5;

/// So many at once.
const BURST: usize = 20;

/// A client that the kernel keeps next to nothing for; one of the lesson's own, so that nothing that it does is too late.
async fn connect(field: &Field) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 * 1024).unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    field.server.taps.announce(socket.local_addr().unwrap(), "stuck");
    socket.connect(field.address).await.unwrap()
}

/// It is let in, and reads no further.
async fn stuck(field: &Field, name: &str) -> TcpStream {
    let mut stream = connect(field).await;
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let get =
        |target: &str, more: &str| format!("GET {target} HTTP/1.1\r\nHost: {}\r\n{more}\r\n", field.address);
    match name {
        // One question after the other, and not one answer taken.
        "long-poll" => {
            let asked = get("/api/messages?since=0&wait=30", "").repeat(50);
            stream.write_all(asked.as_bytes()).await.unwrap();
            field.find(|event| matches!(event.kind, Kind::Request { .. }).then_some(())).await;
        }
        "sse" => {
            stream.write_all(get("/api/events", "").as_bytes()).await.unwrap();
            read_to(&mut stream, "id: 0\n\n").await;
        }
        "websocket" => {
            stream.write_all(get("/ws", upgrade).as_bytes()).await.unwrap();
            read_to(&mut stream, "\r\n\r\n").await;
        }
        "socketio" => {
            let target = "/socket.io/?EIO=4&transport=websocket";
            stream.write_all(get(target, upgrade).as_bytes()).await.unwrap();
            read_to(&mut stream, "\"sid\"").await;
            // `40`, masked by zeros.
            stream.write_all(b"\x81\x82\0\0\0\x0040").await.unwrap();
            read_to(&mut stream, "40{").await;
        }
        other => panic!("{other}"),
    }
    stream
}

async fn read_to(stream: &mut TcpStream, end: &str) {
    let mut bytes = Vec::new();
    while !String::from_utf8_lossy(&bytes).contains(end) {
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0);
    }
}

/// How much the server has sent on a connection, and whether that is over.
fn sent(field: &Field, conn: ConnId) -> (usize, bool) {
    let (mut sent, mut over) = (0, false);
    for event in field.bus.after(Seq(0)) {
        match &event.kind {
            Kind::Bytes { conn: of, from: Side::Server, len, .. } if *of == conn => sent += *len as usize,
            Kind::Closed { conn: of, .. } if *of == conn => over = true,
            _ => {}
        }
    }
    (sent, over)
}

async fn hears_all_beside(name: &str, slow: &str) {
    let limits = Limits { own: 10, ..Limits::SERVE };
    let field = Field::start(Options { limits: Some(limits), ..Options::default() });
    let stuck = stuck(&field, slow).await;
    let conn = field.server.taps.conn_from(stuck.local_addr().unwrap()).unwrap();
    let mut player = field.player(name);
    player.begin().await;
    let text = "x".repeat(SIZE);
    let mut made = 0;
    for _ in 0..NEWS / BURST {
        for _ in 0..BURST {
            field.news(&text).await;
            made += SIZE;
        }
        player.hears_all(&field).await;
        // It was stuck all the time, and not gone: but where it is hung up on because so much waits for it.
        let (sent, over) = sent(&field, conn);
        assert!(sent < STUCK, "{slow}: {sent} bytes were taken");
        assert!(!over || slow == "socketio" && made > 1 << 20, "{slow}: {made}");
    }
    assert!(made > 4 * STUCK);
    assert_eq!(player.heard(), field.news_so_far(), "{name} beside {slow}");
    player.end_now();
    let counts = player.finish().await.unwrap();
    assert_eq!((counts.broken.get(), counts.doubled.get()), (0, 0), "{name} beside {slow}");
    drop(stuck);
}

#[tokio::test]
async fn one_clients_slow_reading_does_not_delay_anothers_news() {
    for slow in ["long-poll", "sse", "websocket", "socketio"] {
        hears_all_beside(slow, slow).await;
    }
}

#[tokio::test]
async fn nor_that_of_a_client_of_another_transport() {
    for (name, slow) in
        [("websocket", "long-poll"), ("long-poll", "sse"), ("socketio", "websocket"), ("sse", "socketio")]
    {
        hears_all_beside(name, slow).await;
    }
}
