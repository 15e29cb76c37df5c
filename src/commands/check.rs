//! `wsdemo lesson --check`: plays lessons unattended, all at the same time, each on a bus, a server and a thread of its own.

use std::collections::VecDeque;
use std::future::{Future, ready};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::interrupt::{Interrupt, interrupt};
use super::{cannot_start, runtime, write};
use crate::cli::lessons_folder;
use crate::failure::Failure;
use crate::lesson::diagnostic::Diagnostic;
use crate::lesson::library::{Library, Source};
use crate::lesson::pace::{Asking, Go, Pacer, Reply, Stop, Working};
use crate::lesson::parse::parse;
use crate::lesson::play::{Flags, PlayError, Player, Ports};
use crate::lesson::script::Lesson;
use crate::server::Servers;
use crate::tap::{Taps, kernel};
use crate::terminal::{self, Environment, Part, Status, safe};
use crate::timeline::{Bus, Kind, Seq};

/// The most lessons that are played at the same time.
const AT_ONCE: usize = 16;

/// A lesson to check.
struct Job {
    source: Source,
    lesson: Lesson,
}

/// How it went.
struct Checked {
    verdict: Verdict,
    held: usize,
    /// Claims about what cannot be seen on this system.
    not_visible: usize,
    comparisons: usize,
    took: Duration,
}

enum Verdict {
    Held,
    /// The line where there is one, and what happened.
    Failed(Option<usize>, String),
}

/// Lessons by name or file; none: all that there are.
pub(super) fn run(lessons: &[String]) -> Result<(), Failure> {
    let library = Library::new(lessons_folder());
    let names = if lessons.is_empty() { library.names().collect() } else { lessons.to_vec() };
    let jobs: Arc<[Job]> = read(&library, &names)?.into();
    kernel::raise_descriptor_limit();
    let environment = Environment::read();
    let status = Status::stderr(terminal::width(), environment.wants_plain(), !environment.is_utf8(), false);
    let runtime = runtime().map_err(cannot_start)?;
    let mut report = Report::new(&jobs, status.clone());
    let ended = runtime.block_on(report.follow(start(&jobs)));
    status.clear();
    match ended {
        Ok(Ended::Interrupted(by)) => Err(Failure::interrupted(by.code())),
        Ok(Ended::Checked) => match report.failed {
            0 => Ok(()),
            1 => Err(Failure::new("1 lesson failed")),
            failed => Err(Failure::new(format!("{failed} lessons failed"))),
        },
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::new(format!("cannot write: {error}"))),
    }
}

/// All of them parsed, or all that is wrong with any of them.
fn read(library: &Library, names: &[String]) -> Result<Vec<Job>, Failure> {
    let mut jobs = Vec::new();
    let mut wrong = Vec::new();
    for name in names {
        let job = library.find(name).map_err(Failure::from).and_then(|source| {
            let lesson = parse(&source.name, &source.file, &source.text)?;
            Ok(Job { source, lesson })
        });
        match job {
            Ok(job) => jobs.push(job),
            Err(failure) => wrong.push(failure),
        }
    }
    if wrong.is_empty() { Ok(jobs) } else { Err(Failure::all(wrong)) }
}

/// Sets threads to work; what comes back is a job's place and how it went.
fn start(jobs: &Arc<[Job]>) -> UnboundedReceiver<(usize, Checked)> {
    let (tell, told) = unbounded_channel();
    let waiting: Arc<Mutex<VecDeque<usize>>> = Arc::new(Mutex::new((0..jobs.len()).collect()));
    for _ in 0..jobs.len().min(AT_ONCE) {
        let (jobs, waiting, tell) = (Arc::clone(jobs), Arc::clone(&waiting), tell.clone());
        thread::spawn(move || work(&jobs, &waiting, &tell));
    }
    told
}

fn work(jobs: &[Job], waiting: &Mutex<VecDeque<usize>>, tell: &UnboundedSender<(usize, Checked)>) {
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    while let Some(place) = next() {
        let checked = jobs.get(place).map(|job| check(&job.lesson));
        // Nobody listens any more after a Ctrl-C.
        if checked.is_some_and(|checked| tell.send((place, checked)).is_err()) {
            return;
        }
    }
}

fn check(lesson: &Lesson) -> Checked {
    let began = Instant::now();
    let bus = Bus::new();
    let played = runtime().map(|runtime| runtime.block_on(play(lesson, &bus)));
    let mut checked =
        Checked { verdict: Verdict::Held, held: 0, not_visible: 0, comparisons: 0, took: began.elapsed() };
    let failed = |checked: &mut Checked, line, what| {
        if matches!(checked.verdict, Verdict::Held) {
            checked.verdict = Verdict::Failed(line, what);
        }
    };
    for event in bus.after(Seq(0)) {
        if let Kind::Summary(_) = &event.kind {
            checked.comparisons += 1;
        }
        let Kind::Claim(claim) = &event.kind else { continue };
        match claim.held {
            Some(true) => checked.held += 1,
            None => checked.not_visible += 1,
            Some(false) => {
                let expected = claim.expected.as_deref().unwrap_or(&claim.text);
                let saw = claim.saw.as_deref().unwrap_or("something else");
                let line = usize::try_from(claim.line).ok();
                failed(&mut checked, line, format!("expected {expected}, saw {saw}"));
            }
        }
    }
    match played {
        Ok(Ok(())) => {}
        Ok(Err(PlayError::Line { line, what })) => failed(&mut checked, Some(line), what),
        Ok(Err(error @ PlayError::Port(_))) => failed(&mut checked, None, error.to_string()),
        Err(error) => failed(&mut checked, None, format!("cannot start: {error}")),
    }
    checked
}

