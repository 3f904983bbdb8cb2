//! Rows in columns, for people.

use unicode_width::UnicodeWidthStr as _;

use crate::output;

/// The widest a column gets; what is longer is cut.
const WIDEST: usize = 40;

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
}

impl<const N: usize> Table<N> {
    /// No rows yet.
    pub(crate) fn new(columns: [(&'static str, Align); N]) -> Self {
        Self {
            columns,
            widths: None,
        }
    }

    /// These rows as lines; before the first of all, the heads of the columns. Text from outside is sanitised here.
    pub(crate) fn lines(&mut self, rows: &[[String; N]]) -> Vec<String> {
        let rows: Vec<[String; N]> = rows
            .iter()
            .map(|row| row.each_ref().map(|cell| clean(cell)))
            .collect();
        let mut lines = Vec::with_capacity(rows.len() + 1);
        let widths = if let Some(widths) = self.widths {
            widths
        } else {
            let heads = self.columns.map(|(head, _)| head.to_owned());
            let widths = widths(&heads, &rows);
            self.widths = Some(widths);
            lines.push(self.line(&heads, widths));
            widths
        };
        lines.extend(rows.iter().map(|row| self.line(row, widths)));
        lines
    }

    fn line(&self, cells: &[String; N], widths: [usize; N]) -> String {
        let mut line = String::new();
        for ((cell, width), (_, align)) in cells.iter().zip(widths).zip(self.columns) {
            if !line.is_empty() {
                line.push_str("  ");
            }
            let cell = cut(cell, width);
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

fn widths<const N: usize>(heads: &[String; N], rows: &[[String; N]]) -> [usize; N] {
    let mut widths = heads.each_ref().map(|head| head.width());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width().min(WIDEST));
        }
    }
    widths
}

/// On one line, and nothing a terminal would obey.
fn clean(text: &str) -> String {
    output::sanitised(text).replace('\n', " ")
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
        let lines = table.lines(&[row("a", "1"), row("Köln", "1000")]);
        assert_eq!(lines, ["NAME    KG", "a        1", "Köln  1000"]);
        assert_eq!(table.lines(&[row("Hamburg", "2")]), ["Ham…     2"]);
    }

    #[test]
    fn a_partners_text_stays_on_its_line_and_is_no_command_to_the_terminal() {
        let mut table = Table::new([("NAME", Align::Left), ("KG", Align::Right)]);
        let lines = table.lines(&[row("a\u{1b}[31m\nb", "1")]);
        assert_eq!(lines[1], "a\u{fffd}[31m b   1");
    }
}
