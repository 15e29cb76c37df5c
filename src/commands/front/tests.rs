//! The desk with a view that writes a row for each word of the world, and time that the test hands in.

use tokio::sync::oneshot;

use super::asked::Asked;
use super::*;
use crate::lesson::pace::{Asking, Go, Reply, Stop};
use crate::terminal::Line;
use crate::timeline::{Elapsed, Event, Kind};
use crate::view::View;
use std::sync::Arc;

/// Writes what is said: `line 1|line 2` is a block, anything else a row; what is `held back` comes later.
struct Words(sheets::Sheets, usize, bool);

impl View for Words {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        match &event.kind {
            Kind::World { text, .. } if text == "held back" => {
                self.2 = true;
                Ok(())
            }
            Kind::World { text, .. } if text.contains('|') => {
                self.0.show(Group::Block, &text.split('|').map(Line::plain).collect::<Vec<_>>())
            }
            Kind::World { text, .. } => {
                self.0.show(Group::Row, &[Line::plain(format!("{text} in {}", self.1))])
            }
            Kind::Step { n, .. } => self.0.show(Group::Block, &[Line::plain(format!("step {n}"))]),
            _ => Ok(()),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.0.show(Group::Block, &[Line::plain("finished")])
    }

    fn quiet(&mut self) -> io::Result<()> {
        match std::mem::take(&mut self.2) {
            true => self.0.show(Group::Block, &[Line::plain("held back"), Line::default()]),
            false => Ok(()),
        }
    }

    fn bytes(&mut self) -> io::Result<()> {
        self.0.show(Group::Block, &[Line::plain("bytes")])?;
        self.0.show(Group::Block, &vec![Line::plain("more"); 12])
    }
}

struct Test {
    desk: Desk,
    now: Instant,
    seq: u64,
}

impl Test {
    fn new(auto: bool) -> Self {
        Self::with(auto, Vec::new())
    }

    fn with(auto: bool, earlier: Vec<Track>) -> Self {
        let make: Make = Box::new(|columns, sheets| Box::new(Words(sheets, columns, false)));
        let size = Size { columns: 80, rows: 24 };
        let tempo = Tempo { auto, speed: 1.0, slowly: true };
        Self { desk: Desk::new(make, size, tempo, earlier), now: Instant::now(), seq: 0 }
    }

    fn happens(&mut self, kind: Kind) -> &mut Self {
        self.seq += 1;
        self.desk.happened(Arc::new(Event { seq: Seq(self.seq), at: Elapsed::default(), kind }));
        self
    }

    fn words(&mut self, text: &str) -> &mut Self {
        self.happens(Kind::World { what: "say".into(), id: None, text: text.into() })
    }

    fn step(&mut self, n: u64) -> &mut Self {
        self.happens(Kind::Step { lesson: "x".into(), n, of: 3, title: String::new() })
    }

    fn stops(&mut self, step: u64) -> oneshot::Receiver<Go> {
        let (answer, go) = oneshot::channel();
        self.desk.ask(Asked::Stop(Stop { step, of: 3, words: 10, shown: Seq(self.seq) }, answer));
        go
    }

    fn asks(&mut self) -> oneshot::Receiver<Reply> {
        let (answer, reply) = oneshot::channel();
        self.desk.ask(Asked::Question(Asking { choices: 3, words: 5, shown: Seq(self.seq) }, answer));
        reply
    }

    fn press(&mut self, key: Key) -> Effect {
        self.desk.key(key).expect("a desk takes everything")
    }

    /// All that is shown without waiting.
    fn shown(&mut self) -> String {
        let mut shown = Vec::new();
        while let Next::Show(lines) = self.desk.next(self.now).expect("a desk takes everything") {
            shown.extend(lines.iter().map(Line::text));
        }
        shown.join(",")
    }

    fn after(&mut self, ms: u64) -> String {
        self.now += Duration::from_millis(ms);
        self.shown()
    }
}

