//! Which messages a client knows. Ids come one after the other, so that thousands of them are a few ranges.

use std::ops::RangeInclusive;

/// A set of ids.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// In order, and never next to each other.
    ranges: Vec<RangeInclusive<u64>>,
}

impl Known {
    /// Whether it was not known before.
    pub fn insert(&mut self, id: u64) -> bool {
        // The first range that does not end before this id's neighbour.
        let at = self.ranges.partition_point(|range| range.end().saturating_add(1) < id);
        let Some(range) = self.ranges.get(at).cloned() else {
            self.ranges.push(id..=id);
            return true;
        };
        if range.contains(&id) {
            return false;
        }
        let (start, end) = range.into_inner();
        if id == end.saturating_add(1) {
            let next = self.ranges.get(at + 1).filter(|next| *next.start() == id.saturating_add(1)).cloned();
            self.ranges[at] = start..=next.as_ref().map_or(id, |next| *next.end());
            if next.is_some() {
                self.ranges.remove(at + 1);
            }
        } else if id.saturating_add(1) == start {
            self.ranges[at] = id..=end;
        } else {
            self.ranges.insert(at, id..=id);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_comes_one_after_the_other_is_one_range() {
        let mut known = Known::default();
        assert!((1..=5_000).all(|id| known.insert(id)));
        assert_eq!(known.ranges, [1..=5_000]);
        assert!(!known.insert(1) && !known.insert(5_000) && known.insert(0) && known.insert(u64::MAX));
        assert!(!known.insert(u64::MAX));
    }

    proptest! {
        #[test]
        fn it_is_a_set(ids in prop::collection::vec(0_u64..40, 0..200)) {
            let (mut known, mut set) = (Known::default(), HashSet::new());
            for id in ids {
                prop_assert_eq!(known.insert(id), set.insert(id));
            }
            prop_assert!(known.ranges.windows(2).all(|pair| pair[0].end() + 1 < *pair[1].start()));
        }
    }
}
