//! Beginnings that wait for another row of their connection: of one that only polled neither beginning nor end is a row. A client
//! that polls may take a connection for each request, and would fill the screen.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use std::{io, mem};

use super::row::Row;
use super::{Visit, Visitors};
use crate::terminal::Out;
use crate::timeline::{ConnId, Elapsed};

/// Whoever asks nothing for so long is shown, also where it is never quiet.
const LONGEST: Duration = Duration::from_millis(300);

/// What is known of beginnings beside their visits.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// All that are new, in order.
    new: VecDeque<(Elapsed, ConnId)>,
    /// Beginning and end of those that heard what is still held back: a row of theirs, unless others heard it too.
    gone: BTreeMap<ConnId, [Row; 2]>,
}

impl Visit {
    /// The beginning, where nothing was asked that tells what it is.
    fn unasked(&mut self) -> Option<Row> {
        self.opening.take_if(|_| self.requests == 0)
    }

    /// Nothing but polls came of it, and rows of their own tell of their packets.
    fn only_polled(&self) -> bool {
        self.requests > 0 && self.asked.is_empty() && self.empty.is_none() && !self.socket
    }
}

impl<O: Out> Visitors<O> {
    pub(super) fn opened(&mut self, conn: ConnId, opening: Row) {
        self.held.new.push_back((opening.at, conn));
        self.visits.insert(conn, Visit::begun(opening));
    }

    /// Whoever asked nothing for long is shown.
    pub(super) fn overdue(&mut self, at: Elapsed) -> io::Result<()> {
        while let Some((_, conn)) = self.held.new.pop_front_if(|(began, _)| at.since(*began) >= LONGEST) {
            if let Some(opening) = self.visits.get_mut(&conn).and_then(Visit::unasked) {
                self.row(&opening)?;
            }
        }
        Ok(())
    }

    /// All who asked nothing so far.
    pub(super) fn unasked(&mut self) -> Vec<Row> {
        self.held.new.clear();
        self.visits.values_mut().filter_map(Visit::unasked).collect()
    }

    /// A row, unless nothing was told of the connection.
    pub(super) fn end(&mut self, conn: ConnId, mut visit: Visit, ending: Row) -> io::Result<()> {
        match visit.opening.take() {
            Some(opening) if visit.only_polled() => {
                if self.chorus.is_heard_by(conn) {
                    self.held.gone.insert(conn, [opening, ending]);
                }
                Ok(())
            }
            opening => opening.iter().chain([&ending]).try_for_each(|row| self.row(row)),
        }
    }

    /// What the server said, within beginning and end of whom it alone was said to.
    pub(super) fn said(&mut self) -> Vec<Row> {
        let mut gone = mem::take(&mut self.held.gone);
        let (mut rows, mut endings) = (Vec::new(), Vec::new());
        for row in mem::take(&mut self.chorus).into_rows() {
            if let Some([opening, ending]) = row.conn.and_then(|conn| gone.remove(&conn)) {
                rows.push(opening);
                endings.push(ending);
            }
            rows.push(row);
        }
        rows.extend(endings);
        rows
    }
}
