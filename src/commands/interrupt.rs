//! The signals that ask a program to end.

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
