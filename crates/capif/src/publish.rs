//! Publishing (TS 29.222 clause 5.3): a publishing function describes APIs of the exposing functions of its domain.

use crate::{
    caller::{Function, Proof, function_key},
    core_function::CoreFunction,
    events::{About, Event},
    routing::{Hiding, behind_entry_points},
    scope,
};
use aws_lc_rs::digest::{SHA256, digest};
use edgeapp_core::{
    collection::{Change, Changed},
    error::{Cause, Error, Kind},
    kept::Kept,
    patch::{self, PatchRules},
    room::{Decision, Seen, contended, fresh_id},
    store::Key,
};
use edgeapp_openapi::{
    capif::{
        DomainId, FunctionId, ServiceApiId,
        events::{CapifEvent, CapifEventDetail},
        features::publish_service::SERVED,
        provider_management::ApiProviderFuncRole,
        publish_service::ServiceApiDescription,
    },
    common::SupportedFeatures,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Keys of published APIs.
pub const APIS: &str = "capif/api/";
/// Which API an exposing function has under a name.
const NAMES: &str = "capif/api-name/";

const PATCH: PatchRules = PatchRules {
    changeable: &[
        "apiStatus",
        "aefProfiles",
        "description",
        "shareableInfo",
        "serviceAPICategory",
        "apiSuppFeats",
        "pubApiPath",
        "ccfId",
    ],
    clearable: &[
        "apiStatus",
        "description",
        "shareableInfo",
        "serviceAPICategory",
        "apiSuppFeats",
        "pubApiPath",
        "ccfId",
    ],
    fixed: &["apiName", "apiId"],
};

/// An API as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublishedApi {
    /// Who published it.
    pub apf_id: FunctionId,
    /// Of which domain that is.
    pub domain: DomainId,
    /// The description, as its publisher gets it.
    pub description: ServiceApiDescription,
}

impl PublishedApi {
    /// The API's identifier.
    pub fn id(&self) -> &str {
        self.description.api_id.as_ref().map_or("", ServiceApiId::as_str)
    }

    /// The exposing functions of the API.
    pub fn aef_ids(&self) -> BTreeSet<&str> {
        self.description
            .aef_profiles
            .iter()
            .map(|profile| profile.aef_id.as_str())
            .collect()
    }

    pub(crate) fn about(&self) -> About {
        About {
            api_ids: self.description.api_id.iter().cloned().collect(),
            api_invoker_ids: Vec::new(),
            aef_ids: self
                .description
                .aef_profiles
                .iter()
                .map(|profile| profile.aef_id.clone())
                .collect(),
        }
    }
}

/// The key of an API.
pub fn api_key(id: &str) -> Key {
    Key::from(format!("{APIS}{}", Key::part(id)))
}

fn name_key(aef_id: &str, api_name: &str) -> Key {
    Key::from(format!("{NAMES}{}/{}", Key::part(aef_id), Key::part(api_name)))
}

fn not_found() -> Error {
    Error::not_found("published API")
}

