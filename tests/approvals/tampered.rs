//! What is done to a recorded consent is found (promise 7).

use super::{ONE, answers, asks, home, whole};

#[test]
fn p07_a_changed_consent_is_found_and_named() {
    for (sql, words) in [
        ("DELETE FROM approval", "ben consented by the entries, but not in the row"),
        ("UPDATE approval SET person = 'cem'", "ben consented by the entries, but not in the row"),
        ("UPDATE approval SET at = '2020-01-01T00:00:00.000Z'", "ben consented by the entries"),
        ("INSERT INTO approval SELECT \"grant\", 1, 'cem', at FROM approval", "table `approval` has 2 rows"),
        ("UPDATE \"grant\" SET needed = 0", "`needed` says 0"),
        (
            "UPDATE entry SET bytes = CAST(replace(CAST(bytes AS TEXT), '\"person\":\"ben\"', '\"person\":\"cem\"') AS BLOB) \
             WHERE CAST(bytes AS TEXT) LIKE '%\"kind\":\"approved\"%'",
            "its facts or its signature were changed",
        ),
        (
            "UPDATE text SET bytes = CAST(replace(CAST(bytes AS TEXT), 'the door is stuck', 'the door is fine') AS BLOB) \
             WHERE CAST(bytes AS TEXT) LIKE '%\"verb\":\"approve\"%'",
            "the text of its statement was changed",
        ),
    ] {
        let home = home(ONE);
        let (mut ana, grant) = asks(&home);
        answers(&home, "ben", "approve", &grant).exits(0);
        ana.exits(0);
        whole(&home);
        let changed = home.tampered().execute(sql, []).unwrap();
        assert!(changed > 0, "{sql}");
        home.run(&["ledger", "verify"]).exits(5).says(words);
    }
}
