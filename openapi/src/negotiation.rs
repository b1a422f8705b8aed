//! Which members belong to which optional feature, and what becomes of them when a client and a server negotiate (TS 29.122 clause
//! 5.2.7).
//!
//! | the client said | members of a feature that is served | of one that is not |
//! |---|---|---|
//! | nothing about features | count | are ignored |
//! | features, this one among them | count, and its rules hold | are ignored |
//! | features, this one not among them | are ignored, and not sent to it | are ignored |
//!
//! Test notifications are sent only to who asked for the feature. Configurations of a WebSocket are always ignored, because it is not
//! served.

use crate::{
    acr_events::AcrEventsSubscription,
    common::SupportedFeatures,
    eas_discovery::{DiscoveredEas, EasDiscoveryFilter, EasDiscoveryReq, EasDiscoverySubscription},
    eas_registration::{EasProfile, EasRegistration},
    eec_registration::AcProfile,
    ees_registration::EesRegistration,
    features::{self, NOTIFICATION_TEST_EVENT},
    service_provisioning::{EcsServProvReq, EcsServProvSubscription},
    session_with_qos::SessionWithQos,
    ue_location::LocationSubscription,
};

/// What a client and a server agreed on; `None` when the client said nothing about features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed(pub Option<SupportedFeatures>);

impl Agreed {
    /// Whether members of this feature count: unless the client negotiated and it is not among the common ones.
    pub fn counts(self, feature: u32) -> bool {
        self.0.is_none_or(|common| common.has(feature))
    }

    /// Whether the client asked for this feature in so many words.
    pub fn is_asked(self, feature: u32) -> bool {
        self.0.is_some_and(|common| common.has(feature))
    }
}

/// A body in which a client says which features it knows.
pub trait Negotiated {
    /// What our servers offer in its API.
    const SERVED: SupportedFeatures;

    /// Where the features stand.
    fn supp_feat(&mut self) -> &mut Option<SupportedFeatures>;

    /// Takes away the members of features that do not count.
    fn ignore(&mut self, agreed: Agreed);
}

/// Leaves the common features in a body, without the members of the others.
pub fn negotiate<T: Negotiated>(body: &mut T) -> Agreed {
    let offered = body.supp_feat();
    *offered = offered.map(|offered| T::SERVED.common(&offered));
    let agreed = Agreed(*offered);
    body.ignore(agreed);
    agreed
}

/// As [`negotiate`], for a body that takes the place of one for which `before` was agreed on: if it offers nothing, that holds on.
pub fn negotiate_again<T: Negotiated>(body: &mut T, before: Option<SupportedFeatures>) -> Agreed {
    let offered = body.supp_feat();
    *offered = offered.or(before);
    negotiate(body)
}

impl Negotiated for EasRegistration {
    const SERVED: SupportedFeatures = features::eas_registration::SERVED;

    fn supp_feat(&mut self) -> &mut Option<SupportedFeatures> {
        &mut self.supp_feat
    }

    fn ignore(&mut self, agreed: Agreed) {
        if !agreed.counts(features::eas_registration::EDGE_APP_2) {
            without_release_18(&mut self.eas_prof);
        }
    }
}

/// Takes the members of Release 18 away from what is told of an EAS to who does not know them.
pub fn as_before_release_18(found: &mut DiscoveredEas) {
    found.ees_end_pt = None;
    without_release_18(&mut found.eas);
}

fn without_release_18(profile: &mut EasProfile) {
    profile.allowed_plmn_id = None;
    profile.eas_bdl_infos = Vec::new();
    profile.svc_cont_supp_ext1 = Vec::new();
    profile.trans_cont_supp = None;
    profile.gen_ctx_dur = None;
    profile.eas_sync_supp = false;
}

impl Negotiated for EasDiscoveryReq {
    const SERVED: SupportedFeatures = features::eas_discovery::SERVED;

    fn supp_feat(&mut self) -> &mut Option<SupportedFeatures> {
        &mut self.supp_feat
    }

    fn ignore(&mut self, agreed: Agreed) {
        if !agreed.counts(features::eas_discovery::EDGE_APP_2) {
            self.eas_sel_sup_ind = false;
            self.eas_int_trig_sup = None;
            self.predict_exp_time = None;
            self.svc_continuity_plan_ind = false;
            self.eas_discovery_filter.iter_mut().for_each(narrow);
        }
    }
}

