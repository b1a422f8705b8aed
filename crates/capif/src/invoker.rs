//! API invokers (TS 29.222 clause 5.5): onboarded with a credential, known by a certificate, gone when they leave.

use crate::{
    caller::{Invoker, Proof, invoker_identity, invoker_key},
    certificate::{RequestedKey, Subject},
    core_function::{CoreFunction, sha256},
    credential::{Bearer, Wanted},
    events::{self, About, Event},
    publish::{PublishedApi, shown},
    routing::{Hiding, behind_entry_points},
    security,
};
use edgeapp_core::{
    collection::Change,
    error::Error,
    evidence::{SecurityEvent, SecurityEventKind},
    kept::Kept,
    patch::{self, PatchRules},
    principal::Principal,
    room::{Decision, Seen, contended, fresh_id},
    token::to_base64url,
};
use edgeapp_openapi::{
    capif::{
        ApiInvokerId,
        events::{CapifEvent, CapifEventDetail},
        features::invoker_management::SERVED,
        invoker_management::{ApiInvokerEnrolmentDetails, ApiList, OnboardingInformation},
    },
    common::DateTime,
    features::NOTIFICATION_TEST_EVENT,
};
use jiff::SignedDuration;
use std::sync::Arc;

const PATCH: PatchRules = PatchRules {
    changeable: &[
        "onboardingInformation",
        "notificationDestination",
        "apiList",
        "apiInvokerInformation",
        "expTime",
    ],
    clearable: &["apiList", "apiInvokerInformation", "expTime"],
    fixed: &["apiInvokerId", "supportedFeatures"],
};

fn not_found() -> Error {
    Error::not_found("onboarded invoker")
}

/// Pure: of the APIs that are wanted, by identifier or name, those that are published, as invokers see them.
pub fn allowed(wanted: Option<&ApiList>, published: &[Arc<PublishedApi>], hidden: &[Hiding]) -> Option<ApiList> {
    let wanted = wanted?;
    let is_wanted = |api: &PublishedApi| {
        wanted
            .service_api_descriptions
            .iter()
            .any(|wanted| match &wanted.api_id {
                Some(id) => api.description.api_id.as_ref() == Some(id),
                None => wanted.api_name == api.description.api_name,
            })
    };
    let found = published.iter().filter(|api| is_wanted(api));
    Some(ApiList {
        service_api_descriptions: found
            .take(edgeapp_openapi::common::MAX_ITEMS)
            .map(|api| behind_entry_points(shown(&api.description, None), hidden))
            .collect(),
    })
}

fn event(event: CapifEvent, id: &ApiInvokerId) -> Event {
    let detail = CapifEventDetail {
        api_invoker_ids: vec![id.clone()],
        ..CapifEventDetail::default()
    };
    let about = About {
        api_invoker_ids: vec![id.clone()],
        ..About::default()
    };
    Event::told(event, detail, about)
}

impl CoreFunction {
    /// When an enrolment ends: as proposed, but not after the certificate.
    fn enrolled_until(&self, proposed: Option<DateTime>, now: DateTime) -> Result<Option<DateTime>, Error> {
        if proposed.is_some_and(|at| at <= now) {
            return Err(Error::optional_incorrect("/expTime", "must be in the future"));
        }
        let most = SignedDuration::from_secs(i64::from(self.rules().certificate_lifetime));
        Ok(proposed.map(|at| at.min(DateTime(now.0 + most))))
    }

    /// Onboards an invoker that presents this credential. The onboarding secret is told in this answer, and never again.
    ///
    /// # Errors
    /// When the credential does not count, the key cannot be certified, or the address for notifications is not allowed.
    pub async fn onboard(
        &self,
        credential: Option<&str>,
        request: &ApiInvokerEnrolmentDetails,
    ) -> Result<(String, ApiInvokerEnrolmentDetails), Error> {
        let onboarded = self.onboarded(credential, request).await;
        match &onboarded {
            Ok((id, principal, with, _)) => {
                self.done("onboarding");
                let event = SecurityEvent::new(SecurityEventKind::CertIssued, "an API invoker was onboarded");
                let about = format!("API invoker {id}, by onboarding credential {with}");
                self.remember(event.by(principal.owner()).about(about));
            }
            Err(error) => self.failed("onboarding", error),
        }
        onboarded.map(|(id, _, _, details)| (id, details))
    }

