//! What the registered scope demands, whatever stands on disk.

use super::support::{Home, Scope, text};
use super::{CONFIRM, key_of, only_refused};

fn home_with(scope: impl FnOnce(Scope) -> Scope) -> Home {
    let home = Home::new();
    let scope = scope(home.door());
    home.write_playbook("doors", &text("doors", &[scope]));
    home.register();
    home
}

#[test]
fn no_to_a_criterion_is_no() {
    let home = home_with(|scope| scope.asks("stuck", "Is the door stuck?"));
    for answer in ["n", "", "no", "maybe", "yy"] {
        let mut person = home.person(&home.wish("doors/front", &[]));
        person.expect("Is the door stuck? [y/N] ").send_line(answer).exits(3);
        person
            .saw("criterion `stuck` does not hold: Is the door stuck?")
            .saw("next: this scope is not for this");
    }
    only_refused(&home, &["criterion-not-met"]);
}

#[test]
fn a_probe_answers_for_itself_where_it_can() {
    let home = home_with(|scope| {
        scope.with(
            "[[scope.criterion]]\nid = \"stuck\"\nask = \"Is the door stuck?\"\ntimeout = \"5s\"\n\
             probe = [\"sh\", \"TARGET/probe\"]\n",
        )
    });
    // The playbook needs the real path, which is known only now.
    let drafted = std::fs::read_to_string(home.path().join("playbooks/doors.toml")).unwrap();
    let probe = home.target.path().join("probe");
    home.write_playbook("doors", &drafted.replace("TARGET/probe", probe.to_str().unwrap()));
    home.register();
    let set = |shell: &str| std::fs::write(&probe, shell).unwrap();

    set("exit 1");
    let mut person = home.person(&home.wish("doors/front", &[]));
    person.exits(3).saw("criterion `stuck` does not hold");
    assert!(!person.screen().contains("[y/N]"), "a probe that says no asks nothing");
    only_refused(&home, &["criterion-not-met"]);

    set("echo chatter; echo more >&2; exit 0");
    let mut person = home.person(&home.wish("doors/front", &[]));
    person
        .expect(CONFIRM)
        .send_line("doors/front")
        .exits(0)
        .saw("Is the door stuck? yes (its probe says so)");
    assert!(!person.screen().contains("[y/N]"), "a probe that says yes asks nothing");

    for shell in ["exit 2", "kill -9 $$"] {
        set(shell);
        let mut person = home.person(&home.wish("doors/front", &[]));
        person.expect("Is the door stuck? [y/N] ").send_line("y");
        person.expect(CONFIRM).send_line("doors/front").exits(0);
    }
    let answers: Vec<_> = home
        .entries()
        .into_iter()
        .filter(|facts| facts["kind"] == "requested")
        .map(|facts| facts["signed"]["criteria"][0].clone())
        .collect();
    let expected = [
        serde_json::json!({"id": "stuck", "asked": false, "probe_exit": 0}),
        serde_json::json!({"id": "stuck", "asked": true, "probe_exit": 2}),
        serde_json::json!({"id": "stuck", "asked": true}),
    ];
    assert_eq!(answers, expected);
}

#[test]
fn a_bad_incident() {
    let home = home_with(|scope| scope.set("incident", "'^INC-[0-9]+$'"));
    let key = key_of(&home, "ana");
    for flag in ["INC-", "INC-1 and more", "xINC-1", "Pending"] {
        let args = ["activate", "front", "--incident", flag, "--reason", "it is stuck", &key[0], &key[1]];
        let mut person = home.person(&args);
        person
            .exits(3)
            .saw("the incident does not match ^INC-[0-9]+$")
            .saw("or `pending` if there is none yet");
        assert!(!person.screen().contains("to confirm"), "a bad flag is refused before anything is asked");
    }
    only_refused(&home, &["bad-incident"]);
    let asked = ["activate", "front", "--reason", "it is stuck", &key[0], &key[1]];
    home.person(&asked).expect("Incident: ").send_line("later").exits(3).saw("does not match");
    home.person(&asked)
        .expect("Incident: ")
        .send_line("")
        .exits(3)
        .saw("no incident was given")
        .saw("pending");
    only_refused(&home, &["bad-incident"]);
    for good in ["pending", "INC-7"] {
        home.person(&asked)
            .expect("Incident: ")
            .send_line(good)
            .expect(CONFIRM)
            .send_line("doors/front")
            .exits(0);
    }
    let incidents: Vec<_> =
        home.grants().iter().map(|grant| home.status(grant)["incident"].clone()).collect();
    assert!(incidents.contains(&"pending".into()) && incidents.contains(&"INC-7".into()), "{incidents:?}");
}

