//! Lessons: Markdown that runs. A lesson is parsed and checked as a whole ([`parse`]), then played.

pub mod diagnostic;
pub mod library;
pub mod parse;
pub mod script;
