//! How long to wait between rounds of closing that proved nothing (CONTRACT 3, "Retries").

/// 10 s, doubling to 10 min, ±25 % by a random byte, so that a fleet does not knock in step.
pub fn wait_ms(tries: u32, jitter: u8) -> u64 {
    const FIRST: u64 = 10_000;
    const LONGEST: u64 = 600_000;
    let doubled = FIRST.saturating_mul(1_u64.checked_shl(tries.saturating_sub(1)).unwrap_or(u64::MAX));
    let plain = doubled.min(LONGEST);
    plain * 3 / 4 + plain / 2 * u64::from(jitter) / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p03_waits_double_to_ten_minutes_and_vary_by_a_quarter() {
        assert_eq!((wait_ms(1, 0), wait_ms(1, 255)), (7_500, 12_500));
        assert_eq!((wait_ms(2, 0), wait_ms(2, 255)), (15_000, 25_000));
        for tries in [7, 8, 64, 65, u32::MAX] {
            assert_eq!((wait_ms(tries, 0), wait_ms(tries, 255)), (450_000, 750_000), "{tries}");
        }
    }
}
