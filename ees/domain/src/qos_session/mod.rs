//! Sessions with a required quality that EASs ask for (Eees_SessionWithQoS, TS 29.558 clause 5.6; TS 23.558 clause 8.6.6).
//!
//! One session here is one at the core network. The core comes first: what it does not grant is not kept, and a change counts once the
//! core has agreed to it. A session that the core or the user ends stays readable, without anything behind it, until its EAS removes
//! it; when the EAS changes it, it is asked for anew.
//!
//! When the user takes back the consent, the session ends at the core, and its EAS is told as it is told when the core ends it: by a
//! report of `SESSION_TERMINATION`. The API has no other word for it.

mod reports;
mod rules;

pub use reports::QosReports;

use crate::{Ees, core_links::CoreLinks, eas, event::Event, reporting, ue_target::UeTargets};
use async_trait::async_trait;
use edgeapp_core::{
    callback::CallbackRule,
    clock::Lifetimes,
    collection::{Change, Collection, Resource, key_of},
    consent::{Consent, Purpose, Withdrawal},
    error::{Cause, Error, Kind},
    kept::Kept,
    network::{AddressAsk, Asked, NetworkError},
    patch,
    principal::Principal,
    room::{Decision, Room, Seen, contended, fresh_id},
    store::{Key, Span},
    turns::Turns,
};
use edgeapp_openapi::{
    common::{DateTime, IpAddr, Uri},
    ids::{EasId, Gpsi},
    negotiation::{negotiate, negotiate_again},
    session_with_qos::SessionWithQos,
};
use reports::{ended_key, terminated};
use std::sync::Arc;

/// How often a change is tried anew when other replicas change the same session; changes here take turns.
const ATTEMPTS: usize = 64;
/// Locks behind the turns.
const LOCKS: usize = 1024;
/// A session lives until it is removed.
const FOR_EVER: Lifetimes = Lifetimes {
    max: None,
    default: None,
    spread_percent: 0,
};

/// What an EES does for EASs that need a quality.
#[async_trait]
pub trait QosSessions: Send + Sync {
    /// Asks the core for a session; `uri_of` makes its absolute URI out of its id. Answers with the id and the session.
    ///
    /// # Errors
    /// When it contradicts itself or is not the caller's; 403 when the user or the core refuses; 503 without a core network. Nothing is
    /// kept then.
    async fn create(
        &self,
        principal: &Principal,
        request: SessionWithQos,
        uri_of: &(dyn for<'a> Fn(&'a str) -> String + Send + Sync),
    ) -> Result<(String, SessionWithQos), Error>;

    /// The caller's sessions of an application, at least one.
    ///
    /// # Errors
    /// 404 when there is none.
    async fn all(&self, principal: &Principal, eas_id: &EasId) -> Result<Vec<SessionWithQos>, Error>;

    /// One session.
    ///
    /// # Errors
    /// 404 when it is not there or somebody else's.
    async fn read(&self, principal: &Principal, id: &str) -> Result<SessionWithQos, Error>;

    /// Replaces or patches a session. The core agrees first.
    ///
    /// # Errors
    /// As for a new one; 404 for a stranger's. Nothing has changed then.
    async fn change(
        &self,
        principal: &Principal,
        id: &str,
        change: Change<SessionWithQos>,
    ) -> Result<SessionWithQos, Error>;

    /// Ends a session; the core is told.
    ///
    /// # Errors
    /// 404 when it is not there or somebody else's.
    async fn remove(&self, principal: &Principal, id: &str) -> Result<(), Error>;
}

/// The service behind [`QosSessions`].
pub struct QosSessionService {
    kept: Collection<SessionWithQos, Ees>,
    links: Arc<CoreLinks>,
    consent: Arc<dyn Consent>,
    ues: UeTargets,
    callbacks: CallbackRule,
    turns: Turns,
}

impl QosSessionService {
    /// A service over this room. `links` has to know [`QosReports`] as a holder.
    pub fn new(
        room: Room,
        links: Arc<CoreLinks>,
        consent: Arc<dyn Consent>,
        ues: UeTargets,
        callbacks: CallbackRule,
    ) -> Self {
        Self {
            kept: Collection::new(room, FOR_EVER),
            links,
            consent,
            ues,
            callbacks,
            turns: Turns::new(LOCKS),
        }
    }

