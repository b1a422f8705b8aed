//! Which UEs an EAS serves: those whose EEC has an AC that uses its application, or a session or relocation of it. Of others it learns
//! nothing and moves nothing, whatever identifier it sends.

use super::{follow_up::AcrFollowUp, record::folder, relocation::AcrService};
use crate::{
    context,
    eec::{self, EecIndex},
};
use edgeapp_core::{
    error::{Cause, Error, Kind},
    store::Span,
};
use edgeapp_openapi::{
    eas_registration::EasProfile,
    eec_context_relocation::EecContext,
    ids::{AcId, EecId, Gpsi},
};
use std::sync::Arc;

impl AcrService {
    /// The EEC of a UE that an EAS with these registrations serves, and the AC if it is just one that uses the application.
    ///
    /// # Errors
    /// [`Cause::UeNotFound`] when the UE is not known here or has nothing to do with the application, with the same words.
    pub(super) async fn served(&self, eass: &[Arc<EasProfile>], ue_id: &Gpsi) -> Result<(EecId, Option<AcId>), Error> {
        let nobody = || {
            Error::new(
                Kind::NotFound,
                Cause::UeNotFound,
                "/ueId: no EEC of such a UE that uses this application is registered here",
            )
        };
        let eec_id = eec::eec_of_ue(&self.room, ue_id).await?.ok_or_else(nobody)?;
        let index = EecIndex::load(&mut self.room.look(), &eec_id)
            .await?
            .ok_or_else(nobody)?;
        let known = self.room.read::<EecContext>(&context::key(&index.context)).await?;
        let context = known.ok_or_else(nobody)?.value;
        for eas in eass {
            let acs = users(&context, eas);
            if !acs.is_empty() || has_session(&context, eas) || self.relocates(eas, ue_id).await? {
                return Ok((eec_id, <[AcId; 1]>::try_from(acs).ok().map(|[ac]| ac)));
            }
        }
        Err(nobody())
    }

    /// Whether a relocation of this application of the UE is remembered.
    async fn relocates(&self, eas: &EasProfile, ue_id: &Gpsi) -> Result<bool, Error> {
        let span = Span::prefix(folder(ue_id, &eas.eas_id));
        Ok(!self.room.store().range(span).await?.entries.is_empty())
    }
}

impl AcrFollowUp {
    /// The AC of a UE that uses the application of these registrations, where it is just one.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn only_user(&self, eass: &[Arc<EasProfile>], ue_id: &Gpsi) -> Result<Option<AcId>, Error> {
        match self.service.served(eass, ue_id).await {
            Ok((_, ac_id)) => Ok(ac_id),
            Err(error) if error.cause == Cause::UeNotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Pure: the ACs of an EEC that use this application.
pub(super) fn users(context: &EecContext, eas: &EasProfile) -> Vec<AcId> {
    let acs = context.ac_profs.iter().filter(|ac| {
        ac.eass.iter().any(|wanted| wanted.eas_id == eas.eas_id)
            || (ac.eass.is_empty() && eas.ac_ids.contains(&ac.ac_id))
    });
    acs.map(|ac| ac.ac_id.clone()).collect()
}

fn has_session(context: &EecContext, eas: &EasProfile) -> bool {
    let mut sessions = context.sess_cntxs.iter().flat_map(|sessions| &sessions.sess_cntxs);
    sessions.any(|session| session.eas_id == eas.eas_id)
}
