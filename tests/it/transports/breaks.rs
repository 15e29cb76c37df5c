//! Connections that break, and networks that stall: who comes back, and what is lost.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use wsdemo::tap::{Network, Stall};
use wsdemo::timeline::{Kind, Seq, Side, Who};

use super::field::{ALL, Field, Options, Player, eventually};

/// Every connection of the server's is reset, as a network does it that forgot them.
async fn cut(field: &Field) {
    for control in field.server.taps.live(None) {
        control.cut();
        let closed = |kind: &Kind| matches!(kind, Kind::Closed { conn, .. } if *conn == control.conn);
        field.find(|event| closed(&event.kind).then_some(())).await;
    }
}

async fn breaks(name: &str, tls: bool) {
    let field = Field::start(Options { tls, ..Options::default() });
    let mut player = field.player(name);
    player.begin().await;
    let before = field.news("before").await;
    player.hears(before).await;
    cut(&field).await;
    let missed = field.news("missed").await;
    match name {
        // It has a connection only while it asks, or opens another when it asks next.
        "close" | "keep-alive" => {}
        _ => eventually(name, || player.counts.broken.get() == 1).await,
    }
    if name == "websocket" {
        let error = player.finish().await.unwrap_err().to_string();
        assert_eq!(error, "the connection was reset; a WebSocket does not come back by itself");
        assert_eq!((player.heard(), player.counts.recovered.get()), (vec![before], 0));
        return;
    }
    // While it is away.
    player.say("Still here");
    field.has("anna", "Still here").await;
    if name.starts_with("socketio") {
        // It is back, and hears of what is made from now on: the words were the first of it.
        let after = field.news("after").await;
        player.hears(after).await;
        assert_eq!(player.heard(), [before, after], "{name}: what it missed stays missed");
    } else {
        let after = field.news("after").await;
        player.hears(after).await;
        assert_eq!(player.heard(), [before, missed, after], "{name}");
    }
    player.end_now();
    let counts = player.finish().await.unwrap();
    assert_eq!(counts.broken.get(), counts.recovered.get(), "{name}");
    assert_eq!((counts.sent.get(), counts.doubled.get()), (1, 0), "{name}");
    assert_eq!(field.words("anna"), ["Still here"], "{name}: once");
    field.all_closed().await;
}

#[tokio::test]
async fn each_comes_back_as_its_standard_client_does() {
    let plain = ALL.iter().map(|name| breaks(name, false));
    join_all(plain.chain(ALL.iter().map(|name| breaks(name, true)))).await;
}

/// The same by the network's own setting, again and again.
async fn is_cut(name: &str) {
    let network = Network { cut: Some(Duration::from_millis(700)), ..Network::default() };
    let field = Field::start(Options { network, ..Options::default() });
    let mut player = field.player(name);
    player.begin().await;
    if name == "websocket" {
        assert!(player.finish().await.unwrap_err().to_string().contains("does not come back"));
        return;
    }
    if name == "close" {
        // No connection of its lasts so long.
        field.opened(50).await;
        player.end_now();
        assert_eq!(player.finish().await.unwrap().broken.get(), 0);
        return;
    }
    let mut resets = 0;
    field
        .find(|event| {
            resets += usize::from(matches!(event.kind, Kind::Closed { first: Who::Reset, .. }));
            (resets == 2).then_some(())
        })
        .await;
    if name.starts_with("socketio") {
        // Let in for the third time.
        let mut times = 0;
        field
            .find(|event| {
                if let Kind::Packet { from: Side::Server, layer, packet, .. } = &event.kind {
                    times += usize::from(layer == "socket.io" && packet == "connect");
                }
                (times == 3).then_some(())
            })
            .await;
    }
    field.news("at last").await;
    player.hears_all(&field).await;
    player.end_now();
    let counts = player.finish().await.unwrap();
    if name != "keep-alive" {
        assert!(counts.recovered.get() >= 1, "{name}: {counts:?}");
    }
}

#[tokio::test]
async fn a_network_that_cuts_is_survived_by_all_but_the_websocket() {
    join_all(ALL.iter().map(|name| is_cut(name))).await;
}

async fn stalls(name: &str) {
    let stall = Stall { time: Duration::from_millis(150), every: Duration::from_millis(300) };
    let network = Network { stall: Some(stall), rtt: Duration::from_millis(10), ..Network::default() };
    let field = Field::start(Options { network, ..Options::default() });
    let mut player = field.player(name);
    player.begin().await;
    for n in 0..4 {
        let news = field.news(&format!("news {n}")).await;
        player.hears(news).await;
        player.say(&format!("words {n}"));
        field.has("anna", &format!("words {n}")).await;
    }
    player.end_now();
    let counts = player.finish().await.unwrap();
    assert_eq!(player.heard(), field.news_so_far(), "{name}");
    assert_eq!((counts.broken.get(), counts.sent.get()), (0, 4), "{name}");
}

