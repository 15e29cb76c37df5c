//! The picture that says it all: how often a connection was opened, and who spoke on it.

use unicode_width::UnicodeWidthStr as _;

use super::labels::nice;
use super::lanes::{Lane, Lanes};
use super::text::Look;
use super::units;
use super::ways::{self, Way};
use crate::terminal::{Ink, Line};
use crate::timeline::{Side, Summary, Transport};

/// Of the names.
const NAME: usize = 19;
/// The widest that a lane is drawn.
const WIDEST: usize = 44;

/// Three connections: a lane is narrower only where nothing else can give way.
const ENOUGH: usize = 11;
/// The narrowest.
const LEAST: usize = 7;
/// A short connection, and the gap beside it.
const SHORT: usize = 4;
/// So many arrow heads stand for any number.
const HEADS: u64 = 100_000;

/// What is drawn of a transport: of one of its clients, where there are many.
struct Seen<'a> {
    it: &'a Transport,
    lane: Option<&'a Lane>,
    clients: u64,
    /// Connections.
    opened: u64,
    spoke: Vec<Side>,
    /// When those began and ended on which news came, where one of them broke.
    pieces: Vec<(f64, Option<f64>)>,
}

/// A line for each transport.
pub(super) fn draw(look: Look, width: usize, summary: &Summary, lanes: Option<&Lanes>) -> Vec<Line> {
    let see = |it| Seen::of(it, lanes, summary.clients.max(1));
    let all: Vec<Seen<'_>> = summary.transports.iter().map(see).collect();
    // What is said beside the lanes is shortened before they are.
    let wordings = [1, 2, 3].map(|form| all.iter().map(|seen| seen.words(form)).collect::<Vec<_>>());
    let widest = |words: &Vec<String>| words.iter().map(|it| it.width()).max().unwrap_or_default();
    let fits = |words: &&Vec<String>| NAME + ENOUGH + 2 + widest(words) <= width;
    let [.., shortest] = &wordings;
    let words = wordings.iter().find(fits).unwrap_or(shortest);
    let room = width.saturating_sub(NAME + 2 + widest(words)).clamp(LEAST, WIDEST);
    let one = |(seen, words): (&Seen<'_>, &String)| {
        let mut line = Line::plain(" ").with(Ink::Bold, look.cut(&look.text(nice(&seen.it.name)), NAME - 2));
        line.pad(NAME);
        seen.connections(room, &mut line);
        line.pad(NAME + room);
        let words = look.cut(words, width.saturating_sub(NAME + room + 2));
        line.with(Ink::Plain, format!("  {words}"))
    };
    all.iter().zip(words).map(one).collect()
}

impl<'a> Seen<'a> {
    fn of(it: &'a Transport, lanes: Option<&'a Lanes>, clients: u64) -> Self {
        let lane = lanes.and_then(|lanes| lanes.lane(&it.name));
        let spoke = match lane {
            Some(lane) => lane.spoke.clone(),
            // Nobody saw when: then the server's stand first, as they mostly do.
            None if ways::is_unasked(&it.name) => {
                let from = |side, count: u64| (0..count.min(HEADS)).map(move |_| side);
                let said = if ways::is_two_way(&it.name) { it.sent / clients } else { 0 };
                from(Side::Server, it.events).chain(from(Side::Client, said)).collect()
            }
            None => Vec::new(),
        };
        // Where only some opened one more, that is none of each.
        let each = (it.connections / clients).max(it.connections.min(1));
        let opened = lane.map_or(each, |lane| lane.opened);
        let broke = lane.filter(|lane| !lane.broke.is_empty());
        let pieces = broke.zip(lanes).map(|(lane, lanes)| lanes.pieces(lane)).unwrap_or_default();
        Self { it, lane, clients, opened, spoke, pieces }
    }

