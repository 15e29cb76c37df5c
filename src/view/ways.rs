//! What is known of the transports by their names: who may speak when, and on what.

use super::labels::nice;

/// How news come to a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// It asks, and is answered at once.
    Asks,
    /// It asks, and is answered when there is something.
    Waits,
    /// It asked once; the answer goes on.
    Streams,
    /// Either side speaks when it wants to.
    Both,
}

/// By the transport's name.
pub(super) fn way(name: &str) -> Option<Way> {
    match name {
        "close" | "keep-alive" => Some(Way::Asks),
        "long-poll" => Some(Way::Waits),
        "sse" => Some(Way::Streams),
        "websocket" | "socketio" | "socketio-upgrade" => Some(Way::Both),
        _ => None,
    }
}

/// Whether its server speaks without being asked again.
pub(super) fn is_unasked(name: &str) -> bool {
    matches!(way(name), Some(Way::Streams | Way::Both))
}

/// Whether its client speaks on the connection on which it hears.
pub(super) fn is_two_way(name: &str) -> bool {
    way(name) == Some(Way::Both)
}

/// Whether one connection is meant to be enough to hear everything.
pub(super) fn stays(name: &str) -> bool {
    name != "close" && way(name).is_some()
}

/// When its server may speak.
pub(super) fn server_speaks(name: &str) -> &'static str {
    match way(name) {
        Some(Way::Asks) | None => "when asked",
        Some(Way::Waits) => "once a request",
        Some(Way::Streams | Way::Both) => "any time",
    }
}

/// `SSE, WebSocket, Socket.IO`
pub(super) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().map(nice).collect();
    // A name with a comma in it needs another one to keep it apart.
    let comma = if names.iter().any(|name| name.contains(',')) { "; " } else { ", " };
    names.join(comma)
}

/// `Long polling and SSE`
pub(super) fn and<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().map(nice).collect();
    match names.as_slice() {
        [.., _] if names.iter().any(|name| name.contains(',')) => names.join(" and "),
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => names.join(""),
    }
}
