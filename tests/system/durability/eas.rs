//! An application whose instances come, change and go.

use super::{Roots, WATCH};
use crate::support::{EAS_REGISTRATIONS, discover, eas_registration, end_pt};
use edgeapp_system_tests::caller::Caller;
use http::{Method, StatusCode};
use rand::{Rng, rngs::StdRng};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Endpoints at which an instance may be registered.
const SLOTS: usize = 4;

/// Writes registrations of one application, and knows what was acknowledged.
pub(super) struct EasWriter {
    eas_id: &'static str,
    own: Caller,
    sibling: Caller,
    watch: Caller,
    slots: Vec<Slot>,
    random: StdRng,
    tokens: u32,
    /// Acknowledged writes.
    pub(super) writes: usize,
    /// Words that have to be heard.
    pub(super) expected: BTreeSet<String>,
}

/// An endpoint.
struct Slot {
    name: String,
    /// What is registered there, as acknowledged.
    known: Option<Registered>,
    /// The path of the last one that was deregistered.
    was: Option<String>,
    /// What was not answered.
    attempt: Option<Attempt>,
}

#[derive(Clone, Debug)]
struct Registered {
    path: String,
    feature: String,
    status: String,
}

#[derive(Clone, Debug)]
enum Attempt {
    Register,
    Change(String),
    Deregister,
}

fn registration(eas_id: &str, name: &str, feature: &str, status: &str) -> Value {
    let mut registration = eas_registration(eas_id, name, status);
    registration["easProf"]["easFeats"] = json!([feature]);
    registration
}

impl EasWriter {
    pub(super) fn new(eas_id: &'static str, own: Caller, sibling: Caller, watch: Caller, random: StdRng) -> Self {
        let app = eas_id.split('.').nth(1).unwrap();
        let slot = |n| Slot {
            name: format!("{app}-{n}"),
            known: None,
            was: None,
            attempt: None,
        };
        let slots = (0..SLOTS).map(slot).collect();
        Self {
            eas_id,
            own,
            sibling,
            watch,
            slots,
            random,
            tokens: 0,
            writes: 0,
            expected: BTreeSet::new(),
        }
    }

    fn token(&mut self) -> String {
        self.tokens += 1;
        format!("{}-{}", self.eas_id, self.tokens)
    }

    /// Writes until the server is gone.
    pub(super) async fn write(&mut self, roots: &Roots) {
        while self.step(&self.own.at(&roots.edge3)).await.is_ok() {
            self.writes += 1;
        }
    }

    async fn step(&mut self, own: &Caller) -> Result<(), String> {
        let (n, choice, token) = (
            self.random.random_range(0..SLOTS),
            self.random.random_range(0..6),
            self.token(),
        );
        let (eas_id, slot) = (self.eas_id, &mut self.slots[n]);
        let Some(known) = &mut slot.known else {
            slot.attempt = Some(Attempt::Register);
            let body = registration(eas_id, &slot.name, &token, &token);
            let path = own.try_call(Method::POST, EAS_REGISTRATIONS, &body).await?.created();
            self.expected.insert(format!("up {token}"));
            slot.known = Some(Registered {
                path,
                feature: token.clone(),
                status: token,
            });
            slot.attempt = None;
            return Ok(());
        };
        if choice == 0 {
            slot.attempt = Some(Attempt::Deregister);
            own.try_call(Method::DELETE, &known.path, &Value::Null).await?.done();
            self.expected.insert(format!("down {}", known.feature));
            slot.was = slot.known.take().map(|known| known.path);
        } else {
            slot.attempt = Some(Attempt::Change(token.clone()));
            let answer = match choice {
                1 => {
                    let body = registration(eas_id, &slot.name, &known.feature, &token);
                    own.try_call(Method::PUT, &known.path, &body).await?
                }
                _ => {
                    own.try_call(Method::PATCH, &known.path, &json!({"easProf": {"status": token}}))
                        .await?
                }
            };
            assert_eq!(answer.found()["easProf"]["status"], token);
            self.expected.insert(format!("status {token}"));
            known.status = token;
        }
        slot.attempt = None;
        Ok(())
    }

