//! Each rule of the schema: its text, the place it is reported at, and what is said.

use crate::core::playbook::output::{Output, OutputSource};
use crate::core::playbook::placeholder::Placeholder;
use crate::core::playbook::step::{Given, StepKind};
use crate::core::playbook::{Incident, Playbook, Recording, Risk, SAMPLE, Touch};
use crate::core::proof::Match;
use crate::core::roster::Who;
use proptest::prelude::*;
use zeroize::Zeroizing;

const CONTRACT: &str = include_str!("contract.toml");

/// The least playbook; tests replace pieces of it.
const LEAST: &str = r#"schema = 1
[playbook]
name = "p"
title = "P"
[[scope]]
name = "s"
title = "S"
activate = ["group:oncall"]
review = { by = ["group:admin"], within = "24h" }
duration = { default = "30m", max = "1h" }
[[scope.step]]
id = "token"
grant = ["bao", "create", "{grant.id}"]
revoke = ["bao", "revoke", "{grant.id}"]
check = { run = ["bao", "lookup"], open = { exit = 0 }, closed = { exit = 2, stderr = "gone" } }
"#;

fn parse(text: &str) -> Playbook {
    Playbook::parse("p.toml", text).map_err(|faults| faults.to_string()).unwrap()
}

/// Replaces a piece of the least playbook; the one fault must be at the marked place of the new
/// piece (`^` before it) and hold the fragment.
#[track_caller]
fn faulty(piece: &str, by: &str, fragment: &str) {
    assert_eq!(LEAST.matches(piece).count(), 1, "`{piece}` is not one place");
    let marked = LEAST.replace(piece, by);
    let at = marked.find('§').expect("the place is marked by §");
    let text = marked.replacen('§', "", 1);
    let faults = Playbook::parse("p.toml", &text).expect_err("it was accepted").0;
    assert_eq!(faults.len(), 1, "{faults:#?}");
    let line = marked[..at].matches('\n').count() + 1;
    let column = marked[..at].rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
    let said = format!("{} {}", faults[0].message, faults[0].hint.as_deref().unwrap_or_default());
    assert!(said.contains(fragment), "{said}");
    assert_eq!((faults[0].line, faults[0].column), (line, column), "{}", faults[0]);
}

#[test]
fn the_contracts_example_is_read_whole() {
    let playbook = parse(CONTRACT);
    assert_eq!(playbook.name, "vault");
    let scope = playbook.scope("signing-key").unwrap();
    assert_eq!(playbook.address(scope), "vault/signing-key");
    assert_eq!(scope.risk, Risk::Critical);
    assert_eq!(scope.activate, [Who::Group("incident-command".into()), Who::Person("ana".into())]);
    assert_eq!(scope.reason_min, 20);
    assert_eq!(scope.criteria.len(), 2);
    let kinds = [scope.steps.len(), scope.suspensions.len(), scope.rotations.len(), scope.evidence.len()];
    assert_eq!(kinds, [3, 1, 2, 1]);
    let StepKind::Command(token) = &scope.steps[0].kind else { panic!("{:?}", scope.steps[0].kind) };
    let refused = Match { exit: Some(2), stdout: None, stderr: Some("connection refused".into()) };
    assert_eq!(token.refused, Some(refused));
    assert_eq!(
        token.outputs["accessor"],
        Output { source: OutputSource::Json("/auth/accessor".into()), record: true, env: None }
    );
    assert!(scope.steps[0].idle_check().is_some());
    assert_eq!(
        scope.steps[0].surroundings.env["BAO_TOKEN"],
        Given::File("/etc/glass/secrets/bao-broker".into())
    );
}

#[test]
fn what_the_contracts_example_asks_for_beyond_this_version_is_named() {
    let unsupported = parse(CONTRACT).scopes[0].unsupported();
    assert_eq!(
        unsupported,
        [
            "kind = \"ssh-cert\"",
            "kind = \"sealed-secret\"",
            "[[scope.suspension]]",
            "[[scope.rotation]]",
            "[[scope.evidence]]",
        ]
    );
    let all = "title = \"S\"\nrecording = \"required\"\nrecording-input = true\nrun-as = \"ops\"";
    let scope = &parse(&LEAST.replace("title = \"S\"", all)).scopes[0];
    assert_eq!((scope.recording, scope.recording_input), (Recording::Required, true));
    assert_eq!(scope.run_as.as_deref(), Some("ops"));
    assert_eq!(scope.unsupported(), [""; 0]);
}

