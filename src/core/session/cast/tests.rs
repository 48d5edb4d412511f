//! The format against an independent parser, whatever is recorded and however it arrives.

use super::*;
use crate::core::text::Line;
use proptest::prelude::*;
use serde_json::Value;
use std::time::Duration;

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn header() -> Header {
    Header { width: 80, height: 24, timestamp: Some(1_700_000_000), ..Header::default() }
}

/// All events after a header.
fn read(lines: &[u8]) -> Vec<Event> {
    let file = [header().to_line().as_bytes(), lines].concat();
    let (_, reader) = Reader::begin(&*file).unwrap();
    reader.map(Result::unwrap).collect()
}

fn output(events: &[Event]) -> String {
    let printed = events.iter().filter_map(|event| match &event.happening {
        Happening::Output(text) => Some(text.as_str()),
        _ => None,
    });
    printed.collect()
}

#[test]
fn the_header_is_read_back() {
    let whole = Header {
        title: Some("s-k3q7x2m5ab \u{1b}[31m\u{202e}\n".into()),
        command: Some("psql \"x\"".into()),
        term: Some("xterm-256color".into()),
        shell: Some("/bin/bash".into()),
        ..header()
    };
    for header in [whole, header()] {
        let line = header.to_line();
        assert!(Line::new(line.trim_end_matches('\n')).is_ok(), "{line:?}");
        assert_eq!(Header::parse(line.as_bytes()).unwrap(), header);
    }
    assert_eq!(header().to_line(), "{\"version\":2,\"width\":80,\"height\":24,\"timestamp\":1700000000}\n");
    // What asciinema writes, and what is no header.
    let foreign =
        br#"{"version": 2, "width": 9, "height": 8, "idle_time_limit": 1.5, "theme": {}, "env": {"X": "y"}}"#;
    assert_eq!(Header::parse(foreign).unwrap().width, 9);
    for other in [&b""[..], b"{}", b"[]", br#"{"version": 1, "width": 9, "height": 8}"#] {
        assert!(matches!(Header::parse(other), Err(CastError::NoHeader)));
    }
}

#[test]
fn each_kind_of_event_has_its_line() {
    let (mut encoder, mut lines) = (Encoder::new(), Vec::new());
    encoder.output(ms(1), b"a\x1b[31m\"\\\r\n", &mut lines);
    encoder.input(ms(61_002), b"\x7f", &mut lines);
    encoder.resize(ms(61_003), 132, 50, &mut lines);
    encoder.marker(ms(61_004), "ls -l", &mut lines);
    encoder.output(ms(5), b"later, though its clock says earlier", &mut lines);
    encoder.finish(ms(70_000), &mut lines);
    assert_eq!(
        String::from_utf8(lines.clone()).unwrap(),
        concat!(
            "[0.001000, \"o\", \"a\\u001b[31m\\\"\\\\\\r\\n\"]\n",
            "[61.002000, \"i\", \"\\u007f\"]\n",
            "[61.003000, \"r\", \"132x50\"]\n",
            "[61.004000, \"m\", \"ls -l\"]\n",
            "[61.004000, \"o\", \"later, though its clock says earlier\"]\n",
        )
    );
    let events = read(&lines);
    assert_eq!(events[2].happening, Happening::Resize { columns: 132, rows: 50 });
    assert_eq!(events[3], Event { at: ms(61_004), happening: Happening::Marker("ls -l".into()) });
}

#[test]
fn a_character_waits_for_its_last_byte() {
    let (mut encoder, mut lines) = (Encoder::new(), Vec::new());
    for byte in "€".as_bytes() {
        assert!(lines.is_empty());
        encoder.output(ms(1), &[*byte], &mut lines);
    }
    encoder.output(ms(2), b"\xe2\x82", &mut lines);
    encoder.output(ms(3), b"x\xf0\x9f", &mut lines);
    encoder.finish(ms(4), &mut lines);
    assert_eq!(output(&read(&lines)), "€\u{fffd}x\u{fffd}");
    // Only once.
    let whole = lines.clone();
    encoder.finish(ms(5), &mut lines);
    assert_eq!(lines, whole);
}

