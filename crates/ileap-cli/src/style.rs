//! Colours, for terminals alone.
//!
//! They say nothing that words do not. `NO_COLOR`, `CLICOLOR=0` and a pipe turn them off, `CLICOLOR_FORCE=1` turns them
//! on.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};

/// A heading, or what to look at first.
pub(crate) const BOLD: Style = Style::new().bold();
/// What is of no interest, mostly.
pub(crate) const DIM: Style = Style::new().dimmed();
/// What failed.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// What may be wrong.
pub(crate) const DOUBTFUL: Style = AnsiColor::Yellow.on_default();
/// What is right.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();

/// `text`, to be printed by `output::styled`. It has to be sanitised before.
pub(crate) fn painted(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}
