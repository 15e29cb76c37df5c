//! Who hung up first is told right, always: thousands of closes of each kind, several at once, with idle and with
//! busy processors, with both ends on one thread and on several.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use wsdemo::timeline::{Bus, Event, Kind, Side, Who};

use crate::facts;
use crate::harness::{ALONE, state};
use crate::players::{Straight, one_thread, parsed, play, two_threads};

/// A way in which a connection ends, and what is to be told of it.
struct Ending {
    name: &'static str,
    /// The lines of one client, to be prefixed with its name.
    lines: &'static [&'static str],
    first: Who,
    reset_by: Option<Side>,
}

const ENDINGS: [Ending; 7] = [
    Ending {
        name: "the server closes, as it was asked to",
        lines: &["> GET /api/messages", "> connection: close", "< 200", "= closed by server"],
        first: Who::Server,
        reset_by: None,
    },
    Ending {
        name: "the client closes an idle connection",
        lines: &["> GET /api/messages", "< 200", "> fin", "= closed by client"],
        first: Who::Client,
        reset_by: None,
    },
    Ending {
        name: "the client begins the close handshake",
        lines: &[
            "> GET /ws",
            "> upgrade: websocket",
            "< 101",
            "> close 1000",
            "< close 1000",
            "= closed by server",
            "= closed with 1000",
        ],
        first: Who::Server,
        reset_by: None,
    },
    Ending {
        // Where no more lines come, the server stops with all of them there.
        name: "the server begins the close handshake",
        lines: &["> GET /ws", "> upgrade: websocket", "< 101"],
        first: Who::Server,
        reset_by: None,
    },
    Ending {
        name: "the client is gone without a close frame",
        lines: &[
            "> GET /ws",
            "> upgrade: websocket",
            "< 101",
            "> fin",
            "= closed by client",
            "= closed with 1006",
        ],
        first: Who::Client,
        reset_by: None,
    },
    Ending {
        name: "the client resets",
        lines: &["> GET /ws", "> upgrade: websocket", "< 101", "> reset", "= closed by reset"],
        first: Who::Reset,
        reset_by: Some(Side::Client),
    },
    Ending {
        name: "the server resets",
        lines: &["> GET /ws", "> upgrade: websocket", "< 101", "! cut", "= closed by reset"],
        first: Who::Reset,
        reset_by: Some(Side::Server),
    },
];

/// Connections in one lesson, lessons of one ending in one round, and how many are played at once.
const CONNECTIONS: usize = 26;
const LESSONS: usize = 20;
const AT_ONCE: usize = 4;

#[test]
#[ignore = "takes a minute, run by scripts/test"]
fn who_hung_up_first_is_told_right_every_time() {
    let _alone = ALONE.lock();
    let mut wrong = Vec::new();
    let mut closes = 0;
    for busy in [false, true] {
        for on_one_thread in [true, false] {
            let load = Load::start(busy);
            let (round, of) = round(on_one_thread);
            drop(load);
            closes += of;
            let told = |it| format!("busy {busy}, one thread {on_one_thread}: {it}");
            wrong.extend(round.into_iter().map(told));
        }
    }
    assert!(closes / ENDINGS.len() > 2000, "{closes}");
    assert!(wrong.is_empty(), "{} of {closes} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// What was told wrong, and of how many.
fn round(on_one_thread: bool) -> (Vec<String>, usize) {
    let next = AtomicUsize::new(0);
    let work = || {
        let runtime = if on_one_thread { one_thread() } else { two_threads() };
        let (mut wrong, mut closes) = (Vec::new(), 0);
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= LESSONS * ENDINGS.len() {
                return (wrong, closes);
            }
            let ending = &ENDINGS[n % ENDINGS.len()];
            let lesson = parsed("closes", &text(ending));
            let played = play(&runtime, &lesson, &Bus::new(), &mut Straight);
            closes += CONNECTIONS;
            wrong.extend(differences(ending, &played.events));
        }
    };
    let workers: Vec<_> = thread::scope(|scope| {
        let begun: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        begun.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let closes = workers.iter().map(|(_, closes)| closes).sum();
    (workers.into_iter().flat_map(|(wrong, _)| wrong).collect(), closes)
}

fn text(ending: &Ending) -> String {
    let mut text = String::from("---\ntitle: Closes\nsummary: Closes\n---\n\n## Close\n");
    for n in 1..=CONNECTIONS {
        text += "\n```wire\n";
        for line in ending.lines {
            writeln!(text, "c{n}: {line}").unwrap();
        }
        text += "```\n";
    }
    text
}

fn differences(ending: &Ending, events: &[Event]) -> Vec<String> {
    facts::in_order(events);
    let mut wrong = Vec::new();
    for event in events {
        if let Kind::Claim(claim) = &event.kind
            && claim.held != Some(true)
        {
            wrong.push(format!("{}: {claim:?}", ending.name));
        }
    }
    let state = state(events);
    assert_eq!(state.opened(), CONNECTIONS);
    for connection in state.connections.values() {
        let told = connection.closed.map(|closed| (closed.first, closed.reset_by));
        if told != Some((ending.first, ending.reset_by)) {
            wrong.push(format!("{}: {told:?} {connection:?}", ending.name));
        }
    }
    wrong
}

/// Both processors, busy with something else.
struct Load {
    over: Arc<AtomicBool>,
    busy: Vec<thread::JoinHandle<()>>,
}

impl Load {
    fn start(busy: bool) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let spin = |_| {
            let over = Arc::clone(&over);
            thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            })
        };
        Self { busy: (0..if busy { 2 } else { 0 }).map(spin).collect(), over }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.busy.drain(..).for_each(|thread| thread.join().unwrap());
    }
}
