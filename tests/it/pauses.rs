//! A pause lasts as long as the teacher talks. Nothing in the program closes a connection, or sends on it, because of
//! that: every stop of every built-in lesson is held for 90 s, all at once, each in a run of its own.

use std::future::Future;
use std::pin::Pin;
use std::thread;
use std::time::Duration;

use wsdemo::lesson::library::Library;
use wsdemo::lesson::pace::{Go, Pacer, Stop, Working};
use wsdemo::timeline::{Bus, Event, Kind};

use crate::facts;
use crate::players::{Unseen, one_thread, parsed, play};

const PAUSE: Duration = Duration::from_secs(90);

/// Pauses at one stop only.
struct Talking {
    /// The step that would begin then.
    before: u64,
    bus: Bus,
    /// What was told during the pause.
    during: Option<Vec<Event>>,
}

impl Talking {
    async fn wait(&mut self, stop: Stop) -> Go {
        if stop.next == self.before {
            let begin = self.bus.last();
            tokio::time::sleep(PAUSE).await;
            self.during = Some(self.bus.after(begin).iter().map(|event| Event::clone(event)).collect());
        }
        Go::On
    }
}

impl Pacer for Talking {
    fn pause(&mut self, stop: Stop) -> Pin<Box<dyn Future<Output = Go> + Send + '_>> {
        Box::pin(self.wait(stop))
    }

    fn working(&mut self, _: &str, _: Duration) -> Box<dyn Working> {
        Box::new(Unseen)
    }
}

#[test]
#[ignore = "takes two minutes, run by scripts/test"]
fn nothing_happens_while_the_teacher_talks() {
    let library = Library::default();
    let stops: Vec<(String, u64)> = library
        .names()
        .flat_map(|name| {
            let steps = parsed(&name, &library.find(&name).unwrap().text).steps.len() as u64;
            (2..=steps).map(move |before| (name.clone(), before))
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

/// What went wrong with a pause before that step.
fn talk(name: &str, before: u64) -> Vec<String> {
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
    wrong.iter().map(|wrong| format!("{name}, pause before step {before}: {wrong}")).collect()
}

fn is_fact(kind: &Kind) -> bool {
    facts::conn_of(kind).is_some() || matches!(kind, Kind::Heard { .. } | Kind::World { .. })
}
