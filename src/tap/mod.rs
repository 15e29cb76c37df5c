//! The tap: sits on a connection's stream and tells the timeline what crosses it.
//!
//! Layers, from the outside in: kernel, [`Tap`], [`Gate`], the added [`Network`], TLS, hyper; together a [`Stream`]. What the tap
//! says is what a packet capture would say; who hung up first is asked of the kernel at the moment of shutting down, never
//! guessed.

#[cfg(target_os = "linux")]
mod diag;
mod gate;
pub mod kernel;
mod layers;
mod network;
mod registry;
mod stream;
mod watch;

pub use gate::Gate;
pub use layers::Stream;
pub use network::{Network, Stall};
pub use registry::{Control, Looking, Taps, Totals};
pub use stream::Tap;
