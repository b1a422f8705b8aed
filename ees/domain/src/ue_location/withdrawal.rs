//! A user takes back a consent: reports stop at once, the subscriber is told, and a subscription that was only about that user ends.

use super::{UeLocationService, named_target};
use crate::{
    event::{Event, Notification},
    reporting,
};
use edgeapp_core::{
    collection::Resource,
    consent::{Purpose, Withdrawal},
    error::Error,
    kept::Kept,
    room::{Decision, Room, Seen},
    store::{Key, Span},
};
use edgeapp_openapi::{
    common::DateTime,
    ids::{Gpsi, SubscriptionId},
    ue_location::{ConsentRevocNotif, ConsentRevoked, LocationSubscription, UcPurpose},
};
use jiff::SignedDuration;

/// Seconds for which the notification of a withdrawal is tried.
const TRIED: i64 = 86_400;

impl UeLocationService {
    /// Ends what runs for users who no longer agree.
    ///
    /// # Errors
    /// When the store fails; what was not ended yet has to be asked for again.
    pub async fn withdrawn(&self, withdrawal: &Withdrawal) -> Result<(), Error> {
        if withdrawal.purpose.is_some_and(|purpose| purpose != Purpose::Location) {
            return Ok(());
        }
        let room = self.kept.room();
        let entries = room
            .store()
            .range(Span::prefix(<LocationSubscription as Resource<crate::Ees>>::PREFIX))
            .await?
            .entries;
        for entry in entries {
            let Some(ue) = crate::core_links::watched_ue(room, &entry.key).await? else {
                // A group: its members are asked for with each report.
                continue;
            };
            let concerned = withdrawal.ue.as_ref().is_none_or(|gone| *gone == ue);
            if concerned && !self.consent.granted(&ue, Purpose::Location).await {
                end(room, &entry.key, &ue).await?;
            }
        }
        Ok(())
    }
}

/// Ends one subscription because its user no longer agrees.
async fn end(room: &Room, key: &Key, ue: &Gpsi) -> Result<(), Error> {
    for mut seen in room.attempts() {
        let Some(kept) = seen.kept::<LocationSubscription>(key).await? else {
            return Ok(());
        };
        let named = named_target(&kept.value).unwrap_or(ue).clone();
        let revoked = [ConsentRevoked {
            uc_purpose: UcPurpose::EdgeappUeLocation,
            external_id: None,
            ue_id: Some(named),
        }];
        let decision = told_and_ended(key, &kept, &revoked, seen.now())?;
        if room.commit(seen, decision).await?.is_some() {
            return Ok(());
        }
    }
    Err(edgeapp_core::room::contended())
}

/// The core network says that users took back their consent.
pub(super) async fn revoked(
    key: &Key,
    subscription: &LocationSubscription,
    watched: Option<&Gpsi>,
    revoked: &[ConsentRevoked],
    seen: &mut Seen,
) -> Result<Decision<()>, Error> {
    let Some(kept) = seen.kept::<LocationSubscription>(key).await? else {
        return Ok(Decision::of(()));
    };
    let for_location = |revoked: &&ConsentRevoked| revoked.uc_purpose == UcPurpose::EdgeappUeLocation;
    if let Some(named) = &subscription.ue_id {
        let concerned = revoked
            .iter()
            .filter(for_location)
            .any(|revoked| may_be(revoked, watched));
        let under_its_name = [ConsentRevoked {
            uc_purpose: UcPurpose::EdgeappUeLocation,
            external_id: None,
            ue_id: Some(named.clone()),
        }];
        return match concerned {
            true => told_and_ended(key, &kept, &under_its_name, seen.now()),
            false => Ok(Decision::of(())),
        };
    }
    let is_number = |revoked: &ConsentRevoked| {
        revoked
            .ue_id
            .as_ref()
            .is_some_and(|ue| ue.as_str().starts_with("msisdn-"))
    };
    let members: Vec<ConsentRevoked> = revoked
        .iter()
        .filter(for_location)
        .filter(|revoked| !is_number(revoked))
        .cloned()
        .collect();
    match members.is_empty() {
        true => Ok(Decision::of(())),
        false => told(Decision::of(()), key, &kept, &members, seen.now()),
    }
}

/// Whether a withdrawal may be about the watched UE: names of another kind than the watched one cannot be told apart.
fn may_be(revoked: &ConsentRevoked, watched: Option<&Gpsi>) -> bool {
    let Some(watched) = watched else { return true };
    let kind = |name: &str| name.split('-').next().unwrap_or_default().to_owned();
    let said = match (&revoked.ue_id, &revoked.external_id) {
        (Some(ue), _) => ue.to_string(),
        (None, Some(external)) => format!("extid-{external}"),
        (None, None) => return true,
    };
    kind(&said) != kind(watched.as_str()) || said == watched.as_str()
}

fn told_and_ended(
    key: &Key,
    kept: &Kept<LocationSubscription>,
    revoked: &[ConsentRevoked],
    now: DateTime,
) -> Result<Decision<()>, Error> {
    let decision = told(Decision::of(()), key, kept, revoked, now)?;
    reporting::farewell(decision.delete(key), key)
}

fn told(
    decision: Decision<()>,
    key: &Key,
    kept: &Kept<LocationSubscription>,
    revoked: &[ConsentRevoked],
    now: DateTime,
) -> Result<Decision<()>, Error> {
    let Some(destination) = kept.value.revocation_notif_uri.clone() else {
        return Ok(decision);
    };
    let id = key.as_str().rsplit('/').next().unwrap_or_default();
    let body = ConsentRevocNotif {
        subscription_id: SubscriptionId::try_from(id).map_err(Error::internal)?,
        consents_revoked: revoked.to_vec(),
    };
    let notification = Box::new(Notification {
        destination,
        subscription: key.to_string(),
        body: serde_json::to_value(&body).map_err(Error::internal)?,
        for_acr: None,
    });
    let until = DateTime(now.0 + SignedDuration::from_secs(TRIED));
    decision.tell(&Event::Farewell { notification, until })
}
