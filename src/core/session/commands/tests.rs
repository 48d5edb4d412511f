//! The log line by line: what is written is read back, and garbage is passed over.

use super::*;
use proptest::prelude::*;

fn kept(text: &str) -> String {
    text.to_owned()
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn typed(at: u64, shell: u32, text: &str) -> Line {
    Line::Typed { at: ms(at), shell, cwd: "/srv".into(), text: text.into(), cut: false }
}

fn done(at: u64, shell: u32, exit: i32) -> Line {
    Line::Done { at: ms(at), shell, exit }
}

fn process(at: u64, pid: u32, ppid: u32, argv: &[&str]) -> Line {
    let argv = argv.iter().map(ToString::to_string).collect();
    Line::Process { at: ms(at), pid, ppid, argv, cwd: "/srv".into(), cut: false }
}

fn ended(at: u64, pid: u32) -> Line {
    Line::Ended { at: ms(at), pid, exit: None }
}

fn any_line() -> impl Strategy<Value = Line> {
    let at = || (0_u64..1 << 45).prop_map(Duration::from_micros);
    prop_oneof![
        (at(), any::<u32>(), any::<String>(), any::<String>(), any::<bool>())
            .prop_map(|(at, shell, cwd, text, cut)| Line::Typed { at, shell, cwd, text, cut }),
        (at(), any::<u32>(), any::<i32>()).prop_map(|(at, shell, exit)| Line::Done { at, shell, exit }),
        (at(), 0..9_u32, 0..9_u32, any::<Vec<String>>(), any::<String>(), any::<bool>())
            .prop_map(|(at, pid, ppid, argv, cwd, cut)| Line::Process { at, pid, ppid, argv, cwd, cut }),
        (at(), any::<u32>(), any::<Option<i32>>()).prop_map(|(at, pid, exit)| Line::Ended { at, pid, exit }),
    ]
}

proptest! {
    #[test]
    fn p13_what_is_written_is_read_again(lines: Vec<u8>, known in prop::collection::vec(any_line(), 0..20)) {
        let mut written = Vec::new();
        known.iter().for_each(|line| written.extend(line.to_json_line(&mut kept)));
        let log = read(&written[..]).unwrap();
        prop_assert_eq!(&log, &Log { lines: known, unreadable: 0 });
        // Rubbish behind it takes nothing away.
        written.extend(b"\n");
        written.extend(&lines);
        prop_assert_eq!(read(&written[..]).unwrap().lines, log.lines);
    }

    #[test]
    fn p10_nothing_in_a_line_moves_a_cursor(line in any_line()) {
        let written = line.to_json_line(&mut kept);
        let (last, text) = written.split_last().unwrap();
        prop_assert_eq!(*last, b'\n');
        prop_assert!(!std::str::from_utf8(text).unwrap().chars().any(is_hostile));
    }

    #[test]
    fn p13_any_lines_fold_into_a_list(lines in prop::collection::vec(any_line(), 0..30)) {
        prop_assert!(fold(&lines).len() <= lines.len());
    }

    #[test]
    fn p13_garbage_is_passed_over(bytes: Vec<u8>) {
        prop_assert!(read(&bytes[..]).is_ok());
    }
}

#[test]
fn p13_the_lines_are_those_of_the_contract() {
    let text = |line: Line| String::from_utf8(line.to_json_line(&mut kept)).unwrap();
    assert_eq!(
        text(typed(3250, 71, "grep 'a b'\n\u{202e}")),
        "{\"kind\":\"typed\",\"t\":3.25,\"shell\":71,\"cwd\":\"/srv\",\"text\":\"grep 'a b'\\n\\u202e\"}\n"
    );
    assert_eq!(text(done(3500, 71, 1)), "{\"kind\":\"done\",\"t\":3.5,\"shell\":71,\"exit\":1}\n");
    assert_eq!(
        text(process(3300, 72, 71, &["grep", "a b"])),
        "{\"kind\":\"process\",\"t\":3.3,\"pid\":72,\"ppid\":71,\"argv\":[\"grep\",\"a b\"],\"cwd\":\"/srv\"}\n"
    );
    assert_eq!(text(ended(3600, 72)), "{\"kind\":\"ended\",\"t\":3.6,\"pid\":72}\n");
}

#[test]
fn p09_every_text_is_masked_before_it_is_cut() {
    let mut mask = |text: &str| text.replace("hunter22", "[masked]");
    let long = format!("{}hunter22", "x".repeat(LONGEST_TEXT - 4));
    for line in [
        typed(0, 1, "login hunter22"),
        typed(0, 1, &long),
        process(0, 1, 1, &["login", "hunter22"]),
        process(0, 1, 1, &[&long, "hunter22"]),
        Line::Typed { at: ms(0), shell: 1, cwd: "/hunter22".into(), text: String::new(), cut: false },
    ] {
        let written = String::from_utf8(line.to_json_line(&mut mask)).unwrap();
        assert!(!written.contains("hunt"), "{}", &written[written.len() - 100..]);
        assert!(written.contains("[mas"));
    }
}

#[test]
fn p13_what_is_too_long_is_cut_and_says_so() {
    let again = |line: Line| read(&line.to_json_line(&mut kept)[..]).unwrap().lines.remove(0);
    let Line::Typed { text, cut: true, .. } = again(typed(0, 1, &"é".repeat(LONGEST_TEXT))) else {
        panic!()
    };
    assert_eq!(text, "é".repeat(LONGEST_TEXT / 2));
    let many = vec!["12345678"; LONGEST_TEXT];
    let Line::Process { argv, cut: true, .. } = again(process(0, 1, 1, &many)) else { panic!() };
    assert!(argv.join(" ").len() <= LONGEST_TEXT && argv.len() > LONGEST_TEXT / 10);
    let exact = "x".repeat(LONGEST_TEXT);
    let Line::Process { cut: false, .. } = again(process(0, 1, 1, &[&exact])) else { panic!() };
}

#[test]
fn p13_a_crash_loses_only_the_line_it_cut() {
    let mut written = typed(1, 1, "one").to_json_line(&mut kept);
    let second = typed(2, 1, "two").to_json_line(&mut kept);
    written.extend(&second[..second.len() - 3]);
    assert_eq!(read(&written[..]).unwrap(), Log { lines: vec![typed(1, 1, "one")], unreadable: 1 });
    let endless = vec![b'['; 3 * LONGEST_LINE as usize];
    assert_eq!(read(&endless[..]).unwrap(), Log { lines: vec![], unreadable: 1 });
}

#[test]
fn p13_a_process_is_not_listed_beside_the_line_that_is_it() {
    let list = fold(&[
        process(0, 5, 1, &["bash"]),
        typed(100, 5, "sleep 1"),
        process(150, 6, 5, &["sleep", "1"]),
        ended(1150, 6),
        done(1200, 5, 3),
        typed(2000, 5, "make all"),
        process(2100, 7, 5, &["make", "all"]),
        process(2200, 8, 7, &["cc", "a b.c"]),
        ended(2300, 8),
    ]);
    let short: Vec<_> = list.iter().map(|c| (&c.text[..], c.exit, c.took, c.within, c.source)).collect();
    assert_eq!(
        short,
        [
            ("bash", None, None, None, Source::Process),
            ("sleep 1", Some(3), Some(ms(1100)), None, Source::Prompt),
            ("make all", None, None, None, Source::Prompt),
            ("cc 'a b.c'", None, Some(ms(100)), Some(2), Source::Process),
        ]
    );
}

#[test]
fn p13_a_shell_without_hook_hides_nothing_of_the_tree() {
    let list = fold(&[
        typed(0, 5, "sudo bash"),
        process(10, 6, 5, &["sudo", "bash"]),
        process(20, 7, 6, &["bash"]),
        process(30, 8, 7, &["bash"]),
        process(40, 8, 7, &["rm", "-rf", "/srv"]),
        process(50, 9, 1, &["stray"]),
    ]);
    let texts: Vec<_> = list.iter().map(|c| (&c.text[..], c.within)).collect();
    let within = Some(0);
    assert_eq!(
        texts,
        [("sudo bash", None), ("bash", within), ("bash", within), ("rm -rf /srv", within), ("stray", None)]
    );
}

#[test]
fn p13_parts_of_one_line_end_together() {
    let list = fold(&[typed(0, 5, "true"), typed(10, 5, "false"), done(20, 5, 1), done(30, 5, 2)]);
    let short: Vec<_> = list.iter().map(|c| (c.exit, c.took)).collect();
    assert_eq!(short, [(None, Some(ms(20))), (Some(1), Some(ms(10)))]);
}
