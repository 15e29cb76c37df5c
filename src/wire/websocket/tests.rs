use proptest::prelude::*;

use super::*;

/// Frames, and the bytes begun behind them or what was wrong.
type Read<T> = Result<(Vec<Frame>, u64), T>;

/// A frame's bytes, the length in its shortest form.
fn bytes(first: u8, key: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let masked = if key.is_some() { 0x80 } else { 0 };
    let mut bytes = vec![first];
    match payload.len() {
        len @ 0..126 => bytes.push(masked | len as u8),
        len @ 126..65536 => {
            bytes.push(masked | 126);
            bytes.extend((len as u16).to_be_bytes());
        }
        len => {
            bytes.push(masked | 127);
            bytes.extend((len as u64).to_be_bytes());
        }
    }
    bytes.extend(key.into_iter().flatten());
    let start = bytes.len();
    bytes.extend(payload);
    if let Some(key) = key {
        mask(&mut bytes[start..], key, 0);
    }
    bytes
}

fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Read<(Vec<Frame>, &'static str)> {
    let mut decoder = Decoder::new();
    let mut frames = Vec::new();
    for mut piece in pieces {
        loop {
            match decoder.next(&mut piece) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(why) => return Err((frames, why)),
            }
        }
        assert!(piece.is_empty(), "all is taken");
        assert!(decoder.held() <= 2 * KEPT, "{} held", decoder.held());
    }
    Ok((frames, decoder.begun()))
}

fn one(first: u8, payload: &[u8]) -> Frame {
    let bytes = bytes(first, None, payload);
    let (mut frames, begun) = read([&bytes[..]]).expect("frames");
    assert_eq!((frames.len(), begun), (1, 0));
    frames.remove(0)
}

#[test]
fn the_examples_of_the_rfc() {
    // RFC 6455, 5.7: text unmasked and masked, a fragmented text, a ping and its masked pong.
    let stream = b"\x81\x05Hello\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x01\x03Hel\x80\x02lo\
        \x89\x05Hello\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    let (frames, begun) = read([&stream[..]]).expect("frames");
    let told: Vec<_> = frames
        .iter()
        .map(|it| (it.header.opcode, it.header.fin, it.header.key.is_some(), it.text.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            (Opcode::Text, true, false, Some("Hello")),
            (Opcode::Text, true, true, Some("Hello")),
            (Opcode::Text, false, false, Some("Hel")),
            (Opcode::Continuation, true, false, Some("lo")),
            (Opcode::Ping, true, false, Some("Hello")),
            (Opcode::Pong, true, true, Some("Hello")),
        ]
    );
    let wire: u64 = frames.iter().map(|it| it.header.wire_len()).sum();
    assert_eq!((wire, begun), (stream.len() as u64, 0));
}

#[test]
fn a_continuation_is_what_it_continues() {
    let texts = |stream: &[(u8, &str)]| {
        let stream: Vec<u8> =
            stream.iter().flat_map(|(first, text)| bytes(*first, None, text.as_bytes())).collect();
        let (frames, _) = read([&stream[..]]).expect("frames");
        frames.into_iter().map(|it| it.text).collect::<Vec<_>>()
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        texts(&[(0x01, "a"), (0x89, "p"), (0x00, "b"), (0x80, "c"), (0x80, "d")]),
        [some("a"), some("p"), some("b"), some("c"), None]
    );
    assert_eq!(texts(&[(0x02, "a"), (0x80, "b")]), [None, None], "of binary");
    assert_eq!(texts(&[(0x41, "a"), (0x80, "b")]), [None, None], "of a compressed text");
}

#[test]
fn text_is_told_only_where_all_of_it_is() {
    assert_eq!(one(0x81, b"caf\xc3\xa9").text.as_deref(), Some("café"));
    assert_eq!(one(0x01, b"caf\xc3").text, None, "half a character");
    assert_eq!(one(0x81, b"").text.as_deref(), Some(""));
    assert_eq!(one(0x83, b"x").text, None, "reserved");
    let long = "é".repeat(KEPT);
    let frame = one(0x81, format!("x{long}").as_bytes());
    let text = frame.text.expect("text");
    assert_eq!((text.len(), frame.truncated), (KEPT - 1, true), "cut where a character ends");
    let frame = one(0x81, &[long.as_bytes(), b"\xff"].concat());
    assert_eq!((frame.text, frame.truncated), (None, false), "wrong far behind the cut");
    assert!(!one(0x81, "x".repeat(KEPT).as_bytes()).truncated);
}

