//! Eees_ACRStatusUpdate: EASs report the result of a transfer (TS 29.558 clause 5.12).

use super::{
    bundle::consequences,
    record::{Acr, AcrEvent, Step, folder, key},
    relocation::AcrService,
};
use crate::{
    acr_management::{self, AcrManagementService},
    app_contexts,
    event::Event,
};
use async_trait::async_trait;
use edgeapp_core::{
    error::Error,
    kept::Kept,
    principal::Principal,
    room::{Decision, Seen, contended},
    store::{Key, Span},
};
use edgeapp_openapi::{
    acr_status_update::{AcrDataStatus, AcrUpdateData, ActResult, ActResultInfo, E3SubscsStatus},
    ids::{AcId, EasId},
};
use std::sync::Arc;

/// What an EES does with reports of EASs.
#[async_trait]
pub trait AcrStatusUpdates: Send + Sync {
    /// Takes a report; answers with the state of the EDGE-3 subscriptions when they were part of it.
    ///
    /// # Errors
    /// When `easId` is not the caller's, the report contradicts itself, or contradicts an earlier one
    /// ([`edgeapp_core::error::Cause::AcrResultConflict`]).
    async fn update(&self, principal: &Principal, update: AcrUpdateData) -> Result<Option<AcrDataStatus>, Error>;
}

/// The service behind [`AcrStatusUpdates`].
pub struct AcrStatusService {
    relocations: Arc<AcrService>,
    subscriptions: Arc<AcrManagementService>,
}

impl AcrStatusService {
    /// A service that moves these relocations on and redirects these subscriptions.
    pub fn new(relocations: Arc<AcrService>, subscriptions: Arc<AcrManagementService>) -> Self {
        Self {
            relocations,
            subscriptions,
        }
    }
}

impl AcrService {
    /// Takes note of a step of the relocation under `key`, if it is one that `means` accepts; `false` when there is none.
    ///
    /// # Errors
    /// When the step contradicts an earlier one or the store fails.
    pub async fn step(&self, key: &Key, step: &Step, means: impl Fn(&Acr) -> bool + Send) -> Result<bool, Error> {
        for mut seen in self.room.attempts() {
            let Some(kept) = seen.kept::<Acr>(key).await?.filter(|kept| means(&kept.value)) else {
                return Ok(false);
            };
            let (owner, expires_at) = (kept.owner, kept.expires_at);
            let Some((acr, events)) = kept.value.after(step.clone())? else {
                return Ok(true);
            };
            let others = self.others_of_bundle(&mut seen, &acr).await?;
            let values: Vec<Acr> = others.iter().map(|kept| kept.value.clone()).collect();
            let follows = consequences(&acr, &values)?;
            let mut decision = Decision::of(());
            for (acr, events) in merged((acr, events), follows) {
                // They began together, with one owner.
                let before = others.iter().find(|other| other.value.id == acr.id);
                let before = before.map_or(expires_at, |other| other.expires_at);
                let expires_at = match acr.complete {
                    true => Some(acr.ends_at(seen.now(), &self.policy)),
                    false => before,
                };
                let (key, owner) = (acr.key(), owner.clone());
                decision = decision.and(app_contexts::left(&mut seen, &acr).await?);
                let kept = Kept {
                    owner,
                    expires_at,
                    value: acr,
                };
                decision = decision.put(&key, &kept)?;
                for event in events {
                    decision = decision.tell(&Event::Acr(event))?;
                }
            }
            if self.room.commit(seen, decision).await?.is_some() {
                return Ok(true);
            }
        }
        Err(contended())
    }

    /// The relocations of the other EASs of a bundle, as far as they are there.
    async fn others_of_bundle(&self, seen: &mut Seen, acr: &Acr) -> Result<Vec<Kept<Acr>>, Error> {
        let mut others = Vec::new();
        for other in acr.bundle.iter().flat_map(|bundle| &bundle.others) {
            let known = seen.kept::<Acr>(&Key::new(other.key.as_str())).await?;
            others.extend(known.filter(|known| known.value.id == other.id));
        }
        Ok(others)
    }