    /// What is asked of the core for this session of the caller, once the caller, the rules and the user have been asked.
    async fn asked(&self, principal: &Principal, session: &SessionWithQos) -> Result<Asked, Error> {
        if !principal.is_eas(&session.eas_id) {
            return Err(Error::not_yours("/easId", "EASID"));
        }
        eas::registered(self.kept.room(), principal).await?;
        rules::consistent(session)?;
        if let Some(destination) = &session.notification_destination {
            self.callbacks
                .check_of(principal, destination, "/notificationDestination")?;
        }
        if !self.links.core().is_configured() {
            return Err(NetworkError::NotConfigured.into());
        }
        // Where it is found here does not concern the core.
        let mut asked = SessionWithQos {
            self_uri: None,
            ..session.clone()
        };
        if let Some(named) = &session.ue_id {
            let ue = self.ues.ue(principal, named, "/ueId").await?;
            self.agreed(&ue, "/ueId").await?;
            asked.ue_id = Some(ue);
        }
        if let Some((address, at)) = rules::address(session) {
            let ue = self.at(address).await?;
            self.agreed(&ue, at).await?;
        }
        if let Some(at) = rules::group(session)
            && !self.consent.everybody_granted(Purpose::Qos).await
        {
            return Err(rules::no_consent(at));
        }
        if let Some(internal) = asked.int_grp_id.take() {
            asked.ext_grp_id = Some(self.ues.group(&internal, "/intGrpId")?);
        }
        Ok(Asked::Qos(Box::new(asked)))
    }

    async fn agreed(&self, ue: &Gpsi, at: &str) -> Result<(), Error> {
        match self.consent.granted(ue, Purpose::Qos).await {
            true => Ok(()),
            false => Err(rules::no_consent(at)),
        }
    }

    /// The UE that has an address: its user is asked, whichever way the UE is named.
    async fn at(&self, address: IpAddr) -> Result<Gpsi, Error> {
        let ask = AddressAsk {
            address,
            port: None,
            application_port: None,
        };
        let external = self.links.core().identify(&ask).await?;
        format!("extid-{external}").parse().map_err(Error::internal)
    }

    /// Ends what runs for users who no longer agree.
    ///
    /// # Errors
    /// When the store fails; it has to be asked for again then.
    pub async fn withdrawn(&self, withdrawal: &Withdrawal) -> Result<(), Error> {
        if withdrawal.purpose.is_some_and(|purpose| purpose != Purpose::Qos) {
            return Ok(());
        }
        let prefix = <SessionWithQos as Resource<Ees>>::PREFIX;
        for entry in self.kept.room().store().range(Span::prefix(prefix)).await?.entries {
            let Some(ue) = self.ue_at_the_core(&entry.key).await? else {
                continue;
            };
            let concerned = withdrawal.ue.as_ref().is_none_or(|gone| *gone == ue);
            if concerned && !self.consent.granted(&ue, Purpose::Qos).await {
                self.terminate(&entry.key).await?;
            }
        }
        Ok(())
    }

    /// The UE that the core serves for the session under `key`, if it serves one that is known by name.
    async fn ue_at_the_core(&self, key: &Key) -> Result<Option<Gpsi>, Error> {
        let held = self.links.held(key).await?;
        let session = held.into_iter().find_map(|(_, record)| match record.asked {
            Asked::Qos(session) => Some(session),
            _ => None,
        });
        let Some(session) = session else { return Ok(None) };
        match rules::address(&session) {
            None => Ok(session.ue_id),
            Some((address, _)) => self.at(address).await.map(Some),
        }
    }

    async fn has_ended(&self, key: &Key) -> Result<bool, Error> {
        Ok(self.kept.room().store().get(&ended_key(key)).await?.is_some())
    }

    async fn terminate(&self, key: &Key) -> Result<(), Error> {
        for mut seen in self.kept.room().attempts() {
            let decision = terminated(key, self.kept.room(), &mut seen).await?;
            if self.kept.room().commit(seen, decision).await?.is_some() {
                return Ok(());
            }
        }
        Err(contended())
    }
}

