//! Those who will vanish, and how: in a network namespace that is cut off, where one may be made (Linux, as root); else in
//! a process that is stopped, which keeps its connections and answers nothing.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;

use crate::client::{Socket, connect};
use crate::{Result, any_port, say};

const NAME: &str = "wsdemo-crowd";

/// The server's address, which stays when the crowd's link is gone.
const SERVER: [u8; 4] = [10, 77, 0, 1];

pub struct Network {
    pub server: SocketAddr,
    /// There is a namespace.
    apart: bool,
}

impl Network {
    pub fn new() -> Self {
        take_down();
        let steps = [
            format!("netns add {NAME}"),
            format!("link add wsd0 type veth peer name wsd1 netns {NAME}"),
            "addr add 10.77.0.1/32 dev lo".into(),
            "addr add 10.77.1.1/24 dev wsd0".into(),
            "link set wsd0 up".into(),
            format!("-n {NAME} addr add 10.77.1.2/24 dev wsd1"),
            format!("-n {NAME} link set wsd1 up"),
            format!("-n {NAME} route add default via 10.77.1.1"),
        ];
        let apart = steps.iter().all(|step| ip(step));
        if !apart {
            take_down();
        }
        let server = any_port(if apart { SERVER } else { [127, 0, 0, 1] });
        Self { server, apart }
    }

    pub fn told(&self) -> String {
        let how = if self.apart {
            "in a network namespace whose link is deleted"
        } else {
            "in a process that is stopped: no namespace may be made here"
        };
        format!("those who vanish are {how}")
    }

    /// A crowd that listens.
    pub fn gather(&self, address: SocketAddr, count: usize) -> Result<Crowd> {
        let program = std::env::current_exe()?;
        let mut command = if self.apart {
            let mut command = Command::new("ip");
            // It becomes the program: there is no process in between.
            command.args(["netns", "exec", NAME]).arg(program);
            command
        } else {
            Command::new(program)
        };
        // Half of them are readers of events, where nothing acknowledges anything any more: a stopped process has a kernel
        // that does.
        let feeds = if self.apart { count / 2 } else { 0 };
        command.args(["crowd", &address.to_string(), &(count - feeds).to_string(), &feeds.to_string()]);
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let mut told = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut told)?;
        if told.trim() != "listening" {
            return Err(format!("the crowd did not come: {told}").into());
        }
        Ok(Crowd(child))
    }

    /// They vanish.
    pub fn vanish(&mut self, crowd: &mut Crowd) -> Result<()> {
        if !self.apart {
            return Ok(kill_process(Pid::from_child(&crowd.0), Signal::STOP)?);
        }
        if !ip("link del wsd0") {
            return Err("the link could not be deleted".into());
        }
        // Its FINs and resets go nowhere.
        crowd.0.kill()?;
        crowd.0.wait()?;
        Ok(())
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        if self.apart {
            take_down();
        }
    }
}

pub struct Crowd(Child);

impl Drop for Crowd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Says when all of them listen, and does so until it is ended.
pub async fn crowd(address: SocketAddr, sockets: usize, feeds: usize) -> Result<()> {
    let mut tasks = JoinSet::new();
    for _ in 0..sockets {
        let mut socket = Socket::open(address).await?;
        tasks.spawn(async move { while socket.hear().await.is_ok() {} });
    }
    for _ in 0..feeds {
        let mut feed = connect(address, false).await?;
        let request = format!("GET /api/events HTTP/1.1\r\nHost: {address}\r\n\r\n");
        feed.write_all(request.as_bytes()).await?;
        let mut buf = [0; 4096];
        if feed.read(&mut buf).await? == 0 {
            return Err("no feed".into());
        }
        tasks.spawn(async move { while feed.read(&mut buf).await.is_ok_and(|len| len > 0) {} });
    }
    say("listening")?;
    while tasks.join_next().await.is_some() {}
    Ok(())
}

/// What is left of this run or of one that was ended.
fn take_down() {
    for step in [format!("netns del {NAME}"), "link del wsd0".into(), "addr del 10.77.0.1/32 dev lo".into()] {
        ip(&step);
    }
}

fn ip(arguments: &str) -> bool {
    let words = arguments.split(' ');
    let run = Command::new("ip").args(words).stdout(Stdio::null()).stderr(Stdio::null()).status();
    run.is_ok_and(|status| status.success())
}
