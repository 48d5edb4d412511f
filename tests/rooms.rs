//! Holds every `use crate::` line against the picture of the rooms (DESIGN 5).

#![allow(missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms, outermost first: a room uses only what stands below it, and itself.
const ROOMS: [&str; 5] = ["cli", "usecases", "reading", "ports", "core"];

/// What ports may take from each other: the tokens of the order of an act, and of whose rights
/// count for a person's files.
const TOKENS: [(&str, &str, &[&str]); 5] = [
    ("signer", "terminal", &["Typed"]),
    ("signer", "belongings", &["Belongings", "Ended", "Keygen", "MALFORMED"]),
    ("ledger", "signer", &["Confirmed"]),
    ("effect", "ledger", &["Attending", "Closing", "Opening", "Registered"]),
    ("recordings", "ledger", &["Deletable"]),
];

/// Verbs are told apart by file; what they share has files of its own.
const SHARED_BY_VERBS: [&str; 8] =
    ["context", "cosigning", "desk", "failure", "invocation", "signing", "texts", "words"];

/// A `use crate::…` line, and where it stands.
struct Use {
    file: PathBuf,
    room: String,
    port: Option<String>,
    path: Vec<String>,
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every path below `crate::` that the sources name, in `use` lines and elsewhere.
fn uses() -> Vec<Use> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut uses = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&root).unwrap();
        let parts: Vec<String> =
            relative.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
        if parts.len() < 2 {
            continue; // lib.rs and main.rs stand above the rooms
        }
        let text = fs::read_to_string(&file).unwrap();
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for found in line.split("crate::").skip(1) {
                let named =
                    found.split(['{', ';', ' ', ')', '(', ',', '<', '>', '&', '?']).next().unwrap_or("");
                let mut path: Vec<String> =
                    named.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
                if let Some(group) = found.split_once("::{").filter(|(head, _)| !head.contains([';', ' '])) {
                    let (head, rest) = group;
                    let prefix: Vec<String> = head.split("::").map(str::to_owned).collect();
                    for item in rest.split('}').next().unwrap_or("").split(',') {
                        let mut path = prefix.clone();
                        path.extend(item.trim().split("::").map(str::to_owned));
                        uses.push(Use {
                            file: relative.into(),
                            room: parts[0].clone(),
                            port: parts.get(1).cloned(),
                            path,
                        });
                    }
                    path.clear();
                }
                if !path.is_empty() {
                    uses.push(Use {
                        file: relative.into(),
                        room: parts[0].clone(),
                        port: parts.get(1).cloned(),
                        path,
                    });
                }
            }
        }
    }
    assert!(uses.len() > 100, "the sources were not read");
    uses
}

fn rank(room: &str) -> Option<usize> {
    ROOMS.iter().position(|known| *known == room)
}

#[test]
fn every_room_uses_only_what_stands_below_it() {
    let mut broken = Vec::new();
    for used in uses() {
        let (Some(from), Some(to)) = (rank(&used.room), rank(&used.path[0])) else {
            broken.push(format!("{}: crate::{} is in no room", used.file.display(), used.path.join("::")));
            continue;
        };
        if to < from {
            broken.push(format!("{}: {} uses {}", used.file.display(), used.room, used.path.join("::")));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn ports_never_use_each_other_but_for_the_tokens() {
    let mut broken = Vec::new();
    for used in uses().into_iter().filter(|used| used.room == "ports" && used.path[0] == "ports") {
        let own = used.port.clone().unwrap_or_default();
        let Some(other) = used.path.get(1).filter(|other| **other != own) else { continue };
        let item = used.path.last().cloned().unwrap_or_default();
        let allowed = TOKENS
            .iter()
            .any(|(port, of, items)| *port == own && of == other && items.contains(&item.as_str()));
        if !allowed {
            broken.push(format!("{}: {own} uses {}", used.file.display(), used.path.join("::")));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_core_touches_nothing_outside() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/core");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let outside =
        ["std::fs", "std::process", "std::env", "std::net", "rusqlite", "rustix", "nix::", "getrandom"];
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        // Test modules may drive the real ssh-keygen.
        let own = text.split("#[cfg(test)]").next().unwrap_or_default();
        let is_test_only = file.ends_with("stock.rs") || file.ends_with("tests.rs");
        for name in outside.iter().filter(|_| !is_test_only) {
            let used = own.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(name));
            assert!(!used, "{} uses {name}", file.display());
        }
    }
}

#[test]
fn there_is_no_room_without_a_concern() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(!["util", "utils", "helper", "helpers", "misc", "common"].contains(&name.as_str()), "{name}");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("//!"), "{} does not say what it is for", file.display());
    }
}

#[test]
fn one_verb_does_not_lean_on_another() {
    // Only `activation` closes (a failed activation rolls back), and reads drafts as
    // `registration` and `playbooks` do. `act` hands the next signer to the verb that is signed;
    // `outside` finds a scope by the name that `activation` takes; `review` shows what sessions ran,
    // `closing` fixes what is left of their recordings.
    let allowed = [
        ("act", "outside"),
        ("act", "registration"),
        ("activation", "closing"),
        ("activation", "registration"),
        ("closing", "session"),
        ("outside", "activation"),
        ("playbooks", "registration"),
        ("registration", "playbooks"),
        ("review", "session"),
    ];
    for used in uses().into_iter().filter(|used| used.room == "usecases" && used.path[0] == "usecases") {
        let (Some(from), Some(to)) = (used.port.clone(), used.path.get(1).cloned()) else { continue };
        let fine = from == to
            || SHARED_BY_VERBS.contains(&to.as_str())
            || allowed.contains(&(from.as_str(), to.as_str()));
        assert!(fine, "{}: {from} uses {to}", used.file.display());
    }
}
