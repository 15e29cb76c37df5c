//! The lessons that are built in, and how a file or a folder of one's own overrides them.
