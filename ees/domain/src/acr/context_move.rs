//! The move of an EEC context that belongs to a relocation: push to the T-EES, pull from the S-EES (TS 23.558 clause 8.9).

use super::{
    follow_up::AcrFollowUp,
    managed::is_hand_over,
    record::{Acr, AcrRef, ContextMove, Step},
    relocation::index_of,
};
use crate::{
    ac_information::known::{AcsKnown, KnownBy},
    context,
    peers::{PeerEes, PeerError},
};
use edgeapp_core::{
    error::Error,
    kept::Kept,
    outbox::Outcome,
    principal::Owner,
    room::{Decision, contended},
    store::Key,
};
use edgeapp_openapi::{
    eas_registration::EndPoint,
    eec_context_relocation::{
        EecContext, EecContextPush, EecContextsQuery, ImplicitRegDetails, IndividualSessionContext, SessionContexts,
    },
    ids::EecContextId,
};

/// How often the other EES is asked before the EEC has to see to its context itself.
const CONTEXT_ATTEMPTS: u32 = 2;

/// The registration that came of a move, if any.
type Moved = Result<Option<ImplicitRegDetails>, PeerError>;

impl AcrFollowUp {
    pub(super) async fn move_context(&self, acr: &AcrRef, attempt: u32) -> Result<Outcome, Error> {
        let key = Key::new(acr.key.as_str());
        // Another relocation took its place, or it failed already: its context stays where it is.
        let kept = self.service.room.read::<Acr>(&key).await?;
        let Some(kept) = kept.filter(|kept| kept.value.id == acr.id && !kept.value.complete) else {
            return Ok(Outcome::Done);
        };
        let moved = match &kept.value.context {
            ContextMove::ToPush(id, ees) => self.push(&kept.value, id, ees).await?,
            ContextMove::ToPull(id, ees) => self.pull(&kept.owner, &kept.value, id, ees).await?,
            ContextMove::NotAsked | ContextMove::ToSeek | ContextMove::Moved(_) | ContextMove::Failed => {
                return Ok(Outcome::Done);
            }
        };
        let step = match moved {
            Ok(registration) => Step::ContextMoved(registration),
            // What only the other EES can tell the T-EAS is tried until the relocation is over.
            Err(PeerError::Unreachable(reason)) if attempt + 1 < CONTEXT_ATTEMPTS || kept.value.managed.is_some() => {
                return Ok(Outcome::Again { reason, after: None });
            }
            Err(error) => {
                tracing::warn!(acr = acr.id, %error, "an EEC context could not be moved");
                Step::ContextFailed
            }
        };
        self.service
            .step(&key, &step, |known| known.id == acr.id)
            .await
            .map(|_| Outcome::Done)
    }

    async fn push(&self, acr: &Acr, id: &EecContextId, ees: &PeerEes) -> Result<Moved, Error> {
        let Some(kept) = self.service.room.read::<EecContext>(&context::key(id)).await? else {
            return Ok(Err(PeerError::NotFound("the context is no longer here".to_owned())));
        };
        let push = EecContextPush {
            ees_id: self.service.own_id.clone(),
            eec_cntx: with_session(kept.value, acr),
            tgt_eas: acr.t_eas.clone(),
            acr_scenarios_sel_req: false,
        };
        Ok(self.peers.push_context(ees, &push).await.map(|answer| answer.impl_reg))
    }

    async fn pull(&self, owner: &Owner, acr: &Acr, id: &EecContextId, ees: &PeerEes) -> Result<Moved, Error> {
        let room = &self.service.room;
        let context_key = context::key(id);
        if let Some(eec_id) = &acr.eec_id
            && index_of(room, eec_id).await?.is_some_and(|index| index.context == *id)
        {
            // The EEC registered here with its context already.
            return Ok(Ok(None));
        }
        let query = EecContextsQuery {
            ees_id: self.service.own_id.clone(),
            eec_cntx_id: id.clone(),
            sess_cntxs: None,
        };
        let context = match self.peers.pull_context(ees, &query).await {
            Ok(context) if Some(&context.eec_id) == acr.eec_id.as_ref() => context,
            Ok(_) => return Ok(Err(PeerError::Refused("the context is of another EEC".to_owned()))),
            Err(error) => return Ok(Err(error)),
        };
        for mut seen in room.attempts() {
            let known = seen.kept::<EecContext>(&context_key).await?;
            if known.is_some_and(|known| known.owner != *owner) {
                return Ok(Err(PeerError::Refused(
                    "a context of another EEC has this id".to_owned(),
                )));
            }
            let end = Some(
                self.service
                    .later(seen.now(), self.service.policy.transfer_seconds * 10),
            );
            let kept = Kept {
                owner: owner.clone(),
                expires_at: end,
                value: context.clone(),
            };
            let acs = || AcsKnown {
                eec_id: context.eec_id.clone(),
                by: KnownBy::Context(id.clone()),
            };
            let decision = Decision::of(()).put(&context_key, &kept)?;
            let decision = self
                .service
                .interest
                .known(decision, acs, context.ue_id.as_ref(), &context.ac_profs)?;
            if room.commit(seen, decision).await?.is_some() {
                return Ok(Ok(None));
            }
        }
        Err(contended())
    }
}

/// Pure: the context with the session that relocates, as the T-EES is to know it.
fn with_session(mut context: EecContext, acr: &Acr) -> EecContext {
    let source = match &acr.managed {
        Some(managed) => Some(managed.lies_at()),
        None => acr.s_eas.clone(),
    };
    let Some(end_pt) = source else {
        return context;
    };
    let session = IndividualSessionContext {
        eas_id: acr.eas_id.clone(),
        end_pt: end_pt.clone(),
        ac_id: acr.ac_id.clone(),
        acr_list: vec![acr.scenario.clone()],
    };
    let same =
        |known: &IndividualSessionContext, end_pt: &EndPoint| known.eas_id == acr.eas_id && known.end_pt == *end_pt;
    let sessions = context
        .sess_cntxs
        .get_or_insert(SessionContexts { sess_cntxs: Vec::new() });
    // What looks like the hand-over of a managed relocation must be that of this one.
    sessions
        .sess_cntxs
        .retain(|known| !same(known, &end_pt) && !is_hand_over(known));
    sessions.sess_cntxs.push(session);
    context
}
