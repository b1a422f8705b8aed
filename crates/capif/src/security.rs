//! Security contexts (TS 29.222 clause 5.6): which method an invoker uses with which exposing function, and the end of it.
//!
//! Methods PKI and OAUTH are offered. PSK is not: its keys are derived from session identifiers and master secrets of TLS 1.2, which TLS
//! 1.3 has not.

use crate::{
    caller::{Proof, invoker_key},
    core_function::CoreFunction,
    events::{About, Event},
    publish::PublishedApi,
    scope::Scope,
};
use edgeapp_core::{
    error::{Cause as Why, Error},
    evidence::{SecurityEvent, SecurityEventKind},
    kept::Kept,
    principal::Principal,
    room::{Decision, Seen, contended},
    store::Key,
};
use edgeapp_openapi::{
    capif::{
        ApiInvokerId, ServiceApiId,
        events::{CapifEvent, CapifEventDetail},
        features::security::SERVED,
        provider_management::ApiProviderFuncRole,
        publish_service::{AefProfile, SecurityMethod},
        security::{Cause, OAuthGrantType, SecurityInformation, SecurityNotification, ServiceSecurity},
    },
    common::{DateTime, Uri},
    features::NOTIFICATION_TEST_EVENT,
};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// By how much a token can outlive its time where clocks differ, in seconds.
const CLOCKS: i64 = 60;

/// Keys of security contexts.
pub const CONTEXTS: &str = "capif/context/";

/// What the core function and an invoker agreed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// The methods.
    pub security: ServiceSecurity,
    /// Names of APIs that were taken back, of each exposing function. By name: an API that is published anew is the same to its invokers.
    #[serde(default)]
    pub revoked: BTreeMap<String, BTreeSet<String>>,
    /// What a context before this one let the invoker call, while tokens from then can live.
    #[serde(default)]
    pub formerly: Vec<Former>,
    /// How it ended. It is as if it were not there, but what was taken back is remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
}

/// What a context let its invoker call before it was replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Former {
    /// What.
    pub grant: Grant,
    /// When the last token of then is past its time.
    pub until: DateTime,
}

/// How a context ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Ended {
    /// Exposing functions took back all that was left: the invoker may agree on something else.
    TakenBack,
    /// An operator took everything back: the invoker gets no other context.
    Barred,
}

/// The key of an invoker's context.
pub fn context_key(id: &str) -> Key {
    Key::from(format!("{CONTEXTS}{}", Key::part(id)))
}

fn not_found() -> Error {
    Error::not_found("security context")
}

/// An API that a context lets an invoker call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// The exposing function.
    pub aef_id: String,
    /// The name of the API.
    pub api_name: String,
    /// Its identifier.
    pub api_id: String,
    /// How.
    pub method: String,
}

/// The profiles that an entry of a context is about, each with the methods that count there.
fn meant<'a>(
    entry: &'a SecurityInformation,
    catalogue: &'a [Arc<PublishedApi>],
) -> impl Iterator<Item = (&'a PublishedApi, &'a AefProfile, &'a [SecurityMethod])> {
    let of_api = catalogue.iter().filter(|api| {
        entry
            .api_id
            .as_ref()
            .is_none_or(|wanted| api.description.api_id.as_ref() == Some(wanted))
    });
    of_api.flat_map(move |api| {
        api.description.aef_profiles.iter().filter_map(move |profile| {
            let of_profile = profile.security_methods.as_slice();
            if let Some(wanted) = &entry.interface_details {
                let interface = profile
                    .interface_descriptions
                    .iter()
                    .find(|interface| interface.is_at(wanted))?;
                let own = interface.security_methods.as_slice();
                return Some((&**api, profile, if own.is_empty() { of_profile } else { own }));
            }
            (entry.aef_id.as_ref() == Some(&profile.aef_id)).then_some((&**api, profile, of_profile))
        })
    })
}

