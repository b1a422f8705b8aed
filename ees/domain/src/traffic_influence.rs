//! Traffic that EASs want to have steered to themselves (Eees_TrafficInfluenceEAS, TS 29.558 clause 5.15; TS 23.558 clause 8.6.7).
//!
//! An instance stands for one influence at the core network per target. Traffic goes where the registration of the EAS says that it
//! sits (`appLocs`). Either all targets are influenced, or none is and nothing is kept. An instance ends with the last registration of
//! its EAS.

use crate::{
    Ees,
    acr::EasDirectory,
    core_links::{By, CoreLinks, Heard, Holder},
    reporting,
    ue_target::UeTargets,
};
use async_trait::async_trait;
use edgeapp_core::{
    clock::Lifetimes,
    collection::{Change, Collection, Resource, key_of},
    error::{Cause, Error},
    network::{Asked, NetworkError, PathInfluence, Target},
    patch::{self, PatchRules},
    principal::Principal,
    room::{Decision, Room, Seen, contended, fresh_id},
    store::Key,
    turns::Turns,
};
use edgeapp_openapi::{
    common::{DateTime, RouteToLocation},
    ids::EasId,
    traffic_influence_eas::AppTrafficInfluence,
};
use std::sync::Arc;

/// How often a change is tried anew when other replicas change the same instance; changes here take turns.
const ATTEMPTS: usize = 64;
/// Locks behind the turns.
const LOCKS: usize = 1024;
/// An instance lives until it is removed.
const FOR_EVER: Lifetimes = Lifetimes {
    max: None,
    default: None,
    spread_percent: 0,
};

impl Resource<Ees> for AppTrafficInfluence {
    const PREFIX: &'static str = "traffic-influence/";
    const PATCH: PatchRules = PatchRules {
        changeable: &["tgtUes", "anyUe"],
        clearable: &[],
        fixed: &["requestorId"],
    };

    fn not_found() -> Error {
        Error::not_found("traffic influence")
    }

    fn expiry(&mut self) -> Option<&mut Option<DateTime>> {
        None
    }

    fn may_become(&self, next: &Self) -> Result<(), Error> {
        if next.requestor_id == self.requestor_id {
            Ok(())
        } else {
            Err(Error::not_changeable("/requestorId"))
        }
    }

    fn folder(owner: &Principal) -> String {
        crate::ending::folder(owner.id())
    }
}

/// What an EES does for EASs that want traffic steered to them.
#[async_trait]
pub trait TrafficInfluences: Send + Sync {
    /// Steers the traffic of these UEs to the caller. Answers with the id of the instance.
    ///
    /// # Errors
    /// When the request contradicts itself; 403 when the EAS did not register where it sits, or the core refuses; 503 without a core
    /// network. Nothing is influenced then.
    async fn create(
        &self,
        principal: &Principal,
        request: AppTrafficInfluence,
    ) -> Result<(String, AppTrafficInfluence), Error>;

    /// One instance.
    ///
    /// # Errors
    /// 404 when it is not there or somebody else's.
    async fn read(&self, principal: &Principal, id: &str) -> Result<AppTrafficInfluence, Error>;

    /// Replaces or patches an instance: targets that are new are influenced, those that are gone are no more.
    ///
    /// # Errors
    /// As for a new one; 404 for a stranger's. Everything is as before then.
    async fn change(
        &self,
        principal: &Principal,
        id: &str,
        change: Change<AppTrafficInfluence>,
    ) -> Result<AppTrafficInfluence, Error>;

    /// Ends an instance and all its influence.
    ///
    /// # Errors
    /// 404 when it is not there or somebody else's.
    async fn remove(&self, principal: &Principal, id: &str) -> Result<(), Error>;
}

/// The service behind [`TrafficInfluences`].
pub struct TrafficInfluenceService {
    kept: Collection<AppTrafficInfluence, Ees>,
    links: Arc<CoreLinks>,
    eass: Arc<dyn EasDirectory>,
    ues: UeTargets,
    turns: Turns,
}

