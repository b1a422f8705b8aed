//! What is kept of a selection, and what follows from it: news for the EAS, the declaration to the CAS, the session in the EEC context.

use super::EasInformationService;
use crate::{
    context,
    eec::EecIndex,
    event::{Event, ScenariosSelected},
    selected_ees::{self, Declaration},
};
use edgeapp_core::{
    collection::Resource,
    error::{Cause, Error, Kind},
    kept::Kept,
    principal::Principal,
    room::{Decision, Room, Seen, contended},
    store::{Key, Span},
};
use edgeapp_openapi::{
    common::DateTime,
    eas_registration::EndPoint,
    eec_context_relocation::{EecContext, IndividualSessionContext, SessionContexts},
    eec_registration::EecRegistration,
    ees_registration::AcrScenario,
    ids::{AcId, EasId, EecId, Gpsi},
    selected_ees::SelEesDecInfo,
};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// First part of the keys of selections: `eas-selection/<EECID>/<ACID>/<EASID>`.
pub const PREFIX: &str = "eas-selection/";
/// How many selections of one EEC are kept.
const SELECTIONS_PER_EEC: usize = 64;
/// How long a selection is kept where registrations of EECs live for ever, in seconds.
const A_DAY: i64 = 86_400;

/// What an application client selected, or had selected, of an application.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Selected {
    pub(super) eec_id: EecId,
    pub(super) ac_id: AcId,
    pub(super) eas_id: EasId,
    /// Where the EAS is; none when a CAS serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) eas: Option<EndPoint>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) scenarios: Vec<AcrScenario>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cas: Option<EndPoint>,
}

/// What a message says of one application.
pub(super) struct News {
    pub(super) eas_id: EasId,
    /// Where the EAS is that was selected.
    pub(super) eas: Option<EndPoint>,
    pub(super) scenarios: Vec<AcrScenario>,
    pub(super) cas: Option<EndPoint>,
    /// An EAS was selected, not only scenarios.
    pub(super) selects: bool,
}

/// Who sends a message.
pub(super) struct Sender<'a> {
    pub(super) principal: &'a Principal,
    pub(super) eec_id: EecId,
    pub(super) ac_id: AcId,
    pub(super) ue_id: Option<Gpsi>,
    pub(super) registration: Option<EecRegistration>,
}

pub(super) fn key(eec_id: &EecId, ac_id: &AcId, eas_id: &EasId) -> Key {
    let part = |text: &str| Key::part(text);
    let (eec, ac, eas) = (part(eec_id.as_str()), part(ac_id.as_str()), part(eas_id.as_str()));
    Key::from(format!("{PREFIX}{eec}/{ac}/{eas}"))
}

/// Pure: what is known of an application after the news.
fn after(known: Option<&Selected>, sender: &Sender<'_>, news: &News) -> Selected {
    let same_eas = known.filter(|known| !news.selects || known.eas == news.eas);
    let scenarios = match news.scenarios.is_empty() {
        true => same_eas.map(|known| known.scenarios.clone()).unwrap_or_default(),
        false => news.scenarios.clone(),
    };
    let cas = match news.selects {
        true => news.cas.clone(),
        false => known.and_then(|known| known.cas.clone()),
    };
    Selected {
        eec_id: sender.eec_id.clone(),
        ac_id: sender.ac_id.clone(),
        eas_id: news.eas_id.clone(),
        eas: news.eas.clone(),
        scenarios,
        cas,
    }
}

/// Pure: the sessions of an EEC with this selection among them. A session with a CAS is none with an EAS.
fn with_session(context: &mut EecContext, selected: &Selected) {
    let mut sessions = context.sess_cntxs.take().map(|all| all.sess_cntxs).unwrap_or_default();
    let ac = Some(&selected.ac_id);
    sessions.retain(|session| session.eas_id != selected.eas_id || session.ac_id.as_ref() != ac);
    sessions.extend(selected.eas.clone().map(|end_pt| IndividualSessionContext {
        eas_id: selected.eas_id.clone(),
        end_pt,
        ac_id: Some(selected.ac_id.clone()),
        acr_list: selected.scenarios.clone(),
    }));
    context.sess_cntxs = (!sessions.is_empty()).then_some(SessionContexts { sess_cntxs: sessions });
}

impl EasInformationService {
    /// Keeps what was selected, with everything that follows from it.
    pub(super) async fn note(&self, sender: &Sender<'_>, news: &[News]) -> Result<(), Error> {
        self.room_for(sender, news).await?;
        for mut seen in self.room.attempts() {
            let until = self.until(sender, seen.now())?;
            let mut decision = Decision::of(());
            let mut all = Vec::new();
            for news in news {
                let key = key(&sender.eec_id, &sender.ac_id, &news.eas_id);
                let known = seen.kept::<Selected>(&key).await?.map(|kept| kept.value);
                let next = after(known.as_ref(), sender, news);
                for event in self.events(known.as_ref(), &next, &key, sender)? {
                    decision = decision.tell(&event)?;
                }
                let kept = Kept::new(sender.principal, Some(until), next.clone());
                decision = decision.put(&key, &kept)?;
                all.push(next);
            }
            let decision = decision.and(self.sessions(&mut seen, &sender.eec_id, &all).await?);
            if self.room.commit(seen, decision).await?.is_some() {
                return Ok(());
            }
        }
        Err(contended())
    }

