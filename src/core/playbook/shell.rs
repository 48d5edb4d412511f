//! Commands as lines that a person can type by hand, placeholders left visible.

use crate::core::playbook::placeholder::{Part, Template};
use crate::core::playbook::step::{Given, Run, Surroundings};
use crate::core::text::escape;

/// The lines that set the variables of a command; secrets are read from their files.
pub(super) fn exports(surroundings: &Surroundings) -> Vec<String> {
    let value = |given: &Given| match given {
        Given::Text(text) => argument(text),
        Given::File(path) => format!("\"$(cat {})\"", quote(&path.to_string_lossy())),
    };
    surroundings.env.iter().map(|(name, given)| format!("export {name}={}", value(given))).collect()
}

/// The command as one line, run as its user.
pub(super) fn line(run: &Run, surroundings: &Surroundings) -> String {
    let command = run.iter().map(argument).collect::<Vec<_>>().join(" ");
    let Some(user) = &surroundings.run_as else { return command };
    let names: Vec<&str> = surroundings.env.keys().map(String::as_str).collect();
    let keep = if names.is_empty() { String::new() } else { format!("--preserve-env={} ", names.join(",")) };
    format!("sudo {keep}-u {} -- {command}", quote(user))
}

/// The same with its standard input.
pub(super) fn line_with_stdin(run: &Run, surroundings: &Surroundings) -> String {
    let line = line(run, surroundings);
    match &surroundings.stdin {
        None => line,
        // `printf` is built into every shell: the text is in no process's arguments.
        Some(Given::Text(text)) => format!("printf %s {} | {line}", argument(text)),
        Some(Given::File(path)) => format!("{line} < {}", quote(&path.to_string_lossy())),
    }
}

/// One argument, quoted where a shell would read it as anything else.
fn argument(template: &Template) -> String {
    let plain = template.parts().iter().all(|part| match part {
        Part::Text(text) => is_plain(text),
        Part::Placeholder(_) => true,
    });
    match plain && !template.parts().is_empty() {
        true => template.to_string(),
        false => quoted(&template.to_string()),
    }
}

/// An argument vector as a person would have typed it.
pub fn typed(argv: &[String]) -> String {
    argv.iter().map(|argument| quote(argument)).collect::<Vec<_>>().join(" ")
}

fn quote(text: &str) -> String {
    if is_plain(text) && !text.is_empty() { text.to_owned() } else { quoted(text) }
}

fn is_plain(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c))
}

fn quoted(text: &str) -> String {
    if text.contains(['\n', '\t']) {
        let inner = text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n").replace('\t', "\\t");
        return format!("$'{}'", escape(&inner));
    }
    format!("'{}'", escape(&text.replace('\'', "'\\''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_quoted_where_a_shell_would_read_them_otherwise() {
        for (text, shown) in [
            ("-metadata=grant={grant.id}", "-metadata=grant={grant.id}"),
            ("/var/tmp/x", "/var/tmp/x"),
            ("", "''"),
            ("two words", "'two words'"),
            ("{{a,b}}", "'{a,b}'"),
            ("it's {grant.id}", "'it'\\''s {grant.id}'"),
            ("$(reboot)", "'$(reboot)'"),
            ("~root", "'~root'"),
            ("a\nb\\'", "$'a\\nb\\\\\\''"),
        ] {
            assert_eq!(argument(&text.parse().unwrap()), shown);
        }
    }
}
