//! Plain tables for lists: padded columns, no borders, as kubectl prints them.

use super::{
    Style,
    page::{Page, Span},
    text::{cells, harmless},
};

/// Cells between columns.
const GAP: usize = 3;

/// A table in the making.
#[derive(Clone, Debug)]
pub struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table with these column names.
    pub fn new<Name: AsRef<str>>(header: impl IntoIterator<Item = Name>) -> Self {
        Self {
            header: header
                .into_iter()
                .map(|name| name.as_ref().to_uppercase())
                .collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row. Cells that are missing are empty.
    pub fn row<Cell: AsRef<str>>(&mut self, row: impl IntoIterator<Item = Cell>) {
        self.rows.push(
            row.into_iter()
                .map(|cell| harmless(cell.as_ref()).into_owned())
                .collect(),
        );
    }

    /// Whether it has no rows; the caller says so in words.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as text. Values are never cut: they are there to be copied.
    pub fn render(&self) -> String {
        let mut widths: Vec<usize> = Vec::new();
        let all = || std::iter::once(&self.header).chain(&self.rows);
        for row in all() {
            for (index, cell) in row.iter().enumerate() {
                match widths.get_mut(index) {
                    Some(width) => *width = cells(cell).max(*width),
                    None => widths.push(cells(cell)),
                }
            }
        }
        let mut text = String::new();
        for row in all() {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                line.push_str(&" ".repeat(width.saturating_sub(cells(cell)) + GAP));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

impl Table {
    /// The same where its lines fit into the width of `style`; else each row as a paragraph that begins with its first two cells,
    /// the others below with their column's name, wrapped at spaces.
    pub fn render_within(&self, style: Style) -> String {
        let whole = self.render();
        if whole.lines().all(|line| cells(line) <= style.width) {
            return whole;
        }
        let names: Vec<String> = self.header.iter().map(|name| name.to_lowercase()).collect();
        let widest = names.iter().skip(2).map(|name| cells(name)).max().unwrap_or(0);
        let mut page = Page::new(style);
        for row in &self.rows {
            let first: Vec<&str> = row.iter().take(2).map(String::as_str).collect();
            page.line(&[], &[Span::plain(first.join(" "))]);
            for (name, cell) in names.iter().zip(row).skip(2).filter(|(_, cell)| !cell.is_empty()) {
                let gap = " ".repeat(widest.saturating_sub(cells(name)) + GAP);
                page.line(
                    &[Span::plain(format!("    {name}{gap}"))],
                    &[Span::plain(cell.as_str())],
                );
            }
        }
        page.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_that_is_too_wide_becomes_paragraphs() {
        let mut table = Table::new(["Kind", "Subject", "By", "Scope"]);
        table.row(["user", "nina", "group devs", "all"]);
        assert!(table.render_within(Style::plain(40)).starts_with("KIND"));
        table.row(["user", "bob", "", "the namespaces app, dev and every other one"]);
        insta::assert_snapshot!(table.render_within(Style::plain(40)), @r"
        user nina
            by      group devs
            scope   all
        user bob
            scope   the namespaces app, dev and
                    every other one
        ");
    }

    #[test]
    fn columns_are_aligned_by_what_the_eye_sees() {
        let mut table = Table::new(["Namespace", "Name", "Role ARN"]);
        assert!(table.is_empty());
        table.row(["app", "s3-reader", "arn:aws:iam::111122223333:role/s3-reader"]);
        table.row(["日本", "x\u{1b}[2J", ""]);
        table.row(["short"]);
        insta::assert_snapshot!(table.render(), @r"
        NAMESPACE   NAME        ROLE ARN
        app         s3-reader   arn:aws:iam::111122223333:role/s3-reader
        日本        x�[2J
        short
        ");
    }
}
