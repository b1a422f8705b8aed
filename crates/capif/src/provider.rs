//! Provider domains (TS 29.222 clause 5.11): a management function registers the functions of its domain, and each gets its certificate.

use crate::{
    caller::{Function, Proof, function_identity, function_key},
    certificate::{Issued, RequestedKey, Subject},
    core_function::CoreFunction,
    credential::Wanted,
    events,
};
use edgeapp_core::{
    collection::Change,
    error::{Cause, Error},
    evidence::{SecurityEvent, SecurityEventKind},
    kept::Kept,
    patch::{self, PatchRules},
    principal::Principal,
    room::{Decision, Seen, contended, fresh_id},
    store::Key,
};
use edgeapp_openapi::{
    capif::{
        DomainId, FunctionId,
        features::provider_management::SERVED,
        provider_management::{
            ApiProviderEnrolmentDetails, ApiProviderFuncRole, ApiProviderFunctionDetails, RegistrationInformation,
        },
    },
    common::DateTime,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Keys of registrations.
pub const DOMAINS: &str = "capif/domain/";
/// Most functions of one domain.
const MOST_FUNCTIONS: usize = 100;

const PATCH: PatchRules = PatchRules {
    changeable: &["apiProvFuncs", "apiProvDomInfo"],
    clearable: &["apiProvDomInfo"],
    fixed: &["apiProvDomId", "suppFeat"],
};

/// A provider domain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Domain {
    /// Its identifier.
    pub id: DomainId,
    /// The identifiers of its functions.
    pub functions: Vec<FunctionId>,
    /// What is answered; without the secret, which is not kept.
    pub details: ApiProviderEnrolmentDetails,
}

fn domain_key(registration: &str) -> Key {
    Key::from(format!("{DOMAINS}{}", Key::part(registration)))
}

fn not_found() -> Error {
    Error::not_found("registration of a provider domain")
}

/// What became of the functions that a request lists.
struct Registered {
    functions: Vec<(Function, ApiProviderFunctionDetails)>,
    failed: Vec<String>,
}

/// The identity of a function, as its certificate will name it.
fn principal_of(id: &str) -> Result<Principal, Error> {
    Principal::from_names([function_identity(id).as_str()], []).map_err(Error::internal)
}

impl CoreFunction {
    pub(crate) async fn domain(&self, seen: &mut Seen, registration: &str) -> Result<Domain, Error> {
        let kept: Option<Kept<Domain>> = seen.kept(&domain_key(registration)).await?;
        kept.map(|kept| kept.value).ok_or_else(not_found)
    }

    /// Certifies one function of a request, or says why not.
    fn certify(
        &self,
        wanted: &ApiProviderFunctionDetails,
        place: usize,
        known: Option<&(Function, ApiProviderFunctionDetails)>,
        of: (&str, &DomainId),
        now: DateTime,
    ) -> Result<(Function, ApiProviderFunctionDetails), Error> {
        let pointer = format!("/apiProvFuncs/{place}/regInfo/apiProvPubKey");
        if let Some((function, _)) = known
            && function.role != wanted.api_prov_func_role
        {
            return Err(Error::not_changeable(format!("/apiProvFuncs/{place}/apiProvFuncRole")));
        }
        if matches!(wanted.api_prov_func_role, ApiProviderFuncRole::Other(_)) {
            let pointer = format!("/apiProvFuncs/{place}/apiProvFuncRole");
            return Err(Error::mandatory_incorrect(pointer, "must be AEF, APF or AMF"));
        }
        let same_text = |details: &ApiProviderFunctionDetails| {
            details.reg_info.api_prov_pub_key == wanted.reg_info.api_prov_pub_key
        };
        let told = |id: &FunctionId, certificate: Option<String>| ApiProviderFunctionDetails {
            api_prov_func_id: Some(id.clone()),
            reg_info: RegistrationInformation {
                api_prov_pub_key: wanted.reg_info.api_prov_pub_key.clone(),
                api_prov_cert: certificate,
            },
            ..wanted.clone()
        };
        if let Some((function, details)) = known.filter(|(_, details)| same_text(details)) {
            let certificate = details.reg_info.api_prov_cert.clone();
            return Ok((function.clone(), told(&function.id, certificate)));
        }
        let key = RequestedKey::parse(&wanted.reg_info.api_prov_pub_key, &pointer)?;
        let role = wanted.api_prov_func_role.as_str();
        let id = known.map_or_else(
            || format!("{role}{}", &fresh_id()[..20]),
            |(function, _)| function.id.to_string(),
        );
        let identity = function_identity(&id);
        let subject = Subject {
            name: &id,
            unit: role,
            identity: &identity,
        };
        let Issued { pem, thumbprint } =
            self.authority()
                .issue(&key, &subject, now, self.rules().certificate_lifetime)?;
        let (registration, domain) = of;
        let function = Function {
            id: id.parse().map_err(Error::internal)?,
            role: wanted.api_prov_func_role.clone(),
            registration: registration.to_owned(),
            domain: domain.clone(),
            thumbprint,
            key: key.digest().to_owned(),
        };
        let details = told(&function.id, Some(pem));
        Ok((function, details))
    }

