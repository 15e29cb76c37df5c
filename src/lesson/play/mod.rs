//! Plays a lesson: does what its transcripts say, tells its story, and holds its claims against the facts.
//!
//! [`Player`] goes through the steps; `transcript` does the lines of a `wire` fence; `expect` compares a message with what was expected
//! of it; `claims` checks statements; `measured` fills numbers into prose; `skip` plays what comes before the step to begin with; `needs` is
//! what a lesson needs before it begins.
//!
//! A workload: `changes` is what flags change in it, `ahead` what cannot go well; `compare` runs it with one client on each transport, which
//! `tally` adds up, `crowds` with many; `scale` computes it for others; `haste` ends it early.

mod ahead;
mod changes;
mod claims;
mod compare;
mod crowds;
mod expect;
mod haste;
mod measured;
mod needs;
mod player;
mod scale;
mod skip;
mod socketio;
mod stage;
mod tally;
mod transcript;

pub use ahead::{Hopeless, Instead, look_ahead};
pub use changes::{Changes, Scale};
use haste::Listening;
pub use player::{Flags, Outcome, PlayError, Player, Predictions};

pub use haste::Haste;
pub use stage::{PortError, Ports, Stage};