    /// Asserts that what was acknowledged is there, and that what was not is there wholly or not at all.
    pub(super) async fn check(&mut self, roots: &Roots) {
        let [own, sibling] = [&self.own, &self.sibling].map(|caller| caller.at(&roots.edge3));
        let watch = self.watch.at(&roots.edge1);
        let listed = discover(&watch, WATCH, self.eas_id).await;
        for slot in &mut self.slots {
            let at_slot = listed.iter().filter(|eas| eas["endPt"] == end_pt(&slot.name)).count();
            match (slot.attempt.take(), slot.known.take()) {
                (None, known) => slot.known = known,
                (Some(Attempt::Change(token)), Some(mut known)) => {
                    let status = own.get(&known.path).await.found()["easProf"]["status"].clone();
                    assert!(
                        status == known.status || status == token,
                        "{status} instead of {} or {token}",
                        known.status
                    );
                    status.as_str().unwrap().clone_into(&mut known.status);
                    slot.known = Some(known);
                }
                (Some(Attempt::Deregister), Some(known)) => match own.get(&known.path).await.status {
                    StatusCode::NOT_FOUND => slot.was = Some(known.path),
                    _ => slot.known = Some(known),
                },
                (Some(_), None) if at_slot == 0 => {}
                (Some(_), None) => {
                    // It was made, and nobody heard its id: the endpoint is taken for others, and not for the instance itself.
                    let body = registration(self.eas_id, &slot.name, "sibling", "sibling");
                    sibling
                        .post(EAS_REGISTRATIONS, &body)
                        .await
                        .refused(403, "EAS_ALREADY_REGISTERED");
                    self.tokens += 1;
                    let token = format!("{}-{}", self.eas_id, self.tokens);
                    let body = registration(self.eas_id, &slot.name, &token, &token);
                    let path = own.post(EAS_REGISTRATIONS, &body).await.created();
                    slot.known = Some(Registered {
                        path,
                        feature: token.clone(),
                        status: token,
                    });
                }
                (Some(attempt), Some(known)) => panic!("{attempt:?} of {known:?}"),
            }
            match &slot.known {
                Some(known) => {
                    let profile = own.get(&known.path).await.found()["easProf"].clone();
                    let expected = registration(self.eas_id, &slot.name, &known.feature, &known.status);
                    assert_eq!(profile, expected["easProf"], "an acknowledged write is lost");
                }
                None => {
                    if let Some(was) = &slot.was {
                        own.get(was).await.refused(404, "RESOURCE_NOT_FOUND");
                    }
                    // Nobody holds the endpoint.
                    let body = registration(self.eas_id, &slot.name, "sibling", "sibling");
                    let path = sibling.post(EAS_REGISTRATIONS, &body).await.created();
                    sibling.delete(&path).await.done();
                }
            }
        }
        self.discovery_agrees(&watch).await;
    }

    /// Discovery shows each registration once and nothing else.
    async fn discovery_agrees(&self, watch: &Caller) {
        let mut listed: Vec<_> = discover(watch, WATCH, self.eas_id)
            .await
            .iter()
            .map(|eas| {
                (
                    eas["endPt"]["uri"].as_str().unwrap().to_owned(),
                    eas["status"].as_str().unwrap().to_owned(),
                )
            })
            .collect();
        listed.sort();
        let known = self
            .slots
            .iter()
            .filter_map(|slot| Some((&slot.name, slot.known.as_ref()?)));
        let uri = |name: &str| end_pt(name)["uri"].as_str().unwrap().to_owned();
        let mut known: Vec<_> = known.map(|(name, known)| (uri(name), known.status.clone())).collect();
        known.sort();
        assert_eq!(listed, known, "discovery differs from the registrations");
    }
}
