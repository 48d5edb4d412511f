//! Random bytes of the operating system.

use crate::core::id::Nonce;
use zeroize::Zeroizing;

/// The operating system has no random bytes to give.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gives no random bytes: {0}; is /dev/urandom there?")]
pub struct RandomError(getrandom::Error);

/// A fresh nonce, for a statement or a ledger's id.
pub fn nonce() -> Result<Nonce, RandomError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(RandomError)?;
    Ok(Nonce::new(bytes))
}

/// 32 secret bytes: the seed of an Ed25519 key.
pub fn seed() -> Result<Zeroizing<[u8; 32]>, RandomError> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(bytes.as_mut_slice()).map_err(RandomError)?;
    Ok(bytes)
}

/// One byte, for the jitter of retries.
pub fn random_byte() -> Result<u8, RandomError> {
    let mut bytes = [0; 1];
    getrandom::fill(&mut bytes).map_err(RandomError)?;
    Ok(bytes[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_the_same() {
        assert_ne!(nonce().unwrap(), nonce().unwrap());
        assert_ne!(*seed().unwrap(), *seed().unwrap());
    }
}
