//! Both sides hang up at nearly the same moment: who was first is nobody's to decide but the wire's. A packet capture is
//! asked.
//!
//! Where the FINs crossed (2 of 100 here), `server` is told as often as not: no call tells afterwards whether the client's
//! FIN acknowledged ours, and the kernel's table of connections takes milliseconds to read. That the client was first is
//! never told where it was not, nor the other way round.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use wsdemo::server::Options;
use wsdemo::timeline::{Kind, Who};

use crate::harness::{ALONE, free_ports};
use crate::tshark::Capture;
use crate::visitor::{Host, Visitor};

const CONNECTIONS: u32 = 1200;
const AT_ONCE: u32 = 4;

#[test]
#[ignore = "needs tshark and the right to capture, run by scripts/test"]
fn who_was_first_by_a_hair_is_what_a_capture_shows() {
    let _alone = ALONE.lock();
    let port = free_ports(2);
    let folder = tempfile::tempdir().unwrap();
    let capture = Capture::start(port, 2, folder.path().join("lo.pcapng"));
    let host = Host::at(port, Options::default());
    thread::scope(|scope| {
        for worker in 0..AT_ONCE {
            let host = &host;
            scope.spawn(move || (worker..CONNECTIONS).step_by(AT_ONCE as usize).for_each(|n| race(host, n)));
        }
    });
    let mut told = BTreeMap::new();
    host.find(|event| match &event.kind {
        Kind::Opened { conn, client, .. } => {
            told.insert(*conn, (client.port(), None));
            None
        }
        Kind::Closed { conn, first, reset_by, .. } => {
            told.get_mut(conn).unwrap().1 = Some((*first, *reset_by));
            let all = told.len() == CONNECTIONS as usize && told.values().all(|(_, ending)| ending.is_some());
            all.then_some(())
        }
        _ => None,
    });
    let streams = capture.finish();
    let (mut wrong, mut seen) = (Vec::new(), BTreeMap::new());
    for (conn, (client, ending)) in told {
        let stream = streams.iter().find(|stream| stream.client == client).unwrap();
        let (first, reset_by) = ending.unwrap();
        *seen.entry(format!("{:?}", stream.first())).or_insert(0) += 1;
        let crossed = stream.first() == Who::Both && first != Who::Error;
        if !(crossed || first == stream.first()) || reset_by.is_some() {
            wrong.push(format!("{conn}: told {first:?} {reset_by:?}, seen {:?}: {stream:?}", stream.first()));
        }
    }
    assert!(wrong.is_empty(), "{} of {CONNECTIONS} ({seen:?}):\n{}", wrong.len(), wrong.join("\n"));
    // Or else there was no race.
    assert!(seen.get("Both").is_none_or(|times| *times < CONNECTIONS / 10), "{seen:?}");
    let often = |first: Who| seen.get(&format!("{first:?}")).is_some_and(|times| *times > 20);
    assert!(often(Who::Client) && often(Who::Server), "{seen:?}");
}

/// Asks for `Connection: close`, and ends its own sending a moment later: about when the server does.
fn race(host: &Host, n: u32) {
    let mut visitor = Visitor::connect(host);
    visitor.request("GET", "/api/messages", "Connection: close\r\n", "");
    if n.is_multiple_of(3) {
        // In the moment in which the answer is there.
        assert_eq!(visitor.response().status, 200);
    } else {
        let moment = Instant::now() + Duration::from_micros(u64::from(n % 400));
        while Instant::now() < moment {
            std::hint::spin_loop();
        }
    }
    visitor.end_sending();
    visitor.read_out().unwrap();
}
