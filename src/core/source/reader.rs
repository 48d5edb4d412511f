//! Reads a TOML file into values, keeping every place, and reports all faults at once.
//!
//! A key is known when it was asked for: what was never asked for is an error of the file.
//! So ask for every key of a table before the first `?`.

use crate::core::source::{Faults, SourceError, nearest};
use std::cell::RefCell;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A fault was put on the list; only [`Reader`] makes it, so a failure always has a message.
#[derive(Debug)]
pub(in crate::core) struct Reported(());

/// What was read, or the promise that its fault is on the list.
pub(in crate::core) type Read<T> = Result<T, Reported>;

/// One file and the faults found in it so far.
pub(in crate::core) struct Reader<'t> {
    file: &'t str,
    text: &'t str,
    faults: RefCell<Vec<SourceError>>,
}

/// Reads a whole file: all of `T`, or all faults.
pub(in crate::core) fn read_file<T>(
    file: &str,
    text: &str,
    read: impl FnOnce(&mut Table<'_>) -> Read<T>,
) -> Result<T, Faults> {
    let reader = Reader { file, text, faults: RefCell::default() };
    let root = DeTable::parse(text).map_err(|e| Faults(vec![SourceError::from_toml(file, text, &e)]))?;
    let result =
        Table { reader: &reader, entries: root.get_ref(), span: 0..0, asked: Vec::new(), forgiving: false }
            .read(read);
    let mut faults = reader.faults.into_inner();
    match result {
        Ok(value) if faults.is_empty() => Ok(value),
        _ => {
            faults.sort_by_key(|fault| (fault.line, fault.column));
            Err(Faults(faults))
        }
    }
}

impl Reader<'_> {
    fn report(&self, span: Range<usize>, message: &str, hint: Option<&str>) -> Reported {
        let fault = SourceError::new(self.file, self.text, span, message);
        let fault = match hint {
            Some(hint) => fault.with_hint(hint),
            None => fault,
        };
        self.faults.borrow_mut().push(fault);
        Reported(())
    }
}

/// A value with its place.
#[derive(Clone, Copy)]
pub(in crate::core) struct Value<'r> {
    reader: &'r Reader<'r>,
    value: &'r Spanned<DeValue<'r>>,
}

impl<'r> Value<'r> {
    /// A fault of this value.
    pub(in crate::core) fn fault(self, message: &str) -> Reported {
        self.reader.report(self.value.span(), message, None)
    }

    /// A fault of this value, and what to write instead.
    pub(in crate::core) fn fault_hint(self, message: &str, hint: &str) -> Reported {
        self.reader.report(self.value.span(), message, Some(hint))
    }

    /// A fault of a part of this value: points at `part` where the file spells it out.
    pub(in crate::core) fn fault_in(self, part: &str, message: &str, hint: Option<&str>) -> Reported {
        let span = self.value.span();
        let written = self.reader.text.get(span.clone()).unwrap_or_default();
        let offset = written.find(part).unwrap_or(0);
        self.reader.report(span.start + offset..span.end, message, hint)
    }

    fn expected(self, what: &str) -> Reported {
        self.fault(&format!("expected {what}, found {}", kind(self.value.get_ref())))
    }