impl TrafficInfluenceService {
    /// A service over this room. `links` has to know [`Influences`] as a holder.
    pub fn new(room: Room, links: Arc<CoreLinks>, eass: Arc<dyn EasDirectory>, ues: UeTargets) -> Self {
        Self {
            kept: Collection::new(room, FOR_EVER),
            links,
            eass,
            ues,
            turns: Turns::new(LOCKS),
        }
    }

    /// What is asked of the core: one influence per target.
    async fn asked(&self, principal: &Principal, wanted: &AppTrafficInfluence) -> Result<Vec<Asked>, Error> {
        let eas_id: EasId = principal.id().parse().map_err(Error::internal)?;
        if wanted
            .requestor_id
            .as_ref()
            .is_some_and(|named| named.as_str() != principal.id())
        {
            return Err(Error::not_yours("/requestorId", "EASID"));
        }
        let routes = routes(
            self.eass
                .registered_by(principal.owner(), &eas_id)
                .iter()
                .flat_map(|eas| &eas.app_locs),
        );
        if routes.is_empty() {
            return Err(Error::forbidden(
                Cause::NotRegistered,
                "traffic can be steered only to an EAS that is registered here with appLocs, which say where it sits",
            ));
        }
        if !self.links.core().is_configured() {
            return Err(NetworkError::NotConfigured.into());
        }
        let targets = match (&wanted.tgt_ues[..], wanted.any_ue) {
            ([], Some(true)) => vec![Target::Any],
            ([], _) => {
                return Err(Error::optional_incorrect(
                    "/anyUe",
                    "must be true when tgtUes names nobody: an influence on no UE is none",
                ));
            }
            (named, _) => {
                let mut targets: Vec<Target> = Vec::new();
                for (n, named) in named.iter().enumerate() {
                    let target = self.ues.target(principal, named, &format!("/tgtUes/{n}")).await?;
                    if !targets.contains(&target) {
                        targets.push(target);
                    }
                }
                targets
            }
        };
        let influence = |target: Target| {
            Asked::Path(Box::new(PathInfluence {
                target,
                eas_id: eas_id.clone(),
                traffic: None,
                report: None,
                acknowledged: false,
                routes: routes.clone(),
                both_paths_seconds: None,
            }))
        };
        Ok(targets.into_iter().map(influence).collect())
    }
}

/// Pure: the routes, each once.
fn routes<'a>(of_all: impl Iterator<Item = &'a RouteToLocation>) -> Vec<RouteToLocation> {
    let mut routes: Vec<RouteToLocation> = Vec::new();
    for route in of_all {
        if !routes.contains(route) {
            routes.push(route.clone());
        }
    }
    routes
}

#[async_trait]
impl TrafficInfluences for TrafficInfluenceService {
    async fn create(
        &self,
        principal: &Principal,
        request: AppTrafficInfluence,
    ) -> Result<(String, AppTrafficInfluence), Error> {
        let asked = self.asked(principal, &request).await?;
        self.kept.allow_another(principal).await?;
        let id = fresh_id();
        let key = key_of::<AppTrafficInfluence, Ees>(principal, &id);
        self.links.hold_exactly(&key, &asked, |_| false).await?;
        let also = |_: &str, _: &mut AppTrafficInfluence, _: &mut Seen| Ok(Decision::of(()));
        match self.kept.create_as(principal, &id, request, also).await {
            Ok(made) => Ok((id, made.value)),
            Err(error) => {
                self.links.give_back(&key).await;
                Err(error)
            }
        }
    }

    async fn read(&self, principal: &Principal, id: &str) -> Result<AppTrafficInfluence, Error> {
        self.kept.read(principal, id).await
    }

