//! What is wrong with a lesson: where, and how to mend it.
