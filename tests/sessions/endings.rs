//! A session ends with its grant, and with what holds it; whatever it started ends with it.

use crate::support::{Home, LONG, Person, Planned, Setting, alive, all_end, signal, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::thread;
use std::time::{Duration, Instant};

/// All the ways to be left behind; `S` is the waiter.
pub(crate) const SPREAD: &str = "S 1000 & setsid S 1001 & nohup S 1002 > /dev/null 2>&1 & \
    (setsid nohup S 1003 > /dev/null 2>&1 &) & \
    (trap '' HUP TERM INT; exec S 1004) & (trap '' HUP TERM; exec setsid S 1005) & \
    while :; do wait; done";
/// How many of them there are.
pub(crate) const MEMBERS: usize = 6;

/// A session that runs, with everything of it that does.
pub(crate) struct Session {
    pub(crate) person: Person,
    pub(crate) planned: Planned,
    pub(crate) members: Vec<Pid>,
}

impl Session {
    /// Begins one, and waits until so many waiters of it run.
    #[track_caller]
    pub(crate) fn begin(home: &Home, grant: &str, script: &str, members: usize) -> Self {
        let before = home.waiting();
        let sessions: Vec<String> = home.planned(grant).into_iter().map(|planned| planned.id).collect();
        let script = script.replace("S ", &format!("{} ", home.waiter().display()));
        let mut person = home.person(&["exec", grant, "--", "sh", "-c", &script]);
        let new = || home.waiting().into_iter().filter(|pid| !before.contains(pid)).collect::<Vec<_>>();
        if !wait_until(|| new().len() >= members, LONG) {
            person.meets("\u{4}never\u{4}");
            panic!("{} of {members} run; the screen:\n{}", new().len(), person.screen());
        }
        let found = home.planned(grant).into_iter().find(|planned| !sessions.contains(&planned.id));
        Self { person, planned: found.expect("the plan names it"), members: new() }
    }

    fn spread(setting: Setting, home: &Home, grant: &str) -> Self {
        let session = Self::begin(home, grant, SPREAD, MEMBERS);
        assert_eq!(session.planned.cgroup.is_some(), setting == Setting::Cell, "{setting:?}");
        session
    }

    pub(crate) fn kill_front(&self) {
        signal(self.person.id(), Signal::KILL);
    }

    pub(crate) fn kill_keeper(&self) {
        kill_process(self.planned.keeper, Signal::KILL).unwrap();
    }
}

/// Ana opens the door for so long; gives the grant.
#[track_caller]
pub(crate) fn activate(home: &Home, length: &str) -> String {
    home.activate_ok("front", &["--for", length])
}

/// The one entry of this kind; demands that there is exactly one.
#[track_caller]
fn the(home: &Home, kind: &str) -> Value {
    let told = home.told(kind);
    assert_eq!(told.len(), 1, "{kind}: {told:#?}\n{:#?}", home.entries());
    told[0].clone()
}

/// Demands how the record tells the end.
#[track_caller]
fn ended(home: &Home, cause: &str, gone: bool) {
    let entry = the(home, "session-ended");
    assert_eq!((&entry["cause"], &entry["ended"]["gone"]), (&cause.into(), &gone.into()), "{entry:#}");
    assert_eq!(home.told("session-interrupted"), [] as [Value; 0]);
}

/// The same of a session whose glass died.
#[track_caller]
pub(crate) fn interrupted(home: &Home, gone: Option<bool>) -> Value {
    let entry = the(home, "session-interrupted");
    assert_eq!(entry["cause"], "glass-died", "{entry:#}");
    assert!(gone.is_none_or(|gone| entry["ended"]["gone"] == gone), "{entry:#}");
    assert_eq!(home.told("session-ended"), [] as [Value; 0]);
    entry
}

/// Whether whoever comes later can prove that nothing is left: by a cgroup always, without one
/// only where the keeper was met while it still worked.
pub(crate) fn proved_later(setting: Setting) -> Option<bool> {
    (setting == Setting::Cell).then_some(true)
}

/// Closed, proved, and nothing of it left.
#[track_caller]
pub(crate) fn closes(home: &Home, grant: &str) {
    let state = || home.recorded_state(grant);
    assert!(wait_until(|| state().as_deref() == Some("closed"), LONG), "{:?}", state());
    assert!(wait_until(|| home.watchdogs(grant).is_empty(), LONG), "its watchdog stays");
    home.is_silent();
    home.settled();
}

#[test]
fn p13_at_expiry_the_watchdog_ends_all_that_a_session_started() {
    for setting in Setting::all() {
        let home = setting.home();
        let grant = activate(&home, "4s");
        let mut session = Session::spread(setting, &home, &grant);
        all_end(&session.members);
        session.person.exits(125).saw(&format!("this session was ended: {grant} is over"));
        closes(&home, &grant);
        ended(&home, "grant-ended", true);
    }
}

#[test]
fn p13_at_expiry_a_session_ends_itself_where_nobody_watches_and_expire_closes() {
    for setting in Setting::all() {
        let home = setting.home();
        let grant = activate(&home, "4s");
        home.kill_watchdog(&grant);
        let mut session = Session::spread(setting, &home, &grant);
        all_end(&session.members);
        session.person.exits(125).saw("is over");
        assert!(home.target.is_open(&grant), "nobody has closed it yet");
        ended(&home, "grant-ended", true);
        home.run(&["expire"]).exits(0);
        closes(&home, &grant);
    }
}

#[test]
fn p13_a_revocation_from_elsewhere_ends_all_that_a_session_started() {
    for setting in Setting::all() {
        let home = setting.home();
        let grant = activate(&home, "10m");
        let mut session = Session::spread(setting, &home, &grant);
        home.run(&["revoke", &grant]).exits(0);
        // It came back only when all of it was gone.
        assert!(!session.members.iter().any(|pid| alive(*pid)), "some are left");
        session.person.exits(125).saw("is over");
        closes(&home, &grant);
        ended(&home, "grant-ended", true);
    }
}

#[test]
fn p13_a_killed_glass_ends_its_session_at_once_and_the_watchdog_records_it() {
    for setting in Setting::all() {
        let home = setting.home();
        let grant = activate(&home, "10m");
        let mut session = Session::spread(setting, &home, &grant);
        let began = Instant::now();
        session.kill_front();
        all_end(&session.members);
        assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
        session.person.exits(128 + 9);
        assert!(wait_until(|| !home.told("session-interrupted").is_empty(), LONG));
        interrupted(&home, proved_later(setting));
        assert!(wait_until(|| home.planned(&grant).is_empty(), LONG), "the plan names it still");
        home.is_silent();
        assert_eq!(home.state(&grant), "active", "the grant goes on");
        home.run(&["revoke", &grant]).exits(0);
        closes(&home, &grant);
    }
}

#[test]
fn p13_a_killed_glass_with_no_watchdog_is_recorded_by_expire() {
    for setting in Setting::all() {
        let home = setting.home();
        let grant = activate(&home, "10m");
        home.kill_watchdog(&grant);
        let mut session = Session::spread(setting, &home, &grant);
        session.kill_front();
        all_end(&session.members);
        session.person.exits(128 + 9);
        let ran = home.run(&["expire"]).exits(0);
        let entry = interrupted(&home, proved_later(setting));
        ran.says(entry["session"].as_str().unwrap());
        home.is_silent();
        home.run(&["revoke", &grant]).exits(0);
        closes(&home, &grant);
    }
}

#[test]
fn p13_a_killed_keeper_ends_its_session_at_once() {
    for setting in Setting::all() {
        let home = setting.home();
        let grant = activate(&home, "10m");
        let mut session = Session::spread(setting, &home, &grant);
        session.kill_keeper();
        all_end(&session.members);
        session.person.exits(125).saw("the process that keeps it was killed");
        ended(&home, "keeper-killed", true);
        home.is_silent();
        home.run(&["revoke", &grant]).exits(0);
        closes(&home, &grant);
    }
}

/// Front and keeper die in one moment: nobody is left to end what they held.
fn both_are_killed(setting: Setting, close: impl Fn(&Home, &str)) -> (Home, Session) {
    let home = setting.home();
    let mut ana = home.person(&home.wish("front", &[]));
    ana.expect("Type doors/front to confirm: ").send_line("doors/front").exits(0);
    let (grant, shown) = (home.grants()[0].clone(), ana.screen());
    let mut session = Session::spread(setting, &home, &grant);
    kill_process(session.planned.keeper, Signal::STOP).unwrap();
    session.kill_front();
    session.kill_keeper();
    session.person.exits(128 + 9);
    assert!(session.members.iter().any(|pid| alive(*pid)) || setting == Setting::Cell);
    let said = match setting {
        Setting::Cell => "every process that they start, by their cgroup",
        Setting::NoCell | Setting::Nobody => "program that kills all of glass first may outlive it",
    };
    assert!(shown.contains(said), "{shown}");
    assert_eq!(the(&home, "session-started")["started"]["contained"], setting.contained());
    close(&home, &grant);
    (home, session)
}

#[test]
fn p13_where_all_that_holds_a_session_is_killed_its_cgroup_ends_it_or_the_record_says_that_it_may_live() {
    for setting in Setting::all() {
        let (home, session) = both_are_killed(setting, |home, grant| {
            home.kill_watchdog(grant);
            home.run(&["expire"]).exits(0);
        });
        let in_cell = setting == Setting::Cell;
        interrupted(&home, Some(in_cell));
        // What made no session of its own is found without a cgroup too.
        let left = session.members.iter().filter(|pid| alive(**pid)).count();
        assert!(left == 0 || !in_cell, "{left} are left");
        assert!(left <= 3, "{left} are left");
        if in_cell {
            home.is_silent();
        }
    }
}

#[test]
fn p13_the_watchdog_ends_what_a_killed_tree_left_in_its_cgroup() {
    if !Setting::all().contains(&Setting::Cell) {
        return;
    }
    let (home, session) = both_are_killed(Setting::Cell, |_, _| {});
    all_end(&session.members);
    assert!(wait_until(|| !home.told("session-interrupted").is_empty(), LONG));
    interrupted(&home, Some(true));
    assert!(wait_until(|| home.planned(&home.grants()[0]).is_empty(), LONG));
    home.is_silent();
}

#[test]
fn p13_what_starts_itself_anew_is_ended_too() {
    for setting in Setting::all() {
        let home = setting.home();
        let grant = activate(&home, "10m");
        // Bounded: it ends by itself should nobody end it.
        let script = "trap '' HUP TERM; i=0; while [ $i -lt 600 ]; do i=$((i+1)); \
            (trap '' HUP; setsid S 3 &) & S 0.05; done";
        let mut session = Session::begin(&home, &grant, script, 5);
        home.run(&["revoke", &grant]).exits(0);
        assert_eq!(home.waiting(), [], "some are left");
        session.person.exits(125);
        closes(&home, &grant);
        ended(&home, "grant-ended", true);
    }
}

#[test]
fn p13_what_holds_the_streams_open_does_not_hold_up_the_end() {
    for setting in Setting::all() {
        let home = setting.home();
        let grant = activate(&home, "10m");
        let script = format!("setsid {} 1000 & echo done", home.waiter().display());
        let began = Instant::now();
        let mut person = home.person(&["exec", &grant, "--", "sh", "-c", &script]);
        person.exits(0).saw("done");
        let args = ["exec", &grant, "--", "sh", "-c", &script];
        home.run(&args).exits(0).says("done");
        assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
        assert_eq!(home.waiting(), [], "some are left");
        home.is_silent();
        home.run(&["revoke", &grant]).exits(0);
        closes(&home, &grant);
    }
}

#[test]
fn p13_a_revocation_typed_inside_closes_and_then_ends_that_shell() {
    inside("revoke");
}

#[test]
fn p13_an_expiry_run_inside_closes_and_then_ends_that_shell() {
    inside("expire");
}

fn inside(verb: &str) {
    for setting in Setting::all() {
        let home = setting.home();
        let grant = activate(&home, if verb == "expire" { "4s" } else { "10m" });
        home.kill_watchdog(&grant);
        let (glass, path) = (crate::support::GLASS, home.path());
        let typed = match verb {
            // As cron would, at that very moment.
            "expire" => {
                let expire = format!("{glass} --home {} expire", path.display());
                format!("S 2.5; for i in $(seq 60); do {expire}; S 0.1; done")
            }
            _ => format!("{glass} --home {} revoke {grant}", path.display()),
        };
        let script = format!("S 1000 & S 0.7; {typed}; echo \"it said $?\"; wait");
        let mut session = Session::begin(&home, &grant, &script, 1);
        session.person.exits(125).saw("is over");
        if verb == "revoke" {
            session.person.saw("it said 0");
        } else {
            home.run(&["expire"]).exits(0);
        }
        closes(&home, &grant);
        ended(&home, "grant-ended", true);
    }
}

#[test]
fn p13_a_closed_terminal_ends_the_session_and_the_grant_still_closes() {
    for setting in Setting::all() {
        let home = setting.home();
        let grant = activate(&home, "10m");
        let mut session = Session::spread(setting, &home, &grant);
        session.person.hang_up();
        all_end(&session.members);
        session.person.exits(125);
        ended(&home, "hung-up", true);
        home.is_silent();
        home.run(&["revoke", &grant]).exits(0);
        closes(&home, &grant);
    }
}

#[test]
fn p13_sighup_ends_the_session_and_sigterm_is_the_commands_first() {
    let setting = Setting::best();
    let home = setting.home();
    let grant = activate(&home, "10m");
    let mut session = Session::spread(setting, &home, &grant);
    signal(session.person.id(), Signal::HUP);
    session.person.exits(125);
    all_end(&session.members);
    ended(&home, "hung-up", true);
    // One that takes it as it likes, and goes on.
    let script = "trap 'echo heard' TERM; setsid S 1000 & S 1001 & wait; echo on; wait";
    let mut session = Session::begin(&home, &grant, script, 2);
    signal(session.person.id(), Signal::TERM);
    session.person.expect("heard").expect("on");
    assert!(alive(session.members[0]) || alive(session.members[1]), "what made a session goes on");
    // One that is ended by it.
    signal(session.person.id(), Signal::HUP);
    session.person.exits(125);
    let mut session = Session::begin(&home, &grant, "setsid S 1000 & exec S 1001", 2);
    signal(session.person.id(), Signal::TERM);
    session.person.exits(128 + 15);
    all_end(&session.members);
    let last = home.told("session-ended").pop().unwrap();
    assert_eq!((&last["cause"], &last["ended"]["signal"]), (&"command-ended".into(), &15.into()), "{last:#}");
    home.is_silent();
}

#[test]
fn p13_two_sessions_of_one_grant_end_each_by_itself_and_both_with_it() {
    for setting in Setting::all() {
        let home = setting.home();
        let grant = activate(&home, "10m");
        let mut first = Session::spread(setting, &home, &grant);
        let mut second = Session::spread(setting, &home, &grant);
        assert_eq!(home.planned(&grant).len(), 2);
        home.run(&["exec", &grant, "--", "sh", "-c", "sleep 1000 & exit 7"]).exits(7);
        assert!([&first, &second].iter().all(|session| session.members.iter().all(|pid| alive(*pid))));
        home.run(&["revoke", &grant]).exits(0);
        assert_eq!(home.waiting(), [], "some are left");
        first.person.exits(125);
        second.person.exits(125);
        closes(&home, &grant);
        let told = home.told("session-ended");
        assert_eq!(told.len(), 3);
        assert!(told.iter().all(|entry| entry["ended"]["gone"] == true), "{told:#?}");
    }
}

#[test]
fn p13_a_target_that_hangs_in_closing_does_not_delay_the_end_of_a_session() {
    let setting = Setting::best();
    let home = setting.home();
    let grant = activate(&home, "10m");
    let mut session = Session::spread(setting, &home, &grant);
    home.target.hangs("revoke");
    let began = Instant::now();
    let revoking = thread::scope(|scope| {
        let revoking = scope.spawn(|| home.run(&["revoke", &grant]));
        all_end(&session.members);
        session.person.exits(125);
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        revoking.join().unwrap()
    });
    assert_ne!(revoking.code, Some(0), "{revoking:?}");
    ended(&home, "grant-ended", true);
    home.target.works("revoke");
    home.run(&["revoke", &grant]).exits(0);
    closes(&home, &grant);
}

#[test]
fn p13_who_begins_anew_faster_than_it_is_looked_at_is_ended_too() {
    for setting in Setting::all() {
        let home = setting.home();
        let grant = activate(&home, "10m");
        // Each starts the next, in a session of its own, and is gone. Bounded: it ends by itself.
        let chain = home.user().join("chain");
        let link =
            format!("trap '' HUP TERM; [ $1 -lt 3000 ] && setsid sh {} $(($1 + 1)) &", chain.display());
        std::fs::write(&chain, link).unwrap();
        let script = format!("sh {} 0; S 1000", chain.display());
        let mut session = Session::begin(&home, &grant, &script, 1);
        thread::sleep(Duration::from_millis(100));
        home.run(&["revoke", &grant]).exits(0);
        session.person.exits(125);
        assert_eq!(home.strays(), [] as [&str; 0]);
        closes(&home, &grant);
        ended(&home, "grant-ended", true);
    }
}

#[test]
fn p13_a_stopped_glass_or_keeper_keeps_no_session_alive_beyond_its_grant() {
    for setting in Setting::all() {
        for stops_front in [true, false] {
            let home = setting.home();
            let grant = activate(&home, "10m");
            let mut session = Session::spread(setting, &home, &grant);
            let front = Pid::from_raw(session.person.id().cast_signed()).unwrap();
            kill_process(if stops_front { front } else { session.planned.keeper }, Signal::STOP).unwrap();
            home.run(&["revoke", &grant]).exits(0);
            assert_eq!(home.waiting(), [], "some are left");
            kill_process(front, Signal::CONT).unwrap();
            session.person.exits(125);
            closes(&home, &grant);
            ended(&home, "grant-ended", true);
        }
    }
}

#[test]
fn p13_a_keeper_that_somebody_asks_to_leave_ends_its_session_and_that_is_told_as_it_was() {
    for setting in Setting::all() {
        let home = setting.home();
        let grant = activate(&home, "10m");
        let mut session = Session::spread(setting, &home, &grant);
        kill_process(session.planned.keeper, Signal::TERM).unwrap();
        session.person.exits(125);
        all_end(&session.members);
        ended(&home, "keeper-killed", true);
        assert_eq!(home.state(&grant), "active");
    }
}

#[test]
fn p13_a_revocation_typed_inside_that_is_not_proved_ends_that_shell_all_the_same() {
    let home = Setting::best().home();
    let grant = activate(&home, "10m");
    home.target.fails("revoke");
    let revoke = format!("{} --home {} revoke {grant}", crate::support::GLASS, home.path().display());
    let mut session = Session::begin(
        &home,
        &grant,
        &format!("setsid S 1000 & S 0.7; {revoke}; echo \"it said $?\"; wait"),
        1,
    );
    session.person.expect("it said 7").exits(125).saw("is over");
    all_end(&session.members);
    assert_eq!(home.state(&grant), "unrevoked");
    ended(&home, "grant-ended", true);
    home.target.works("revoke");
    home.run(&["revoke", &grant]).exits(0);
    closes(&home, &grant);
}
