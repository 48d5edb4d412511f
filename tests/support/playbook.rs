//! Playbooks as text.

use std::collections::BTreeMap;

/// One scope in the writing: sound by itself but for its steps, and changed line by line.
#[derive(Clone, Debug)]
pub struct Scope {
    name: String,
    lines: BTreeMap<String, String>,
    tables: Vec<String>,
}

impl Scope {
    /// A scope that everyone of `oncall` may open, for 10 minutes if nothing else is said.
    pub fn new(name: &str) -> Self {
        let lines = [
            ("title", "\"Open the door\""),
            ("opens", "[\"a door\"]"),
            ("risk", "\"low\""),
            ("activate", "[\"group:oncall\"]"),
            ("review", "{ by = [\"group:admin\"], within = \"24h\" }"),
            ("duration", "{ default = \"10m\", max = \"1h\" }"),
            ("limits", "{ concurrent = 50 }"),
        ];
        let lines = lines.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        Self { name: name.to_owned(), lines, tables: Vec::new() }
    }

    /// Sets a key to a TOML value as it is written; an empty one takes the line out.
    #[must_use]
    pub fn set(mut self, key: &str, value: &str) -> Self {
        self.lines.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Adds a step, criterion or other table, with its heading.
    #[must_use]
    pub fn with(mut self, table: impl Into<String>) -> Self {
        self.tables.push(table.into());
        self
    }

    /// Adds a criterion that is asked.
    #[must_use]
    pub fn asks(self, id: &str, question: &str) -> Self {
        self.with(format!("[[scope.criterion]]\nid = \"{id}\"\nask = \"{question}\"\n"))
    }

    fn text(&self) -> String {
        let mut text = format!("[[scope]]\nname = \"{}\"\n", self.name);
        for (key, value) in self.lines.iter().filter(|(_, value)| !value.is_empty()) {
            text += &format!("{key} = {value}\n");
        }
        text + "\n" + &self.tables.join("\n")
    }
}

/// The text of a playbook with these scopes.
pub fn text(name: &str, scopes: &[Scope]) -> String {
    let head =
        format!("schema = 1\n\n[playbook]\nname = \"{name}\"\ntitle = \"Doors\"\nowner = \"on-call\"\n\n");
    head + &scopes.iter().map(Scope::text).collect::<Vec<_>>().join("\n")
}