/// Pure: the methods for each entry of a request. An entry without a common method has none.
///
/// # Errors
/// When an entry is about something that is not published, or wants nothing but PSK.
pub fn negotiate(request: &ServiceSecurity, catalogue: &[Arc<PublishedApi>]) -> Result<ServiceSecurity, Error> {
    let mut agreed = request.clone();
    for (place, entry) in agreed.security_info.iter_mut().enumerate() {
        let pointer = |member: &str| format!("/securityInfo/{place}/{member}");
        if entry
            .pref_security_methods
            .iter()
            .all(|method| *method == SecurityMethod::Psk)
        {
            return Err(Error::mandatory_incorrect(
                pointer("prefSecurityMethods"),
                "PSK is not offered: its keys come from TLS 1.2 sessions, which have no counterpart in TLS 1.3; ask for OAUTH or PKI",
            ));
        }
        let domains: BTreeSet<&str> = meant(entry, catalogue).map(|(api, _, _)| api.domain.as_str()).collect();
        // Whoever publishes at an interface of others must not change what is agreed on with them.
        if domains.len() > 1 {
            return Err(Error::mandatory_incorrect(
                pointer("interfaceDetails"),
                "several API providers publish at this interface: name the one that is meant by its aefId",
            ));
        }
        let offers: Vec<&[SecurityMethod]> = meant(entry, catalogue).map(|(_, _, methods)| methods).collect();
        if offers.is_empty() {
            let member = match (&entry.aef_id, &entry.api_id) {
                (_, Some(_)) => "apiId",
                (Some(_), None) => "aefId",
                (None, None) => "interfaceDetails",
            };
            return Err(Error::mandatory_incorrect(
                pointer(member),
                "nothing is published there",
            ));
        }
        let common = |method: &&SecurityMethod| {
            matches!(method, SecurityMethod::Oauth | SecurityMethod::Pki)
                && offers.iter().all(|methods| methods.contains(method))
        };
        entry.sel_security_method = entry.pref_security_methods.iter().find(common).cloned();
        entry.authentication_info = None;
        entry.authorization_info = None;
        entry.grant_type = match entry.sel_security_method {
            Some(SecurityMethod::Oauth) => vec![OAuthGrantType::ClientCredentials],
            _ => Vec::new(),
        };
    }
    agreed.supported_features = request.supported_features.map(|offered| SERVED.common(&offered));
    agreed.websock_notif_config = None;
    agreed.request_test_notification &= agreed
        .supported_features
        .is_some_and(|common| common.has(NOTIFICATION_TEST_EVENT));
    Ok(agreed)
}

/// Pure: what a context lets its invoker call, as things are published now.
pub fn grants(context: &Context, catalogue: &[Arc<PublishedApi>]) -> BTreeSet<Grant> {
    let mut granted = BTreeSet::new();
    for entry in &context.security.security_info {
        let Some(method) = &entry.sel_security_method else {
            continue;
        };
        for (api, profile, methods) in meant(entry, catalogue) {
            let revoked = context.revoked.get(profile.aef_id.as_str());
            let revoked = revoked.is_some_and(|apis| apis.contains(&api.description.api_name));
            // What the provider offers no more needs another negotiation.
            if !revoked && methods.contains(method) {
                granted.insert(Grant {
                    aef_id: profile.aef_id.to_string(),
                    api_name: api.description.api_name.clone(),
                    api_id: api.id().to_owned(),
                    method: method.to_string(),
                });
            }
        }
    }
    granted
}

/// Pure: the scope of all grants of this method.
pub fn scope_of<'a>(grants: impl IntoIterator<Item = &'a Grant>, method: &SecurityMethod) -> Scope {
    let mut scope = Scope::default();
    for grant in grants.into_iter().filter(|grant| grant.method == method.as_str()) {
        scope.add(&grant.aef_id, &grant.api_name);
    }
    scope
}

impl CoreFunction {
    pub(crate) async fn context(&self, id: &ApiInvokerId) -> Result<Option<Kept<Context>>, Error> {
        // An enrolment that has lapsed has none any more, whether or not that was swept already.
        let enrolled: Option<Kept<crate::caller::Invoker>> = self.room().read(&invoker_key(id.as_str())).await?;
        let kept: Option<Kept<Context>> = self.room().read(&context_key(id.as_str())).await?;
        Ok(kept.filter(|kept| enrolled.is_some() && kept.value.ended.is_none()))
    }

