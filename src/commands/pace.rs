//! The three paces of a lesson: keys at a terminal, pauses long enough to read, none.

use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::lesson::pace::{Go, Pacer, Stop, Working};
use crate::terminal::{Key, Keys, ProgressLine, Status};
use crate::timeline::Seq;

/// What a lesson waits for at a stop.
pub(super) enum Pace {
    /// A key.
    Keys(KeyReader),
    /// Long enough to read, so many times faster.
    Auto(f64),
    /// Nothing.
    None,
}

/// Waits, once everything that was told is on the screen.
pub(super) struct Pacing {
    pub pace: Pace,
    pub status: Status,
    /// How far the view has drawn.
    pub drawn: watch::Receiver<Seq>,
}

impl Pacing {
    async fn wait(&mut self, stop: Stop) -> Go {
        if matches!(self.pace, Pace::None) {
            return Go::On;
        }
        // A view that is gone draws nothing more; whoever runs the lesson ends it.
        let _ = self.drawn.wait_for(|drawn| *drawn >= stop.shown).await;
        match &mut self.pace {
            Pace::None => Go::On,
            Pace::Auto(speed) => {
                tokio::time::sleep(time_to_read(stop.words).div_f64(*speed)).await;
                Go::On
            }
            Pace::Keys(keys) => {
                let prompt = format!("[{}/{}] Space next · q quit", stop.next - 1, stop.of);
                let key = keys.next(|| self.status.show(&prompt)).await;
                self.status.clear();
                if key == Key::Quit { Go::Quit } else { Go::On }
            }
        }
    }
}

fn time_to_read(words: usize) -> Duration {
    let words = u32::try_from(words).unwrap_or(u32::MAX);
    Duration::from_secs(2) + Duration::from_millis(400).saturating_mul(words)
}

impl Pacer for Pacing {
    fn pause(&mut self, stop: Stop) -> Pin<Box<dyn Future<Output = Go> + Send + '_>> {
        Box::pin(self.wait(stop))
    }

    fn working(&mut self, what: &str, time: Duration) -> Box<dyn Working> {
        Box::new(Progress::start(&self.status, what, time))
    }
}

/// Reads keys on a thread of its own: reading them blocks.
pub(super) struct KeyReader {
    asked: mpsc::Sender<Question>,
}

struct Question {
    /// What was typed ahead is thrown away: from now on a key counts.
    ready: oneshot::Sender<()>,
    answer: oneshot::Sender<Key>,
}

impl KeyReader {
    pub fn start(mut keys: Keys) -> Self {
        let (asked, questions) = mpsc::channel::<Question>();
        // Not joined: it may wait for a key that nobody presses any more. It ends with the process.
        thread::spawn(move || {
            for Question { ready, answer } in questions {
                let key = if keys.discard() {
                    Key::Quit
                } else {
                    let _ = ready.send(());
                    meaningful(&mut keys)
                };
                let _ = answer.send(key);
            }
        });
        Self { asked }
    }

    /// The next key that means something here. `prompt` is called when one may be pressed, and not before: what a
    /// quick hand pressed in between would be thrown away.
    async fn next(&mut self, prompt: impl FnOnce()) -> Key {
        let (ready, waits) = oneshot::channel();
        let (answer, key) = oneshot::channel();
        let _ = self.asked.send(Question { ready, answer });
        if waits.await.is_ok() {
            prompt();
        }
        key.await.unwrap_or(Key::Quit)
    }
}

fn meaningful(keys: &mut Keys) -> Key {
    loop {
        match keys.wait() {
            key @ (Key::Next | Key::Quit) => return key,
            Key::Number(_) | Key::Other => {}
        }
    }
}

/// A bar on the status line, for what has a known length.
struct Progress {
    bar: ProgressBar,
    ticking: JoinHandle<()>,
}

/// Shorter than this, a bar would only flicker.
const WORTH_A_BAR: Duration = Duration::from_secs(1);

impl Progress {
    fn start(status: &Status, what: &str, time: Duration) -> Self {
        let bar = if time < WORTH_A_BAR { ProgressBar::hidden() } else { status_bar(status) };
        bar.set_length(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        let style = ProgressStyle::with_template("{msg} {bar:24} {prefix}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("##-"));
        bar.set_message(what.to_owned());
        let ticked = bar.clone();
        let ticking = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(200));
            loop {
                ticks.tick().await;
                let elapsed = ticked.elapsed();
                ticked.set_prefix(format!("{} of {} s", elapsed.as_secs(), time.as_secs()));
                ticked.set_position(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX));
            }
        });
        Self { bar, ticking }
    }
}

fn status_bar(status: &Status) -> ProgressBar {
    let line = Box::new(ProgressLine::new(status.clone()));
    ProgressBar::with_draw_target(None, indicatif::ProgressDrawTarget::term_like(line))
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.ticking.abort();
        self.bar.finish_and_clear();
    }
}

impl Working for Progress {}
