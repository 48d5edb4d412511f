//! Text in the width of a screen: nobody has to scroll sideways, and there is no pager (P10).

use console::measure_text_width;

/// Breaks a text between words, behind a heading that its further lines leave free.
///
/// A word that is wider than the screen stands on a line of its own: the terminal breaks it.
pub(super) fn hang(heading: &str, text: &str, width: usize) -> Vec<String> {
    let indent = " ".repeat(measure_text_width(heading));
    let mut lines = Vec::new();
    let mut line = heading.to_owned();
    let mut is_bare = true;
    for word in text.split(' ') {
        let gap = usize::from(!is_bare);
        if !is_bare && measure_text_width(&line) + gap + measure_text_width(word) > width {
            lines.push(std::mem::replace(&mut line, indent.clone()));
        } else if !is_bare {
            line.push(' ');
        }
        line.push_str(word);
        is_bare = false;
    }
    lines.push(line);
    lines.into_iter().map(|line| line.trim_end().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn further_lines_hang_below_the_text() {
        let lines = hang("why  ", "the door is stuck and nobody is in", 16);
        assert_eq!(lines, ["why  the door is", "     stuck and", "     nobody is", "     in"]);
        assert_eq!(hang("", "x", 4), ["x"]);
        assert_eq!(hang("a ", "", 4), ["a"]);
        assert_eq!(hang("", "wider-than-it ok", 5), ["wider-than-it", "ok"]);
    }

    proptest! {
        #[test]
        fn no_word_is_lost_and_no_line_too_wide(text in "([a-z漢]{1,9} ?){0,30}", width in 24usize..80) {
            let lines = hang("why  ", &text, width);
            let words: Vec<&str> = lines.iter().flat_map(|line| line.split_whitespace()).skip(1).collect();
            prop_assert_eq!(words, text.split_whitespace().collect::<Vec<_>>());
            let fits = |line: &String| {
                measure_text_width(line) <= width || line.trim_start_matches("why  ").split_whitespace().count() == 1
            };
            prop_assert!(lines.iter().all(fits), "{:?}", lines);
        }
    }
}
