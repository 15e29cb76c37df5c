//! `serve --tls`: https and wss with a certificate that was just made, and what the two taps tell of it.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ring::digest::{SHA256, digest};
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, ring as provider, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme, StreamOwned,
};
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Message, WebSocket};
use wsdemo::server::{Limits, Options, Tls};
use wsdemo::tap::Network;
use wsdemo::timeline::{ConnId, Kind, Layer, Opcode, Seq, Side, Who};

use crate::harness::{LIMIT, state};
use crate::serve::Serving;
use crate::visitor::{Host, Visitor};

type Stream = StreamOwned<ClientConnection, TcpStream>;

/// Trusts the one certificate that has this fingerprint, as a person does who compares it.
#[derive(Debug)]
struct Pinned(String, CryptoProvider);

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if fingerprint(certificate) == self.0 {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::UnknownIssuer.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.1.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.1.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.1.signature_verification_algorithms.supported_schemes()
    }
}

fn fingerprint(certificate: &[u8]) -> String {
    let hex: Vec<_> =
        digest(&SHA256, certificate).as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    hex.join(":")
}

fn pinned(fingerprint: &str) -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(provider::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Pinned(fingerprint.into(), provider::default_provider())))
        .with_no_client_auth()
}

fn connect(address: SocketAddr, config: ClientConfig) -> Stream {
    let name = ServerName::try_from("localhost").unwrap();
    let tls = ClientConnection::new(Arc::new(config), name).unwrap();
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    StreamOwned::new(tls, stream)
}

struct Secure {
    host: Host,
    tls: Tls,
}

fn start(options: Options) -> Secure {
    let tls = Tls::new().unwrap();
    Secure { host: Host::with(Options { tls: Some(tls.clone()), ..options }), tls }
}

impl Secure {
    fn connect(&self) -> Stream {
        connect(self.host.address, pinned(&self.tls.fingerprint()))
    }

    fn conn(&self, stream: &TcpStream) -> ConnId {
        let local = stream.local_addr().unwrap();
        self.host.find(|event| match &event.kind {
            Kind::Opened { conn, client, .. } if *client == local => Some(*conn),
            _ => None,
        })
    }

    /// Every byte of that side in that layer.
    fn bytes(&self, conn: ConnId, from: Side, layer: Layer) -> Vec<u8> {
        let events = self.host.bus.after(Seq(0));
        let bytes = events.iter().filter_map(|event| match &event.kind {
            Kind::Bytes { conn: of, from: side, layer: seen, data, .. }
                if (*of, *side, *seen) == (conn, from, layer) =>
            {
                Some(data.0.to_vec())
            }
            _ => None,
        });
        bytes.collect::<Vec<_>>().concat()
    }
}

fn ask(address: SocketAddr) -> String {
    format!("GET /api/messages HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")
}

#[test]
fn https_is_told_in_two_layers_that_are_never_summed() {
    let secure = start(Options::default());
    let mut stream = secure.connect();
    let request = ask(secure.host.address);
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    // An error, if no close_notify came before the FIN.
    stream.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n") && response.ends_with("\r\n\r\n[]"), "{response}");
    assert_eq!(stream.conn.alpn_protocol(), None, "it did not ask");
    let conn = secure.conn(&stream.sock);
    // The server's FIN comes just after its close_notify: who closes at once may be before it.
    assert_eq!(stream.sock.read(&mut [0; 1]).unwrap(), 0);
    stream.conn.send_close_notify();
    stream.flush().unwrap();
    drop(stream);
    let ending = secure.host.ending(conn);
    assert_eq!((ending.first, ending.reset_by), (Who::Server, None));

    assert_eq!(secure.bytes(conn, Side::Client, Layer::Tls), request.as_bytes());
    assert_eq!(secure.bytes(conn, Side::Server, Layer::Tls), response.as_bytes());
    let events = secure.host.bus.after(Seq(0));
    let sums = state(events.iter().map(|event| &**event)).get(conn).unwrap().clone();
    for (side, sum) in [(Side::Client, sums.from_client), (Side::Server, sums.from_server)] {
        let cipher = secure.bytes(conn, side, Layer::Tcp);
        assert_eq!(sum, cipher.len() as u64);
        assert_eq!(cipher[0], 0x16, "a handshake record");
        assert!(!cipher.windows(8).any(|bytes| bytes == b"HTTP/1.1"), "not in clear");
    }
    // The plaintext was understood, and once.
    let heads = events.iter().filter(|it| matches!(it.kind, Kind::Request { .. } | Kind::Response { .. }));
    assert_eq!(heads.count(), 2);
    let (closed, last) =
        (events.iter().position(|it| matches!(it.kind, Kind::Closed { .. })), events.len() - 1);
    assert_eq!(closed, Some(last), "nothing is told after the end");
}

