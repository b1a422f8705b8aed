//! Why a request cannot be served, without a word of HTTP.

use crate::store::StoreError;
use edgeapp_openapi::{problem::InvalidParam, query::BadQuery};
use std::{borrow::Cow, fmt, sync::Arc};

/// A refusal: what kind, why for a machine, why for a person, and which parts of the request are at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What kind of refusal it is; decides the status code.
    pub kind: Kind,
    /// The machine-readable reason.
    pub cause: Cause,
    /// What is wrong and what to do about it. Never quotes secrets, other people's data or internals.
    pub detail: Cow<'static, str>,
    /// JSON pointers, query parameters or headers that are at fault.
    pub invalid: Vec<InvalidParam>,
    /// What the caller has to present instead, where that is what is missing.
    pub challenge: Option<Box<Challenge>>,
}

/// What a caller has to present: an access token (RFC 6750 clause 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// For whom the token has to be: the EESID.
    pub realm: Arc<str>,
    /// Why what was presented does not do; `None` when nothing was.
    pub error: Option<ChallengeError>,
}

/// Why what was presented does not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChallengeError {
    /// It cannot be read, or there is more than one.
    InvalidRequest,
    /// The token is malformed, expired, revoked, for somebody else or of somebody else. Which of these is nobody's business.
    InvalidToken,
    /// The token does not allow this operation; one with this scope would.
    InsufficientScope(&'static str),
}

/// Kinds of refusal that a rule can come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request contradicts the standard or itself.
    Invalid,
    /// Nobody proved who is asking.
    Unauthenticated,
    /// The caller is known and may not do this.
    Forbidden,
    /// There is no such thing, or it is none of the caller's business.
    NotFound,
    /// The caller asks too much or too often.
    TooMany,
    /// We failed.
    Internal,
    /// Not now: the store, a peer or the capacity is missing.
    Unavailable,
}

