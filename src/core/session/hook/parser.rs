//! What a hook wrote, record by record.

/// A record of this many bytes was not written by the hook.
const LONGEST_RECORD: usize = 8192;
const BEGIN: u8 = 1;
const NEXT: u8 = 2;
const END: u8 = 0;

/// What a shell tells. Its user can make it tell anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// A command line begins.
    Typed {
        /// Process id of the shell.
        shell: u32,
        /// Its working directory, as the shell names it.
        cwd: String,
        /// What was typed; of a text that was cut, whole words.
        text: String,
        /// Whether there was more.
        cut: bool,
    },
    /// The prompt is back.
    Done {
        /// Process id of the shell.
        shell: u32,
        /// Exit code of what was typed.
        exit: i32,
    },
}

/// Takes bytes as they come, in any pieces. What is no record is passed over.
#[derive(Debug, Default)]
pub struct Parser {
    record: Vec<u8>,
    is_within: bool,
}

impl Parser {
    /// Nothing was read yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What these bytes complete.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Report> {
        let mut reports = Vec::new();
        for byte in bytes {
            match *byte {
                // An unfinished one before it was interrupted.
                BEGIN => {
                    self.record.clear();
                    self.is_within = true;
                }
                END if std::mem::take(&mut self.is_within) => reports.extend(report(&self.record)),
                END => {}
                _ if self.record.len() >= LONGEST_RECORD => self.is_within = false,
                other if self.is_within => self.record.push(other),
                _ => {}
            }
        }
        reports
    }
}

fn report(record: &[u8]) -> Option<Report> {
    let fields: Vec<&[u8]> = record.split(|byte| *byte == NEXT).collect();
    match fields[..] {
        [kind @ (b"t" | b"T"), shell, cwd, text] => {
            let cut = kind == b"T";
            let mut text = decoded(text);
            if cut {
                // Half a word might be half a secret, which no mask would know.
                text.truncate(text.rfind(char::is_whitespace).unwrap_or(text.len()));
            }
            Some(Report::Typed { shell: number(shell)?, cwd: decoded(cwd), text, cut })
        }
        [b"d", shell, exit] => Some(Report::Done { shell: number(shell)?, exit: number(exit)? }),
        _ => None,
    }
}

fn number<N: std::str::FromStr>(digits: &[u8]) -> Option<N> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Undoes `%0A` and the like; what a cut left of one at the end is dropped.
fn decoded(field: &[u8]) -> String {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((byte, behind)) = rest.split_first() {
        let digits = behind.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        rest = match (byte, digits.map(|digits| u8::from_str_radix(digits, 16))) {
            (b'%', Some(Ok(escaped))) => {
                plain.push(escaped);
                &behind[2..]
            }
            (b'%', None) if behind.len() < 2 => break,
            _ => {
                plain.push(*byte);
                behind
            }
        };
    }
    String::from_utf8_lossy(&plain).into_owned()
}
