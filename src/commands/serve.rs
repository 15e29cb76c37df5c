//! `wsdemo serve`: all doors, until somebody ends it.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpListener;

use super::interrupt::interrupt;
use super::{cannot_start, network, print};
use crate::cli::Serving;
use crate::failure::Failure;
use crate::lesson::play::PortError;
use crate::server::{Limits, Options, Server, Servers, Tls};
use crate::tap::{Taps, kernel};
use crate::timeline::Bus;

/// How often sockets are pinged.
const HEARTBEAT: Duration = Duration::from_secs(20);

/// The development servers whose pages are let in.
const DEVELOPMENT: [&str; 2] = ["http://localhost:3000", "http://localhost:5173"];

pub(super) fn run(serving: &Serving) -> Result<(), Failure> {
    kernel::raise_descriptor_limit();
    let runtime = super::runtime().map_err(cannot_start)?;
    runtime.block_on(serve(serving))
}

async fn serve(serving: &Serving) -> Result<(), Failure> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, serving.port));
    let failed = |source| Failure::port(&PortError { port: serving.port.into(), source }, "serve");
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let servers = Servers::default();
    let taps = Taps::new(Bus::new());
    let options = options(serving)?;
    let scheme = if options.tls.is_some() { "https" } else { "http" };
    let fingerprint =
        options.tls.as_ref().map(|tls| format!("SHA-256 of its certificate: {}", tls.fingerprint()));
    let server = Server::start(listener, taps, &servers, options, Box::new(|_| ())).map_err(failed)?;
    let address = format!("{scheme}://{}", server.address);
    print(&std::iter::once(address).chain(fingerprint).collect::<Vec<_>>())?;
    interrupt().await;
    servers.stop().await;
    Ok(())
}

fn options(serving: &Serving) -> Result<Options, Failure> {
    let limits =
        Limits { guests: serving.max_connections as usize, message: serving.max_message, ..Limits::SERVE };
    let development = DEVELOPMENT.map(str::to_owned);
    let tls = if serving.tls { Some(Tls::new().map_err(cannot_start)?) } else { None };
    Ok(Options {
        heartbeat: Some(HEARTBEAT),
        limits,
        origins: development.into_iter().chain(serving.allow_origin.iter().cloned()).collect(),
        network: network(&serving.network),
        tls,
    })
}
