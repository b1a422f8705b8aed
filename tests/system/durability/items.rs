//! Resources of one collection that are made, changed and removed: registrations of EECs, subscriptions of all kinds.

use super::Roots;
use crate::support::{ACR_EVENTS, ACR_MANAGEMENT, DISCOVERY, DISCOVERY_SUBSCRIPTIONS, act_start_stop, status_of};
use edgeapp_system_tests::caller::{Answer, Caller, path_of};
use http::{Method, StatusCode};
use rand::{Rng, rngs::StdRng};
use serde_json::{Value, json};

/// Paths of removed ones that are still looked at.
const REMEMBERED: usize = 3;

type Make = Box<dyn Fn(&str) -> Value>;

/// Writes the resources of one collection, and knows what was acknowledged.
pub(super) struct Items {
    caller: Caller,
    over_edge3: bool,
    collection: &'static str,
    /// What is created with this token, and the patch that brings it in.
    make: Make,
    patch: Make,
    /// Where the token is, as a JSON pointer.
    pointer: &'static str,
    /// Most at a time. Of one EEC there is one registration: a new one takes the place of the older.
    most: usize,
    /// The EEC that is registered with these.
    registers: Option<String>,
    listed: bool,
    known: Vec<(String, String)>,
    gone: Vec<String>,
    attempt: Option<Attempt>,
    unknown_may_be_there: bool,
    random: StdRng,
    tokens: u32,
    /// Acknowledged writes.
    pub(super) writes: usize,
}

enum Attempt {
    Create,
    Change(String, String),
    Remove(String),
}

impl Items {
    fn new(
        caller: Caller,
        collection: &'static str,
        pointer: &'static str,
        make: Make,
        patch: Make,
        random: StdRng,
    ) -> Self {
        Self {
            caller,
            over_edge3: false,
            collection,
            make,
            patch,
            pointer,
            most: 4,
            registers: None,
            listed: false,
            known: Vec::new(),
            gone: Vec::new(),
            attempt: None,
            unknown_may_be_there: false,
            random,
            tokens: 0,
            writes: 0,
        }
    }

    /// The registration of an EEC.
    pub(super) fn registration(id: &str, caller: Caller, collection: &'static str, random: StdRng) -> Self {
        let own = id.to_owned();
        let make = move |token: &str| json!({"eecId": own, "acProfs": [{"acId": token}]});
        let patch = |token: &str| json!({"acProfs": [{"acId": token}]});
        let items = Self::new(
            caller,
            collection,
            "/acProfs/0/acId",
            Box::new(make),
            Box::new(patch),
            random,
        );
        Self {
            most: 1,
            registers: Some(id.to_owned()),
            ..items
        }
    }

    /// Subscriptions of an EAS to the management of relocations.
    pub(super) fn management(id: &str, caller: Caller, never: &str, random: StdRng) -> Self {
        let (id, never, base) = (id.to_owned(), never.to_owned(), never.to_owned());
        let make = move |token: &str| act_start_stop(&id, &format!("{never}?{token}"));
        let patch = move |token: &str| json!({"notificationDestination": format!("{base}?{token}")});
        let items = Self::new(
            caller,
            ACR_MANAGEMENT,
            "/notificationDestination",
            Box::new(make),
            Box::new(patch),
            random,
        );
        Self {
            over_edge3: true,
            listed: true,
            ..items
        }
    }

    /// Subscriptions of an EEC to EASs.
    pub(super) fn discovery(id: &str, caller: Caller, never: &str, random: StdRng) -> Self {
        let (id, never) = (id.to_owned(), never.to_owned());
        let make = move |token: &str| status_of(&id, token, &never);
        let patch = |token: &str| json!({"easDynInfoFilter": {"dynInfoFilter": [{"eecId": token, "easStatus": true}]}});
        let pointer = "/easDynInfoFilter/dynInfoFilter/0/eecId";
        Self::new(
            caller,
            DISCOVERY_SUBSCRIPTIONS,
            pointer,
            Box::new(make),
            Box::new(patch),
            random,
        )
    }

    /// Subscriptions of an EEC to its relocations.
    pub(super) fn acr_events(id: &str, caller: Caller, never: &str, random: StdRng) -> Self {
        let (id, never) = (id.to_owned(), never.to_owned());
        let make = move |token: &str| json!({"eecId": id, "easIds": [token], "eventIds": "ACR_COMPLETE", "notificationDestination": never});
        let patch = |token: &str| json!({"easIds": [token]});
        Self::new(caller, ACR_EVENTS, "/easIds/0", Box::new(make), Box::new(patch), random)
    }

    fn at(&self, roots: &Roots) -> Caller {
        self.caller
            .at(if self.over_edge3 { &roots.edge3 } else { &roots.edge1 })
    }

    /// Writes until the server is gone.
    pub(super) async fn write(&mut self, roots: &Roots) {
        let caller = self.at(roots);
        while self.step(&caller).await.is_ok() {
            self.writes += 1;
            self.attempt = None;
        }
    }