#[test]
fn defaults_are_those_of_the_contract() {
    let scope = &parse(LEAST).scopes[0];
    assert_eq!((scope.risk, scope.touch, scope.recording), (Risk::High, Touch::Off, Recording::BestEffort));
    assert_eq!((scope.limits.concurrent, scope.limits.cool_off, scope.reason_min), (1, None, 10));
    assert_eq!(scope.steps[0].surroundings.timeout.get(), 30);
    assert!(!scope.steps[0].native_expiry && !scope.recording_input);
    assert_eq!(scope.unsupported(), [""; 0]);
    let critical = LEAST.replace("title = \"S\"", "title = \"S\"\nrisk = \"critical\"");
    assert_eq!(parse(&critical).scopes[0].touch, Touch::Required);
    let said = critical.replace("title = \"S\"", "title = \"S\"\ntouch = \"off\"");
    assert_eq!(parse(&said).scopes[0].touch, Touch::Off);
}

#[test]
fn p05_the_sample_can_be_opened_by_this_version() {
    let playbook = parse(SAMPLE);
    let scope = playbook.scope("demo-file").unwrap();
    assert_eq!(scope.unsupported(), [""; 0]);
    assert_eq!(scope.activate, [Who::Group("oncall".into())]);
    assert_eq!(scope.review.by, [Who::Group("admin".into())]);
}

#[test]
fn an_incident_follows_its_pattern_or_is_pending() {
    let text = LEAST.replace("title = \"S\"", "title = \"S\"\nincident = '^INC-[0-9]+$'");
    let scope = &parse(&text).scopes[0];
    let incident = scope.incident.as_ref().unwrap();
    assert!(incident.accepts("INC-17") && incident.accepts(Incident::PENDING));
    for other in ["", "INC-", "INC-1\n", "xINC-1", "Pending", "INC-1 pending"] {
        assert!(!incident.accepts(other), "{other:?}");
    }
}

#[test]
fn the_head_of_a_playbook_is_checked() {
    faulty("schema = 1", "schema = §2", "schema 2 is not known");
    faulty("schema = 1", "schema = §\"1\"", "expected a whole number, found a text");
    faulty("name = \"p\"", "name = §\"P\"", "not a name");
    faulty("title = \"P\"", "title = §\" \"", "empty text");
    faulty("[playbook]\nname = \"p\"", "§[playbook]", "`name` is required");
    faulty("title = \"P\"", "title = \"P\"\n§ownr = \"x\"", "did you mean `owner`?");
    faulty("title = \"P\"", "title = \"P\"\n§zzzzzz = \"x\"", "known here: `name`, `title`, `owner`");
    faulty("title = \"P\"", "title = \"P\"\n§title = \"Q\"", "duplicate key");
    faulty("name = \"p\"", "name = §", "");
}

#[test]
fn p10_text_that_people_read_holds_no_hostile_character() {
    faulty("title = \"P\"", "title = §\"P\u{202e}\"", "U+202E");
    faulty("title = \"S\"", "title = §\"S\\u001b[31m\"", "U+001B");
    faulty("title = \"S\"", "title = \"S\"\nopens = [\"fine\", §\"two\\nlines\"]", "U+000A");
    faulty("\"create\"", "§\"\\u0000\"", "U+0000");
    faulty("\"create\"", "§\"\u{2066}x\"", "U+2066");
    let hostile = Playbook::parse("p\u{1b}[2J.toml", "x\u{202e} = \"\u{7}").unwrap_err().to_string();
    assert!(hostile.lines().all(|line| crate::core::text::Line::new(line).is_ok()), "{hostile:?}");
}