    /// The APIs that entries of a context can be about.
    pub(crate) fn apis_meant(&self, security: &ServiceSecurity) -> Vec<Arc<PublishedApi>> {
        let mut all: BTreeMap<String, Arc<PublishedApi>> = BTreeMap::new();
        for entry in &security.security_info {
            let apis = match (&entry.api_id, &entry.aef_id) {
                (Some(id), _) => self.api(id.as_str()).into_iter().collect(),
                (None, Some(aef_id)) => self.catalogue().of_aef(aef_id.as_str()),
                (None, None) => self.catalogue().all(),
            };
            all.extend(apis.into_iter().map(|api| (api.id().to_owned(), api)));
        }
        all.into_values().collect()
    }

    /// Agrees on methods with an invoker, in place of what was agreed on before, or only if something was (`update`).
    ///
    /// # Errors
    /// When the context is not the caller's, or the request breaks a rule.
    pub async fn agree(
        &self,
        proof: &Proof<'_>,
        id: &ApiInvokerId,
        request: &ServiceSecurity,
        update: bool,
    ) -> Result<ServiceSecurity, Error> {
        let invoker = self.invoker(proof).await?;
        if invoker.id != *id {
            return Err(Error::not_yours("apiInvokerId", "API invoker identifier"));
        }
        self.rules()
            .callbacks
            .check_listed(&request.notification_destination, "/notificationDestination")?;
        let security = negotiate(request, &self.apis_meant(request))?;
        let key = context_key(id.as_str());
        for mut seen in self.room().attempts() {
            let before: Option<Kept<Context>> = seen.kept(&key).await?;
            let is_there = before.as_ref().is_some_and(|kept| kept.value.ended.is_none());
            if update && !is_there {
                return Err(not_found());
            }
            if before
                .as_ref()
                .is_some_and(|kept| kept.value.ended == Some(Ended::Barred))
            {
                return Err(Error::forbidden(
                    Why::Unauthorized,
                    "an operator took back everything from this API invoker: it has to be onboarded anew, with a new credential",
                ));
            }
            // An invoker that was offboarded meanwhile gets no context.
            let enrolled: Option<Kept<crate::caller::Invoker>> = seen.kept(&invoker_key(id.as_str())).await?;
            if enrolled.is_none() {
                return Err(not_found());
            }
            let before = before.map(|kept| kept.value);
            let formerly = before
                .as_ref()
                .map(|before| self.formerly(before, seen.now()))
                .unwrap_or_default();
            let context = Context {
                security: security.clone(),
                // What was taken back does not come again by asking again.
                revoked: before.map(|before| before.revoked).unwrap_or_default(),
                formerly,
                ended: None,
            };
            let mut decision = Decision::of(()).put(&key, &Kept::new(proof.principal, None, context))?;
            if security.request_test_notification {
                decision = decision.tell(&Event::test(&security.notification_destination, key.as_str()))?;
            }
            if self.room().commit(seen, decision).await?.is_some() {
                return Ok(security);
            }
        }
        Err(contended())
    }

    /// What an invoker can still have tokens for once this context is replaced.
    fn formerly(&self, before: &Context, now: DateTime) -> Vec<Former> {
        let until = DateTime(now.0 + SignedDuration::from_secs(i64::from(self.rules().token_lifetime) + CLOCKS));
        let granted = match before.ended {
            Some(_) => BTreeSet::new(),
            None => grants(before, &self.apis_meant(&before.security)),
        };
        let older = before
            .formerly
            .iter()
            .filter(|former| now < former.until && !granted.contains(&former.grant));
        let mut formerly: Vec<Former> = older.cloned().collect();
        formerly.extend(granted.into_iter().map(|grant| Former { grant, until }));
        formerly
    }

    /// What an invoker can call now: what its context grants, and what tokens from before that are good for.
    fn callable(&self, context: &Context, now: DateTime) -> BTreeSet<Grant> {
        let mut callable = grants(context, &self.apis_meant(&context.security));
        let formerly = context.formerly.iter().filter(|former| now < former.until);
        callable.extend(formerly.map(|former| former.grant.clone()));
        callable
    }