/// Defines [`Cause`]: the one list of causes that ever leave our servers.
macro_rules! causes {
    ($($(#[$meta:meta])* $name:ident = $text:literal / $title:literal),+ $(,)?) => {
        /// Machine-readable reason of a refusal: the causes of TS 29.500 table 5.2.7.2-1 and a few of our own where it has none.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Cause { $($(#[$meta])* $name),+ }

        impl Cause {
            /// All causes.
            pub const ALL: &'static [Cause] = &[$(Cause::$name),+];

            /// The cause as it stands in `ProblemDetails.cause`.
            pub const fn as_str(self) -> &'static str { match self { $(Cause::$name => $text),+ } }

            /// A few words for people, `ProblemDetails.title`.
            pub const fn title(self) -> &'static str { match self { $(Cause::$name => $title),+ } }
        }
    };
}

causes! {
    /// The body is not JSON, has the wrong shape at the top, repeats a member or nests too deep.
    InvalidMsgFormat = "INVALID_MSG_FORMAT" / "The message cannot be read",
    /// A mandatory member is absent.
    MandatoryIeMissing = "MANDATORY_IE_MISSING" / "A mandatory member is missing",
    /// A mandatory member has a bad value.
    MandatoryIeIncorrect = "MANDATORY_IE_INCORRECT" / "A mandatory member is incorrect",
    /// An optional member has a bad value, or members exclude each other.
    OptionalIeIncorrect = "OPTIONAL_IE_INCORRECT" / "An optional member is incorrect",
    /// A mandatory query parameter is absent.
    MandatoryQueryParamMissing = "MANDATORY_QUERY_PARAM_MISSING" / "A mandatory query parameter is missing",
    /// A mandatory query parameter has a bad value.
    MandatoryQueryParamIncorrect = "MANDATORY_QUERY_PARAM_INCORRECT" / "A mandatory query parameter is incorrect",
    /// An optional query parameter has a bad value.
    OptionalQueryParamIncorrect = "OPTIONAL_QUERY_PARAM_INCORRECT" / "An optional query parameter is incorrect",
    /// The API version in the path does not exist here.
    InvalidApi = "INVALID_API" / "There is no such API or version",
    /// The path names nothing.
    ResourceUriStructureNotFound = "RESOURCE_URI_STRUCTURE_NOT_FOUND" / "There is nothing at this path",
    /// The method does not exist on this path.
    MethodNotAllowed = "METHOD_NOT_ALLOWED" / "The method does not exist here",
    /// The resource does not exist.
    ResourceNotFound = "RESOURCE_NOT_FOUND" / "There is no such resource",
    /// The subscription does not exist.
    SubscriptionNotFound = "SUBSCRIPTION_NOT_FOUND" / "There is no such subscription",
    /// The EEC context does not exist.
    ContextNotFound = "CONTEXT_NOT_FOUND" / "There is no such EEC context",
    /// No EAS fits.
    NoSuitableEas = "NO_SUITABLE_EAS" / "No application server fits",
    /// No EES fits.
    NoSuitableEes = "NO_SUITABLE_EES" / "No enabler server fits",
    /// The UE is not known here.
    UeNotFound = "UE_NOT_FOUND" / "The UE is not known here",
    /// A member that never changes would change.
    ModificationNotAllowed = "MODIFICATION_NOT_ALLOWED" / "This member cannot be changed",
    /// The identity in the message is not the caller's.
    OwnerMismatch = "OWNER_MISMATCH" / "This belongs to somebody else",
    /// The caller did not prove that the UE identifier is its own.
    UeIdNotVerified = "UE_ID_NOT_VERIFIED" / "The UE identifier is not proved",
    /// The caller's role may not use this operation.
    Unauthorized = "UNAUTHORIZED" / "Not allowed",
    /// Nobody proved who is asking.
    Unauthenticated = "UNAUTHENTICATED" / "Not authenticated",
    /// An onboarding credential is unknown, past its time, used up, or somebody else's.
    CredentialNotAccepted = "CREDENTIAL_NOT_ACCEPTED" / "The onboarding credential is not accepted",
    /// The exposing function has an API of this name already.
    ApiAlreadyPublished = "API_ALREADY_PUBLISHED" / "The API is published already",
    /// The caller has to register first.
    NotRegistered = "NOT_REGISTERED" / "Registration comes first",
    /// A callback address that may not be used.
    CallbackNotAllowed = "CALLBACK_NOT_ALLOWED" / "The callback address is not allowed",
    /// The endpoint of an EAS that does not stand in its certificate.
    EndpointNotAllowed = "ENDPOINT_NOT_ALLOWED" / "The endpoint is not allowed",
    /// A live registration of the same EAS and endpoint exists.
    EasAlreadyRegistered = "EAS_ALREADY_REGISTERED" / "The application server is registered already",
    /// The EAS claims an area that its EES does not serve.
    ServiceAreaNotAllowed = "SERVICE_AREA_NOT_ALLOWED" / "The service area is not allowed",
    /// The user plane cannot be watched for any event asked for.
    MonitoringNotAvailable = "MONITORING_NOT_AVAILABLE" / "The events cannot be watched",
    /// A relocation of the same UE and application is running.
    AcrInProgress = "ACR_IN_PROGRESS" / "A relocation is running",
    /// A second result contradicts the first.
    AcrResultConflict = "ACR_RESULT_CONFLICT" / "The relocation has another result already",
    /// The caller or this server takes no part in relocations of that kind.
    AcrScenarioNotSupported = "ACR_SCENARIO_NOT_SUPPORTED" / "Relocations of that kind are not supported",
    /// No core network is configured behind this server.
    CoreNetworkNotConfigured = "CORE_NETWORK_NOT_CONFIGURED" / "There is no core network here",
    /// The core network could not be reached or failed.
    CoreNetworkUnavailable = "CORE_NETWORK_UNAVAILABLE" / "The core network does not serve now",
    /// The core network refused.
    CoreNetworkRefused = "CORE_NETWORK_REFUSED" / "The core network refuses",
    /// The user did not agree, or no longer does.
    UserConsentNotGranted = "USER_CONSENT_NOT_GRANTED" / "The user did not agree",
    /// Another common EAS was chosen for the group before.
    CommonEasExists = "COMMON_EAS_EXISTS" / "The group has a common application server already",
    /// The parties to a relocation have no way of doing it in common.
    NoCommonAcrScenario = "NO_COMMON_ACR_SCENARIO" / "No relocation scenario is supported by all",
    /// The caller used up its share.
    QuotaExceeded = "QUOTA_EXCEEDED" / "The quota is used up",
    /// The caller asks too often.
    NfCongestionRisk = "NF_CONGESTION_RISK" / "Too many requests",
    /// The body is larger than accepted.
    PayloadTooLarge = "PAYLOAD_TOO_LARGE" / "The body is too large",
    /// The URI is longer than accepted.
    UriTooLong = "URI_TOO_LONG" / "The URI is too long",
    /// The media type is not the one of this operation.
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE" / "The media type is not supported",
    /// The caller accepts nothing that we could answer.
    NotAcceptable = "NOT_ACCEPTABLE" / "No acceptable answer exists",
    /// The request is for another server.
    MisdirectedRequest = "MISDIRECTED_REQUEST" / "This is not the server of that name",
    /// The request did not arrive in time.
    RequestTimeout = "REQUEST_TIMEOUT" / "The request took too long",
    /// No room in the store, or no capacity.
    InsufficientResources = "INSUFFICIENT_RESOURCES" / "Not enough resources",
    /// We failed.
    SystemFailure = "SYSTEM_FAILURE" / "Internal failure",
}

impl Error {
    /// A refusal of this kind and cause.
    pub fn new(kind: Kind, cause: Cause, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            cause,
            detail: detail.into(),
            invalid: Vec::new(),
            challenge: None,
        }
    }

    /// The same, with what the caller has to present.
    pub fn with_challenge(mut self, challenge: Challenge) -> Self {
        self.challenge = Some(Box::new(challenge));
        self
    }

    /// The value at `pointer` (JSON pointer, query parameter or header) is wrong for this reason.
    pub fn invalid(cause: Cause, pointer: impl Into<String>, reason: impl Into<String>) -> Self {
        let (param, reason) = (pointer.into(), reason.into());
        Self {
            kind: Kind::Invalid,
            cause,
            detail: format!("{}: {reason}", if param.is_empty() { "body" } else { &param }).into(),
            invalid: vec![InvalidParam {
                param,
                reason: Some(reason),
            }],
            challenge: None,
        }
    }

    /// An optional member is wrong.
    pub fn optional_incorrect(pointer: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::invalid(Cause::OptionalIeIncorrect, pointer, reason)
    }

    /// A mandatory member is wrong.
    pub fn mandatory_incorrect(pointer: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::invalid(Cause::MandatoryIeIncorrect, pointer, reason)
    }

    /// A member that is mandatory here is absent.
    pub fn mandatory_missing(pointer: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::invalid(Cause::MandatoryIeMissing, pointer, reason)
    }

    /// The caller may not do this.
    pub fn forbidden(cause: Cause, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Forbidden, cause, detail)
    }

    /// The same, naming this part of the request (JSON pointer, query parameter or header) as at fault, for this reason.
    pub fn at(mut self, pointer: impl Into<String>, reason: impl Into<String>) -> Self {
        self.invalid.push(InvalidParam {
            param: pointer.into(),
            reason: Some(reason.into()),
        });
        self
    }

    /// The identity at `pointer` is not the caller's.
    pub fn not_yours(pointer: &str, what: &str) -> Self {
        Self {
            invalid: vec![InvalidParam {
                param: pointer.to_owned(),
                reason: Some(format!("is not the {what} of the caller")),
            }],
            ..Self::forbidden(
                Cause::OwnerMismatch,
                format!("{pointer} must be the {what} that the caller proved"),
            )
        }
    }

    /// A member that never changes after creation would change.
    pub fn not_changeable(pointer: impl Into<String>) -> Self {
        let param = pointer.into();
        Self {
            detail: format!("{param} cannot be changed after creation").into(),
            invalid: vec![InvalidParam {
                param,
                reason: Some("differs from the stored value".to_owned()),
            }],
            ..Self::forbidden(Cause::ModificationNotAllowed, "")
        }
    }

    /// There is no such resource; a stranger hears the same.
    pub fn not_found(what: &str) -> Self {
        Self::new(
            Kind::NotFound,
            Cause::ResourceNotFound,
            format!("there is no such {what}"),
        )
    }

    /// There is no such subscription; a stranger hears the same.
    pub fn subscription_not_found() -> Self {
        Self::new(
            Kind::NotFound,
            Cause::SubscriptionNotFound,
            "there is no such subscription",
        )
    }

    /// Something failed on our side; the reason goes to the log, not to the caller.
    pub fn internal(reason: impl fmt::Display) -> Self {
        tracing::error!(%reason, "internal failure");
        Self::new(
            Kind::Internal,
            Cause::SystemFailure,
            "the server failed; its log has the reason",
        )
    }

    /// Not now.
    pub fn unavailable(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Unavailable, Cause::InsufficientResources, detail)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.cause.as_str(), self.detail)
    }
}

impl std::error::Error for Error {}

impl From<BadQuery> for Error {
    fn from(bad: BadQuery) -> Self {
        let cause = match (bad.mandatory, bad.is_missing()) {
            (true, true) => Cause::MandatoryQueryParamMissing,
            (true, false) => Cause::MandatoryQueryParamIncorrect,
            (false, _) => Cause::OptionalQueryParamIncorrect,
        };
        Self::invalid(
            cause,
            bad.param,
            bad.reason.unwrap_or_else(|| "is mandatory and missing".to_owned()),
        )
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => Self::unavailable("the resource changes too often; try again"),
            StoreError::Unavailable(reason) => {
                tracing::error!(%reason, "store unavailable");
                Self::unavailable("the state cannot be reached; whether a change was made is unknown")
            }
            StoreError::Full(reason) => {
                tracing::error!(%reason, "store refuses writes");
                Self::new(
                    Kind::Internal,
                    Cause::InsufficientResources,
                    "nothing was stored: there is no room for it",
                )
            }
            StoreError::Compacted(_) | StoreError::Damaged(_) => Self::internal(error),
        }
    }
}
