//! What an EAS subscribed to ends with the last registration of that EASID by the same owner: deregistered, expired or taken over
//! (TS 29.558 clause 5.2.2.4 leaves it open).
//!
//! The end of a registration is told with the change itself; the outbox ends the subscriptions afterwards, so that an EAS with many
//! of them can deregister in one small transaction, and a crash in between loses none.

use crate::{Ees, eas::is_registered, reporting};
use edgeapp_core::{
    collection::Resource,
    error::Error,
    kept::Kept,
    principal::Owner,
    room::Room,
    store::{Entry, Key, Span},
};
use edgeapp_openapi::{
    acr_management_event::AcrMgntEventsSubscription, app_client_information::AcInfoSubscription,
    eel_managed_acr::ActStatusSubsc, ids::EasId, session_with_qos::SessionWithQos,
    traffic_influence_eas::AppTrafficInfluence, ue_location::LocationSubscription,
};
use serde::{Deserialize, Serialize, de::IgnoredAny};

/// The kinds of subscriptions that end so. Their keys are `<prefix><EASID>/<id>`, see [`folder`].
const KINDS: &[&str] = &[
    <AcrMgntEventsSubscription as Resource<Ees>>::PREFIX,
    <LocationSubscription as Resource<Ees>>::PREFIX,
    <SessionWithQos as Resource<Ees>>::PREFIX,
    <AppTrafficInfluence as Resource<Ees>>::PREFIX,
    <ActStatusSubsc as Resource<Ees>>::PREFIX,
    <AcInfoSubscription as Resource<Ees>>::PREFIX,
];

/// Subscriptions read at a time.
const PAGE: usize = 64;

/// The part of a key that all subscriptions of an EASID share, for [`Resource::folder`].
pub fn folder(eas_id: &str) -> String {
    format!("{}/", Key::part(eas_id))
}

/// A registration ended; it may have been the last one of its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrationEnded {
    /// The application.
    pub eas_id: EasId,
    /// Whose registration it was.
    pub owner: Owner,
}

/// Ends the subscriptions of the owner under that EASID, unless another registration of both is live.
///
/// # Errors
/// When the state cannot be read or written; what has ended until then has ended.
pub async fn end_subscriptions(room: &Room, ended: &RegistrationEnded) -> Result<(), Error> {
    for kind in KINDS {
        let prefix = format!("{kind}{}", folder(ended.eas_id.as_str()));
        let mut after: Option<Key> = None;
        loop {
            let mut span = Span::prefix(&prefix).limit(PAGE);
            span.after = after.take();
            // The list comes first: what is subscribed after a new registration is not on it.
            let page = room.store().range(span).await?;
            if is_registered(room, &ended.eas_id, &ended.owner).await? {
                return Ok(());
            }
            for entry in &page.entries {
                let kept = Kept::<IgnoredAny>::from_entry(entry);
                if kept.is_ok_and(|kept| kept.owner == ended.owner) {
                    end(room, entry).await?;
                }
            }
            after = page.entries.last().map(|entry| entry.key.clone());
            if !page.more {
                break;
            }
        }
    }
    Ok(())
}

async fn end(room: &Room, listed: &Entry) -> Result<(), Error> {
    reporting::end(room, &listed.key).await?;
    tracing::info!(subscription = %edgeapp_core::pseudonym::of_key(&listed.key), "a subscription ends with the registration of its EAS");
    Ok(())
}
