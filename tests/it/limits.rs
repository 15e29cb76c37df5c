//! What a stranger may use of time and places. The limits are shortened; what waits, waits for an event.

use std::io::{Read as _, Write as _};
use std::thread;
use std::time::{Duration, Instant};

use wsdemo::server::{Limits, Options};
use wsdemo::timeline::{Seq, Who};

use crate::harness::state;
use crate::visitor::{Host, Visitor};

/// A limit that is only waited for.
const SHORT: Duration = Duration::from_millis(200);

/// A limit within which something has to happen: what takes a fifth of it at most is in time on a busy machine too.
const FAIR: Duration = Duration::from_millis(1500);

fn host(limits: Limits) -> Host {
    Host::with(Options { limits, ..Options::default() })
}

/// No limit but those that are given.
const FREE: Limits = Limits { guests: 100, ..Limits::SERVE.without_times() };

/// The rest of the answer is an end in order.
fn ended_by_us(host: &Host, mut visitor: Visitor) {
    let conn = host.conn(&visitor);
    assert_eq!(visitor.read_out().unwrap(), b"");
    drop(visitor);
    assert_eq!(host.ending(conn).first, Who::Server);
}

fn timed_out(host: &Host, mut visitor: Visitor, what: &str) {
    let late = visitor.response();
    assert_eq!((late.status, late.header("connection")), (408, Some("close")));
    assert!(late.header("date").is_some());
    let problem = late.problem();
    assert!(problem.contains(what), "{problem}");
    ended_by_us(host, visitor);
}

#[test]
fn half_a_head_has_its_time_from_its_first_byte() {
    let host = host(Limits { head_time: Some(SHORT), ..FREE });
    let mut visitor = Visitor::connect(&host);
    // Much longer than a head may take: nothing was begun.
    thread::sleep(3 * SHORT);
    let began = Instant::now();
    visitor.send(b"GET /api/mess");
    timed_out(&host, visitor, "the head of the request was not there after 0.2 s");
    assert!(began.elapsed() >= SHORT - Duration::from_millis(2), "{:?}", began.elapsed());
}

/// A byte now and then helps nobody.
#[test]
fn a_head_that_drips_is_no_faster() {
    let host = host(Limits { head_time: Some(SHORT), ..FREE });
    let visitor = Visitor::connect(&host);
    let mut dripping = visitor.stream.try_clone().unwrap();
    let drip = thread::spawn(move || {
        // Until the other side of the connection is gone.
        while dripping.write_all(b"G").is_ok() {
            thread::sleep(Duration::from_millis(5));
        }
    });
    timed_out(&host, visitor, "head");
    drip.join().unwrap();
}

#[test]
fn the_second_head_has_its_time_too() {
    let host = host(Limits { head_time: Some(SHORT), ..FREE });
    let mut visitor = Visitor::connect(&host);
    visitor.request("GET", "/api/messages", "", "");
    assert_eq!(visitor.response().status, 200);
    thread::sleep(2 * SHORT);
    visitor.send(b"G");
    timed_out(&host, visitor, "head");
}

/// hyper has read the half already, together with the request before it.
#[test]
fn half_a_head_behind_a_request_is_found_when_nothing_follows() {
    let host = host(Limits { head_time: Some(FAIR), idle: Some(FAIR), ..FREE });
    let mut visitor = Visitor::connect(&host);
    let request = visitor.written("GET", "/api/messages", "", "");
    visitor.send((request + "GET /api/mess").as_bytes());
    assert_eq!(visitor.response().status, 200);
    timed_out(&host, visitor, "begun behind the last");
}

