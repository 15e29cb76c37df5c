use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;
use crate::tap::watch::tests::{connection, told};
use crate::tap::{Control, Stall};
use crate::timeline::{Bus, Kind, Seq, Side};

const RTT: Duration = Duration::from_millis(40);

/// What only a broken program takes.
const LIMIT: Duration = Duration::from_secs(60);

async fn far(bus: &Bus) -> (TcpStream, Stream, Arc<Control>) {
    changed(bus, Network { rtt: RTT, ..Network::default() }).await
}

async fn changed(bus: &Bus, network: Network) -> (TcpStream, Stream, Arc<Control>) {
    let (client, stream) = connection(bus).await;
    let control = Arc::clone(stream.control());
    (client, stream.through(network, (), std::future::pending()), control)
}

async fn closed(bus: &Bus) {
    let closed = bus.find(Seq(0), |event| matches!(event.kind, Kind::Closed { .. }).then_some(()));
    tokio::time::timeout(LIMIT, closed).await.unwrap();
}

fn counted(bus: &Bus, side: Side) -> u64 {
    let events = bus.after(Seq(0));
    let bytes = events.iter().filter_map(|event| match &event.kind {
        Kind::Bytes { from, len, .. } if *from == side => Some(*len),
        _ => None,
    });
    bytes.sum()
}

#[test]
fn the_handshake_is_a_whole_round_trip() {
    let opened = Instant::now();
    let times = Times { opened, network: Network { rtt: RTT, ..Network::default() } };
    assert_eq!(times.in_from(opened), opened + RTT + RTT / 2);
    assert_eq!(times.in_from(opened + RTT / 4), opened + RTT + RTT / 2);
    assert_eq!(times.in_from(opened + 5 * RTT), opened + 5 * RTT + RTT / 2);
    assert_eq!(times.out_from(opened + 5 * RTT), opened + 5 * RTT + RTT / 2);
}

#[test]
fn a_stall_ends_for_all_at_once() {
    let opened = Instant::now();
    let (second, ms) = (Duration::from_secs(1), Duration::from_millis(1));
    let stall = Some(Stall { time: 3 * second, every: 10 * second });
    let times = Times { opened, network: Network { stall, ..Network::default() } };
    let passes = |age: Duration| times.passes(opened + age) - opened;
    for free in [Duration::ZERO, second, 10 * second - ms, 13 * second, 19 * second] {
        assert_eq!(passes(free), free);
    }
    for stalled in [10 * second, 10 * second + ms, 13 * second - ms] {
        assert_eq!(passes(stalled), 13 * second);
    }
    assert_eq!(passes(21 * second), 23 * second);
}

#[tokio::test]
async fn bytes_and_fins_cross_in_order_and_are_told_at_the_clients_end() {
    let bus = Bus::new();
    let (mut client, mut server, _) = far(&bus).await;
    let began = Instant::now();
    client.write_all(b"GET").await.unwrap();
    client.shutdown().await.unwrap();
    let mut read = Vec::new();
    server.read_to_end(&mut read).await.unwrap();
    assert_eq!(read, b"GET");
    assert!(began.elapsed() >= RTT + RTT / 2 - TICK, "{:?}", began.elapsed());
    assert_eq!(server.read(&mut [0; 1]).await.unwrap(), 0, "the end stays the end");
    server.write_all(b"one").await.unwrap();
    server.write_all(b"two").await.unwrap();
    server.shutdown().await.unwrap();
    assert!(began.elapsed() >= 2 * RTT - 2 * TICK, "{:?}", began.elapsed());
    client.read_to_end(&mut read).await.unwrap();
    assert_eq!(read, b"GETonetwo");
    assert!(server.write(b"more").await.is_err());
    let seen = told(&bus);
    let seen: Vec<_> = seen.iter().map(String::as_str).filter(|it| !it.starts_with("end")).collect();
    // Two writes may leave in one.
    assert_eq!(seen[..2], ["3 bytes Client", "fin Client"]);
    assert_eq!(seen[seen.len() - 2..], ["fin Server", "closed Client"]);
}

#[tokio::test]
async fn what_the_server_let_go_of_still_leaves() {
    let bus = Bus::new();
    let (mut client, mut server, _) = far(&bus).await;
    server.write_all(&[7; 1000]).await.unwrap();
    drop(server);
    let mut read = Vec::new();
    client.read_to_end(&mut read).await.unwrap();
    assert_eq!(read, [7; 1000]);
    closed(&bus).await;
    assert_eq!(told(&bus).last().map(String::as_str), Some("closed Server"));
}

