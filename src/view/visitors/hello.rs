//! How far a client came with TLS, as far as its records tell without a key (RFC 8446, 5.1).

/// Ends what both sides say in the open, before TLS 1.3.
const CHANGE_CIPHER_SPEC: u8 = 20;
const HANDSHAKE: u8 = 22;
/// In TLS 1.3 also whatever of the handshake is encrypted.
const APPLICATION_DATA: u8 = 23;

/// The shortest encrypted Finished of TLS 1.3: header, SHA-256, type, tag. An alert that takes its place is shorter.
const FINISHED: usize = 4 + 32 + 1 + 16;

/// A record's type, version and length.
const HEADER: usize = 5;

/// The client's records, as they come.
#[derive(Debug, Default)]
pub(super) struct Hello {
    header: Vec<u8>,
    /// Bytes of the record that are still to come.
    rest: usize,
    changed: bool,
    finished: bool,
    /// The first byte of all, where it is no record of a handshake.
    other: bool,
    begun: bool,
}

impl Hello {
    pub fn feed(&mut self, mut bytes: &[u8]) {
        // Only how it begins matters, and looking at every byte of a long visit would cost.
        while !self.finished && !self.other && !bytes.is_empty() {
            let skipped = self.rest.min(bytes.len());
            self.rest -= skipped;
            bytes = &bytes[skipped..];
            let taken = (HEADER - self.header.len()).min(bytes.len());
            self.header.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            self.other |= !self.begun && self.header.first().is_some_and(|first| *first != HANDSHAKE);
            self.begun = true;
            if let &[kind, _, _, high, low] = self.header.as_slice() {
                self.rest = usize::from(u16::from_be_bytes([high, low]));
                self.record(kind);
                self.header.clear();
            }
        }
    }

    fn record(&mut self, kind: u8) {
        match kind {
            CHANGE_CIPHER_SPEC => self.changed = true,
            APPLICATION_DATA => self.finished |= self.rest >= FINISHED,
            // A second hello, which TLS 1.3 may ask for, is longer.
            HANDSHAKE => self.finished |= self.changed && self.rest <= 64,
            _ => {}
        }
    }

    /// Whether it began as TLS does.
    pub fn is_one(&self) -> bool {
        self.begun && !self.other
    }

    /// Of one who asked nothing.
    pub fn words(&self) -> &'static str {
        match self {
            Self { finished: true, .. } => "nothing asked",
            Self { begun: true, other: false, .. } => "TLS handshake not finished",
            _ => "no TLS handshake",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u8, len: u16) -> Vec<u8> {
        let mut record = vec![kind, 3, 3];
        record.extend(len.to_be_bytes());
        record.resize(record.len() + usize::from(len), 7);
        record
    }

    #[test]
    fn how_far_it_came_is_told_however_the_bytes_arrive() {
        let (hello, change) = (record(22, 512), record(20, 1));
        for (records, words) in [
            (vec![], "no TLS handshake"),
            (vec![b"GET / HTTP/1.1\r\n\r\n".to_vec()], "no TLS handshake"),
            (vec![hello.clone()], "TLS handshake not finished"),
            (vec![hello.clone(), change.clone(), record(22, 498)], "TLS handshake not finished"),
            (vec![hello.clone(), change.clone(), record(23, 19)], "TLS handshake not finished"),
            (vec![hello.clone(), change.clone(), record(23, 53)], "nothing asked"),
            (vec![hello.clone(), record(22, 37), change.clone(), record(22, 40)], "nothing asked"),
        ] {
            for size in [1, 3, 4096] {
                let mut it = Hello::default();
                records.concat().chunks(size).for_each(|bytes| it.feed(bytes));
                assert_eq!(it.words(), words, "{size}");
            }
        }
    }
}
