//! Holds a statement against the facts, and names those that prove it.
//!
//! A statement speaks of the lesson's own clients: what a guest does neither proves nor disproves it.

use std::time::Duration;

use super::player::Player;
use super::skip::Manner;
use crate::lesson::script::{Act, Statement};
use crate::tap::kernel::{TcpState, tcp_state};
use crate::timeline::{Claim, ConnId, Connection, Kind, Layer, Seq, Side, Who};

/// How long a statement may take to come true.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether it held, and by which events.
struct Finding {
    held: Option<bool>,
    evidence: Vec<Seq>,
    /// What was seen, where it did not hold.
    saw: String,
}

impl Finding {
    fn of(held: bool, evidence: Vec<Seq>, saw: impl Into<String>) -> Self {
        Self { held: Some(held), evidence, saw: saw.into() }
    }
}

/// Checks one `=` line.
pub(super) async fn check(player: &mut Player<'_>, act: &Act, statement: &Statement, since: Seq) -> Claim {
    // What was told to be sent before this line is part of what it is about.
    player.settle(|person, state| person.is_all_seen(state)).await;
    let named = act.client.as_deref();
    // Where nobody is named: whoever sent or was answered last.
    let spoke = player.spoke.clone();
    let who = named.or(spoke.as_deref());
    let last = player.taps.bus().last();
    let finding = match statement {
        Statement::Silence(time) => silence(player, named, *time).await,
        Statement::Connections(n) => connections(player, *n, since),
        Statement::Under(limit, side) => under(player, named, (*limit, *side), since),
        Statement::SameConnection => again(player, who, true),
        Statement::NewConnection => again(player, who, false),
        Statement::GoesOn => goes_on(player, who, since),
        Statement::Open
        | Statement::ClosedBy(_)
        | Statement::Reset
        | Statement::ClosedWith(_)
        | Statement::TimeWait(_) => match subject(player, who, since) {
            Some(conn) => of_one(player, statement, conn, since).await,
            None => Finding::of(false, vec![last], "no connection"),
        },
    };
    let broken = finding.held == Some(false);
    let text = act.source.trim_start_matches(|c| c != '=').trim_start_matches('=').trim().to_owned();
    let text = named.map_or_else(|| text.clone(), |name| format!("{name}: {text}"));
    let evidence = if finding.evidence.is_empty() { vec![last] } else { finding.evidence };
    Claim {
        expected: broken.then(|| text.clone()),
        saw: broken.then_some(finding.saw),
        held: finding.held,
        line: act.line as u64,
        remark: act.remark.clone(),
        text,
        evidence,
    }
}

/// Lets happen what a statement waits for, and says nothing of it: what comes next may need that it is over.
pub(super) async fn outlast(player: &mut Player<'_>, act: &Act, statement: &Statement, since: Seq) {
    player.settle(|person, state| person.is_all_seen(state)).await;
    match statement {
        Statement::Silence(time) if player.manner == Manner::Unseen => {
            if silence(player, act.client.as_deref(), *time).await.held == Some(true) {
                player.measured.silence(*time);
            }
        }
        Statement::ClosedBy(_) | Statement::Reset | Statement::ClosedWith(_) | Statement::TimeWait(_) => {
            let spoke = player.spoke.clone();
            if let Some(conn) = subject(player, act.client.as_deref().or(spoke.as_deref()), since) {
                closed(player, conn, since, |_| (true, String::new())).await;
            }
        }
        Statement::Silence(_)
        | Statement::Open
        | Statement::GoesOn
        | Statement::SameConnection
        | Statement::NewConnection
        | Statement::Connections(_)
        | Statement::Under(..) => {}
    }
}

async fn of_one(player: &mut Player<'_>, statement: &Statement, conn: ConnId, since: Seq) -> Finding {
    match statement {
        Statement::Open => open(player, conn),
        Statement::ClosedBy(side) => {
            let who = match side {
                Side::Client => Who::Client,
                Side::Server => Who::Server,
            };
            closed(player, conn, since, |connection| match connection.closed.map(|ending| ending.first) {
                Some(first) => (first == who, format!("closed by {}", word(first))),
                None => (false, String::new()),
            })
            .await
        }
        Statement::Reset => {
            closed(player, conn, since, |connection| match connection.closed.map(|ending| ending.first) {
                Some(first) => (first == Who::Reset, format!("closed by {}", word(first))),
                None => (false, String::new()),
            })
            .await
        }
        Statement::ClosedWith(code) => {
            closed(player, conn, since, |connection| match connection.close_code() {
                Some(seen) => (seen == *code, format!("closed with {seen}")),
                None => (false, "no WebSocket".into()),
            })
            .await
        }
        Statement::TimeWait(side) => time_wait(player, conn, since, *side).await,
        Statement::SameConnection
        | Statement::NewConnection
        | Statement::GoesOn
        | Statement::Connections(_)
        | Statement::Silence(_)
        | Statement::Under(..) => Finding::of(false, Vec::new(), "a statement about several connections"),
    }
}