#[test]
fn rows_come_one_each_400_ms_and_all_at_once_when_asked() {
    let mut test = Test::new(false);
    test.step(1).words("a").words("b").words("c").words("d");
    assert_eq!(test.shown(), "step 1,a in 80");
    assert_eq!(test.after(399), "");
    assert_eq!(test.after(1), "b in 80");
    test.press(Key::Next);
    assert_eq!(test.shown(), "c in 80,d in 80");
    // What comes later in the same step is not held back either; after the stop it is again.
    test.words("e");
    assert_eq!(test.shown(), "e in 80");
    let mut go = test.stops(1);
    test.shown();
    test.press(Key::Next);
    assert_eq!(go.try_recv(), Ok(Go::On));
    test.words("f").words("g");
    assert_eq!(test.shown(), "f in 80");
}

#[test]
fn a_page_has_fourteen_rows_and_breaks_before_what_belongs_together() {
    let mut test = Test::new(false);
    test.step(1).words("1|2|3|4|5|6|7|8|9|10").words("one|two|three|four").words("last");
    assert_eq!(test.shown(), "step 1,1,2,3,4,5,6,7,8,9,10");
    assert!(test.desk.prompt().full);
    assert_eq!(test.after(1_000_000), "");
    test.press(Key::Next);
    assert_eq!(test.shown(), "one,two,three,four,last in 80");
}

#[test]
fn more_than_a_page_is_divided() {
    let mut test = Test::new(false);
    let long: Vec<String> = (1..=30).map(|n| n.to_string()).collect();
    test.words(&long.join("|"));
    let mut pages = Vec::new();
    for _ in 0..3 {
        pages.push(test.shown().split(',').count());
        test.press(Key::Next);
    }
    assert_eq!(pages, [14, 14, 2]);
}

#[test]
fn keys_typed_ahead_are_thrown_away_and_q_is_not() {
    let mut test = Test::new(false);
    test.step(1);
    test.shown();
    assert!(
        [Key::Next, Key::Back, Key::Again, Key::Number(1)]
            .map(|key| test.press(key))
            .iter()
            .all(|it| *it == Effect::None)
    );
    let mut go = test.stops(1);
    assert_eq!(test.shown(), "");
    assert!(go.try_recv().is_err());
    test.press(Key::Quit);
    assert_eq!(go.try_recv(), Ok(Go::Quit));
    let mut other = Test::new(false);
    other.step(1);
    assert_eq!(other.press(Key::Quit), Effect::Leave);
}

#[test]
fn what_was_not_shown_when_one_leaves_is_not_shown_any_more() {
    let mut test = Test::new(false);
    test.step(1).words("a").words("b").words("c");
    test.shown();
    test.press(Key::Quit);
    test.words("closing").words("closed");
    test.desk.end().expect("a desk takes everything");
    assert_eq!(test.shown(), "closing in 80,closed in 80");
    assert_eq!(test.desk.next(test.now).expect("a desk takes everything"), Next::End);
}

#[test]
fn back_shows_the_step_again_then_the_one_before_and_space_returns() {
    let mut test = Test::new(false);
    test.step(1).words("a|");
    let mut go = test.stops(1);
    test.shown();
    test.press(Key::Next);
    assert_eq!(go.try_recv(), Ok(Go::On));
    test.step(2).words("b|");
    let mut go = test.stops(2);
    assert_eq!(test.shown(), "step 2,b,");
    test.press(Key::Back);
    assert_eq!(test.shown(), ", Recorded: nothing is sent again.,step 2,b,");
    test.press(Key::Back);
    assert_eq!(test.shown(), ", Recorded: nothing is sent again.,step 1,a,");
    test.press(Key::Back);
    assert_eq!(test.shown(), ", Recorded: nothing is sent again.,step 1,a,");
    test.press(Key::Next);
    assert_eq!(test.shown(), "step 2,b,");
    assert!(go.try_recv().is_err());
    test.press(Key::Next);
    assert_eq!(go.try_recv(), Ok(Go::On));
    test.step(3);
    assert_eq!(test.shown(), "step 3");
}

#[test]
fn what_happens_meanwhile_waits_until_one_is_back() {
    let mut test = Test::new(false);
    test.step(1).words("a|");
    let mut go = test.stops(1);
    test.shown();
    test.press(Key::Back);
    test.shown();
    test.words("a guest|");
    assert_eq!(test.shown(), "");
    test.press(Key::Next);
    assert_eq!(test.shown(), "a guest,");
    assert!(go.try_recv().is_err());
    test.press(Key::Next);
    assert_eq!(go.try_recv(), Ok(Go::On));
}

