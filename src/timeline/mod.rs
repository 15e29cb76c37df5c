//! The core: what can be said about a run ([`Event`]), in which order and when ([`Bus`]), and what it adds up
//! to ([`State`]).
//!
//! Producers append to the bus; views only read from it. Only the bus stamps time and order.

mod bus;
mod event;
mod ids;
mod slices;
mod state;
mod summary;

pub use crate::wire::{Opcode, Side};
pub use bus::{Bus, Keep, Reader};
pub use event::{Choice, Claim, Data, Event, Frame, Head, Kind, Layer, Role, Show, Started, Who};
pub use ids::{ConnId, Elapsed, Seq};
pub use slices::{Slice, Slices};
pub use state::{Connection, Ending, State};
pub use summary::{Delays, Load, MadeOf, Once, Parts, Scaled, Spread, Summary, TimeWait, Transport};
