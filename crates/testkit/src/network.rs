//! A core network in memory that does as it is told, for tests of rooms and doors. Its reports are [`CoreReport`]s as plain JSON; the
//! wire of a real one is the business of the adapter and of the simulated NEF.

use async_trait::async_trait;
use edgeapp_core::{
    error::Error,
    network::{
        AckTo, AddressAsk, Asked, Begun, CoreNetwork, CoreReport, Link, LocationAsk, LocationReport, NetworkError,
        Running, Service, Token, Verdict, Wake,
    },
};
use edgeapp_openapi::{
    ids::{ExternalId, Gpsi},
    ue_location::UeMobilityExposure,
};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Something that runs at the fake core.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Where.
    pub link: Link,
    /// What was asked.
    pub asked: Asked,
    /// Where it reports to.
    pub token: Token,
}

#[derive(Default)]
struct State {
    running: Vec<Kept>,
    made: u64,
    begun: u64,
    altered: u64,
    failures: VecDeque<NetworkError>,
    at_once: Vec<CoreReport>,
    at_the_end: Vec<CoreReport>,
    begins_nothing: Option<NetworkError>,
    locations: BTreeMap<Gpsi, LocationReport>,
    addresses: BTreeMap<String, ExternalId>,
    predictions: BTreeMap<Gpsi, Vec<UeMobilityExposure>>,
    acknowledged: Vec<(AckTo, Verdict)>,
    woken: Vec<Wake>,
    asked: u64,
}

/// The fake. One subscription for the same UE and service is refused as a duplicate when [`FakeCore::one_per_ue`] was used.
#[derive(Default)]
pub struct FakeCore {
    state: Mutex<State>,
    one_per_ue: bool,
}

