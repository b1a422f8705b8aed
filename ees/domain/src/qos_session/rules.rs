//! What a session may say: plain functions.

use super::no_expiry;
use crate::{Ees, flows};
use edgeapp_core::{
    collection::Resource,
    error::{Cause, Error},
    patch::PatchRules,
    principal::Principal,
};
use edgeapp_openapi::{
    common::{DateTime, IpAddr},
    problem::InvalidParam,
    session_with_qos::SessionWithQos,
};

impl Resource<Ees> for SessionWithQos {
    const PREFIX: &'static str = "qos-session/";
    const PATCH: PatchRules = PatchRules {
        changeable: &[
            "ipFlows",
            "trafFilterInfo",
            "qosReference",
            "altQosReference",
            "events",
            "sponsorInformation",
            "qosMonInfo",
            "notificationDestination",
            "maxbrUl",
            "maxbrDl",
            "disUeNotif",
        ],
        clearable: &["qosMonInfo", "maxbrUl", "maxbrDl"],
        fixed: &[
            "self",
            "easId",
            "ueIpv4Addr",
            "ueIpv6Addr",
            "ipDomain",
            "ueId",
            "intGrpId",
            "extGrpId",
            "dnn",
            "snssai",
            "requestTestNotification",
            "websockNotifConfig",
            "suppFeat",
        ],
    };

    fn not_found() -> Error {
        Error::not_found("session")
    }

    fn expiry(&mut self) -> Option<&mut Option<DateTime>> {
        no_expiry(self)
    }

    fn may_become(&self, next: &Self) -> Result<(), Error> {
        let same = [
            ("/easId", next.eas_id == self.eas_id),
            ("/ueIpv4Addr", next.ue_ipv4_addr == self.ue_ipv4_addr),
            ("/ueIpv6Addr", next.ue_ipv6_addr == self.ue_ipv6_addr),
            ("/ipDomain", next.ip_domain == self.ip_domain),
            ("/ueId", next.ue_id == self.ue_id),
            ("/intGrpId", next.int_grp_id == self.int_grp_id),
            ("/extGrpId", next.ext_grp_id == self.ext_grp_id),
            ("/dnn", next.dnn == self.dnn),
            ("/snssai", next.snssai == self.snssai),
        ];
        match same.iter().find(|(_, same)| !same) {
            Some((member, _)) => Err(Error::not_changeable(*member)),
            None => Ok(()),
        }
    }

    fn folder(owner: &Principal) -> String {
        crate::ending::folder(owner.id())
    }
}

/// Whether the members of a session go together (TS 23.558 clauses 8.6.6.2.2 and 8.6.6.3.2).
///
/// # Errors
/// With the member at fault: one UE or group has to be named, and one quality; `ipDomain` goes with an IPv4 address, events need
/// somewhere to be told.
pub(super) fn consistent(session: &SessionWithQos) -> Result<(), Error> {
    let named: Vec<&str> = [
        ("/ueIpv4Addr", session.ue_ipv4_addr.is_some()),
        ("/ueIpv6Addr", session.ue_ipv6_addr.is_some()),
        ("/ueId", session.ue_id.is_some()),
        ("/intGrpId", session.int_grp_id.is_some()),
        ("/extGrpId", session.ext_grp_id.is_some()),
    ]
    .into_iter()
    .filter_map(|(member, there)| there.then_some(member))
    .collect();
    match named.as_slice() {
        [] => {
            return Err(Error::mandatory_missing(
                "/ueId",
                "is missing: one of ueIpv4Addr, ueIpv6Addr, ueId, intGrpId, extGrpId has to name the UE or the group",
            ));
        }
        [_] => {}
        [_, second, ..] => {
            return Err(Error::optional_incorrect(
                *second,
                "excludes the other members that name a UE or a group: exactly one of them may be present",
            ));
        }
    }
    if session.ip_domain.is_some() && session.ue_ipv4_addr.is_none() {
        return Err(Error::optional_incorrect("/ipDomain", "goes with ueIpv4Addr only"));
    }
    if session.qos_reference.is_none() && session.maxbr_ul.is_none() && session.maxbr_dl.is_none() {
        return Err(Error::mandatory_missing(
            "/qosReference",
            "is missing: the quality has to be asked for by qosReference, maxbrUl or maxbrDl",
        ));
    }
    flows::readable(&session.ip_flows, "/ipFlows")?;
    if let Some(filter) = &session.traf_filter_info {
        flows::readable(&filter.ip_flows, "/trafFilterInfo/ipFlows")?;
    }
    if !session.events.is_empty() && session.notification_destination.is_none() {
        return Err(Error::mandatory_missing(
            "/notificationDestination",
            "is missing: events have to be told somewhere, and notifications over WebSocket are not served",
        ));
    }
    Ok(())
}