    /// Whether somebody who shows this could be onboarded: so that strangers learn nothing else.
    ///
    /// # Errors
    /// When no credential is shown, or not one that is good now.
    pub async fn may_onboard(&self, credential: Option<&str>) -> Result<(), Error> {
        let mut seen = self.room().look();
        let used = self.use_credential(&mut seen, credential, Wanted::Invoker).await;
        used.map(|_| ()).inspect_err(|error| self.failed("onboarding", error))
    }

    /// The new invoker: its identifier, its identity, the credential that it used, and what it is told.
    async fn onboarded(
        &self,
        credential: Option<&str>,
        request: &ApiInvokerEnrolmentDetails,
    ) -> Result<(String, Principal, String, ApiInvokerEnrolmentDetails), Error> {
        if request.api_invoker_id.is_some() {
            return Err(Error::optional_incorrect(
                "/apiInvokerId",
                "is given by the core function; leave it out",
            ));
        }
        let pointer = "/onboardingInformation/apiInvokerPublicKey";
        for mut seen in self.room().attempts() {
            let (used, decision) = self.use_credential(&mut seen, credential, Wanted::Invoker).await?;
            let Bearer::Invoker { eas_id } = used.bearer else {
                return Err(Error::internal("a credential for somebody else was accepted"));
            };
            let key = RequestedKey::parse(&request.onboarding_information.api_invoker_public_key, pointer)?;
            let callbacks = &self.rules().callbacks;
            callbacks.check_listed(&request.notification_destination, "/notificationDestination")?;
            let id = format!("INV{}", &fresh_id()[..20]);
            let identity = invoker_identity(&eas_id, &id);
            let subject = Subject {
                name: &id,
                unit: "INVOKER",
                identity: &identity,
            };
            let now = seen.now();
            let issued = self
                .authority()
                .issue(&key, &subject, now, self.rules().certificate_lifetime)?;
            let mut secret = [0; 32];
            aws_lc_rs::rand::fill(&mut secret).map_err(|_| Error::internal("the system has no randomness"))?;
            let secret = to_base64url(&secret);
            let invoker_id: ApiInvokerId = id.parse().map_err(Error::internal)?;
            let exp_time = self.enrolled_until(request.exp_time, now)?;
            let supported_features = request.supported_features.map(|offered| SERVED.common(&offered));
            let details = ApiInvokerEnrolmentDetails {
                api_invoker_id: Some(invoker_id.clone()),
                onboarding_information: OnboardingInformation {
                    api_invoker_public_key: request.onboarding_information.api_invoker_public_key.clone(),
                    api_invoker_certificate: Some(issued.pem),
                    onboarding_secret: None,
                },
                request_test_notification: request.request_test_notification
                    && supported_features.is_some_and(|common| common.has(NOTIFICATION_TEST_EVENT)),
                websock_notif_config: None,
                api_list: allowed(request.api_list.as_ref(), &self.catalogue().all(), &self.rules().hiding),
                exp_time,
                supported_features,
                ..request.clone()
            };
            let invoker = Invoker {
                id: invoker_id.clone(),
                eas_id: eas_id.clone(),
                thumbprint: issued.thumbprint,
                key: key.digest().to_owned(),
                secret: sha256(&secret),
                details: details.clone(),
            };
            let principal = Principal::from_names([identity.as_str()], []).map_err(Error::internal)?;
            let place = invoker_key(&id);
            seen.fresh(&place);
            let mut decision = decision
                .put(&place, &Kept::new(&principal, exp_time, invoker))?
                .tell(&event(CapifEvent::ApiInvokerOnboarded, &invoker_id))?;
            if details.request_test_notification {
                decision = decision.tell(&Event::test(&details.notification_destination, place.as_str()))?;
            }
            if self.room().commit(seen, decision).await?.is_some() {
                let mut told = details;
                told.onboarding_information.onboarding_secret = Some(secret);
                return Ok((id, principal, used.id, told));
            }
        }
        Err(contended())
    }

    /// The invoker that calls, if this is its enrolment. Others are not there.
    async fn enrolled(&self, seen: &mut Seen, proof: &Proof<'_>, id: &str) -> Result<Kept<Invoker>, Error> {
        let invoker = self.invoker(proof).await?;
        if invoker.id.as_str() != id {
            return Err(not_found());
        }
        seen.kept(&invoker_key(id)).await?.ok_or_else(not_found)
    }