/// Three steps were played, and the third is over.
fn three() -> (Test, oneshot::Receiver<Go>) {
    let mut test = Test::new(false);
    for n in 1..=2 {
        test.step(n).words(&format!("{n}|"));
        let _go = test.stops(n);
        test.shown();
        test.press(Key::Next);
    }
    test.step(3).words("3|");
    let go = test.stops(3);
    test.shown();
    (test, go)
}

#[test]
fn again_is_the_step_that_is_shown_and_nothing_else_is_shown_before_it() {
    let (mut test, mut go) = three();
    for _ in 0..3 {
        test.press(Key::Back);
        test.shown();
    }
    test.press(Key::Again);
    assert_eq!(go.try_recv(), Ok(Go::Again(1)));
    test.words("the old world ends");
    test.desk.end().expect("a desk takes everything");
    assert_eq!(test.shown(), "");
}

#[test]
fn while_the_lesson_works_one_can_look_back_and_return() {
    let mut test = Test::new(false);
    test.step(1).words("a|");
    let _go = test.stops(1);
    test.shown();
    test.press(Key::Next);
    test.step(2).words("1|2|3|4|5|6|7|8|9|10|11").words("one|two|three|four");
    assert!(test.shown().ends_with("11"));
    // The lesson has not stopped yet; its page is full.
    test.press(Key::Back);
    assert!(test.shown().contains("step 2,1,"));
    test.press(Key::Back);
    assert!(test.shown().contains("step 1,a"));
    assert!(test.desk.prompt().rests);
    test.press(Key::Next);
    assert!(test.shown().starts_with("step 2,1,"));
    test.press(Key::Next);
    assert_eq!(test.shown(), "one,two,three,four");
}

#[test]
fn what_was_to_come_is_shown_also_if_it_ends_while_one_looks_back() {
    let mut test = Test::new(false);
    test.step(1).words("1|2|3|4|5|6|7|8|9|10|11|12").words("one|two|three|four");
    test.shown();
    test.press(Key::Back);
    test.shown();
    test.words("what went wrong|");
    test.desk.end().expect("a desk takes everything");
    assert_eq!(test.shown(), "one,two,three,four,what went wrong,,finished");
}

#[test]
fn before_the_first_step_back_shows_what_stands_there() {
    let mut test = Test::new(false);
    test.words("1|2|3|4|5|6|7").words("8|9|10|11|12|13").words("14|15").step(1);
    assert!(test.shown().ends_with("13"));
    test.press(Key::Back);
    assert!(test.shown().starts_with(", Recorded: nothing is sent again.,1,2,"));
    test.press(Key::Next);
    test.shown();
    test.press(Key::Next);
    assert!(test.shown().contains("14,15,step 1"), "nothing is left out");
}

#[test]
fn after_a_step_ran_again_one_can_still_go_back_to_those_before_it() {
    let (mut test, mut go) = three();
    test.press(Key::Back);
    test.shown();
    test.press(Key::Back);
    test.shown();
    test.press(Key::Again);
    assert_eq!(go.try_recv(), Ok(Go::Again(2)));
    let tracks = test.desk.into_tracks();
    let mut test = Test::with(false, tracks);
    test.step(2).words("2 again|");
    let mut go = test.stops(2);
    assert_eq!(test.shown(), ",step 2,2 again,", "after a gap");
    for expected in ["step 2,2 again,", "step 1,1,", "step 1,1,"] {
        test.press(Key::Back);
        assert_eq!(test.shown(), format!(", Recorded: nothing is sent again.,{expected}"));
    }
    // What comes after it is what ran last.
    test.press(Key::Next);
    assert_eq!(test.shown(), "step 2,2 again,");
    assert!(go.try_recv().is_err());
    test.press(Key::Next);
    assert_eq!(go.try_recv(), Ok(Go::On));
    test.step(3).words("3 again|");
    assert_eq!(test.shown(), "step 3,3 again,");
}

