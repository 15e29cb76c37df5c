//! Who heard when.

use super::{Sentence, get, is_whole, median, names, plain};
use crate::timeline::{Elapsed, Spread, Transport};
use crate::view::labels::nice;
use crate::view::units;
use crate::view::ways::{self, Way};

/// Of two delays, one is really longer if it is so many times the other,
const CLEARLY: f64 = 3.0;
/// and by so many seconds: less nobody notices.
const NOTICED: f64 = 0.020;
/// By so many seconds more everybody notices it, whatever the other is.
const MUCH: f64 = 0.3;
/// Within so many seconds two are as soon as each other.
const NEAR: f64 = 0.005;
/// And they are alike if neither is more than so many times the other.
const ALIKE: f64 = 1.5;
/// Of more news than this the worst of a hundred is not the worst of all.
const HUNDRED: u64 = 100;

/// Of the soonest.
const ON_TIME: &str = "On time:";
/// Of all, where none was clearly later.
const EQUALLY: &str = "About equally soon:";
/// Of those whose news were not all so.
const MOSTLY: &str = "Mostly on time:";
/// Of who need not ask, and gains nothing by it.
pub(super) const NO_SOONER: &str = "clearly sooner";

/// Whether the second delay is clearly the longer one.
pub(super) fn is_later(sooner: f64, later: f64) -> bool {
    let by = later - sooner;
    by > MUCH || (later >= sooner * CLEARLY && by >= NOTICED)
}

fn alike(left: f64, right: f64) -> bool {
    left.max(right) <= left.min(right) * ALIKE
}

fn p99(it: &Transport) -> Option<f64> {
    it.heard_after.map(|spread| spread.p99.seconds())
}

/// The shortest median of those that heard everything: who lost some may have lost those that take longest.
pub(super) fn best(all: &[Transport]) -> f64 {
    let whole = all.iter().filter(|it| is_whole(it)).filter_map(median).reduce(f64::min);
    whole.or_else(|| all.iter().filter_map(median).reduce(f64::min)).unwrap_or_default()
}

/// Those that were as soon as the soonest, and those that were clearly later; only of those that heard anything.
pub(super) fn split(all: &[Transport]) -> (Vec<&Transport>, Vec<&Transport>) {
    let best = best(all);
    let heard = all.iter().filter(|it| it.heard_after.is_some());
    heard.partition(|it| median(it).is_some_and(|it| !is_later(best, it)))
}

/// Of the soonest those that were so with all but a hundredth of their news, and those that were not: much later than the
/// best, or nearly as late as others with half of theirs.
fn steady<'a>(
    all: &[Transport],
    soonest: Vec<&'a Transport>,
    later: &[&Transport],
) -> (Vec<&'a Transport>, Vec<&'a Transport>) {
    let best = best(all);
    let next = later.iter().filter_map(|it| median(it)).reduce(f64::min);
    let late =
        |p99: f64| p99 - best > MUCH || next.is_some_and(|next| p99 >= next / 2.0 && p99 - best >= NOTICED);
    soonest.into_iter().partition(|it| p99(it).is_none_or(|p99| !late(p99)))
}

/// `Worst delay 2.90 ms.`; of very many news also what all but a hundredth of them took.
fn worst(all: &[&Transport], clients: u64) -> String {
    let of = |of: fn(Spread) -> Elapsed| all.iter().filter_map(|it| it.heard_after).map(of).max();
    let (p99, worst) = (of(|it| it.p99).unwrap_or_default(), of(|it| it.worst).unwrap_or_default());
    let worst = units::duration(worst.0);
    let few = all.iter().all(|it| it.events.saturating_mul(clients) <= HUNDRED);
    if few || units::duration(p99.0) == worst {
        return format!("Worst delay {worst}.");
    }
    format!("99 of 100 within {}, worst {worst}.", units::duration(p99.0))
}

/// `On time: WebSocket. Mostly on time: SSE.`, where the sentences about each transport stand above.
pub(super) fn on_time(all: &[Transport]) -> Option<Sentence> {
    let known = |it: &Transport| ways::way(&it.name) == Some(Way::Asks) || it.name == "websocket";
    if all.iter().all(known) {
        // It is said with what it comes from.
        return None;
    }
    let (soonest, later) = split(all);
    let whole = soonest.into_iter().filter(|it| is_whole(it)).collect();
    let (always, mostly) = steady(all, whole, &later);
    if later.is_empty() && (always.is_empty() || mostly.is_empty()) {
        return None;
    }
    let always = (!always.is_empty()).then(|| format!("{}.", names(always)));
    let mostly = (!mostly.is_empty()).then(|| format!("{}.", names(mostly)));
    match (always, mostly) {
        (Some(always), Some(mostly)) => {
            Some(Sentence { bold: ON_TIME.into(), plain: format!(" {always} {MOSTLY} {mostly}") })
        }
        (Some(always), None) => Some(Sentence { bold: ON_TIME.into(), plain: format!(" {always}") }),
        (None, Some(mostly)) => Some(Sentence { bold: MOSTLY.into(), plain: format!(" {mostly}") }),
        (None, None) => None,
    }
}

