//! The whole program, from outside: one binary, one file per command or topic, one harness.
//!
//! `cargo test` runs what needs nothing but Rust. `scripts/test` runs everything.

#![expect(clippy::unwrap_used, reason = "in a test a panic is how one says that something is wrong")]

mod autobahn;
mod browser;
mod capture;
mod check;
mod closes;
mod compare;
mod doors;
mod emit;
mod engine;
mod events;
mod facts;
#[cfg(target_os = "linux")]
mod floods;
mod frames;
mod from;
mod harness;
mod hostile;
mod house;
mod http;
mod keys;
mod lesson;
mod limits;
mod load;
mod longpoll;
mod network;
mod notation;
mod origins;
mod packets;
mod page;
mod pauses;
mod peers;
mod players;
mod polling;
mod pty;
mod races;
mod react;
mod recorded;
mod rooms;
mod schema;
mod scoreboard;
mod serve;
mod shape;
mod socket;
mod socketio;
mod sockets;
mod strangers;
mod streams;
mod terminal;
mod tls;
mod transports;
mod tshark;
mod visitor;
