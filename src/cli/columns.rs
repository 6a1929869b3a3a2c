//! Text in aligned columns.

use super::output;

/// A cell: its text, and how it is drawn, with codes that take no room.
pub(super) struct Cell {
    text: String,
    is_number: bool,
    drawn: Option<String>,
}

impl Cell {
    /// Text, to the left.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self { text: output::printable(&text.into()), is_number: false, drawn: None }
    }

    /// A number with its unit, to the right.
    pub(super) fn number(text: impl Into<String>) -> Self {
        Self { is_number: true, ..Self::text(text) }
    }

    /// The same, painted.
    pub(super) fn painted(self, paint: impl FnOnce(&str) -> String) -> Self {
        Self { drawn: Some(paint(&self.text)), ..self }
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }

    fn draw(&self, width: usize) -> String {
        let gap = " ".repeat(width.saturating_sub(self.width()));
        let text = self.drawn.as_ref().unwrap_or(&self.text);
        if self.is_number { format!("{gap}{text}") } else { format!("{text}{gap}") }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

/// A row, and lines that follow it unaligned.
pub(super) struct Row {
    /// The cells.
    pub(super) cells: Vec<Cell>,
    /// The lines below.
    pub(super) below: Vec<String>,
}

impl From<Vec<Cell>> for Row {
    fn from(cells: Vec<Cell>) -> Self {
        Self { cells, below: Vec::new() }
    }
}

/// The rows with every column as wide as its widest cell, two spaces apart, each line with its end.
pub(super) fn aligned(rows: &[Row]) -> String {
    let count = rows.iter().map(|row| row.cells.len()).max().unwrap_or(0);
    let width =
        |at: usize| rows.iter().filter_map(|row| row.cells.get(at)).map(Cell::width).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.cells.iter().zip(&widths).filter(|(_, width)| **width > 0);
        let cells: Vec<String> = cells.map(|(cell, width)| cell.draw(*width)).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
        for line in &row.below {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_colors_take_no_room() {
        let painted = Cell::text("pass").painted(|text| format!("<{text}>"));
        let rows = [
            Row::from(vec!["id".into(), "verdict".into(), Cell::number("value"), "flags".into()]),
            Row {
                cells: vec!["slr".into(), painted, Cell::number("−9.00 dB")], below: vec!["  why".into()]
            },
        ];
        assert_eq!(aligned(&rows), "id   verdict     value  flags\nslr  <pass>     −9.00 dB\n  why\n");
    }
}
