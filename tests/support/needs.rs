//! Systems that a test needs and that may be absent. `GLASS_TEST_REQUIRE` (set in CI) turns
//! "skipped" into "failed".

use std::path::Path;

const PATH: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Whether a program is installed; says so where a test has to be skipped.
pub fn requires(program: &str) -> bool {
    let found = PATH.iter().any(|directory| Path::new(directory).join(program).exists());
    found || skipped(&format!("`{program}` is not installed"))
}

/// Says that a test is skipped, and why; panics where nothing may be skipped.
pub fn skipped(why: &str) -> bool {
    assert!(std::env::var_os("GLASS_TEST_REQUIRE").is_none(), "{why}, and GLASS_TEST_REQUIRE is set");
    println!("skipped: {why}");
    false
}
