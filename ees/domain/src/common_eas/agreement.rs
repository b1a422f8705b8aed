//! Which common EAS is in force, and the choice of one: by what EESs announced to each other, or at the ECS (TS 23.558 clause 8.20 and
//! Annex E).
//!
//! A choice is kept here before the ECS is asked, so that of several choices at once one leaves this EES; what the ECS answers counts.

use super::{Agreement, CommonEas, CommonEasService, Origin, announcing::CommonEasEvent, key};
use crate::{
    event::Event,
    peers::{Bound, PeerEes, PeerError},
};
use edgeapp_core::{
    error::{Cause, Error, Kind},
    kept::Kept,
    principal::Owner,
    room::{Decision, contended},
    store::{Key, Span},
};
use edgeapp_openapi::{
    common::DateTime,
    eas_info_management::{CommonEasBindReq, CommonEasBinding},
    eas_registration::EndPoint,
    ees_registration::EdnInfo,
    ids::{AppGroupId, EasId, EecId, RequestorName},
};
use jiff::SignedDuration;

/// Where it stands for which groups each EEC had common EASs chosen: `common-eas-chosen/<EECID>/<group>/<EASID>`.
const CHOSEN: &str = "common-eas-chosen/";
/// How many groups one EEC may have common EASs chosen for within the time that a choice is remembered.
pub const CHOICES_PER_EEC: usize = 32;
/// How many EESs that EECs named are told of one choice.
const MOST_NAMED: usize = 16;

/// Somebody's wish that a group gets a common EAS.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    /// The EEC that wants it.
    pub by: &'a EecId,
    /// The group.
    pub group: &'a AppGroupId,
    /// The application.
    pub eas_id: &'a EasId,
    /// The EAS, which is registered here.
    pub eas: &'a EndPoint,
    /// EESs that have to hear of it besides those that hear of every choice.
    pub also: &'a [PeerEes],
}

