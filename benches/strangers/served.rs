//! The server, in a process of its own.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use tokio::net::TcpListener;
use wsdemo::server::{Limits, Options, Server, Servers};
use wsdemo::tap::{Looking, Taps};
use wsdemo::timeline::Bus;

use crate::{Result, say};

/// Shorter than `wsdemo serve` has it, so that one need not wait for minutes until those who vanished are found out.
const HEARTBEAT: Duration = Duration::from_secs(4);

/// As long as its standard input is open.
pub fn serve(address: SocketAddr, guests: usize) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(address).await?;
        let limits = Limits { guests, silence: Some(3 * HEARTBEAT), ..Limits::SERVE };
        let options = Options { heartbeat: Some(HEARTBEAT), limits, ..Options::default() };
        // As `serve --quiet`.
        let taps = Taps::new(Bus::new()).looking(Looking::Counted);
        let server = Server::start(listener, taps, &Servers::default(), options, Box::new(|_| ()))?;
        say(&server.address.to_string())?;
        tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
        server.stop().await;
        Ok(())
    })
}

/// A server that runs.
pub struct Served {
    pub address: SocketAddr,
    child: Child,
    _stdin: Option<ChildStdin>,
}

impl Served {
    pub fn start(address: SocketAddr, guests: usize) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["server", &address.to_string(), &guests.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut told = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut told)?;
        let stdin = child.stdin.take();
        Ok(Self { address: told.trim().parse()?, child, _stdin: stdin })
    }

    /// Its open descriptors, and the memory that it has in use, KiB. Neither is told where there is no /proc.
    pub fn uses(&self) -> Result<(usize, u64)> {
        let folder = format!("/proc/{}", self.child.id());
        let descriptors = fs::read_dir(format!("{folder}/fd"))?.count();
        let status = fs::read_to_string(format!("{folder}/status"))?;
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok((descriptors, memory.trim().trim_end_matches(" kB").parse()?))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
