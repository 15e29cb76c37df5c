//! A lesson's file to a [`super::script::Lesson`], or all its mistakes at once.