#[test]
fn the_terms_of_a_scope_are_checked() {
    let scope =
        |line: &str, fragment: &str| faulty("title = \"S\"", &format!("title = \"S\"\n{line}"), fragment);
    faulty("activate = [\"group:oncall\"]", "activate = §[]", "empty list");
    faulty("\"group:oncall\"", "§\"oncall\"", "write `group:NAME` or `person:NAME`");
    faulty("\"group:oncall\"", "§\"group:\"", "names nobody");
    faulty("default = \"30m\"", "default = §\"2h\"", "`default` 2h is over `max` 1h");
    faulty("default = \"30m\"", "default = §\"30\"", "not a duration");
    faulty("default = \"30m\"", "default = §30", "expected a text in quotes, found a whole number");
    faulty("{ default = \"30m\", max", "§{ max", "`default` is required");
    faulty("max = \"1h\"", "max = \"1h\", extend = §\"5m\"", "needs `extensions`");
    faulty("max = \"1h\"", "max = \"1h\", extensions = §1", "needs `extend`");
    faulty("within = \"24h\"", "§withn = \"24h\", within = \"1h\"", "did you mean `within`?");
    scope("incident = §'INC-('", "not a regular expression");
    scope("reason-min = §1001", "from 0 to 1000");
    scope("risk = §\"hi\"", "did you mean `high`?");
    scope("touch = §true", "expected a text");
    scope("limits = { concurrent = §0 }", "from 1 to 1000");
    scope("on-call = §\"always\"", "like `Mon-Fri");
    scope("on-call = §\"Mon-Sun 00:00-24:00 Berlin\"", "not an IANA time zone");
    scope("approvals = { needed = §0, from = [\"group:x\"] }", "from 1 to");
    scope("approvals = { needed = 1, from = §[] }", "empty list");
    scope(
        "approvals = { needed = 1, from = [\"group:x\"], within = \"5m\", alone-after = §\"5m\" }",
        "shorter than `within`",
    );
    scope("drill-every = §\"0d\"", "at least `1s`");
}

#[test]
fn names_and_ids_are_unique() {
    let again = |table: &str| format!("{}{table}", LEAST.lines().last().unwrap());
    let last = LEAST.lines().last().unwrap();
    let step = LEAST[LEAST.find("[[scope.step]]").unwrap()..].replacen("\"token\"", "§\"token\"", 1);
    faulty(last, &again(&format!("\n{step}")), "a second step `token`");
    let criteria =
        "\n[[scope.criterion]]\nid = \"a\"\nask = \"?\"\n[[scope.criterion]]\nid = §\"a\"\nask = \"?\"";
    faulty(last, &again(criteria), "a second criterion `a`");
    let scope = LEAST[LEAST.find("[[scope]]").unwrap()..].replacen("\"s\"", "§\"s\"", 1);
    faulty(last, &again(&format!("\n{scope}")), "a second scope `s`");
    faulty("id = \"token\"", "id = §\"grant\"", "placeholders begin with it");
    faulty("id = \"token\"", "id = §\"to.ken\"", "not a name");
}

#[test]
fn commands_are_checked() {
    faulty("grant = [\"bao\", \"create\", \"{grant.id}\"]", "grant = §\"bao create\"", "no shell reads it");
    faulty("[\"bao\", \"create\", \"{grant.id}\"]", "§[]", "needs a program");
    faulty("[\"bao\", \"create\"", "[§\"bin/bao\", \"create\"", "absolute path or a bare name");
    faulty("[\"bao\", \"create\"", "[§\"bao create\"", "write each argument by itself");
    faulty("[\"bao\", \"create\"", "[§\"{grant.id}\", \"create\"", "must be written out");
    faulty("[\"bao\", \"create\"", "[§\"\", \"create\"", "must be written out");
    faulty("\"create\"", "§1", "expected a text in quotes");
    faulty(
        "[[scope.step]]\nid = \"token\"\ngrant = [\"bao\", \"create\", \"{grant.id}\"]",
        "§[[scope.step]]\nid = \"token\"",
        "`grant` is required",
    );
    faulty("check = {", "§chek = { run = [\"x\"] }\ncheck = {", "did you mean `check`?");
    faulty("id = \"token\"", "id = \"token\"\nkind = §\"comand\"", "did you mean `command`?");
    faulty("id = \"token\"", "id = \"token\"\ntimeout = §\"x\"", "not a duration");
    faulty("id = \"token\"", "id = \"token\"\nrun-as = §\"-x\"", "OS user");
    faulty("id = \"token\"", "id = \"token\"\nenv = { §PATH = \"/x\" }", "the same for every command");
    faulty("id = \"token\"", "id = \"token\"\nenv = { §\"A B\" = \"/x\" }", "name of a variable");
    faulty("id = \"token\"", "id = \"token\"\nenv = { A = { file = §\"x\" } }", "absolute path");
    faulty(
        "id = \"token\"",
        "id = \"token\"\nenv = { A = { §fil = \"/x\", file = \"/x\" } }",
        "did you mean `file`",
    );
    faulty("id = \"token\"", "id = \"token\"\nstdin = { file = §\"../x\" }", "absolute path");
    let last = LEAST.lines().last().unwrap();
    faulty(last, "check = §[\"bao\", \"lookup\"]", "write { run = [\"…\"], open = { exit = 0 }");
    faulty(last, "check = §{ run = [\"x\"], open = { exit = 0 } }", "`closed` is required");
    faulty("open = { exit = 0 }", "open = §{}", "empty match");
    faulty("open = { exit = 0 }", "open = { exit = §256 }", "from 0 to 255");
    faulty("open = { exit = 0 }", "open = { exit = §\"0\" }", "expected a whole number");
    faulty("open = { exit = 0 }", "open = { stdout = §\"\" }", "part of every output");
    faulty("open = { exit = 0 }", "open = { exit = 0, §sdterr = \"x\" }", "did you mean `stderr`?");
    faulty("closed = { exit = 2, stderr = \"gone\" }", "closed = §{ exit = 0 }", "never prove anything");
}