    /// What an exposing function has to know of an invoker: the entries that are about it, with what was asked for.
    ///
    /// `authenticationInfo` is the root of the invoker's certificate in PEM, `authorizationInfo` the scope that the invoker has there.
    ///
    /// # Errors
    /// When the caller is no exposing function, or the invoker has no context that is about it.
    pub async fn trusted(
        &self,
        proof: &Proof<'_>,
        id: &ApiInvokerId,
        authentication: bool,
        authorization: bool,
    ) -> Result<ServiceSecurity, Error> {
        let aef = self.function(proof, &ApiProviderFuncRole::Aef).await?;
        let context = self.context(id).await?.ok_or_else(not_found)?.value;
        let catalogue = self.catalogue().of_aef(aef.id.as_str());
        let granted = grants(&context, &catalogue);
        let mut told = context.security.clone();
        told.security_info.retain_mut(|entry| {
            let is_about = meant(entry, &catalogue).any(|(_, profile, _)| profile.aef_id == aef.id);
            if is_about && authentication {
                entry.authentication_info = Some(self.authority().pem().to_owned());
            }
            if is_about
                && authorization
                && let Some(method) = &entry.sel_security_method
            {
                let here = granted.iter().filter(|grant| grant.aef_id == aef.id.as_str());
                let scope = scope_of(here, method);
                entry.authorization_info = (!scope.is_empty()).then(|| scope.to_string());
            }
            is_about
        });
        match told.security_info.is_empty() {
            true => Err(not_found()),
            false => Ok(told),
        }
    }

    /// An exposing function takes back what an invoker may do with these of its APIs, or with all of them.
    ///
    /// Only what is its own is taken back: entries of a context that are about other functions stay. When nothing is left of a context
    /// whose authorizations all were taken back, it is gone; what was taken back is remembered, whoever takes back what else there was.
    ///
    /// # Errors
    /// When the caller is no exposing function, the invoker has no context that is about it, or an API is not one of its own.
    pub async fn take_back(
        &self,
        proof: &Proof<'_>,
        id: &ApiInvokerId,
        request: Option<&SecurityNotification>,
    ) -> Result<(), Error> {
        let aef = self.function(proof, &ApiProviderFuncRole::Aef).await?;
        if let Some(request) = request {
            if request.api_invoker_id != *id {
                return Err(Error::mandatory_incorrect(
                    "/apiInvokerId",
                    "is not the invoker of the path",
                ));
            }
            if request.aef_id.as_ref().is_some_and(|named| *named != aef.id) {
                return Err(Error::not_yours("/aefId", "AEF identifier"));
            }
        }
        let catalogue = self.catalogue().of_aef(aef.id.as_str());
        let all: BTreeSet<ServiceApiId> = catalogue
            .iter()
            .filter_map(|api| api.description.api_id.clone())
            .collect();
        let (apis, cause) = match request {
            None => (all.clone(), Cause::UnexpectedReason),
            Some(request) => {
                if let Some(place) = request.api_ids.iter().position(|id| !all.contains(id)) {
                    return Err(Error::mandatory_incorrect(
                        format!("/apiIds/{place}"),
                        "is no API of the caller",
                    ));
                }
                (request.api_ids.iter().cloned().collect(), request.cause.clone())
            }
        };
        self.revoke(id, Some(aef.id.as_str()), &apis, &cause, request.is_none(), true)
            .await?;
        self.revoked(proof.principal, id);
        Ok(())
    }

    /// An operator takes back what an invoker may do, at all exposing functions, which are told. The invoker gets no other context: it has to
    /// be onboarded anew.
    ///
    /// # Errors
    /// When the invoker never had a context.
    pub async fn revoke_all(&self, by: &Principal, id: &ApiInvokerId) -> Result<(), Error> {
        self.revoke(id, None, &BTreeSet::new(), &Cause::UnexpectedReason, true, false)
            .await?;
        self.revoked(by, id);
        Ok(())
    }

    fn revoked(&self, by: &Principal, id: &ApiInvokerId) {
        let event = SecurityEvent::new(
            SecurityEventKind::TokenRevoked,
            "authorizations of an API invoker were taken back",
        );
        self.remember(event.by(by.owner()).about(format!("API invoker {id}")));
    }