/// The bytes are of no event: what they interrupt was shown.
#[test]
fn back_from_the_middle_of_the_bytes_leaves_nothing_out() {
    for key in [Key::Bytes, Key::Help] {
        let (mut test, mut go) = three();
        test.press(key);
        // Not looked at yet.
        test.desk.resize(Size { columns: 80, rows: 5 });
        test.shown();
        test.press(Key::Back);
        test.desk.resize(Size { columns: 80, rows: 24 });
        assert!(test.shown().contains("step 3,3,"));
        test.press(Key::Next);
        assert_eq!(test.shown(), "");
        assert_eq!(go.try_recv(), Ok(Go::On));
    }
}

#[test]
fn on_a_full_page_bytes_and_keys_come_before_the_rest() {
    let mut test = Test::new(false);
    test.step(1).words("1|2|3|4|5|6|7|8|9|10|11").words("one|two|three|four");
    test.shown();
    test.press(Key::Bytes);
    assert!(test.shown().starts_with("bytes,more"));
    test.press(Key::Next);
    assert_eq!(test.shown(), "one,two,three,four");
}

#[test]
fn by_itself_it_also_waits_at_what_is_recorded() {
    let (mut test, mut go) = three();
    for _ in 0..2 {
        test.press(Key::Back);
        test.shown();
    }
    test.press(Key::Auto);
    test.shown();
    // 2 s and 0.4 s a row at least.
    assert_eq!(test.after(3_000), "");
    assert_eq!(test.after(3_000), "step 3,3,");
    assert!(go.try_recv().is_err());
    test.after(100_000);
    assert_eq!(go.try_recv(), Ok(Go::On));
}

#[test]
fn questions_are_answered_by_a_key_that_is_a_choice_or_skipped() {
    let mut test = Test::new(false);
    test.step(1);
    let mut reply = test.asks();
    test.shown();
    test.press(Key::Number(4));
    assert!(reply.try_recv().is_err());
    test.press(Key::Number(2));
    assert_eq!(reply.try_recv(), Ok(Reply::Chosen(2)));
    assert_eq!(test.desk.prompt().said, Some(2));
    let mut reply = test.asks();
    test.shown();
    test.press(Key::Next);
    assert_eq!(reply.try_recv(), Ok(Reply::Skipped));
    let mut reply = test.asks();
    test.shown();
    test.press(Key::Again);
    assert_eq!(reply.try_recv(), Ok(Reply::Left(Go::Again(1))));
}

#[test]
fn by_itself_it_waits_as_long_as_one_reads() {
    let mut test = Test::new(true);
    test.step(1);
    // 2 s and 0.4 s a word.
    let mut go = test.stops(1);
    test.shown();
    test.after(5_999);
    assert!(go.try_recv().is_err());
    test.after(1);
    assert_eq!(go.try_recv(), Ok(Go::On));
    test.press(Key::Faster);
    let mut go = test.stops(2);
    test.shown();
    test.after(3_000);
    assert_eq!(go.try_recv(), Ok(Go::On));
    // By hand again: it waits for ever.
    test.press(Key::Auto);
    let mut go = test.stops(2);
    test.shown();
    test.after(1_000_000);
    assert!(go.try_recv().is_err());
}

#[test]
fn after_resizing_it_is_drawn_for_the_new_width() {
    let mut test = Test::new(false);
    test.step(1).words("a").words("b").words("c");
    assert_eq!(test.shown(), "step 1,a in 80");
    test.desk.resize(Size { columns: 60, rows: 24 });
    // One was drawn already, and waits.
    assert_eq!(test.after(400), "b in 80");
    assert_eq!(test.after(400), "c in 60");
}

#[test]
fn what_a_view_holds_back_is_drawn_when_it_is_quiet() {
    let mut test = Test::new(false);
    test.words("held back");
    assert_eq!(test.shown(), "");
    assert_eq!(test.after(249), "");
    assert_eq!(test.after(1), "held back,");
    // Once, also where it is drawn anew.
    test.desk.resize(Size { columns: 60, rows: 24 });
    test.words("a");
    assert_eq!(test.after(1_000), "a in 60");
}

#[test]
fn bytes_and_keys_are_shown_where_somebody_may_press_them() {
    let mut test = Test::new(false);
    test.step(1);
    test.shown();
    test.press(Key::Bytes);
    assert_eq!(test.shown(), "");
    let _go = test.stops(1);
    test.shown();
    test.press(Key::Bytes);
    assert!(test.shown().starts_with("bytes,more"));
    test.press(Key::Help);
    assert!(test.shown().contains("go on"));
}
