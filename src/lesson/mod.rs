//! Lessons: Markdown that runs. A lesson is parsed and checked as a whole ([`parse`]), then played ([`play`]).

pub mod diagnostic;
mod expects;
mod front;
pub mod library;
mod markdown;
pub mod pace;
mod page;
pub mod parse;
pub mod play;
mod predict;
mod scope;
pub mod script;
mod sends;
mod statements;
pub mod template;
mod transcript;
mod values;
pub mod workload;
