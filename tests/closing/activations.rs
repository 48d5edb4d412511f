//! Activations that died, were stopped or called off half-way.

use crate::support::{Home, LONG, Person, Scope, can_trace, signal, text, wait_until};
use rustix::process::Signal;
use std::thread;
use std::time::{Duration, Instant};

/// A door of two steps with this time-out.
fn two_steps(timeout: &str) -> Home {
    let home = Home::new();
    let step = |name: &str| home.target.step_named(name, &format!("{{grant.id}}-{name}"), timeout, "");
    let scope = Scope::new("front").with(step("one")).with(step("two"));
    home.write_playbook("doors", &text("doors", &[scope]));
    home.register();
    home
}

/// Starts an activation and waits until its first step runs.
fn half_way(home: &Home) -> Person {
    let mut person = home.person(&home.wish("front", &[]));
    person.expect("Type doors/front to confirm: ").send_line("doors/front");
    assert!(wait_until(|| home.target.calls("grant") == 1, LONG));
    person
}

#[test]
fn p02_a_half_open_step_is_closed_at_once_and_again_when_it_can_no_longer_act() {
    let home = two_steps("4s");
    // What it started goes on without it, and opens late.
    home.target.does("grant", "setsid sh -c \"sleep 3; : > $file\" & sleep 100");
    let mut person = half_way(&home);
    let began = Instant::now();
    home.kill_watchdogs();
    signal(person.id(), Signal::KILL);
    person.exit_code();
    home.run(&["expire"]).exits(0).says("waits until an interrupted step can no longer act");
    let grant = home.grants()[0].clone();
    assert_eq!(home.state(&grant), "closing");
    assert!(wait_until(|| !home.target.open().is_empty(), LONG), "the orphan opens after the first round");
    thread::sleep(Duration::from_secs(6).saturating_sub(began.elapsed()));
    home.run(&["expire"]).exits(0);
    assert_eq!(home.state(&grant), "activation-failed");
    home.settled();
}

/// An activation that is stopped in its first step until its time is over.
fn stopped_for_too_long(close: impl Fn(&Home)) {
    let home = two_steps("1s");
    home.target.does("grant", "case $name in *-one) kill -STOP $PPID;; esac");
    let mut person = half_way(&home);
    let grant = home.grants()[0].clone();
    home.run(&["expire"]).exits(0);
    assert_eq!(
        home.recorded_state(&grant).as_deref(),
        Some("activating"),
        "within its time it is left alone"
    );
    close(&home);
    assert!(wait_until(|| home.recorded_state(&grant).as_deref() == Some("activation-failed"), LONG));
    home.target.shuts();
    signal(person.id(), Signal::CONT);
    person.exits(6);
    assert_eq!(home.target.calls("grant"), 1, "the second step was not begun");
    home.settled();
}

#[test]
fn p02_an_activation_that_is_stopped_beyond_its_time_is_closed_and_then_closes_itself() {
    stopped_for_too_long(|home| {
        home.kill_watchdogs();
        // Ten seconds, and one for each of its two steps.
        thread::sleep(Duration::from_secs(13));
        home.run(&["expire"]).exits(0);
    });
}

#[test]
fn p02_an_activation_that_is_stopped_beyond_its_time_is_closed_by_its_watchdog() {
    stopped_for_too_long(|_| {});
}

#[test]
fn p02_an_activation_that_came_through_in_the_meantime_is_not_taken_for_half_open() {
    if !can_trace() {
        return;
    }
    let home = two_steps("10s");
    home.target.takes("grant", 1.0);
    let mut person = half_way(&home);
    let grant = home.grants()[0].clone();
    // Between looking what is due and taking its lock, `expire` sleeps.
    let calls = "trace=flock";
    let slow = "inject=flock:delay_enter=4s";
    let slow = ["strace", "-qq", "-f", "-b", "execve", "-o", "/dev/null", "-e", calls, "-e", slow];
    let began = Instant::now();
    home.run_under(&slow, &["expire"]).exits(0);
    assert!(began.elapsed() > Duration::from_secs(4), "it slept");
    person.exits(0);
    assert_eq!((home.state(&grant), home.target.open().len()), ("active".into(), 2));
    home.run(&["revoke", &grant]).exits(0);
    home.settled();
}

#[test]
fn p02_revoke_calls_off_a_running_activation() {
    let home = two_steps("10s");
    home.target.takes("grant", 2.0);
    let mut person = half_way(&home);
    let grant = home.grants()[0].clone();
    home.run(&["revoke", &grant]).exits(0);
    person.exits(6);
    assert_eq!(home.target.calls("grant"), 1, "the second step was not begun");
    assert_eq!(home.state(&grant), "activation-failed");
    home.settled();
}
