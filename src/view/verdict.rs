//! What the numbers of a compare say, and no more than that. Pure.

use super::labels::nice;
use super::units;
use crate::timeline::{Spread, Transport};

/// Of two delays, one is really longer if it is so many times the other.
const CLEARLY: f64 = 3.0;
/// And they are alike if neither is more than so many times the other.
const ALIKE: f64 = 1.5;

/// A sentence of the verdict: what stands out, and the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sentence {
    pub bold: String,
    pub plain: String,
}

/// A transport's load for many clients and a long time, scaled from what was measured for one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scaled {
    pub connections: f64,
    pub requests: f64,
    pub bytes: f64,
}

/// The verdict, sentence by sentence.
pub(super) fn sentences(seconds: f64, transports: &[Transport]) -> Vec<Sentence> {
    let events = transports.iter().map(|it| it.events).max().unwrap_or_default();
    let pieces = if events == 1 { "piece" } else { "pieces" };
    // Not "the same news": what the clients say themselves is not among it.
    let news =
        format!("The server's {} {pieces} of news, {}.", units::grouped(events), units::seconds(seconds));
    let mut sentences = vec![plain(news)];
    sentences.extend(transports.iter().map(numbers));
    sentences.extend(lateness(transports));
    sentences.extend(bytes(transports));
    sentences.extend(lost(transports));
    sentences.push(plain(
        "Both sides have news: WebSocket. The client asks now and then: HTTP. Only the server has news: try SSE."
            .into(),
    ));
    sentences
}

fn plain(text: String) -> Sentence {
    Sentence { bold: String::new(), plain: text }
}

/// `HTTP, close: 10 connections, 10 requests, 5 empty. Worst delay 1.26 s.`
fn numbers(it: &Transport) -> Sentence {
    let mut parts = vec![units::count(it.connections, "connection"), units::count(it.requests, "request")];
    if it.empty > 0 {
        parts.push(format!("{} empty", units::grouped(it.empty)));
    }
    let worst = match it.heard_after {
        Some(Spread { worst, .. }) => format!("Worst delay {}.", units::duration(worst.0)),
        None => "It heard nothing.".into(),
    };
    Sentence { bold: format!("{}:", nice(&it.name)), plain: format!(" {}. {worst}", parts.join(", ")) }
}

fn get<'a>(transports: &'a [Transport], name: &str) -> Option<&'a Transport> {
    transports.iter().find(|it| it.name == name)
}

fn median(it: &Transport) -> Option<f64> {
    it.heard_after.map(|spread| spread.median.seconds())
}

fn alike(left: f64, right: f64) -> bool {
    left.max(right) <= left.min(right) * ALIKE
}

/// Who heard sooner, and what that does and does not come from.
fn lateness(transports: &[Transport]) -> Option<Sentence> {
    let of = |name| get(transports, name).and_then(median);
    let (close, alive, socket) = (of("close"), of("keep-alive"), of("websocket"));
    let staying_is_no_help = close.zip(alive).is_some_and(|(close, alive)| alike(close, alive));
    let asked = [close, alive].into_iter().flatten().reduce(f64::min);
    let unasked_is_sooner = socket.zip(asked).map(|(socket, asked)| asked >= socket * CLEARLY);
    let mut rest = Vec::new();
    if staying_is_no_help && unasked_is_sooner != Some(true) {
        rest.push("Staying open made HTTP no sooner.".into());
    }
    if unasked_is_sooner == Some(false) {
        rest.push("WebSocket was not clearly sooner here.".into());
    }
    if let (Some(close), Some(alive)) = (close, alive)
        && !staying_is_no_help
    {
        let (sooner, later) = if alive < close { ("keep-alive", "close") } else { ("close", "keep-alive") };
        rest.push(format!("{} heard sooner than {}.", nice(sooner), nice(later)));
    }
    let bold = match (staying_is_no_help, unasked_is_sooner) {
        (true, Some(true)) => "Staying open is not the difference. Sending without being asked is.",
        (false, Some(true)) => "Sending without being asked was sooner here.",
        (true | false, Some(false) | None) => "",
    };
    let gap = if bold.is_empty() || rest.is_empty() { "" } else { " " };
    let plain = format!("{gap}{}", rest.join(" "));
    (!bold.is_empty() || !plain.is_empty()).then(|| Sentence { bold: bold.into(), plain })
}

/// `Never heard: HTTP, close 2 of 6; WebSocket 1 of 6.`
fn lost(transports: &[Transport]) -> Option<Sentence> {
    let lost: Vec<String> = transports
        .iter()
        .filter(|it| it.lost > 0)
        .map(|it| format!("{} {} of {}", nice(&it.name), units::grouped(it.lost), units::grouped(it.events)))
        .collect();
    (!lost.is_empty()).then(|| plain(format!("Never heard: {}.", lost.join("; "))))
}

