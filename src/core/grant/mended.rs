//! The hotfix that a grant runs by, as its signed request names it.

use super::Consent;
use crate::core::entry::Facts;
use crate::core::text::escape;
use serde_json::{Value, json};

/// Which hotfix, and who signed it: they can't judge what was done by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mended {
    /// The act: `p-` and 10 characters.
    pub act: String,
    /// Who signed it, in order.
    pub by: Vec<Signer>,
}

/// A person who signed a hotfix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// Who.
    pub person: String,
    /// Fingerprint of the key that signed.
    pub key: String,
}

impl Mended {
    /// By an act and its signatures.
    pub fn of(act: &str, signed: &[Consent]) -> Self {
        let signer = |consent: &Consent| Signer {
            person: consent.person.clone(),
            key: consent.key.clone().unwrap_or_default(),
        };
        Self { act: act.to_owned(), by: signed.iter().map(signer).collect() }
    }

    /// What a request says; `None` where it names no hotfix.
    ///
    /// # Errors
    /// It names one, and not who signed it.
    pub fn said(request: &Facts) -> Result<Option<Self>, &'static str> {
        let Some(act) = request.signed_str("hotfix") else { return Ok(None) };
        let by = request.signed.as_ref().and_then(|signed| signed.get("hotfix_by")?.as_array());
        let signer = |signer: &Value| {
            let text = |key| Some(signer.get(key)?.as_str()?.to_owned());
            Some(Signer { person: text("person")?, key: text("key")? })
        };
        let by: Option<Vec<Signer>> = by.and_then(|by| by.iter().map(signer).collect());
        let by = by.ok_or("`hotfix_by` does not say who signed the hotfix")?;
        Ok(Some(Self { act: act.to_owned(), by }))
    }

    /// `hotfix_by` of a request.
    pub fn signers(&self) -> Value {
        self.by.iter().map(|signer| json!({"person": signer.person, "key": signer.key})).collect()
    }

    /// `p-… by ana and ben`, inert.
    pub fn to_words(&self) -> String {
        let people: Vec<&str> = self.by.iter().map(|signer| signer.person.as_str()).collect();
        escape(&format!("{} by {}", self.act, people.join(" and ")))
    }
}