#[test]
fn wss_is_a_socket_like_any_other_and_is_closed_in_order() {
    for rtt in [Duration::ZERO, Duration::from_millis(20)] {
        let secure = start(Options { network: Network { rtt, ..Network::default() }, ..Options::default() });
        let mut stream = secure.connect();
        let handshake = format!(
            "GET /ws HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            secure.host.address
        );
        stream.write_all(handshake.as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        assert!(head.starts_with(b"HTTP/1.1 101 "));
        let conn = secure.conn(&stream.sock);
        let mut ws = WebSocket::from_raw_socket(stream, Role::Client, None);
        // Longer than a record of TLS may be.
        let text = "x".repeat(40_000);
        let said = serde_json::json!({ "event": "message", "data": { "from": "anna", "text": text } });
        ws.send(Message::text(said.to_string())).unwrap();
        let Message::Text(heard) = ws.read().unwrap() else { panic!("no text") };
        let heard: serde_json::Value = serde_json::from_str(&heard).unwrap();
        assert_eq!(heard["data"]["text"], text);
        let stopped = std::thread::spawn(move || {
            let Message::Close(Some(frame)) = ws.read().unwrap() else { panic!("no close") };
            assert_eq!(u16::from(frame.code), 1001);
            while ws.read().is_ok() {}
            // Then TLS is closed: with close_notify, without which this is an error.
            let mut rest = Vec::new();
            ws.get_mut().read_to_end(&mut rest)?;
            // Who closes right at the close_notify may be before the server's FIN, which comes just after it.
            ws.get_mut().sock.read_to_end(&mut rest).map(|_| rest)
        });
        let began = Instant::now();
        secure.host.stop();
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        assert_eq!(stopped.join().unwrap().unwrap(), b"");
        let events = secure.host.bus.after(Seq(0));
        let frames = events.iter().filter(|event| {
            matches!(&event.kind, Kind::Frame(frame) if frame.conn == conn && frame.opcode == Opcode::Close)
        });
        assert_eq!(frames.count(), 2, "one each way, read from the plaintext");
        assert_eq!(secure.host.ending(conn).first, Who::Server);
    }
}

/// The names in it are right too, and so are its dates: it is verified like any other, given that it is trusted.
#[test]
fn the_certificate_is_valid_for_every_name_of_ours() {
    let secure = start(Options::default());
    let mut roots = RootCertStore::empty();
    roots.add(secure.tls.certificate().to_vec().into()).unwrap();
    for name in ["localhost", "127.0.0.1", "::1"] {
        let config = ClientConfig::builder_with_provider(Arc::new(provider::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        let name = ServerName::try_from(name).unwrap();
        let tls = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = StreamOwned::new(tls, TcpStream::connect(secure.host.address).unwrap());
        stream.write_all(ask(secure.host.address).as_bytes()).unwrap();
        stream.read_exact(&mut [0; 12]).unwrap();
        let served = stream.conn.peer_certificates().unwrap();
        assert_eq!(fingerprint(&served[0]), secure.tls.fingerprint());
    }
}

#[test]
fn http_1_1_is_the_only_protocol_that_is_agreed_on() {
    let secure = start(Options::default());
    let with = |protocols: &[&[u8]]| {
        let mut config = pinned(&secure.tls.fingerprint());
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        let mut stream = connect(secure.host.address, config);
        let flushed = stream
            .write_all(ask(secure.host.address).as_bytes())
            .and_then(|()| stream.read_exact(&mut [0; 4]));
        flushed.map(|()| stream.conn.alpn_protocol().map(<[u8]>::to_vec))
    };
    assert_eq!(with(&[b"h2", b"http/1.1"]).unwrap().as_deref(), Some(&b"http/1.1"[..]));
    assert!(with(&[b"h2"]).is_err());
}

#[test]
fn who_speaks_plain_http_is_told_where_he_is() {
    let secure = start(Options::default());
    let response = secure.host.ask("GET", "/api/messages", "", "");
    assert_eq!(response.status, 400);
    let wanted = format!("this port speaks TLS; try https://{}", secure.host.address);
    assert_eq!(response.problem(), wanted);
}

#[test]
fn a_handshake_that_does_not_come_is_not_waited_for() {
    let limit = Duration::from_millis(300);
    let secure =
        start(Options { limits: Limits { head_time: Some(limit), ..Limits::SOLO }, ..Options::default() });
    let began = Instant::now();
    // Nothing, a first byte, and a record that never ends.
    for begun in [&b""[..], b"\x16", b"\x16\x03\x01\x02\x00\x01"] {
        let mut visitor = Visitor::connect(&secure.host);
        visitor.send(begun);
        let conn = secure.host.conn(&visitor);
        assert_eq!(visitor.read_out().unwrap(), b"");
        assert!(began.elapsed() >= limit, "{:?}", began.elapsed());
        assert_eq!(secure.host.ending(conn).first, Who::Server);
    }
}

#[test]
fn what_is_no_tls_at_all_ends_only_its_own_connection() {
    let secure = start(Options::default());
    for garbage in [&[0x16; 64][..], b"\x16\x03\x01\xff\xff", &[0; 5], b"\x80\x2e\x01"] {
        let mut visitor = Visitor::connect(&secure.host);
        visitor.send(garbage);
        visitor.end_sending();
        // Whatever it is told, it ends; with a reset perhaps, since nobody reads what it said.
        let _: io::Result<Vec<u8>> = visitor.read_out();
    }
    let mut stream = secure.connect();
    stream.write_all(ask(secure.host.address).as_bytes()).unwrap();
    stream.read_exact(&mut [0; 12]).unwrap();
}

#[test]
fn the_program_prints_where_it_is_and_the_fingerprint_of_what_it_serves() {
    let serving = Serving::start(&["--tls"]);
    let halves: Vec<&str> = serving
        .greeting
        .iter()
        .map(|line| line.trim())
        .filter(|line| line.trim_end_matches(':').len() == 47 && line.matches(':').count() >= 15)
        .collect();
    let get = |target: &str| {
        let mut stream = connect(serving.address, pinned(&halves.concat()));
        stream.write_all(ask(serving.address).replace("/api/messages", target).as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
        response
    };
    get("/api/messages");
    let host = format!("https://{}", serving.address);
    assert!(serving.greeting.contains(&format!(" try        curl -k {host}/api/messages")));
    // As they work when pasted.
    let page = get("/");
    for command in ["<code>curl -k https://", "<code>curl -k -N https://", "<code>npx wscat -n -c wss://"] {
        assert!(page.contains(command), "{command}: {page}");
    }
}
