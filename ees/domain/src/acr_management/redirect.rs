//! Subscriptions of an EAS are pointed to another address.

use super::AcrManagementService;
use crate::ending::folder;
use edgeapp_core::{
    collection::{Change, Resource},
    error::{Cause, Error},
    kept::Kept,
    principal::Principal,
    room::Decision,
    store::Span,
};
use edgeapp_openapi::{acr_management_event::AcrMgntEventsSubscription, common::Uri, ids::SubscriptionId};

/// Points subscriptions of an EAS to another address: those named, or all of its own when none is named. Answers with their ids.
///
/// # Errors
/// When the store fails.
pub async fn redirect(
    service: &AcrManagementService,
    principal: &Principal,
    ids: &[SubscriptionId],
    destination: Option<&Uri>,
) -> Result<Vec<SubscriptionId>, Error> {
    let prefix = format!("{}{}", AcrMgntEventsSubscription::PREFIX, folder(principal.id()));
    let mut redirected = Vec::new();
    for entry in service.kept.room().store().range(Span::prefix(&prefix)).await?.entries {
        let id = SubscriptionId::try_from(&entry.key.as_str()[prefix.len()..]).map_err(Error::internal)?;
        let kept = Kept::<AcrMgntEventsSubscription>::from_entry(&entry)?;
        if !kept.is_of(principal) || (!ids.is_empty() && !ids.contains(&id)) {
            continue;
        }
        if let Some(destination) = destination {
            let patch = Change::Patch(serde_json::json!({"notificationDestination": destination}));
            match service
                .kept
                .change(
                    principal,
                    id.as_str(),
                    &patch,
                    |_: &AcrMgntEventsSubscription, _: &mut AcrMgntEventsSubscription| Ok(Decision::of(())),
                )
                .await
            {
                Ok(_) => {}
                // Unsubscribed meanwhile: nothing to redirect.
                Err(error) if error.cause == Cause::SubscriptionNotFound => continue,
                Err(error) => return Err(error),
            }
        }
        redirected.push(id);
    }
    Ok(redirected)
}