impl CommonEasService {
    /// The common EAS of a group and an application, if there is one. Where the ECS keeps it, the ECS is asked; while it cannot be
    /// asked, what it said last counts.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn in_force(&self, group: &AppGroupId, eas_id: &EasId) -> Result<Option<CommonEas>, Error> {
        let key = key(group, eas_id);
        let known = self.known(&mut self.room.look(), &key).await?.map(|kept| kept.value);
        let Agreement::Repository(edn) = &self.policy.agreement else {
            return Ok(known);
        };
        match self.peers.common_eas(&self.own.id, group, eas_id).await {
            Ok(Some(binding)) if is_of(&binding, edn.as_ref()) => {
                let bound = self.bound(binding);
                match self.is_in_force(&bound) {
                    true => self.remember(bound).await.map(Some),
                    // Bound by this EES, and gone: another may take its place.
                    false => Ok(None),
                }
            }
            Ok(_) => match known {
                // The ECS has forgotten what this EES bound.
                Some(own) if own.origin == Origin::Here => match self.bind(edn.as_ref(), &own).await {
                    Ok(bound) => self.remember(bound).await.map(Some),
                    Err(error) => {
                        tracing::warn!(%error, "a common EAS could not be bound again");
                        Ok(Some(own))
                    }
                },
                Some(told) if told.origin == Origin::Repository => self.forget(&told).await.map(|()| None),
                announced => Ok(announced),
            },
            Err(error) => {
                tracing::warn!(%error, "the ECS could not be asked which EAS serves a group");
                Ok(known)
            }
        }
    }

    /// Makes an EAS that is registered here the common one of a group, unless another is in force: the answer is the one in force.
    ///
    /// # Errors
    /// When the store fails; 503 when the ECS cannot be asked; [`Cause::QuotaExceeded`] when the EEC had a common EAS chosen for many
    /// groups already. Nothing is chosen then.
    pub async fn agree(&self, wish: Choice<'_>) -> Result<CommonEas, Error> {
        let choice = CommonEas {
            group: wish.group.clone(),
            eas_id: wish.eas_id.clone(),
            eas: wish.eas.clone(),
            ees: self.own.endpoint.clone(),
            origin: Origin::Here,
            told: Vec::new(),
        };
        match &self.policy.agreement {
            Agreement::Announcement => self.announce(choice, wish).await,
            Agreement::Repository(edn) => self.store(choice, wish, edn.as_ref()).await,
        }
    }

    /// The mark that an EEC has a common EAS chosen for a group, unless it has too many already.
    async fn mark(&self, wish: Choice<'_>) -> Result<(Key, Kept<()>), Error> {
        let folder = format!("{CHOSEN}{}/", Key::part(wish.by.as_str()));
        let (group, eas_id) = (Key::part(wish.group.as_str()), Key::part(wish.eas_id.as_str()));
        let mark = Key::from(format!("{folder}{group}/{eas_id}"));
        let marks = Span::prefix(folder).limit(CHOICES_PER_EEC);
        let marks = self.room.store().range(marks).await?.entries;
        if marks.len() >= CHOICES_PER_EEC && marks.iter().all(|entry| entry.key != mark) {
            return Err(Error::new(
                Kind::TooMany,
                Cause::QuotaExceeded,
                format!("a common EAS was chosen for {CHOICES_PER_EEC} groups of this EEC; try again later"),
            ));
        }
        let kept = Kept {
            owner: Owner::eec(wish.by),
            expires_at: Some(self.until(self.room.now(), &Origin::Repository)),
            value: (),
        };
        Ok((mark, kept))
    }

    async fn announce(&self, choice: CommonEas, wish: Choice<'_>) -> Result<CommonEas, Error> {
        let key = choice.key();
        for mut seen in self.room.attempts() {
            let known = self.known(&mut seen, &key).await?;
            let fresh = known.is_none();
            let mut next = match known {
                Some(known) if known.value.origin != Origin::Here => return Ok(known.value),
                Some(known) => known.value,
                None => choice.clone(),
            };
            let more: Vec<PeerEes> = wish
                .also
                .iter()
                .filter(|ees| self.is_news_for(ees, &next))
                .take(MOST_NAMED.saturating_sub(next.told.len()))
                .cloned()
                .collect();
            if !fresh && more.is_empty() {
                return Ok(next);
            }
            next.told.extend(more.clone());
            let told = match fresh {
                true => self.everybody(&next),
                false => more,
            };
            let event = CommonEasEvent::ToTell {
                common: Box::new(next.clone()),
                to: told,
                ask_the_ecs: fresh,
            };
            let mut decision = Decision::of(())
                .put(&key, &self.to_keep(next.clone(), seen.now()))?
                .tell(&Event::CommonEas(event))?;
            let (mark, kept) = self.mark(wish).await?;
            seen.entry(&mark).await?;
            decision = decision.put(&mark, &kept)?;
            if self.room.commit(seen, decision).await?.is_some() {
                return Ok(next);
            }
        }
        Err(contended())
    }

    async fn store(&self, choice: CommonEas, wish: Choice<'_>, edn: Option<&EdnInfo>) -> Result<CommonEas, Error> {
        let candidate = match self.in_force(&choice.group, &choice.eas_id).await? {
            Some(own) if own.origin == Origin::Here => own,
            Some(other) => return Ok(other),
            None => choice,
        };
        let (candidate, fresh) = self.reserve(candidate, wish).await?;
        match self.bind(edn, &candidate).await {
            Ok(bound) => self.remember(bound).await,
            Err(error) => {
                tracing::warn!(%error, "the ECS could not be asked to bind a group");
                if let Some(mark) = fresh {
                    self.forget_with(&candidate, Some(&mark)).await?;
                }
                Err(Error::unavailable(
                    "the ECS could not be asked which EAS serves the group; nothing was chosen",
                ))
            }
        }
    }

    /// Keeps a choice unless another one of this EES is kept; says which, and its mark if it was not there before.
    async fn reserve(&self, choice: CommonEas, wish: Choice<'_>) -> Result<(CommonEas, Option<Key>), Error> {
        let key = choice.key();
        for mut seen in self.room.attempts() {
            if let Some(known) = self.known(&mut seen, &key).await?
                && known.value.origin == Origin::Here
            {
                return Ok((known.value, None));
            }
            let (mark, kept) = self.mark(wish).await?;
            seen.entry(&mark).await?;
            let decision = Decision::of(())
                .put(&key, &self.to_keep(choice.clone(), seen.now()))?
                .put(&mark, &kept)?;
            if self.room.commit(seen, decision).await?.is_some() {
                return Ok((choice, Some(mark)));
            }
        }
        Err(contended())
    }

    /// Binds at the ECS; the answer is what is in force.
    async fn bind(&self, edn: Option<&EdnInfo>, own: &CommonEas) -> Result<CommonEas, PeerError> {
        let request = CommonEasBindReq {
            requestor_id: RequestorName::try_from(self.own.id.as_str())
                .map_err(|error| PeerError::Refused(error.to_string()))?,
            binding: CommonEasBinding {
                app_group_id: own.group.clone(),
                eas_id: own.eas_id.clone(),
                eas_endpoints: vec![own.eas.clone()],
                ees_endpoint: self.own.endpoint.clone(),
                edn_info: edn.cloned(),
            },
            supp_feat: None,
        };
        Ok(match self.peers.bind_common_eas(&request).await? {
            Bound::Stored => own.clone(),
            Bound::Taken(binding) => self.bound(*binding),
        })
    }

    /// What a binding at the ECS says.
    fn bound(&self, binding: CommonEasBinding) -> CommonEas {
        let own = self.own.endpoint.is_some() && binding.ees_endpoint == self.own.endpoint;
        let mut endpoints = binding.eas_endpoints;
        CommonEas {
            group: binding.app_group_id,
            eas_id: binding.eas_id,
            // The list is not empty, as it was read.
            eas: endpoints.swap_remove(0),
            ees: binding.ees_endpoint,
            origin: if own { Origin::Here } else { Origin::Repository },
            told: Vec::new(),
        }
    }

    /// Keeps what is in force. What is kept already is written again only when its time is nearly over.
    async fn remember(&self, common: CommonEas) -> Result<CommonEas, Error> {
        let key = common.key();
        for mut seen in self.room.attempts() {
            let known = seen.kept::<CommonEas>(&key).await?;
            let kept = self.to_keep(common.clone(), seen.now());
            let soon = seen.now().0 + SignedDuration::from_secs(i64::from(self.policy.remembered_seconds / 4));
            let lasts = |at: DateTime| at.0 > soon;
            if known.is_some_and(|known| known.value == common && known.expires_at.is_none_or(lasts)) {
                return Ok(common);
            }
            let decision = Decision::of(()).put(&key, &kept)?;
            if self.room.commit(seen, decision).await?.is_some() {
                return Ok(common);
            }
        }
        Err(contended())
    }

    /// Forgets what is no longer in force, unless something else took its place meanwhile.
    async fn forget(&self, common: &CommonEas) -> Result<(), Error> {
        self.forget_with(common, None).await
    }

    async fn forget_with(&self, common: &CommonEas, mark: Option<&Key>) -> Result<(), Error> {
        let key = common.key();
        for mut seen in self.room.attempts() {
            let known = seen.kept::<CommonEas>(&key).await?;
            if known.is_none_or(|known| known.value != *common) {
                return Ok(());
            }
            let mut decision = Decision::of(()).delete(&key);
            if let Some(mark) = mark {
                seen.entry(mark).await?;
                decision = decision.delete(mark);
            }
            if self.room.commit(seen, decision).await?.is_some() {
                return Ok(());
            }
        }
        Err(contended())
    }
}

/// Pure: whether a binding counts here: where each edge data network has its own, another's does not.
fn is_of(binding: &CommonEasBinding, edn: Option<&EdnInfo>) -> bool {
    edn.is_none_or(|own| binding.edn_info.as_ref().is_some_and(|there| there.dnn == own.dnn))
}
