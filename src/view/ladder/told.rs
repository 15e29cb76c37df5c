//! The lesson's remarks, and the rows that they belong to.

use super::{Ladder, Remark, Row, Shape};
use crate::timeline::Side;
use crate::view::parcels::Parcel;

/// What the server says, or what happens instead where a connection ends.
const DISCONNECT: &str = "disconnect";

/// A remark whose row is still to come.
#[derive(Debug)]
pub(super) struct Told {
    /// Whose row; empty for what happens in the world.
    pub client: String,
    pub from: Option<Side>,
    /// Only the row of this packet is meant.
    pub packet: Option<String>,
    pub text: String,
}

impl Ladder {
    /// With the lesson's remark, where it wrote one for this client and direction.
    pub(super) fn lesson(&mut self, row: Row) -> Row {
        let direction = match row.shape {
            Shape::Solid(side) | Shape::Broken(side) => Some(side),
            Shape::Dotted(_) | Shape::Beside(_) | Shape::Across | Shape::Within(_) => None,
        };
        // At other doors events come without packets, in frames; those of a stream have rows of their own.
        let framed = |conn| self.state.get(conn).is_some_and(|it| it.upgraded.is_some());
        let plain = row.conn.is_none_or(|conn| !self.within.carries(conn) && framed(conn));
        let (conn, client) = (row.conn, row.client.clone());
        let meant = |told: &Told| {
            let free = told.packet.as_ref().is_none_or(|packet| plain && packet.starts_with("event "));
            free && match (conn, direction) {
                (Some(_), Some(side)) => {
                    client.as_ref() == Some(&told.client) && told.from.is_none_or(|from| from == side)
                }
                (None, _) => told.client.is_empty() && told.from.is_none(),
                (Some(_), None) => false,
            }
        };
        self.take(row, meant)
    }

    /// With what the lesson wrote for this packet.
    pub(super) fn of_packet(&mut self, row: Row, from: Side, parcel: &Parcel) -> Row {
        let client = row.client.clone();
        self.take(row, |told| {
            client.as_ref() == Some(&told.client)
                && told.from == Some(from)
                && told.packet.as_ref().is_some_and(|packet| parcel.is_called(packet))
        })
    }

    /// With what the lesson wrote for this block of a stream of events.
    pub(super) fn of_block(&mut self, row: Row, called: &str) -> Row {
        let client = row.client.clone();
        self.take(row, |told| {
            client.as_ref() == Some(&told.client)
                && told.from == Some(Side::Server)
                && told.packet.as_deref() == Some(called)
        })
    }

    /// With what the lesson wrote for a client that is disconnected: its connection ends, and no packet said so.
    pub(super) fn ends(&mut self, row: Row) -> Row {
        let client = row.client.clone();
        self.take(row, |told| {
            client.as_ref() == Some(&told.client)
                && told.from == Some(Side::Server)
                && told.packet.as_deref() == Some(DISCONNECT)
        })
    }

    /// The first that is meant; one that is there stays.
    fn take(&mut self, row: Row, meant: impl Fn(&Told) -> bool) -> Row {
        if row.remark.is_some() {
            return row;
        }
        let Some(at) = self.told.iter().position(meant) else { return row };
        let remark = self.told.remove(at).map(|told| Remark { text: told.text, told: true });
        Row { remark, ..row }
    }
}
