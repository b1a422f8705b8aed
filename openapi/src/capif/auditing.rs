//! CAPIF_Auditing_API: a provider looks at how its APIs were used (TS 29.222 clause 8.8).

use super::{
    ApiInvokerId, FunctionId, ServiceApiId,
    logging::InvocationLog,
    publish_service::{InterfaceDescription, Operation, Protocol},
};
use crate::{
    common::{DateTime, SupportedFeatures, non_empty},
    query::{BadQuery, Parameters},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Invocations of several invokers or at several exposing functions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InvocationLogs {
    /// `multipleInvocationLogs`: one entry per invoker and exposing function, at least one.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub multiple_invocation_logs: Vec<InvocationLog>,
    /// `supportedFeatures`: features of this API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub supported_features: Option<SupportedFeatures>,
}

/// What was found: those of one invoker at one exposing function, or of several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum InvocationLogsRetrieveRes {
    /// Of one invoker at one exposing function.
    One(InvocationLog),
    /// Of several.
    Several(InvocationLogs),
}

/// Which invocations are wanted (clause 8.8.2.2.3.1).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AuditQuery {
    /// `aef-id`.
    pub aef_id: Option<FunctionId>,
    /// `api-invoker-id`.
    pub api_invoker_id: Option<ApiInvokerId>,
    /// `time-range-start`.
    pub time_range_start: Option<DateTime>,
    /// `time-range-end`.
    pub time_range_end: Option<DateTime>,
    /// `api-id`.
    pub api_id: Option<ServiceApiId>,
    /// `api-name`.
    pub api_name: Option<String>,
    /// `api-version`.
    pub api_version: Option<String>,
    /// `protocol`.
    pub protocol: Option<Protocol>,
    /// `operation`.
    pub operation: Option<Operation>,
    /// `result`.
    pub result: Option<String>,
    /// `resource-name`.
    pub resource_name: Option<String>,
    /// `src-interface`.
    pub src_interface: Option<InterfaceDescription>,
    /// `dest-interface`.
    pub dest_interface: Option<InterfaceDescription>,
    /// `supported-features`.
    pub supported_features: Option<SupportedFeatures>,
}

impl AuditQuery {
    /// Reads the parameters of a query.
    ///
    /// # Errors
    /// When one does not parse, or the range of time ends before it begins.
    pub fn parse(given: &Parameters) -> Result<Self, BadQuery> {
        let query = Self {
            aef_id: given.optional("aef-id")?,
            api_invoker_id: given.optional("api-invoker-id")?,
            time_range_start: given.optional("time-range-start")?,
            time_range_end: given.optional("time-range-end")?,
            api_id: given.optional("api-id")?,
            api_name: given.word("api-name")?,
            api_version: given.word("api-version")?,
            protocol: given.word("protocol")?,
            operation: given.word("operation")?,
            result: given.word("result")?,
            resource_name: given.word("resource-name")?,
            src_interface: given.json("src-interface")?,
            dest_interface: given.json("dest-interface")?,
            supported_features: given.optional("supported-features")?,
        };
        match (query.time_range_start, query.time_range_end) {
            (Some(start), Some(end)) if end < start => Err(BadQuery {
                param: "time-range-end",
                mandatory: false,
                reason: Some("lies before time-range-start".to_owned()),
            }),
            _ => Ok(query),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{refused, same};

    #[test]
    fn one_or_several() {
        let one = r#"{"aefId": "A", "apiInvokerId": "I", "logs": [{"apiId": "a", "apiName": "n", "apiVersion": "v1",
            "resourceName": "r", "protocol": "HTTP_2", "result": "200"}]}"#;
        assert!(matches!(same(one), InvocationLogsRetrieveRes::One(_)));
        let several = format!(r#"{{"multipleInvocationLogs": [{one}], "supportedFeatures": "0"}}"#);
        assert!(matches!(same(&several), InvocationLogsRetrieveRes::Several(_)));
        refused::<InvocationLogsRetrieveRes>(r#"{"multipleInvocationLogs": []}"#);
    }

    #[test]
    fn a_range_of_time_ends_after_it_begins() {
        let of = |pairs: &[(&str, &str)]| AuditQuery::parse(&Parameters::new(pairs.iter().copied()));
        assert_eq!(of(&[]).unwrap(), AuditQuery::default());
        let (early, late) = ("2030-01-01T00:00:00Z", "2030-01-02T00:00:00Z");
        assert!(of(&[("time-range-start", early), ("time-range-end", late)]).is_ok());
        assert!(of(&[("time-range-start", late), ("time-range-end", early)]).is_err());
        assert!(of(&[("time-range-start", "yesterday")]).is_err());
    }
}