fn word(first: Who) -> &'static str {
    match first {
        Who::Client => "client",
        Who::Server => "server",
        Who::Both => "both at once",
        Who::Reset => "reset",
        Who::Error => "an error",
    }
}

/// The connection that a statement is about: that client's newest of those that were open in this fence, or else its newest;
/// where nobody is named the one of which something was seen last since
/// the fence began.
fn subject(player: &Player<'_>, named: Option<&str>, since: Seq) -> Option<ConnId> {
    if let Some(name) = named {
        let of_name = |connection: &&Connection| connection.name.as_deref() == Some(name);
        let lives = |it: &&Connection| it.closed.is_none_or(|ending| ending.seq > since);
        let mut theirs = player.state.connections.values().filter(of_name);
        let newest = theirs.clone().rfind(lives).or(theirs.next_back());
        return newest.map(|connection| connection.id);
    }
    let events = player.taps.bus().after(since);
    let ours = |conn: &ConnId| player.state.is_named(*conn);
    let seen = events.iter().rev().find_map(|event| event.kind.conn().filter(ours));
    seen.or_else(|| player.state.named().last().map(|connection| connection.id))
}

/// Whether a connection is the named client's, or where nobody is named one of the lesson's.
fn is_meant(player: &Player<'_>, named: Option<&str>, conn: ConnId) -> bool {
    let name = player.state.get(conn).and_then(|connection| connection.name.as_deref());
    name.is_some() && (named.is_none() || name == named)
}

fn open(player: &Player<'_>, conn: ConnId) -> Finding {
    let Some(connection) = player.state.get(conn) else {
        return Finding::of(false, Vec::new(), "no connection");
    };
    match (connection.closed, connection.fins.first()) {
        (Some(ending), _) => {
            Finding::of(false, vec![ending.seq], format!("{conn} was closed by {}", word(ending.first)))
        }
        (None, Some((side, seq, _))) => {
            Finding::of(false, vec![*seq], format!("{conn} has a FIN from the {}", side.word()))
        }
        (None, None) => Finding::of(true, vec![connection.opened.0], ""),
    }
}

/// Waits for the end, then asks about it.
async fn closed(
    player: &mut Player<'_>,
    conn: ConnId,
    since: Seq,
    ask: impl Fn(&Connection) -> (bool, String),
) -> Finding {
    let bus = player.taps.bus().clone();
    if let Some(ending) = player.state.get(conn).and_then(|connection| connection.closed)
        && ending.seq <= since
    {
        return Finding::of(false, vec![ending.seq], format!("{conn} was closed before"));
    }
    let ended = bus.find(since, |event| match &event.kind {
        Kind::Closed { conn: ended, .. } if *ended == conn => Some(event.seq),
        _ => None,
    });
    let Ok(seq) = tokio::time::timeout(player.patience(PATIENCE), ended).await else {
        player.catch_up();
        return Finding::of(false, vec![bus.last()], format!("{conn} is still open"));
    };
    player.catch_up();
    let Some(connection) = player.state.get(conn) else {
        return Finding::of(false, vec![seq], "no connection");
    };
    let (held, saw) = ask(connection);
    let first = connection.fins.first().map(|(_, seq, _)| *seq);
    Finding::of(held, first.into_iter().chain([seq]).collect(), saw)
}

