//! The text around the bytes of an SSH signature.

use data_encoding::BASE64;

pub(super) const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
pub(super) const END: &str = "-----END SSH SIGNATURE-----";
/// Characters a line, as `ssh-keygen` breaks them.
const COLUMNS: usize = 70;

pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = format!("{BEGIN}\n");
    for (position, character) in BASE64.encode(bytes).chars().enumerate() {
        if position > 0 && position % COLUMNS == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text.push('\n');
    text + END + "\n"
}

/// Blank space means nothing, wherever it came in between two clipboards.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let body = text.trim().strip_prefix(BEGIN)?.strip_suffix(END)?;
    let base64: Vec<u8> = body.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    BASE64.decode(&base64).ok()
}