#[test]
fn a_reason_too_short_and_too_long() {
    let home = home_with(|scope| scope.set("reason-min", "20"));
    let key = key_of(&home, "ana");
    let with = |reason: &str| {
        let args = ["activate", "front", "--incident", "INC-1", "--reason", reason, &key[0], &key[1]];
        args.map(str::to_owned)
    };
    let short = home.person(&with("stuck")).exits(3).screen();
    assert!(short.contains("has 5 characters") && short.contains("at least 20"), "{short}");
    assert!(short.contains("next: say what is broken"), "{short}");
    // White space around it is no reason.
    home.person(&with(&format!("stuck{}", " ".repeat(40)))).exits(3);
    only_refused(&home, &["short-reason"]);
    let asked = ["activate", "front", "--incident", "INC-1", &key[0], &key[1]];
    home.person(&asked).expect("Reason: ").send_line("stuck").exits(3).saw("at least 20");

    home.person(&with(&"é".repeat(1_001)))
        .exits(2)
        .saw("has 1001 characters; at most 1000 fit")
        .saw("next: say it shorter");
    home.person(&asked).expect("Reason: ").send_line(&"x".repeat(1_001)).exits(2).saw("at most 1000 fit");
    only_refused(&home, &["short-reason", "text-too-long"]);
    home.person(&with(&"é".repeat(1_000))).expect(CONFIRM).send_line("doors/front").exits(0);
    assert_eq!(home.status(&home.grants()[0])["reason"], "é".repeat(1_000));
}

#[test]
fn p05_longer_than_the_registered_maximum() {
    let home = home_with(|scope| scope);
    let wish = home.wish("doors/front", &["--for", "61m"]);
    let mut person = home.person(&wish);
    person.exits(3).saw("1h1m is longer than front allows: at most 1h").saw("use `--for 1h` or less");
    assert!(!person.screen().contains("to confirm"));
    only_refused(&home, &["duration-over-maximum"]);
    // A longer maximum in the draft changes nothing but a warning.
    let longer = home.door().set("duration", "{ default = \"10m\", max = \"8h\" }");
    home.write_playbook("doors", &text("doors", &[longer]));
    home.person(&wish)
        .exits(3)
        .saw("playbooks/doors.toml on disk differs from what is registered")
        .saw("at most 1h");
    only_refused(&home, &["duration-over-maximum"]);
    let mut person = home.person(&home.wish("doors/front", &["--for", "1h"]));
    person.expect("the registered one counts").expect(CONFIRM).send_line("doors/front").exits(0);
}

#[test]
fn p05_a_playbook_that_is_only_a_draft() {
    let home = Home::new();
    home.write_playbook("doors", &text("doors", &[home.door()]));
    home.person(&home.wish("doors/front", &[]))
        .exits(3)
        .saw("nothing is registered yet")
        .saw("`glass register`");
    home.register();
    home.write_playbook("windows", &text("windows", &[home.door()]));
    let mut person = home.person(&home.wish("windows/front", &[]));
    person
        .exits(3)
        .saw("no registered scope is called `windows/front`")
        .saw("only a draft: an admin runs `glass register`");
    home.person(&home.wish("nothing", &[])).exits(3).saw("registered are: doors/front");
    only_refused(&home, &["nothing-registered", "not-registered"]);
}

#[test]
fn a_bare_name_of_two_scopes_is_no_name() {
    let home = Home::new();
    for name in ["doors", "windows"] {
        home.write_playbook(name, &text(name, &[home.door()]));
    }
    home.register();
    let mut person = home.person(&home.wish("front", &[]));
    person.exits(2).saw("more than one scope: doors/front, windows/front").saw("give the playbook too");
    only_refused(&home, &[]);
}

