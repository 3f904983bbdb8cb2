//! Rows in columns, for people.

use std::io;

use unicode_width::UnicodeWidthStr as _;

use crate::{output, style};

/// The widest a column gets on a terminal; what is longer is cut.
const WIDEST: usize = 40;
/// As narrow as a terminal makes a column of text; of numbers nothing is cut.
const NARROWEST: usize = 8;
/// Between columns.
const GAP: &str = "  ";

/// The width of the terminal, if stdout is one.
pub(crate) fn room() -> Option<usize> {
    let size = terminal_size::terminal_size_of(io::stdout());
    size.map(|(width, _)| width.0.into())
}

/// How a column stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// Columns whose widths are settled by the rows that are known at first, so that a long list can be printed as it
/// comes.
#[derive(Debug)]
pub(crate) struct Table<const N: usize> {
    columns: [(&'static str, Align); N],
    widths: Option<[usize; N]>,
    /// Of the terminal.
    room: Option<usize>,
    /// The terminal was too narrow for some text.
    is_cut: bool,
}

impl<const N: usize> Table<N> {
    /// No rows yet. On a terminal it keeps to the terminal's width; elsewhere nothing is cut.
    pub(crate) fn new(columns: [(&'static str, Align); N]) -> Self {
        Self {
            columns,
            widths: None,
            room: room(),
            is_cut: false,
        }
    }

    /// These rows as lines, styled; before the first of all, the heads of the columns. Text from outside is sanitised
    /// here.
    pub(crate) fn lines(&mut self, rows: &[[String; N]]) -> Vec<String> {
        let rows: Vec<[String; N]> = rows
            .iter()
            .map(|row| row.each_ref().map(|cell| output::on_one_line(cell)))
            .collect();
        let mut lines = Vec::with_capacity(rows.len() + 1);
        let widths = if let Some(widths) = self.widths {
            widths
        } else {
            let heads = self.columns.map(|(head, _)| head.to_owned());
            let widths = self.fitting(widths(
                &heads,
                &rows,
                self.room.map_or(usize::MAX, |_| WIDEST),
            ));
            self.widths = Some(widths);
            lines.push(style::painted(style::BOLD, self.line(&heads, widths)));
            widths
        };
        let is_long = |row: &[String; N]| {
            row.iter()
                .zip(widths)
                .any(|(cell, width)| cell.width() > width)
        };
        self.is_cut |= self.room.is_some() && rows.iter().any(is_long);
        lines.extend(rows.iter().map(|row| self.line(row, widths)));
        lines
    }

    /// Whether the terminal was too narrow for what it was shown.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// The widest columns of text give way until the line fits, or all are as narrow as they get.
    fn fitting(&self, mut widths: [usize; N]) -> [usize; N] {
        let gaps = GAP.len() * N.saturating_sub(1);
        while let Some(room) = self.room
            && widths.iter().sum::<usize>() + gaps > room
        {
            let of_text = widths.iter_mut().zip(self.columns);
            let widest = of_text
                .filter(|(_, (_, align))| *align == Align::Left)
                .map(|(width, _)| width)
                .max();
            match widest {
                Some(width) if *width > NARROWEST => *width -= 1,
                _ => break,
            }
        }
        widths
    }

    fn line(&self, cells: &[String; N], widths: [usize; N]) -> String {
        let mut line = String::new();
        for ((cell, width), (_, align)) in cells.iter().zip(widths).zip(self.columns) {
            if !line.is_empty() {
                line.push_str(GAP);
            }
            let cell = match self.room {
                Some(_) => cut(cell, width),
                None => cell.clone(),
            };
            let pad = " ".repeat(width.saturating_sub(cell.width()));
            match align {
                Align::Left => line.extend([cell.as_str(), &pad]),
                Align::Right => line.extend([&pad, cell.as_str()]),
            }
        }
        line.truncate(line.trim_end().len());
        line
    }
}

fn widths<const N: usize>(heads: &[String; N], rows: &[[String; N]], widest: usize) -> [usize; N] {
    let mut widths = heads.each_ref().map(|head| head.width());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width().min(widest));
        }
    }
    widths
}

fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut cut = String::new();
    for character in text.chars() {
        let mut longer = cut.clone();
        longer.push(character);
        if longer.width() + 1 > width {
            break;
        }
        cut = longer;
    }
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, number: &str) -> [String; 2] {
        [name.to_owned(), number.to_owned()]
    }

    #[test]
    fn text_stands_left_and_numbers_right() {
        let mut table = Table::new([("NAME", Align::Left), ("KG", Align::Right)]);
        table.room = Some(80);
        let lines = table.lines(&[row("a", "1"), row("Köln", "1000")]);
        let head = style::painted(style::BOLD, "NAME    KG");
        assert_eq!(lines, [head.as_str(), "a        1", "Köln  1000"]);
        assert_eq!(table.lines(&[row("Hamburg", "2")]), ["Ham…     2"]);
    }

    #[test]
    fn a_partners_text_stays_on_its_line_and_is_no_command_to_the_terminal() {
        let mut table = Table::new([("NAME", Align::Left), ("KG", Align::Right)]);
        let lines = table.lines(&[row("a\u{1b}[31m\nb", "1")]);
        assert_eq!(lines[1], "a\u{fffd}[31m b   1");
    }

    #[test]
    fn nothing_is_cut_for_a_pipe_however_long_and_late() {
        let mut table = Table::new([("NAME", Align::Left), ("KG", Align::Right)]);
        let long = "a".repeat(60);
        let lines = table.lines(&[row(&long, "1")]);
        assert_eq!(lines[1], format!("{long}   1"));
        let longer = "a".repeat(70);
        assert_eq!(table.lines(&[row(&longer, "2")]), [format!("{longer}   2")]);
        assert!(!table.is_cut());
    }

    #[test]
    fn a_narrow_terminal_cuts_text_and_no_number() {
        let mut table = Table::new([("NAME", Align::Left), ("KG", Align::Right)]);
        table.room = Some(20);
        let lines = table.lines(&[row("a rather long name", "1234567")]);
        assert_eq!(lines[1], "a rather l…  1234567");
        assert!(table.is_cut());
        let mut table = Table::new([("NAME", Align::Left), ("KG", Align::Right)]);
        table.room = Some(3);
        let lines = table.lines(&[row("a rather long name", "1234567")]);
        assert_eq!(lines[1], "a rathe…  1234567");
    }
}