    async fn reported(&self, eas_id: &EasId, ac_id: Option<&AcId>, report: &ActResultInfo) -> Result<(), Error> {
        let step = Step::Reported(report.act_result.clone(), report.act_failure_cause.clone());
        for key in self.meant(eas_id, ac_id, report).await? {
            if self
                .step(&key, &step, |acr| acr.involves(&report.eas_end_point))
                .await?
            {
                return Ok(());
            }
        }
        tracing::info!(%eas_id, "a transfer was reported that no relocation here waits for");
        Ok(())
    }

    /// The relocations that a report may be about. An EAS may name the AC or not, as the EEC may have: without a name it means the
    /// one that runs.
    async fn meant(&self, eas_id: &EasId, ac_id: Option<&AcId>, report: &ActResultInfo) -> Result<Vec<Key>, Error> {
        if ac_id.is_some() {
            return Ok([ac_id, None].map(|ac_id| key(&report.ue_id, eas_id, ac_id)).to_vec());
        }
        let mut known = Vec::new();
        for entry in self
            .room
            .store()
            .range(Span::prefix(folder(&report.ue_id, eas_id)))
            .await?
            .entries
        {
            known.push((Kept::<Acr>::from_entry(&entry)?.value, entry.key));
        }
        // Those without an AC first, then those that still run.
        known.sort_by_key(|(acr, _)| (acr.ac_id.is_some(), acr.complete));
        Ok(known.into_iter().map(|(_, key)| key).collect())
    }
}

/// Pure: each relocation once, as it is at the end, with all that is to be told of it.
fn merged(first: (Acr, Vec<AcrEvent>), follows: Vec<(Acr, Vec<AcrEvent>)>) -> Vec<(Acr, Vec<AcrEvent>)> {
    let mut all = vec![first];
    for (acr, events) in follows {
        match all.iter_mut().find(|(known, _)| known.id == acr.id) {
            Some(known) => {
                known.0 = acr;
                known.1.extend(events);
            }
            None => all.push((acr, events)),
        }
    }
    all
}

#[async_trait]
impl AcrStatusUpdates for AcrStatusService {
    async fn update(&self, principal: &Principal, update: AcrUpdateData) -> Result<Option<AcrDataStatus>, Error> {
        if !principal.is_eas(&update.eas_id) {
            return Err(Error::not_yours("/easId", "EASID"));
        }
        // A report that is refused has changed nothing.
        if let Some(destination) = &update.e3_notification_uri {
            self.subscriptions
                .may_call(principal, destination, "/e3NotificationUri")?;
        }
        if let Some(report) = &update.act_result_info {
            if matches!(report.act_result, ActResult::Other(_)) {
                return Err(Error::optional_incorrect(
                    "/actResultInfo/actResult",
                    "must be SUCCESSFUL or FAILED",
                ));
            }
            if report.act_failure_cause.is_some() && report.act_result != ActResult::Failed {
                return Err(Error::optional_incorrect(
                    "/actResultInfo/actFailureCause",
                    "goes with FAILED only",
                ));
            }
            self.relocations
                .reported(&update.eas_id, update.ac_id.as_ref(), report)
                .await?;
        }
        if update.e3_subsc_ids.is_empty() && update.e3_notification_uri.is_none() {
            return Ok(None);
        }
        let destination = update.e3_notification_uri.as_ref();
        let ids = acr_management::redirect(&self.subscriptions, principal, &update.e3_subsc_ids, destination).await?;
        let status = if ids.is_empty() {
            E3SubscsStatus::Failed
        } else {
            E3SubscsStatus::Successful
        };
        Ok(Some(AcrDataStatus {
            e3_subscs_status: status,
            e3_subsc_ids: ids,
        }))
    }
}
