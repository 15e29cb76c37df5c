//! What a compare would be for others: computed from what was measured, not measured.

use super::changes::Scale;
use crate::timeline::{Elapsed, Load, Scaled, Transport};

/// As if so many clients did for so long what those did that were measured. What each needs once counts once. News are as frequent for
/// all: who is only told of them may have taken part for a shorter time, but nothing would have happened in the rest.
pub(super) fn scaled(scale: Scale, clients: u64, transports: &[Transport]) -> Option<Scaled> {
    if clients == 0 {
        return None;
    }
    let each = scale.clients as f64 / clients as f64;
    let whole = |it: &&Transport| it.failed.is_none() && it.ran > Elapsed::default();
    let period = transports.iter().filter(whole).map(|it| it.ran.seconds()).fold(0.0, f64::max);
    let times = scale.time.as_secs_f64() / period;
    let grown = |all: f64, once: f64| ((all - once).max(0.0) * times + once) * each;
    let load = |it: &Transport| Load {
        name: it.name.clone(),
        connections: grown(it.connections as f64, it.once.connections as f64),
        requests: grown(it.requests as f64, it.once.requests as f64),
        bytes: grown((it.from_client + it.from_server) as f64, it.once.bytes as f64),
        cpu: it.cpu.map(|cpu| grown(cpu.seconds(), it.once.cpu.seconds())),
        memory: it.memory.map(|memory| memory as f64 * scale.clients as f64),
    };
    // What did not take part to the end says nothing of an hour.
    let transports: Vec<Load> = transports.iter().filter(whole).map(load).collect();
    if transports.is_empty() {
        return None;
    }
    Some(Scaled { clients: scale.clients, seconds: Elapsed(scale.time), transports })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::timeline::Once;

    #[test]
    fn what_stays_open_is_opened_once() {
        let ran = Elapsed(Duration::from_secs(20));
        let close = Transport {
            name: "close".into(),
            ran,
            connections: 10,
            requests: 10,
            from_server: 2000,
            ..Transport::default()
        };
        let once = Once { connections: 1, requests: 1, bytes: 300, cpu: Elapsed::default() };
        let socket = Transport {
            name: "websocket".into(),
            ran,
            connections: 1,
            requests: 1,
            from_client: 800,
            once,
            memory: Some(6000),
            cpu: Some(Elapsed(Duration::from_millis(1))),
            ..Transport::default()
        };
        let failed = Transport { failed: Some("reset".into()), ..close.clone() };
        let scale = Scale { clients: 10_000, time: Duration::from_secs(3600) };
        let found = scaled(scale, 1, &[close, socket, failed]).unwrap();
        let [close, socket] = &found.transports[..] else { panic!("{found:?}") };
        assert_eq!((close.connections, close.requests, close.bytes), (18e6, 18e6, 3.6e9));
        assert_eq!((socket.connections, socket.requests), (10_000.0, 10_000.0));
        assert_eq!(socket.bytes, (500.0 * 180.0 + 300.0) * 10_000.0);
        assert_eq!((socket.memory, close.memory, close.cpu), (Some(6e7), None, None));
        assert!((socket.cpu.unwrap() - 1800.0).abs() < 1e-6);
        assert_eq!(scaled(scale, 0, &[]), None);
    }
}
