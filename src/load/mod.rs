//! Many clients at once: one process that serves, one that visits, and what both cost.

mod histogram;

pub use histogram::{Counted, Histogram};
