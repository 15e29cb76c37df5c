//! What the kernel knows of a connection and a stream does not say.

use std::collections::HashSet;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;

/// Whether the other side's FIN (or a reset) has arrived, however much unread data lies before it.
///
/// Not the runtime's readiness: that is cached, and a FIN since the last wake-up would go unseen.
pub fn peer_hung_up(socket: impl AsFd) -> bool {
    #[cfg(target_os = "linux")]
    {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let mut asked = [PollFd::new(&socket, PollFlags::RDHUP)];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut asked, Some(&at_once)).is_ok_and(|ready| ready > 0)
    }
    #[cfg(not(target_os = "linux"))]
    {
        use rustix::net::{RecvFlags, recv};
        let mut byte = [0_u8; 1];
        let peeked = recv(&socket, &mut byte[..], RecvFlags::PEEK | RecvFlags::DONTWAIT);
        peeked.is_ok_and(|(_, len)| len == 0)
    }
}

/// Bytes that have arrived and that nobody read. Closing a socket with such bytes sends a reset, not a FIN.
pub fn unread(socket: impl AsFd) -> u64 {
    rustix::io::ioctl_fionread(socket).unwrap_or(0)
}

/// What has arrived and nobody read, up to so many bytes. Past the runtime's readiness, which is cached.
pub fn read_rest(socket: impl AsFd, most: usize) -> Vec<u8> {
    use rustix::net::{RecvFlags, recv};
    let (mut rest, mut buf) = (Vec::new(), [0_u8; 4096]);
    while rest.len() < most {
        match recv(&socket, &mut buf[..], RecvFlags::DONTWAIT) {
            Ok((_, len @ 1..)) => rest.extend_from_slice(&buf[..len]),
            Ok(_) | Err(_) => break,
        }
    }
    rest
}

/// Raises the number of descriptors that this process may have as far as it may itself: three servers that are full, with
/// both ends of each connection here, need more than the usual 1,024.
pub fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        // Where that fails there is room for fewer, which is no reason not to start.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    }
}

/// How many descriptors a process may have at most; `None` where there is no limit.
#[must_use]
pub fn descriptor_limit() -> Option<u64> {
    use rustix::process::{Resource, getrlimit};
    getrlimit(Resource::Nofile).maximum
}

/// A state of TCP, as far as it tells who closed (RFC 9293, 3.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TcpState {
    /// Both FINs are there and ours came first: this end remembers the connection for a while.
    TimeWait,
    /// Both FINs are there, they crossed, and ours is not acknowledged yet.
    Closing,
    /// Both FINs are there and the other side's came first.
    LastAck,
    /// Any other.
    Other,
}

/// How often the kernel is asked for a connection that it does not find: while one changes to TIME_WAIT it is, for a moment,
/// neither there as what it was nor as what it is.
#[cfg(target_os = "linux")]
const ASKED: usize = 4;

/// The state of the end at `local` of its connection with `remote`.
///
/// `None` where the kernel does not show it (not Linux, or neither `sock_diag` nor `/proc` is there, or no descriptor to ask with); `Some(None)` where it
/// knows no such connection any more.
pub fn tcp_state(local: SocketAddr, remote: SocketAddr) -> Option<Option<TcpState>> {
    #[cfg(target_os = "linux")]
    for again in (0..ASKED).rev() {
        match super::diag::state(local, remote) {
            Ok(None) if again > 0 => {}
            Ok(state) => return Some(state.map(TcpState::of)),
            Err(super::diag::Unknown::NoRoom) => return None,
            Err(super::diag::Unknown::Silent) => break,
        }
    }
    let table = match local.ip() {
        IpAddr::V4(_) => "/proc/net/tcp",
        IpAddr::V6(_) => "/proc/net/tcp6",
    };
    fs::read_to_string(table).ok().map(|table| find_state(&table, local, remote))
}

/// How often both ends are asked for, of a connection whose ends are here and that is over.
#[cfg(target_os = "linux")]
const BOTH_ASKED: usize = 64;