#[test]
fn a_body_has_its_time_as_long_as_it_goes_on() {
    let host = host(Limits { body_time: Some(FAIR), ..FREE });
    let begin = |body: &str| {
        let mut visitor = Visitor::connect(&host);
        let request = visitor.written("POST", "/api/messages", "", body);
        visitor.send(&request.as_bytes()[..request.len() - body.len()]);
        visitor
    };
    // Longer in all than the limit, with pauses that are shorter.
    let body = format!(r#"{{"from":"anna","text":"{}"}}"#, "x".repeat(10 * 1024));
    let mut visitor = begin(&body);
    for piece in body.as_bytes().chunks(1024) {
        thread::sleep(FAIR / 5);
        visitor.send(piece);
    }
    assert_eq!(visitor.response().status, 201);
    let mut visitor = begin(&body);
    visitor.send(&body.as_bytes()[..body.len() - 1]);
    timed_out(&host, visitor, "nothing of the body came for 1.5 s");
}

/// A byte now and then holds no place.
#[test]
fn a_body_that_drips_has_its_time_in_all() {
    let host = host(Limits { body_time: Some(FAIR), ..FREE });
    let mut visitor = Visitor::connect(&host);
    let began = Instant::now();
    let head = visitor.written("POST", "/api/messages", "Content-Length: 60000\r\n", "");
    visitor.send(head.as_bytes());
    let mut dripping = visitor.stream.try_clone().unwrap();
    let drip = thread::spawn(move || {
        while dripping.write_all(b" ").is_ok() {
            thread::sleep(FAIR / 30);
        }
    });
    timed_out(&host, visitor, "longer than 1.5 s and a second for each KiB");
    assert!(began.elapsed() >= FAIR - Duration::from_millis(2));
    drip.join().unwrap();
}

#[test]
fn a_connection_without_a_request_ends_without_a_word() {
    let host = host(Limits { idle: Some(SHORT), ..FREE });
    let began = Instant::now();
    ended_by_us(&host, Visitor::connect(&host));
    assert!(began.elapsed() >= SHORT - Duration::from_millis(2));
}

#[test]
fn idling_begins_when_the_answer_is_gone() {
    let host = host(Limits { idle: Some(FAIR), ..FREE });
    host.fill(200);
    let mut visitor = Visitor::connect(&host);
    visitor.request("GET", "/api/messages", "", "");
    // It takes its time to take 12 MB, longer than it may be idle.
    thread::sleep(FAIR + SHORT);
    let response = visitor.response();
    assert_eq!((response.status, response.json().as_array().unwrap().len()), (200, 200));
    ended_by_us(&host, visitor);
}

/// Where a request and the end of idling cross, there is a whole answer or none at all, and never a reset.
#[test]
fn a_request_that_races_with_the_end_is_answered_or_knows_that_it_was_not() {
    let idle = Duration::from_millis(50);
    let host = host(Limits { idle: Some(idle), ..FREE });
    let (mut answered, mut not) = (0, 0);
    for round in 0..60 {
        let mut visitor = Visitor::connect(&host);
        let request = visitor.written("GET", "/api/messages", "Connection: close\r\n", "");
        // Around the end: from 3 ms before it to 3 ms after.
        thread::sleep(idle - Duration::from_millis(3) + Duration::from_micros(100) * round);
        // Writing after its FIN is no error: the server still reads.
        visitor.send(request.as_bytes());
        let answer = visitor.read_out().unwrap();
        if answer.is_empty() {
            not += 1;
        } else {
            assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n") && answer.ends_with(b"\r\n\r\n[]"));
            answered += 1;
        }
    }
    assert!(answered + not == 60);
}

#[test]
fn who_does_not_take_its_answer_is_cut() {
    let host = host(Limits { write_time: Some(FAIR), ..FREE });
    host.fill(200);
    let mut visitor = Visitor::connect(&host);
    visitor.request("GET", "/api/messages", "", "");
    let ending = host.ending(host.conn(&visitor));
    assert_eq!(ending.first, Who::Reset);
    // One who takes it slowly has it whole, however long that is.
    let mut slow = Visitor::connect(&host);
    slow.request("GET", "/api/messages", "Connection: close\r\n", "");
    let (mut seen, mut buf) = (0, vec![0; 1 << 20]);
    let began = Instant::now();
    loop {
        match slow.stream.read(&mut buf).unwrap() {
            0 => break,
            len => seen += len,
        }
        thread::sleep(FAIR / 8);
    }
    assert!(seen > 12_000_000, "{seen}");
    assert!(began.elapsed() > FAIR);
}

/// 120 KB a second with a limit of 3 s, as 36 KB a second would be with the 10 s of `wsdemo serve`: between two moments at
/// which the kernel says that it has room, much less time passes.
#[test]
fn who_reads_slowly_and_steadily_is_not_cut() {
    let limit = Duration::from_secs(3);
    let host = host(Limits { write_time: Some(limit), ..FREE });
    host.fill(200);
    let mut visitor = Visitor::connect(&host);
    visitor.request("GET", "/api/messages", "", "");
    let began = Instant::now();
    let (mut seen, mut buf) = (0, [0; 12_000]);
    while began.elapsed() < 2 * limit {
        visitor.stream.read_exact(&mut buf).unwrap();
        seen += buf.len();
        let due = Duration::from_millis(seen as u64 / 120);
        thread::sleep(due.saturating_sub(began.elapsed()));
    }
    // Slow enough that the limit would have been seen, and the answer is not over.
    assert!(seen < 1_000_000, "{seen}");
    let conn = host.conn(&visitor);
    let events = host.bus.after(Seq(0));
    assert!(state(events.iter().map(|event| &**event)).get(conn).unwrap().closed.is_none());
}

/// Somebody types a request by hand while a teacher talks: longer than any limit that a server for strangers has for it.
#[test]
fn in_a_lesson_a_guest_may_take_its_time() {
    let host = Host::start();
    let body = r#"{"from":"anna","text":"Nice!"}"#;
    let mut half = [10, 60].map(|cut| {
        let mut visitor = Visitor::connect(&host);
        let request = visitor.written("POST", "/api/messages", "", body);
        let cut = if cut > request.len() - body.len() { request.len() - 10 } else { cut };
        let (first, rest) = request.split_at(cut);
        visitor.send(first.as_bytes());
        (visitor, rest.to_owned())
    });
    thread::sleep(Limits::SERVE.head_time.unwrap().max(Limits::SERVE.body_time.unwrap()) + SHORT);
    for (visitor, rest) in &mut half {
        visitor.send(rest.as_bytes());
        assert_eq!(visitor.response().status, 201);
    }
}

/// A server with limits has them for strangers; its own clients may do what they like.
#[test]
fn guests_are_timed_and_those_who_announced_themselves_are_not() {
    let host = host(Limits { head_time: Some(FAIR), body_time: Some(FAIR), ..Limits::SOLO });
    let mut own = Visitor::announced(&host, "anna");
    let request = own.written("POST", "/api/messages", "", r#"{"from":"anna","text":"Nice!"}"#);
    let (first, rest) = request.split_at(10);
    own.send(first.as_bytes());
    let mut guest = Visitor::connect(&host);
    guest.send(first.as_bytes());
    timed_out(&host, guest, "head");
    let (second, third) = rest.split_at(rest.len() - 10);
    own.send(second.as_bytes());
    let mut guest = Visitor::connect(&host);
    guest.send(first.as_bytes());
    guest.send(second.as_bytes());
    timed_out(&host, guest, "body");
    own.send(third.as_bytes());
    assert_eq!(own.response().status, 201);
}

#[test]
fn who_finds_no_place_is_told_when_to_come_again() {
    let host = host(Limits { guests: 1, head_time: Some(FAIR), ..FREE });
    let mut first = Visitor::connect(&host);
    first.send(b"G");
    host.conn(&first);
    let refused = host.ask("GET", "/api/messages", "", "");
    assert_eq!((refused.status, refused.header("connection")), (503, Some("close")));
    assert!(refused.header("retry-after").unwrap().parse::<u32>().unwrap() > 0);
    refused.problem();
    // The place is free when the time of the first is up, and needs nobody's help for that.
    timed_out(&host, first, "head");
    while host.ask("GET", "/api/messages", "", "").status == 503 {}
}

/// A page is told that there is no place, and not that it may not ask; one that may not is told that.
#[test]
fn who_finds_no_place_is_answered_as_everybody_is() {
    let origins = ["http://localhost:5173".to_owned()].into();
    let limits = Limits { guests: 1, ..FREE };
    let host = Host::with(Options { limits, origins, ..Options::default() });
    let first = Visitor::connect(&host);
    host.conn(&first);
    let refused = |headers: &str, status: u16| {
        let answer = host.ask("GET", "/api/messages", headers, "");
        assert_eq!((answer.status, answer.header("connection")), (status, Some("close")), "{headers}");
        answer.problem();
        answer
    };
    let known = refused("Origin: http://localhost:5173\r\n", 503);
    assert_eq!(known.header("access-control-allow-origin"), Some("http://localhost:5173"));
    assert_eq!(known.header("vary"), Some("Origin"));
    let other = refused("Origin: http://evil.example\r\n", 403);
    assert_eq!(other.header("access-control-allow-origin"), None);
    refused("Host: evil.example\r\n", 421);
}

#[test]
fn a_hundred_who_find_no_place_at_once_are_all_told() {
    let host = host(Limits { guests: 1, ..FREE });
    let first = Visitor::connect(&host);
    host.conn(&first);
    let mut asking: Vec<_> = (0..100).map(|_| Visitor::connect(&host)).collect();
    for visitor in &mut asking {
        visitor.request("GET", "/api/messages", "", "");
    }
    for mut visitor in asking {
        assert_eq!(visitor.response().status, 503);
        ended_by_us(&host, visitor);
    }
}

/// Who comes when even those who are refused are too many is hung up on, and all of them are let go.
#[test]
fn more_than_can_be_told_are_hung_up_on() {
    wsdemo::tap::kernel::raise_descriptor_limit();
    let host = host(Limits { guests: 1, ..FREE });
    let first = Visitor::connect(&host);
    host.conn(&first);
    let silent: Vec<_> = (0..300).map(|_| Visitor::connect(&host)).collect();
    for visitor in silent {
        ended_by_us(&host, visitor);
    }
}

#[cfg(target_os = "linux")]
mod descriptors {
    use std::fs;
    use std::io::{BufRead as _, BufReader};
    use std::net::SocketAddr;
    use std::process::{Child, Command, Stdio};

    use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

    use super::*;
    use crate::harness::{free_ports, wsdemo};

    /// Ends with the test.
    struct Served(Child);

    impl Drop for Served {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    impl Served {
        fn pid(&self) -> Pid {
            Pid::from_child(&self.0)
        }

        fn open(&self) -> u64 {
            fs::read_dir(format!("/proc/{}/fd", self.0.id())).unwrap().count() as u64
        }

        fn may_have(&self, most: u64) {
            let limit = Rlimit { current: Some(most), ..getrlimit(Resource::Nofile) };
            prlimit(Some(self.pid()), Resource::Nofile, limit).unwrap();
        }

        /// Time of a processor that it has taken, in ticks of 10 ms.
        fn ticks(&self) -> u64 {
            let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
            let after = stat.rsplit_once(')').unwrap().1;
            let numbers: Vec<&str> = after.split_ascii_whitespace().collect();
            numbers[11].parse::<u64>().unwrap() + numbers[12].parse::<u64>().unwrap()
        }
    }

    /// The program, with so many descriptors, when it listens.
    fn served(descriptors: Option<u64>) -> (Served, SocketAddr) {
        let port = free_ports(1);
        let limit = descriptors.map_or("hard".to_owned(), |most| most.to_string());
        let mut command = Command::new("bash");
        command.args(["-c", r#"ulimit -n "$1"; shift; exec "$@""#, "bash", &limit]);
        command.arg(wsdemo(&[]).get_program()).args(["serve", "--quiet", "--port", &port.to_string()]);
        let mut child = command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
        let mut told = BufReader::new(child.stdout.take().unwrap());
        told.read_line(&mut String::new()).unwrap();
        (Served(child), ([127, 0, 0, 1], port).into())
    }

    /// Not the thousand that it is asked for: who comes beyond is told so, instead of waiting for a descriptor.
    #[test]
    fn there_are_no_more_places_than_descriptors() {
        let (_server, address) = served(Some(100));
        let mut inside = Vec::new();
        let refused = loop {
            let mut visitor = Visitor::to(address);
            visitor.request("GET", "/api/messages", "", "");
            match visitor.response().status {
                200 => inside.push(visitor),
                status => break status,
            }
        };
        // A quarter of what is left beside 32 of its own is for those who are refused.
        assert_eq!((inside.len(), refused), (51, 503));
        inside.pop();
        let ask = || {
            let mut visitor = Visitor::to(address);
            visitor.request("GET", "/api/messages", "", "");
            visitor.response().status
        };
        while ask() == 503 {}
    }

    /// No descriptor is left: nobody else can be let in, those who are there are served, nothing burns, and those who wait
    /// are served as soon as there is one.
    #[test]
    fn without_descriptors_the_server_waits() {
        let (server, address) = served(None);
        let ask = |visitor: &mut Visitor| visitor.request("GET", "/api/messages", "", "");
        let mut inside = Visitor::to(address);
        ask(&mut inside);
        assert_eq!(inside.response().status, 200);
        server.may_have(server.open());
        let mut waiting: Vec<_> = (0..5).map(|_| Visitor::to(address)).collect();
        waiting.iter_mut().for_each(ask);
        let before = server.ticks();
        thread::sleep(Duration::from_millis(500));
        let burnt = server.ticks() - before;
        assert!(burnt < 10, "{burnt}0 ms of 500");
        ask(&mut inside);
        assert_eq!(inside.response().status, 200);
        server.may_have(server.open() + 100);
        for visitor in &mut waiting {
            assert_eq!(visitor.response().status, 200);
        }
    }
}
