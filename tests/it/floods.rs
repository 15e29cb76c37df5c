//! Clients that send the smallest frames as fast as they can: what the server holds stays little, and others are still heard.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use tokio_tungstenite::tungstenite::Message;

use crate::harness::ALONE;
use crate::serve::Serving;
use crate::visitor::{Socket, Visitor};

/// How long the flood takes.
const FLOOD: Duration = Duration::from_secs(4);

/// How much more the server may hold for all of the flood, bytes. What was sent is some hundred MiB.
const MORE: usize = 48 << 20;

/// The most that one answer may take while the machine is busy with the flood.
const SLOW: Duration = Duration::from_secs(2);

/// What comes again and again: the door, the bytes before, the frame, whether the client reads what comes back.
const FLOODS: [(&str, &[u8], &[u8], bool); 7] = [
    ("/ws/echo", b"", b"\x89\x80\0\0\0\0", true),
    ("/ws/echo", b"", b"\x89\x80\0\0\0\0", false),
    ("/ws/echo", b"", b"\x81\x80\0\0\0\0", true),
    ("/ws/echo", b"", b"\x81\x80\0\0\0\0", false),
    ("/ws/room/flood", b"", b"\x81\x80\0\0\0\0", true),
    // Fragments without end: empty ones, and ones of a byte, which are too many after 64 KiB.
    ("/ws/echo", b"\x01\x80\0\0\0\0", b"\x00\x80\0\0\0\0", true),
    ("/ws/echo", b"\x02\x80\0\0\0\0", b"\x00\x81\0\0\0\0x", true),
];

fn flood(mut stream: TcpStream, before: &[u8], frame: &[u8], began: Instant) {
    stream.set_write_timeout(Some(FLOOD)).unwrap();
    let _ = stream.write_all(before);
    let frames = frame.repeat(2000);
    // Who was refused is gone.
    while began.elapsed() < FLOOD && stream.write_all(&frames).is_ok() {}
    let _ = stream.shutdown(Shutdown::Both);
}

fn read_all(mut stream: TcpStream) {
    let mut room = vec![0; 1 << 16];
    while matches!(stream.read(&mut room), Ok(1..)) {}
}

/// What a process holds in memory, bytes.
fn resident(pid: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

#[test]
fn a_flood_of_tiny_frames_costs_little_memory_and_keeps_nobody_waiting() {
    let _alone = ALONE.lock();
    let serving = Serving::start(&["--quiet"]);
    let mut other: Socket = Visitor::to(serving.address).upgrade_at("/ws/echo");
    let mut floods = Vec::new();
    for (door, before, frame, reads) in FLOODS {
        floods.push((Visitor::to(serving.address).upgrade_at(door).ws.into_inner(), before, frame, reads));
    }
    let held = resident(serving.pid());
    let began = Instant::now();
    let (mut worst, mut most, mut heard) = (Duration::ZERO, held, 0);
    std::thread::scope(|scope| {
        for (stream, before, frame, reads) in floods {
            if reads {
                let stream = stream.try_clone().unwrap();
                scope.spawn(|| read_all(stream));
            }
            scope.spawn(move || flood(stream, before, frame, began));
        }
        while began.elapsed() < FLOOD {
            let asked = Instant::now();
            other.ws.send(Message::text("still heard?")).unwrap();
            assert_eq!(other.ws.read().unwrap(), Message::text("still heard?"));
            worst = worst.max(asked.elapsed());
            most = most.max(resident(serving.pid()));
            heard += 1;
        }
    });
    assert!(worst < SLOW, "{worst:?}, of {heard}");
    assert!(most - held < MORE, "{} KiB more than {} KiB", (most - held) / 1024, held / 1024);
    assert!(heard > 10, "{heard}");
}
