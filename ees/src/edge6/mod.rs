//! EDGE-6, the calling end: the registration of this EES with its ECS.

pub mod ees_registration;
pub mod tokens;