#[test]
fn a_close_and_what_it_says() {
    let told = |payload: &[u8]| {
        let frame = one(0x88, payload);
        (frame.code, frame.reason, frame.text)
    };
    assert_eq!(told(b""), (None, None, None));
    assert_eq!(told(b"\x03"), (None, None, None));
    assert_eq!(told(b"\x03\xe8"), (Some(1000), Some("".into()), None));
    assert_eq!(told(b"\x0f\xa0bye"), (Some(4000), Some("bye".into()), None));
    let long = one(0x88, &[&b"\x03\xe8"[..], &[b'x'; 200]].concat());
    assert_eq!((long.reason.map(|it| it.len()), long.truncated), (Some(CONTROL - 2), true));
}

#[test]
fn a_length_of_64_bits_is_refused_and_one_of_63_is_only_a_number() {
    let (frames, why) = read([&b"\x82\x7f\x80"[..]]).expect_err("too long");
    assert_eq!((frames.len(), why), (0, "a payload length of more than 63 bits"));
    assert_eq!(read([&b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xffabc"[..]]), Ok((vec![], 13)));
    // A length in more bytes than it needs is against 5.2, but there is no doubt where the frame ends.
    let (frames, _) = read([&b"\x81\xfe\x00\x01\x00\x00\x00\x00a"[..]]).expect("a frame");
    assert_eq!((frames[0].text.as_deref(), frames[0].header.wire_len()), (Some("a"), 9));
}

fn made() -> impl Strategy<Value = (u8, Option<[u8; 4]>, Vec<u8>)> {
    let payload = prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..200),
        4 => ".{0,60}".prop_map(String::into_bytes),
        1 => (prop::sample::select(vec![125, 126, 127, 4095, 4096, 4097, 65535, 65536]), any::<u8>())
            .prop_map(|(len, byte)| vec![byte; len]),
    ];
    (any::<u8>(), any::<Option<[u8; 4]>>(), payload)
}

proptest! {
    #[test]
    fn any_split_gives_the_same_frames(stream in prop::collection::vec(any::<u8>(), 0..300), size in 1usize..40) {
        let whole = read([&stream[..]]);
        prop_assert_eq!(&read(stream.chunks(size)), &whole);
        if let Ok((frames, begun)) = whole {
            let wire: u64 = frames.iter().map(|it| it.header.wire_len()).sum();
            prop_assert_eq!(wire + begun, stream.len() as u64);
        }
    }

    #[test]
    fn what_was_made_is_what_is_read(made in prop::collection::vec(made(), 1..5), size in 1usize..5000) {
        let stream: Vec<u8> = made.iter().flat_map(|(first, key, payload)| bytes(*first, *key, payload)).collect();
        let (frames, begun) = read(stream.chunks(size)).expect("frames");
        prop_assert_eq!((frames.len(), begun), (made.len(), 0));
        let mut rest = &stream[..];
        for (frame, (first, key, payload)) in frames.iter().zip(&made) {
            let Header { fin, rsv, opcode, key: found, len, size, .. } = frame.header;
            prop_assert_eq!((fin, rsv), (first & 0x80 != 0, first >> 4 & 7));
            prop_assert_eq!((opcode, found, len), (Opcode::from_bits(*first), *key, payload.len() as u64));
            if opcode == Opcode::Text && rsv == 0 {
                let kept = std::str::from_utf8(payload).ok().map(|text| &text[..text.floor_char_boundary(KEPT)]);
                prop_assert_eq!(frame.text.as_deref(), kept);
                prop_assert_eq!(frame.truncated, kept.is_some() && payload.len() > KEPT);
            }
            let wire_len = size + payload.len();
            prop_assert_eq!(frame.header.wire_len(), wire_len as u64);
            let taken = crate::wire::anatomy::frame(&rest[..wire_len]).expect("one whole frame");
            prop_assert_eq!((&*taken.plain, taken.overhead()), (&payload[..], size));
            prop_assert!(key.is_none() || taken.unmasking().map(|(_, _, plain)| plain).eq(payload.iter().copied()));
            rest = &rest[wire_len..];
        }
    }
}
