//! Many clients at once: one process that serves, one that visits, and what both cost.
//!
//! [`run`] starts both from this program and passes on between them; [`serve`] and [`visit`] are what they do. Nothing is observed byte
//! by byte: the server's tap counts connections and bytes, the clients count what they do, so that the server's processor time and memory
//! are those of a server.

mod clients;
mod histogram;
mod lines;
mod own;
mod run;
mod server;
mod words;

pub use clients::visit;
pub use histogram::{Counted, Histogram};
pub use run::{LoadError, Report, Spec, run};
pub use server::serve;
pub use words::{Served, Visited};
