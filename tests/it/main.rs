//! The whole program, from outside: one binary, one file per command or topic, one harness.
//!
//! `cargo test` runs what needs nothing but Rust. `scripts/test` runs everything.

#![expect(clippy::unwrap_used, reason = "in a test a panic is how one says that something is wrong")]

mod autobahn;
mod capture;
mod check;
mod closes;
mod compare;
mod doors;
mod facts;
mod frames;
mod from;
mod harness;
mod house;
mod http;
mod keys;
mod lesson;
mod notation;
mod pauses;
mod players;
mod pty;
mod races;
mod recorded;
mod rooms;
mod shape;
mod socket;
mod sockets;
mod terminal;
mod tshark;
mod visitor;