impl Negotiated for EasDiscoverySubscription {
    const SERVED: SupportedFeatures = features::eas_discovery::SERVED;

    fn supp_feat(&mut self) -> &mut Option<SupportedFeatures> {
        &mut self.supp_feat
    }

    fn ignore(&mut self, agreed: Agreed) {
        self.websock_notif_config = None;
        self.request_test_notification &= agreed.is_asked(NOTIFICATION_TEST_EVENT);
        if !agreed.counts(features::eas_discovery::EDGE_APP_2) {
            self.eas_int_trig_sup = None;
            self.eec_trigger_request = false;
            self.eas_discovery_filter.iter_mut().for_each(narrow);
        }
    }
}

/// Takes the members of Release 18 away from a filter.
fn narrow(filter: &mut EasDiscoveryFilter) {
    filter.app_group_profile = None;
    for like in &mut filter.eas_chars {
        like.eas_sync_ind = false;
        like.eas_bundle_info = None;
        like.app_grp_id = None;
    }
    for ac in &mut filter.ac_chars {
        unbundle(&mut ac.ac_prof);
    }
}

fn unbundle(profile: &mut AcProfile) {
    profile.eas_bundle_infos = Vec::new();
}

impl Negotiated for AcrEventsSubscription {
    const SERVED: SupportedFeatures = features::acr_events::SERVED;

    fn supp_feat(&mut self) -> &mut Option<SupportedFeatures> {
        &mut self.supp_feat
    }

    fn ignore(&mut self, agreed: Agreed) {
        self.websock_notif_config = None;
        self.request_test_notification &= agreed.is_asked(NOTIFICATION_TEST_EVENT);
    }
}

impl Negotiated for EcsServProvReq {
    const SERVED: SupportedFeatures = features::service_provisioning::SERVED;

    fn supp_feat(&mut self) -> &mut Option<SupportedFeatures> {
        &mut self.supp_feat
    }

    fn ignore(&mut self, agreed: Agreed) {
        if !agreed.counts(features::service_provisioning::EDGE_APP_2) {
            self.ecsp_ids = Vec::new();
            self.app_group_profile = None;
            self.ac_profs.iter_mut().for_each(unbundle);
        }
    }
}

impl Negotiated for EcsServProvSubscription {
    const SERVED: SupportedFeatures = features::service_provisioning::SERVED;

    fn supp_feat(&mut self) -> &mut Option<SupportedFeatures> {
        &mut self.supp_feat
    }

    fn ignore(&mut self, agreed: Agreed) {
        self.websock_notif_config = None;
        self.request_test_notification &= agreed.is_asked(NOTIFICATION_TEST_EVENT);
        if !agreed.counts(features::service_provisioning::EDGE_APP_2) {
            self.ecsp_ids = Vec::new();
            self.eec_trigger_request = false;
            self.ac_profs.iter_mut().for_each(unbundle);
        }
    }
}

impl Negotiated for EesRegistration {
    const SERVED: SupportedFeatures = features::ees_registration::SERVED;

    fn supp_feat(&mut self) -> &mut Option<SupportedFeatures> {
        &mut self.supp_feat
    }

    fn ignore(&mut self, agreed: Agreed) {
        if !agreed.counts(features::ees_registration::EDGE_APP_2) {
            self.ees_prof.eas_inst_info.clear();
            self.ees_prof.eas_bdl_infos.clear();
            self.ees_prof.svc_cont_supp_ext1 = Vec::new();
        }
    }
}

impl Negotiated for LocationSubscription {
    const SERVED: SupportedFeatures = features::ue_location::SERVED;

    fn supp_feat(&mut self) -> &mut Option<SupportedFeatures> {
        &mut self.supp_feat
    }

    fn ignore(&mut self, agreed: Agreed) {
        self.websock_notif_config = None;
        self.request_test_notification &= agreed.is_asked(NOTIFICATION_TEST_EVENT);
        if !agreed.counts(features::ue_location::USER_CONSENT_REVOCATION) {
            self.revocation_notif_uri = None;
        }
    }
}

impl Negotiated for SessionWithQos {
    const SERVED: SupportedFeatures = features::session_with_qos::SERVED;

    fn supp_feat(&mut self) -> &mut Option<SupportedFeatures> {
        &mut self.supp_feat
    }

