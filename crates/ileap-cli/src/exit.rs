//! Exit codes, and the error that ends a command.

use std::{fmt, panic::PanicHookInfo, process::ExitCode};

use crate::output;

/// What the process says to its caller when it ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done.
    Ok = 0,
    /// The operation failed.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The configuration is wrong.
    Config = 64,
    /// What the command depends on is down, full, too busy, of a later version, or cannot be opened or reached.
    Unavailable = 69,
    /// A defect of ours.
    Bug = 70,
    /// Whoever was asked does not take the credentials.
    CredentialsRefused = 77,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command ends early: what was attempted, what happened, what to do.
#[derive(Debug)]
pub(crate) struct Failed {
    /// The code the process ends with.
    pub(crate) exit: Exit,
    attempted: String,
    happened: String,
}

impl Failed {
    /// `attempted` in the form "reading FILE"; `happened` with the remedy, where there is one.
    pub(crate) fn new(attempted: impl Into<String>, happened: impl fmt::Display) -> Self {
        Self {
            exit: Exit::Failed,
            attempted: attempted.into(),
            happened: happened.to_string(),
        }
    }

    /// What happened, with the remedy.
    pub(crate) fn happened(&self) -> &str {
        &self.happened
    }

    /// The same, with another exit code.
    pub(crate) fn exiting(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }

    /// The configuration is to blame.
    pub(crate) fn configuration(happened: impl fmt::Display) -> Self {
        Self::new("reading the configuration", happened).exiting(Exit::Config)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.attempted, self.happened)
    }
}

/// A panic is a bug: it says where, and no more than that, because its message may quote what was at hand.
pub(crate) fn report_panics_as_bugs() {
    std::panic::set_hook(Box::new(|panic: &PanicHookInfo<'_>| {
        let place = panic
            .location()
            .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        output::note(&format!(
            "ileap has a bug: it panicked at {place}. Please report it with this line."
        ));
    }));
}

#[cfg(test)]
mod tests {
    use crate::manual;

    #[test]
    fn the_exit_codes_in_the_operations_manual_are_those_of_the_code() {
        let row = |(line, meaning): (String, String)| {
            let (_, code) = line.split_once(" = ").unwrap();
            let code = code.trim_end_matches(',').to_owned();
            vec![code, meaning.trim_end_matches('.').to_owned()]
        };
        let codes = manual::documented(include_str!("exit.rs"), "pub(crate) enum Exit");
        let table = manual::table(&["code", "meaning"], codes.into_iter().map(row));
        manual::hold("exit codes", &table);
    }
}