#[test]
fn a_scope_that_opens_nothing_is_refused() {
    let text = &LEAST[..LEAST.find("[[scope.step]]").unwrap()];
    let fault = &Playbook::parse("p.toml", text).unwrap_err().0[0];
    assert_eq!((fault.line, fault.column), (5, 1));
    assert!(fault.message.contains("needs a `[[scope.step]]`"));
    let suspension = "[[scope.suspension]]\nid = \"a\"\nsuspend = [\"x\"]\nrestore = [\"y\"]\n\
                      check = { run = [\"z\"], suspended = { exit = 0 }, running = { exit = 1 } }\n";
    assert_eq!(parse(&format!("{text}{suspension}")).scopes[0].suspensions.len(), 1);
}

#[test]
fn concurrent_grants_must_be_told_apart_by_revoke() {
    let limits = "title = \"S\"\nlimits = { concurrent = 2 }";
    let many = LEAST.replace("title = \"S\"", limits);
    assert_eq!(parse(&many).scopes[0].limits.concurrent, 2);
    let revoke = "\"revoke\", \"{grant.id}\"";
    let faults =
        Playbook::parse("p.toml", &many.replace(revoke, "\"revoke\", \"{operator.name}\"")).unwrap_err();
    assert!(faults.0[0].message.contains("takes away the access of other grants"), "{faults}");
    assert_eq!((faults.0.len(), faults.0[0].line, faults.0[0].column), (1, 15, 10));
    let output = "output = { accessor = { line = 1, record = true } }\n";
    let by_output = format!("{}{output}", many.replace(revoke, "\"revoke\", \"{token.accessor}\""));
    assert_eq!(parse(&by_output).scopes[0].limits.concurrent, 2);
    let one = LEAST.replace(revoke, "\"revoke\"");
    assert_eq!(parse(&one).scopes[0].limits.concurrent, 1);
}

#[test]
fn placeholders_must_have_a_value_where_they_stand() {
    faulty("\"create\", \"{grant.id}\"", "\"create\", \"x-§{grant.idd}\"", "did you mean `{grant.id}`?");
    faulty("\"create\"", "'§{\"json\"}'", "for a brace itself write `{{`");
    faulty("\"create\"", "§\"{grant.id\"", "without its `}`");
    faulty("\"create\"", "§\"x}\"", "without its `{`");
    faulty("\"create\"", "\"§{token.nothing}\"", "unknown placeholder `{token.nothing}`");
    let output = "id = \"token\"\noutput = { accessor = { line = 1, record = true } }";
    let with = |extra: &str| format!("{output}\n{extra}");
    faulty("id = \"token\"", &with("env = { A = \"§{token.accessor}\" }"), "no value in `grant`");
    faulty(
        "id = \"token\"",
        &with("end = [\"x\", \"§{token.accesor}\"]"),
        "did you mean `{token.accessor}`?",
    );
    let last = LEAST.lines().last().unwrap();
    let second = "\n[[scope.step]]\nid = \"next\"\ngrant = [\"x\"]\nrevoke = [\"x\"]\n\
                  check = { run = [\"x\"], open = { exit = 0 }, closed = { exit = 1 } }\n\
                  output = { late = { line = 1, record = true } }";
    let later = format!("end = [\"x\", \"§{{next.late}}\"]\n{last}{second}");
    faulty(last, &later, "has no value yet in `revoke`, `end` and `check` of this step");
    let idle = |run: &str| {
        format!("{last}\nidle = {{ run = [{run}], open = {{ exit = 0 }}, closed = {{ exit = 1 }} }}")
    };
    faulty(last, &idle("\"x\", \"§{grant.id}\""), "`idle`, which runs without a grant");
    faulty(last, &idle("\"x\", \"§{operator.name}\""), "without a grant");
    let probe = "\n[[scope.criterion]]\nid = \"a\"\nask = \"?\"\nprobe = [\"x\", \"{operator.name}\", \"§{grant.id}\"]";
    faulty(last, &format!("{last}{probe}"), "before there is a grant");
}

