//! What glass tells its waiting half, in memory only: never in argv, environment or a file.
//!
//! A frame of parts, each a 32-bit little-endian length and that many bytes; before the
//! frame its own length in the same form.

use zeroize::Zeroizing;

/// The user to become.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Identity<'a> {
    pub(super) name: &'a [u8],
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// Everything that the waiting half must know. No `Debug`: it holds secrets.
#[derive(PartialEq, Eq)]
pub(super) struct Request<'a> {
    /// Absent: it stays the user that it is.
    pub(super) identity: Option<Identity<'a>>,
    /// Whether it dies with the process that started it.
    pub(super) bound: bool,
    /// Program and arguments; the first argument after the program is the second part.
    pub(super) program: &'a [u8],
    pub(super) args: Vec<&'a [u8]>,
    /// The whole environment.
    pub(super) env: Vec<(&'a [u8], &'a [u8])>,
    /// Absent: standard input is empty.
    pub(super) stdin: Option<&'a [u8]>,
}

impl<'a> Request<'a> {
    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let numbers = [
            self.identity.as_ref().map_or(0, |identity| identity.uid),
            self.identity.as_ref().map_or(0, |identity| identity.gid),
            self.args.len() as u32,
            self.env.len() as u32,
        ]
        .map(u32::to_le_bytes);
        let flags = [u8::from(self.identity.is_some()), u8::from(self.bound), u8::from(self.stdin.is_some())];
        let mut parts: Vec<&[u8]> = vec![&flags];
        parts.extend(numbers.iter().map(<[u8; 4]>::as_slice));
        parts.push(self.identity.as_ref().map_or(&[], |identity| identity.name));
        parts.push(self.program);
        parts.extend(&self.args);
        parts.extend(self.env.iter().flat_map(|(name, value)| [*name, *value]));
        parts.push(self.stdin.unwrap_or_default());

        // Sized beforehand: a buffer that grows would leave secrets behind.
        let length: usize = parts.iter().map(|part| 4 + part.len()).sum();
        let mut frame = Zeroizing::new(Vec::with_capacity(4 + length));
        frame.extend_from_slice(&(length as u32).to_le_bytes());
        for part in parts {
            frame.extend_from_slice(&(part.len() as u32).to_le_bytes());
            frame.extend_from_slice(part);
        }
        frame
    }

    /// Reads a frame without its leading length; nothing for anything else.
    pub(super) fn decode(frame: &'a [u8]) -> Option<Self> {
        let mut rest = Parts(frame);
        let [switches, bound, fed] = *rest.next()? else { return None };
        let [uid, gid, args, env] = [rest.number()?, rest.number()?, rest.number()?, rest.number()?];
        let name = rest.next()?;
        let request = Self {
            identity: (switches == 1).then_some(Identity { name, uid, gid }),
            bound: bound == 1,
            program: rest.next()?,
            args: (0..args).map(|_| rest.next()).collect::<Option<_>>()?,
            env: (0..env).map(|_| Some((rest.next()?, rest.next()?))).collect::<Option<_>>()?,
            stdin: rest.next().map(|bytes| (fed == 1).then_some(bytes))?,
        };
        rest.0.is_empty().then_some(request)
    }
}

/// What is left of a frame.
struct Parts<'a>(&'a [u8]);

impl<'a> Parts<'a> {
    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.0.split_first_chunk::<4>()?;
        let (part, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        self.0 = rest;
        Some(part)
    }

    fn number(&mut self) -> Option<u32> {
        self.next()?.try_into().ok().map(u32::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(any::<u8>(), 0..40)
    }

    proptest! {
        #[test]
        fn a_request_is_read_back_and_a_cut_one_is_not(
            program in bytes(),
            args in prop::collection::vec(bytes(), 0..5),
            env in prop::collection::vec((bytes(), bytes()), 0..5),
            stdin in prop::option::of(bytes()),
            user in prop::option::of((bytes(), any::<u32>(), any::<u32>())),
            bound in any::<bool>(),
        ) {
            let request = Request {
                identity: user.as_ref().map(|(name, uid, gid)| Identity { name, uid: *uid, gid: *gid }),
                bound,
                program: &program,
                args: args.iter().map(Vec::as_slice).collect(),
                env: env.iter().map(|(n, v)| (n.as_slice(), v.as_slice())).collect(),
                stdin: stdin.as_deref(),
            };
            let frame = request.encode();
            prop_assert_eq!(frame.len(), frame.capacity());
            prop_assert!(Request::decode(&frame[4..]).is_some_and(|read| read == request));
            prop_assert!(Request::decode(&frame[4..frame.len() - 1]).is_none());
        }

        #[test]
        fn other_bytes_are_no_request(frame in prop::collection::vec(any::<u8>(), 0..40)) {
            prop_assert!(Request::decode(&frame).is_none());
        }
    }
}