    /// Certifies all functions of a request that can be.
    fn certify_all(
        &self,
        wanted: &[ApiProviderFunctionDetails],
        known: &[(Function, ApiProviderFunctionDetails)],
        of: (&str, &DomainId),
        now: DateTime,
    ) -> Result<Registered, Error> {
        if wanted.len() > MOST_FUNCTIONS {
            return Err(Error::optional_incorrect(
                "/apiProvFuncs",
                format!("a domain has at most {MOST_FUNCTIONS} functions here"),
            ));
        }
        let mut registered = Registered {
            functions: Vec::new(),
            failed: Vec::new(),
        };
        let mut keys = BTreeSet::new();
        for (place, function) in wanted.iter().enumerate() {
            let before = match &function.api_prov_func_id {
                None => None,
                Some(id) => match known.iter().find(|(known, _)| known.id == *id) {
                    Some(before) => Some(before),
                    None => {
                        let pointer = format!("/apiProvFuncs/{place}/apiProvFuncId");
                        return Err(Error::optional_incorrect(
                            pointer,
                            "is no function of this domain; a new one gets its identifier from the core function",
                        ));
                    }
                },
            };
            match self.certify(function, place, before, of, now) {
                Ok((certified, _)) if !keys.insert(certified.key.clone()) => {
                    let detail = format!("/apiProvFuncs/{place}: each function has a key of its own");
                    registered.failed.push(detail);
                }
                Ok(certified) => registered.functions.push(certified),
                Err(error) if error.cause == Cause::ModificationNotAllowed => return Err(error),
                Err(error) => registered.failed.push(error.detail.into_owned()),
            }
        }
        let managing = |(function, _): &(Function, _)| function.role == ApiProviderFuncRole::Amf;
        if !registered.functions.iter().any(managing) {
            let why = match registered.failed.is_empty() {
                true => "must have an AMF: who else would change or end the registration?".to_owned(),
                false => format!(
                    "none of the functions that could be registered is an AMF: {}",
                    registered.failed.join("; ")
                ),
            };
            return Err(Error::optional_incorrect("/apiProvFuncs", why));
        }
        Ok(registered)
    }

    fn keep(
        decision: Decision<()>,
        registration: &str,
        domain: &Domain,
        functions: &[(Function, ApiProviderFunctionDetails)],
    ) -> Result<Decision<()>, Error> {
        let managing = functions
            .iter()
            .find(|(function, _)| function.role == ApiProviderFuncRole::Amf)
            .ok_or_else(|| Error::internal("a domain without a management function"))?;
        let owner = principal_of(managing.0.id.as_str())?;
        let mut decision = decision.put(&domain_key(registration), &Kept::new(&owner, None, domain.clone()))?;
        for (function, _) in functions {
            let owner = principal_of(function.id.as_str())?;
            let key = function_key(function.id.as_str());
            decision = decision.put(&key, &Kept::new(&owner, None, function.clone()))?;
        }
        Ok(decision)
    }

    /// Registers a domain with the credential in its `regSec`. Functions that cannot be registered are left out, and why stands in
    /// `failReason`.
    ///
    /// # Errors
    /// When the credential does not count, or no management function can be registered.
    pub async fn register_domain(
        &self,
        request: &ApiProviderEnrolmentDetails,
    ) -> Result<(String, ApiProviderEnrolmentDetails), Error> {
        let registered = self.registered(request).await;
        match &registered {
            Ok((registration, with, _)) => {
                self.done("registration");
                let event = SecurityEvent::new(SecurityEventKind::CertIssued, "a provider domain was registered");
                self.remember(event.about(format!("registration {registration}, by onboarding credential {with}")));
            }
            Err(error) => self.failed("registration", error),
        }
        registered.map(|(registration, _, details)| (registration, details))
    }

    /// The new domain: its registration, the credential that it used, and what it is told.
    async fn registered(
        &self,
        request: &ApiProviderEnrolmentDetails,
    ) -> Result<(String, String, ApiProviderEnrolmentDetails), Error> {
        if request.api_prov_dom_id.is_some() {
            return Err(Error::optional_incorrect(
                "/apiProvDomId",
                "is given by the core function; leave it out",
            ));
        }
        for mut seen in self.room().attempts() {
            let (credential, used) = self
                .use_credential(&mut seen, Some(&request.reg_sec), Wanted::Provider)
                .await?;
            let (registration, id) = (fresh_id(), fresh_id());
            let id: DomainId = id.parse().map_err(Error::internal)?;
            let registered = self.certify_all(&request.api_prov_funcs, &[], (&registration, &id), seen.now())?;
            let supp_feat = request.supp_feat.map(|offered| SERVED.common(&offered));
            let domain = domain_of(&id, request, &registered, supp_feat);
            seen.fresh(&domain_key(&registration));
            let decision = Self::keep(used, &registration, &domain, &registered.functions)?;
            if self.room().commit(seen, decision).await?.is_some() {
                return Ok((registration, credential.id, domain.details));
            }
        }
        Err(contended())
    }

