//! Local policy in Cedar files (TS 33.558: what an EES or ECS decides without a token).
//!
//! | module | what |
//! |---|---|
//! | `catalogue` | what a server serves, as a Cedar schema |
//! | `shipped` | the policies that the servers come with, `crates/authz/policies` |
//! | `source`, `reading`, `rule` | files, read and checked: nothing unknown, nothing dead, nothing that opens everything |
//! | `names` | names that no caller can have |
//! | `set` | a set in force and its decisions |
//! | `follow` | files that change: all of the new ones, or none |
//! | [`check`] | what `check-policy` says |
//!
//! A decision is one look into a table that was made when the policies were read. Only where a policy looks at who asks, beyond the
//! role, Cedar is asked, and its answer is remembered for the latest askers.

mod bounds;
mod catalogue;
pub mod check;
mod error;
mod follow;
mod names;
mod reading;
mod rule;
mod set;
pub mod shipped;
mod source;

pub use catalogue::Catalogue;
pub use error::{Fault, PolicyError};
pub use follow::Reloaded;
pub use rule::Rule;
pub use set::{Policies, Verdict};

use crate::{RoleOfReferencePoint, config::AuthorizationConfig};
use arc_swap::ArcSwap;
use edgeapp_core::{
    authorizer::{Ask, Authorizer},
    error::{Cause, Error},
};
use source::{Look, Texts};
use std::{path::PathBuf, sync::Arc};

/// An authorizer that goes by policies in Cedar files. What no policy permits is refused.
///
/// ```
/// use edgeapp_authz::{config::AuthorizationConfig, policy::{Catalogue, LocalPolicy, Verdict, shipped}};
/// use edgeapp_core::authorizer::ReferencePoint;
///
/// let catalogue = Catalogue::new(shipped::ECS)
///     .serves(ReferencePoint::Edge4, &["eecs-serviceprovisioning:request"])
///     .serves(ReferencePoint::Edge6, &["eecs-eesregistration:create", "eecs-targeteesdiscovery:fetch", "eecs-eim:get", "oauth2:keys"])
///     .serves(ReferencePoint::Edge4, &["oauth2:token"])
///     .serves(ReferencePoint::Edge3, &["oauth2:token"])
///     .serves(ReferencePoint::Operator, &["oauth2:rotate-keys", "erasure:erase", "clock:confirm"]);
/// let policy = LocalPolicy::open(&AuthorizationConfig::default(), catalogue)?;
/// let in_force = policy.in_force();
/// assert_eq!(in_force.verdict(ReferencePoint::Edge6, "eecs-eim:get"), Verdict::Allowed);
/// assert_eq!(in_force.verdict(ReferencePoint::Edge4, "eecs-eim:get"), Verdict::Refused);
/// # Ok::<(), edgeapp_authz::policy::PolicyError>(())
/// ```
pub struct LocalPolicy {
    catalogue: Catalogue,
    path: Option<PathBuf>,
    permit_everything: bool,
    /// How the files looked before they were read first.
    first_look: Option<Look>,
    in_force: ArcSwap<Policies>,
}

impl LocalPolicy {
    /// The policies that the configuration names, for a server that serves this.
    ///
    /// # Errors
    /// When they cannot be read, or something in them is wrong.
    pub fn open(config: &AuthorizationConfig, catalogue: Catalogue) -> Result<Self, PolicyError> {
        let first_look = config.policies.as_deref().map(Look::at);
        let texts = match &config.policies {
            Some(path) => Texts::read(path)?,
            None => Texts::shipped(&catalogue),
        };
        let policies = Policies::check(&catalogue, &texts, config.allow_policies_that_permit_everything)?;
        for lint in policies.lints() {
            tracing::warn!("{lint}");
        }
        Ok(Self {
            catalogue,
            path: config.policies.clone(),
            permit_everything: config.allow_policies_that_permit_everything,
            first_look,
            in_force: ArcSwap::from_pointee(policies),
        })
    }

    /// The policies in force.
    pub fn in_force(&self) -> Arc<Policies> {
        self.in_force.load_full()
    }

    /// What the server serves.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }
}

impl Authorizer for LocalPolicy {
    fn authorize(&self, ask: &Ask<'_>) -> Result<(), Error> {
        // Which role a listener is for is no matter of policy: its roots are that role's.
        RoleOfReferencePoint.authorize(ask)?;
        if self.in_force.load().allow(ask)? {
            return Ok(());
        }
        Err(Error::forbidden(
            Cause::Unauthorized,
            format!(
                "the policy of this server does not permit {} to the caller",
                ask.operation
            ),
        ))
    }
}

#[cfg(test)]
mod tests;
