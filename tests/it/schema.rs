//! `docs/summary.schema.json` documents the `summary` for programs that read it: what is printed is valid against it, and what is
//! not like it is not.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::harness;

static SCHEMA: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../docs/summary.schema.json")).unwrap());

/// The keywords that the schema may use: all that are understood here (JSON Schema 2020-12), so that none is passed over.
const KEYWORDS: [&str; 14] = [
    "$schema",
    "title",
    "description",
    "$defs",
    "$ref",
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "anyOf",
    "enum",
    "const",
    "minimum",
];

/// What is wrong with a value, with its place; nothing where it is valid.
pub fn wrong(value: &Value) -> Vec<String> {
    validate(&SCHEMA, value, "")
}

fn validate(schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let rules = schema.as_object().unwrap();
    rules.iter().flat_map(|(keyword, rule)| keep_to(schema, (keyword, rule), value, at)).collect()
}

/// One keyword of a schema.
fn keep_to(schema: &Value, (keyword, rule): (&str, &Value), value: &Value, at: &str) -> Vec<String> {
    let tell = |wrong: bool, what: String| Vec::from_iter(wrong.then(|| format!("{at}: {what}: {value}")));
    let list = || rule.as_array().unwrap().iter();
    match keyword {
        "$schema" | "title" | "description" | "$defs" => Vec::new(),
        "$ref" => validate(resolve(rule.as_str().unwrap()), value, at),
        "type" => tell(!is_of_type(rule.as_str().unwrap(), value), format!("no {rule}")),
        "const" => tell(rule != value, format!("not {rule}")),
        "enum" => tell(list().all(|one| one != value), format!("not one of {rule}")),
        "minimum" => {
            tell(value.as_f64().is_some_and(|it| it < rule.as_f64().unwrap()), format!("less than {rule}"))
        }
        "required" => {
            let lacks =
                |name: &&Value| value.as_object().is_some_and(|it| !it.contains_key(name.as_str().unwrap()));
            list().filter(lacks).flat_map(|name| tell(true, format!("no {name}"))).collect()
        }
        "additionalProperties" => {
            assert_eq!(rule, false, "nothing else is understood here");
            let known = schema["properties"].as_object().unwrap();
            let names = value.as_object().into_iter().flat_map(|it| it.keys());
            let unknown = names.filter(|name| !known.contains_key(*name));
            unknown.flat_map(|name| tell(true, format!("{name:?} is unknown"))).collect()
        }
        "properties" => {
            let fields = rule.as_object().unwrap().iter();
            let there = fields.filter_map(|(name, rule)| Some((name, rule, value.get(name)?)));
            there.flat_map(|(name, rule, value)| validate(rule, value, &format!("{at}/{name}"))).collect()
        }
        "items" => {
            let items = value.as_array().into_iter().flatten().enumerate();
            items.flat_map(|(n, item)| validate(rule, item, &format!("{at}/{n}"))).collect()
        }
        "anyOf" => {
            let tried: Vec<_> = list().map(|one| validate(one, value, at)).collect();
            if tried.iter().any(Vec::is_empty) { Vec::new() } else { tried.concat() }
        }
        keyword => panic!("{keyword} is not understood here"),
    }
}

fn resolve(reference: &str) -> &'static Value {
    let pointer = reference.strip_prefix('#').unwrap();
    SCHEMA.pointer(pointer).unwrap_or_else(|| panic!("nothing is at {reference}"))
}

fn is_of_type(name: &str, value: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        "integer" => value.is_u64() || value.is_i64(),
        other => panic!("{other} is no type"),
    }
}

/// The summary of a short run.
fn summary() -> &'static Value {
    static SUMMARY: LazyLock<Value> = LazyLock::new(|| {
        let run = harness::json(&["compare", "--events", "2", "--every", "200ms", "--poll", "300ms"]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
        run.lines.into_iter().rfind(|line| line["kind"] == "summary").unwrap()
    });
    &SUMMARY
}

#[test]
fn what_a_compare_prints_is_what_the_schema_says() {
    assert_eq!(wrong(summary()), Vec::<String>::new());
    assert_eq!(summary()["transports"].as_array().unwrap().len(), 3);
}

/// Many clients, each transport in processes of its own; and what is computed from that.
#[test]
fn what_many_clients_print_is_too() {
    let args = ["compare", "--only", "sse,websocket", "--clients", "60", "--events", "2", "--every", "300ms"];
    let run = harness::json(&[&args[..], &["--cheers", "2", "--scale", "1000x1h"]].concat());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let summary = run.lines.iter().rfind(|line| line["kind"] == "summary").unwrap();
    assert_eq!(wrong(summary), Vec::<String>::new());
    assert_eq!(summary["clients"], 60);
    assert!(
        summary["transports"][0]["memory"].is_u64() && summary["scaled"]["transports"][1]["cpu"].is_number()
    );
}