    async fn revoke(
        &self,
        id: &ApiInvokerId,
        aef_id: Option<&str>,
        apis: &BTreeSet<ServiceApiId>,
        cause: &Cause,
        whole: bool,
        by_aef: bool,
    ) -> Result<(), Error> {
        let key = context_key(id.as_str());
        for mut seen in self.room().attempts() {
            let kept: Option<Kept<Context>> = seen.kept(&key).await?;
            let kept = kept
                .filter(|kept| kept.value.ended.is_none() || aef_id.is_none())
                .ok_or_else(not_found)?;
            let now = seen.now();
            let catalogue = self.apis_meant(&kept.value.security);
            let callable = self.callable(&kept.value, now);
            let is_meant = |aef: &str| {
                let entries = kept.value.security.security_info.iter();
                callable.iter().any(|grant| grant.aef_id == aef)
                    || entries
                        .flat_map(|entry| meant(entry, &catalogue))
                        .any(|(_, profile, _)| profile.aef_id.as_str() == aef)
            };
            if aef_id.is_some_and(|aef_id| !is_meant(aef_id)) {
                return Err(not_found());
            }
            let mut context = kept.value.clone();
            let mut lost: BTreeMap<String, BTreeSet<ServiceApiId>> = BTreeMap::new();
            for grant in callable {
                let api: ServiceApiId = grant.api_id.parse().map_err(Error::internal)?;
                let hit =
                    aef_id.is_none_or(|wanted| wanted == grant.aef_id) && (aef_id.is_none() || apis.contains(&api));
                if hit {
                    context.formerly.retain(|former| former.grant != grant);
                    let revoked = context.revoked.entry(grant.aef_id.clone()).or_default();
                    revoked.insert(grant.api_name);
                    lost.entry(grant.aef_id).or_default().insert(api);
                }
            }
            // Also what it could get: an API that is named is taken back whether or not it is granted now.
            if let Some(aef_id) = aef_id {
                let own = self.catalogue().of_aef(aef_id);
                let named = own
                    .iter()
                    .filter(|api| api.description.api_id.as_ref().is_some_and(|id| apis.contains(id)))
                    .map(|api| api.description.api_name.clone());
                context.revoked.entry(aef_id.to_owned()).or_default().extend(named);
                if by_aef && lost.is_empty() {
                    lost.insert(aef_id.to_owned(), apis.clone());
                }
            }
            if aef_id.is_none() {
                context.ended = Some(Ended::Barred);
            } else if whole && grants(&context, &catalogue).is_empty() {
                context.ended = Some(Ended::TakenBack);
            }
            let next = Kept {
                value: context,
                ..kept.clone()
            };
            let mut decision = Decision::of(()).put(&key, &next)?;
            for (aef, apis) in lost {
                decision = self.told_of(decision, id, &aef, &apis, cause, &kept.value.security, by_aef)?;
            }
            if self.room().commit(seen, decision).await?.is_some() {
                return Ok(());
            }
        }
        Err(contended())
    }

    /// What the end of an invoker's context is told to the exposing functions that it could use.
    pub(crate) async fn end_of_context(&self, seen: &mut Seen, id: &ApiInvokerId) -> Result<Decision<()>, Error> {
        let mut decision = Decision::of(());
        let kept: Option<Kept<Context>> = seen.kept(&context_key(id.as_str())).await?;
        let Some(kept) = kept else { return Ok(decision) };
        let mut lost: BTreeMap<String, BTreeSet<ServiceApiId>> = BTreeMap::new();
        for grant in self.callable(&kept.value, seen.now()) {
            let api = grant.api_id.parse().map_err(Error::internal)?;
            lost.entry(grant.aef_id).or_default().insert(api);
        }
        for (aef, apis) in lost {
            let cause = Cause::UnexpectedReason;
            decision = self.told_of(decision, id, &aef, &apis, &cause, &kept.value.security, false)?;
        }
        Ok(decision)
    }

