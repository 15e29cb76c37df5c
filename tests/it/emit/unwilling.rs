//! Servers that do not do their part, and more words than fit into a connection: a client waits for neither for ever.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use wsdemo::client::{Command, Emit, Incoming, Io, Made, Mode, Person};
use wsdemo::tap::Taps;
use wsdemo::timeline::Bus;

use crate::harness::LIMIT;
use crate::visitor::Host;

/// How a server treats the WebSocket that a session wants to change to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Refuses,
    /// It opens it, and says nothing.
    Mute,
    HangsUp,
    /// It answers the probe, and hangs up before polling has stopped.
    ThinksBetterOfIt,
}

/// A server of long polling, by hand.
#[derive(Clone)]
struct Unwilling {
    manner: Manner,
    asked: Arc<AtomicUsize>,
    /// Whether the question that waits is to be answered.
    answers: Arc<(Mutex<bool>, Condvar)>,
    /// The bodies that came; `probe` for the probe.
    told: UnboundedSender<String>,
}

impl Unwilling {
    fn start(manner: Manner) -> (SocketAddr, UnboundedReceiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (told, heard) = unbounded_channel();
        let server = Self { manner, asked: Arc::default(), answers: Arc::default(), told };
        thread::spawn(move || {
            for stream in listener.incoming() {
                let server = server.clone();
                thread::spawn(move || server.serve(&stream.unwrap()));
            }
        });
        (address, heard)
    }

    fn serve(&self, mut stream: &TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream);
        loop {
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                if reader.read_line(&mut head).ok()? == 0 {
                    return None;
                }
            }
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            let mut body = vec![0; length.unwrap_or(0)];
            reader.read_exact(&mut body).ok()?;
            if head.contains("transport=websocket") {
                return self.websocket(stream);
            }
            let answer = if head.starts_with("POST") {
                self.told.send(String::from_utf8(body).unwrap()).ok()?;
                "ok"
            } else {
                match self.asked.fetch_add(1, Ordering::Relaxed) {
                    0 => r#"0{"sid":"x","upgrades":["websocket"],"maxPayload":100000}"#,
                    1 => r#"40{"sid":"s"}"#,
                    _ => {
                        let open = self.answers.0.lock().unwrap();
                        drop(self.answers.1.wait_while(open, |answers| !*answers).unwrap());
                        "6"
                    }
                }
            };
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{answer}", answer.len()).ok()?;
        }
    }

    fn websocket(&self, mut stream: &TcpStream) -> Option<()> {
        if self.manner == Manner::Refuses {
            return stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").ok();
        }
        let switching =
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
        stream.write_all(switching.as_bytes()).ok()?;
        stream.read_exact(&mut [0; 12]).ok()?;
        self.told.send("probe".into()).ok()?;
        match self.manner {
            // Until the client goes.
            Manner::Mute => drop(stream.read(&mut [0; 16])),
            Manner::ThinksBetterOfIt => stream.write_all(b"\x81\x063probe").ok()?,
            Manner::Refuses | Manner::HangsUp => {}
        }
        stream.shutdown(std::net::Shutdown::Both).ok()?;
        *self.answers.0.lock().unwrap() = true;
        self.answers.1.notify_all();
        Some(())
    }
}

fn run<F: Future>(test: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let result = runtime.block_on(async { tokio::time::timeout(LIMIT, test).await.expect("it ends") });
    runtime.shutdown_background();
    result
}

/// The time stands still from now on, but where a test moves it.
fn stop_the_clock() -> std::sync::mpsc::Sender<()> {
    tokio::time::pause();
    let (sender, forever) = std::sync::mpsc::channel::<()>();
    // While something blocks, the runtime moves it by itself no more.
    tokio::task::spawn_blocking(move || forever.recv());
    sender
}

async fn begun(server: SocketAddr, mode: Mode) -> Person {
    let mut person = Person::new("anna", server, Taps::new(Bus::default()), Made::default());
    person.io(mode, "/").await;
    person
}

async fn until(told: &mut UnboundedReceiver<String>, what: &str) {
    while told.recv().await.expect("the server lives") != what {}
}

#[test]
fn a_websocket_that_fails_before_it_is_used_leaves_the_session_polling() {
    for (manner, words) in [
        (Manner::Refuses, "the server answered 400"),
        (Manner::Mute, "the server did not answer the probe"),
        (Manner::HangsUp, "the connection has ended"),
        (Manner::ThinksBetterOfIt, "the connection has ended"),
    ] {
        let (server, mut told) = Unwilling::start(manner);
        run(async {
            let mut person = begun(server, Mode::Upgrade).await;
            let clock = (manner == Manner::Mute).then(stop_the_clock);
            assert!(matches!(person.next().await, Incoming::Io(Io::Connect(_))), "{manner:?}");
            if clock.is_some() {
                until(&mut told, "probe").await;
                tokio::time::advance(Duration::from_secs(11)).await;
            }
            assert_eq!(person.upgraded().await, Err(words.into()), "{manner:?}");
            person.emit(Emit::json("still", vec![]));
            until(&mut told, r#"42["still"]"#).await;
            assert_eq!(person.arrived(), None, "{manner:?}: it has not ended");
        });
    }
}

#[test]
fn who_leaves_a_server_that_never_answers_the_probe_comes_away() {
    let (server, mut told) = Unwilling::start(Manner::Mute);
    run(async {
        let mut person = begun(server, Mode::Upgrade).await;
        let _clock = stop_the_clock();
        assert!(matches!(person.next().await, Incoming::Io(Io::Connect(_))));
        until(&mut told, "probe").await;
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(person.on_socket(Command::Leave));
        tokio::time::advance(Duration::from_millis(9_500)).await;
        until(&mut told, "41").await;
        until(&mut told, "1").await;
    });
}

/// More than the connection holds, both ways: whoever writes all of it before reading never comes to reading.
#[test]
fn a_flood_of_questions_is_answered() {
    const MANY: u64 = 5_000;
    let host = Host::start();
    for mode in [Mode::WebSocket, Mode::Polling, Mode::Upgrade] {
        run(async {
            let mut person = begun(host.address, mode).await;
            let long = "x".repeat(4_000);
            for _ in 0..MANY {
                person.emit(Emit::json("echo", vec![long.as_str().into()]).asking(true));
            }
            let mut next = 0;
            while next < MANY {
                match person.next().await {
                    Incoming::Io(Io::Ack { id, .. }) => {
                        assert_eq!(id, next, "{mode:?}");
                        next += 1;
                    }
                    Incoming::Io(Io::Connect(_)) => {}
                    other => panic!("{mode:?}: {other:?} after {next}"),
                }
            }
        });
    }
}
