//! Views: each draws the timeline its own way, over a writer that it is given.
