//! What a signature must assert of the person at the security key (P4).
//!
//! The claim is *touch-asserted*: stock OpenSSH enrols security keys in software too. It
//! becomes *hardware* only where the attestation of the key's enrolment was checked, which this
//! version can't do.

use crate::core::entry::Touched;
use crate::core::playbook::Touch;
use crate::core::public_key::PublicKey;

/// Why a key or its signature does not do where a touch is demanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TouchRefusal {
    /// No signature can meet it yet.
    #[error("`touch = \"hardware\"` is not supported yet: the roots of the keys' vendors can't be checked")]
    Hardware,
    /// A plain key can't be touched.
    #[error("a touch is demanded here, and this key is no security key")]
    PlainKey,
    /// The signature says that nobody touched the key.
    #[error("a touch is demanded here, and the signature does not say that the key was touched")]
    NotPresent,
    /// The signature says nothing of a PIN.
    #[error("a PIN is demanded here, and the signature does not say that the key asked for it")]
    NotVerified,
}

impl TouchRefusal {
    /// The cause as entries name it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Hardware => "not-supported-yet",
            Self::PlainKey | Self::NotPresent | Self::NotVerified => "no-touch",
        }
    }

    /// What to do next.
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Hardware => {
                "an admin registers the scope with `touch = \"verified\"` (PIN and touch), the most that can be checked"
            }
            Self::PlainKey => {
                "sign with a security key: `ssh-keygen -t ed25519-sk` makes one, and an admin adds it to \
                 glass.toml and registers"
            }
            Self::NotPresent => {
                "touch the key when it blinks; one made with `-O no-touch-required` never asks: \
                 `ssh-keygen -t ed25519-sk` makes one that does, and an admin registers it"
            }
            Self::NotVerified => {
                "use a key that asks for its PIN: `ssh-keygen -t ed25519-sk -O verify-required` makes one, \
                 and an admin registers it"
            }
        }
    }
}

/// Judges what a good signature asserts by what is demanded.
pub const fn judge_touch(demanded: Touch, asserted: Option<Touched>) -> Result<(), TouchRefusal> {
    match (demanded, asserted) {
        (Touch::Off, _) => Ok(()),
        (Touch::Hardware, _) => Err(TouchRefusal::Hardware),
        (Touch::Required | Touch::Verified, None) => Err(TouchRefusal::NotPresent),
        (Touch::Verified, Some(Touched::Present)) => Err(TouchRefusal::NotVerified),
        (Touch::Required, Some(_)) | (Touch::Verified, Some(Touched::Verified)) => Ok(()),
    }
}

/// Judges a key before it signs: whether it could assert what is demanded at all.
pub fn judge_key(demanded: Touch, key: &PublicKey) -> Result<(), TouchRefusal> {
    match demanded {
        Touch::Off => Ok(()),
        Touch::Hardware => Err(TouchRefusal::Hardware),
        Touch::Required | Touch::Verified if key.is_security_key() => Ok(()),
        Touch::Required | Touch::Verified => Err(TouchRefusal::PlainKey),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::sshsig::Assertion;

    #[test]
    fn p04_each_demand_is_met_by_the_bits_that_it_names_and_no_others() {
        use TouchRefusal::{Hardware, NotPresent, NotVerified};
        let judge = |demanded| {
            [(false, false), (true, false), (false, true), (true, true)].map(
                |(user_present, user_verified)| {
                    judge_touch(demanded, Assertion { user_present, user_verified }.touched())
                },
            )
        };
        assert_eq!(judge(Touch::Off), [Ok(()); 4]);
        assert_eq!(judge(Touch::Required), [Err(NotPresent), Ok(()), Err(NotPresent), Ok(())]);
        assert_eq!(judge(Touch::Verified), [Err(NotPresent), Err(NotVerified), Err(NotPresent), Ok(())]);
        assert_eq!(judge(Touch::Hardware), [Err(Hardware); 4]);
    }

    #[test]
    fn p04_a_plain_key_never_meets_a_demand() {
        let plain = PublicKey::ed25519([7; 32]);
        assert_eq!(judge_key(Touch::Off, &plain), Ok(()));
        for demanded in [Touch::Required, Touch::Verified] {
            assert_eq!(judge_key(demanded, &plain), Err(TouchRefusal::PlainKey));
        }
        assert_eq!(judge_key(Touch::Hardware, &plain), Err(TouchRefusal::Hardware));
    }
}
