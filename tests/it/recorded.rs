//! The recordings that the snapshots of the views are drawn from.

use wsdemo::lesson::library::Library;
use wsdemo::lesson::script::{Part, Step};
use wsdemo::timeline::{Event, Kind, Role};

use crate::facts;
use crate::players::parsed;

/// What a view is told of a lesson, apart from what is measured.
fn told(events: &[Event]) -> Vec<String> {
    let told = events.iter().filter_map(|event| match &event.kind {
        Kind::Step { title, .. } => Some(title.clone()),
        Kind::Say { role: Role::Wire | Role::Compare, text, .. } => Some(text.clone()),
        Kind::Predict { text, .. } => Some(text.clone()),
        _ => None,
    });
    told.collect()
}

fn written(step: &Step) -> Vec<String> {
    let parts = step.parts.iter().filter_map(|part| match part {
        Part::Wire(wire) => Some(wire.text.clone()),
        Part::Compare(workload) => Some(workload.text.clone()),
        Part::Predict(question) => Some(question.text.clone()),
        _ => None,
    });
    std::iter::once(step.title.clone()).chain(parts).collect()
}

/// A recording of a lesson that has changed since shows what nobody sees any more.
#[test]
fn the_recordings_are_of_the_lessons_as_they_are() {
    for name in ["http", "socket", "compare", "socketio", "react"] {
        let recording = std::fs::read_to_string(format!("tests/recordings/{name}.jsonl")).unwrap();
        let events: Vec<Event> =
            recording.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect();
        facts::sound(&events);
        let lesson = parsed(name, &Library::default().find(name).unwrap().text);
        let parts: Vec<String> = lesson.steps.iter().flat_map(written).collect();
        assert_eq!(told(&events), parts, "run scripts/record, and look at the snapshots");
    }
}
