//! The requester's terminal waits, shows who signed, and goes on by itself; when it is lost,
//! nothing opens until its requester resumes.

use super::support::{Home, LONG, wait_until};
use super::{CONFIRM, ONE, TWO, answers, asks, home, may_not, whole};

#[test]
fn p06_it_opens_by_itself_with_the_last_signature() {
    let home = home(TWO);
    let (mut ana, grant) = asks(&home);
    ana.saw("waits for 2 of group:security (ben, cem) to sign").saw(&format!("glass approve {grant}"));
    ana.expect("0 of 2 signed; lapses in ");
    let mut ben = answers(&home, "ben", "approve", &grant);
    ben.exits(0).saw("it waits for 1 more");
    ana.expect("ben signed at ").expect("1 of 2.");
    assert!(home.target.open().is_empty(), "one of two is not enough");
    let story = home.run(&["status", &grant]).exits(0).stdout;
    assert!(story.contains("2 needed") && story.contains("ben "), "{story}");
    answers(&home, "cem", "approve", &grant).exits(0).saw("that was the last");
    ana.expect("cem signed at ").exits(0).saw("OPEN  doors/front until ");
    assert_eq!(home.target.open(), std::slice::from_ref(&grant));
    let approvals = home.status(&grant)["approvals"].clone();
    let people: Vec<_> = approvals.as_array().unwrap().iter().map(|given| given["person"].clone()).collect();
    assert_eq!(people, ["ben", "cem"]);
    assert_eq!(
        home.kinds(&grant),
        ["requested", "approved", "approved", "opening", "step-opened", "activated"]
    );
    whole(&home);
}

#[test]
fn p06_who_signs_sees_what_the_requester_saw_and_who_asks() {
    let home = home(ONE);
    let (ana, grant) = asks(&home);
    let mut ben = answers(&home, "ben", "approve", &grant);
    ben.exits(0);
    let summary = |screen: &str, end: &str| {
        let from = screen.find("BREAK GLASS").unwrap();
        let to = from + screen[from..].find(end).unwrap();
        screen[from..to]
            .lines()
            .map(str::trim)
            .map(str::to_owned)
            .collect::<Vec<_>>()
            .join("\n")
            .trim()
            .to_owned()
    };
    assert_eq!(summary(&ana.screen(), "Type "), summary(&ben.screen(), "ana asks"));
    ben.saw("ana asks, as OS user ").saw("INC-1").saw("the door is stuck");
    let shown = home.run(&["request", "show", &grant]).exits(0).stdout;
    assert!(shown.contains("the door is stuck") && shown.contains("ssh-keygen -Y sign -n approve@glass"));
}

#[test]
fn p06_two_approvers_at_once_make_one_activation() {
    let home = home(ONE);
    let (mut ana, grant) = asks(&home);
    let key = |name: &str| home.key(name).to_str().unwrap().to_owned();
    let mut both: Vec<_> = ["ben", "cem"]
        .map(|name| home.person(&["approve", &grant, "--key", &key(name)]))
        .into_iter()
        .collect();
    for person in &mut both {
        person.expect(&format!("Type {grant} to confirm: "));
    }
    for person in &mut both {
        person.send_line(&grant);
    }
    let mut codes: Vec<i32> = both.iter_mut().map(super::Person::exit_code).collect();
    codes.sort_unstable();
    assert_eq!(codes, [0, 3], "one of them was not needed any more");
    ana.exits(0);
    assert_eq!(home.target.calls("grant"), 1);
    assert_eq!(home.kinds(&grant).iter().filter(|kind| *kind == "activated").count(), 1);
    whole(&home);
}

/// Ana's terminal dies while it waits.
fn lost(home: &Home) -> String {
    let (ana, grant) = asks(home);
    let pid = rustix::process::Pid::from_raw(ana.id() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    drop(ana);
    grant
}

#[test]
fn p06_only_the_requesters_process_opens() {
    let home = home(ONE);
    let grant = lost(&home);
    answers(&home, "ben", "approve", &grant).exits(0);
    home.run(&["expire"]).exits(0);
    assert_eq!(home.state(&grant), "awaiting-approval");
    assert!(home.target.open().is_empty(), "nothing opens for who is not there");
    let resume = ["--resume", &grant];
    let key = |name: &str| home.key(name).to_str().unwrap().to_owned();
    // Another person can't, nor can a wrong word.
    let of = |name: &str| [&["activate", "front", "--key", &key(name)][..], &resume].concat().join(" ");
    let args = |line: String| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    home.person(&args(of("dora"))).exits(3).saw("dora did not ask for");
    home.person(&args(of("ana"))).expect(CONFIRM).send_line("doors").exits(4);
    let mut ana = home.person(&args(of("ana")));
    ana.expect("ben has signed").expect(CONFIRM).send_line("doors/front").exits(0).saw("OPEN");
    assert_eq!(home.target.open(), std::slice::from_ref(&grant));
    assert_eq!(home.kinds(&grant)[..4], ["requested", "approved", "resumed", "opening"]);
    // It is open: there is nothing to go on with.
    home.person(&args(of("ana"))).exits(3);
    whole(&home);
}

#[test]
fn p06_a_resumed_request_waits_again_and_in_one_place_only() {
    let home = home(ONE);
    let grant = lost(&home);
    let key = home.key("ana");
    let args = ["activate", "front", "--resume", &grant, "--key", key.to_str().unwrap()];
    let mut ana = home.person(&args);
    ana.expect(CONFIRM).send_line("doors/front").expect("Ctrl-C leaves it waiting.");
    home.person(&args).exits(3).saw("it waits in another terminal");
    // Ctrl-C leaves it as it was.
    ana.send("\x03").exits(4).saw("still waits").saw("--resume");
    assert_eq!(home.state(&grant), "awaiting-approval");
    let mut ana = home.person(&args);
    ana.expect(CONFIRM).send_line("doors/front").expect("Ctrl-C leaves it waiting.");
    answers(&home, "ben", "approve", &grant).exits(0);
    ana.exits(0).saw("OPEN");
    whole(&home);
}

#[test]
fn p06_an_unsigned_request_lapses_and_so_does_one_that_nobody_resumes() {
    let home = home("{ needed = 1, from = [\"group:security\"], within = \"2s\" }");
    let (mut ana, grant) = asks(&home);
    ana.exits(3).saw("has lapsed: 0 of 1 signed in time");
    assert_eq!(home.state(&grant), "lapsed");
    may_not(&home, "ben", "approve", &grant, 3, "it waits for nobody's consent");
    // The same by cron, where the requester is gone.
    let grant = lost(&home);
    answers(&home, "ben", "approve", &grant).exits(0);
    let lapsed = || home.run(&["expire"]).exits(0).stdout.contains(&format!("{grant} lapsed"));
    assert!(wait_until(lapsed, LONG), "it lapses");
    assert_eq!(home.state(&grant), "lapsed");
    home.run(&["expire"]).exits(0);
    assert!(home.target.open().is_empty());
    assert!(
        Home::path(&home)
            .join("locks")
            .read_dir()
            .unwrap()
            .flatten()
            .all(|file| { !file.file_name().to_string_lossy().contains(&grant) })
    );
    whole(&home);
}