/// Whether the server's end of a connection that is over is the one that waits (TIME_WAIT), and not the client's: it closed first.
/// `None` where neither is found, or the client is on another machine, which keeps its own end.
pub fn server_waits(server: SocketAddr, client: SocketAddr) -> Option<bool> {
    #[cfg(target_os = "linux")]
    if client.ip() == server.ip() || client.ip().is_loopback() {
        const TIME_WAIT: u8 = 6;
        for _ in 0..BOTH_ASKED {
            for (local, remote, waits) in [(server, client, true), (client, server, false)] {
                if super::diag::state(local, remote).ok()? == Some(TIME_WAIT) {
                    return Some(waits);
                }
            }
            // One of them is about to be there: another processor is at it.
            std::thread::yield_now();
        }
    }
    let _ = (server, client);
    None
}

/// Ends of connections of one server in TIME_WAIT.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waits {
    /// The ports of the clients of those that wait at the server.
    server: HashSet<u16>,
    /// The ports of the clients that wait themselves.
    clients: HashSet<u16>,
}

impl Waits {
    /// Those of the server at this address. `None` where the kernel does not show them (not Linux, or no `sock_diag`).
    #[must_use]
    pub fn of(server: SocketAddr) -> Option<Self> {
        #[cfg(target_os = "linux")]
        {
            let (ip, port) = (server.ip(), server.port());
            let at_server = super::diag::time_waits(ip, (port, 0)).ok()?;
            let at_clients = super::diag::time_waits(ip, (0, port)).ok()?;
            Some(Self {
                server: at_server.into_iter().map(|(_, client)| client).collect(),
                clients: at_clients.into_iter().map(|(client, _)| client).collect(),
            })
        }
        #[cfg(not(target_os = "linux"))]
        {
            let _ = server;
            None
        }
    }

    /// How many are new, at the server and at its clients: whoever had its port before may have left some.
    #[must_use]
    pub fn since(&self, before: Option<&Self>) -> (u64, u64) {
        let new = |now: &HashSet<u16>, of: fn(&Self) -> &HashSet<u16>| match before {
            Some(before) => now.difference(of(before)).count() as u64,
            None => now.len() as u64,
        };
        (new(&self.server, |it| &it.server), new(&self.clients, |it| &it.clients))
    }
}

impl TcpState {
    /// By the kernel's number.
    fn of(number: u8) -> Self {
        match number {
            6 => Self::TimeWait,
            9 => Self::LastAck,
            11 => Self::Closing,
            _ => Self::Other,
        }
    }
}

/// Finds a connection in the text of `/proc/net/tcp`.
fn find_state(table: &str, local: SocketAddr, remote: SocketAddr) -> Option<TcpState> {
    let (local, remote) = (in_hex(local), in_hex(remote));
    table.lines().skip(1).find_map(|row| {
        let mut columns = row.split_ascii_whitespace().skip(1);
        let found = columns.next() == Some(&local) && columns.next() == Some(&remote);
        found.then(|| {
            let number = columns.next().and_then(|state| u8::from_str_radix(state, 16).ok());
            number.map_or(TcpState::Other, TcpState::of)
        })
    })
}

/// An address as `/proc/net/tcp` writes it: each 32-bit word of the address in the machine's order, then the port.
fn in_hex(address: SocketAddr) -> String {
    let octets = match address.ip() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let words = octets
        .chunks_exact(4)
        .map(|word| format!("{:08X}", u32::from_ne_bytes([word[0], word[1], word[2], word[3]])));
    format!("{}:{:04X}", words.collect::<String>(), address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_endian = "little")]
    const TABLE: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0BB9 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:0BB9 0100007F:9E40 06 00000000:00000000 03:000016D9 00000000     0        0 0 3 0
   2: 0100007F:9E40 0100007F:0BB9 09 00000000:00000000 03:000016D9 00000000     0        0 0 3 0
";

    #[test]
    #[cfg(target_endian = "little")]
    fn finds_each_end_of_a_connection() {
        let (server, client) = ("127.0.0.1:3001".parse().unwrap(), "127.0.0.1:40512".parse().unwrap());
        assert_eq!(find_state(TABLE, server, client), Some(TcpState::TimeWait));
        assert_eq!(find_state(TABLE, client, server), Some(TcpState::LastAck));
        assert_eq!(find_state(TABLE, server, "127.0.0.1:1".parse().unwrap()), None);
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn writes_an_address_of_version_6() {
        assert_eq!(in_hex("[::1]:80".parse().unwrap()), "00000000000000000000000001000000:0050");
    }
}