    pub(in crate::core) fn text(self) -> Read<&'r str> {
        self.value.get_ref().as_str().ok_or_else(|| self.expected("a text in quotes"))
    }

    pub(in crate::core) fn boolean(self) -> Read<bool> {
        self.value.get_ref().as_bool().ok_or_else(|| self.expected("`true` or `false`"))
    }

    pub(in crate::core) fn integer(self, range: std::ops::RangeInclusive<i64>) -> Read<i64> {
        let DeValue::Integer(number) = self.value.get_ref() else {
            return Err(self.expected("a whole number"));
        };
        match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => Err(self.fault(&format!(
                "expected a whole number from {} to {}, found {}",
                range.start(),
                range.end(),
                number.as_str()
            ))),
        }
    }

    /// Each item of an array; every one is read, so that all faults are found.
    pub(in crate::core) fn list<T>(self, mut read: impl FnMut(Value<'r>) -> Read<T>) -> Read<Vec<T>> {
        if !self.is_list() {
            return Err(self.expected("a list"));
        }
        let items: Vec<Read<T>> = self.peek_items().map(&mut read).collect();
        items.into_iter().collect()
    }

    /// A list of one item at least.
    pub(in crate::core) fn filled_list<T>(self, read: impl FnMut(Value<'r>) -> Read<T>) -> Read<Vec<T>> {
        match self.list(read)? {
            list if list.is_empty() => Err(self.fault("an empty list is not allowed here")),
            list => Ok(list),
        }
    }

    /// The value of a key, if this is a table that has it; asks nothing, reports nothing.
    pub(in crate::core) fn peek(self, key: &str) -> Option<Value<'r>> {
        let value = self.value.get_ref().as_table()?.get(key)?;
        Some(Value { value, ..self })
    }

    /// The keys, if this is a table.
    pub(in crate::core) fn keys(self) -> impl Iterator<Item = &'r str> {
        let entries = self.value.get_ref().as_table().into_iter();
        entries.flat_map(|table| table.keys().map(|key| key.get_ref().as_ref()))
    }

    /// The text, if this is one.
    pub(in crate::core) fn peek_text(self) -> Option<&'r str> {
        self.value.get_ref().as_str()
    }

    /// The items, if this is a list.
    pub(in crate::core) fn peek_items(self) -> impl Iterator<Item = Value<'r>> {
        let items = self.value.get_ref().as_array().into_iter();
        items.flat_map(move |array| array.iter().map(move |value| Value { value, ..self }))
    }

    /// Whether it is `true`.
    pub(in crate::core) fn is_true(self) -> bool {
        self.value.get_ref().as_bool() == Some(true)
    }

    /// Whether it is a table; for keys that take a table or something shorter.
    pub(in crate::core) fn is_table(self) -> bool {
        self.value.get_ref().is_table()
    }

    /// Whether it is a list; for keys that take a list or something longer.
    pub(in crate::core) fn is_list(self) -> bool {
        self.value.get_ref().is_array()
    }

    /// A table whose keys are fixed.
    pub(in crate::core) fn table<T>(self, read: impl FnOnce(&mut Table<'r>) -> Read<T>) -> Read<T> {
        let entries = self.value.get_ref().as_table().ok_or_else(|| self.expected("a table"))?;
        Table { reader: self.reader, entries, span: self.value.span(), asked: Vec::new(), forgiving: false }
            .read(read)
    }

    /// A table whose keys are names that the file chooses.
    pub(in crate::core) fn map<K: Ord, V>(
        self,
        mut key: impl FnMut(&'r str) -> Result<K, String>,
        mut read: impl FnMut(&'r str, Value<'r>) -> Read<V>,
    ) -> Read<std::collections::BTreeMap<K, V>> {
        let entries = self.value.get_ref().as_table().ok_or_else(|| self.expected("a table"))?;
        let read: Vec<Read<(K, V)>> = entries
            .iter()
            .map(|(name, value)| {
                let name_read =
                    key(name.get_ref()).map_err(|message| self.reader.report(name.span(), &message, None));
                let value_read = read(name.get_ref(), Value { value, ..self });
                Ok((name_read?, value_read?))
            })
            .collect();
        read.into_iter().collect()
    }
}

/// A table with its place, and the keys that were asked for.
pub(in crate::core) struct Table<'r> {
    reader: &'r Reader<'r>,
    entries: &'r DeTable<'r>,
    span: Range<usize>,
    asked: Vec<&'static str>,
    forgiving: bool,
}

impl<'r> Table<'r> {
    fn read<T>(mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        let result = read(&mut self);
        match self.refuse_unknown() {
            Some(reported) => Err(reported),
            None => result,
        }
    }

    fn refuse_unknown(&self) -> Option<Reported> {
        let mut reported = None;
        for (key, _) in self.entries.iter() {
            let name: &str = key.get_ref();
            if !self.forgiving && !self.asked.contains(&name) {
                let known = self.asked.join("`, `");
                let hint = match nearest(name, self.asked.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`? Known here: `{known}`"),
                    None => format!("known here: `{known}`"),
                };
                let message = format!("unknown key `{name}`");
                reported = Some(self.reader.report(key.span(), &message, Some(&hint)));
            }
        }
        reported
    }

    /// Takes every key as known: for a table whose kind could not be told.
    pub(in crate::core) fn forgive_unknown(&mut self) {
        self.forgiving = true;
    }

    /// The value of a key, if it is there.
    pub(in crate::core) fn get(&mut self, key: &'static str) -> Option<Value<'r>> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        self.peek(key)
    }

    fn peek(&self, key: &str) -> Option<Value<'r>> {
        self.entries.get(key).map(|value| Value { reader: self.reader, value })
    }

    /// A key that may be left out.
    pub(in crate::core) fn optional<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(Value<'r>) -> Read<T>,
    ) -> Read<Option<T>> {
        self.get(key).map(read).transpose()
    }

    /// A key that has a default.
    pub(in crate::core) fn or<T>(
        &mut self,
        key: &'static str,
        default: T,
        read: impl FnOnce(Value<'r>) -> Read<T>,
    ) -> Read<T> {
        self.get(key).map_or(Ok(default), read)
    }

    /// A key that must be there.
    pub(in crate::core) fn required<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(Value<'r>) -> Read<T>,
    ) -> Read<T> {
        match self.get(key) {
            Some(value) => read(value),
            None => Err(self.fault(&format!("`{key}` is required here"))),
        }
    }

    /// A list that may be left out, which is the same as empty.
    pub(in crate::core) fn list<T>(
        &mut self,
        key: &'static str,
        read: impl FnMut(Value<'r>) -> Read<T>,
    ) -> Read<Vec<T>> {
        self.get(key).map_or(Ok(Vec::new()), |value| value.list(read))
    }

    /// A fault of the table as a whole: points at its header.
    pub(in crate::core) fn fault(&self, message: &str) -> Reported {
        self.reader.report(self.span.clone(), message, None)
    }

    /// A fault of one key's value; of the table, where the key is left out.
    pub(in crate::core) fn fault_at(&self, key: &str, message: &str) -> Reported {
        match self.peek(key) {
            Some(value) => value.fault(message),
            None => self.fault(message),
        }
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "`true` or `false`",
        DeValue::Datetime(_) => "a date without quotes",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