    /// An EEC may have so many selections kept and no more.
    async fn room_for(&self, sender: &Sender<'_>, news: &[News]) -> Result<(), Error> {
        let folder = format!("{PREFIX}{}/", Key::part(sender.eec_id.as_str()));
        let kept = self
            .room
            .store()
            .range(Span::prefix(folder).limit(SELECTIONS_PER_EEC))
            .await?;
        let fresh = news.iter().filter(|news| {
            let key = key(&sender.eec_id, &sender.ac_id, &news.eas_id);
            kept.entries.iter().all(|entry| entry.key != key)
        });
        if kept.entries.len() + fresh.count() > SELECTIONS_PER_EEC {
            return Err(Error::new(
                Kind::TooMany,
                Cause::QuotaExceeded,
                format!("{SELECTIONS_PER_EEC} selections of this EEC are kept, and no more"),
            ));
        }
        Ok(())
    }

    /// What others have to hear that they have not heard.
    fn events(
        &self,
        known: Option<&Selected>,
        next: &Selected,
        key: &Key,
        sender: &Sender<'_>,
    ) -> Result<Vec<Event>, Error> {
        let mut events = Vec::new();
        let Some(ue_id) = &sender.ue_id else { return Ok(events) };
        let heard = known.is_some_and(|known| known.eas == next.eas && known.scenarios == next.scenarios);
        if let (Some(eas), false, false) = (&next.eas, next.scenarios.is_empty(), heard) {
            events.push(Event::ScenariosSelected(Box::new(ScenariosSelected {
                eas_id: next.eas_id.clone(),
                eas: eas.clone(),
                ue_id: ue_id.clone(),
                ac_ids: vec![next.ac_id.clone()],
                scenarios: next.scenarios.clone(),
            })));
        }
        let heard = known.is_some_and(|known| known.cas == next.cas);
        if let (Some(cas), false) = (&next.cas, heard) {
            events.push(Event::SelectedEes(Box::new(Declaration {
                destination: selected_ees::destination(cas, &self.policy.callbacks, "/casInfo")?,
                selection: key.to_string(),
                info: SelEesDecInfo {
                    ue_id: ue_id.clone(),
                    sele_ees_id: self.policy.own_id.clone(),
                    sele_endpoint: self.policy.for_cas.clone(),
                    eas_id: next.eas_id.clone(),
                    ac_id: Some(next.ac_id.clone()),
                    supp_feat: None,
                },
            })));
        }
        Ok(events)
    }

    /// The sessions go into the EEC context, so that they move with the EEC.
    async fn sessions(&self, seen: &mut Seen, eec_id: &EecId, all: &[Selected]) -> Result<Decision<()>, Error> {
        let nothing = Decision::of(());
        let Some(index) = EecIndex::load(seen, eec_id).await? else {
            return Ok(nothing);
        };
        let key = context::key(&index.context);
        let Some(mut kept) = seen.kept::<EecContext>(&key).await? else {
            return Ok(nothing);
        };
        all.iter().for_each(|selected| with_session(&mut kept.value, selected));
        nothing.put(&key, &kept)
    }

    /// A selection lives as long as the registration of its EEC.
    fn until(&self, sender: &Sender<'_>, now: DateTime) -> Result<DateTime, Error> {
        let registered = sender.registration.as_ref().and_then(|known| known.exp_time);
        let granted = match registered {
            Some(end) => Some(end),
            None => self.policy.lifetimes.grant(None, now, EecRegistration::EXPIRY)?,
        };
        Ok(granted.unwrap_or_else(|| a_day_after(now)))
    }
}

fn a_day_after(now: DateTime) -> DateTime {
    DateTime(now.0 + SignedDuration::from_secs(A_DAY))
}

/// The CAS that an application client selected for an application, if it did.
///
/// # Errors
/// When the store fails.
pub(crate) async fn cas_of(
    room: &Room,
    eec_id: &EecId,
    ac_id: &AcId,
    eas_id: &EasId,
) -> Result<Option<EndPoint>, Error> {
    let kept = room.read::<Selected>(&key(eec_id, ac_id, eas_id)).await?;
    Ok(kept.and_then(|kept| kept.value.cas))
}

/// Whether the CAS of a declaration is still the one that was selected.
///
/// # Errors
/// When the store fails.
pub async fn is_still_selected(room: &Room, declaration: &Declaration) -> Result<bool, Error> {
    let key = Key::new(declaration.selection.as_str());
    let kept = room.look().even_expired::<Selected>(&key).await?;
    let cas = kept.and_then(|kept| kept.value.cas);
    Ok(cas.is_some_and(|cas| declaration.is_for(&cas)))
}

/// What becomes of a selection whose time is over: it goes on while its EEC is registered.
///
/// # Errors
/// When the store fails.
pub async fn expired(key: &Key, seen: &mut Seen) -> Result<Decision<()>, Error> {
    let nothing = Decision::of(());
    let Some(kept) = seen.even_expired::<Selected>(key).await? else {
        return Ok(nothing);
    };
    let eec_id = kept.value.eec_id.clone();
    let registration = match EecIndex::load(seen, &eec_id).await? {
        Some(index) => index.registration(seen, &eec_id).await?,
        None => None,
    };
    match registration {
        Some(live) => nothing.put(
            key,
            &Kept {
                expires_at: Some(live.exp_time.unwrap_or_else(|| a_day_after(seen.now()))),
                ..kept
            },
        ),
        None => Ok(nothing),
    }
}
