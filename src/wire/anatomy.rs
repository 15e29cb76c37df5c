//! The anatomy of a frame or a head, for display.
