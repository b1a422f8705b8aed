//! Traffic of a UE that relocates goes to where its T-EAS sits: it is steered there from the decision until the relocation is over
//! (TS 23.558 clauses 8.8.3.4, 8.8.3.5 and 8.8.3.7). Who is asked first does it: the S-EES in scenarios C, D and F, of whose target it
//! knows where it sits; the T-EES in E, where the T-EAS is registered; in A and B whoever the EEC asks, if the EEC says the way or the
//! T-EAS is registered there. A core network that does not help stops no relocation.
//!
//! What is steered stands under `acr-traffic/<id of the relocation>` with an end of its own, and holds the link to the core network: it
//! ends with the relocation, whichever way that ends, also when the EES was killed in between.
//!
//! Where an EAS is subscribed to `ACR_FACILITATION`, its subscription holds what is steered ([`crate::acr_management`]).

use super::{
    record::{Acr, AcrEvent, AcrRef},
    relocation::AcrService,
};
use crate::{
    core_links::{By, CoreLinks, Heard, Holder},
    event::Event,
    reporting,
};
use async_trait::async_trait;
use edgeapp_core::{
    error::Error,
    kept::Kept,
    network::{Asked, PathInfluence, Target},
    outbox::Outcome,
    room::{Decision, Room, Seen, contended},
    store::Key,
};
use edgeapp_openapi::{
    app_context_relocation::AcrInitReq,
    common::{DateTime, RouteToLocation},
    ids::{EasId, Gpsi},
};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// First part of the keys of what is steered.
pub const PREFIX: &str = "acr-traffic/";
/// How much longer than its relocation it may last, where nobody ends it before.
const MARGIN: SignedDuration = SignedDuration::from_secs(5);

/// The way that traffic of a UE is to take while it relocates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Route {
    /// The relocation.
    pub acr: AcrRef,
    /// The UE.
    pub ue: Gpsi,
    /// The application.
    pub eas_id: EasId,
    /// Where its T-EAS sits.
    pub routes: Vec<RouteToLocation>,
    /// Seconds for which the old path is kept beside the new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub both_paths_seconds: Option<u32>,
}

impl Route {
    fn of(acr: &Acr, routes: Vec<RouteToLocation>) -> Self {
        Self {
            acr: acr.reference(),
            ue: acr.ue_id.clone(),
            eas_id: acr.eas_id.clone(),
            routes,
            both_paths_seconds: None,
        }
    }

    fn asked(&self) -> Asked {
        Asked::Path(Box::new(PathInfluence {
            target: Target::Ue(self.ue.clone()),
            eas_id: self.eas_id.clone(),
            traffic: None,
            report: None,
            acknowledged: false,
            routes: self.routes.clone(),
            both_paths_seconds: self.both_paths_seconds,
        }))
    }
}

/// Where what is steered for a relocation is kept; what happens to it happens in one order.
pub(crate) fn key(id: &str) -> Key {
    Key::from(format!("{PREFIX}{}", Key::part(id)))
}

/// Pure: the way that an EEC names. Tunnels are the operator's: of an EEC only the place and the name of a routing profile are taken.
fn as_an_eec_may(route: &RouteToLocation) -> RouteToLocation {
    RouteToLocation {
        dnai: route.dnai.clone(),
        route_info: None,
        route_prof_id: route.route_prof_id.clone(),
    }
}

impl AcrService {
    /// Asks for no traffic to be steered, where there is no core network to do it.
    pub fn steering(mut self, steers: bool) -> Self {
        self.steers = steers;
        self
    }

    /// Also has the traffic of a relocation steered to where its T-EAS sits, as far as that is known.
    pub(super) fn steered(
        &self,
        decision: Decision<()>,
        acr: &Acr,
        routes: &[RouteToLocation],
    ) -> Result<Decision<()>, Error> {
        match !self.steers || routes.is_empty() {
            true => Ok(decision),
            false => {
                let route = Route::of(acr, routes.to_vec());
                decision.tell(&Event::Acr(AcrEvent::TrafficWanted(Box::new(route))))
            }
        }
    }

