//! The three paces of a lesson: keys at a terminal, pauses long enough to read, none.

use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::lesson::pace::{Asking, Go, Pacer, Reply, Stop, Working};
use crate::terminal::{How, Key, Keys, ProgressLine, Status};
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
                let prompt = format!("[{}/{}] Space next · q quit", stop.step, stop.of);
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

    fn ask(&mut self, asking: Asking) -> Pin<Box<dyn Future<Output = Reply> + Send + '_>> {
        let _ = asking;
        Box::pin(std::future::ready(Reply::Skipped))
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

/// How far something of a known length is: a bar on the status line. Where that may not be repainted, its name and
/// length, once.
struct Progress {
    bar: Option<ProgressBar>,
    telling: Option<JoinHandle<()>>,
    status: Status,
}

/// Shorter than this, it would only flicker.
const WORTH_TELLING: Duration = Duration::from_secs(1);
/// How often the bar moves.
const TICK: Duration = Duration::from_millis(200);

impl Progress {
    fn start(status: &Status, what: &str, time: Duration) -> Self {
        let (bar, telling) = match status.how() {
            _ if time < WORTH_TELLING => (None, None),
            How::Repainted => {
                let bar = bar(status, what, time);
                (Some(bar.clone()), Some(tokio::spawn(tick(bar, time))))
            }
            How::Lines => {
                let (status, text) = (status.clone(), format!("{what}, {} s", seconds(time)));
                // Below what was told before, which may still be on its way to the screen.
                let tell = async move {
                    tokio::time::sleep(TICK).await;
                    status.show(&text);
                };
                (None, Some(tokio::spawn(tell)))
            }
            How::Off => (None, None),
        };
        Self { bar, telling, status: status.clone() }
    }
}

/// A bar that has its looks before its length: from then on, whatever is set is drawn.
fn bar(status: &Status, what: &str, time: Duration) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {bar:24} {prefix}");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("##-");
    let line = Box::new(ProgressLine::new(status.clone()));
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::term_like(line))
        .with_style(style)
        .with_message(what.to_owned())
        .with_prefix(so_far(Duration::ZERO, time));
    bar.set_length(millis(time));
    bar
}

async fn tick(bar: ProgressBar, time: Duration) {
    let mut ticks = tokio::time::interval(TICK);
    loop {
        ticks.tick().await;
        let elapsed = bar.elapsed().min(time);
        bar.set_prefix(so_far(elapsed, time));
        bar.set_position(millis(elapsed));
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// `3 of 18.5 s`
fn so_far(elapsed: Duration, time: Duration) -> String {
    format!("{} of {} s", elapsed.as_secs(), seconds(time))
}

/// `10`, `18.5`
fn seconds(time: Duration) -> String {
    let text = format!("{:.1}", time.as_secs_f64());
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(telling) = &self.telling {
            telling.abort();
        }
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.status.clear();
    }
}

impl Working for Progress {}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("no panic holds it").write(buffer)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// What is written while something goes on for 18.5 s, looked at for a while.
    async fn written(how: How) -> String {
        let shared = Shared::default();
        let status = Status::over(Box::new(shared.clone()), how, 80);
        let progress = Progress::start(&status, "silence", Duration::from_millis(18_500));
        tokio::time::sleep(TICK * 2).await;
        drop(progress);
        let bytes = shared.0.lock().expect("no panic holds it").clone();
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[tokio::test]
    async fn the_bar_looks_from_the_first_as_it_does_later() {
        let text = written(How::Repainted).await;
        let (first, _) = text.trim_start_matches('\r').split_once("\x1b[K").expect("a line was drawn");
        assert_eq!(first, format!("silence {} 0 of 18.5 s", "-".repeat(24)));
        assert!(text.split("\x1b[K").all(|line| line.trim().is_empty() || line.ends_with(" of 18.5 s")));
    }

    #[tokio::test]
    async fn without_repainting_it_is_said_once() {
        assert_eq!(written(How::Lines).await, "silence, 18.5 s\n");
        assert_eq!(written(How::Off).await, "");
    }
}
