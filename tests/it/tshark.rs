//! A packet capture on loopback: what an outsider saw of each connection.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use wsdemo::timeline::{Side, Who};

use crate::harness::LIMIT;

/// A running capture of some ports.
pub struct Capture {
    tshark: Child,
    /// What it prints: a line for each packet, then what it says at the end.
    told: mpsc::Receiver<String>,
    file: PathBuf,
    /// Nobody listens here: a connection attempt is answered with a reset, and both are seen.
    probe: u16,
}

impl Capture {
    /// Captures `count` ports from `first` on; of these the last must stay free. Returns when it does capture.
    pub fn start(first: u16, count: u16, file: PathBuf) -> Self {
        let probe = first + count - 1;
        let mut tshark = Command::new("tshark")
            .args(["-i", "lo", "-n", "-l", "-P", "-f", &format!("tcp portrange {first}-{probe}"), "-w"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("tshark: {error}; scripts/test installs it"));
        let (tell, told) = mpsc::channel();
        let (stdout, stderr) = (tshark.stdout.take().unwrap(), tshark.stderr.take().unwrap());
        let tell_too = tell.clone();
        thread::spawn(move || {
            BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|l| tell.send(l))
        });
        thread::spawn(move || {
            BufReader::new(stderr).lines().map_while(Result::ok).try_for_each(|line| tell_too.send(line))
        });
        let capture = Self { tshark, told, file, probe };
        capture.wait_for("Capturing on");
        // It says so before it does: only a packet proves it.
        capture.prove();
        capture
    }

    /// Sends probes until one is seen. Packets are told in order, so that all before it were seen as well.
    fn prove(&self) {
        let began = Instant::now();
        while began.elapsed() < LIMIT {
            let from = probe(self.probe);
            let seen = format!("{from} → {}", self.probe);
            let until = Instant::now() + Duration::from_millis(500);
            while let Ok(line) = self.told.recv_timeout(until.saturating_duration_since(Instant::now())) {
                if line.contains(&seen) {
                    return;
                }
            }
        }
        panic!("tshark sees nothing: has it the right to capture?");
    }

    fn wait_for(&self, words: &str) {
        let mut all = String::new();
        while let Ok(line) = self.told.recv_timeout(LIMIT) {
            if line.contains(words) {
                return;
            }
            all += &line;
        }
        panic!("tshark never said {words:?}: {all}");
    }

    /// Ends the capture and reads it.
    pub fn finish(self) -> Vec<Stream> {
        self.finish_with(None)
    }

    /// The same; with a file of keys, what crosses is TLS, and read with them.
    pub fn finish_with(mut self, keys: Option<&Path>) -> Vec<Stream> {
        self.prove();
        let pid = rustix::process::Pid::from_child(&self.tshark);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        self.tshark.wait().unwrap();
        for line in self.told.iter() {
            let dropped = line.contains("dropped") && !line.starts_with("0 ");
            assert!(!dropped, "the capture is not whole: {line}");
        }
        let (first, last) = (1024, self.probe);
        let mut read = Command::new("tshark");
        read.arg("-r").arg(&self.file).args([
            "-n",
            "-T",
            "fields",
            "-E",
            "separator=|",
            "-E",
            "occurrence=a",
        ]);
        let outside = if keys.is_some() { "tls" } else { "http" };
        read.args(["-d", &format!("tcp.port=={first}-{last},{outside}")]);
        if let Some(keys) = keys {
            read.args(["-o", &format!("tls.keylog_file:{}", keys.display())]);
        }
        read.args(FIELDS.iter().flat_map(|field| ["-e", field]));
        let output = read.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        streams(&text, self.probe)
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        // Ended already, unless a test failed.
        let _ = self.tshark.kill();
    }
}