/// Pure: the identifier of an API. A publisher that withdraws an API and publishes one of this name again gets the same: security contexts,
/// revocations, policies and logs that name it stay true.
fn identifier(apf_id: &FunctionId, api_name: &str) -> String {
    let of = digest(&SHA256, format!("{apf_id}/{api_name}").as_bytes());
    of.as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Pure: what a description has to satisfy beyond its schema. `own` are the exposing functions of the publisher's domain.
///
/// # Errors
/// The member that is wrong, and why.
pub fn check(description: &ServiceApiDescription, own: &BTreeSet<String>) -> Result<(), Error> {
    let name = &description.api_name;
    if !scope::is_word(name) || name.contains('/') || name.len() > 128 {
        return Err(Error::mandatory_incorrect(
            "/apiName",
            "must be the part of a URI, of at most 128 characters, none of them out of # : , ; / or space",
        ));
    }
    if description.aef_profiles.is_empty() {
        return Err(Error::mandatory_missing(
            "/aefProfiles",
            "is mandatory when an API is published",
        ));
    }
    for (place, profile) in description.aef_profiles.iter().enumerate() {
        if !own.contains(profile.aef_id.as_str()) {
            return Err(Error::not_yours(
                &format!("/aefProfiles/{place}/aefId"),
                "AEF of the domain",
            ));
        }
        for (number, version) in profile.versions.iter().enumerate() {
            if version.api_version.is_empty() || version.api_version.contains('/') {
                let pointer = format!("/aefProfiles/{place}/versions/{number}/apiVersion");
                return Err(Error::mandatory_incorrect(
                    pointer,
                    "must be the part of a URI, such as v1",
                ));
            }
        }
    }
    if let Some(status) = &description.api_status {
        let known: BTreeSet<_> = description.aef_profiles.iter().map(|profile| &profile.aef_id).collect();
        if let Some(place) = status.aef_ids.iter().position(|id| !known.contains(id)) {
            let pointer = format!("/apiStatus/aefIds/{place}");
            return Err(Error::optional_incorrect(pointer, "is no AEF of the API"));
        }
    }
    Ok(())
}

/// Pure: the event of an API that appeared, changed or went away.
fn event(event: CapifEvent, api: &PublishedApi, hidden: &[Hiding]) -> Event {
    let detail = match event {
        CapifEvent::ServiceApiUpdate => CapifEventDetail {
            service_api_descriptions: vec![behind_entry_points(shown(&api.description, None), hidden)],
            ..CapifEventDetail::default()
        },
        _ => CapifEventDetail {
            api_ids: api.description.api_id.iter().cloned().collect(),
            ..CapifEventDetail::default()
        },
    };
    Event::told(event, detail, api.about())
}

/// Pure: a description as others than its publisher see it.
pub fn shown(description: &ServiceApiDescription, features: Option<SupportedFeatures>) -> ServiceApiDescription {
    ServiceApiDescription {
        shareable_info: None,
        supported_features: features,
        ..description.clone()
    }
}

impl CoreFunction {
    /// The publisher of this path, if that is who calls.
    async fn publisher(&self, proof: &Proof<'_>, apf_id: &FunctionId) -> Result<Function, Error> {
        let function = self.function(proof, &ApiProviderFuncRole::Apf).await?;
        if function.id != *apf_id {
            return Err(Error::not_yours("apfId", "APF"));
        }
        Ok(function)
    }

    /// The exposing functions of a domain, as they were seen.
    async fn exposing(&self, seen: &mut Seen, publisher: &Function) -> Result<BTreeSet<String>, Error> {
        let domain = self.domain(seen, &publisher.registration).await?;
        let mut own = BTreeSet::new();
        for id in &domain.functions {
            let kept: Option<Kept<Function>> = seen.kept(&function_key(id.as_str())).await?;
            own.extend(
                kept.filter(|kept| kept.value.role == ApiProviderFuncRole::Aef)
                    .map(|kept| kept.value.id.to_string()),
            );
        }
        Ok(own)
    }

    /// Publishes an API.
    ///
    /// # Errors
    /// When the caller is not that publisher, the description breaks a rule, or an exposing function has an API of that name already.
    pub async fn publish(
        &self,
        proof: &Proof<'_>,
        apf_id: &FunctionId,
        request: ServiceApiDescription,
    ) -> Result<(String, ServiceApiDescription), Error> {
        let publisher = self.publisher(proof, apf_id).await?;
        if request.api_id.is_some() {
            return Err(Error::optional_incorrect(
                "/apiId",
                "is given by the core function; leave it out",
            ));
        }
        for mut seen in self.room().attempts() {
            let own = self.exposing(&mut seen, &publisher).await?;
            check(&request, &own)?;
            let mut id = identifier(apf_id, &request.api_name);
            if seen.entry(&api_key(&id)).await?.is_some() {
                // The same name at other exposing functions.
                id = fresh_id();
                seen.fresh(&api_key(&id));
            }
            let mut description = request.clone();
            description.api_id = Some(id.parse().map_err(Error::internal)?);
            description.supported_features = request.supported_features.map(|offered| SERVED.common(&offered));
            let api = PublishedApi {
                apf_id: publisher.id.clone(),
                domain: publisher.domain.clone(),
                description,
            };
            let key = api_key(&id);
            let names = self.names(&mut seen, proof, &BTreeSet::new(), &api).await?;
            let mut decision = Decision::of(())
                .put(&key, &Kept::new(proof.principal, None, api.clone()))?
                .and(names)
                .tell(&event(CapifEvent::ServiceApiAvailable, &api, &self.rules().hiding))?;
            for hidden in self.hidden(&api, CapifEvent::ApiTopologyHidingCreated) {
                decision = decision.tell(&hidden)?;
            }
            if let Some(((), revision)) = self.room().commit(seen, decision).await? {
                self.follower().caught_up(revision).await;
                return Ok((id, api.description));
            }
        }
        Err(contended())
    }

    /// Takes the names of an API, and gives those back that it had before and has no more.
    async fn names(
        &self,
        seen: &mut Seen,
        proof: &Proof<'_>,
        before: &BTreeSet<String>,
        api: &PublishedApi,
    ) -> Result<Decision<()>, Error> {
        let mut decision = Decision::of(());
        let now: BTreeSet<String> = api.aef_ids().into_iter().map(str::to_owned).collect();
        for aef_id in now.difference(before) {
            let key = name_key(aef_id, &api.description.api_name);
            if seen.kept::<String>(&key).await?.is_some() {
                return Err(Error::forbidden(
                    Cause::ApiAlreadyPublished,
                    format!(
                        "{aef_id} exposes a published API of this name already: change that one, or withdraw it first"
                    ),
                ));
            }
            decision = decision.put(&key, &Kept::new(proof.principal, None, api.id().to_owned()))?;
        }
        for aef_id in before.difference(&now) {
            let key = name_key(aef_id, &api.description.api_name);
            seen.kept::<String>(&key).await?;
            decision = decision.delete(&key);
        }
        Ok(decision)
    }

    async fn own_api(seen: &mut Seen, publisher: &Function, id: &ServiceApiId) -> Result<Kept<PublishedApi>, Error> {
        let kept: Option<Kept<PublishedApi>> = seen.kept(&api_key(id.as_str())).await?;
        kept.filter(|kept| kept.value.apf_id == publisher.id)
            .ok_or_else(not_found)
    }

    /// The APIs of a publisher.
    ///
    /// # Errors
    /// When the caller is not that publisher.
    pub async fn published(&self, proof: &Proof<'_>, apf_id: &FunctionId) -> Result<Vec<ServiceApiDescription>, Error> {
        let publisher = self.publisher(proof, apf_id).await?;
        Ok(self.catalogue().of_publisher(publisher.id.as_str()))
    }

    /// One API of a publisher.
    ///
    /// # Errors
    /// When the caller is not that publisher, or it has no such API.
    pub async fn published_api(
        &self,
        proof: &Proof<'_>,
        apf_id: &FunctionId,
        id: &ServiceApiId,
    ) -> Result<ServiceApiDescription, Error> {
        let publisher = self.publisher(proof, apf_id).await?;
        Ok(Self::own_api(&mut self.room().look(), &publisher, id)
            .await?
            .value
            .description)
    }

    /// Changes the description of an API.
    ///
    /// # Errors
    /// As [`CoreFunction::publish`]; when there is no such API, or its name would change.
    pub async fn change_api(
        &self,
        proof: &Proof<'_>,
        apf_id: &FunctionId,
        id: &ServiceApiId,
        change: &Change<ServiceApiDescription>,
    ) -> Result<Changed<ServiceApiDescription>, Error> {
        let publisher = self.publisher(proof, apf_id).await?;
        for mut seen in self.room().attempts() {
            let kept = Self::own_api(&mut seen, &publisher, id).await?;
            let before = &kept.value;
            let mut next = match change {
                Change::Replace(next) => next.clone(),
                Change::Patch(patch) => patch::apply(&before.description, patch, &PATCH)?,
            };
            if next.api_name != before.description.api_name {
                return Err(Error::not_changeable("/apiName"));
            }
            if next.api_id.as_ref().is_some_and(|named| named != id) {
                return Err(Error::not_changeable("/apiId"));
            }
            next.api_id = Some(id.clone());
            next.supported_features = match next.supported_features {
                Some(offered) => Some(SERVED.common(&offered)),
                None => before.description.supported_features,
            };
            let own = self.exposing(&mut seen, &publisher).await?;
            check(&next, &own)?;
            let had: BTreeSet<String> = before.aef_ids().into_iter().map(str::to_owned).collect();
            let api = PublishedApi {
                description: next,
                ..before.clone()
            };
            let names = self.names(&mut seen, proof, &had, &api).await?;
            let mut decision = Decision::of(())
                .put(
                    &api_key(id.as_str()),
                    &Kept {
                        value: api.clone(),
                        ..kept
                    },
                )?
                .and(names)
                .tell(&event(CapifEvent::ServiceApiUpdate, &api, &self.rules().hiding))?;
            for hidden in self.hidden(&api, CapifEvent::ApiTopologyHidingCreated) {
                decision = decision.tell(&hidden)?;
            }
            if let Some(((), revision)) = self.room().commit(seen, decision).await? {
                self.follower().caught_up(revision).await;
                return Ok(Changed {
                    value: api.description,
                    revision,
                });
            }
        }
        Err(contended())
    }

    /// Withdraws an API.
    ///
    /// # Errors
    /// When the caller is not its publisher, or there is no such API.
    pub async fn withdraw(&self, proof: &Proof<'_>, apf_id: &FunctionId, id: &ServiceApiId) -> Result<(), Error> {
        let publisher = self.publisher(proof, apf_id).await?;
        for mut seen in self.room().attempts() {
            Self::own_api(&mut seen, &publisher, id).await?;
            let decision = self.withdrawal(&mut seen, id.as_str()).await?;
            if let Some(((), revision)) = self.room().commit(seen, decision).await? {
                self.follower().caught_up(revision).await;
                return Ok(());
            }
        }
        Err(contended())
    }

    /// What the withdrawal of an API changes; nothing when there is none.
    pub(crate) async fn withdrawal(&self, seen: &mut Seen, id: &str) -> Result<Decision<()>, Error> {
        let key = api_key(id);
        let Some(kept) = seen.kept::<PublishedApi>(&key).await? else {
            return Ok(Decision::of(()));
        };
        let api = kept.value;
        let mut decision = Decision::of(()).delete(&key).tell(&event(
            CapifEvent::ServiceApiUnavailable,
            &api,
            &self.rules().hiding,
        ))?;
        for hidden in self.hidden(&api, CapifEvent::ApiTopologyHidingRevoked) {
            decision = decision.tell(&hidden)?;
        }
        for aef_id in api.aef_ids() {
            let name = name_key(aef_id, &api.description.api_name);
            seen.kept::<String>(&name).await?;
            decision = decision.delete(&name);
        }
        Ok(decision)
    }
}

/// The refusal of an API that nobody published, where the caller may know that.
pub(crate) fn unknown_api(param: &str) -> Error {
    Error::new(
        Kind::NotFound,
        Cause::ResourceNotFound,
        format!("{param}: there is no such published API"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(text: &str) -> ServiceApiDescription {
        let text = text.replace(
            "VERSIONS",
            r#""versions": [{"apiVersion": "v1"}], "domainName": "ees.example""#,
        );
        serde_json::from_str(&text).expect("a description")
    }

    #[test]
    fn a_description_names_its_own_exposing_functions() {
        let own: BTreeSet<String> = ["AEF1".to_owned()].into();
        let verdict =
            |text: &str| check(&description(text), &own).map_err(|error| (error.cause, error.invalid[0].param.clone()));
        assert_eq!(
            verdict(r#"{"apiName": "a", "aefProfiles": [{"aefId": "AEF1", VERSIONS}]}"#),
            Ok(())
        );
        for (text, cause, pointer) in [
            (r#"{"apiName": "a"}"#, Cause::MandatoryIeMissing, "/aefProfiles"),
            (
                r#"{"apiName": "a", "aefProfiles": [{"aefId": "AEF2", VERSIONS}]}"#,
                Cause::OwnerMismatch,
                "/aefProfiles/0/aefId",
            ),
            (
                r#"{"apiName": "a:b", "aefProfiles": [{"aefId": "AEF1", VERSIONS}]}"#,
                Cause::MandatoryIeIncorrect,
                "/apiName",
            ),
            (
                r#"{"apiName": "a", "aefProfiles": [{"aefId": "AEF1", VERSIONS}], "apiStatus": {"aefIds": ["AEF3"]}}"#,
                Cause::OptionalIeIncorrect,
                "/apiStatus/aefIds/0",
            ),
        ] {
            assert_eq!(verdict(text), Err((cause, pointer.to_owned())), "{text}");
        }
    }
}
