//! CAPIF_Events_API: who wants to know of what, and is told (TS 29.222 clause 8.3).

use super::{
    ApiInvokerId, FunctionId, ServiceApiId, access_control_policy::ApiInvokerPolicy, logging::InvocationLog,
    publish_service::ServiceApiDescription, routing_info::RoutingRule,
};
use crate::common::{ReportingInformation, SupportedFeatures, Uri, WebsockNotifConfig, bounded, non_empty};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A subscription to events (clause 8.3.4.2.2). The n-th filter belongs to the n-th event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self", rename_all = "camelCase")]
pub struct EventSubscription {
    /// `events`: the events, at least one.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub events: Vec<CapifEvent>,
    /// `eventFilters`: one for each event, in the same order; an empty one leaves all through. At least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub event_filters: Vec<CapifEventFilter>,
    /// `eventReq`: how often and how long to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub event_req: Option<ReportingInformation>,
    /// `notificationDestination`: where to tell.
    pub notification_destination: Uri,
    /// `requestTestNotification`: the subscriber asks for a test notification.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub request_test_notification: bool,
    /// `websockNotifConfig`: notifications over a WebSocket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub websock_notif_config: Option<WebsockNotifConfig>,
    /// `supportedFeatures`: in a request the subscriber's, in an answer those in common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub supported_features: Option<SupportedFeatures>,
}

checked!(EventSubscription, |subscription| {
    if subscription.event_filters.len() > subscription.events.len() {
        return Err("eventFilters has more items than events: the n-th filter belongs to the n-th event");
    }
    Ok(())
});

/// What a merge patch may change in a subscription. A sender's type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventSubscriptionPatch {
    /// `events`: the events, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub events: Vec<CapifEvent>,
    /// `eventFilters`: one for each event, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub event_filters: Vec<CapifEventFilter>,
    /// `eventReq`: how often and how long to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub event_req: Option<ReportingInformation>,
    /// `notificationDestination`: where to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub notification_destination: Option<Uri>,
}

/// What an event has to be about (clause 8.3.4.2.4). A list that is absent leaves all through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CAPIFEventFilter)]
pub struct CapifEventFilter {
    /// `apiIds`: one of these APIs, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub api_ids: Vec<ServiceApiId>,
    /// `apiInvokerIds`: one of these invokers, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub api_invoker_ids: Vec<ApiInvokerId>,
    /// `aefIds`: one of these exposing functions, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub aef_ids: Vec<FunctionId>,
}

/// An event, told (clause 8.3.4.2.3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventNotification {
    /// `subscriptionId`: the subscription.
    pub subscription_id: String,
    /// `events`: the event, one despite the name.
    pub events: CapifEvent,
    /// `eventDetail`: what exactly happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub event_detail: Option<CapifEventDetail>,
}

/// What exactly happened (clause 8.3.4.2.5).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CAPIFEventDetail)]
pub struct CapifEventDetail {
    /// `serviceAPIDescriptions`: the APIs as they are now, at least one when present.
    #[serde(
        rename = "serviceAPIDescriptions",
        default,
        deserialize_with = "non_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[schema(min_items = 1)]
    pub service_api_descriptions: Vec<ServiceApiDescription>,
    /// `apiIds`: the APIs, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub api_ids: Vec<ServiceApiId>,
    /// `apiInvokerIds`: the invokers, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub api_invoker_ids: Vec<ApiInvokerId>,
    /// `accCtrlPolList`: the policies as they are now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub acc_ctrl_pol_list: Option<AccessControlPolicyListExt>,
    /// `invocationLogs`: the invocations, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub invocation_logs: Vec<InvocationLog>,
    /// `apiTopoHide`: where invocations of an API are to be forwarded to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub api_topo_hide: Option<TopologyHiding>,
}

/// The policies of one API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessControlPolicyListExt {
    /// `apiInvokerPolicies`: those of each invoker that has any.
    #[serde(default, deserialize_with = "bounded")]
    #[schema(required = false)]
    pub api_invoker_policies: Vec<ApiInvokerPolicy>,
    /// `apiId`: the API.
    pub api_id: ServiceApiId,
}

/// Where invocations of an API are to be forwarded to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopologyHiding {
    /// `apiId`: the API.
    pub api_id: ServiceApiId,
    /// `routingRules`: the rules, at least one.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub routing_rules: Vec<RoutingRule>,
}

open_enum!(
    /// What can happen (clause 8.3.4.3.3).
    CapifEvent as "CAPIFEvent" {
        /// An API was published.
        ServiceApiAvailable = "SERVICE_API_AVAILABLE",
        /// An API was withdrawn.
        ServiceApiUnavailable = "SERVICE_API_UNAVAILABLE",
        /// The description of an API changed.
        ServiceApiUpdate = "SERVICE_API_UPDATE",
        /// An invoker was onboarded.
        ApiInvokerOnboarded = "API_INVOKER_ONBOARDED",
        /// An invoker left.
        ApiInvokerOffboarded = "API_INVOKER_OFFBOARDED",
        /// An API was used.
        ServiceApiInvocationSuccess = "SERVICE_API_INVOCATION_SUCCESS",
        /// An API was called in vain.
        ServiceApiInvocationFailure = "SERVICE_API_INVOCATION_FAILURE",
        /// The policies of an API changed.
        AccessControlPolicyUpdate = "ACCESS_CONTROL_POLICY_UPDATE",
        /// An API has no policies any more.
        AccessControlPolicyUnavailable = "ACCESS_CONTROL_POLICY_UNAVAILABLE",
        /// An invoker lost an authorization.
        ApiInvokerAuthorizationRevoked = "API_INVOKER_AUTHORIZATION_REVOKED",
        /// The enrolment of an invoker changed.
        ApiInvokerUpdated = "API_INVOKER_UPDATED",
        /// Invocations of an API are to be forwarded.
        ApiTopologyHidingCreated = "API_TOPOLOGY_HIDING_CREATED",
        /// Invocations of an API are not to be forwarded any more.
        ApiTopologyHidingRevoked = "API_TOPOLOGY_HIDING_REVOKED",
    }
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, refused, same};

    #[test]
    fn a_subscription_and_its_filters() {
        let text = r#"{"events": ["SERVICE_API_AVAILABLE", "API_INVOKER_ONBOARDED"], "eventFilters": [{"apiIds": ["a"]}, {}],
            "eventReq": {"notifMethod": "ONE_TIME"}, "notificationDestination": "https://ees.example/n",
            "requestTestNotification": true, "websockNotifConfig": {}, "supportedFeatures": "4"}"#;
        same::<EventSubscription>(text);
        needs::<EventSubscription>(text, &["events", "notificationDestination"]);
        refused::<EventSubscription>(
            r#"{"events": ["NEW"], "eventFilters": [{}, {}], "notificationDestination": "https://ees.example/n"}"#,
        );
        refused::<CapifEventFilter>(r#"{"apiIds": []}"#);
    }

    #[test]
    fn an_event_is_told() {
        let text =
            r#"{"subscriptionId": "s", "events": "API_INVOKER_ONBOARDED", "eventDetail": {"apiInvokerIds": ["I"]}}"#;
        same::<EventNotification>(text);
        needs::<EventNotification>(text, &["subscriptionId", "events"]);
        needs::<TopologyHiding>(
            r#"{"apiId": "a", "routingRules": [{"aefProfile": {"aefId": "A", "versions": [{"apiVersion": "v1"}],
                "domainName": "d"}}]}"#,
            &["apiId", "routingRules"],
        );
    }
}
