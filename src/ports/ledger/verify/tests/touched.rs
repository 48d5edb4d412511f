//! The touch that a scope demands: judged when a request is recorded, and by its stored signature
//! once more when it is to open.

use super::fixture::{Fixture, grant};
use crate::core::playbook::SAMPLE;
use crate::ports::ledger::GrantLock;

#[test]
fn p04_a_request_without_the_touch_is_not_recorded() {
    for touch in ["required", "verified", "hardware"] {
        let mut fixture = Fixture::found(7);
        let demanding = format!("[[scope]]\ntouch = \"{touch}\"");
        fixture.register_playbook(&SAMPLE.replacen("[[scope]]", &demanding, 1));
        let error = fixture.try_request(1).unwrap_err();
        assert!(error.to_string().contains("touch"), "{error}");
        assert_eq!(fixture.ledger().grant(&grant(1)).unwrap(), None);
        assert_eq!(fixture.verify().findings, []);
    }
}

#[test]
fn p04_what_opens_is_judged_by_the_stored_signature() {
    let open = |damage: Option<&str>| {
        let mut fixture = Fixture::found(7);
        fixture.register();
        let recorded = fixture.try_request(1).unwrap();
        damage.into_iter().for_each(|sql| fixture.damage(sql));
        let now = fixture.now();
        std::fs::create_dir_all(&fixture.place.locks).unwrap();
        let lock = GrantLock::acquire(&fixture.place.locks, &grant(1), &now, now.boot_ms + 30_000);
        let opened = fixture.ledger().open_grant(&recorded, lock.unwrap().unwrap(), None, &now);
        opened.map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(open(None), Ok(()));
    // Another signature of the same person, but for another verb.
    let other = "UPDATE entry SET signature = (SELECT signature FROM entry WHERE seq = 1) WHERE seq = 2";
    assert!(open(Some(other)).unwrap_err().contains("not for `request@glass`"));
    let none = "UPDATE entry SET signature = NULL WHERE seq = 2";
    assert!(open(Some(none)).unwrap_err().contains("not an SSH signature"));
}
