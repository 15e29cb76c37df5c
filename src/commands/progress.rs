//! How far something of a known length is, on the status line.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::task::JoinHandle;

use crate::lesson::pace::Working;
use crate::terminal::{self, How, Part, ProgressLine, Status};

/// How far something of a known length is: a bar on the status line. Where that may not be repainted, its name and
/// length, once.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    telling: Option<JoinHandle<()>>,
    status: Status,
}

/// Shorter than this, it would only flicker.
const WORTH_TELLING: Duration = Duration::from_secs(1);
/// Shorter than this, tenths of a second are told.
const SHORT: Duration = Duration::from_secs(4);
/// How often the bar moves.
const TICK: Duration = Duration::from_millis(200);

impl Progress {
    pub fn start(status: &Status, what: &str, time: Duration) -> Self {
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
                    status.show(Part::Work, &text);
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
    let style =
        ProgressStyle::with_template(&format!("{{msg}} {{bar:{}}} {{prefix}}", columns(terminal::width())));
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("##-");
    let line = Box::new(ProgressLine::new(status.clone()));
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::term_like(line))
        .with_style(style)
        .with_message(what.to_owned())
        .with_prefix(so_far(Duration::ZERO, time));
    bar.set_length(millis(time));
    bar
}

/// The bar gives way to the words around it.
fn columns(width: usize) -> usize {
    width.saturating_sub("[12/12] open 33 min 33 s · comparing  100 of 100.5 s".len()).clamp(4, 24)
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
    // Of a short time also a part of a second tells something.
    let whole = Duration::from_secs(elapsed.as_secs());
    let elapsed = if time < SHORT { elapsed } else { whole };
    format!("{} of {} s", seconds(elapsed), seconds(time))
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
        self.status.show(Part::Work, "");
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
        let (first, _) = text.trim_start_matches('\r').split_once("\x1b[J").expect("a line was drawn");
        assert_eq!(first, format!("silence {} 0 of 18.5 s", "-".repeat(24)));
        assert!(text.split("\x1b[J").all(|line| line.trim().is_empty() || line.ends_with(" of 18.5 s")));
    }

    #[tokio::test]
    async fn without_repainting_it_is_said_once() {
        assert_eq!(written(How::Lines).await, "silence, 18.5 s\n");
        assert_eq!(written(How::Off).await, "");
    }
}
