//! A person's key: OpenSSH key files and a running ssh-agent.

mod confirmed;

pub use confirmed::Confirmed;