/// Every object of the schema says what each of its fields is, needs all of them and knows no others.
#[test]
fn the_schema_documents_every_field() {
    fn look(schema: &Value, at: &str, is_field: bool) {
        let Some(rules) = schema.as_object() else { panic!("{at} is no schema") };
        for keyword in rules.keys() {
            assert!(KEYWORDS.contains(&keyword.as_str()), "{at}: {keyword}");
        }
        let said = schema["description"].as_str().unwrap_or_default();
        assert!(!is_field || said.len() > 10, "{at} is not described");
        if let Some(fields) = schema.get("properties").and_then(Value::as_object) {
            assert_eq!(schema["additionalProperties"], false, "{at}");
            let mut required: Vec<_> =
                schema["required"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
            required.sort_unstable();
            let mut names: Vec<_> = fields.keys().map(String::as_str).collect();
            names.sort_unstable();
            assert_eq!(required, names, "{at}");
            fields.iter().for_each(|(name, field)| look(field, &format!("{at}/{name}"), true));
        }
        for one in schema.get("anyOf").and_then(Value::as_array).into_iter().flatten() {
            look(one, &format!("{at}/anyOf"), false);
        }
        if let Some(items) = schema.get("items") {
            look(items, &format!("{at}/items"), false);
        }
        if let Some(reference) = schema.get("$ref") {
            resolve(reference.as_str().unwrap());
        }
    }
    assert_eq!(SCHEMA["$schema"], "https://json-schema.org/draft/2020-12/schema");
    look(&SCHEMA, "", false);
    for (name, schema) in SCHEMA["$defs"].as_object().unwrap() {
        look(schema, &format!("/$defs/{name}"), true);
    }
}

/// Each place in the summary where something may be changed.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| places(value, &format!("{at}/{name}"), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, value)| places(value, &format!("{at}/{n}"), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn what_is_not_like_it_is_not_valid() {
    let mut all = Vec::new();
    places(summary(), "", &mut all);
    assert!(all.len() > 50, "{all:?}");
    for place in &all {
        let changed = |change: &dyn Fn(&mut Value)| {
            let mut summary = summary().clone();
            change(summary.pointer_mut(place).unwrap());
            wrong(&summary)
        };
        // A wrong type, and a number that cannot be.
        assert_ne!(changed(&|it| *it = json!({"not": "so"})), Vec::<String>::new(), "{place}");
        if summary().pointer(place).unwrap().is_number() {
            assert_ne!(changed(&|it| *it = json!(-1)), Vec::<String>::new(), "{place}");
            assert_ne!(changed(&|it| *it = json!("1")), Vec::<String>::new(), "{place}");
        }
        if let Some(fields) = summary().pointer(place).unwrap().as_object() {
            assert_ne!(changed(&|it| it["more"] = json!(1)), Vec::<String>::new(), "{place}");
            for name in fields.keys() {
                let without = |it: &mut Value| drop(it.as_object_mut().unwrap().remove(name));
                assert_ne!(changed(&without), Vec::<String>::new(), "{place} without {name}");
            }
        }
    }
}

#[test]
fn what_only_some_runs_have_is_documented_too() {
    let mut full = summary().clone();
    full["partial"] = json!(true);
    full["clients"] = json!(1000);
    full["scaled"] = json!({"clients": 10_000, "seconds": 3600.0, "transports": [
        {"name": "sse", "connections": 1e4, "requests": 1e4, "bytes": 1.5e9, "cpu": 12.5, "memory": null}
    ]});
    let transport = &mut full["transports"][0];
    transport["reached_after"] = json!({"median": 0.1, "p99": 0.2, "worst": 0.3});
    transport["delays"] = json!([{"after": 0.1234, "count": 3}]);
    transport["time_wait"] = json!({"client": 0, "server": 10});
    (transport["cpu"], transport["memory"]) = (json!(0.25), json!(9_000));
    (transport["failed"], transport["heard_after"]) = (json!("the connection was reset"), Value::Null);
    assert_eq!(wrong(&full), Vec::<String>::new());
    full["scaled"]["transports"][0]["name"] = json!("pigeon");
    full["transports"][0]["delays"][0]["count"] = json!(0);
    let told = wrong(&full);
    for place in ["/scaled/transports/0/name: ", "/transports/0/delays/0/count: "] {
        assert!(told.iter().any(|told| told.starts_with(place)), "{place} is not in {told:?}");
    }
}
