//! Refusals as they leave the server: ProblemDetails, and the only table from errors to status codes.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use edgeapp_core::error::{Cause, Challenge, ChallengeError, Error, Kind};
use edgeapp_openapi::problem::ProblemDetails;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use utoipa::{
    IntoResponses, PartialSchema,
    openapi::{Content, Ref, RefOr, Response as DocumentedResponse, ResponseBuilder},
};

/// The media type of every refusal (RFC 9457).
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Marks a refusal whose body is laid down elsewhere than in the standards of 3GPP: those of OAuth (RFC 6749 clause 5.2). It leaves the
/// server as it is.
#[derive(Clone, Copy, Debug)]
pub struct SaysItself {
    /// The reason, for the log.
    pub reason: &'static str,
}

/// A refusal on its way out. The `instance` is filled in where the response leaves the server.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    details: Box<ProblemDetails>,
    more: Option<Box<Map<String, Value>>>,
    headers: HeaderMap,
}

impl Problem {
    /// A refusal with this status and cause.
    pub fn new(status: StatusCode, cause: Cause, detail: impl Into<String>) -> Self {
        let details = ProblemDetails {
            status: Some(status.as_u16()),
            title: Some(cause.title().to_owned()),
            detail: Some(detail.into()),
            cause: Some(cause.as_str().to_owned()),
            ..ProblemDetails::default()
        };
        Self {
            status,
            details: Box::new(details),
            more: None,
            headers: HeaderMap::new(),
        }
    }

    /// The same with this header.
    pub fn with_header(mut self, name: header::HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The same with the members of this object beside those of ProblemDetails, where the standard extends it so.
    ///
    /// # Errors
    /// When the value is no object, which is a defect of the caller.
    pub fn with_members<T: Serialize>(mut self, value: &T) -> Result<Self, Error> {
        match serde_json::to_value(value).map_err(Error::internal)? {
            Value::Object(members) => self.more.get_or_insert_default().extend(members),
            _ => return Err(Error::internal("an extension of ProblemDetails is an object")),
        }
        Ok(self)
    }

    /// The status code.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The body.
    pub fn details(&self) -> &ProblemDetails {
        &self.details
    }

    /// The refusal that stands behind a response of a router or layer which does not speak ProblemDetails.
    pub(crate) fn of_status(status: StatusCode, headers: HeaderMap) -> Self {
        let (cause, detail) = match status {
            StatusCode::NOT_FOUND => (
                Cause::ResourceUriStructureNotFound,
                "there is nothing at this path on this listener",
            ),
            StatusCode::METHOD_NOT_ALLOWED => (
                Cause::MethodNotAllowed,
                "see the Allow header for the methods of this path",
            ),
            StatusCode::PAYLOAD_TOO_LARGE => (Cause::PayloadTooLarge, "the body is larger than this server accepts"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => (Cause::UnsupportedMediaType, "the media type is not supported here"),
            StatusCode::URI_TOO_LONG => (Cause::UriTooLong, "the URI is longer than this server accepts"),
            StatusCode::REQUEST_TIMEOUT => (Cause::RequestTimeout, "the request did not arrive in time"),
            status if status.is_server_error() => (Cause::SystemFailure, "the server failed; its log has the reason"),
            _ => (Cause::InvalidMsgFormat, "the request cannot be read"),
        };
        Self {
            headers,
            ..Self::new(status, cause, detail)
        }
    }

    /// The finished response, with the name of this one request as `instance`.
    pub(crate) fn finish(mut self, instance: String) -> Response {
        self.details.instance = Some(instance);
        let body = match self.more.take() {
            None => serde_json::to_vec(&self.details),
            Some(mut more) => serde_json::to_value(&self.details).and_then(|mut whole| {
                if let Value::Object(members) = &mut whole {
                    members.append(&mut more);
                }
                serde_json::to_vec(&whole)
            }),
        };
        let body = body.unwrap_or_default();
        let mut response = (self.status, body).into_response();
        *response.headers_mut() = self.headers;
        // Of the answer whose place this one takes.
        response.headers_mut().remove(header::CONTENT_LENGTH);
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        response
    }
}

/// `WWW-Authenticate` (RFC 6750 clause 3); `None` where the realm cannot stand in a header.
fn challenge(challenge: &Challenge) -> Option<HeaderValue> {
    let realm = challenge.realm.replace(['"', '\\'], "");
    let why = match challenge.error {
        None => String::new(),
        Some(ChallengeError::InvalidRequest) => ", error=\"invalid_request\"".to_owned(),
        Some(ChallengeError::InvalidToken) => ", error=\"invalid_token\"".to_owned(),
        Some(ChallengeError::InsufficientScope(scope)) => {
            format!(", error=\"insufficient_scope\", scope=\"{scope}\"")
        }
    };
    HeaderValue::try_from(format!("Bearer realm=\"{realm}\"{why}")).ok()
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let status = match error.kind {
            Kind::Invalid => StatusCode::BAD_REQUEST,
            Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
            Kind::Forbidden => StatusCode::FORBIDDEN,
            Kind::NotFound => StatusCode::NOT_FOUND,
            Kind::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        };
        let mut problem = Self::new(status, error.cause, error.detail);
        if let Some(challenge) = error.challenge.as_deref().and_then(challenge) {
            problem.headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        problem.details.invalid_params = error.invalid;
        if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            problem
                .headers
                .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        problem
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// The refusals that every operation may answer, for the documents.
#[derive(Clone, Copy, Debug)]
pub struct CommonProblems;

impl IntoResponses for CommonProblems {
    fn responses() -> BTreeMap<String, RefOr<DocumentedResponse>> {
        const KNOWN: [(&str, &str); 13] = [
            (
                "400",
                "The request contradicts the standard or itself; `cause` and `invalidParams` say where.",
            ),
            ("401", "Nobody proved who is asking."),
            ("403", "The caller is known and may not do this."),
            ("404", "There is no such resource, or it belongs to somebody else."),
            ("406", "Nothing that the caller accepts can be answered."),
            ("411", "The length of the body is missing."),
            ("413", "The body is too large."),
            ("414", "The address with its query is too long."),
            ("415", "The media type of the body is not supported."),
            ("429", "Too many requests; `Retry-After` says when to come back."),
            ("500", "The server failed."),
            ("503", "Not now; `Retry-After` says when to come back."),
            ("default", "Any other refusal."),
        ];
        let content = || Content::new(Some(RefOr::Ref(Ref::from_schema_name("ProblemDetails"))));
        KNOWN
            .into_iter()
            .map(|(status, description)| {
                let response = ResponseBuilder::new()
                    .description(description)
                    .content(PROBLEM_JSON, content())
                    .build();
                (status.to_owned(), RefOr::T(response))
            })
            .collect()
    }
}

/// The schema of ProblemDetails with what it refers to, for the components of a document.
pub(crate) fn problem_schemas() -> Vec<(String, RefOr<utoipa::openapi::Schema>)> {
    let mut schemas = Vec::new();
    <ProblemDetails as utoipa::ToSchema>::schemas(&mut schemas);
    schemas.push(("ProblemDetails".to_owned(), ProblemDetails::schema()));
    schemas
}
