//! Authorizers: who may use which operation, by local policy ([`policy`]), by access [`token`] or by role alone; and providers of user
//! consent, see [`consent`].
//!
//! ```
//! use edgeapp_authz::RoleOfReferencePoint;
//! use edgeapp_core::{authorizer::{Ask, Authorizer, ReferencePoint}, principal::Principal};
//!
//! let eec = Principal::from_names(["urn:edgeapp:eec:eec-1"], [])?;
//! let ask = |point| RoleOfReferencePoint.authorize(&Ask::new(&eec, point, "eees-easdiscovery:request"));
//! assert!(ask(ReferencePoint::Edge1).is_ok());
//! assert!(ask(ReferencePoint::Edge9).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod config;
pub mod consent;
pub mod policy;
pub mod token;

use edgeapp_core::{
    authorizer::{Ask, Authorizer},
    error::{Cause, Error},
};

/// Without policies: an authenticated role may use the APIs of its reference point, and nothing else.
#[derive(Clone, Copy, Debug, Default)]
pub struct RoleOfReferencePoint;

impl Authorizer for RoleOfReferencePoint {
    fn authorize(&self, ask: &Ask<'_>) -> Result<(), Error> {
        if ask.principal.role() == ask.point.caller() {
            return Ok(());
        }
        Err(Error::forbidden(
            Cause::Unauthorized,
            format!(
                "{} serves the role {}, the caller is {}",
                ask.point,
                ask.point.caller(),
                ask.principal.role()
            ),
        ))
    }
}
