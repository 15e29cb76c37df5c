//! Lessons: Markdown that runs. A lesson is parsed and checked as a whole ([`parse`]), then played ([`play`]).
//!
//! Adding a lesson: `lessons/NAME.md`, and its line in `library.rs`.

pub mod diagnostic;
pub mod library;
pub mod pace;
pub mod parse;
pub mod play;
pub mod script;
pub mod template;