#[test]
fn idle_falls_back_to_a_check_without_placeholders() {
    assert!(parse(LEAST).scopes[0].steps[0].idle_check().is_some());
    let named = LEAST.replace("\"lookup\"", "\"lookup\", \"{grant.id}\"");
    assert!(parse(&named).scopes[0].steps[0].idle_check().is_none());
    let env = LEAST.replace("id = \"token\"", "id = \"token\"\nenv = { A = \"{grant.id}\" }");
    assert!(parse(&env).scopes[0].steps[0].idle_check().is_none());
    let last = LEAST.lines().last().unwrap();
    let idle = "\nidle = §{ run = [\"x\"], open = { exit = 0 }, closed = { exit = 1 } }\nenv = { A = \"{grant.id}\" }";
    faulty(last, &format!("{last}{idle}"), "`env` of this step holds `{grant.id}`");
}

#[test]
fn p09_a_secret_output_stands_only_in_stdin_of_a_later_step() {
    let last = LEAST.lines().last().unwrap();
    let secret = |own: &str, next: &str| {
        format!(
            "{last}\noutput = {{ key = {{ line = 1 }} }}\n{own}\n[[scope.step]]\nid = \"next\"\ngrant = [\"x\"]\n\
             revoke = [\"x\"]\ncheck = {{ run = [\"x\"], open = {{ exit = 0 }}, closed = {{ exit = 1 }} }}\n{next}"
        )
    };
    let said = "`{token.key}` is secret";
    faulty(last, &secret("end = [\"x\", \"§{token.key}\"]", ""), said);
    faulty(last, &secret("", "end = [\"x\", \"§{token.key}\"]"), said);
    faulty(last, &secret("", "env = { A = \"§{token.key}\" }"), said);
    faulty(last, &secret("", "[[scope.evidence]]\nid = \"e\"\nrun = [\"x\", \"§{token.key}\"]"), said);
    let argv = secret("", "")
        .replace("id = \"next\"\ngrant = [\"x\"", "id = \"next\"\ngrant = [\"x\", \"§{token.key}\"");
    faulty(last, &argv, said);
    faulty(last, &secret("stdin = \"§{token.key}\"", ""), "has no value");
    let playbook = parse(&LEAST.replace(last, &secret("", "stdin = \"{token.key}\"")));
    let step = &playbook.scopes[0].steps[1];
    assert!(matches!(step.surroundings.stdin, Some(Given::Text(_))));
    let filled =
        step.surroundings.fill(&vec!["x".parse().unwrap()], |_| Some(Zeroizing::new("S3".to_owned())));
    assert!(!format!("{filled:?}").contains("S3"));
}

#[test]
fn outputs_have_one_source() {
    let output = |output: &str| format!("id = \"token\"\noutput = {{ key = {output} }}");
    faulty("id = \"token\"", &output("§{ record = true }"), "an output has one source");
    faulty("id = \"token\"", &output("§{ line = 1, stdout = true }"), "an output has one source");
    faulty("id = \"token\"", &output("§{ stdout = false }"), "an output has one source");
    faulty("id = \"token\"", &output("{ line = §0 }"), "from 1 to");
    faulty("id = \"token\"", &output("{ json = §\"auth\" }"), "begins with `/`");
    faulty("id = \"token\"", &output("{ line = 1, env = §\"1A\" }"), "name of a variable");
    faulty("id = \"token\"", "id = \"token\"\noutput = { §Key = { line = 1 } }", "not a name");
}

