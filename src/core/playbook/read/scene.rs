//! Which placeholders may stand where.

use crate::core::playbook::placeholder::{FIXED, Placeholder, Template, TemplateError};
use crate::core::source::nearest;
use crate::core::source::reader::{Read, Reported, Value};
use crate::core::text::is_hostile;

/// The outputs of a scope's steps, known before the steps themselves are read.
pub(super) struct Catalog(Vec<KnownStep>);

struct KnownStep {
    id: String,
    outputs: Vec<KnownOutput>,
}

struct KnownOutput {
    name: String,
    secret: bool,
}

impl Catalog {
    /// Looks over `[[scope.step]]` without judging it.
    pub(super) fn of(steps: Option<Value<'_>>) -> Self {
        let known = |step: Value<'_>| KnownStep {
            id: step.peek("id").and_then(Value::peek_text).unwrap_or_default().to_owned(),
            outputs: step.peek("output").map(outputs).unwrap_or_default(),
        };
        Self(steps.map(|steps| steps.peek_items().map(known).collect()).unwrap_or_default())
    }
}

fn outputs(table: Value<'_>) -> Vec<KnownOutput> {
    let recorded =
        |name: &str| table.peek(name).and_then(|output| output.peek("record")).is_some_and(Value::is_true);
    table.keys().map(|name| KnownOutput { name: name.to_owned(), secret: !recorded(name) }).collect()
}

/// What is known when a text is filled in.
#[derive(Clone, Copy)]
pub(super) struct Scene<'c> {
    catalog: &'c Catalog,
    /// How messages call the place.
    place: &'static str,
    fixed: Fixed,
    /// Outputs of so many steps, counted from the first, have values.
    steps: usize,
    secrets: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Fixed {
    Nothing,
    /// Who asks for what: no grant yet.
    Request,
    Grant,
}

impl<'c> Scene<'c> {
    const fn new(catalog: &'c Catalog, place: &'static str, fixed: Fixed, steps: usize) -> Self {
        Self { catalog, place, fixed, steps, secrets: false }
    }

    /// Before there is a grant.
    pub(super) const fn probe(catalog: &'c Catalog) -> Self {
        Self::new(catalog, "a probe, which runs before there is a grant", Fixed::Request, 0)
    }

    /// On days without a grant.
    pub(super) const fn idle(catalog: &'c Catalog) -> Self {
        Self::new(catalog, "`idle`, which runs without a grant", Fixed::Nothing, 0)
    }

    /// Around a grant, with no step's outputs at hand.
    pub(super) const fn around(catalog: &'c Catalog) -> Self {
        Self::new(catalog, "this command", Fixed::Grant, 0)
    }

    /// `grant`, `env` and `stdin` of the step at `index`.
    pub(super) const fn opening(catalog: &'c Catalog, index: usize) -> Self {
        Self::new(catalog, "`grant`, `env` and `stdin`", Fixed::Grant, index)
    }

    /// `revoke`, `end` and `check` of the step at `index`.
    pub(super) const fn closing(catalog: &'c Catalog, index: usize) -> Self {
        Self::new(catalog, "`revoke`, `end` and `check`", Fixed::Grant, index + 1)
    }

    /// Evidence: after every step.
    pub(super) fn evidence(catalog: &'c Catalog) -> Self {
        Self::new(catalog, "evidence", Fixed::Grant, catalog.0.len())
    }

    /// The same, where secret outputs may stand too.
    pub(super) const fn with_secrets(self) -> Self {
        Self { secrets: true, ..self }
    }

    /// A text with placeholders that have values here.
    pub(super) fn template(self, value: Value<'_>) -> Read<Template> {
        let text = value.text()?;
        // Line feeds and tabs are at home in arguments (SQL, JSON); nothing else is.
        if let Some(hostile) = text.chars().find(|c| is_hostile(*c) && !matches!(c, '\n' | '\t')) {
            let message = format!("character U+{:04X} is not allowed in a command", u32::from(hostile));
            return Err(value.fault(&message));
        }
        let template: Template = text.parse().map_err(|error| self.malformed(value, &error))?;
        let refused: Vec<_> = template.placeholders().filter_map(|p| self.refuse(value, p)).collect();
        refused.into_iter().next().map_or(Ok(template), Err)
    }

    fn malformed(self, value: Value<'_>, error: &TemplateError) -> Reported {
        let TemplateError::Unknown(name) = error else { return value.fault(&error.to_string()) };
        let mut known: Vec<String> = FIXED.iter().map(|(name, _)| (*name).to_owned()).collect();
        known.extend(self.outputs());
        self.unknown(value, name, &known)
    }

    fn unknown(self, value: Value<'_>, name: &str, known: &[String]) -> Reported {
        let hint = match nearest(name, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{{{near}}}`?"),
            None => {
                format!("known: `{{{}}}`; for a brace itself write `{{{{` or `}}}}`", known.join("}`, `{"))
            }
        };
        value.fault_in(&format!("{{{name}"), &format!("unknown placeholder `{{{name}}}`"), Some(&hint))
    }

    fn outputs(self) -> impl Iterator<Item = String> {
        let steps = self.catalog.0.iter();
        steps.flat_map(|step| step.outputs.iter().map(move |output| format!("{}.{}", step.id, output.name)))
    }

    fn refuse(self, value: Value<'_>, placeholder: &Placeholder) -> Option<Reported> {
        let written = placeholder.to_string();
        let has_value = match placeholder {
            Placeholder::Output { step, output } => return self.refuse_output(value, step, output),
            Placeholder::GrantScope | Placeholder::OperatorName | Placeholder::OperatorOsUser => {
                self.fixed != Fixed::Nothing
            }
            _ => self.fixed == Fixed::Grant,
        };
        let message = format!("`{written}` has no value in {}", self.place);
        (!has_value).then(|| value.fault_in(&written, &message, None))
    }

    fn refuse_output(self, value: Value<'_>, step: &str, output: &str) -> Option<Reported> {
        let written = format!("{{{step}.{output}}}");
        let found = self.catalog.0.iter().enumerate().find_map(|(index, known)| {
            let output = known.outputs.iter().find(|known| known.name == output);
            output.filter(|_| known.id == step).map(|output| (index, output.secret))
        });
        let Some((index, secret)) = found else {
            let mut known: Vec<String> = FIXED.iter().map(|(name, _)| (*name).to_owned()).collect();
            known.extend(self.outputs());
            return Some(self.unknown(value, &format!("{step}.{output}"), &known));
        };
        if index >= self.steps {
            let message = match self.steps {
                0 => format!("`{written}` has no value in {}", self.place),
                _ => format!("`{written}` has no value yet in {} of this step", self.place),
            };
            let hint = "an output has a value in later steps, and in what closes its own step";
            return Some(value.fault_in(&written, &message, Some(hint)));
        }
        (secret && !self.secrets).then(|| {
            let message = format!("`{written}` is secret: it may stand only in `stdin` of a later step");
            let hint = "arguments and variables can be read by others; \
                        `record = true` on an output says that it is no secret";
            value.fault_in(&written, &message, Some(hint))
        })
    }
}
