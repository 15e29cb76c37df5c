//! Whether bytes that come in pieces are UTF-8.

/// Follows a text from its first byte; holds at most the three bytes of a character that has not ended.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Utf8 {
    begun: [u8; 4],
    len: usize,
    broken: bool,
}

impl Utf8 {
    /// Takes the next bytes.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) {
        while !self.broken && self.len > 0 {
            let Some((&byte, rest)) = bytes.split_first() else { return };
            bytes = rest;
            // Never beyond four: four bytes are a character or an error.
            self.begun[self.len] = byte;
            self.len += 1;
            match std::str::from_utf8(&self.begun[..self.len]) {
                Ok(_) => self.len = 0,
                Err(error) => self.broken = error.error_len().is_some(),
            }
        }
        if self.broken {
            return;
        }
        if let Err(error) = std::str::from_utf8(bytes) {
            let rest = &bytes[error.valid_up_to()..];
            self.broken = error.error_len().is_some();
            if !self.broken {
                self.begun[..rest.len()].copy_from_slice(rest);
                self.len = rest.len();
            }
        }
    }

    /// Whether all that came is UTF-8 and ends with a whole character.
    pub(super) fn is_whole(&self) -> bool {
        !self.broken && self.len == 0
    }
}

/// As much of UTF-8 text as `bytes` hold when they are its first bytes, cut where a character ends.
pub(super) fn cut(mut bytes: Vec<u8>) -> Option<String> {
    if let Err(error) = std::str::from_utf8(&bytes) {
        bytes.truncate(error.valid_up_to());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_agrees_with_the_standard_library(bytes: Vec<u8>, text in ".{0,20}", at: prop::sample::Index, size in 1usize..6) {
            let mut mixed = text.clone().into_bytes();
            mixed.splice(at.index(mixed.len() + 1).., bytes.iter().copied());
            for bytes in [bytes.as_slice(), text.as_bytes(), &mixed] {
                let mut utf8 = Utf8::default();
                bytes.chunks(size).for_each(|piece| utf8.feed(piece));
                prop_assert_eq!(utf8.is_whole(), std::str::from_utf8(bytes).is_ok());
            }
        }
    }
}
