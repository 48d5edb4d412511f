//! The hooks as text, and the parser of what they tell.

use super::*;
use proptest::prelude::*;

fn encoded(text: &str) -> String {
    let text = text.replace('%', "%25").replace('\u{1}', "%01").replace('\u{2}', "%02");
    text.replace('\0', "%00").replace('\n', "%0A")
}

proptest! {
    #[test]
    fn p13_a_text_is_carried_exactly_in_any_pieces(
        cwd: String, text: String, shell: u32, exit: i32, rubbish in "[^\u{1}]*", piece in 1..50_usize,
    ) {
        let typed = format!("\u{1}t\u{2}{shell}\u{2}{}\u{2}{}\0", encoded(&cwd), encoded(&text));
        let written = format!("{rubbish}\u{1}t\u{2}{typed}{rubbish}\u{1}d\u{2}{shell}\u{2}{exit}\0");
        let mut parser = Parser::new();
        let reports: Vec<_> = written.as_bytes().chunks(piece).flat_map(|bytes| parser.push(bytes)).collect();
        prop_assert_eq!(reports, [Report::Typed { shell, cwd, text, cut: false }, Report::Done { shell, exit }]);
    }

    #[test]
    fn p13_garbage_on_the_fifo_is_passed_over(
        bytes in prop::collection::vec(prop_oneof![0..3_u8, Just(b't'), Just(b'T'), Just(b'%'), any::<u8>()], 0..200),
    ) {
        let mut parser = Parser::new();
        let whole = parser.push(&bytes);
        let mut parser = Parser::new();
        let pieces: Vec<_> = bytes.iter().flat_map(|byte| parser.push(&[*byte])).collect();
        prop_assert_eq!(whole, pieces);
    }
}

#[test]
fn p13_an_endless_record_takes_no_memory_and_what_follows_is_read() {
    let mut parser = Parser::new();
    assert_eq!(parser.push(&[1]), []);
    for _ in 0..100 {
        assert_eq!(parser.push(&[b'x'; 1000]), []);
    }
    assert_eq!(parser.push(b"\0\x01d\x027\x020\0"), [Report::Done { shell: 7, exit: 0 }]);
}

#[test]
fn p09_a_text_that_was_cut_ends_with_a_whole_word() {
    let read = |written: &[u8]| Parser::new().push(written);
    let typed = |text: &str| Report::Typed { shell: 7, cwd: "/".into(), text: text.into(), cut: true };
    assert_eq!(read(b"\x01T\x027\x02/\x02login --token hunt\0"), [typed("login --token")]);
    assert_eq!(read(b"\x01T\x027\x02/\x02one%25%0\0"), [typed("one%")]);
    assert_eq!(read(b"\x01T\x027\x02/\x02one%zz%\0"), [typed("one%zz")]);
    assert_eq!(read(b"\x01T\x027\x02/\x02one two\xc3\0"), [typed("one")]);
}

#[test]
fn p13_three_shells_have_a_hook_and_no_other() {
    let directory = Path::new("/run/it's");
    for (shell, args, env) in [
        ("bash", vec!["--rcfile", "/run/it's/bashrc"], vec![]),
        ("zsh", vec![], vec![("ZDOTDIR".to_owned(), "/run/it's".to_owned())]),
        ("fish", vec!["--init-command", r"source '/run/it\'s/hook.fish'"], vec![]),
    ] {
        let hook = Hook::of(shell, directory).unwrap();
        assert_eq!((hook.args, hook.env), (args.iter().map(ToString::to_string).collect(), env));
        for (name, content) in hook.files {
            assert!(NAMES.contains(&name) && !content.contains("@HOOK@"));
            assert!(content.contains(r"'/run/it\'s/hook'") || content.contains(r"'/run/it'\''s/hook'"));
        }
    }
    for other in ["sh", "dash", "ksh", "tcsh", "rbash", "nu", "", "/bin/bash"] {
        assert_eq!(Hook::of(other, directory), None, "{other}");
    }
}
