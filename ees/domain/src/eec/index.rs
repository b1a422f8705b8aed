//! How an EES finds the one registration of an EEC: by its EECID, and by its UE. The indexes change with the registration.

use super::folder;
use crate::context;
use edgeapp_core::{
    collection::Resource,
    error::Error,
    kept::Kept,
    room::{Decision, Room, Seen},
    store::Key,
};
use edgeapp_openapi::{
    eec_registration::EecRegistration,
    ids::{EecContextId, EecId, Gpsi},
};
use serde::{Deserialize, Serialize};

fn registration_key(eec_id: &EecId, id: &str) -> Key {
    Key::from(format!(
        "{}{}{}",
        EecRegistration::PREFIX,
        folder(eec_id.as_str()),
        Key::part(id)
    ))
}

/// The one registration of an EEC and its context, by EECID.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EecIndex {
    /// Id of the registration.
    pub registration: String,
    /// Id of the context.
    pub context: EecContextId,
    /// The UE, when it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ue_id: Option<Gpsi>,
    /// It came with a context from another EES, and the EEC has not changed it since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub implicit: bool,
}

impl EecIndex {
    /// The key of the index of this EEC.
    pub fn key(eec_id: &EecId) -> Key {
        Key::from(format!("eec-by-id/{}", Key::part(eec_id.as_str())))
    }

    /// The index of this EEC as an attempt sees it; `None` when the EEC is not registered.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn load(seen: &mut Seen, eec_id: &EecId) -> Result<Option<Self>, Error> {
        Ok(seen.kept::<Self>(&Self::key(eec_id)).await?.map(|kept| kept.value))
    }

    /// The registration it leads to; `None` when that has expired.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn registration(&self, seen: &mut Seen, eec_id: &EecId) -> Result<Option<EecRegistration>, Error> {
        let key = registration_key(eec_id, &self.registration);
        Ok(seen.kept::<EecRegistration>(&key).await?.map(|kept| kept.value))
    }
}

/// The key that leads from a UE to its EEC.
fn ue_key(ue: &Gpsi) -> Key {
    Key::from(format!("eec-by-ue/{}", Key::part(ue.as_str())))
}

/// The EEC of a UE; `None` when it is not registered here.
///
/// # Errors
/// When the store fails.
pub async fn eec_of_ue(room: &Room, ue: &Gpsi) -> Result<Option<EecId>, Error> {
    let Some(kept) = room.read::<EecId>(&ue_key(ue)).await? else {
        return Ok(None);
    };
    Ok(registered(room, &kept.value).await?.map(|_| kept.value))
}

/// The live registration of an EEC with its index; `None` when it is not registered.
///
/// # Errors
/// When the store fails.
pub async fn registered(room: &Room, eec_id: &EecId) -> Result<Option<(EecIndex, EecRegistration)>, Error> {
    let mut seen = room.look();
    let Some(index) = EecIndex::load(&mut seen, eec_id).await? else {
        return Ok(None);
    };
    let registration = index.registration(&mut seen, eec_id).await?;
    Ok(registration.map(|registration| (index, registration)))
}

/// The decision to keep a registration under `id` with its indexes, in place of the older one that `older` leads to. The context is
/// the caller's business.
///
/// # Errors
/// When the store fails or the registration names no context.
pub async fn keep_registration(
    seen: &mut Seen,
    kept: &Kept<EecRegistration>,
    id: &str,
    implicit: bool,
    older: Option<EecIndex>,
) -> Result<Decision<()>, Error> {
    let registration = &kept.value;
    let eec_id = &registration.eec_id;
    let key = registration_key(eec_id, id);
    let mut decision = Decision::of(());
    match &older {
        Some(index) if index.registration == id => {
            seen.entry(&key).await?;
        }
        Some(index) => {
            let older = registration_key(eec_id, &index.registration);
            seen.entry(&older).await?;
            seen.fresh(&key);
            decision = decision.delete(&older);
        }
        None => seen.fresh(&key),
    }
    let known_ue = older.and_then(|index| index.ue_id);
    if let Some(ue) = known_ue.filter(|ue| registration.ue_id.as_ref() != Some(ue)) {
        decision = decision.and(leave_ue(seen, &ue, eec_id).await?);
    }
    let context = registration
        .eec_cntx_id
        .clone()
        .ok_or_else(|| Error::internal("a registration without a context"))?;
    let index = EecIndex {
        registration: id.to_owned(),
        context,
        ue_id: registration.ue_id.clone(),
        implicit,
    };
    // Indexes live as long as the registration, but are removed with it and not on their own.
    let owner = &kept.owner;
    decision = decision.put(
        &EecIndex::key(eec_id),
        &Kept {
            owner: owner.clone(),
            expires_at: None,
            value: index,
        },
    )?;
    if let Some(ue) = &registration.ue_id {
        let key = ue_key(ue);
        let holder = seen.kept::<EecId>(&key).await?.map(|kept| kept.value);
        // What another EES says of a UE does not count more than what the certificate of an EEC here proved.
        let stays = match holder.filter(|holder| implicit && holder != eec_id) {
            Some(holder) => registered_itself(seen, &holder).await?,
            None => false,
        };
        if !stays {
            decision = decision.put(
                &key,
                &Kept {
                    owner: owner.clone(),
                    expires_at: None,
                    value: eec_id.clone(),
                },
            )?;
        }
    }
    decision.put(&key, kept)
}

/// Whether an EEC has a live registration that it made or changed itself.
async fn registered_itself(seen: &mut Seen, eec_id: &EecId) -> Result<bool, Error> {
    match EecIndex::load(seen, eec_id).await? {
        Some(index) if !index.implicit => Ok(index.registration(seen, eec_id).await?.is_some()),
        _ => Ok(false),
    }
}

/// Another EEC may have come to this UE meanwhile: its index stays.
async fn leave_ue(seen: &mut Seen, ue: &Gpsi, eec_id: &EecId) -> Result<Decision<()>, Error> {
    let key = ue_key(ue);
    let ours = seen
        .kept::<EecId>(&key)
        .await?
        .is_some_and(|kept| kept.value == *eec_id);
    Ok(if ours {
        Decision::of(()).delete(&key)
    } else {
        Decision::of(())
    })
}

/// What becomes of a registration's surroundings when it goes: indexes vanish, the context grows stale.
///
/// # Errors
/// When the store fails.
pub async fn forget(
    seen: &mut Seen,
    registration: &EecRegistration,
    id: &str,
    stale: u32,
) -> Result<Decision<()>, Error> {
    let mut decision = Decision::of(());
    // Only if this is still the registration that counts.
    if EecIndex::load(seen, &registration.eec_id)
        .await?
        .is_some_and(|index| index.registration == id)
    {
        decision = decision.delete(&EecIndex::key(&registration.eec_id));
        if let Some(ue) = &registration.ue_id {
            decision = decision.and(leave_ue(seen, ue, &registration.eec_id).await?);
        }
        if let Some(context) = &registration.eec_cntx_id {
            decision = decision.and(context::grow_stale(seen, context, stale).await?);
        }
    }
    Ok(decision)
}