#[tokio::test]
async fn where_nothing_passes_for_a_while_nothing_is_lost() {
    join_all(ALL.iter().map(|name| stalls(name))).await;
}

async fn restarts(name: &str) {
    let field = Field::start(Options::default());
    let mut player = field.player(name);
    player.begin().await;
    let news = field.news("before").await;
    player.hears(news).await;
    let port = field.address.port();
    field.server.stop().await;
    drop(field);
    if name == "websocket" {
        let error = player.finish().await.unwrap_err().to_string();
        assert_eq!(
            error,
            "the server closed with 1001 the server stops; a WebSocket does not come back by itself"
        );
        return;
    }
    eventually(name, || player.counts.broken.get() == 1).await;
    player.say("Is anybody there?");
    let field = Field::start(Options { port, ..Options::default() });
    field.has("anna", "Is anybody there?").await;
    // Nobody says it twice.
    player.say("So you are");
    field.has("anna", "So you are").await;
    assert_eq!(field.words("anna"), ["Is anybody there?", "So you are"], "{name}");
    // Who listens on another connection may be back there only now.
    eventually(name, || player.counts.recovered.get() == 1).await;
    player.end_now();
    let counts = player.finish().await.unwrap();
    assert_eq!((counts.sent.get(), counts.broken.get()), (2, 1), "{name}");
}

#[tokio::test]
async fn what_was_certainly_not_taken_is_said_when_the_server_is_back() {
    join_all(ALL.iter().map(|name| restarts(name))).await;
}

async fn is_gone(name: &str) {
    let field = Field::start(Options::default());
    let mut player = field.player(name);
    player.begin().await;
    let news = field.news("before").await;
    player.hears(news).await;
    field.server.stop().await;
    // Each has tried to come back by then.
    player.end_in(Duration::from_secs(8));
    let error = player.finish().await.unwrap_err().to_string();
    match name {
        "websocket" => assert!(error.ends_with("a WebSocket does not come back by itself"), "{error}"),
        _ => assert_eq!(error, "no connection: it was refused", "{name}"),
    }
    assert_eq!((player.heard(), player.counts.broken.get()), (vec![news], 1), "{name}");
}

#[tokio::test]
async fn where_the_server_is_gone_for_good_the_reason_is_told() {
    join_all(ALL.iter().map(|name| is_gone(name))).await;
}

/// Nobody is there from the beginning.
#[tokio::test]
async fn where_there_is_no_server_it_is_told_at_once() {
    let field = Field::start(Options::default());
    field.server.stop().await;
    for name in ALL {
        let mut player: Player = field.player(name);
        player.start();
        if matches!(name, "close" | "keep-alive") {
            // They go on asking.
            eventually(name, || player.counts.broken.get() == 1).await;
            player.end_now();
        }
        assert_eq!(player.finish().await.unwrap_err().to_string(), "no connection: it was refused", "{name}");
    }
}

/// A server that has no news, and resets the connection after the first words that it took.
async fn forgetful(listener: TcpListener, taken: mpsc::UnboundedSender<String>) {
    let count = Arc::<AtomicUsize>::default();
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, taken.clone(), Arc::clone(&count)));
    }
}

async fn serve(mut stream: TcpStream, taken: mpsc::UnboundedSender<String>, count: Arc<AtomicUsize>) {
    let mut request = Vec::new();
    while let Ok(len @ 1..) = stream.read_buf(&mut request).await {
        let text = String::from_utf8_lossy(&request).into_owned();
        if text.starts_with("GET /api/events") {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\nid: 1\n\n";
            stream.write_all(head.as_bytes()).await.unwrap();
        } else if text.starts_with("GET /api/messages?") && text.contains("wait") {
            // There will be no news.
        } else if text.starts_with("GET") && text.ends_with("\r\n\r\n") {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]").await.unwrap();
        } else if text.starts_with("POST") && text.ends_with('}') {
            taken.send(text.split("\r\n\r\n").nth(1).unwrap().to_owned()).unwrap();
            if count.fetch_add(1, Ordering::Relaxed) == 0 {
                return stream.set_zero_linger().unwrap();
            }
            stream.write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        } else {
            assert!(len > 0);
            continue;
        }
        request.clear();
    }
}

