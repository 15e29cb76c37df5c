//! One file per door.

pub(super) mod echo;
pub(super) mod events;
pub(super) mod messages;
pub(super) mod page;
pub(super) mod socketio;
pub(super) mod websocket;
