#![allow(clippy::needless_raw_string_hashes)]

use crate::core::playbook::{Playbook, SAMPLE};

#[test]
fn the_sample_is_a_playbook() {
    let playbook = Playbook::parse("sample.toml", SAMPLE).map_err(|faults| faults.to_string()).unwrap();
    assert_eq!(playbook.scopes[0].unsupported(), [""; 0]);
}
