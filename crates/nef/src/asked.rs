//! What is asked of the core, as the bodies of TS 29.122 and TS 29.522.

use crate::settings::NefSettings;
use edgeapp_core::network::{Asked, LocationAsk, LocationWatch, NetworkError, PathInfluence, Target};
use edgeapp_openapi::{
    common::{ExternalGroupId, IpAddr},
    ids::Gpsi,
    session_with_qos::SessionWithQos,
};
use serde_json::{Map, Value, json};

/// Members with a value; nothing is sent as null.
fn members(pairs: impl IntoIterator<Item = (&'static str, Value)>) -> Map<String, Value> {
    let said = pairs.into_iter().filter(|(_, value)| !value.is_null());
    said.map(|(name, value)| (name.to_owned(), value)).collect()
}

fn refused(reason: &str) -> NetworkError {
    NetworkError::Refused {
        cause: reason.to_owned(),
    }
}

/// The body for what lasts, which reports to `destination`.
pub(crate) fn body(asked: &Asked, destination: &str, settings: &NefSettings) -> Result<Value, NetworkError> {
    match asked {
        Asked::Location(watch) => location_watch(watch, destination),
        Asked::Path(influence) => path(influence, destination, settings),
        Asked::Qos(session) => qos(session, destination, settings),
    }
}

/// The two names of a UE that event monitoring knows (TS 29.122 clause 5.3.2.1.2).
fn ue(gpsi: &Gpsi) -> Result<(&'static str, Value), NetworkError> {
    if let Some(digits) = gpsi.as_str().strip_prefix("msisdn-") {
        return Ok(("msisdn", json!(digits)));
    }
    match gpsi.as_str().strip_prefix("extid-") {
        Some(external) => Ok(("externalId", json!(external))),
        None => Err(refused(
            "a GPSI of this kind cannot be asked for: use msisdn-… or extid-…",
        )),
    }
}

/// The name of a group as TS 29.122 has it (`ExternalGroupId`): without the prefix that TS 29.571 puts before it.
fn group(group: &ExternalGroupId) -> &str {
    group.as_str().strip_prefix("extgroupid-").unwrap_or(group.as_str())
}

fn location_watch(watch: &LocationWatch, destination: &str) -> Result<Value, NetworkError> {
    let who = match &watch.target {
        Target::Ue(gpsi) => ue(gpsi)?,
        Target::Group(named) => ("externalGroupId", json!(group(named))),
        Target::Address(address) => ("ueIpAddr", json!(address)),
        Target::Any => return Err(refused("locations of every UE cannot be asked for")),
    };
    Ok(Value::Object(members([
        who,
        ("monitoringType", json!("LOCATION_REPORTING")),
        ("locationType", json!("CURRENT_LOCATION")),
        ("accuracy", json!(watch.accuracy)),
        ("locQoS", json!(watch.qos)),
        ("monitorExpireTime", json!(watch.until)),
        ("notificationDestination", json!(destination)),
        ("revocationNotifUri", json!(destination)),
    ])))
}

/// The body of a question for the present location.
pub(crate) fn location(ask: &LocationAsk, destination: &str) -> Result<Value, NetworkError> {
    Ok(Value::Object(members([
        ue(&ask.ue)?,
        ("monitoringType", json!("LOCATION_REPORTING")),
        ("locationType", json!("CURRENT_OR_LAST_KNOWN_LOCATION")),
        ("accuracy", json!(ask.accuracy)),
        ("locQoS", json!(ask.qos)),
        ("maximumNumberOfReports", json!(1)),
        ("notificationDestination", json!(destination)),
    ])))
}

/// Flows with the number that the core asks for; each may have two descriptions, of both ways, which are told apart here as they came.
fn flows(descriptions: &[String]) -> Value {
    let numbered = descriptions.iter().enumerate();
    numbered
        .map(|(n, description)| json!({"flowId": n + 1, "flowDescriptions": [description]}))
        .collect()
}

fn path(influence: &PathInfluence, destination: &str, settings: &NefSettings) -> Result<Value, NetworkError> {
    let who = match &influence.target {
        Target::Ue(gpsi) => ("gpsi", json!(gpsi)),
        Target::Group(named) => ("externalGroupId", json!(group(named))),
        Target::Any => ("anyUeInd", json!(true)),
        Target::Address(IpAddr::Ipv4Addr(address)) => ("ipv4Addr", json!(address)),
        Target::Address(IpAddr::Ipv6Addr(address)) => ("ipv6Addr", json!(address)),
        Target::Address(IpAddr::Ipv6Prefix(_)) => return Err(refused("traffic of a prefix cannot be influenced")),
    };
    let traffic = match &influence.traffic {
        None => ("afAppId", json!(influence.eas_id)),
        Some(filter) if !filter.ip_flows.is_empty() => ("trafficFilters", flows(&filter.ip_flows)),
        Some(_) => return Err(refused("traffic can be described by ipFlows only")),
    };
    let reports = influence.report.is_some();
    let none_or = |there: bool, value: Value| if there { value } else { Value::Null };
    Ok(Value::Object(members([
        who,
        traffic,
        ("afServiceId", json!(influence.eas_id)),
        ("dnn", json!(settings.dnn)),
        ("snssai", json!(settings.snssai)),
        ("subscribedEvents", none_or(reports, json!(["UP_PATH_CHANGE"]))),
        ("dnaiChgType", json!(influence.report)),
        ("notificationDestination", none_or(reports, json!(destination))),
        ("afAckInd", none_or(influence.acknowledged, json!(true))),
        (
            "trafficRoutes",
            none_or(!influence.routes.is_empty(), json!(influence.routes)),
        ),
        (
            "simConnInd",
            none_or(influence.both_paths_seconds.is_some(), json!(true)),
        ),
        ("simConnTerm", json!(influence.both_paths_seconds)),
    ])))
}

fn qos(session: &SessionWithQos, destination: &str, settings: &NefSettings) -> Result<Value, NetworkError> {
    if session.int_grp_id.is_some() {
        return Err(refused("an internal group cannot be asked for"));
    }
    let limits = members([
        ("reqMbrUl", json!(session.maxbr_ul)),
        ("reqMbrDl", json!(session.maxbr_dl)),
    ]);
    let none_or = |there: bool, value: Value| if there { value } else { Value::Null };
    Ok(Value::Object(members([
        ("notificationDestination", json!(destination)),
        ("ueIpv4Addr", json!(session.ue_ipv4_addr)),
        ("ueIpv6Addr", json!(session.ue_ipv6_addr)),
        ("ipDomain", json!(session.ip_domain)),
        ("gpsi", json!(session.ue_id)),
        ("extGroupId", json!(session.ext_grp_id.as_ref().map(group))),
        ("flowInfo", flows(&session.ip_flows)),
        ("qosReference", json!(session.qos_reference)),
        (
            "altQoSReferences",
            none_or(!session.alt_qos_reference.is_empty(), json!(session.alt_qos_reference)),
        ),
        ("events", none_or(!session.events.is_empty(), json!(session.events))),
        ("sponsorInfo", json!(session.sponsor_information)),
        ("qosMonInfo", json!(session.qos_mon_info)),
        ("disUeNotif", none_or(session.dis_ue_notif, json!(true))),
        ("tscQosReq", none_or(!limits.is_empty(), Value::Object(limits))),
        ("dnn", json!(session.dnn.as_ref().or(settings.dnn.as_ref()))),
        ("snssai", json!(session.snssai.as_ref().or(settings.snssai.as_ref()))),
    ])))
}
