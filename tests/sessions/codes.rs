//! Exit codes: the command's own, and glass's beside them (125 to 127).

use crate::support::{Ran, glass};
use crate::{CANARY, open_vault, vault};
use std::fs;

#[test]
fn p13_the_exit_code_is_the_commands() {
    let (home, grant) = open_vault();
    for code in [0, 1, 7, 255] {
        home.exec_ran(&grant, &["sh", "-c", &format!("exit {code}")]).exits(code);
        assert_eq!(home.last_end()["ended"]["exit"], code);
    }
    for (signal, number) in [("TERM", 15), ("KILL", 9), ("SEGV", 11)] {
        home.exec_ran(&grant, &["sh", "-c", &format!("kill -{signal} $$")]).exits(128 + number);
        let ended = home.last_end();
        assert_eq!((&ended["ended"]["signal"], &ended["ended"]["exit"]), (&number.into(), &().into()));
        assert_eq!((ended["cause"].as_str(), &ended["ended"]["gone"]), (Some("command-ended"), &true.into()));
    }
    let missing = home.exec_ran(&grant, &["no-such-program"]).exits(127);
    assert!(missing.stderr.contains("no-such-program"), "{missing:?}");
    home.exec_ran(&grant, &["/etc/passwd"]).exits(126).says("/etc/passwd");
    // At a terminal, and through `shell`, it is the same.
    home.person(&["exec", &grant, "--", "sh", "-c", "exit 7"]).exits(7);
    home.person(&["exec", &grant, "--", "no-such-program"]).exits(127).saw("no-such-program");
    let mut shell = home.person(&["shell", &grant]);
    shell.send("exit 9\n").exits(9);
    home.run(&["ledger", "verify"]).exits(0);
}

#[test]
fn p13_whatever_keeps_glass_from_running_it_is_125() {
    let (home, grant) = open_vault();
    let refused = |args: &[&str], words: &str| {
        let ran = home.run(args).exits(125);
        assert!(ran.stderr.contains(words), "{args:?}: {ran:?}");
        assert_eq!(ran.stdout, "", "{args:?}");
    };
    refused(&["exec"], "GRANT");
    refused(&["exec", &grant], "<CMD>");
    refused(&["exec", &grant, "--"], "<CMD>");
    refused(&["exec", "nonsense", "--", "true"], "nonsense");
    refused(&["exec", "--no-such-flag", &grant, "--", "true"], "--no-such-flag");
    refused(&["--format", "json", "exec", &grant, "--", "true"], "format");
    refused(&["shell"], "GRANT");
    refused(&["shell", "nonsense"], "nonsense");
    refused(&["shell", &grant, "true"], "true");
    refused(&["exec", "g-aaaaaaaaaa", "--", "true"], "there is no grant g-aaaaaaaaaa");
    // Other verbs keep their code, whatever is named in them.
    home.run(&["revoke", "exec"]).exits(2);
    home.run(&["status", "--format", "exec"]).exits(2);
    // Help is no failure.
    home.run(&["exec", "--help"]).exits(0).says("GRANT");
    let mut elsewhere = glass(&home, &["exec", &grant, "--", "true"]);
    elsewhere.env("GLASS_HOME", "/nonexistent");
    Ran::of(&mut elsewhere).exits(0);
    home.run(&["--home", "/nonexistent", "exec", &grant, "--", "true"]).exits(125);
    assert_eq!(home.sessions().len(), 1);
}

#[test]
fn p13_only_an_active_grant_is_used_and_only_by_whom_it_was_given_to() {
    let home = vault(|scope| scope.set("review", "{ by = [\"group:admin\"], within = \"24h\" }"));
    let refused = |grant: &str, words: &str, cause: &str| {
        let ran = home.exec_ran(grant, &["sh", "-c", "echo ran"]).exits(125).says(words);
        assert_eq!(ran.stdout, "");
        assert_eq!(home.refusals().last().map(String::as_str), Some(cause));
        assert!(home.sessions().is_empty() && home.recorded_files().is_empty());
    };
    refused("g-aaaaaaaaaa", "`glass status` shows", "no-such-grant");
    let closed = home.activate_ok("vault", &[]);
    home.run(&["revoke", &closed]).exits(0);
    refused(&closed, "glass activate doors/vault", "not-active");
    // Over, and nobody has closed it yet.
    let over = home.activate_ok("vault", &["--for", "2s"]);
    home.kill_watchdog(&over);
    std::thread::sleep(std::time::Duration::from_millis(2_100));
    refused(&over, "glass activate doors/vault", "over");
    home.run(&["expire"]).exits(0);
}

#[test]
fn p13_without_its_outputs_no_session_begins() {
    let (home, grant) = open_vault();
    let plan: serde_json::Value = serde_json::from_slice(&fs::read(home.plan(&grant)).unwrap()).unwrap();
    fs::remove_dir_all(plan["runtime_dir"].as_str().unwrap()).unwrap();
    let ran = home.exec_ran(&grant, &["sh", "-c", "echo ran"]).exits(125);
    assert!(ran.stderr.contains("the output `token` of step `one` is gone"), "{ran:?}");
    assert!(ran.stderr.contains(&format!("glass revoke {grant}")), "{ran:?}");
    assert_eq!((ran.stdout.as_str(), home.refusals().last().unwrap().as_str()), ("", "output-gone"));
    assert!(home.sessions().is_empty() && !format!("{ran:?}").contains(CANARY));
}
