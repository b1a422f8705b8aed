//! What is around an EES: other servers that answer as they are told, and subscribers that remember what they heard.

use async_trait::async_trait;
use bytes::Bytes;
use edgeapp_core::{
    consent::{Consent, Purpose, Withdrawal},
    notifier::{Delivered, NotDelivered, Notifier},
};
use edgeapp_ees_domain::peers::{Bound, PeerEes, PeerError, Peers};
use edgeapp_openapi::{
    acr_parameter_information::AcrParamsInfo,
    common::Uri,
    common_eas_announcement::CommonEasInfo,
    eas_discovery::{EasDiscoveryReq, EasDiscoveryResp},
    eas_info_management::{CommonEasBindReq, CommonEasBinding},
    eec_context_relocation::{EecContext, EecContextPush, EecContextPushRes, EecContextsQuery},
    ids::{AppGroupId, EasId, EesId, Gpsi},
    service_provisioning::EcsServProvResp,
    target_ees_discovery::EesProfilesQuery,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};
use tokio::sync::broadcast;

/// The ECS and the other EESs. What nobody told them to answer is not found.
#[derive(Default)]
pub(crate) struct Others {
    answers: Mutex<BTreeMap<&'static str, Result<Value, PeerError>>>,
    asked: Mutex<Vec<Asked>>,
}

/// A question that another server was asked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    /// `pull`, `push`, `discover`, `acr-params`, `target-ees`, `announce`, `bind` or `binding`.
    pub(crate) what: &'static str,
    /// The EES that was asked, nothing for the ECS.
    pub(crate) of: String,
    /// The body, or the query as an object.
    pub(crate) body: Value,
}

impl Others {
    /// From now on questions of this kind are answered like this.
    pub(crate) fn answer(&self, what: &'static str, answer: Value) {
        self.answers.lock().unwrap().insert(what, Ok(answer));
    }

    /// From now on questions of this kind fail like this.
    pub(crate) fn fail(&self, what: &'static str, error: PeerError) {
        self.answers.lock().unwrap().insert(what, Err(error));
    }

    /// What was asked since the last look.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    fn ask<T: DeserializeOwned>(&self, what: &'static str, of: &str, body: Value) -> Result<T, PeerError> {
        let of = of.to_owned();
        self.asked.lock().unwrap().push(Asked { what, of, body });
        match self.answers.lock().unwrap().get(what) {
            Some(answer) => answer.clone().map(|answer| serde_json::from_value(answer).unwrap()),
            None => Err(PeerError::NotFound(format!("nothing to {what}"))),
        }
    }
}

fn query(pairs: Vec<(&'static str, String)>) -> Value {
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect()
}

#[async_trait]
impl Peers for Others {
    async fn target_ees(&self, asked: &EesProfilesQuery) -> Result<EcsServProvResp, PeerError> {
        self.ask("target-ees", "", query(asked.to_pairs()))
    }

    async fn discover(&self, ees: &PeerEes, request: &EasDiscoveryReq) -> Result<EasDiscoveryResp, PeerError> {
        self.ask("discover", ees.id.as_str(), serde_json::to_value(request).unwrap())
    }

    async fn push_context(&self, ees: &PeerEes, push: &EecContextPush) -> Result<EecContextPushRes, PeerError> {
        self.ask("push", ees.id.as_str(), serde_json::to_value(push).unwrap())
    }

    async fn pull_context(&self, ees: &PeerEes, asked: &EecContextsQuery) -> Result<EecContext, PeerError> {
        self.ask("pull", ees.id.as_str(), query(asked.to_pairs()))
    }

    async fn announce_common_eas(&self, ees: &PeerEes, common: &CommonEasInfo) -> Result<(), PeerError> {
        self.ask("announce", ees.id.as_str(), serde_json::to_value(common).unwrap())
    }

    /// Answered with null it is stored, with a binding that one is in force.
    async fn bind_common_eas(&self, request: &CommonEasBindReq) -> Result<Bound, PeerError> {
        let taken: Option<CommonEasBinding> = self.ask("bind", "", serde_json::to_value(request).unwrap())?;
        Ok(taken.map_or(Bound::Stored, |binding| Bound::Taken(Box::new(binding))))
    }

    async fn common_eas(
        &self,
        ees_id: &EesId,
        group: &AppGroupId,
        eas_id: &EasId,
    ) -> Result<Option<CommonEasBinding>, PeerError> {
        let asked = json!({"requestor-id": ees_id, "app-group-id": group, "eas-id": eas_id});
        self.ask("binding", "", asked)
    }

    async fn tell_acr_params(&self, ees: &PeerEes, info: &AcrParamsInfo) -> Result<(), PeerError> {
        self.ask("acr-params", ees.id.as_str(), serde_json::to_value(info).unwrap())
    }
}

/// All subscribers. They take every notification unless told otherwise.
#[derive(Default)]
pub(crate) struct Subscribers {
    refusals: Mutex<BTreeMap<String, NotDelivered>>,
    refused: Mutex<usize>,
    answers: Mutex<BTreeMap<String, Value>>,
    told: Mutex<Vec<Told>>,
}

/// A notification that arrived.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    /// Where it was sent.
    pub(crate) at: String,
    /// What it says.
    pub(crate) body: Value,
}

