//! CAPIF_Logging_API_Invocation_API: an exposing function tells how its APIs were used (TS 29.222 clause 8.7).

use super::{
    ApiInvokerId, FunctionId, ServiceApiId,
    publish_service::{InterfaceDescription, Operation, Protocol},
};
use crate::common::{DateTime, SupportedFeatures, Uri, non_empty};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// Invocations of one invoker at one exposing function (clause 8.7.4.2.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InvocationLog {
    /// `aefId`: the exposing function.
    pub aef_id: FunctionId,
    /// `apiInvokerId`: the invoker.
    pub api_invoker_id: ApiInvokerId,
    /// `logs`: the invocations, at least one.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub logs: Vec<Log>,
    /// `supportedFeatures`: features of this API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub supported_features: Option<SupportedFeatures>,
}

/// One invocation (clause 8.7.4.2.3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Log {
    /// `apiId`: the API.
    pub api_id: ServiceApiId,
    /// `apiName`: its name.
    pub api_name: String,
    /// `apiVersion`: its version.
    pub api_version: String,
    /// `resourceName`: the resource.
    pub resource_name: String,
    /// `uri`: its URI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub uri: Option<Uri>,
    /// `protocol`: the protocol.
    pub protocol: Protocol,
    /// `operation`: the HTTP method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub operation: Option<Operation>,
    /// `result`: the HTTP status code, in digits.
    pub result: String,
    /// `invocationTime`: when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub invocation_time: Option<DateTime>,
    /// `invocationLatency`: how long it took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub invocation_latency: Option<u64>,
    /// `inputParameters`: what was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub input_parameters: Option<Value>,
    /// `outputParameters`: what was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub output_parameters: Option<Value>,
    /// `srcInterface`: where the invoker is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub src_interface: Option<InterfaceDescription>,
    /// `destInterface`: where the API is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub dest_interface: Option<InterfaceDescription>,
    /// `fwdInterface`: who forwarded the invocation: nodes of RFC 7239, a comma and a space between them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub fwd_interface: Option<String>,
}

impl Log {
    /// Whether the invocation succeeded: its status code is one of 200 to 299.
    pub fn is_success(&self) -> bool {
        self.result.len() == 3 && self.result.starts_with('2') && self.result.bytes().all(|byte| byte.is_ascii_digit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, refused, same};

    #[test]
    fn an_invocation() {
        let log = r#"{"apiId": "a", "apiName": "n", "apiVersion": "v1", "resourceName": "r", "uri": "https://ees.example/r",
            "protocol": "HTTP_2", "operation": "POST", "result": "201", "invocationTime": "2030-01-01T00:00:00Z",
            "invocationLatency": 3, "inputParameters": [1], "outputParameters": "x", "srcInterface": {"fqdn": "a.example"},
            "destInterface": {"ipv4Addr": "192.0.2.1"}, "fwdInterface": "192.0.2.43:80, unknown"}"#;
        assert!(same::<Log>(log).is_success());
        needs::<Log>(
            log,
            &["apiId", "apiName", "apiVersion", "resourceName", "protocol", "result"],
        );
        let text = format!(r#"{{"aefId": "AEF1", "apiInvokerId": "INV1", "logs": [{log}], "supportedFeatures": "0"}}"#);
        same::<InvocationLog>(&text);
        needs::<InvocationLog>(&text, &["aefId", "apiInvokerId", "logs"]);
        refused::<InvocationLog>(r#"{"aefId": "AEF1", "apiInvokerId": "INV1", "logs": []}"#);
    }
}
