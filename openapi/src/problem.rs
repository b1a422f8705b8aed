//! The body of every refusal: ProblemDetails of TS 29.122 (RFC 9457 with three members more).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What went wrong, for the caller's code (`status`, `cause`, `invalidParams`) and for the person behind it (`title`, `detail`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProblemDetails {
    /// `type`: a URI that names the kind of problem; absent means none beyond the status.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub problem_type: Option<String>,
    /// `title`: the kind of problem in a few words, always the same for the same cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// `status`: the HTTP status code once more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// `detail`: what is wrong with this request and what to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// `instance`: a URN of this one request; the server's log has the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// `cause`: machine-readable reason, such as `MANDATORY_IE_MISSING`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// `invalidParams`: which members, query parameters or headers are wrong, at least one when present.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1, required = false)]
    pub invalid_params: Vec<InvalidParam>,
    /// `supportedFeatures`: features of the API that the server supports, where the refusal is about them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supported_features: Option<String>,
}

/// One thing that is wrong in a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InvalidParam {
    /// `param`: a JSON pointer into the body, or the name of the query parameter or header.
    pub param: String,
    /// `reason`: what is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
