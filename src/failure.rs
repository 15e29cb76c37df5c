//! Every error becomes a message, a hint and an exit code here, and nowhere else.

use std::fmt;
use std::io;
use std::process::ExitCode;

use crate::lesson::diagnostic::Mistakes;
use crate::lesson::library::LibraryError;
use crate::lesson::play::{PlayError, PortError};

/// Why the program ends other than well.
#[derive(Debug)]
pub struct Failure {
    message: String,
    hint: Option<String>,
    code: u8,
}

impl Failure {
    /// Something failed: exit code 1.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, code: 1 }
    }

    /// The user is to type something else: exit code 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { code: 2, ..Self::new(message) }
    }

    /// Ended by a signal: its exit code, and nothing to say.
    #[must_use]
    pub fn interrupted(code: u8) -> Self {
        Self { code, ..Self::new("") }
    }

    /// The same with what to type.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Several at once, one below the other. Where one of them is about what was typed, all are.
    #[must_use]
    pub fn all(failures: Vec<Self>) -> Self {
        let failures = match <[Self; 1]>::try_from(failures) {
            Ok([one]) => return one,
            Err(failures) => failures,
        };
        let said: Vec<String> = failures.iter().map(|it| it.to_string().trim_end().to_owned()).collect();
        let code = failures.iter().map(|it| it.code).max().unwrap_or(1);
        Self { code, ..Self::new(said.join("\n\n")) }
    }

    /// For the shell.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }

    /// A port that cannot be had, by this command.
    #[must_use]
    pub fn port(error: &PortError, command: &str) -> Self {
        let port = error.port;
        if port > u32::from(u16::MAX) {
            return Self::new(format!("there is no port {port}: the last is 65535"))
                .with_hint(format!("wsdemo {command} --port 3001"));
        }
        match error.source.kind() {
            io::ErrorKind::AddrInUse => {
                let other = if port > 65_500 { port - 100 } else { port + 1 };
                Self::new(format!("port {port} is already in use"))
                    .with_hint(format!("wsdemo {command} --port {other}"))
            }
            io::ErrorKind::PermissionDenied => Self::new(format!("port {port} is not for everybody to open"))
                .with_hint(format!("wsdemo {command} --port 3001")),
            _ => Self::new(error.to_string()),
        }
    }

    /// A lesson that could not be played on.
    #[must_use]
    pub fn play(error: &PlayError, file: &str, command: &str) -> Self {
        match error {
            PlayError::Port(port) => Self::port(port, command),
            PlayError::Line { line, what } => Self::new(format!("{file}:{line}: {what}")),
        }
    }
}

impl From<LibraryError> for Failure {
    fn from(error: LibraryError) -> Self {
        match &error {
            LibraryError::Unknown { nearest, .. } => {
                let hint =
                    nearest.as_ref().map_or("wsdemo lesson".into(), |name| format!("wsdemo lesson {name}"));
                Self::usage(error.to_string()).with_hint(hint)
            }
            LibraryError::Unreadable { .. }
            | LibraryError::TooLarge { .. }
            | LibraryError::NotText { .. } => Self::new(error.to_string()),
        }
    }
}

impl From<Mistakes> for Failure {
    fn from(mistakes: Mistakes) -> Self {
        // It says everything itself, one mistake after the other.
        Self::new(mistakes.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.message.is_empty() {
            return Ok(());
        }
        let prefix = if self.message.starts_with("error: ") { "" } else { "error: " };
        writeln!(f, "{prefix}{}", self.message.trim_end())?;
        match &self.hint {
            Some(hint) => writeln!(f, "  try: {hint}"),
            None => Ok(()),
        }
    }
}
