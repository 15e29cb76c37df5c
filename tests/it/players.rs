//! Plays lessons inside of the test: many at once, each on a bus and a port of its own.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use wsdemo::lesson::pace::{Asking, Go, Pacer, Reply, Stop, Working};
use wsdemo::lesson::parse::parse;
use wsdemo::lesson::play::{Flags, Outcome, Player, Ports};
use wsdemo::lesson::script::Lesson;
use wsdemo::server::Servers;
use wsdemo::tap::Taps;
use wsdemo::timeline::{Bus, Event, Seq};

/// Goes on at once.
pub struct Straight;

/// Shows nothing of what is under way.
pub struct Unseen;

impl Working for Unseen {}

impl Pacer for Straight {
    fn pause(&mut self, _: Stop) -> Pin<Box<dyn Future<Output = Go> + Send + '_>> {
        Box::pin(std::future::ready(Go::On))
    }

    fn ask(&mut self, _: Asking) -> Pin<Box<dyn Future<Output = Reply> + Send + '_>> {
        Box::pin(std::future::ready(Reply::Skipped))
    }

    fn working(&mut self, _: &str, _: Duration) -> Box<dyn Working> {
        Box::new(Unseen)
    }
}

/// What was told, and how it went.
pub struct Played {
    pub outcome: Outcome,
    pub events: Vec<Event>,
}

/// As the program runs: one thread does it all, in the order in which it is told.
pub fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// As with clients elsewhere: both ends run at the same time.
pub fn two_threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

pub fn parsed(name: &str, text: &str) -> Lesson {
    parse(name, &format!("{name}.md"), text).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// Plays a lesson to its end.
pub fn play(runtime: &Runtime, lesson: &Lesson, bus: &Bus, pacer: &mut dyn Pacer) -> Played {
    play_with(runtime, lesson, bus, pacer, Flags::default())
}

/// The same, with flags.
pub fn play_with(
    runtime: &Runtime,
    lesson: &Lesson,
    bus: &Bus,
    pacer: &mut dyn Pacer,
    flags: Flags,
) -> Played {
    let taps = Taps::new(bus.clone());
    let playing = async {
        let player = Player::new(lesson, taps, Servers::default(), Ports::from(0), flags, pacer).await;
        player.unwrap().play().await.unwrap()
    };
    let outcome = runtime.block_on(playing);
    let events = bus.after(Seq(0)).into_iter().map(Arc::unwrap_or_clone).collect();
    Played { outcome, events }
}
