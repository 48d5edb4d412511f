//! What is printed: each figure with its bound, and whether it was reached.

use std::fmt;

/// What a figure must hold.
#[derive(Clone, Copy)]
pub(crate) enum Bound {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
}

impl Bound {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtMost(bound) => value <= bound,
            Self::AtLeast(bound) => value >= bound,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(bound) => write!(f, "≤ {bound}"),
            Self::AtLeast(bound) => write!(f, "≥ {bound}"),
        }
    }
}

/// One line of the table.
pub(crate) struct Figure {
    /// What was measured, against what.
    pub(crate) work: String,
    /// The measured value.
    pub(crate) value: f64,
    /// Its unit; empty for a ratio.
    pub(crate) unit: &'static str,
    /// What it must hold.
    pub(crate) bound: Bound,
    /// Both sides as they were measured.
    pub(crate) detail: String,
}

/// Prints a figure as soon as it is there.
pub(crate) fn print(figure: &Figure) {
    let Figure { work, value, unit, bound, detail } = figure;
    let reached = if bound.holds(*value) { "reached" } else { "NOT REACHED" };
    println!("{work:<66} {value:>7.2}{unit:<4} {:<9} {reached:<12} {detail}", bound.to_string());
}

/// Prints what a person must know to read the figures.
pub(crate) fn note(text: &str) {
    println!("  {text}");
}

/// Seconds, for people.
pub(crate) fn seconds(value: f64) -> String {
    match value {
        ..0.001 => format!("{:.0} µs", value * 1e6),
        ..1.0 => format!("{:.2} ms", value * 1e3),
        _ => format!("{value:.2} s"),
    }
}