/// The address that names the UE, and where it stands.
pub(super) fn address(session: &SessionWithQos) -> Option<(IpAddr, &'static str)> {
    let four = session.ue_ipv4_addr.map(|four| (IpAddr::Ipv4Addr(four), "/ueIpv4Addr"));
    four.or_else(|| session.ue_ipv6_addr.map(|six| (IpAddr::Ipv6Addr(six), "/ueIpv6Addr")))
}

/// Where a group is named, if one is.
pub(super) fn group(session: &SessionWithQos) -> Option<&'static str> {
    let external = session.ext_grp_id.as_ref().map(|_| "/extGrpId");
    external.or_else(|| session.int_grp_id.as_ref().map(|_| "/intGrpId"))
}

/// The user did not agree.
pub(super) fn no_consent(at: &str) -> Error {
    Error {
        invalid: vec![InvalidParam {
            param: at.to_owned(),
            reason: Some("who is behind it did not agree".to_owned()),
        }],
        ..Error::forbidden(
            Cause::UserConsentNotGranted,
            "the user of this UE did not agree that a quality is asked for",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn session(more: &Value) -> SessionWithQos {
        let mut body = json!({"easId": "eas.chess.example", "ipFlows": ["permit in ip from any to any"]});
        for (member, value) in more.as_object().expect("an object") {
            body[member] = value.clone();
        }
        serde_json::from_value(body).expect("a session")
    }

    fn refusal(more: Value) -> Option<String> {
        consistent(&session(&more))
            .err()
            .map(|error| error.invalid[0].param.clone())
    }

    const TARGETS: [(&str, &str); 5] = [
        ("ueIpv4Addr", "198.51.100.4"),
        ("ueIpv6Addr", "2001:db8::4"),
        ("ueId", "extid-ue1@example.org"),
        ("intGrpId", "0000000a-001-01-0b"),
        ("extGrpId", "extgroupid-a@example.org"),
    ];

    proptest! {
        /// TS 23.558 clause 8.6.6.3.2: UE address, UE and group exclude each other, and one is needed.
        #[test]
        fn exactly_one_target_is_named(present in prop::collection::vec(any::<bool>(), 5)) {
            let mut body = json!({"qosReference": "gold"});
            for ((member, value), there) in TARGETS.iter().zip(&present) {
                if *there {
                    body[*member] = json!(value);
                }
            }
            let count = present.iter().filter(|there| **there).count();
            prop_assert_eq!(consistent(&session(&body)).is_ok(), count == 1);
        }
    }

    #[test]
    fn a_quality_is_needed_in_one_of_its_forms() {
        assert_eq!(refusal(json!({"ueId": "extid-a@b"})).as_deref(), Some("/qosReference"));
        for quality in [
            json!({"qosReference": "g"}),
            json!({"maxbrUl": "1 Mbps"}),
            json!({"maxbrDl": "1 Mbps"}),
        ] {
            let mut body = quality;
            body["ueId"] = "extid-a@b".into();
            assert_eq!(refusal(body), None);
        }
    }

    #[test]
    fn the_rest_points_at_the_member() {
        let with = |member: &str, value: Value| json!({"qosReference": "g", "ueId": "extid-a@b", member: value});
        assert_eq!(refusal(with("ipDomain", json!("a"))).as_deref(), Some("/ipDomain"));
        let flows = json!(["permit in ip from any to any", "permit in ip to any"]);
        assert_eq!(refusal(with("ipFlows", flows.clone())).as_deref(), Some("/ipFlows/1"));
        let filter = json!({"ipFlows": flows});
        assert_eq!(
            refusal(with("trafFilterInfo", filter)).as_deref(),
            Some("/trafFilterInfo/ipFlows/1")
        );
        let events = with("events", json!(["SESSION_TERMINATION"]));
        assert_eq!(refusal(events).as_deref(), Some("/notificationDestination"));
    }
}