    /// Tells of a revocation: the invoker, the exposing function unless it was its own wish, and who subscribed.
    #[allow(clippy::too_many_arguments)]
    fn told_of(
        &self,
        decision: Decision<()>,
        id: &ApiInvokerId,
        aef_id: &str,
        apis: &BTreeSet<ServiceApiId>,
        cause: &Cause,
        security: &ServiceSecurity,
        by_aef: bool,
    ) -> Result<Decision<()>, Error> {
        if apis.is_empty() {
            return Ok(decision);
        }
        let aef = aef_id.parse().map_err(Error::internal)?;
        let notification = SecurityNotification {
            api_invoker_id: id.clone(),
            aef_id: Some(aef),
            api_ids: apis.iter().cloned().collect(),
            cause: cause.clone(),
        };
        let to_aef = if by_aef { None } else { self.address_of(aef_id) };
        let about = About {
            api_ids: notification.api_ids.clone(),
            api_invoker_ids: vec![id.clone()],
            aef_ids: notification.aef_id.iter().cloned().collect(),
        };
        let detail = CapifEventDetail {
            api_ids: notification.api_ids.clone(),
            api_invoker_ids: vec![id.clone()],
            ..CapifEventDetail::default()
        };
        decision
            .tell(&Event::Revoked {
                notification,
                to_invoker: security.notification_destination.clone(),
                to_aef,
            })?
            .tell(&Event::told(CapifEvent::ApiInvokerAuthorizationRevoked, detail, about))
    }

    /// Where an exposing function takes revocations: the AEF security API beside its published ones.
    fn address_of(&self, aef_id: &str) -> Option<Uri> {
        let apis = self.catalogue().of_aef(aef_id);
        let mut profiles = apis.iter().flat_map(|api| &api.description.aef_profiles);
        let profile = profiles.find(|profile| profile.aef_id.as_str() == aef_id)?;
        let root = match (&profile.domain_name, profile.interface_descriptions.first()) {
            (Some(name), _) => format!("https://{name}"),
            (None, Some(interface)) => interface.api_root(),
            (None, None) => return None,
        };
        format!("{root}/aef-security/v1/revoke-authorization").parse().ok()
    }

    /// The grants of an invoker, for whoever asks on its behalf.
    ///
    /// # Errors
    /// When it has no context.
    pub(crate) async fn granted(&self, id: &ApiInvokerId) -> Result<BTreeSet<Grant>, Error> {
        let context = self.context(id).await?.ok_or_else(not_found)?.value;
        Ok(grants(&context, &self.apis_meant(&context.security)))
    }
}

