//! What is sent: bodies with the members that such messages usually have.

use bytes::Bytes;
use serde_json::{Value, json};

/// EAS discovery over EDGE-1.
pub(crate) const DISCOVERY: &str = "/eees-easdiscovery/v1/eas-profiles/request-discovery";
/// EEC registration over EDGE-1.
pub(crate) const EEC_REGISTRATIONS: &str = "/eees-eecregistration/v1/registrations";
/// EAS registration over EDGE-3.
pub(crate) const EAS_REGISTRATIONS: &str = "/eees-easregistration/v1/registrations";
/// EEC contexts over EDGE-9.
pub(crate) const EEC_CONTEXTS: &str = "/eees-eeccontextreloc/v1/eec-contexts";

/// The EASID of an application.
pub(crate) fn eas_id(application: u32) -> String {
    format!("eas.application-{application}.example")
}

/// Registers an instance of an application.
pub(crate) fn eas_registration(application: u32, instance: u32) -> Bytes {
    let tai = |tac: u32| json!({"plmnId": {"mcc": "262", "mnc": "01"}, "tac": format!("{:06x}", tac % 0x00ff_ffff)});
    bytes(&json!({"easProf": {
        "easId": eas_id(application),
        "endPt": {"uri": format!("https://i{instance}.application-{application}.edge-a.example:8443")},
        "acIds": [format!("ac.application-{application}.android"), format!("ac.application-{application}.ios")],
        "provId": format!("provider-{}.example", application % 50),
        "flexEasType": format!("kind-{}", application % 20),
        "permLvl": ["GOLD", "SILVER"],
        "easFeats": ["voice", format!("feature-{}", application % 30)],
        "svcArea": {"topServAr": {"tais": [tai(application % 200), tai(application % 200 + 1)]}},
        "svcKpi": {"maxReqRate": 200, "maxRespTime": 20, "avail": 99, "connBand": "50 Mbps"},
        "svcContSupp": ["EEC_INITIATED", "EEC_EXECUTED_VIA_SOURCE_EES"],
        "status": "ENABLED",
    }}))
}

/// An EEC asks for the instances of an application.
pub(crate) fn discovery(eec: &str, application: u32) -> Bytes {
    bytes(&json!({
        "requestorId": {"eecId": eec},
        "easDiscoveryFilter": {"easChars": [{"easId": eas_id(application)}]},
    }))
}

/// Registers an EEC with two application clients: about 700 bytes.
pub(crate) fn eec_registration(eec: &str) -> Bytes {
    bytes(&json!({
        "eecId": eec,
        "acProfs": application_clients(),
        "eecSvcContSupp": ["EEC_INITIATED", "EEC_EXECUTED_VIA_SOURCE_EES"],
        "ueMobilityReq": true,
        "ueType": "UNCONSTRAINED_DEVICE",
    }))
}

/// An EES brings the context of an EEC with the same application clients.
pub(crate) fn eec_context(ees: &str, eec: &str) -> Bytes {
    bytes(&json!({"eesId": ees, "eecCntx": {
        "eecId": eec,
        "cntxId": format!("context-of-{eec}"),
        "acProfs": application_clients(),
        "eecSrvContSupp": {"srvContSupp": true, "acrScenarios": ["EEC_INITIATED", "EEC_EXECUTED_VIA_SOURCE_EES"]},
        "ueMobSuppInd": true,
    }}))
}

fn application_clients() -> Value {
    let client = |application: u32| {
        json!({
            "acId": format!("ac.application-{application}.android"),
            "acType": "game",
            "acSvcContSupp": ["EEC_INITIATED"],
            "simInactTime": 2,
            "eass": [{
                "easId": eas_id(application),
                "expectedSvcKPIs": {"connBand": "10 Mbps", "reqRate": 50, "avail": 90},
                "minimumReqSvcKPIs": {"connBand": "2 Mbps", "reqRate": 20},
            }],
        })
    };
    json!([client(0), client(1)])
}

fn bytes(value: &Value) -> Bytes {
    value.to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgeapp_core::parse::from_slice;
    use edgeapp_openapi::{
        eas_discovery::EasDiscoveryReq, eas_registration::EasRegistration, eec_context_relocation::EecContextPush,
        eec_registration::EecRegistration,
    };

    #[test]
    fn bodies_are_what_the_operations_take() {
        assert!(from_slice::<EasRegistration>(&eas_registration(999, 100)).is_ok());
        assert!(from_slice::<EasDiscoveryReq>(&discovery("eec-1", 0)).is_ok());
        assert!(from_slice::<EecRegistration>(&eec_registration("eec-1")).is_ok());
        assert!(from_slice::<EecContextPush>(&eec_context("ees-b.example", "eec-1")).is_ok());
    }

    #[test]
    fn an_eec_registration_has_about_700_bytes() {
        let length = eec_registration("eec-000001.example").len();
        assert!((650..=750).contains(&length), "{length}");
    }
}