    fn ignore(&mut self, agreed: Agreed) {
        self.websock_notif_config = None;
        self.request_test_notification &= agreed.is_asked(NOTIFICATION_TEST_EVENT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::{Serialize, de::DeserializeOwned};
    use serde_json::{Value, json};

    /// What is left of a body that was sent with these features, without the features.
    fn left<T: Negotiated + Serialize + DeserializeOwned>(body: &Value, offered: Option<&str>) -> Value {
        let mut body = body.clone();
        if let Some(offered) = offered {
            body["suppFeat"] = offered.into();
        }
        let mut body: T = serde_json::from_value(body).expect("the body");
        let agreed = negotiate(&mut body);
        assert_eq!(agreed.0, *body.supp_feat());
        assert_eq!(
            agreed.0.is_some(),
            offered.is_some(),
            "nothing is answered to who offers nothing"
        );
        assert!(agreed.0.is_none_or(|common| T::SERVED.common(&common) == common));
        *body.supp_feat() = None;
        serde_json::to_value(body).expect("JSON")
    }

    /// The pointers of `of` that are absent from `than`.
    fn missing(pointers: &[&str], than: &Value) -> Vec<String> {
        let gone = |pointer: &&&str| than.pointer(pointer).is_none_or(|value| *value == json!(false));
        pointers.iter().filter(gone).map(ToString::to_string).collect()
    }

    /// For each feature, its members count without an offer and with the feature, and are gone when it is not in common.
    fn by_features<T: Negotiated + Serialize + DeserializeOwned>(body: Value, release_18: &[&str], number: u32) {
        let mut kept = body.clone();
        if let Some(members) = kept.as_object_mut() {
            members.remove("websockNotifConfig");
            members.remove("requestTestNotification");
        }
        let all = format!("{:x}", (1_u32 << (number - 1)) | 3);
        assert_eq!(left::<T>(&body, None), kept, "no offer: all that is served counts");
        let with_all = left::<T>(&body, Some(&all));
        assert!(missing(release_18, &with_all).is_empty(), "{with_all}");
        assert!(with_all.get("websockNotifConfig").is_none(), "never served");
        let test = body.get("requestTestNotification");
        assert_eq!(with_all.get("requestTestNotification"), test);
        let others = format!("{:x}", 0xffff_u32 & !(1 << (number - 1)));
        for offered in ["", "0", others.as_str()] {
            let bare = left::<T>(&body, Some(offered));
            assert_eq!(missing(release_18, &bare), release_18, "{offered}: {bare}");
        }
        assert!(left::<T>(&body, Some("0")).get("requestTestNotification").is_none());
    }

    const SOCKET: &str = r#"{"websocketUri": "wss://x.example/ws", "requestWebsocketUri": true}"#;

    fn subscription(mut body: Value) -> Value {
        body["websockNotifConfig"] = serde_json::from_str(SOCKET).expect("JSON");
        body["requestTestNotification"] = true.into();
        body
    }

    #[test]
    fn registrations() {
        let bundle = json!([{"bdlType": "DIRECT", "bdlId": "b1"}]);
        by_features::<EasRegistration>(
            json!({"easProf": {"easId": "e", "endPt": {"fqdn": "e.example"}, "svcContSupp": ["EEC_INITIATED"],
                "svcContSuppExt1": bundle, "easBdlInfos": bundle, "genCtxDur": 5, "easSyncSupp": true,
                "allowedPlmnId": {"mcc": "001", "mnc": "01"}}}),
            &[
                "/easProf/svcContSuppExt1",
                "/easProf/easBdlInfos",
                "/easProf/genCtxDur",
                "/easProf/easSyncSupp",
                "/easProf/allowedPlmnId",
            ],
            features::eas_registration::EDGE_APP_2,
        );
        by_features::<EesRegistration>(
            json!({"eesProf": {"eesId": "e", "endPt": {"fqdn": "e.example"}, "eecRegConf": true, "svcContSupp": ["EEC_INITIATED"],
                "svcContSuppExt1": bundle, "easBdlInfos": {"eas.x": bundle},
                "easInstInfo": {"eas.x": {"easId": "eas.x", "status": "INSTANTIABLE"}}}}),
            &[
                "/eesProf/svcContSuppExt1",
                "/eesProf/easBdlInfos",
                "/eesProf/easInstInfo",
            ],
            features::ees_registration::EDGE_APP_2,
        );
    }

    #[test]
    fn discovery() {
        let filter = json!({"easChars": [{"easId": "e", "easSyncInd": true, "appGrpId": "g",
            "easBundleInfo": {"bdlType": "DIRECT", "bdlId": "b1"}}]});
        let of_filter = [
            "/easDiscoveryFilter/easChars/0/easSyncInd",
            "/easDiscoveryFilter/easChars/0/appGrpId",
            "/easDiscoveryFilter/easChars/0/easBundleInfo",
        ];
        let request = json!({"requestorId": {"eecId": "eec-1"}, "easDiscoveryFilter": filter, "easSelSupInd": true,
            "easIntTrigSup": true});
        let members = [&of_filter[..], &["/easSelSupInd", "/easIntTrigSup"]].concat();
        by_features::<EasDiscoveryReq>(request, &members, features::eas_discovery::EDGE_APP_2);
        let clients =
            json!({"acChars": [{"acProf": {"acId": "a", "easBundleInfos": [{"bdlType": "DIRECT", "bdlId": "b1"}]}}]});
        by_features::<EasDiscoveryReq>(
            json!({"requestorId": {"eecId": "eec-1"}, "easDiscoveryFilter": clients}),
            &["/easDiscoveryFilter/acChars/0/acProf/easBundleInfos"],
            features::eas_discovery::EDGE_APP_2,
        );
        let wanted = json!({"eecId": "eec-1", "easEventType": "EAS_AVAILABILITY_CHANGE", "easDiscoveryFilter": filter,
            "easIntTrigSup": true, "eecTriggerRequest": true});
        let members = [&of_filter[..], &["/easIntTrigSup", "/eecTriggerRequest"]].concat();
        by_features::<EasDiscoverySubscription>(subscription(wanted), &members, features::eas_discovery::EDGE_APP_2);
    }

    #[test]
    fn provisioning() {
        let bundled = json!([{"acId": "a", "easBundleInfos": [{"bdlType": "DIRECT", "bdlId": "b1"}]}]);
        by_features::<EcsServProvReq>(
            json!({"eecId": "eec-1", "acProfs": bundled, "ecspIds": ["p"], "appGroupProfile": {"appGrpId": "g", "easId": "e"}}),
            &["/ecspIds", "/appGroupProfile", "/acProfs/0/easBundleInfos"],
            features::service_provisioning::EDGE_APP_2,
        );
        by_features::<EcsServProvSubscription>(
            subscription(json!({"eecId": "eec-1", "acProfs": bundled, "ecspIds": ["p"], "eecTriggerRequest": true})),
            &["/ecspIds", "/eecTriggerRequest", "/acProfs/0/easBundleInfos"],
            features::service_provisioning::EDGE_APP_2,
        );
    }

    #[test]
    fn locations_sessions_and_relocations() {
        by_features::<LocationSubscription>(
            subscription(json!({"easId": "e", "ueId": "extid-a@b", "revocationNotifUri": "https://e.example/no"})),
            &["/revocationNotifUri"],
            features::ue_location::USER_CONSENT_REVOCATION,
        );
        let session = json!({"easId": "e", "ueId": "extid-a@b", "ipFlows": ["permit in ip from any to any"], "qosReference": "g"});
        by_features::<SessionWithQos>(subscription(session), &[], features::session_with_qos::EDGE_APP_2);
        let relocations = json!({"eecId": "eec-1", "easIds": ["e"], "eventIds": "ACR_COMPLETE",
            "notificationDestination": "https://e.example/cb"});
        by_features::<AcrEventsSubscription>(subscription(relocations), &[], 3);
    }

    #[test]
    fn without_a_new_offer_the_old_agreement_holds() {
        let body = json!({"easProf": {"easId": "e", "endPt": {"fqdn": "e.example"}, "genCtxDur": 5}});
        let mut next: EasRegistration = serde_json::from_value(body).expect("a registration");
        let none = Some(SupportedFeatures::of(&[]));
        assert_eq!(negotiate_again(&mut next.clone(), None), Agreed(None));
        assert_eq!(negotiate_again(&mut next, none), Agreed(none));
        assert_eq!((next.supp_feat, next.eas_prof.gen_ctx_dur), (none, None));
        let mut offers = EasRegistration {
            supp_feat: Some(SupportedFeatures::of(&[1, 2])),
            ..next
        };
        assert_eq!(
            negotiate_again(&mut offers, none),
            Agreed(Some(EasRegistration::SERVED))
        );
    }
}