#[async_trait]
impl QosSessions for QosSessionService {
    async fn create(
        &self,
        principal: &Principal,
        mut request: SessionWithQos,
        uri_of: &(dyn for<'a> Fn(&'a str) -> String + Send + Sync),
    ) -> Result<(String, SessionWithQos), Error> {
        negotiate(&mut request);
        let asked = self.asked(principal, &request).await?;
        self.kept.allow_another(principal).await?;
        let id = fresh_id();
        let key = key_of::<SessionWithQos, Ees>(principal, &id);
        let uri = uri_of(&id);
        request.self_uri = Some(uri.parse::<Uri>().map_err(Error::internal)?);
        let reported = self.links.hold(&key, asked).await?;
        let test = request.request_test_notification;
        let also = |_: &str, session: &mut SessionWithQos, _: &mut Seen| {
            let mut decision = Decision::of(());
            if let (true, Some(destination)) = (test, &session.notification_destination) {
                decision = decision.tell(&Event::TestAsked {
                    subscription: key.to_string(),
                    uri: uri.clone(),
                    destination: destination.clone(),
                })?;
            }
            reports::told(decision, &key, session, &reported)
        };
        match self.kept.create_as(principal, &id, request, also).await {
            Ok(made) => Ok((id, made.value)),
            Err(error) => {
                self.links.give_back(&key).await;
                Err(error)
            }
        }
    }

    async fn all(&self, principal: &Principal, eas_id: &EasId) -> Result<Vec<SessionWithQos>, Error> {
        if !principal.is_eas(eas_id) {
            return Err(Error::not_yours("eas-id", "EASID"));
        }
        let prefix = key_of::<SessionWithQos, Ees>(principal, "").to_string();
        let entries = self.kept.room().store().range(Span::prefix(prefix)).await?.entries;
        let kept: Result<Vec<Kept<SessionWithQos>>, Error> = entries.iter().map(Kept::from_entry).collect();
        let own: Vec<SessionWithQos> = kept?
            .into_iter()
            .filter(|kept| kept.is_of(principal) && kept.value.eas_id == *eas_id)
            .map(|kept| kept.value)
            .collect();
        if own.is_empty() {
            // The standard forbids an empty list and declares no 204.
            return Err(Error::new(
                Kind::NotFound,
                Cause::ResourceNotFound,
                "the caller has no session",
            ));
        }
        Ok(own)
    }

    async fn read(&self, principal: &Principal, id: &str) -> Result<SessionWithQos, Error> {
        self.kept.read(principal, id).await
    }

    async fn change(
        &self,
        principal: &Principal,
        id: &str,
        change: Change<SessionWithQos>,
    ) -> Result<SessionWithQos, Error> {
        let key = key_of::<SessionWithQos, Ees>(principal, id);
        let complete = |before: &SessionWithQos, after: &mut SessionWithQos| {
            negotiate_again(after, before.supp_feat);
            after.self_uri.clone_from(&before.self_uri);
        };
        let _turn = self.turns.turn(key.as_str()).await;
        for _ in 0..ATTEMPTS {
            let before = self.kept.read(principal, id).await?;
            let mut wanted = match &change {
                Change::Replace(next) => next.clone(),
                Change::Patch(patch) => patch::apply(&before, patch, &<SessionWithQos as Resource<Ees>>::PATCH)?,
            };
            Resource::<Ees>::may_become(&before, &wanted)?;
            complete(&before, &mut wanted);
            let asked = self.asked(principal, &wanted).await?;
            if self.has_ended(&key).await? {
                // What is left of the old one must not be taken for the new one.
                self.links.give_back(&key).await;
            }
            self.links.alter(&key, asked).await?;
            // Whoever changed it meanwhile asked the core for something else: both have to be asked for together.
            let mut overtaken = false;
            let also = |stored: &SessionWithQos, after: &mut SessionWithQos| {
                overtaken = *stored != before;
                if overtaken {
                    return Err(contended());
                }
                complete(stored, after);
                Ok(Decision::of(()).delete(&ended_key(&key)))
            };
            match self.kept.change(principal, id, &change, also).await {
                Ok(changed) => return Ok(changed.value),
                Err(_) if overtaken => {}
                Err(error) => {
                    self.put_back(principal, id, &key).await;
                    return Err(error);
                }
            }
        }
        Err(contended())
    }

    async fn remove(&self, principal: &Principal, id: &str) -> Result<(), Error> {
        let key = key_of::<SessionWithQos, Ees>(principal, id);
        let gone = |_: &SessionWithQos| reporting::farewell(Decision::of(()), &key);
        self.kept.remove(principal, id, gone).await.map(|_| ())
    }
}

impl QosSessionService {
    /// A change that the core made was not kept here: the core gets what is kept, or nothing when nothing is.
    async fn put_back(&self, principal: &Principal, id: &str, key: &Key) {
        let undone = match self.kept.read(principal, id).await {
            Ok(session) => match self.asked(principal, &session).await {
                Ok(asked) => self.links.alter(key, asked).await,
                Err(error) => Err(error),
            },
            Err(error) if error.kind == Kind::NotFound => {
                self.links.give_back(key).await;
                Ok(())
            }
            Err(error) => Err(error),
        };
        if let Err(error) = undone {
            tracing::warn!(%error, key = %edgeapp_core::pseudonym::of_key(key), "the core network has another session than is kept here, until its next change");
        }
    }
}

/// The sessions expire with nobody; this says it to the collection.
fn no_expiry(_: &mut SessionWithQos) -> Option<&mut Option<DateTime>> {
    None
}
