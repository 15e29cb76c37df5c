//! A pause lasts as long as the teacher talks. Nothing in the program closes a connection, or sends on it, because of
//! that: every stop of every built-in lesson is held for 90 s, all at once, each in a run of its own.

use std::future::Future;
use std::pin::Pin;
use std::thread;
use std::time::Duration;

use wsdemo::lesson::library::Library;
use wsdemo::lesson::pace::{Asking, Go, Pacer, Reply, Stop, Working};
use wsdemo::lesson::script::{Part, Step};
use wsdemo::timeline::{Bus, Event, Kind};

use crate::facts;
use crate::players::{Unseen, one_thread, parsed, play};

const PAUSE: Duration = Duration::from_secs(90);

/// Pauses at one stop only.
struct Talking {
    /// How many stops are left until then.
    before: usize,
    bus: Bus,
    /// What was told during the pause.
    during: Option<Vec<Event>>,
}

impl Talking {
    async fn wait<T>(&mut self, then: T) -> T {
        if self.before == 0 {
            let begin = self.bus.last();
            tokio::time::sleep(PAUSE).await;
            self.during = Some(self.bus.after(begin).iter().map(|event| Event::clone(event)).collect());
        }
        self.before = self.before.wrapping_sub(1);
        then
    }
}

impl Pacer for Talking {
    fn pause(&mut self, _: Stop) -> Pin<Box<dyn Future<Output = Go> + Send + '_>> {
        Box::pin(self.wait(Go::On))
    }

    fn ask(&mut self, _: Asking) -> Pin<Box<dyn Future<Output = Reply> + Send + '_>> {
        Box::pin(self.wait(Reply::Skipped))
    }

    fn working(&mut self, _: &str, _: Duration) -> Box<dyn Working> {
        Box::new(Unseen)
    }
}

#[test]
#[ignore = "takes two minutes, run by scripts/test"]
fn nothing_happens_while_the_teacher_talks() {
    let library = Library::default();
    let stops: Vec<(String, usize)> = library
        .names()
        .flat_map(|name| {
            let lesson = parsed(&name, &library.find(&name).unwrap().text);
            (0..lesson.steps.iter().map(stops_in).sum()).map(move |before| (name.clone(), before))
        })
        .collect();
    assert!(stops.len() > 15, "{stops:?}");
    let wrong: Vec<String> = thread::scope(|scope| {
        let talks: Vec<_> =
            stops.iter().map(|(name, before)| scope.spawn(move || talk(name, *before))).collect();
        talks.into_iter().flat_map(|talk| talk.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// At each question, and at the end unless a question is all that was new there.
fn stops_in(step: &Step) -> usize {
    let asks = |part: &Part| matches!(part, Part::Predict(_));
    step.parts.iter().filter(|part| asks(part)).count() + usize::from(!step.parts.last().is_some_and(asks))
}

/// What went wrong with a pause at the stop that has so many before it.
fn talk(name: &str, before: usize) -> Vec<String> {
    let lesson = parsed(name, &Library::default().find(name).unwrap().text);
    let bus = Bus::new();
    let mut pacer = Talking { before, bus: bus.clone(), during: None };
    let played = play(&one_thread(), &lesson, &bus, &mut pacer);
    let facts = pacer.during.expect("paused").into_iter().filter(|event| is_fact(&event.kind));
    let mut wrong: Vec<String> = facts.map(|event| format!("{event:?}")).collect();
    if played.outcome.broken > 0 {
        let claims = played
            .events
            .iter()
            .filter(|event| matches!(&event.kind, Kind::Claim(claim) if claim.held != Some(true)));
        wrong.extend(claims.map(|event| format!("{event:?}")));
    }
    facts::sound(&played.events);
    wrong.iter().map(|wrong| format!("{name}, pause after {before} stops: {wrong}")).collect()
}

fn is_fact(kind: &Kind) -> bool {
    facts::conn_of(kind).is_some() || matches!(kind, Kind::Heard { .. } | Kind::World { .. })
}