#[test]
fn lines_stay_short_and_labels_too() {
    let (mut encoder, mut lines) = (Encoder::new(), Vec::new());
    encoder.output(ms(1), &[1; 1_000_000], &mut lines);
    encoder.marker(ms(2), &"€".repeat(5000), &mut lines);
    let longest = lines.split(|byte| *byte == b'\n').map(<[u8]>::len).max().unwrap();
    assert!(longest < LONGEST_LINE / 5, "{longest}");
    let events = read(&lines);
    assert_eq!(output(&events).len(), 1_000_000);
    assert_eq!(events.last().unwrap().happening, Happening::Marker("€".repeat(1000)));
}

#[test]
fn what_a_crash_leaves_is_read_to_its_last_whole_line() {
    let (mut encoder, mut lines) = (Encoder::new(), Vec::new());
    encoder.output(ms(1), b"one", &mut lines);
    let whole = lines.len();
    encoder.output(ms(2), b"two", &mut lines);
    for end in whole..lines.len() {
        let file = [header().to_line().as_bytes(), &lines[..end]].concat();
        let (_, mut reader) = Reader::begin(&*file).unwrap();
        let events: Vec<_> = reader.by_ref().map(Result::unwrap).collect();
        assert_eq!(output(&events), "one");
        assert_eq!(reader.cut(), (end - whole) as u64);
    }
    let no_line = header().to_line();
    assert!(matches!(Reader::begin(no_line.trim_end().as_bytes()), Err(CastError::NoHeader)));
}

#[test]
fn what_is_no_event_is_named_by_its_line() {
    for bad in ["{}", "[1]", "[-1, \"o\", \"x\"]", "[1e300, \"o\", \"x\"]", "[1, \"r\", \"80\"]", "x", ""] {
        let file = format!("{}[1, \"o\", \"x\"]\n{bad}\n", header().to_line());
        let (_, mut reader) = Reader::begin(file.as_bytes()).unwrap();
        assert!(reader.next().unwrap().is_ok());
        let error = reader.next().unwrap().unwrap_err();
        assert_eq!(error.to_string(), "line 3 is not an event of an asciicast v2", "{bad}");
    }
    let endless = format!("{}[1, \"o\", \"{}", header().to_line(), "x".repeat(LONGEST_LINE));
    let (_, mut reader) = Reader::begin(endless.as_bytes()).unwrap();
    assert!(matches!(reader.next(), Some(Err(CastError::TooLong(2)))));
}

#[test]
fn an_edited_file_can_t_turn_time_back_and_unknown_kinds_are_passed_over() {
    let events = read(b"[5, \"o\", \"a\"]\n[6, \"z\", \"?\"]\n[1.5, \"o\", \"b\"]\n");
    assert_eq!(events.iter().map(|event| event.at).collect::<Vec<_>>(), [ms(5000), ms(5000)]);
}

proptest! {
    #[test]
    fn any_bytes_in_any_pieces_are_what_a_json_parser_reads(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..20),
        texts in prop::collection::vec(".{0,8}", 0..8),
    ) {
        let mut pieces = pieces;
        pieces.extend(texts.into_iter().map(String::into_bytes));
        let (mut encoder, mut lines) = (Encoder::new(), Vec::new());
        for (index, piece) in pieces.iter().enumerate() {
            encoder.output(ms(index as u64), piece, &mut lines);
        }
        encoder.finish(ms(1000), &mut lines);
        let mut said = String::new();
        for line in std::str::from_utf8(&lines).unwrap().lines() {
            prop_assert!(Line::new(line).is_ok(), "a recording is inert: {line:?}");
            let event: Value = serde_json::from_str(line).unwrap();
            said.push_str(event[2].as_str().unwrap());
        }
        let printed = pieces.concat();
        prop_assert_eq!(&said, &String::from_utf8_lossy(&printed));
        prop_assert_eq!(&output(&read(&lines)), &said);
    }

    #[test]
    fn reading_never_fails_in_any_other_way(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok((_, reader)) = Reader::begin(&*[header().to_line().as_bytes(), &bytes].concat()) {
            for event in reader {
                if event.is_err() {
                    break;
                }
            }
        }
    }
}