async fn time_wait(player: &mut Player<'_>, conn: ConnId, since: Seq, side: Side) -> Finding {
    let over = closed(player, conn, since, |_| (true, String::new())).await;
    if over.held != Some(true) {
        return over;
    }
    let Some(connection) = player.state.get(conn) else { return over };
    let (local, remote) = match side {
        Side::Server => (connection.server, connection.client),
        Side::Client => (connection.client, connection.server),
    };
    let mut seen = None;
    // The kernel tells nobody when the last acknowledgement has come: it must be asked.
    for _ in 0..50 {
        match tcp_state(local, remote) {
            None => return Finding { held: None, ..over },
            Some(Some(TcpState::TimeWait)) => {
                let kernel = Kind::Kernel { conn, side, state: "TIME_WAIT".into() };
                let seq = player.taps.bus().append(kernel);
                let evidence = over.evidence.into_iter().chain([seq]).collect();
                return Finding::of(true, evidence, "");
            }
            Some(state) => seen = state,
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let saw = if seen.is_some() { "another state of TCP" } else { "no trace of it in the kernel" };
    Finding::of(false, over.evidence, saw)
}

fn connections(player: &Player<'_>, n: u64, since: Seq) -> Finding {
    let opened: Vec<Seq> = seqs(player, since, |kind| matches!(kind, Kind::Opened { name: Some(_), .. }));
    let saw = format!("{} opened", opened.len());
    Finding::of(opened.len() as u64 == n, opened, saw)
}

/// Waits, and sees whether anything crosses.
async fn silence(player: &mut Player<'_>, named: Option<&str>, time: Duration) -> Finding {
    let before = player.taps.bus().last();
    let working = player.working("silence", time);
    tokio::time::sleep(time).await;
    drop(working);
    player.catch_up();
    let crossed: Vec<Seq> = seqs(player, before, |kind| match kind {
        Kind::Opened { conn, .. } | Kind::Bytes { conn, .. } | Kind::Fin { conn, .. } => {
            is_meant(player, named, *conn)
        }
        Kind::Closed { conn, reset_by: Some(_), .. } => is_meant(player, named, *conn),
        _ => false,
    });
    if crossed.is_empty() {
        Finding::of(true, vec![before], "")
    } else {
        let saw = "something crossed";
        Finding::of(false, crossed, saw)
    }
}

fn under(player: &Player<'_>, named: Option<&str>, (limit, side): (u64, Side), since: Seq) -> Finding {
    let mut sum = 0;
    let evidence = seqs(player, since, |kind| match kind {
        Kind::Bytes { conn, from, len, layer: Layer::Tcp, .. } if *from == side => {
            let counted = is_meant(player, named, *conn);
            sum += if counted { *len } else { 0 };
            counted
        }
        _ => false,
    });
    Finding::of(sum < limit, evidence, format!("{sum} bytes from {}", side.word()))
}

/// Whether the client's last two requests went over the same connection.
fn again(player: &Player<'_>, named: Option<&str>, same: bool) -> Finding {
    let name = named.map(ToOwned::to_owned).or_else(|| {
        let conn = subject(player, None, Seq(0))?;
        player.state.get(conn)?.name.clone()
    });
    let ours = |conn: &ConnId| player.state.get(*conn).is_some_and(|connection| connection.name == name);
    let events = player.taps.bus().after(Seq(0));
    let requests = events.iter().rev().filter_map(|event| match &event.kind {
        Kind::Request { conn, .. } if ours(conn) => Some((*conn, event.seq)),
        _ => None,
    });
    let last_two: Vec<_> = requests.take(2).collect();
    let [(last, last_seq), (previous, previous_seq)] = last_two[..] else {
        return Finding::of(false, Vec::new(), "fewer than two requests");
    };
    let saw = format!("{previous}, then {last}");
    Finding::of((last == previous) == same, vec![previous_seq, last_seq], saw)
}

/// Whether the client's last request has a response that began and has not ended (RFC 9112, 6): the server still answers.
fn goes_on(player: &Player<'_>, named: Option<&str>, since: Seq) -> Finding {
    let name = named.map(ToOwned::to_owned).or_else(|| {
        let conn = subject(player, None, since)?;
        player.state.get(conn)?.name.clone()
    });
    let ours = |conn: &ConnId| player.state.get(*conn).is_some_and(|connection| connection.name == name);
    let events = player.taps.bus().after(Seq(0));
    let asked = events.iter().rev().find_map(|event| match &event.kind {
        Kind::Request { conn, exchange, .. } if ours(conn) => Some((*conn, *exchange)),
        _ => None,
    });
    let Some(asked) = asked else { return Finding::of(false, Vec::new(), "no request") };
    let began = events.iter().rev().find_map(|event| match &event.kind {
        Kind::Response { conn, exchange, status: 200.., .. } if (*conn, *exchange) == asked => {
            Some(event.seq)
        }
        _ => None,
    });
    let Some(began) = began else { return Finding::of(false, Vec::new(), "no response yet") };
    let ended = events.iter().rev().find_map(|event| match &event.kind {
        Kind::MessageEnd { conn, from: Side::Server, exchange, .. } if (*conn, *exchange) == asked => {
            Some(event.seq)
        }
        Kind::Closed { conn, .. } if *conn == asked.0 => Some(event.seq),
        _ => None,
    });
    match ended {
        Some(ended) => Finding::of(false, vec![ended], "the response has ended"),
        None => Finding::of(true, vec![began], ""),
    }
}

/// The events after `since` that are wanted.
fn seqs(player: &Player<'_>, since: Seq, mut wanted: impl FnMut(&Kind) -> bool) -> Vec<Seq> {
    let events = player.taps.bus().after(since);
    events.iter().filter(|event| wanted(&event.kind)).map(|event| event.seq).collect()
}
