//! How long the binary takes to start, and how large it is.

use crate::measure::{GLASS, command, output, pair, time};
use crate::table::{Bound, Figure, print, seconds};
use anyhow::Result;

const HELLO: &str = r#"fn main() { println!("hello, world"); }"#;

/// `--version` against a hello-world process, and the size of the stripped binary.
pub(crate) fn start(rounds: usize) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let path = |name: &str| directory.path().join(name).to_string_lossy().into_owned();
    std::fs::write(path("hello.rs"), HELLO)?;
    let rustc = option_env!("RUSTC").unwrap_or("rustc");
    let (hello, source) = (path("hello"), path("hello.rs"));
    let mut compile = command(rustc, &["-O", "-C", "strip=symbols", "-o", &hello, &source]);
    // rustc may be a proxy that looks for its toolchains by the environment.
    compile.envs(std::env::vars_os());
    output(&mut compile)?;
    let version = || time(&mut command(GLASS, &["--version"]));
    let to_hello = pair(rounds, version, || time(&mut command(&hello, &[])))?;
    print(&Figure {
        work: "glass --version / hello-world process".into(),
        value: to_hello.ratio,
        unit: "",
        bound: Bound::AtMost(2.0),
        detail: format!("{} : {}", seconds(to_hello.ours), seconds(to_hello.peer)),
    });
    print(&Figure {
        work: "release binary, stripped".into(),
        value: std::fs::metadata(GLASS)?.len() as f64 / f64::from(1 << 20),
        unit: " MiB",
        bound: Bound::AtMost(9.0),
        detail: String::new(),
    });
    Ok(())
}
