//! Steps that are left out, because the lesson begins later: what of them is told all the same.

use crate::timeline::{Claim, Event, Kind, Role};

/// Whether what happens is of steps that are left out.
#[derive(Debug, Default)]
pub(super) struct Skipping(bool);

/// What of an event is told.
#[derive(Debug)]
pub(super) enum Told<'a> {
    /// All that there is to tell.
    All,
    /// Nothing: it only counts.
    Nothing,
    /// This, which did not hold: what is wrong is told, wherever it is.
    Wrong(&'a Claim),
}

impl Skipping {
    /// What follows is left out, until the first step.
    pub fn begin(&mut self) {
        self.0 = true;
    }

    /// What of the next event is told.
    pub fn told<'a>(&mut self, event: &'a Event) -> Told<'a> {
        self.0 &= !matches!(event.kind, Kind::Step { .. });
        if !self.0 || matches!(event.kind, Kind::Say { role: Role::Title, .. }) {
            return Told::All;
        }
        if let Kind::Claim(claim) = &event.kind
            && claim.held == Some(false)
        {
            return Told::Wrong(claim);
        }
        Told::Nothing
    }
}