    /// What is seen in the picture; a greater `form` is a shorter one.
    fn words(&self, form: usize) -> String {
        let opened = match (self.clients, self.it.connections % self.clients) {
            (1, _) => format!("{} opened", units::grouped(self.opened)),
            (_, 0) => format!("{} per client", units::grouped(self.opened)),
            (clients, _) => {
                let each = format!("{:.1}", self.it.connections as f64 / clients as f64);
                format!("{} per client", each.trim_end_matches(".0"))
            }
        };
        let idle = self.lane.map_or(0, |lane| lane.reset_idle);
        let more = match (self.it.broken, idle) {
            (0, 0) => self.stays(form).map(str::to_owned),
            (0, idle) => {
                let words = ["reset while idle", "reset idle", "reset"];
                Some(format!("{} {}", units::grouped(idle), words.get(form - 1).unwrap_or(&"reset")))
            }
            (broken, _) => Some(format!("{} broken", units::grouped(broken))),
        };
        let closed = self.lane.map(|lane| format!("{} closed", units::grouped(lane.closed)));
        let closed = closed.filter(|_| form < 3);
        more.or(closed).map_or(opened.clone(), |more| format!("{opened}, {more}"))
    }

    /// Of connections that stay open: who may speak on them.
    fn stays(&self, form: usize) -> Option<&'static str> {
        let forms = match (ways::way(&self.it.name)?, self.opened) {
            (_, 0) => return None,
            (Way::Both, _) => ["both may speak", "both speak", "two-way"],
            (Way::Streams, _) => ["only the server speaks", "server speaks", "one-way"],
            (Way::Waits, _) => ["each answer waits for news", "answers wait", "waits"],
            (Way::Asks, 1) if ways::stays(&self.it.name) => {
                ["the client must ask", "client must ask", "must ask"]
            }
            (Way::Asks, _) => return None,
        };
        forms.get(form - 1).copied()
    }

    /// `├─┤ ├─┤ …`, or one that stays, with who spoke on it; beside it those on which only something was said or tried.
    fn connections(&self, room: usize, line: &mut Line) {
        let way = ways::way(&self.it.name);
        // Of many clients nobody saw when; whether they came back is known.
        let gone = self.lane.is_none() && self.it.broken > 0 && self.it.recovered < self.it.broken;
        match self.opened {
            0 => {}
            _ if !self.pieces.is_empty() => self.in_pieces(room, line),
            1 => whole(&self.spoke, room, if gone { "×" } else { "┤" }, line),
            several if way.is_none_or(|way| way == Way::Asks) => shorts(several, room, "┤", line),
            several => {
                let beside = usize::try_from(several - 1)
                    .unwrap_or(usize::MAX)
                    .min(room.saturating_sub(LEAST) / SHORT)
                    .min(3);
                let main = room - beside * SHORT;
                let few = vec!["├─┤"; beside].join(" ");
                // A session that changes begins with the short ones.
                if self.it.name == "socketio-upgrade" && beside > 0 {
                    line.push(Ink::Plain, format!("{few} "));
                    whole(&self.spoke, main, "┤", line);
                } else {
                    whole(&self.spoke, main, "┤", line);
                    line.push(Ink::Plain, if beside > 0 { format!(" {few}") } else { String::new() });
                }
            }
        }
    }

    /// `├──◄──×   ├──◄──┤`: a connection that broke, and the one that took its place, each as long as it was open.
    fn in_pieces(&self, room: usize, line: &mut Line) {
        let count = self.pieces.len();
        if count * SHORT > room + 1 {
            return shorts(count as u64, room, "×", line);
        }
        let broke = self.lane.map_or(&[][..], |lane| &lane.broke);
        let column = |part: f64| (part * room as f64).round() as usize;
        let (mut at, mut said) = (0, 0);
        for (n, (start, end)) in self.pieces.iter().enumerate() {
            // Those that follow need room as well.
            let last = room - (count - n - 1) * SHORT;
            let from = column(*start).clamp(at, last - (SHORT - 1));
            let to = end.map_or(last, column).clamp(from + SHORT - 1, last);
            line.push(Ink::Plain, " ".repeat(from - at.min(from)));
            let spoke = broke.get(n).map_or(self.spoke.len(), |broke| broke.spoke);
            whole(
                self.spoke.get(said..spoke).unwrap_or_default(),
                to - from,
                if end.is_some() { "×" } else { "┤" },
                line,
            );
            // And a gap.
            (at, said) = (to, spoke);
            if n + 1 < count {
                line.push(Ink::Plain, " ");
                at += 1;
            }
        }
    }
}

