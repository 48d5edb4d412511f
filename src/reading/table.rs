//! Tables without lines, in the width of the screen.

use crate::core::text::escape;
use comfy_table::{ContentArrangement, Table, presets};

/// Lays rows out under a heading. Every cell is made inert (P10).
pub(super) fn table(heading: &[&str], rows: impl IntoIterator<Item = Vec<String>>, width: u16) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    table.set_header(heading.to_vec());
    for row in rows {
        table.add_row(row.iter().map(|cell| escape(cell)));
    }
    if let Some(first) = table.column_mut(0) {
        first.set_padding((0, 1));
    }
    let text = table.to_string();
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}
