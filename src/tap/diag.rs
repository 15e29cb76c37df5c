//! Asks the kernel for the state of one connection, exactly (Linux: `sock_diag(7)`).
//!
//! The table in `/proc/net/tcp` takes milliseconds to read, and what changes meanwhile may be missing in it; this takes
//! microseconds and finds what is there.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::netlink::SOCK_DIAG;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with};

/// `SOCK_DIAG_BY_FAMILY`
const BY_FAMILY: u16 = 20;
/// `NLM_F_REQUEST`
const REQUEST: u16 = 1;
/// `NLM_F_ROOT | NLM_F_MATCH`: all of them.
const DUMP: u16 = 0x300;
/// `NLMSG_ERROR`
const ERROR: u16 = 2;
/// `NLMSG_DONE`
const DONE: u16 = 3;
/// A message's header: length, type, flags, sequence number, sender, bytes.
const HEADER: usize = 16;
const ENOENT: i32 = 2;
/// `TCP_TIME_WAIT`
const TIME_WAIT: u8 = 6;
/// `TCP_LISTEN`
const LISTEN: u8 = 10;
/// How much of an answer is read at once, bytes; the kernel fills no more.
const PART: usize = 32 * 1024;

/// Why a state is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    /// There is no descriptor to ask with: there is none for a file either.
    NoRoom,
    /// The kernel does not answer.
    Silent,
}

impl From<Errno> for Unknown {
    fn from(error: Errno) -> Self {
        if matches!(error, Errno::MFILE | Errno::NFILE) { Self::NoRoom } else { Self::Silent }
    }
}

/// The state of the end at `local`, as `TCP_…` of the kernel numbers it; `None` where there is no such connection.
pub(super) fn state(local: SocketAddr, remote: SocketAddr) -> Result<Option<u8>, Unknown> {
    let socket = open()?;
    let ports = (local.port(), remote.port());
    let asked = Asked { flags: REQUEST, states: u32::MAX, ports, addresses: (local.ip(), remote.ip()) };
    send(&socket, &asked.message(), SendFlags::empty())?;
    let mut answer = [0_u8; 512];
    // It is there already: the kernel answers before `send` returns.
    let (_, len) = recv(&socket, &mut answer[..], RecvFlags::empty())?;
    answer.get(..len).and_then(read).ok_or(Unknown::Silent)
}

/// The ends in TIME_WAIT that have these ports, of our side and the other; 0 is any: the ports of each. `any` is an address of
/// the family.
pub(super) fn time_waits(any: IpAddr, ports: (u16, u16)) -> Result<Vec<(u16, u16)>, Unknown> {
    let socket = open()?;
    let asked = Asked { flags: REQUEST | DUMP, states: 1 << TIME_WAIT, ports, addresses: (any, any) };
    send(&socket, &asked.message(), SendFlags::empty())?;
    let mut part = vec![0_u8; PART];
    let mut found = Vec::new();
    loop {
        let (_, len) = recv(&socket, &mut part[..], RecvFlags::empty())?;
        if listed(part.get(..len).unwrap_or_default(), &mut found).ok_or(Unknown::Silent)? {
            return Ok(found);
        }
    }
}

/// Adds the ports of each connection; whether they were the last. `None` where something else came.
fn listed(mut messages: &[u8], found: &mut Vec<(u16, u16)>) -> Option<bool> {
    while !messages.is_empty() {
        let len = u32::from_ne_bytes(*messages.first_chunk()?) as usize;
        match u16::from_ne_bytes(*messages.get(4..)?.first_chunk()?) {
            // `struct inet_diag_msg`: four numbers of a byte, then the ports.
            BY_FAMILY => {
                let port =
                    |at: usize| messages.get(HEADER + at..)?.first_chunk().copied().map(u16::from_be_bytes);
                found.push((port(4)?, port(6)?));
            }
            DONE => return Some(true),
            _ => return None,
        }
        // Each begins at a multiple of four.
        messages = messages.get(len.max(HEADER).next_multiple_of(4)..).unwrap_or_default();
    }
    Some(false)
}

fn open() -> Result<OwnedFd, Unknown> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, Some(SOCK_DIAG))?)
}

/// What the kernel is asked.
struct Asked {
    flags: u16,
    /// A bit for each.
    states: u32,
    ports: (u16, u16),
    addresses: (IpAddr, IpAddr),
}