/// Where the attempt came from.
fn probe(port: u16) -> u16 {
    use rustix::net::{AddressFamily, SocketType, bind, connect, getsockname, socket};
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&socket, &SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let from = SocketAddr::try_from(getsockname(&socket).unwrap()).unwrap();
    let _ = connect(&socket, &SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    from.port()
}

const FIELDS: [&str; 22] = [
    "tcp.stream",
    "frame.time_epoch",
    "tcp.srcport",
    "tcp.dstport",
    "tcp.seq_raw",
    "tcp.ack_raw",
    "tcp.len",
    "tcp.flags.syn",
    "tcp.flags.ack",
    "tcp.flags.fin",
    "tcp.flags.reset",
    "http.request.method",
    "http.response.code",
    "websocket.fin",
    "websocket.opcode",
    "websocket.mask",
    "websocket.payload_length",
    "websocket.payload_length_ext_16",
    "websocket.payload_length_ext_64",
    "websocket.payload.close.status_code",
    "tcp.analysis.retransmission",
    "http.content_length",
];

/// What was seen of one connection.
#[derive(Debug)]
pub struct Stream {
    pub client: u16,
    pub server: u16,
    /// From client and server.
    pub sides: [Half; 2],
    /// In the order in which they were captured.
    pub fins: Vec<Side>,
    /// Whether neither FIN acknowledged the other.
    pub crossed: bool,
    pub resets: Vec<Side>,
    pub methods: Vec<String>,
    pub statuses: Vec<u16>,
    /// Of messages that say so: how long their bodies are.
    pub contents: Vec<(Side, u64)>,
    pub frames: Vec<Frame>,
}

/// One direction.
#[derive(Debug, Default)]
pub struct Half {
    /// The sequence number of the SYN.
    initial: u32,
    /// That of the FIN, behind the last byte.
    fin: Option<u32>,
    /// Where the acknowledgement on the FIN's packet stood.
    fin_acked: u32,
    /// Of each segment with bytes that came for the first time: its place in the stream, its length, its time (Unix).
    pub segments: Vec<(u64, u64, f64)>,
}

impl Half {
    /// Bytes, by the sequence numbers; where there was no FIN, by the segments.
    pub fn bytes(&self) -> u64 {
        match self.fin {
            Some(fin) => u64::from(fin.wrapping_sub(self.initial)) - 1,
            None => self.sent(),
        }
    }

    /// Bytes, by the segments.
    pub fn sent(&self) -> u64 {
        self.segments.iter().map(|(_, len, _)| len).sum()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub from: Side,
    pub fin: bool,
    pub opcode: u8,
    pub masked: bool,
    pub len: u64,
    pub code: Option<u16>,
}

fn streams(text: &str, probe: u16) -> Vec<Stream> {
    let mut all: Vec<(String, Stream)> = Vec::new();
    for line in text.lines() {
        let packet = Packet { values: line.split('|').collect() };
        if packet.number::<u16>("tcp.srcport") == probe || packet.number::<u16>("tcp.dstport") == probe {
            continue;
        }
        let id = packet.text("tcp.stream");
        let at = all.iter().position(|(seen, _)| seen == id).unwrap_or_else(|| {
            assert!(packet.flag("tcp.flags.syn"), "a connection without its beginning: {line}");
            let (client, server) = (packet.number("tcp.srcport"), packet.number("tcp.dstport"));
            all.push((id.into(), Stream::new(client, server)));
            all.len() - 1
        });
        all[at].1.packet(&packet);
    }
    all.into_iter().map(|(_, stream)| stream.finish()).collect()
}

struct Packet<'a> {
    values: Vec<&'a str>,
}

impl Packet<'_> {
    fn text(&self, field: &str) -> &str {
        let at = FIELDS.iter().position(|name| *name == field).unwrap();
        self.values.get(at).copied().unwrap_or_default()
    }

    fn number<T: std::str::FromStr<Err: std::fmt::Debug>>(&self, field: &str) -> T {
        self.text(field).parse().unwrap()
    }

    /// Every occurrence.
    fn list(&self, field: &str) -> impl Iterator<Item = &str> {
        self.text(field).split(',').filter(|value| !value.is_empty())
    }

    fn numbers(&self, field: &str) -> impl Iterator<Item = u64> {
        self.list(field).map(number)
    }

    fn flag(&self, field: &str) -> bool {
        is_set(self.text(field))
    }
}

