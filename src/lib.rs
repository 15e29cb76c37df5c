//! wsdemo shows the difference between an HTTP connection and a WebSocket from the bytes on the wire.

pub mod client;
pub mod lesson;
pub mod server;
pub mod tap;
pub mod terminal;
pub mod timeline;
pub mod view;
pub mod wire;
