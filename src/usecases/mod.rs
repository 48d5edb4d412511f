//! The verbs: each file reads as the story of one.

pub mod activation;
pub mod backup;
pub mod closing;
pub mod context;
pub mod demo;
pub mod doctor;
pub mod failure;
mod invocation;
pub mod playbooks;
pub mod registration;
pub mod review;
pub mod setup;
mod signing;
mod texts;
mod words;