    /// The domain of the management function that calls, if it is that of this registration.
    async fn managed(&self, seen: &mut Seen, proof: &Proof<'_>, registration: &str) -> Result<Domain, Error> {
        let function = self.function(proof, &ApiProviderFuncRole::Amf).await?;
        if function.registration != registration {
            return Err(not_found());
        }
        self.domain(seen, registration).await
    }

    async fn functions_of(
        seen: &mut Seen,
        domain: &Domain,
    ) -> Result<Vec<(Function, ApiProviderFunctionDetails)>, Error> {
        let mut known = Vec::new();
        for id in &domain.functions {
            let kept: Option<Kept<Function>> = seen.kept(&function_key(id.as_str())).await?;
            let details = domain.details.api_prov_funcs.iter();
            let details = details.filter(|details| details.api_prov_func_id.as_ref() == Some(id));
            if let (Some(kept), Some(details)) = (kept, details.into_iter().next()) {
                known.push((kept.value, details.clone()));
            }
        }
        Ok(known)
    }

    /// Changes a registration. Functions that are not listed any more are deregistered; one with another key gets another certificate.
    ///
    /// # Errors
    /// When the caller is not the domain's management function, or the change breaks a rule.
    pub async fn change_domain(
        &self,
        proof: &Proof<'_>,
        registration: &str,
        change: &Change<ApiProviderEnrolmentDetails>,
    ) -> Result<ApiProviderEnrolmentDetails, Error> {
        for mut seen in self.room().attempts() {
            let domain = self.managed(&mut seen, proof, registration).await?;
            let next = match change {
                Change::Replace(next) => next.clone(),
                Change::Patch(patch) => patch::apply(&domain.details, patch, &PATCH)?,
            };
            if next.api_prov_dom_id.as_ref().is_some_and(|named| *named != domain.id) {
                return Err(Error::not_changeable("/apiProvDomId"));
            }
            let known = Self::functions_of(&mut seen, &domain).await?;
            let registered = self.certify_all(&next.api_prov_funcs, &known, (registration, &domain.id), seen.now())?;
            let changed = domain_of(&domain.id, &next, &registered, domain.details.supp_feat);
            let mut decision = Decision::of(());
            for (function, _) in known
                .iter()
                .filter(|(function, _)| !changed.functions.contains(&function.id))
            {
                decision = decision.and(self.departure(&mut seen, function).await?);
            }
            let decision = Self::keep(decision, registration, &changed, &registered.functions)?;
            if let Some(((), revision)) = self.room().commit(seen, decision).await? {
                self.follower().caught_up(revision).await;
                return Ok(changed.details);
            }
        }
        Err(contended())
    }

    /// Deregisters a domain: its functions, what they published and what they subscribed to.
    ///
    /// # Errors
    /// When the caller is not the domain's management function.
    pub async fn deregister_domain(&self, proof: &Proof<'_>, registration: &str) -> Result<(), Error> {
        for mut seen in self.room().attempts() {
            let domain = self.managed(&mut seen, proof, registration).await?;
            let mut decision = Decision::of(()).delete(&domain_key(registration));
            for (function, _) in Self::functions_of(&mut seen, &domain).await? {
                decision = decision.and(self.departure(&mut seen, &function).await?);
            }
            if let Some(((), revision)) = self.room().commit(seen, decision).await? {
                self.follower().caught_up(revision).await;
                let event = SecurityEvent::new(SecurityEventKind::CertRevoked, "a provider domain was deregistered");
                self.remember(
                    event
                        .by(proof.principal.owner())
                        .about(format!("registration {registration}")),
                );
                return Ok(());
            }
        }
        Err(contended())
    }

    /// What goes with a function: its certificate counts no more, its APIs are withdrawn, its subscriptions end.
    async fn departure(&self, seen: &mut Seen, function: &Function) -> Result<Decision<()>, Error> {
        let key = function_key(function.id.as_str());
        let mut decision = Decision::of(()).delete(&key);
        for api in self.catalogue().of_publisher(function.id.as_str()) {
            if let Some(id) = &api.api_id {
                decision = decision.and(self.withdrawal(seen, id.as_str()).await?);
            }
        }
        for subscription in events::of_subscriber(self.room(), function.id.as_str()).await? {
            seen.entry(&subscription).await?;
            decision = decision.delete(&subscription);
        }
        Ok(decision)
    }
}

/// Pure: the domain as it is kept and answered.
fn domain_of(
    id: &DomainId,
    request: &ApiProviderEnrolmentDetails,
    registered: &Registered,
    supp_feat: Option<edgeapp_openapi::common::SupportedFeatures>,
) -> Domain {
    let functions = registered.functions.iter();
    Domain {
        id: id.clone(),
        functions: functions.clone().map(|(function, _)| function.id.clone()).collect(),
        details: ApiProviderEnrolmentDetails {
            api_prov_dom_id: Some(id.clone()),
            // Mandatory, and a secret: told by nobody but its bearer.
            reg_sec: String::new(),
            api_prov_funcs: functions.map(|(_, details)| details.clone()).collect(),
            supp_feat,
            fail_reason: (!registered.failed.is_empty()).then(|| registered.failed.join("; ")),
            ..request.clone()
        },
    }
}