async fn play(lesson: &Lesson, bus: &Bus) -> Result<(), PlayError> {
    let flags = Flags { strict: true, ..Flags::default() };
    let taps = Taps::new(bus.clone());
    let mut pacer = Unattended;
    let player = Player::new(lesson, taps, Servers::default(), Ports::from(0), flags, &mut pacer).await?;
    player.play().await.map(drop)
}

/// Nobody is there to wait for.
struct Unattended;

impl Working for Unattended {}

impl Pacer for Unattended {
    fn pause(&mut self, _: Stop) -> Pin<Box<dyn Future<Output = Go> + Send + '_>> {
        Box::pin(ready(Go::On))
    }

    fn ask(&mut self, _: Asking) -> Pin<Box<dyn Future<Output = Reply> + Send + '_>> {
        Box::pin(ready(Reply::Skipped))
    }

    fn working(&mut self, _: &str, _: Duration) -> Box<dyn Working> {
        Box::new(Self)
    }
}

enum Ended {
    Checked,
    Interrupted(Interrupt),
}

/// Says how each went, in the order in which they were asked for, as soon as that can be said.
struct Report<'a> {
    jobs: &'a [Job],
    status: Status,
    checked: Vec<Option<Checked>>,
    /// How many were told.
    told: usize,
    failed: usize,
    /// Columns of the longest file name.
    widest: usize,
}

impl<'a> Report<'a> {
    fn new(jobs: &'a [Job], status: Status) -> Self {
        let widest = jobs.iter().map(|job| safe(&job.source.file).chars().count()).max().unwrap_or(0);
        let checked = jobs.iter().map(|_| None).collect();
        Self { jobs, status, checked, told: 0, failed: 0, widest }
    }

    async fn follow(&mut self, mut told: UnboundedReceiver<(usize, Checked)>) -> io::Result<Ended> {
        let mut interrupted = std::pin::pin!(interrupt());
        self.progress();
        loop {
            let next = tokio::select! {
                // First, so that it listens before anything is said that one could answer with Ctrl-C.
                biased;
                by = &mut interrupted => {
                    self.status.clear();
                    return self.rest("stopped", "not finished").map(|()| Ended::Interrupted(by));
                }
                next = told.recv() => next,
            };
            let Some((place, checked)) = next else {
                // Whoever did not report has panicked, which was told on stderr.
                self.status.clear();
                return self.rest("failed", "a mistake in wsdemo itself").map(|()| Ended::Checked);
            };
            if let Some(slot) = self.checked.get_mut(place) {
                *slot = Some(checked);
            }
            self.progress();
            self.tell()?;
        }
    }

    fn progress(&self) {
        let (of, done) = (self.jobs.len(), self.checked.iter().flatten().count());
        let lessons = if of == 1 { "lesson" } else { "lessons" };
        if done < of {
            self.status.show(Part::Work, &format!("checking {of} {lessons}: {done} done"));
        } else {
            self.status.clear();
        }
    }

    /// Those that are next and known.
    fn tell(&mut self) -> io::Result<()> {
        while let (Some(job), Some(Some(checked))) = (self.jobs.get(self.told), self.checked.get(self.told)) {
            let lines = lines(job, checked, self.widest);
            self.failed += usize::from(matches!(checked.verdict, Verdict::Failed(..)));
            self.told += 1;
            self.status.hide();
            write(&lines)?;
            self.status.unhide();
        }
        Ok(())
    }

    /// Those that are known, and of the others that they are not.
    fn rest(&mut self, word: &str, why: &str) -> io::Result<()> {
        loop {
            self.tell()?;
            let Some(job) = self.jobs.get(self.told) else { return Ok(()) };
            write(&[format!("{word:<8}{:<1$}  {why}", safe(&job.source.file), self.widest)])?;
            self.told += 1;
            self.failed += 1;
        }
    }
}

fn lines(job: &Job, checked: &Checked, widest: usize) -> Vec<String> {
    let file = safe(&job.source.file);
    match &checked.verdict {
        Verdict::Held => vec![format!("ok      {file:<widest$}  {}", checked.sum())],
        Verdict::Failed(None, what) => vec![format!("failed  {file}: {}", safe(what))],
        Verdict::Failed(Some(line), what) => {
            let head = format!("failed  {file}:{line}: {}", safe(what));
            let source = marked(job, *line).into_iter().map(|line| format!("        {line}"));
            std::iter::once(head).chain(source).collect()
        }
    }
}

impl Checked {
    /// `18 claims held, 1 not visible here, 12.3 s`
    fn sum(&self) -> String {
        let count = |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
        let mut sum = Vec::new();
        if self.held > 0 || self.comparisons == 0 {
            sum.push(count(self.held, "claim held", "claims held"));
        }
        if self.comparisons > 0 {
            sum.push(count(self.comparisons, "comparison", "comparisons"));
        }
        if self.not_visible > 0 {
            sum.push(format!("{} not visible here", self.not_visible));
        }
        sum.push(format!("{:.1} s", self.took.as_secs_f64()));
        sum.join(", ")
    }
}

/// The line that did not come true, without its remark.
fn marked(job: &Job, line: usize) -> Vec<String> {
    let Some(text) = line.checked_sub(1).and_then(|line| job.source.text.lines().nth(line)) else {
        return Vec::new();
    };
    let meant = text.find("  #").map_or(text, |remark| &text[..remark]).trim_end();
    let column = meant.chars().take_while(|c| c.is_whitespace()).count();
    let place = Diagnostic {
        file: job.source.file.clone(),
        line,
        column: column + 1,
        width: meant.chars().count() - column,
        message: String::new(),
        line_text: text.to_owned(),
        mend: String::new(),
    };
    place.marked().into()
}
