//! What to use when. It follows from what was run.

use super::{Sentence, get, is_whole, plain, soon};
use crate::timeline::Transport;
use crate::view::labels::nice;
use crate::view::ways;

/// `Both sides have news: WebSocket. The client asks now and then: HTTP. Only the server has news: SSE.`
pub(super) fn sentence(all: &[Transport]) -> Sentence {
    let mut parts = vec![both(all), "The client asks now and then: HTTP.".into()];
    parts.extend(one_way(all));
    plain(parts.join(" "))
}

/// Whether it lost nothing, and was not clearly later than another.
fn is_good(all: &[Transport], it: &Transport) -> bool {
    let (soonest, _) = soon::split(all);
    is_whole(it) && soonest.iter().any(|other| other.name == it.name)
}

fn both(all: &[Transport]) -> String {
    let two_way = || all.iter().filter(|it| ways::is_two_way(&it.name));
    let best = get(all, "websocket").filter(|it| is_good(all, it));
    let best = best.or_else(|| two_way().find(|it| is_good(all, it)));
    match (best, two_way().next()) {
        (Some(it), _) | (None, Some(it)) if it.broken > it.recovered => {
            format!("Both sides have news: {}, with code that comes back.", nice(&it.name))
        }
        (Some(it), _) => format!("Both sides have news: {}.", nice(&it.name)),
        (None, Some(it)) if it.lost > 0 || it.unreached > 0 => {
            format!("Both sides have news: {}, but it lost some here.", nice(&it.name))
        }
        (None, Some(it)) if !is_whole(it) => {
            format!("Both sides have news: {}, but it heard nothing here.", nice(&it.name))
        }
        (None, Some(it)) => format!("Both sides have news: {}.", nice(&it.name)),
        (None, None) => "Both sides have news: try WebSocket.".into(),
    }
}

fn one_way(all: &[Transport]) -> Option<String> {
    let waits = get(all, "long-poll").filter(|it| is_good(all, it));
    match (get(all, "sse"), waits) {
        (Some(it), _) if is_good(all, it) => Some("Only the server has news: SSE.".into()),
        (Some(_), Some(_)) => Some("Only the server has news: long polling.".into()),
        (Some(_), None) => None,
        (None, Some(_)) => Some("Only the server has news: long polling, or try SSE.".into()),
        (None, None) => Some("Only the server has news: try SSE.".into()),
    }
}
