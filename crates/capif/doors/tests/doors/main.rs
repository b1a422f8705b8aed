//! The doors of a core function, in process.

mod bad_input;
mod documents;
mod harness;
mod refusals;
mod walk;