/// A connection, as wide as this.
fn whole(spoke: &[Side], room: usize, edge: &str, line: &mut Line) {
    line.push(Ink::Plain, "├");
    stroke(spoke, room.saturating_sub(2), line);
    line.push(Ink::Plain, edge);
}

/// As many as fit.
fn shorts(several: u64, room: usize, edge: &str, line: &mut Line) {
    let fits = ((room + 1) / SHORT).max(2) as u64;
    let all = several <= fits;
    let shown = usize::try_from(if all { several } else { fits - 1 }).unwrap_or_default();
    line.push(Ink::Plain, vec![format!("├─{edge}"); shown].join(" "));
    if !all {
        line.push(Ink::Plain, " …");
    }
}

/// A line with an arrow head for each message that was sent without a request, by sender. Where they are too many,
/// one for each side, with how many it stands for.
fn stroke(spoke: &[Side], room: usize, line: &mut Line) {
    let each: Vec<(Side, String)> = spoke.iter().map(|side| (*side, String::new())).collect();
    let marks = if spoke.len() <= room / 2 { each } else { summed(spoke, room) };
    let words: usize = marks.iter().map(|(_, count)| count.width()).sum();
    let free = room.saturating_sub(words);
    // Arrow heads and strokes, without the words behind the heads.
    let mut drawn = 0;
    for (n, (side, count)) in marks.iter().enumerate() {
        let at = (n * 2 + 1) * free / (marks.len() * 2);
        line.push(Ink::Plain, "─".repeat(at.saturating_sub(drawn)));
        match side {
            Side::Client => line.push(Ink::Client, "►"),
            Side::Server => line.push(Ink::Server, "◄"),
        }
        line.push(Ink::Plain, count.as_str());
        drawn = at + 1;
    }
    line.push(Ink::Plain, "─".repeat(free.saturating_sub(drawn)));
}

/// `◄x30`, `►x2`: whoever spoke first stands first. `◄…` where there is no room for the numbers.
fn summed(spoke: &[Side], room: usize) -> Vec<(Side, String)> {
    let first = spoke.first().copied().unwrap_or(Side::Server);
    let count = |side: Side| spoke.iter().filter(|it| **it == side).count() as u64;
    let sides = || [first, first.other()].map(|side| (side, count(side))).into_iter().filter(|it| it.1 > 0);
    let numbers = sides().map(|(side, count)| match count {
        1 => (side, String::new()),
        several => (side, format!("x{}", units::grouped(several))),
    });
    let marks: Vec<(Side, String)> = numbers.collect();
    let width: usize = marks.iter().map(|(_, count)| 1 + count.width()).sum();
    match room {
        _ if width <= room => marks,
        0 => Vec::new(),
        // Who spoke first is all that there is room for.
        1 => vec![(first, String::new())],
        _ => sides().take(room / 2).map(|(side, _)| (side, "…".into())).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(spoke: &[Side], room: usize) -> String {
        let mut line = Line::default();
        stroke(spoke, room, &mut line);
        assert_eq!(line.width(), room);
        line.text()
    }

    /// The first message is the server's, unasked: that is what the picture is for.
    #[test]
    fn too_many_are_counted_and_the_first_stands_first() {
        let mut spoke = [Side::Server; 30];
        (spoke[7], spoke[20]) = (Side::Client, Side::Client);
        assert_eq!(drawn(&spoke, 42), "─────────◄x28─────────────────►x2─────────");
        assert_eq!(drawn(&spoke, 7), "◄x28►x2");
        assert_eq!(drawn(&spoke, 5), "◄…─►…");
        assert_eq!([3, 2, 1, 0].map(|room| drawn(&spoke, room)), ["─◄…", "◄…", "◄", ""]);
        assert_eq!(drawn(&[Side::Client; 30], 11), "────►x30───");
        assert_eq!(drawn(&spoke[..3], 12), "──◄───◄───◄─");
    }
}
