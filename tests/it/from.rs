//! `--from STEP`: what comes before happens, and is not told; what comes then is as true as ever.

use std::thread;
use std::time::{Duration, Instant};

use wsdemo::lesson::library::{Library, STARTING_POINT};
use wsdemo::lesson::play::Flags;
use wsdemo::timeline::{Bus, Event, Kind, Role};

use crate::facts;
use crate::harness::{output, wsdemo};
use crate::players::{Played, Straight, one_thread, parsed, play_with};

fn play_from(name: &str, text: &str, from: u64) -> Played {
    let flags = Flags { from, ..Flags::default() };
    play_with(&one_thread(), &parsed(name, text), &Bus::new(), &mut Straight, flags)
}

fn is_story(event: &&Event) -> bool {
    matches!(
        &event.kind,
        Kind::Step { .. }
            | Kind::Predict { .. }
            | Kind::Answer { .. }
            | Kind::Claim(_)
            | Kind::Say { .. }
            | Kind::Summary { .. }
    )
}

/// What is wrong with the story of a lesson that began with this step.
fn wrong(played: &Played, from: u64) -> Vec<String> {
    let story: Vec<&Event> = played.events.iter().filter(is_story).collect();
    let mut wrong = Vec::new();
    if from > 1 {
        let skip = |event: &Event| match &event.kind {
            Kind::Say { role: Role::Skip, text, .. } => Some(text.clone()),
            _ => None,
        };
        let expected = match from - 1 {
            1 => "step 1 was played unseen".to_owned(),
            n => format!("steps 1 to {n} were played unseen"),
        };
        if story.get(1).and_then(|event| skip(event)) != Some(expected) {
            wrong.push(format!("not told that it was skipped: {:?}", story.get(1)));
        }
        if !story.get(2).is_some_and(|event| matches!(event.kind, Kind::Step { n, .. } if n == from)) {
            wrong.push(format!("the first that is told is {:?}", story.get(2)));
        }
    }
    for event in story {
        match &event.kind {
            Kind::Claim(claim) if claim.held == Some(false) => wrong.push(format!("{claim:?}")),
            Kind::Say { role: Role::Prose, text, .. } if text.contains(['{', '?']) => {
                wrong.push(text.clone())
            }
            _ => {}
        }
    }
    if played.outcome.broken > 0 {
        wrong.push(format!("{} broken", played.outcome.broken));
    }
    wrong
}

/// Each lesson that is played from each of its steps, all at once.
#[test]
fn every_step_can_be_the_first() {
    let library = Library::default();
    let built_in = |name: &str| (name.to_owned(), library.find(name).unwrap().text);
    let endings = ("endings".to_owned(), include_str!("lessons/endings.md").to_owned());
    let lessons = [built_in("http"), built_in("socket"), ("new".into(), STARTING_POINT.into()), endings];
    let wrong: Vec<String> = thread::scope(|scope| {
        let mut runs = Vec::new();
        for (name, text) in &lessons {
            for from in 1..=parsed(name, text).steps.len() as u64 {
                runs.push(scope.spawn(move || {
                    let played = play_from(name, text, from);
                    facts::sound(&played.events);
                    let wrong = wrong(&played, from);
                    wrong.into_iter().map(|it| format!("{name} from {from}: {it}")).collect::<Vec<_>>()
                }));
            }
        }
        assert!(runs.len() > 25);
        runs.into_iter().flat_map(|run| run.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn with_head(steps: &str) -> String {
    format!("---\ntitle: Mine\nsummary: Mine\n---\n\n{steps}")
}

#[test]
fn unseen_steps_take_no_time_and_ask_nothing_and_compare_nothing() {
    let text = with_head(
        "## One\n\n```wire\n! say \"x\"\n~ 100s\n= silence 100s\n= 5 connections\n```\n\n```predict\nWhat?\n- [x] a\n- [ ] b\n```\n\n\
         ```compare\ntransports: close\npoll: 100s\n100s server: x\n```\n\n## Two\n\nSent: {bytes}. Opened: {opened}.\n",
    );
    let began = Instant::now();
    let played = play_from("mine", &text, 2);
    assert!(began.elapsed() < Duration::from_secs(100));
    assert_eq!(played.outcome.broken, 0);
    let told: Vec<_> = played.events.iter().filter(is_story).collect();
    // Title, skip, step, prose.
    assert_eq!(told.len(), 4, "{told:?}");
    // What was not run was not measured.
    let Kind::Say { text, .. } = &told[3].kind else { panic!("{told:?}") };
    assert_eq!(text, "Sent: ?. Opened: 0.");
}

/// Prose about a time must stay true: the transcript that it is about takes its time.
#[test]
fn a_time_that_is_spoken_of_has_passed() {
    let text = with_head(
        "## One\n\n```wire\n! say \"x\"\n= silence 100s\n```\n\n## Two\n\n```wire\n! say \"x\"\n= silence 1s\n```\n\n## Three\n\n\
         {silence} of silence.\n",
    );
    let began = Instant::now();
    let played = play_from("mine", &text, 3);
    assert!((1..100).contains(&began.elapsed().as_secs()));
    let told = played
        .events
        .iter()
        .any(|event| matches!(&event.kind, Kind::Say { text, .. } if text == "1.0 s of silence."));
    assert!(told, "{:?}", played.events);
    assert!(!played.events.iter().any(|event| matches!(event.kind, Kind::Claim(_))));
}

#[test]
fn a_line_that_fails_unseen_is_told() {
    let text = with_head(
        "## One\n\n```wire\n> GET /api/messages\n> connection: close\n< 500\n```\n\n## Two\n\nWords.\n",
    );
    let played = play_from("mine", &text, 2);
    assert_eq!(played.outcome.broken, 1);
    let claims: Vec<_> = played
        .events
        .iter()
        .filter_map(|event| match &event.kind {
            Kind::Claim(claim) => Some((claim.line, claim.saw.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(claims, [(11, Some("response 200".to_owned()))]);
}

#[test]
fn all_commands_that_play_begin_where_they_are_told() {
    for (args, first) in [
        (&["http", "--from", "11"][..], "Step 11 of 11: Anna leaves"),
        (&["socket", "--from", "who closes"], "Step 12 of 12: Look inside: who closes TCP first"),
        (&["lesson", "http", "--from", "LEAVES"], "Step 11 of 11: Anna leaves"),
    ] {
        let output = output(wsdemo(args));
        let shown = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{args:?}: {shown}");
        let steps: Vec<_> = shown.lines().filter(|line| line.starts_with("Step ")).collect();
        assert_eq!(steps, [first], "{args:?}");
    }
    for (args, words) in [
        (
            &["compare", "--from", "3"][..],
            &["compare has no step \"3\"", "  2  The match", "wsdemo compare --from 2"][..],
        ),
        (
            &["lesson", "http", "--from", "zzz"],
            &["  1  The server waits", "11  Anna leaves", "lesson http --from 2"],
        ),
    ] {
        let output = output(wsdemo(args));
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(output.stdout.is_empty() && words.iter().all(|word| said.contains(word)), "{said}");
    }
}
