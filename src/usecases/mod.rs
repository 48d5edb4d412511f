//! The verbs: each file reads as the story of one.

pub mod act;
pub mod activation;
pub mod approval;
pub mod backup;
pub mod closing;
pub mod context;
mod cosigning;
pub mod demo;
mod desk;
pub mod doctor;
pub mod extension;
pub mod failure;
mod invocation;
pub mod outside;
pub mod playbooks;
pub mod registration;
pub mod review;
pub mod session;
pub mod setup;
mod signing;
mod texts;
mod words;
