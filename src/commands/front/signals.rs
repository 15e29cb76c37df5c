//! What the terminal and the shell tell a program by signals.

/// What was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// The terminal has another size.
    Resized,
    /// Ctrl-Z: the shell wants its terminal back.
    Suspend,
    /// `fg`: it is ours again.
    Continued,
}

#[cfg(unix)]
mod unix {
    use std::io;

    use rustix::process::{Signal as Number, getpgrp, getpid, getsid, kill_process};
    use tokio::signal::unix::{Signal, SignalKind, signal};

    use super::Told;

    /// Listens.
    pub(in super::super) struct Signals {
        resized: Signal,
        suspend: Signal,
        continued: Signal,
    }

    impl Signals {
        /// From now on. To be called on the runtime that waits.
        pub fn listen() -> io::Result<Self> {
            Ok(Self {
                resized: signal(SignalKind::window_change())?,
                suspend: signal(SignalKind::from_raw(Number::TSTP.as_raw()))?,
                continued: signal(SignalKind::from_raw(Number::CONT.as_raw()))?,
            })
        }

        pub async fn next(&mut self) -> Told {
            tokio::select! {
                _ = self.resized.recv() => Told::Resized,
                _ = self.suspend.recv() => Told::Suspend,
                _ = self.continued.recv() => Told::Continued,
            }
        }
    }

    /// Whether a shell is there that could continue this process: not where it leads its session, as with `ssh -t host wsdemo`.
    pub(in super::super) fn may_suspend() -> bool {
        getsid(None).is_ok_and(|session| session != getpgrp())
    }

    /// Stops this process, as Ctrl-Z does to one that does not listen; comes back with `fg`.
    pub(in super::super) fn suspend() {
        let _ = kill_process(getpid(), Number::STOP);
    }
}

#[cfg(unix)]
pub(super) use unix::{Signals, may_suspend, suspend};

#[cfg(not(unix))]
mod elsewhere {
    use std::io;
    use std::time::Duration;

    use super::Told;

    /// There is nothing to listen to: the size is looked at now and then.
    pub(in super::super) struct Signals;

    impl Signals {
        pub fn listen() -> io::Result<Self> {
            Ok(Self)
        }

        pub async fn next(&mut self) -> Told {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Told::Resized
        }
    }

    pub(in super::super) fn may_suspend() -> bool {
        false
    }

    pub(in super::super) fn suspend() {}
}

#[cfg(not(unix))]
pub(super) use elsewhere::{Signals, may_suspend, suspend};
