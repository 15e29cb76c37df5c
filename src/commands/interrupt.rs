//! The signals that ask a program to end.

use std::future::ready;
use std::pin::Pin;

use futures_util::FutureExt as _;

/// Which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interrupt {
    /// SIGINT.
    CtrlC,
    /// SIGTERM.
    Terminate,
    /// SIGHUP: the terminal is gone.
    HangUp,
}

impl Interrupt {
    /// The exit code that shells give it: 128 and the signal's number.
    pub fn code(self) -> u8 {
        match self {
            Self::CtrlC => 130,
            Self::Terminate => 143,
            Self::HangUp => 129,
        }
    }
}

/// Ends at the next of them.
pub(super) async fn interrupt() -> Interrupt {
    tokio::select! {
        Ok(()) = tokio::signal::ctrl_c() => Interrupt::CtrlC,
        interrupt = ended_by_others() => interrupt,
        else => std::future::pending().await,
    }
}

/// The next of them, listened for from now on, not only from when it is waited for.
pub(super) fn listening() -> Pin<Box<dyn Future<Output = Interrupt>>> {
    let mut next: Pin<Box<dyn Future<Output = Interrupt>>> = Box::pin(interrupt());
    match next.as_mut().now_or_never() {
        Some(now) => Box::pin(ready(now)),
        None => next,
    }
}

#[cfg(unix)]
async fn ended_by_others() -> Interrupt {
    use tokio::signal::unix::{SignalKind, signal};
    let (terminate, hang_up) = (signal(SignalKind::terminate()), signal(SignalKind::hangup()));
    let (Ok(mut terminate), Ok(mut hang_up)) = (terminate, hang_up) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => Interrupt::Terminate,
        _ = hang_up.recv() => Interrupt::HangUp,
    }
}

#[cfg(not(unix))]
async fn ended_by_others() -> Interrupt {
    std::future::pending().await
}
