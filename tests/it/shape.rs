//! The JSON is a contract: which fields each kind has, and no others. The table is that of the design.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use crate::harness::Run;
use crate::schema;

/// Of each kind: the fields that are always there, and those that may be.
const FIELDS: [(&str, &str, &str); 19] = [
    ("opened", "conn client server", "name"),
    ("bytes", "conn from len layer data", ""),
    ("request", "conn exchange method target headers head_len", ""),
    ("response", "conn exchange status headers head_len", ""),
    ("message_end", "conn from exchange body_len wire_len complete", ""),
    ("upgraded", "conn protocol", ""),
    ("frame", "conn from fin opcode masked len wire_len", "text truncated code reason"),
    ("packet", "conn from layer type len", "event ack namespace text"),
    ("fin", "conn from", ""),
    ("closed", "conn first from_client from_server lived", "reset_by"),
    ("kernel", "conn side state", ""),
    ("world", "what text", "id"),
    ("heard", "client id after", "conn"),
    ("step", "lesson n of title", ""),
    ("say", "lesson role text", "detail show from packet lanes"),
    ("predict", "lesson text choices", ""),
    ("answer", "lesson right text", "because chosen"),
    ("claim", "text held evidence line", "remark expected saw"),
    ("summary", "seconds clients partial transports scaled", ""),
];

/// Every line has the fields of its kind, and says the same when it is read and written again.
pub fn check(run: &Run) {
    header(&run.header);
    for (line, event) in run.lines.iter().zip(&run.events) {
        let kind = line["kind"].as_str().unwrap();
        fields(kind, line, &["seq", "at", "kind"]);
        if kind == "summary" {
            assert_eq!(schema::wrong(line), Vec::<String>::new());
        }
        assert_eq!(&serde_json::to_value(event).unwrap(), line, "read and written again");
    }
}

fn header(header: &Value) {
    assert_eq!(names(header), set("wsdemo version started"));
    assert_eq!(header["wsdemo"], 1);
    assert_eq!(header["version"], env!("CARGO_PKG_VERSION"));
    let started = humantime::parse_rfc3339(header["started"].as_str().unwrap()).unwrap();
    assert!(started.elapsed().unwrap() < Duration::from_secs(24 * 60 * 60), "{header}");
}

fn fields(kind: &str, object: &Value, common: &[&str]) {
    let Some((_, always, maybe)) = FIELDS.iter().find(|(name, ..)| *name == kind) else {
        panic!("{kind:?} is not in the table: {object}");
    };
    let mut rest = names(object);
    for name in common.iter().copied().chain(always.split_whitespace()) {
        assert!(rest.remove(name), "no {name:?} in {object}");
    }
    let rest: BTreeSet<_> = rest.difference(&set(maybe)).copied().collect();
    assert!(rest.is_empty(), "{rest:?} is not in the table: {object}");
}

fn names(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

fn set(names: &str) -> BTreeSet<&str> {
    names.split_whitespace().collect()
}