impl FakeCore {
    /// A core that allows one location watch per UE.
    pub fn one_per_ue() -> Self {
        Self {
            one_per_ue: true,
            ..Self::default()
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next call fails like this.
    pub fn fail_next(&self, error: NetworkError) {
        self.state().failures.push_back(error);
    }

    /// From now on nothing is begun, for this reason; everything is again without one.
    pub fn refuse_to_begin(&self, error: Option<NetworkError>) {
        self.state().begins_nothing = error;
    }

    /// What begins next is reported on in the same answer.
    pub fn report_at_once(&self, reports: Vec<CoreReport>) {
        self.state().at_once = reports;
    }

    /// What ends next is reported on in the same answer.
    pub fn report_at_the_end(&self, reports: Vec<CoreReport>) {
        self.state().at_the_end = reports;
    }

    /// From now on a UE is there.
    pub fn place(&self, ue: Gpsi, report: LocationReport) {
        self.state().locations.insert(ue, report);
    }

    /// From now on an address (as JSON) belongs to this UE.
    pub fn give_address(&self, address: &str, ue: ExternalId) {
        self.state().addresses.insert(address.to_owned(), ue);
    }

    /// From now on this is predicted.
    pub fn foresee(&self, ue: Gpsi, predictions: Vec<UeMobilityExposure>) {
        self.state().predictions.insert(ue, predictions);
    }

    /// What runs now.
    pub fn runs(&self) -> Vec<Kept> {
        self.state().running.clone()
    }

    /// Forgets what runs, as a core that restarted without its state.
    pub fn lose_everything(&self) {
        self.state().running.clear();
    }

    /// Something runs there that was begun with this token, whoever did.
    pub fn plant(&self, asked: Asked, token: Token) -> Result<Link, Error> {
        let link = self.state().fresh_link(&asked)?;
        self.state().running.push(Kept {
            link: link.clone(),
            asked,
            token,
        });
        Ok(link)
    }

    /// How often something was begun and altered.
    pub fn counts(&self) -> (u64, u64) {
        let state = self.state();
        (state.begun, state.altered)
    }

    /// How many questions were asked that are answered at once.
    pub fn questions(&self) -> u64 {
        self.state().asked
    }

    /// The acknowledgements that came.
    pub fn acknowledged(&self) -> Vec<(AckTo, Verdict)> {
        self.state().acknowledged.clone()
    }

    /// The UEs that were woken.
    pub fn woken(&self) -> Vec<Wake> {
        self.state().woken.clone()
    }
}

impl State {
    fn failing(&mut self) -> Result<(), NetworkError> {
        self.failures.pop_front().map_or(Ok(()), Err)
    }

    fn fresh_link(&mut self, asked: &Asked) -> Result<Link, Error> {
        self.made += 1;
        let uri = format!("https://nef.example/{:?}/{}", asked.service(), self.made);
        Ok(Link {
            service: asked.service(),
            uri: uri.parse().map_err(Error::internal)?,
        })
    }
}

fn same_ue(left: &Asked, right: &Asked) -> bool {
    match (left, right) {
        (Asked::Location(left), Asked::Location(right)) => left.target == right.target,
        _ => false,
    }
}

#[async_trait]
impl CoreNetwork for FakeCore {
    fn is_configured(&self) -> bool {
        true
    }

    async fn locate(&self, ask: &LocationAsk) -> Result<LocationReport, NetworkError> {
        let mut state = self.state();
        state.asked += 1;
        state.failing()?;
        state.locations.get(&ask.ue).cloned().ok_or(NetworkError::UnknownUe)
    }

    async fn identify(&self, ask: &AddressAsk) -> Result<ExternalId, NetworkError> {
        let mut state = self.state();
        state.asked += 1;
        state.failing()?;
        let address = serde_json::to_string(&ask.address).unwrap_or_default();
        state.addresses.get(&address).cloned().ok_or(NetworkError::UnknownUe)
    }

    async fn predict(&self, ue: &Gpsi) -> Result<Vec<UeMobilityExposure>, NetworkError> {
        let mut state = self.state();
        state.asked += 1;
        state.failing()?;
        Ok(state.predictions.get(ue).cloned().unwrap_or_default())
    }

    async fn wake(&self, wake: &Wake) -> Result<(), NetworkError> {
        let mut state = self.state();
        state.failing()?;
        state.woken.push(wake.clone());
        Ok(())
    }

    async fn begin(&self, asked: &Asked, token: &Token) -> Result<Begun, NetworkError> {
        let mut state = self.state();
        state.failing()?;
        if let Some(error) = &state.begins_nothing {
            return Err(error.clone());
        }
        if self.one_per_ue && state.running.iter().any(|kept| same_ue(&kept.asked, asked)) {
            return Err(NetworkError::Duplicate("one per UE".to_owned()));
        }
        let link = state.fresh_link(asked).map_err(|error| NetworkError::Unavailable {
            reason: error.to_string(),
            after: None,
        })?;
        state.begun += 1;
        state.running.push(Kept {
            link: link.clone(),
            asked: asked.clone(),
            token: token.clone(),
        });
        let reports = std::mem::take(&mut state.at_once);
        Ok(Begun { link, reports })
    }

    async fn alter(&self, link: &Link, asked: &Asked, _: &Token) -> Result<(), NetworkError> {
        let mut state = self.state();
        state.failing()?;
        let Some(kept) = state.running.iter_mut().find(|kept| kept.link == *link) else {
            return Err(NetworkError::Gone);
        };
        kept.asked = asked.clone();
        state.altered += 1;
        Ok(())
    }

    async fn end(&self, link: &Link) -> Result<Vec<CoreReport>, NetworkError> {
        let mut state = self.state();
        state.failing()?;
        let before = state.running.len();
        state.running.retain(|kept| kept.link != *link);
        if state.running.len() == before {
            return Ok(Vec::new());
        }
        Ok(std::mem::take(&mut state.at_the_end))
    }

    async fn running(&self, service: Service) -> Result<Vec<Running>, NetworkError> {
        let mut state = self.state();
        state.failing()?;
        let of_service = state.running.iter().filter(|kept| kept.link.service == service);
        Ok(of_service
            .map(|kept| Running {
                link: kept.link.clone(),
                token: Some(kept.token.clone()),
            })
            .collect())
    }

    async fn acknowledge(&self, to: &AckTo, verdict: Verdict) -> Result<(), NetworkError> {
        let mut state = self.state();
        state.failing()?;
        state.acknowledged.push((to.clone(), verdict));
        Ok(())
    }

    fn understand(&self, _: Service, _: Option<&Link>, body: &[u8]) -> Result<Vec<CoreReport>, Error> {
        serde_json::from_slice(body).map_err(|error| Error::mandatory_incorrect("", error.to_string()))
    }
}
