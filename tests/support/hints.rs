//! Who runs the tests is noted too: an agent or a CI runner may stand above every glass.

use glass::core::hints::{Hint, hints};
use glass::ports::ancestry;
use serde_json::Value;

/// What glass notes because of who runs the tests; they hand on no variables.
pub fn own_hints() -> Vec<String> {
    hints(&[], &ancestry::names()).iter().map(Hint::to_string).collect()
}

/// A JSON output without those hints, which differ from machine to machine.
pub fn unhinted(mut value: Value) -> Value {
    fn scrub(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.remove("hints");
                fields.values_mut().for_each(scrub);
            }
            Value::Array(items) => {
                items.retain(|item| item["id"] != "automation-hint");
                items.iter_mut().for_each(scrub);
            }
            _ => {}
        }
    }
    scrub(&mut value);
    value
}