#[test]
fn what_is_not_supported_yet_is_refused_never_ignored() {
    let home = Home::new();
    let scopes: Vec<(String, Scope, &str)> = ["evidence", "rotation"]
        .into_iter()
        .map(|word| {
            let table = format!("[[scope.{word}]]\nid = \"x\"\nrun = [\"/bin/true\"]\n");
            let scope = Scope::new(word).with(home.target.step("file")).with(table);
            (word.to_owned(), scope, word)
        })
        .collect();
    let texts: Vec<Scope> = scopes.iter().map(|(_, scope, _)| scope.clone()).collect();
    home.write_playbook("doors", &text("doors", &texts));
    home.register();
    for (name, _, word) in &scopes {
        let mut person = home.person(&home.wish(&format!("doors/{name}"), &[]));
        person.exits(3).saw("support").saw("yet").saw(word).saw("next: remove it from the playbook");
        assert!(!person.screen().contains("to confirm"));
    }
    only_refused(&home, &["not-supported-yet"]);
}

#[test]
fn as_many_grants_as_the_scope_allows() {
    let home = home_with(|scope| scope.set("limits", "{ concurrent = 1, cool-off = \"5m\" }"));
    let grant = home.activate_ok("doors/front", &[]);
    let mut person = home.person(&home.wish("doors/front", &[]));
    person.exits(3).saw(&format!("front is in use by {grant}: it allows 1 at a time"));
    person.saw(&format!("`glass revoke {grant}` ends it"));
    assert_eq!(home.refusals(), ["concurrent-limit"]);

    home.run(&["revoke", &grant]).exits(0).says("closed, and proved");
    let mut person = home.person(&home.wish("doors/front", &[]));
    person.exits(3).saw("front cools off for ").saw(&grant).saw("next: try again in ");
    assert_eq!(home.refusals(), ["concurrent-limit", "cool-off"]);
    assert_eq!(home.target.calls("grant"), 1);
    assert!(home.target.open().is_empty());
}

#[test]
fn a_person_bound_to_another_os_user() {
    let home = Home::new();
    let settings = home.path().join("glass.toml");
    let before = std::fs::read_to_string(&settings).unwrap();
    let bound = before.replacen("name   = \"ana\"", "name = \"ana\"\nos-user = \"somebody-else\"", 1);
    assert_ne!(before, bound, "{before}");
    std::fs::write(&settings, bound).unwrap();
    home.write_playbook("doors", &text("doors", &[home.door()]));
    home.register();
    let mut person = home.person(&home.wish("doors/front", &[]));
    person.exits(3).saw("ana is bound to the OS user somebody-else").saw("log in as somebody-else");
    only_refused(&home, &["other-os-user"]);
    // Every verb that signs: the same person, the same words.
    let [flag, key] = key_of(&home, "ana");
    for args in [&["register", &flag, &key][..], &["review", &flag, &key]] {
        let mut person = home.person(args);
        person.exits(3).saw("ana is bound to the OS user somebody-else");
        assert!(!person.screen().contains("to confirm"));
    }
    only_refused(&home, &["other-os-user"; 3]);
}

#[test]
fn p06_a_key_whose_time_is_over_signs_nothing() {
    let home = Home::new();
    home.add_person("ben", "", &["admin", "oncall"]);
    let settings = home.path().join("glass.toml");
    let before = std::fs::read_to_string(&settings).unwrap();
    let public = std::fs::read_to_string(home.public_key("ben")).unwrap();
    let ended = format!("{{ key = \"{0}\", valid-before = \"2020-01-01\" }}", public.trim());
    let after = before.replacen(&format!("\"{}\"", public.trim()), &ended, 1);
    assert_ne!(before, after, "{before}");
    std::fs::write(&settings, after).unwrap();
    home.write_playbook("doors", &text("doors", &[home.door()]));
    home.register();
    let [flag, key] = key_of(&home, "ben");
    let wish = home.wish_of("ben", "doors/front", &[]);
    let wish: Vec<&str> = wish.iter().map(String::as_str).collect();
    home.write_playbook("gates", &text("gates", &[home.door()]));
    for args in [&wish[..], &["register", &flag, &key], &["review", &flag, &key]] {
        let mut person = home.person(args);
        person.exits(4).saw("ben's key is no longer valid").saw("an admin registers a later `valid-before`");
        assert!(!person.screen().contains("to confirm"));
    }
    only_refused(&home, &["key-expired"; 3]);
}