    async fn change(
        &self,
        principal: &Principal,
        id: &str,
        change: Change<AppTrafficInfluence>,
    ) -> Result<AppTrafficInfluence, Error> {
        let key = key_of::<AppTrafficInfluence, Ees>(principal, id);
        let _turn = self.turns.turn(key.as_str()).await;
        for _ in 0..ATTEMPTS {
            let before = self.kept.read(principal, id).await?;
            // One of the two members takes the place of the other: what a patch sets removes what was there.
            let next = match &change {
                Change::Replace(next) => next.clone(),
                Change::Patch(patch) => other_target(&before, patch)?,
            };
            Resource::<Ees>::may_become(&before, &next)?;
            let asked = self.asked(principal, &next).await?;
            self.links.hold_exactly(&key, &asked, |_| false).await?;
            let mut overtaken = false;
            let also = |stored: &AppTrafficInfluence, _: &mut AppTrafficInfluence| {
                overtaken = *stored != before;
                if overtaken {
                    Err(contended())
                } else {
                    Ok(Decision::of(()))
                }
            };
            match self.kept.change(principal, id, &Change::Replace(next), also).await {
                Ok(changed) => return Ok(changed.value),
                Err(_) if overtaken => {}
                Err(error) => {
                    // The core gets back what is kept; a removed instance has given back everything by itself.
                    if let Ok(asked) = self.asked(principal, &before).await
                        && let Err(error) = self.links.hold_exactly(&key, &asked, |_| false).await
                    {
                        tracing::warn!(%error, key = %edgeapp_core::pseudonym::of_key(&key), "the core network has other influences than are kept here");
                    }
                    return Err(error);
                }
            }
        }
        Err(contended())
    }

    async fn remove(&self, principal: &Principal, id: &str) -> Result<(), Error> {
        let key = key_of::<AppTrafficInfluence, Ees>(principal, id);
        let gone = |_: &AppTrafficInfluence| reporting::farewell(Decision::of(()), &key);
        self.kept.remove(principal, id, gone).await.map(|_| ())
    }
}

/// Pure: the instance after a patch. A patch that names UEs ends the influence on any UE, and the other way round.
fn other_target(before: &AppTrafficInfluence, patch: &serde_json::Value) -> Result<AppTrafficInfluence, Error> {
    let sets = |member: &str| patch.get(member).is_some_and(|value| !value.is_null());
    if sets("tgtUes") && sets("anyUe") {
        return Err(Error::optional_incorrect(
            "/anyUe",
            "and tgtUes exclude each other: one of them says whom the influence is about",
        ));
    }
    if !patch.is_object()
        || patch.get("tgtUes").is_some_and(serde_json::Value::is_null)
        || patch.get("anyUe").is_some_and(serde_json::Value::is_null)
    {
        return patch::apply(before, patch, &<AppTrafficInfluence as Resource<Ees>>::PATCH);
    }
    let mut merged = serde_json::to_value(before).map_err(Error::internal)?;
    if let serde_json::Value::Object(members) = &mut merged {
        if sets("tgtUes") {
            members.remove("anyUe");
        }
        if sets("anyUe") {
            members.remove("tgtUes");
        }
        for member in ["tgtUes", "anyUe"] {
            if let Some(value) = patch.get(member) {
                members.insert(member.to_owned(), value.clone());
            }
        }
    }
    if let Some(named) = patch.get("requestorId")
        && merged.get("requestorId") != Some(named)
    {
        return Err(Error::not_changeable("/requestorId"));
    }
    edgeapp_core::parse::from_value(merged)
}

/// Instances hear nothing from the core: what it loses is asked for anew by itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Influences;

#[async_trait]
impl Holder for Influences {
    fn prefix(&self) -> &'static str {
        <AppTrafficInfluence as Resource<Ees>>::PREFIX
    }

    async fn heard(&self, _: &Key, _: By<'_>, _: Heard<'_>, _: &mut Seen) -> Result<Decision<()>, Error> {
        Ok(Decision::of(()))
    }
}