/// Words of which nobody knows whether the server took them are not said again: they might be heard twice.
#[tokio::test]
async fn what_was_perhaps_taken_is_not_said_again() {
    for name in ["close", "keep-alive", "long-poll", "sse"] {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let mut field = Field::start(Options::default());
        field.address = listener.local_addr().unwrap();
        let (taken, mut words) = mpsc::unbounded_channel();
        let server = tokio::spawn(forgetful(listener, taken));
        let mut player = field.player(name);
        player.begin().await;
        player.say("perhaps");
        assert!(words.recv().await.unwrap().contains("perhaps"));
        player.say("for sure");
        assert!(words.recv().await.unwrap().contains("for sure"), "{name}");
        eventually(name, || player.counts.sent.get() == 2).await;
        player.end_now();
        let counts = player.finish().await.unwrap();
        // Elsewhere news came all the time.
        let broke = u64::from(name == "keep-alive");
        assert_eq!((counts.broken.get(), counts.recovered.get()), (broke, broke), "{name}");
        server.abort();
    }
}

/// Where nothing is new, an answer that waits is all that can be had: who waits for it is back. A break that nobody has tried to
/// mend at the end is not counted.
async fn waits(name: &str) {
    let network = Network { cut: Some(Duration::from_millis(700)), ..Network::default() };
    let field = Field::start(Options { network, ..Options::default() });
    let mut player = field.player(name);
    player.begin().await;
    // The words are cut as well, and nobody misses the connection that carried them.
    player.say("Hello?");
    field.has("anna", "Hello?").await;
    eventually(name, || player.counts.broken.get() == 3).await;
    player.end_now();
    let counts = player.finish().await.unwrap();
    assert_eq!((counts.broken.get(), counts.recovered.get()), (2, 2), "{name}");
}

#[tokio::test]
async fn who_waits_for_news_is_back_though_there_are_none() {
    join_all(["long-poll", "sse"].map(waits)).await;
}

/// What is said is cut on its way, and news come all the same.
async fn words_break(name: &str) {
    let field = Field::start(Options::default());
    let mut player = field.player(name);
    player.begin().await;
    for n in 0..2 {
        player.say(&format!("words {n}"));
        field.has("anna", &format!("words {n}")).await;
        let post = |kind: &Kind| match kind {
            Kind::Request { conn, method, .. } if method == "POST" => Some(*conn),
            _ => None,
        };
        let events = field.bus.after(Seq(0));
        let conn = events.iter().rev().find_map(|event| post(&event.kind)).unwrap();
        let answered = |kind: &Kind| matches!(kind, Kind::Response { conn: of, .. } if *of == conn);
        field.find(|event| answered(&event.kind).then_some(())).await;
        field.server.taps.live(None).iter().filter(|it| it.conn == conn).for_each(|it| it.cut());
        let closed = |kind: &Kind| matches!(kind, Kind::Closed { conn: of, .. } if *of == conn);
        field.find(|event| closed(&event.kind).then_some(())).await;
    }
    let news = field.news("news").await;
    player.hears(news).await;
    player.end_now();
    let counts = player.finish().await.unwrap();
    assert_eq!((counts.broken.get(), counts.recovered.get(), counts.sent.get()), (0, 0, 2), "{name}");
}

#[tokio::test]
async fn where_words_break_news_do_not() {
    join_all(["close", "long-poll", "sse"].map(words_break)).await;
}

/// Nothing passes for longer than anybody waits who leaves over a network that works.
async fn leaves_late(name: &str) {
    let stall = Stall { time: Duration::from_millis(3_500), every: Duration::from_millis(4_000) };
    let network = Network { stall: Some(stall), ..Network::default() };
    let field = Field::start(Options { network, ..Options::default() });
    let mut player = field.player(name);
    player.begin().await;
    let news = field.news("before").await;
    player.hears(news).await;
    player.end_in(Duration::from_millis(4_200));
    let counts = player.finish().await.unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(counts.broken.get(), 0, "{name}");
    field.all_closed().await;
    let told = field.told(name);
    assert!(told.whole, "{name}: {told:?}");
    assert!(told.firsts.iter().all(|(first, _)| *first != Who::Reset), "{name}: {told:?}");
    assert_eq!(counts.requests.get(), told.requests, "{name}");
    if name == "websocket" {
        assert_eq!(told.closes, [1000, 1000]);
    }
}

#[tokio::test]
async fn who_leaves_while_nothing_passes_is_waited_for() {
    join_all(ALL.iter().map(|name| leaves_late(name))).await;
}