#[tokio::test]
async fn what_is_kept_is_kept_until_the_last_byte_has_left() {
    let bus = Bus::new();
    let (mut client, stream) = connection(&bus).await;
    let kept = Arc::new(());
    let network = Network { rtt: RTT, ..Network::default() };
    let mut server = stream.through(network, Arc::clone(&kept), std::future::pending());
    server.write_all(b"bye").await.unwrap();
    drop(server);
    assert_eq!(Arc::strong_count(&kept), 2);
    client.read_to_end(&mut Vec::new()).await.unwrap();
    closed(&bus).await;
    while Arc::strong_count(&kept) > 1 {
        tokio::task::yield_now().await;
    }
}

/// The client sends without end, and nobody reads.
#[tokio::test]
async fn what_nobody_reads_stays_with_the_client() {
    let bus = Bus::new();
    let (mut client, mut server, _) = far(&bus).await;
    let mut sent = 0;
    let piece: Vec<u8> = (0..251).cycle().take(64 * 1024).collect();
    // When the kernel takes nothing more for so long, all that there is room for is filled.
    while let Ok(len) = tokio::time::timeout(5 * RTT, client.write(&piece[sent % 251..])).await {
        sent += len.unwrap();
        assert!(sent < 100_000_000, "somebody takes it all");
    }
    assert!(counted(&bus, Side::Client) <= (MOST + READ) as u64, "{}", counted(&bus, Side::Client));
    client.shutdown().await.unwrap();
    let mut read = Vec::new();
    server.read_to_end(&mut read).await.unwrap();
    assert_eq!(read.len(), sent);
    assert!(read.iter().zip((0..251).cycle()).all(|(seen, sent)| *seen == sent), "not in order");
}

/// The server sends without end, and the client does not read.
#[tokio::test]
async fn what_the_client_does_not_read_waits_with_the_server_and_is_known_to_be_stuck() {
    let bus = Bus::new();
    let (client, mut server, control) = far(&bus).await;
    let piece = [1; 64 * 1024];
    let mut taken = 0;
    while let Ok(len) = tokio::time::timeout(5 * RTT, server.write(&piece)).await {
        taken += len.unwrap();
        assert!(taken < 100_000_000, "somebody takes it all");
    }
    let (crossed, taken) = (counted(&bus, Side::Server), taken as u64);
    assert!(taken - crossed <= MOST as u64, "{taken} taken, {crossed} sent");
    tokio::time::timeout(LIMIT, control.stuck(RTT)).await.unwrap();
    control.cut();
    drop(server);
    closed(&bus).await;
    assert_eq!(told(&bus).last().map(String::as_str), Some("closed Reset"));
    drop(client);
}

#[tokio::test]
async fn a_reset_is_told_at_once_and_known_later() {
    let bus = Bus::new();
    let (client, mut server, _) = far(&bus).await;
    tokio::time::sleep(RTT).await;
    client.set_zero_linger().unwrap();
    let began = Instant::now();
    drop(client);
    closed(&bus).await;
    assert_eq!(server.write(b"into nothing").await.unwrap(), 12);
    let error = server.read(&mut [0; 1]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert!(began.elapsed() >= RTT / 2 - TICK, "{:?}", began.elapsed());
    tokio::time::sleep(2 * TICK).await;
    assert!(server.write(b"more").await.is_err() && server.shutdown().await.is_err());
    assert_eq!(told(&bus), ["closed Reset"]);
}

#[tokio::test]
async fn a_cut_needs_no_time_whatever_is_on_its_way() {
    let bus = Bus::new();
    let (mut client, mut server, control) = far(&bus).await;
    server.write_all(b"never seen").await.unwrap();
    control.cut();
    let error = server.read(&mut [0; 1]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
    let error = client.read(&mut [0; 1]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    closed(&bus).await;
    assert_eq!(told(&bus), ["closed Reset"]);
}

#[tokio::test]
async fn the_network_cuts_what_is_so_old_also_where_nobody_reads() {
    let bus = Bus::new();
    let network = Network { cut: Some(RTT), ..Network::default() };
    let (mut client, server, _) = changed(&bus, network).await;
    let opened = Instant::now();
    assert!(client.read(&mut [0; 1]).await.is_err());
    assert!(opened.elapsed() >= RTT / 2, "{:?}", opened.elapsed());
    closed(&bus).await;
    assert_eq!(told(&bus), ["closed Reset"]);
    drop(server);
}