/// Of many transports: who was on time, who was late, and how late at worst.
pub(super) fn groups(all: &[Transport], clients: u64) -> Vec<Sentence> {
    let (soonest, later) = split(all);
    let (whole, not): (Vec<&Transport>, Vec<&Transport>) = soonest.into_iter().partition(|it| is_whole(it));
    let group = |bold: &str, of: Vec<&Transport>| {
        let plain = format!(" {}. {}", names(of.iter().copied()), worst(&of, clients));
        (!of.is_empty()).then(|| Sentence { bold: bold.into(), plain })
    };
    let (always, mostly) = steady(all, whole, &later);
    let (first, second) = match (later.is_empty(), always.is_empty(), mostly.is_empty()) {
        (true, _, true) => (EQUALLY, MOSTLY),
        (true, true, false) => (ON_TIME, EQUALLY),
        (true, false, false) | (false, ..) => (ON_TIME, MOSTLY),
    };
    let nothing = |bold: &str, of: Vec<&Transport>| {
        (!of.is_empty()).then(|| Sentence { bold: bold.into(), plain: format!(" {}.", names(of)) })
    };
    let silent = all.iter().filter(|it| it.heard_after.is_none());
    let (lost, ended): (Vec<&Transport>, Vec<&Transport>) = silent.partition(|it| it.lost > 0);
    let all = [
        group(first, always),
        group(second, mostly),
        group("As soon, but not everything:", not),
        group("Later:", later),
        nothing("Heard nothing:", lost),
        nothing("Ended before it heard any:", ended),
    ];
    all.into_iter().flatten().collect()
}

/// Who heard sooner, and what that does and does not come from.
pub(super) fn lateness(all: &[Transport]) -> Option<Sentence> {
    let of = |name| get(all, name).and_then(median);
    let (close, alive) = (of("close"), of("keep-alive"));
    let staying_is_no_help = close.zip(alive).is_some_and(|(close, alive)| alike(close, alive));
    let asked = [close, alive].into_iter().flatten().reduce(f64::min);
    let told: Vec<&Transport> =
        all.iter().filter(|it| ways::is_unasked(&it.name) && median(it).is_some()).collect();
    let sooner = |it: &&Transport| asked.zip(median(it)).is_some_and(|(asked, it)| is_later(it, asked));
    let waiting_is_sooner = get(all, "long-poll").is_some_and(|it| sooner(&it));
    let known = asked.is_some() && (!told.is_empty() || waiting_is_sooner);
    let unasked_is_sooner = known.then(|| told.iter().all(sooner));
    let mut rest = Vec::new();
    if staying_is_no_help && unasked_is_sooner != Some(true) {
        rest.push("Staying open made HTTP no sooner.".into());
    }
    if unasked_is_sooner == Some(false) {
        let not = told.iter().copied().filter(|it| !sooner(it));
        rest.push(match told.len() {
            1 => format!("{} was not {NO_SOONER} here.", names(not)),
            _ => format!("Not {NO_SOONER} than asking: {}.", names(not)),
        });
    }
    if let (Some(close), Some(alive)) = (close, alive)
        && !staying_is_no_help
    {
        let (sooner, later) = if alive < close { ("keep-alive", "close") } else { ("close", "keep-alive") };
        rest.push(format!("{} heard sooner than {}.", nice(sooner), nice(later)));
    }
    let bold = match (staying_is_no_help, unasked_is_sooner) {
        (true, Some(true)) if waiting_is_sooner => {
            "Staying open is not the difference. Being told when there is news is."
        }
        (true, Some(true)) => "Staying open is not the difference. Sending without being asked is.",
        (false, Some(true)) if waiting_is_sooner => "Being told when there is news was sooner here.",
        (false, Some(true)) => "Sending without being asked was sooner here.",
        (true | false, Some(false) | None) => "",
    };
    let gap = if bold.is_empty() || rest.is_empty() { "" } else { " " };
    let plain = format!("{gap}{}", rest.join(" "));
    (!bold.is_empty() || !plain.is_empty()).then(|| Sentence { bold: bold.into(), plain })
}

/// Where the delay is no reason for a WebSocket.
pub(super) fn no_later(all: &[Transport]) -> Option<Sentence> {
    let socket = get(all, "websocket").filter(|it| is_whole(it))?;
    let (soonest, _) = split(all);
    let near = |it: &Transport| {
        let (it, socket) = (median(it).unwrap_or_default(), median(socket).unwrap_or_default());
        it <= socket * ALIKE || it - socket < NEAR
    };
    let as_soon =
        |it: &&Transport| matches!(it.name.as_str(), "sse" | "long-poll") && is_whole(it) && near(it);
    let others: Vec<&Transport> = soonest.iter().copied().filter(as_soon).collect();
    if !soonest.iter().any(|it| it.name == socket.name) {
        return Some(plain("WebSocket was not among the soonest.".into()));
    }
    let were = if others.len() == 1 { "was" } else { "were" };
    let others_named = ways::and(others.iter().map(|it| it.name.as_str()));
    (!others.is_empty())
        .then(|| plain(format!("WebSocket does not win on delay: {others_named} {were} as soon.")))
}