/// tshark writes some numbers in hex, and some flags as words.
fn number(text: &str) -> u64 {
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).unwrap(),
        None => text.parse().unwrap_or_else(|_| panic!("no number: {text:?}")),
    }
}

fn is_set(text: &str) -> bool {
    matches!(text, "1" | "True")
}

impl Stream {
    /// Who hung up first, where it was not reset.
    pub fn first(&self) -> Who {
        match (self.fins.first(), self.crossed) {
            (_, true) => Who::Both,
            (Some(Side::Client), false) => Who::Client,
            (Some(Side::Server), false) => Who::Server,
            (None, false) => Who::Error,
        }
    }

    fn new(client: u16, server: u16) -> Self {
        Self {
            client,
            server,
            sides: Default::default(),
            fins: Vec::new(),
            crossed: false,
            resets: Vec::new(),
            methods: Vec::new(),
            statuses: Vec::new(),
            contents: Vec::new(),
            frames: Vec::new(),
        }
    }

    fn packet(&mut self, packet: &Packet<'_>) {
        let is_client = packet.number::<u16>("tcp.srcport") == self.client;
        let from = if is_client { Side::Client } else { Side::Server };
        let half = &mut self.sides[from as usize];
        let (seq, len) = (packet.number::<u32>("tcp.seq_raw"), packet.number::<u64>("tcp.len"));
        if packet.flag("tcp.flags.syn") {
            half.initial = seq;
        }
        let again = !packet.text("tcp.analysis.retransmission").is_empty();
        if len > 0 && !again {
            let at = u64::from(seq.wrapping_sub(half.initial)) - 1;
            half.segments.push((at, len, packet.number("frame.time_epoch")));
        }
        if packet.flag("tcp.flags.fin") && half.fin.is_none() {
            half.fin = Some(seq.wrapping_add(u32::try_from(len).unwrap()));
            half.fin_acked = packet.number("tcp.ack_raw");
            self.fins.push(from);
        }
        if packet.flag("tcp.flags.reset") {
            self.resets.push(from);
        }
        self.methods.extend(packet.list("http.request.method").map(str::to_owned));
        self.statuses.extend(packet.numbers("http.response.code").map(|code| code as u16));
        self.contents.extend(packet.numbers("http.content_length").map(|len| (from, len)));
        self.frames(packet, from);
    }

    fn frames(&mut self, packet: &Packet<'_>, from: Side) {
        let mut long = packet.numbers("websocket.payload_length_ext_16");
        let mut longer = packet.numbers("websocket.payload_length_ext_64");
        let mut codes = packet.numbers("websocket.payload.close.status_code");
        let fins = packet.list("websocket.fin").map(is_set);
        let masks = packet.list("websocket.mask").map(is_set);
        let opcodes = packet.numbers("websocket.opcode");
        let lengths = packet.numbers("websocket.payload_length");
        for (((fin, masked), opcode), length) in fins.zip(masks).zip(opcodes).zip(lengths) {
            let len = match length {
                126 => long.next().unwrap(),
                127 => longer.next().unwrap(),
                short => short,
            };
            let code = if opcode == 8 && len > 0 { codes.next().map(|code| code as u16) } else { None };
            self.frames.push(Frame { from, fin, opcode: opcode as u8, masked, len, code });
        }
    }

    fn finish(mut self) -> Self {
        let [client, server] = &self.sides;
        if let (Some(client_fin), Some(server_fin)) = (client.fin, server.fin) {
            // An acknowledgement of a FIN is one more than its number.
            let client_knew = client.fin_acked == server_fin.wrapping_add(1);
            let server_knew = server.fin_acked == client_fin.wrapping_add(1);
            self.crossed = !client_knew && !server_knew;
        }
        self
    }
}
