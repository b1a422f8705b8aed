//! What events need of the core network, and what of it can be had.

use super::{AcrManagementService, rules::needs_user_plane, state::EventState, watch};
use crate::eas;
use edgeapp_core::{
    consent::Purpose,
    error::{Cause, Error, Kind},
    network::{AddressAsk, Asked, CoreReport, Target},
    principal::Principal,
    store::Key,
};
use edgeapp_openapi::{
    acr_management_event::{
        AcrMgntEventFailureCode, AcrMgntEventSubsc, AcrMgntEventsSubscription, FailureAcrMgntEventInfo,
    },
    common::IpAddr,
    ids::Gpsi,
    problem::InvalidParam,
};

/// What an event needs of the core network.
pub(super) enum Wish {
    /// Nothing.
    Nothing,
    /// Something that cannot be had.
    Impossible(AcrMgntEventFailureCode),
    /// A watch, about this one UE if it is about one that is known by name.
    Watch(Asked, Option<Gpsi>),
}

/// What came of the wishes.
pub(super) struct Watched {
    /// The states of the events.
    pub events: Vec<EventState>,
    /// What cannot be watched.
    pub failed: Vec<FailureAcrMgntEventInfo>,
    /// What the core network reported at once, for each event.
    pub at_once: Vec<Vec<CoreReport>>,
}

impl AcrManagementService {
    /// What the core network has to do for each event, once the caller and the users have been asked.
    pub(super) async fn wishes(
        &self,
        principal: &Principal,
        subscription: &AcrMgntEventsSubscription,
    ) -> Result<Vec<Wish>, Error> {
        let configured = self.links.core().is_configured();
        let mut asked_for = subscription.event_subscs.iter();
        if configured && asked_for.any(|wanted| needs_user_plane(&wanted.event)) {
            eas::registered(self.kept.room(), principal).await?;
        }
        let mut wishes = Vec::new();
        for (n, wanted) in subscription.event_subscs.iter().enumerate() {
            wishes.push(match needs_user_plane(&wanted.event) {
                false => Wish::Nothing,
                true if !configured => Wish::Impossible(AcrMgntEventFailureCode::UpPathChangeMonNotAvailable),
                true => {
                    let at = format!("/eventSubscs/{n}/tgtUeId");
                    self.wish(principal, subscription, wanted, &at).await?
                }
            });
        }
        Ok(wishes)
    }

    async fn wish(
        &self,
        principal: &Principal,
        subscription: &AcrMgntEventsSubscription,
        wanted: &AcrMgntEventSubsc,
        at: &str,
    ) -> Result<Wish, Error> {
        let target = match &wanted.tgt_ue_id {
            None => Target::Any,
            Some(named) => self.ues.target(principal, named, at).await?,
        };
        let ue = match &target {
            Target::Ue(ue) => Some(ue.clone()),
            Target::Address(address) => match self.at(address).await {
                Ok(ue) => Some(ue),
                // Whoever it is has agreed.
                Err(_) if self.consent.everybody_granted(Purpose::Location).await => None,
                Err(error) => return failure(error).map(Wish::Impossible),
            },
            // Members are not known before the core reports on them: each one's consent is asked for then.
            Target::Group(_) | Target::Any => None,
        };
        if let Some(ue) = &ue
            && !self.consent.granted(ue, Purpose::Location).await
        {
            return Err(not_agreed(at));
        }
        Ok(Wish::Watch(watch::asked(&subscription.eas_id, wanted, target), ue))
    }

    async fn at(&self, address: &IpAddr) -> Result<Gpsi, Error> {
        let ask = AddressAsk {
            address: address.clone(),
            port: None,
            application_port: None,
        };
        let external = self.links.core().identify(&ask).await?;
        format!("extid-{external}").parse().map_err(Error::internal)
    }

    /// Lets the core network watch what it can.
    pub(super) async fn watched(
        &self,
        key: &Key,
        subscription: &AcrMgntEventsSubscription,
        wishes: Vec<Wish>,
    ) -> Result<Watched, Error> {
        let asked: Vec<Asked> = wishes
            .iter()
            .filter_map(|wish| match wish {
                Wish::Watch(asked, _) => Some(asked.clone()),
                _ => None,
            })
            .collect();
        let mut answers = self.links.hold_what_can_be(key, &asked).await?.into_iter();
        let mut watched = Watched {
            events: Vec::new(),
            failed: Vec::new(),
            at_once: Vec::new(),
        };
        for (wanted, wish) in subscription.event_subscs.iter().zip(wishes) {
            let mut state = EventState::default();
            let mut at_once = Vec::new();
            let why_not = match wish {
                Wish::Nothing => None,
                Wish::Impossible(code) => Some(code),
                Wish::Watch(asked, ue) => match answers.next() {
                    Some(Ok(reports)) => {
                        at_once = reports;
                        (state.watch, state.ue) = (Some(asked), ue);
                        None
                    }
                    Some(Err(error)) => Some(failure(error)?),
                    None => None,
                },
            };
            if let Some(code) = why_not {
                (state.over, state.failed) = (true, true);
                let failed = FailureAcrMgntEventInfo {
                    event: wanted.event.clone(),
                    failure_code: code,
                };
                if !watched.failed.contains(&failed) {
                    watched.failed.push(failed);
                }
            }
            watched.events.push(state);
            watched.at_once.push(at_once);
        }
        if watched.events.iter().all(|event| event.failed) {
            return Err(Error::forbidden(
                Cause::MonitoringNotAvailable,
                "the user plane path cannot be watched: the core network does not do it, or none is configured; ACT_START_STOP and \
                 ACR_SELECTION are served",
            ));
        }
        Ok(watched)
    }
}

/// Why the core network does not watch, in the words of the API.
///
/// # Errors
/// When it was not the core network that failed.
fn failure(error: Error) -> Result<AcrMgntEventFailureCode, Error> {
    match error.cause {
        Cause::CoreNetworkNotConfigured | Cause::CoreNetworkRefused | Cause::CoreNetworkUnavailable => {
            Ok(AcrMgntEventFailureCode::UpPathChangeMonNotAvailable)
        }
        Cause::UeNotFound => Ok(AcrMgntEventFailureCode::OtherReasons),
        _ => Err(error),
    }
}

fn not_agreed(at: &str) -> Error {
    Error {
        invalid: vec![InvalidParam {
            param: at.to_owned(),
            reason: Some("the user did not agree".to_owned()),
        }],
        ..Error::new(
            Kind::Forbidden,
            Cause::UserConsentNotGranted,
            "the user of this UE did not agree that it is told where its traffic goes, which tells where the UE is",
        )
    }
}
