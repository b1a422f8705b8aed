//! The doors of a core function, in process.

mod documents;
mod harness;
mod refusals;
mod walk;
