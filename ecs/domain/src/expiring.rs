//! What the end of a lifetime means: the same as an explicit removal.

use crate::{
    ees_registration,
    provisioning::{self, Told},
};
use async_trait::async_trait;
use edgeapp_core::{
    error::Error,
    kept::Kept,
    room::{Decision, Seen},
    store::Key,
    sweeper::Expiring,
};
use edgeapp_openapi::ees_registration::EesRegistration;

/// The ends of registrations and subscriptions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lapses;

#[async_trait]
impl Expiring for Lapses {
    async fn expired(&self, key: &Key, seen: &mut Seen) -> Result<Decision<()>, Error> {
        if key.as_str().starts_with(provisioning::PREFIX) {
            return Ok(Decision::of(()).delete(&Told::key(key)));
        }
        if key.as_str().starts_with(ees_registration::PREFIX)
            && let Some(entry) = seen.entry(key).await?
        {
            let kept: Kept<EesRegistration> = Kept::from_entry(&entry)?;
            return ees_registration::gone(&kept.value.ees_prof);
        }
        Ok(Decision::of(()))
    }
}
