//! Text into a JSON string, at the speed of memory: a command that writes a gigabyte passes here.

use crate::core::text::is_hostile;

/// What a byte asks for: nothing, ...
const PLAIN: u8 = 0;
/// ... an escape by its number, ...
const NUMBER: u8 = 1;
/// ... a look at the character that it begins, which may be hostile; or this letter after `\`.
const LOOK: u8 = 2;

const CLASSES: [u8; 256] = {
    let mut classes = [PLAIN; 256];
    let mut byte = 0;
    while byte < 0x20 {
        classes[byte] = NUMBER;
        byte += 1;
    }
    classes[0x7f] = NUMBER;
    classes[0x08] = b'b';
    classes[b'\t' as usize] = b't';
    classes[b'\n' as usize] = b'n';
    classes[b'\r' as usize] = b'r';
    classes[b'"' as usize] = b'"';
    classes[b'\\' as usize] = b'\\';
    // U+0080…U+00BF, U+0600…U+063F, U+2000…U+2FFF: all that `is_hostile` knows beyond ASCII.
    classes[0xc2] = LOOK;
    classes[0xd8] = LOOK;
    classes[0xe2] = LOOK;
    classes
};

/// Appends `text` as it stands between the quotes of a JSON string, in runs.
pub(super) fn append(text: &str, into: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    into.reserve(bytes.len() + bytes.len() / 4);
    let (mut done, mut at) = (0, 0);
    while let Some(byte) = bytes.get(at) {
        match CLASSES[usize::from(*byte)] {
            PLAIN => at += 1,
            LOOK => {
                // Such a byte begins a character.
                let Some(character) = text[at..].chars().next() else { break };
                let next = at + character.len_utf8();
                if is_hostile(character) {
                    into.extend_from_slice(&bytes[done..at]);
                    by_number(u32::from(character), into);
                    done = next;
                }
                at = next;
            }
            class => {
                into.extend_from_slice(&bytes[done..at]);
                match class {
                    NUMBER => by_number(u32::from(*byte), into),
                    letter => into.extend_from_slice(&[b'\\', letter]),
                }
                at += 1;
                done = at;
            }
        }
    }
    into.extend_from_slice(&bytes[done..]);
}

/// All of them lie in the basic plane: one escape each.
fn by_number(code: u32, into: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let digit = |shift: u32| HEX[(code >> shift & 0xf) as usize];
    into.extend_from_slice(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
}
