//! One file a door.

pub(super) mod messages;
pub(super) mod websocket;