    /// The same for a relocation that an EEC asked for, once its UE is where it goes.
    pub(super) fn steered_as_asked(
        &self,
        decision: Decision<()>,
        acr: &Acr,
        request: &AcrInitReq,
    ) -> Result<Decision<()>, Error> {
        // A UE that is only expected there is served where it is.
        if !self.steers || acr.plan.is_some() {
            return Ok(decision);
        }
        let here = || {
            let target = self.eass.at(acr.t_eas.as_ref()?, Some(&acr.eas_id))?;
            Some(target.app_locs.clone())
        };
        let routes = match &request.route_req {
            Some(route) => vec![as_an_eec_may(route)],
            None => here().unwrap_or_default(),
        };
        if routes.is_empty() {
            return Ok(decision);
        }
        let both_paths_seconds = request.sim_inact_time.and_then(|seconds| u32::try_from(seconds).ok());
        let route = Route {
            both_paths_seconds,
            ..Route::of(acr, routes)
        };
        decision.tell(&Event::Acr(AcrEvent::TrafficWanted(Box::new(route))))
    }

    /// Another relocation takes the place of one whose end nobody told: its traffic goes its usual way.
    pub(super) fn no_longer_steered(&self, decision: Decision<()>, known: Option<&Acr>) -> Result<Decision<()>, Error> {
        match known.filter(|known| self.steers && known.result().is_none()) {
            Some(known) => decision.tell(&Event::Acr(AcrEvent::TrafficOver(known.id.clone()))),
            None => Ok(decision),
        }
    }
}

/// Steers the traffic of a relocation while that runs. Doing it twice is harmless.
///
/// # Errors
/// When the store fails.
pub(crate) async fn steer(room: &Room, links: &CoreLinks, route: &Route) -> Result<Outcome, Error> {
    if !links.core().is_configured() {
        return Ok(Outcome::Done);
    }
    let key = key(&route.acr.id);
    if !begun(room, &key, route).await? {
        return Ok(Outcome::Done);
    }
    let asked = route.asked();
    let answers = links.hold_what_can_be(&key, std::slice::from_ref(&asked)).await?;
    if let Some(error) = answers.into_iter().find_map(Result::err) {
        tracing::warn!(acr = route.acr.id, %error, "the core network does not steer traffic to the target of a relocation, which goes on without");
        reporting::end(room, &key).await?;
    }
    Ok(Outcome::Done)
}

/// What is steered is kept before the core network is asked; not for a relocation that is over.
async fn begun(room: &Room, key: &Key, route: &Route) -> Result<bool, Error> {
    for mut seen in room.attempts() {
        let acr = seen.kept::<Acr>(&Key::new(route.acr.key.as_str())).await?;
        let runs = |acr: &Kept<Acr>| acr.value.id == route.acr.id && acr.value.result().is_none();
        let Some(acr) = acr.filter(runs) else {
            return Ok(false);
        };
        if seen.kept::<Route>(key).await?.is_some() {
            return Ok(true);
        }
        let kept = Kept {
            owner: acr.owner,
            expires_at: acr.expires_at.map(|end| DateTime(end.0 + MARGIN)),
            value: route.clone(),
        };
        if room.commit(seen, Decision::of(()).put(key, &kept)?).await?.is_some() {
            return Ok(true);
        }
    }
    Err(contended())
}

/// The traffic of a relocation goes its usual way again.
///
/// # Errors
/// When the store fails.
pub(crate) async fn release(room: &Room, id: &str) -> Result<Outcome, Error> {
    reporting::end(room, &key(id)).await.map(|()| Outcome::Done)
}

/// Holds what is steered for relocations: these hear nothing of it, and what the core network loses is asked for anew by itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct SteeredRelocations;

#[async_trait]
impl Holder for SteeredRelocations {
    fn prefix(&self) -> &'static str {
        PREFIX
    }

    async fn heard(&self, _: &Key, _: By<'_>, _: Heard<'_>, _: &mut Seen) -> Result<Decision<()>, Error> {
        Ok(Decision::of(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_eec_names_no_tunnels() {
        let route: RouteToLocation = serde_json::from_value(json!({"dnai": "edge-b", "routeProfId": "internet",
            "routeInfo": {"ipv4Addr": "192.0.2.1", "portNumber": 4789}}))
        .expect("a route");
        let taken = serde_json::to_value(as_an_eec_may(&route)).expect("JSON");
        assert_eq!(
            (&taken["dnai"], &taken["routeProfId"]),
            (&json!("edge-b"), &json!("internet"))
        );
        assert!(taken["routeInfo"].is_null(), "{taken}");
    }
}
