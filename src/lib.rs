//! wsdemo shows the difference between an HTTP connection and a WebSocket, from the bytes on the wire.
//!
//! What happens in one run, in order:
//!
//! 1. [`cli`] says what was typed; [`commands`] puts the other rooms together.
//! 2. A [`lesson`] is parsed as a whole, then played: its transcripts are the script, the narration and the test.
//! 3. The [`server`] opens its doors on one port; the lesson's [`client`]s connect to it, as anybody else may.
//! 4. The [`tap`] around each accepted stream sees every byte, FIN and reset; [`wire`] says what the bytes mean.
//! 5. All of that, and the story, is appended to one [`timeline`].
//! 6. A [`view`] on a thread of its own reads the timeline and draws it, through [`terminal`].
//! 7. What goes wrong on the way becomes a message, a hint and an exit code in [`failure`].

pub mod cli;
pub mod client;
pub mod commands;
pub mod failure;
pub mod lesson;
pub mod load;
pub mod server;
pub mod tap;
pub mod terminal;
pub mod timeline;
pub mod view;
pub mod wire;
