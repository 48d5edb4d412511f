//! A running ssh-agent (RFC 9987): its keys, and signatures by them.
//!
//! Each request has its own connection, so that none idles while a person thinks.

use super::waiting::TOUCH_WITHIN;
use crate::core::public_key::PublicKey;
use crate::core::text::escape;
use crate::core::wire::{Reader, put_string};
use crate::ports::belongings::{Belongings, MALFORMED};
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

const FAILURE: u8 = 5;
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;

const TIME_OUT: Duration = Duration::from_secs(10);

/// The agent that listens on a socket.
#[derive(Clone, Debug)]
pub struct Agent {
    socket: PathBuf,
    belongings: Belongings,
}

/// Why the agent gave no answer, or not the one that is needed.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// Nobody listens.
    #[error("no ssh-agent answers on {socket}: {cause}")]
    Connect {
        /// The socket, escaped for the screen.
        socket: String,
        /// What the system says.
        cause: std::io::Error,
    },
    /// It listens, and says nothing.
    #[error(
        "the ssh-agent did not answer within {0} seconds; run the command again, and touch your security key when it blinks"
    )]
    Silent(u64),
    /// The connection broke.
    #[error("the ssh-agent broke off: {0}")]
    Broken(std::io::Error),
    /// Not a message of the protocol.
    #[error("the ssh-agent gave an answer that glass does not understand")]
    Form,
    /// It answered "failure".
    #[error(
        "the ssh-agent refused: it is locked, does not hold the key, or the touch or confirmation was not given"
    )]
    Refused,
}

impl Agent {
    /// The agent behind `SSH_AUTH_SOCK`, to be spoken to as the person; connects to nothing yet.
    pub fn at(socket: &Path, belongings: &Belongings) -> Self {
        Self { socket: socket.to_owned(), belongings: belongings.clone() }
    }

    /// The keys that the agent holds, those of other kinds left out.
    pub fn keys(&self) -> Result<Vec<PublicKey>, AgentError> {
        let answer = self.ask(&[REQUEST_IDENTITIES], IDENTITIES_ANSWER, TIME_OUT)?;
        let mut reader = Reader::new(&answer);
        let count = reader.u32().ok_or(AgentError::Form)?;
        let mut keys = Vec::new();
        for _ in 0..count {
            let blob = reader.string().ok_or(AgentError::Form)?;
            let _comment = reader.string().ok_or(AgentError::Form)?;
            keys.extend(PublicKey::from_blob(blob).ok());
        }
        if reader.is_empty() { Ok(keys) } else { Err(AgentError::Form) }
    }

    /// A signature over `data` in wire form; waits for a touch.
    pub fn sign(&self, key: &PublicKey, data: &[u8]) -> Result<Vec<u8>, AgentError> {
        let mut request = vec![SIGN_REQUEST];
        put_string(&mut request, &key.blob());
        put_string(&mut request, data);
        request.extend(0u32.to_be_bytes()); // flags choose the hash of RSA keys
        let answer = self.ask(&request, SIGN_RESPONSE, TOUCH_WITHIN)?;
        let mut reader = Reader::new(&answer);
        let signature = reader.string().ok_or(AgentError::Form)?;
        if reader.is_empty() { Ok(signature.to_vec()) } else { Err(AgentError::Form) }
    }

    /// Sends one message; gives the content of an answer of the `expected` type.
    fn ask(&self, request: &[u8], expected: u8, time_out: Duration) -> Result<Vec<u8>, AgentError> {
        let asked = self.belongings.ask_agent(&self.socket, request, time_out);
        let answer = asked.map_err(|error| self.trouble(error, time_out))?;
        match answer.split_first() {
            Some((kind, content)) if *kind == expected => Ok(content.to_vec()),
            Some((&FAILURE, _)) => Err(AgentError::Refused),
            _ => Err(AgentError::Form),
        }
    }

    fn trouble(&self, error: Error, time_out: Duration) -> AgentError {
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => AgentError::Silent(time_out.as_secs()),
            ErrorKind::NotFound | ErrorKind::ConnectionRefused | ErrorKind::PermissionDenied => {
                let socket = escape(&self.socket.display().to_string());
                AgentError::Connect { socket, cause: error }
            }
            _ if error.raw_os_error() == Some(MALFORMED) => AgentError::Form,
            _ => AgentError::Broken(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixListener;
    use std::thread;

    /// An agent that answers one request with these bytes.
    fn answering(answer: &'static [u8], ask: impl FnOnce(Agent)) {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("agent");
        let listener = UnixListener::bind(&socket).unwrap();
        thread::scope(|scope| {
            scope.spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let mut length = [0; 4];
                stream.read_exact(&mut length).unwrap();
                let mut request = vec![0; u32::from_be_bytes(length) as usize];
                stream.read_exact(&mut request).unwrap();
                stream.write_all(answer).unwrap();
            });
            ask(Agent::at(&socket, &Belongings::of(None)));
        });
    }

    #[test]
    fn answers_in_another_form_are_refused() {
        for answer in [
            [0, 0, 0, 0].as_slice(),
            &[0, 0, 0, 1, IDENTITIES_ANSWER],
            &[0, 0, 0, 5, IDENTITIES_ANSWER, 0, 0, 0, 1],
            &[0, 0, 0, 5, IDENTITIES_ANSWER, 0xff, 0xff, 0xff, 0xff],
            &[0, 0, 0, 6, IDENTITIES_ANSWER, 0, 0, 0, 0, 9],
            &[0, 0, 0, 5, SIGN_RESPONSE, 0, 0, 0, 0],
            &[0xff, 0xff, 0xff, 0xff, IDENTITIES_ANSWER],
            &[0, 0, 0, 9],
            &[],
        ] {
            answering(answer, |agent| {
                let error = agent.keys().unwrap_err();
                assert!(matches!(error, AgentError::Form | AgentError::Broken(_)), "{answer:?}: {error}");
            });
        }
        answering(&[0, 0, 0, 1, FAILURE], |agent| {
            assert!(matches!(agent.keys(), Err(AgentError::Refused)));
        });
    }

    #[test]
    fn no_agent_is_named() {
        let error =
            Agent::at(Path::new("/nonexistent/agent"), &Belongings::of(None)).keys().unwrap_err().to_string();
        assert!(error.starts_with("no ssh-agent answers on /nonexistent/agent: "), "{error}");
    }
}