    async fn step(&mut self, caller: &Caller) -> Result<(), String> {
        self.tokens += 1;
        let token = format!("token-{}", self.tokens);
        let (choice, n) = (
            self.random.random_range(0..4),
            self.random.random_range(0..self.known.len().max(1)),
        );
        if self.known.is_empty() || (choice == 0 && (self.known.len() < self.most || self.most == 1)) {
            self.attempt = Some(Attempt::Create);
            let answer = caller
                .try_call(Method::POST, self.collection, &(self.make)(&token))
                .await?;
            if self.most == 1 {
                self.gone.extend(self.known.drain(..).map(|(path, _)| path));
            }
            self.unknown_may_be_there &= self.most != 1;
            self.known.push((answer.created(), self.token_in(&answer)));
        } else if choice == 1 {
            let path = self.known[n].0.clone();
            self.attempt = Some(Attempt::Remove(path.clone()));
            caller.try_call(Method::DELETE, &path, &Value::Null).await?.done();
            self.gone.push(self.known.remove(n).0);
        } else {
            let path = self.known[n].0.clone();
            let patch = (self.patch)(&token);
            let expected = patch.pointer(self.pointer).unwrap().as_str().unwrap().to_owned();
            self.attempt = Some(Attempt::Change(path.clone(), expected));
            let answer = caller.try_call(Method::PATCH, &path, &patch).await?;
            answer.found();
            self.known[n].1 = self.token_in(&answer);
        }
        let surplus = self.gone.len().saturating_sub(REMEMBERED);
        self.gone.drain(..surplus);
        Ok(())
    }

    fn token_in(&self, answer: &Answer) -> String {
        let token = answer.body.pointer(self.pointer).and_then(Value::as_str);
        token
            .unwrap_or_else(|| panic!("nothing at {} in {}", self.pointer, answer.body))
            .to_owned()
    }

    /// Asserts that what was acknowledged is there, and that what was removed is not.
    pub(super) async fn check(&mut self, roots: &Roots) {
        let caller = self.at(roots);
        let attempt = self.attempt.take();
        let mut known = Vec::new();
        for (path, token) in std::mem::take(&mut self.known) {
            // An empty patch reads what has no GET.
            let answer = caller.patch(&path, &json!({})).await;
            if answer.status == StatusCode::NOT_FOUND {
                let excused = match &attempt {
                    Some(Attempt::Remove(removed)) => *removed == path,
                    // The new registration took the place of this one, and nobody heard its id.
                    Some(Attempt::Create) => self.most == 1,
                    _ => false,
                };
                assert!(excused, "{path} was acknowledged and is lost");
                self.unknown_may_be_there |= matches!(attempt, Some(Attempt::Create));
                self.gone.push(path);
                continue;
            }
            answer.found();
            let stored = self.token_in(&answer);
            let changed = matches!(&attempt, Some(Attempt::Change(changed, to)) if *changed == path && *to == stored);
            assert!(
                stored == token || changed,
                "{path} has {stored}, acknowledged was {token}"
            );
            known.push((path, stored));
        }
        self.known = known;
        if self.known.is_empty() && matches!(attempt, Some(Attempt::Create)) {
            self.unknown_may_be_there = true;
        }
        for path in &self.gone {
            let answer = caller.patch(path, &json!({})).await;
            assert_eq!(
                answer.status,
                StatusCode::NOT_FOUND,
                "{path} was removed and is back: {}",
                answer.body
            );
        }
        if self.listed {
            self.list_agrees(&caller, matches!(attempt, Some(Attempt::Create)))
                .await;
        }
        self.registration_agrees(&caller).await;
    }

    /// The list shows what was acknowledged and nothing else; one that nobody heard of is removed.
    async fn list_agrees(&mut self, caller: &Caller, one_more: bool) {
        let answer = caller.get(self.collection).await;
        let listed = answer.body.as_array().cloned().unwrap_or_default();
        let mut listed: Vec<String> = listed
            .iter()
            .map(|item| path_of(item["self"].as_str().unwrap()).to_owned())
            .collect();
        for (path, _) in &self.known {
            assert!(listed.contains(path), "{path} is not listed: {listed:?}");
            listed.retain(|other| other != path);
        }
        assert!(listed.len() <= usize::from(one_more), "nobody asked for {listed:?}");
        for unknown in listed {
            caller.delete(&unknown).await.done();
        }
    }

    /// An EEC may discover while it is registered, and not otherwise.
    async fn registration_agrees(&self, caller: &Caller) {
        let Some(eec_id) = &self.registers else { return };
        let answer = caller.post(DISCOVERY, &json!({"requestorId": {"eecId": eec_id}})).await;
        let registered = answer.status != StatusCode::FORBIDDEN;
        if !registered {
            answer.refused(403, "NOT_REGISTERED");
        }
        let expected = !self.known.is_empty();
        assert!(
            registered == expected || self.unknown_may_be_there,
            "{eec_id}: registered is {registered}: {}",
            answer.body
        );
    }
}