/// Whether a refusal says that there is no context.
pub(crate) fn is_no_context(error: &Error) -> bool {
    error.cause == Why::ResourceNotFound
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn catalogue(methods: &str) -> Vec<Arc<PublishedApi>> {
        let api = |name: &str, id: &str, aef: &str| {
            let description = format!(
                r#"{{"apiName": "{name}", "apiId": "{id}", "aefProfiles": [{{"aefId": "{aef}", "securityMethods": {methods},
                    "versions": [{{"apiVersion": "v1"}}], "interfaceDescriptions": [{{"fqdn": "ees.example", "port": 443}},
                    {{"ipv4Addr": "192.0.2.1", "securityMethods": ["PKI"]}}]}}]}}"#
            );
            Arc::new(PublishedApi {
                apf_id: "APF1".parse().expect("an identifier"),
                domain: "d".parse().expect("an identifier"),
                description: serde_json::from_str(&description).expect("a description"),
            })
        };
        vec![
            api("one", "1", "AEF1"),
            api("two", "2", "AEF1"),
            api("three", "3", "AEF2"),
        ]
    }

    fn request(info: &str) -> ServiceSecurity {
        let text = format!(r#"{{"securityInfo": [{info}], "notificationDestination": "https://eas.example/n"}}"#);
        serde_json::from_str(&text).expect("a request")
    }

    fn chosen(info: &str, methods: &str) -> Option<String> {
        let agreed = negotiate(&request(info), &catalogue(methods)).expect("agreed");
        agreed.security_info[0]
            .sel_security_method
            .as_ref()
            .map(ToString::to_string)
    }

    #[test]
    fn the_invoker_prefers_the_provider_offers() {
        let both = r#"["OAUTH", "PKI"]"#;
        assert_eq!(
            chosen(r#"{"aefId": "AEF1", "prefSecurityMethods": ["PKI", "OAUTH"]}"#, both).as_deref(),
            Some("PKI")
        );
        let psk = r#"{"aefId": "AEF1", "prefSecurityMethods": ["PSK", "OAUTH"]}"#;
        assert_eq!(chosen(psk, r#"["PSK", "OAUTH"]"#).as_deref(), Some("OAUTH"));
        assert_eq!(
            chosen(r#"{"aefId": "AEF1", "prefSecurityMethods": ["PKI"]}"#, r#"["OAUTH"]"#),
            None
        );
        // The methods of an interface count before those of the profile.
        let interface = r#"{"interfaceDetails": {"ipv4Addr": "192.0.2.1"}, "prefSecurityMethods": ["OAUTH", "PKI"]}"#;
        assert_eq!(chosen(interface, both).as_deref(), Some("PKI"));
    }

    #[test]
    fn what_cannot_be_agreed_on_says_why() {
        let why = |info: &str| {
            let error = negotiate(&request(info), &catalogue(r#"["OAUTH"]"#)).expect_err("refused");
            error.invalid[0].param.clone()
        };
        assert_eq!(
            why(r#"{"aefId": "AEF1", "prefSecurityMethods": ["PSK"]}"#),
            "/securityInfo/0/prefSecurityMethods"
        );
        assert_eq!(
            why(r#"{"aefId": "AEF9", "prefSecurityMethods": ["OAUTH"]}"#),
            "/securityInfo/0/aefId"
        );
        assert_eq!(
            why(r#"{"aefId": "AEF1", "apiId": "3", "prefSecurityMethods": ["OAUTH"]}"#),
            "/securityInfo/0/apiId"
        );
        // Another provider publishes at the same interface, with nothing but PSK.
        let mut beside = catalogue(r#"["OAUTH"]"#);
        beside.push(Arc::new(PublishedApi {
            domain: "e".parse().expect("an identifier"),
            ..PublishedApi::clone(&catalogue(r#"["PSK"]"#)[0])
        }));
        let there = r#"{"interfaceDetails": {"fqdn": "ees.example", "port": 443}, "prefSecurityMethods": ["OAUTH"]}"#;
        let error = negotiate(&request(there), &beside).expect_err("two may be meant");
        assert_eq!(error.invalid[0].param, "/securityInfo/0/interfaceDetails");
    }

    fn context(info: &str) -> Context {
        Context {
            security: negotiate(&request(info), &catalogue(r#"["OAUTH"]"#)).expect("agreed"),
            revoked: BTreeMap::new(),
            formerly: Vec::new(),
            ended: None,
        }
    }

    #[test]
    fn a_context_grants_what_it_is_about_and_nothing_that_was_taken_back() {
        let scope = |context: &Context| {
            scope_of(&grants(context, &catalogue(r#"["OAUTH"]"#)), &SecurityMethod::Oauth).to_string()
        };
        let mut whole = context(r#"{"aefId": "AEF1", "prefSecurityMethods": ["OAUTH"]}"#);
        assert_eq!(scope(&whole), "3gpp#AEF1:one,two");
        whole
            .revoked
            .entry("AEF1".to_owned())
            .or_default()
            .insert("two".to_owned());
        assert_eq!(scope(&whole), "3gpp#AEF1:one");
        let one = context(r#"{"aefId": "AEF1", "apiId": "2", "prefSecurityMethods": ["OAUTH"]}"#);
        assert_eq!(scope(&one), "3gpp#AEF1:two");
        // The provider offers another method now: it has to be agreed on again.
        assert!(grants(&one, &catalogue(r#"["PKI"]"#)).is_empty());
    }

    proptest! {
        /// The chosen method is one that both name, and the first such of the invoker.
        #[test]
        fn a_method_is_common_and_the_dearest(
            prefers in prop::sample::subsequence(vec!["PSK", "PKI", "OAUTH", "NEW"], 1..=4).prop_shuffle(),
            offers in prop::sample::subsequence(vec!["PSK", "PKI", "OAUTH", "NEW"], 1..=4),
        ) {
            let list = |words: &[&str]| serde_json::to_string(words).expect("JSON");
            let info = format!(r#"{{"aefId": "AEF2", "prefSecurityMethods": {}}}"#, list(&prefers));
            let agreed = negotiate(&request(&info), &catalogue(&list(&offers)));
            if prefers == ["PSK"] {
                prop_assert!(agreed.is_err());
            } else {
                let wanted = prefers.iter().find(|method| ["PKI", "OAUTH"].contains(method) && offers.contains(method));
                let agreed = agreed.expect("agreed");
                let chosen = agreed.security_info[0].sel_security_method.as_ref().map(ToString::to_string);
                prop_assert_eq!(chosen.as_deref(), wanted.copied());
            }
        }
    }
}