    /// Changes an enrolment. Identifier and key stay; a new list of APIs is worked out if one was sent.
    ///
    /// # Errors
    /// When it is not the caller's, or something would change that cannot.
    pub async fn change_invoker(
        &self,
        proof: &Proof<'_>,
        id: &str,
        change: &Change<ApiInvokerEnrolmentDetails>,
    ) -> Result<ApiInvokerEnrolmentDetails, Error> {
        for mut seen in self.room().attempts() {
            let kept = self.enrolled(&mut seen, proof, id).await?;
            let before = &kept.value.details;
            let (next, renews) = match change {
                Change::Replace(next) => (next.clone(), true),
                Change::Patch(patch) => (patch::apply(before, patch, &PATCH)?, patch.get("expTime").is_some()),
            };
            if next.api_invoker_id.is_some() && next.api_invoker_id != before.api_invoker_id {
                return Err(Error::not_changeable("/apiInvokerId"));
            }
            let pointer = "/onboardingInformation/apiInvokerPublicKey";
            let key = RequestedKey::parse(&next.onboarding_information.api_invoker_public_key, pointer)?;
            if key.digest() != kept.value.key {
                return Err(Error::not_changeable(pointer));
            }
            self.rules()
                .callbacks
                .check_listed(&next.notification_destination, "/notificationDestination")?;
            let exp_time = match renews {
                true => self.enrolled_until(next.exp_time, seen.now())?,
                false => kept.expires_at,
            };
            let details = ApiInvokerEnrolmentDetails {
                api_invoker_id: before.api_invoker_id.clone(),
                onboarding_information: before.onboarding_information.clone(),
                request_test_notification: before.request_test_notification,
                websock_notif_config: None,
                api_list: match &next.api_list {
                    None => before.api_list.clone(),
                    wanted => allowed(wanted.as_ref(), &self.catalogue().all(), &self.rules().hiding),
                },
                exp_time,
                supported_features: match next.supported_features {
                    None => before.supported_features,
                    Some(offered) => Some(SERVED.common(&offered)),
                },
                ..next
            };
            let invoker = Invoker {
                details: details.clone(),
                ..kept.value.clone()
            };
            let next = Kept {
                owner: kept.owner.clone(),
                expires_at: exp_time,
                value: invoker,
            };
            let decision = Decision::of(())
                .put(&invoker_key(id), &next)?
                .tell(&event(CapifEvent::ApiInvokerUpdated, &kept.value.id))?;
            if self.room().commit(seen, decision).await?.is_some() {
                return Ok(details);
            }
        }
        Err(contended())
    }

    /// Offboards an invoker: its certificate, security context and subscriptions are gone, and the exposing functions that it used
    /// are told.
    ///
    /// # Errors
    /// When the enrolment is not the caller's.
    pub async fn offboard(&self, proof: &Proof<'_>, id: &str) -> Result<(), Error> {
        for mut seen in self.room().attempts() {
            let kept = self.enrolled(&mut seen, proof, id).await?;
            let decision = self.invoker_departure(&mut seen, &kept.value).await?;
            if self.room().commit(seen, decision).await?.is_some() {
                let event = SecurityEvent::new(SecurityEventKind::CertRevoked, "an API invoker left");
                self.remember(event.by(proof.principal.owner()).about(format!("API invoker {id}")));
                return Ok(());
            }
        }
        Err(contended())
    }

    /// Offboards an invoker on behalf of an operator.
    ///
    /// # Errors
    /// When there is no such invoker.
    pub async fn expel(&self, by: &Principal, id: &str) -> Result<(), Error> {
        for mut seen in self.room().attempts() {
            let kept: Kept<Invoker> = seen.kept(&invoker_key(id)).await?.ok_or_else(not_found)?;
            let decision = self.invoker_departure(&mut seen, &kept.value).await?;
            if self.room().commit(seen, decision).await?.is_some() {
                let event = SecurityEvent::new(SecurityEventKind::CertRevoked, "an operator offboarded an API invoker");
                self.remember(event.by(by.owner()).about(format!("API invoker {id}")));
                return Ok(());
            }
        }
        Err(contended())
    }

    pub(crate) async fn invoker_departure(&self, seen: &mut Seen, invoker: &Invoker) -> Result<Decision<()>, Error> {
        let id = invoker.id.as_str();
        let mut decision = Decision::of(())
            .delete(&invoker_key(id))
            .tell(&event(CapifEvent::ApiInvokerOffboarded, &invoker.id))?;
        decision = decision.and(self.end_of_context(seen, &invoker.id).await?);
        let context = security::context_key(id);
        seen.entry(&context).await?;
        decision = decision.delete(&context);
        for subscription in events::of_subscriber(self.room(), id).await? {
            seen.entry(&subscription).await?;
            decision = decision.delete(&subscription);
        }
        Ok(decision)
    }
}
