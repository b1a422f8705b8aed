//! What the core reports, from the bodies that arrive: what the standard demands and deployed ones leave out is not missed, unknown
//! members are ignored, and what cannot be understood is refused with where it stands.

use edgeapp_core::{
    error::Error,
    network::{AckTo, CoreReport, Link, LocationReport, PathReport, Service},
};
use edgeapp_openapi::{
    acr_management_event::{IndUeIdentification, UpPathChangeInfo},
    common::{DateTime, DnaiChangeType, IpAddr},
    ids::Gpsi,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What a body says that arrived for this service.
///
/// # Errors
/// Points at what cannot be understood.
pub fn understand(service: Service, link: Option<&Link>, body: &[u8]) -> Result<Vec<CoreReport>, Error> {
    let body: Value = serde_json::from_slice(body).map_err(|_| wrong("", "is no JSON"))?;
    // Some send several notifications at once.
    let all = match body {
        Value::Array(all) => all,
        one => vec![one],
    };
    let mut reports = Vec::new();
    for body in all {
        if !body.is_object() {
            return Err(wrong("", "must be an object"));
        }
        is_for(link, &body)?;
        reports.extend(match service {
            Service::Location => locations(&body)?,
            Service::Path => vec![path(&body)?],
            Service::Qos => vec![CoreReport::Qos(list(&body, "eventReports")?)],
        });
    }
    Ok(reports)
}

/// What the answer to an end says: a last report of a location as itself, in a list, or in a notification; a last notification of a
/// session or a path. What cannot be read is of no use.
pub(crate) fn farewell(service: Service, body: &[u8]) -> Vec<CoreReport> {
    let itself = || {
        let report = serde_json::from_slice::<Value>(body).ok()?;
        let report = ["locationInfo", "locFailureCause"]
            .iter()
            .any(|name| report.get(*name).is_some())
            .then_some(report)?;
        location(&report).ok()
    };
    if service == Service::Location
        && let Some(report) = itself()
    {
        return vec![CoreReport::Location(Box::new(report))];
    }
    understand(service, None, body).unwrap_or_default()
}

fn wrong(pointer: &str, reason: &str) -> Error {
    Error::mandatory_incorrect(pointer, reason)
}

/// A member of a type; absent and null are the same.
fn member<T: DeserializeOwned>(body: &Value, name: &str) -> Result<Option<T>, Error> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => T::deserialize_from(value)
            .map(Some)
            .map_err(|reason| wrong(&format!("/{name}"), &reason)),
    }
}

fn list<T: DeserializeOwned>(body: &Value, name: &str) -> Result<Vec<T>, Error> {
    let Some(list) = body.get(name).and_then(Value::as_array) else {
        return Err(Error::mandatory_missing(format!("/{name}"), "is mandatory and missing"));
    };
    let at = |(n, value): (usize, &Value)| {
        T::deserialize_from(value).map_err(|reason| wrong(&format!("/{name}/{n}"), &reason))
    };
    list.iter().enumerate().map(at).collect()
}

trait FromJson: Sized {
    fn deserialize_from(value: &Value) -> Result<Self, String>;
}

impl<T: DeserializeOwned> FromJson for T {
    fn deserialize_from(value: &Value) -> Result<Self, String> {
        serde_json::from_value(value.clone()).map_err(|error| error.to_string())
    }
}