#[test]
fn steps_of_other_kinds_are_checked() {
    let step = |body: &str, fragment: &str| {
        let start = LEAST.find("[[scope.step]]").unwrap();
        faulty(&LEAST[start..], &format!("[[scope.step]]\nid = \"x\"\n{body}\n"), fragment);
    };
    let cert = "kind = \"ssh-cert\"\nkrl = \"/k\"\n";
    step(&format!("{cert}ca = {{ file = \"/c\" }}\nprincipals = §[]"), "empty list");
    step(&format!("{cert}ca = {{ file = \"/c\" }}\nprincipals = [§\"\"]"), "empty text");
    step(&format!("{cert}ca = §{{}}\nprincipals = [\"a\"]"), "a CA is either");
    step(&format!("{cert}ca = {{ agent = §\"x\" }}\nprincipals = [\"a\"]"), "SHA256:");
    step(
        &format!("{cert}ca = {{ file = \"/c\" }}\nprincipals = [\"a\"]\nstdin = §\"x\""),
        "no command that reads",
    );
    step(
        &format!("{cert}ca = {{ file = \"/c\" }}\nprincipals = [\"a\"]\n§grant = [\"x\"]"),
        "unknown key `grant`",
    );
    step("kind = \"ssh-cert\"\nkrl = §\"k\"\nca = { file = \"/c\" }\nprincipals = [\"a\"]", "absolute path");
    let sealed = "kind = \"sealed-secret\"\nfile = \"/f\"\nidentity = { file = \"/i\" }\nenv = \"A\"\n";
    step(&format!("{sealed}rotation = §\"unseal\""), "has the id `unseal`");
    step(
        &format!("{sealed}rotation = §\"unseal\"\n[[scope.rotation]]\nid = \"unseals\"\nrun = [\"x\"]"),
        "did you mean `unseals`?",
    );
    let start = LEAST.find("[[scope.step]]").unwrap();
    let none = format!("{}[[scope.step]]\nid = \"x\"\n{sealed}", &LEAST[..start]);
    assert!(Playbook::parse("p", &none).unwrap_err().to_string().contains("`rotation` is required"));
}

#[test]
fn all_faults_are_reported_at_once_in_the_order_of_the_file() {
    let text = LEAST
        .replace("schema = 1", "schema = 2")
        .replace("\"group:oncall\"", "\"nobody\"")
        .replace("default = \"30m\"", "default = \"9h\"")
        .replace("\"lookup\"", "\"{token.x}\"");
    let lines: Vec<usize> = Playbook::parse("p.toml", &text).unwrap_err().0.iter().map(|f| f.line).collect();
    assert_eq!(lines, [1, 8, 10, 15]);
}

#[test]
fn commands_are_filled_or_name_what_is_missing() {
    let playbook = parse(LEAST);
    let step = &playbook.scopes[0].steps[0];
    let StepKind::Command(command) = &step.kind else { panic!("{step:?}") };
    let id = |placeholder: &Placeholder| {
        (*placeholder == Placeholder::GrantId).then(|| Zeroizing::new("g-abc".to_owned()))
    };
    let filled = step.surroundings.fill(&command.grant.run, id).unwrap();
    assert_eq!((filled.run.join(" ").as_str(), filled.timeout_s), ("bao create g-abc", 30));
    let missing = step.surroundings.fill(&command.grant.run, |_| None);
    assert_eq!(missing, Err(Placeholder::GrantId));
    assert_eq!(step.surroundings.fill_check(&command.check, |_| None).unwrap().closed, command.check.closed);
}

#[test]
fn a_bottomless_file_is_an_error_and_no_crash() {
    for deep in [
        format!("a = {}", "[".repeat(100_000)),
        format!("a = {}", "{a=".repeat(100_000)),
        format!("{}b = 1", "a.".repeat(100_000)),
        format!("[{}b]", "a.".repeat(100_000)),
        format!("[[{}b]]", "a.".repeat(100_000)),
    ] {
        assert!(Playbook::parse("p.toml", &deep).is_err());
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        if let Err(faults) = Playbook::parse("p.toml", &text) {
            prop_assert!(!faults.0.is_empty());
        }
    }

    #[test]
    fn no_mutated_playbook_panics(
        whole in prop::sample::select(vec![LEAST, CONTRACT, SAMPLE]),
        at in any::<prop::sample::Index>(),
        length in 0..40_usize,
        by in prop_oneof![any::<String>(), "[\\[\\]{}=\"',.a-z0-9\n -]{0,20}"],
    ) {
        let start = whole.floor_char_boundary(at.index(whole.len()));
        let end = whole.floor_char_boundary(start + length).max(start);
        let text = format!("{}{by}{}", &whole[..start], &whole[end..]);
        if let Err(faults) = Playbook::parse("p.toml", &text) {
            prop_assert!(!faults.0.is_empty());
            let shown = faults.to_string();
            prop_assert!(shown.lines().all(|line| crate::core::text::Line::new(line).is_ok()));
        }
    }
}