impl Asked {
    /// `struct nlmsghdr`, then `struct inet_diag_req_v2`.
    fn message(&self) -> Vec<u8> {
        let mut body = Vec::new();
        let v4 = self.addresses.0.is_ipv4();
        let (family, tcp) = (if v4 { AddressFamily::INET } else { AddressFamily::INET6 }, 6);
        body.extend([family.as_raw() as u8, tcp, 0, 0]);
        body.extend(self.states.to_ne_bytes());
        body.extend(self.ports.0.to_be_bytes());
        body.extend(self.ports.1.to_be_bytes());
        body.extend(words(self.addresses.0));
        body.extend(words(self.addresses.1));
        // On any interface, whatever its cookie.
        body.extend(0_u32.to_ne_bytes());
        body.extend([0xff; 8]);
        let mut message = Vec::new();
        message.extend(((HEADER + body.len()) as u32).to_ne_bytes());
        message.extend(BY_FAMILY.to_ne_bytes());
        message.extend(self.flags.to_ne_bytes());
        message.extend([0; 8]);
        message.extend(body);
        message
    }
}

/// An address in 16 bytes.
fn words(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V6(ip) => ip.octets(),
        IpAddr::V4(ip) => {
            let mut words = [0; 16];
            words[..4].copy_from_slice(&ip.octets());
            words
        }
    }
}

/// Reads the first message of an answer.
fn read(answer: &[u8]) -> Option<Option<u8>> {
    let kind = u16::from_ne_bytes(*answer.get(4..)?.first_chunk()?);
    let body = answer.get(HEADER..)?;
    match kind {
        // `struct inet_diag_msg`: family, state, … Where the connection is gone, its listener is found.
        BY_FAMILY => body.get(1).map(|state| Some(*state).filter(|state| *state != LISTEN)),
        ERROR if i32::from_ne_bytes(*body.first_chunk()?) == -ENOENT => Some(None),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    /// `TCP_ESTABLISHED` and so on.
    const ESTABLISHED: u8 = 1;

    #[test]
    fn each_state_of_an_end_is_told() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let server = listener.local_addr().unwrap();
            let client = TcpStream::connect(server).unwrap();
            let accepted = listener.accept().unwrap().0;
            let ours = client.local_addr().unwrap();
            if state(server, ours).is_err() {
                // Not to be had here: `/proc` is asked instead.
                return;
            }
            assert_eq!(state(server, ours), Ok(Some(ESTABLISHED)));
            drop(accepted);
            drop(client);
            assert_eq!((state(server, ours), state(ours, server)), (Ok(Some(TIME_WAIT)), Ok(None)));
            let client = TcpStream::connect(server).unwrap();
            let (accepted, ours) = listener.accept().unwrap();
            drop(client);
            drop(accepted);
            assert_eq!((state(server, ours), state(ours, server)), (Ok(None), Ok(Some(TIME_WAIT))));
        }
    }

    #[test]
    fn ends_that_wait_are_counted_by_who_closed() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = listener.local_addr().unwrap();
        let waits = || {
            let of = |ports| time_waits(server.ip(), ports).ok();
            let (at_server, at_clients) = (of((server.port(), 0))?, of((0, server.port()))?);
            assert!(at_server.iter().all(|(ours, _)| *ours == server.port()));
            assert!(at_clients.iter().all(|(_, theirs)| *theirs == server.port()));
            Some((at_server.len(), at_clients.len()))
        };
        let Some(before) = waits() else { return };
        assert_eq!(before, (0, 0));
        for n in 0..300 {
            let client = TcpStream::connect(server).unwrap();
            let accepted = listener.accept().unwrap().0;
            if n < 250 {
                drop(accepted);
                drop(client);
            } else {
                drop(client);
                drop(accepted);
            }
        }
        assert_eq!(waits(), Some((250, 50)));
    }

    #[test]
    fn what_is_no_answer_is_none() {
        assert_eq!(listed(&[0; 3], &mut Vec::new()), None);
        assert_eq!(listed(&[0; 16], &mut Vec::new()), None);
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[0; 20]), None);
        let mut refused = [0; 20];
        refused[4..6].copy_from_slice(&ERROR.to_ne_bytes());
        refused[16..20].copy_from_slice(&(-1_i32).to_ne_bytes());
        assert_eq!(read(&refused), None);
    }
}
