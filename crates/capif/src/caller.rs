//! Who calls, as the core function knows it: certificates say a name, records say what somebody is.

use crate::core_function::CoreFunction;
use edgeapp_core::{
    error::{Cause, Error, Kind},
    kept::Kept,
    principal::{Principal, Role},
    store::Key,
    token::Thumbprint,
};
use edgeapp_openapi::{
    capif::{ApiInvokerId, DomainId, FunctionId, provider_management::ApiProviderFuncRole},
    ids::EasId,
};
use serde::{Deserialize, Serialize};

/// Keys of functions of providers.
pub const FUNCTIONS: &str = "capif/function/";
/// Keys of invokers.
pub const INVOKERS: &str = "capif/invoker/";

/// What a caller proved: the principal of its certificate, and the certificate itself.
#[derive(Clone, Copy, Debug)]
pub struct Proof<'a> {
    /// Who the certificate names.
    pub principal: &'a Principal,
    /// What the certificate is known by.
    pub thumbprint: Option<&'a Thumbprint>,
}

/// A function of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Function {
    /// Its identifier.
    pub id: FunctionId,
    /// What it does.
    pub role: ApiProviderFuncRole,
    /// The registration that it is part of.
    pub registration: String,
    /// The domain that it is part of.
    pub domain: DomainId,
    /// The certificate that counts.
    pub thumbprint: String,
    /// A fingerprint of its key.
    pub key: String,
}

/// An invoker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Invoker {
    /// Its identifier.
    pub id: ApiInvokerId,
    /// The application that it is of.
    pub eas_id: EasId,
    /// The certificate that counts.
    pub thumbprint: String,
    /// A fingerprint of its key.
    pub key: String,
    /// The onboarding secret, hashed.
    pub secret: String,
    /// The enrolment as it is answered, without the secret.
    pub details: edgeapp_openapi::capif::invoker_management::ApiInvokerEnrolmentDetails,
}

/// The key of a function.
pub fn function_key(id: &str) -> Key {
    Key::from(format!("{FUNCTIONS}{}", Key::part(id)))
}

/// The key of an invoker.
pub fn invoker_key(id: &str) -> Key {
    Key::from(format!("{INVOKERS}{}", Key::part(id)))
}

/// The identity URI of an invoker of this application.
pub fn invoker_identity(eas_id: &EasId, id: &str) -> String {
    format!("urn:edgeapp:eas:{}#{id}", Key::part(eas_id.as_str()))
}

/// The identity URI of a function.
pub fn function_identity(id: &str) -> String {
    format!("urn:edgeapp:provider:{id}")
}

/// The identifier of the invoker that a principal is, if it is one: what stands behind the `#` of its identity.
pub fn invoker_id(principal: &Principal) -> Option<&str> {
    match principal.role() {
        Role::Eas => principal.owner().as_str().split_once('#').map(|(_, id)| id),
        _ => None,
    }
}

fn gone(who: &str) -> Error {
    Error::new(
        Kind::Unauthenticated,
        Cause::Unauthenticated,
        format!("the certificate is not in force here (any more): {who}"),
    )
}

fn wrong_role(wanted: &str, is: &str) -> Error {
    Error::forbidden(
        Cause::Unauthorized,
        format!("this is for an {wanted}; the caller is an {is}"),
    )
}

/// Pure: whether a record lets the holder of this certificate in.
fn proves(thumbprint: &str, proof: &Proof<'_>) -> bool {
    proof.thumbprint.is_some_and(|proved| proved.to_text() == thumbprint)
}

impl CoreFunction {
    /// The function that calls, whatever it does.
    ///
    /// # Errors
    /// When the caller is no function of a provider, or its certificate is not in force.
    pub async fn any_function(&self, proof: &Proof<'_>) -> Result<Function, Error> {
        if proof.principal.role() != Role::Provider {
            return Err(wrong_role("AEF, APF or AMF", "API invoker"));
        }
        let kept: Option<Kept<Function>> = self.room().read(&function_key(proof.principal.id())).await?;
        kept.map(|kept| kept.value)
            .filter(|function| proves(&function.thumbprint, proof))
            .ok_or_else(|| gone("its function was deregistered, or got another certificate"))
    }

    /// The function of this role that calls.
    ///
    /// # Errors
    /// As [`CoreFunction::any_function`]; when the function does something else.
    pub async fn function(&self, proof: &Proof<'_>, role: &ApiProviderFuncRole) -> Result<Function, Error> {
        if proof.principal.role() != Role::Provider {
            return Err(wrong_role(role.as_str(), "API invoker"));
        }
        let function = self.any_function(proof).await?;
        if function.role != *role {
            return Err(wrong_role(role.as_str(), function.role.as_str()));
        }
        Ok(function)
    }

    /// The invoker that calls.
    ///
    /// # Errors
    /// When the caller is no invoker, or its certificate is not in force.
    pub async fn invoker(&self, proof: &Proof<'_>) -> Result<Invoker, Error> {
        let Some(id) = invoker_id(proof.principal) else {
            let is = match proof.principal.role() {
                Role::Provider => "API provider's function",
                _ => "EAS that was not onboarded here",
            };
            return Err(wrong_role("API invoker", is));
        };
        let kept: Option<Kept<Invoker>> = self.room().read(&invoker_key(id)).await?;
        kept.map(|kept| kept.value)
            .filter(|invoker| proves(&invoker.thumbprint, proof))
            .ok_or_else(|| gone("the invoker was offboarded, or got another certificate"))
    }
}