/// A report that names its subscription names ours. Compared by the last part of the path: who stands between may change the rest.
fn is_for(link: Option<&Link>, body: &Value) -> Result<(), Error> {
    let Some(link) = link else { return Ok(()) };
    let last = |uri: &str| {
        uri.trim_end_matches('/')
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    for name in ["subscription", "transaction"] {
        if let Some(said) = body.get(name).and_then(Value::as_str)
            && last(said) != last(link.uri.as_str())
        {
            return Err(wrong(
                &format!("/{name}"),
                "is not the subscription that reports to this address",
            ));
        }
    }
    Ok(())
}

fn locations(body: &Value) -> Result<Vec<CoreReport>, Error> {
    if body.get("consentsRevoked").is_some() {
        return Ok(vec![CoreReport::Revoked(list(body, "consentsRevoked")?)]);
    }
    let mut reports = Vec::new();
    let said = match body.get("monitoringEventReports") {
        None | Some(Value::Null) => &[][..],
        Some(Value::Array(said)) => said,
        Some(_) => return Err(wrong("/monitoringEventReports", "must be a list")),
    };
    for (n, report) in said.iter().enumerate() {
        if !report.is_object() {
            return Err(wrong(&format!("/monitoringEventReports/{n}"), "must be an object"));
        }
        let report = location(report).map_err(|error| beneath(error, &format!("/monitoringEventReports/{n}")))?;
        reports.push(CoreReport::Location(Box::new(report)));
    }
    if member::<bool>(body, "cancelInd")? == Some(true) {
        reports.push(CoreReport::Ended);
    }
    Ok(reports)
}

fn beneath(mut error: Error, pointer: &str) -> Error {
    for invalid in &mut error.invalid {
        invalid.param.insert_str(0, pointer);
    }
    error
}

/// One `MonitoringEventReport`. It may say nothing but why it says nothing.
pub(crate) fn location(report: &Value) -> Result<LocationReport, Error> {
    let gpsi = |prefix: &str, name: &str| -> Result<Option<Gpsi>, Error> {
        let Some(text) = report.get(name).and_then(Value::as_str) else {
            return Ok(None);
        };
        let gpsi = if text.starts_with(prefix) {
            text.to_owned()
        } else {
            format!("{prefix}{text}")
        };
        gpsi.parse()
            .map(Some)
            .map_err(|_| wrong(&format!("/{name}"), "is no identifier"))
    };
    let ue = match gpsi("extid-", "externalId")? {
        Some(ue) => Some(ue),
        None => gpsi("msisdn-", "msisdn")?,
    };
    if report
        .get("locationInfo")
        .is_some_and(|info| !info.is_object() && !info.is_null())
    {
        return Err(wrong("/locationInfo", "must be an object"));
    }
    let failure = report.get("locFailureCause").or_else(|| report.get("failureCause"));
    let failure = failure.map(|cause| cause.as_str().map_or_else(|| cause.to_string(), str::to_owned));
    Ok(LocationReport {
        ue,
        location: member(report, "locationInfo")?,
        failure,
        at: member::<DateTime>(report, "eventTime")?,
    })
}

/// An `EventNotification` of traffic influence (TS 29.522 clause 5.4.3.3.3).
fn path(body: &Value) -> Result<CoreReport, Error> {
    let gpsi: Option<Gpsi> = member(body, "gpsi")?;
    let address = || -> Result<Option<IpAddr>, Error> {
        for name in ["tgtUeIpv4Addr", "srcUeIpv4Addr"] {
            if let Some(address) = member(body, name)? {
                return Ok(Some(IpAddr::Ipv4Addr(address)));
            }
        }
        for name in ["tgtUeIpv6Prefix", "srcUeIpv6Prefix"] {
            if let Some(prefix) = member(body, name)? {
                return Ok(Some(IpAddr::Ipv6Prefix(prefix)));
            }
        }
        Ok(None)
    };
    let ue_id = match gpsi.clone() {
        Some(gpsi) => IndUeIdentification::Gpsi(gpsi),
        None => IndUeIdentification::UeIpAddr(
            address()?.ok_or_else(|| Error::mandatory_missing("/gpsi", "or an address of the UE is needed"))?,
        ),
    };
    let dnai_chg_type: Option<DnaiChangeType> = member(body, "dnaiChgType")?;
    let change = UpPathChangeInfo {
        ue_id,
        dnai_chg_type: dnai_chg_type.unwrap_or(DnaiChangeType::Late),
        source_traffic_route: member(body, "sourceTrafficRoute")?,
        target_traffic_route: member(body, "targetTrafficRoute")?,
        source_dnai: member(body, "sourceDnai")?,
        target_dnai: member(body, "targetDnai")?,
        src_ue_ipv4_addr: member(body, "srcUeIpv4Addr")?,
        src_ue_ipv6_prefix: member(body, "srcUeIpv6Prefix")?,
        tgt_ue_ipv4_addr: member(body, "tgtUeIpv4Addr")?,
        tgt_ue_ipv6_prefix: member(body, "tgtUeIpv6Prefix")?,
    };
    let acknowledge = match member(body, "afAckUri")? {
        Some(uri) => Some(AckTo {
            uri,
            transaction: member(body, "afTransId")?,
            ue: gpsi,
        }),
        None => None,
    };
    Ok(CoreReport::Path(Box::new(PathReport { change, acknowledge })))
}