impl Subscribers {
    /// From now on nothing is taken at this address.
    pub(crate) fn refuse(&self, at: &str, how: NotDelivered) {
        self.refusals.lock().unwrap().insert(at.to_owned(), how);
    }

    /// From now on everything is taken at this address again.
    pub(crate) fn take_again(&self, at: &str) {
        self.refusals.lock().unwrap().remove(at);
    }

    /// How often something was not taken.
    pub(crate) fn refused(&self) -> usize {
        *self.refused.lock().unwrap()
    }

    /// From now on what is told at this address is answered by 200 with this.
    pub(crate) fn answer(&self, at: &str, answer: Value) {
        self.answers.lock().unwrap().insert(at.to_owned(), answer);
    }

    /// What they were told since the last look, in order.
    pub(crate) fn told(&self) -> Vec<Told> {
        std::mem::take(&mut self.told.lock().unwrap())
    }

    /// What was told at this address since the last look; the rest is dropped.
    pub(crate) fn told_at(&self, at: &str) -> Vec<Value> {
        self.told()
            .into_iter()
            .filter(|told| told.at == at)
            .map(|told| told.body)
            .collect()
    }
}

/// What users agreed to: nothing, unless a test says so.
pub(crate) struct Agreements {
    agreed: Mutex<BTreeSet<(String, Purpose)>>,
    withdrawn: broadcast::Sender<Withdrawal>,
}

impl Default for Agreements {
    fn default() -> Self {
        Self {
            agreed: Mutex::default(),
            withdrawn: broadcast::Sender::new(16),
        }
    }
}

impl Agreements {
    /// The user of this UE agrees.
    pub(crate) fn agree(&self, ue: &str, purpose: Purpose) {
        self.agreed.lock().unwrap().insert((ue.to_owned(), purpose));
    }

    /// The user of this UE no longer agrees.
    pub(crate) fn withdraw(&self, ue: &str, purpose: Purpose) -> Withdrawal {
        self.agreed.lock().unwrap().remove(&(ue.to_owned(), purpose));
        let withdrawal = Withdrawal {
            ue: Some(ue.parse().unwrap()),
            purpose: Some(purpose),
        };
        let _ = self.withdrawn.send(withdrawal.clone());
        withdrawal
    }
}

#[async_trait]
impl Consent for Agreements {
    async fn granted(&self, ue: &Gpsi, purpose: Purpose) -> bool {
        self.agreed.lock().unwrap().contains(&(ue.to_string(), purpose))
    }
    fn withdrawals(&self) -> broadcast::Receiver<Withdrawal> {
        self.withdrawn.subscribe()
    }
}

#[async_trait]
impl Notifier for Subscribers {
    async fn notify(&self, destination: &Uri, body: Bytes) -> Result<Delivered, NotDelivered> {
        if let Some(refusal) = self.refusals.lock().unwrap().get(destination.as_str()) {
            *self.refused.lock().unwrap() += 1;
            return Err(refusal.clone());
        }
        let (at, body) = (destination.as_str().to_owned(), serde_json::from_slice(&body).unwrap());
        let answer = self.answers.lock().unwrap().get(&at).map(Value::to_string);
        self.told.lock().unwrap().push(Told { at, body });
        Ok(Delivered {
            status: if answer.is_some() { 200 } else { 204 },
            body: answer.unwrap_or_default().into(),
            moved_to: None,
        })
    }
}