/// Where WebSocket does not win, that is said; where it does, by how much.
fn bytes(transports: &[Transport]) -> Option<Sentence> {
    let total = |it: &Transport| it.from_client.saturating_add(it.from_server);
    let alive = total(get(transports, "keep-alive")?);
    let socket = total(get(transports, "websocket")?);
    let (http, ws) = (units::grouped(alive), units::grouped(socket));
    Some(plain(match alive.cmp(&socket) {
        std::cmp::Ordering::Less => {
            format!("WebSocket does not win on bytes: HTTP, keep-alive {http}, WebSocket {ws}.")
        }
        std::cmp::Ordering::Equal => {
            format!("WebSocket and HTTP, keep-alive moved the same number of bytes, {http}.")
        }
        std::cmp::Ordering::Greater => {
            format!("WebSocket moved fewer bytes than HTTP, keep-alive: {ws} against {http}.")
        }
    }))
}

/// For `clients` clients and `hours`. `once`: bytes and requests that a client needs once, not again and again.
pub(super) fn scaled(
    it: &Transport,
    seconds: f64,
    once: (u64, u64),
    clients: f64,
    hours: f64,
) -> Option<Scaled> {
    if seconds <= 0.0 {
        return None;
    }
    let times = hours * 3600.0 / seconds;
    let again = |n: u64, once: u64| (n.saturating_sub(once) as f64 * times + once as f64) * clients;
    // One connection for the whole run is one that stays.
    let stays = u64::from(it.connections == 1);
    Some(Scaled {
        connections: again(it.connections, stays),
        requests: again(it.requests, once.1),
        bytes: again(it.from_client.saturating_add(it.from_server), once.0),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::timeline::Elapsed;

    fn transport(name: &str, median: f64, bytes: u64) -> Transport {
        let elapsed = |seconds| Elapsed(Duration::from_secs_f64(seconds));
        let spread = Spread { median: elapsed(median), p99: elapsed(median), worst: elapsed(median * 2.0) };
        Transport {
            name: name.into(),
            events: 6,
            heard_after: Some(spread),
            connections: if name == "close" { 10 } else { 1 },
            requests: if name == "websocket" { 1 } else { 10 },
            empty: if name == "websocket" { 0 } else { 5 },
            from_client: bytes / 2,
            from_server: bytes - bytes / 2,
            payload: 100,
            lost: 0,
            client_talks_by: "new request".into(),
            sent: 0,
            ..Transport::default()
        }
    }

    fn said(transports: &[Transport]) -> Vec<String> {
        sentences(20.0, transports).into_iter().map(|it| it.bold + &it.plain).collect()
    }

    #[test]
    fn the_numbers_bear_it_out() {
        let said = said(&[
            transport("close", 0.71, 2330),
            transport("keep-alive", 0.70, 2230),
            transport("websocket", 0.04, 800),
        ]);
        insta::assert_snapshot!(said.join("\n"), @r"
        The server's 6 pieces of news, 20 seconds.
        HTTP, close: 10 connections, 10 requests, 5 empty. Worst delay 1.42 s.
        HTTP, keep-alive: 1 connection, 10 requests, 5 empty. Worst delay 1.40 s.
        WebSocket: 1 connection, 1 request. Worst delay 80.0 ms.
        Staying open is not the difference. Sending without being asked is.
        WebSocket moved fewer bytes than HTTP, keep-alive: 800 against 2,230.
        Both sides have news: WebSocket. The client asks now and then: HTTP. Only the server has news: try SSE.
        ");
    }

    #[test]
    fn nothing_is_claimed_that_was_not_measured() {
        let slow_socket = said(&[transport("close", 0.71, 2000), transport("websocket", 0.5, 2000)]);
        assert!(slow_socket.contains(&"WebSocket was not clearly sooner here.".into()));
        let alone = said(&[transport("websocket", 0.04, 800)]);
        assert!(!alone.iter().any(|it| it.contains("sooner") || it.contains("Staying")));
        let differ = said(&[
            transport("close", 2.0, 2000),
            transport("keep-alive", 0.7, 2000),
            transport("websocket", 0.04, 3000),
        ]);
        assert!(!differ.iter().any(|it| it.contains("Staying open is not")));
        assert!(
            differ.iter().any(|it| it.ends_with("here. HTTP, keep-alive heard sooner than HTTP, close."))
        );
        assert!(differ.iter().any(|it| it.contains("does not win")));
    }

    #[test]
    fn what_stays_open_is_opened_once() {
        let close = scaled(&transport("close", 0.7, 2000), 20.0, (0, 0), 10_000.0, 1.0).expect("time passed");
        assert_eq!((close.connections, close.requests, close.bytes), (18e6, 18e6, 3.6e9));
        let socket =
            scaled(&transport("websocket", 0.04, 800), 20.0, (300, 1), 10_000.0, 1.0).expect("time passed");
        assert_eq!((socket.connections, socket.requests), (10_000.0, 10_000.0));
        assert_eq!(socket.bytes, (500.0 * 180.0 + 300.0) * 10_000.0);
        assert_eq!(scaled(&transport("close", 0.7, 2000), 0.0, (0, 0), 1.0, 1.0), None);
    }
}
