//! Eecs_ServiceProvisioning: an EEC asks the ECS which edge data networks and EESs there are for it (TS 24.558 clause 8.1).
//!
//! ```
//! use edgeapp_openapi::service_provisioning::EcsServProvResp;
//!
//! let answer: EcsServProvResp = serde_json::from_str(
//!     r#"{"ednCnfgInfo": [{"ednConInfo": {"dnn": "edge-a"}, "eess": [{"eesId": "ees-a.example", "eecRegConf": true}]}]}"#,
//! )?;
//! assert_eq!(answer.edn_cnfg_info[0].eess[0].ees_id.as_str(), "ees-a.example");
//! # Ok::<(), serde_json::Error>(())
//! ```

use crate::{
    common::{DateTime, PlmnIdNid, Snssai, SupportedFeatures, Uri, WebsockNotifConfig, non_empty},
    eas_registration::{EasBundleInfo, EndPoint},
    eec_registration::AcProfile,
    ees_registration::{AcrScenario, EasInstantiationInfo},
    ids::{AppGroupId, Dnai, Dnn, EasId, EecId, EesId, Gpsi, ProviderId, SubscriptionId},
    location::{LocationArea5G, LocationInfo},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An EEC asks once (clause 8.1.5.2.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ECSServProvReq)]
pub struct EcsServProvReq {
    /// `eecId`: the EEC that asks.
    pub eec_id: EecId,
    /// `ueId`: the UE it is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ue_id: Option<Gpsi>,
    /// `acProfs`: the application clients it asks for, and what they need; all EESs will do when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ac_profs: Vec<AcProfile>,
    /// `appGroupProfile`: the group of UEs for which one EAS is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub app_group_profile: Option<AppGroupProfile>,
    /// `eecSvcContSupp`: the relocation scenarios it can play its part in; none when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub eec_svc_cont_supp: Vec<AcrScenario>,
    /// `connInfo`: the networks that the UE is connected to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conn_info: Vec<ConnectivityInfo>,
    /// `locInf`: where the UE is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub loc_inf: Option<Box<LocationInfo>>,
    /// `ecspIds`: the edge computing service providers it prefers.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub ecsp_ids: Vec<ProviderId>,
    /// `suppFeat`: optional features; the client's, the answer to a subscription has those in common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub supp_feat: Option<SupportedFeatures>,
}

/// What the ECS found (clause 8.1.5.2.3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ECSServProvResp)]
pub struct EcsServProvResp {
    /// `ednCnfgInfo`: the edge data networks, at least one.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub edn_cnfg_info: Vec<EdnConfigInfo>,
    /// `redirectedECS`: ECSs of partners that serve the UE, to be asked too; told to who knows EdgeApp_2. When there is nothing here
    /// but a partner, the `lifeTime` of what `ednCnfgInfo` names is over.
    #[serde(
        rename = "redirectedECS",
        default,
        deserialize_with = "non_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[schema(min_items = 1)]
    pub redirected_ecs: Vec<EcsRedirectInfo>,
}

/// An EEC asks once and for all (clause 8.1.5.2.4).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ECSServProvSubscription)]
pub struct EcsServProvSubscription {
    /// `eecId`: the EEC that asks.
    pub eec_id: EecId,
    /// `ueId`: the UE it is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ue_id: Option<Gpsi>,
    /// `acProfs`: the application clients it asks for, and what they need.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ac_profs: Vec<AcProfile>,
    /// `expTime`: when the subscription ends; in a request the end asked for, in an answer the end granted, never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub exp_time: Option<DateTime>,
    /// `eecSvcContSupp`: the relocation scenarios it can play its part in; none when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub eec_svc_cont_supp: Vec<AcrScenario>,
    /// `connInfo`: the networks that the UE is connected to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conn_info: Vec<ConnectivityInfo>,
    /// `notificationDestination`: where to send notifications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub notification_destination: Option<Uri>,
    /// `requestTestNotification`: send a notification at once that only tries the way; false when absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub request_test_notification: bool,
    /// `websockNotifConfig`: notifications over a WebSocket instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub websock_notif_config: Option<WebsockNotifConfig>,
    /// `ecspIds`: the edge computing service providers it prefers.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub ecsp_ids: Vec<ProviderId>,
    /// `eecTriggerRequest`: wake the EEC up by an application trigger instead of a notification; false when absent. Refused by a server
    /// that cannot reach the UE so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub eec_trigger_request: bool,
    /// `suppFeat`: optional features; in a request the client's, in an answer those in common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub supp_feat: Option<SupportedFeatures>,
}

/// A change to a subscription (clause 8.1.5.2.10): a merge patch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ECSServProvSubscriptionPatch)]
pub struct EcsServProvSubscriptionPatch {
    /// `acProfs`: the application clients it asks for now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ac_profs: Vec<AcProfile>,
    /// `expTime`: the end asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub exp_time: Option<DateTime>,
    /// `eecSvcContSupp`: the relocation scenarios it can play its part in now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub eec_svc_cont_supp: Vec<AcrScenario>,
    /// `connInfo`: the networks that the UE is connected to now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conn_info: Vec<ConnectivityInfo>,
}

/// The answer to a subscription has changed (clause 8.1.5.2.6).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServProvNotification {
    /// `subId`: the subscription.
    pub sub_id: SubscriptionId,
    /// `ednCnfgInfo`: the edge data networks as they are now, at least one.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub edn_cnfg_info: Vec<EdnConfigInfo>,
    /// `redirectedECS`: ECSs of partners that serve the UE, to be asked too; told to who knows EdgeApp_2. When there is nothing here
    /// but a partner, the `lifeTime` of what `ednCnfgInfo` names is over.
    #[serde(
        rename = "redirectedECS",
        default,
        deserialize_with = "non_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[schema(min_items = 1)]
    pub redirected_ecs: Vec<EcsRedirectInfo>,
}

/// A network that a UE is connected to (clause 8.1.5.2.5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectivityInfo {
    /// `plmnId`: a 3GPP network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub plmn_id: Option<PlmnIdNid>,
    /// `ssId`: name of a WLAN; nothing is chosen by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ss_id: Option<String>,
}

/// A group of UEs for which one EAS is wanted (clause 8.1.5.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppGroupProfile {
    /// `appGrpId`: the group.
    pub app_grp_id: AppGroupId,
    /// `easId`: the application.
    pub eas_id: EasId,
    /// `expectedSvcArea`: where the group is expected to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expected_svc_area: Option<LocationArea5G>,
}

/// An edge data network with its EESs (clause 8.1.5.2.7).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EDNConfigInfo)]
pub struct EdnConfigInfo {
    /// `ednConInfo`: how to connect to it.
    pub edn_con_info: EdnConInfo,
    /// `eess`: its EESs, at least one.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub eess: Vec<EesInfo>,
    /// `lifeTime`: when this stops being true; the EEC may keep it until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub life_time: Option<DateTime>,
}

/// How to connect to an edge data network (clause 8.1.5.2.8).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EDNConInfo)]
pub struct EdnConInfo {
    /// `dnn`: its data network name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub dnn: Option<Dnn>,
    /// `snssai`: the slice it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub snssai: Option<Snssai>,
    /// `ednTopoSrvArea`: where UEs have to be to connect to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub edn_topo_srv_area: Option<LocationArea5G>,
}

/// Another ECS to ask (clause 8.1.5.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ECSRedirectInfo)]
pub struct EcsRedirectInfo {
    /// `ecsEndPt`: where it is reached.
    pub ecs_end_pt: EndPoint,
    /// `dnn`: the data network to reach it through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub dnn: Option<Dnn>,
    /// `snssai`: the slice to reach it through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub snssai: Option<Snssai>,
}

/// An EES as EECs see it (clause 8.1.5.2.9).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EESInfo)]
pub struct EesInfo {
    /// `eesId`: its identifier.
    pub ees_id: EesId,
    /// `endPt`: where it is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub end_pt: Option<EndPoint>,
    /// `easIds`: the applications whose EASs are registered there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub eas_ids: Vec<EasId>,
    /// `appGroupIdList`: the groups that an EAS there serves, of those that were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub app_group_id_list: Vec<AppGroupId>,
    /// `ecspInfo`: the edge computing service provider that runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ecsp_info: Option<ProviderId>,
    /// `svcArea`: where UEs have to be to use it; anywhere when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub svc_area: Option<LocationArea5G>,
    /// `dnais`: the places where user plane traffic reaches it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dnais: Vec<Dnai>,
    /// `eesSvcContSupp`: the relocation scenarios it can play its part in; none when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ees_svc_cont_supp: Vec<AcrScenario>,
    /// `eecRegConf`: whether an EEC has to register before it uses the EES.
    pub eec_reg_conf: bool,
    /// `easInstInfos`: which applications run there or could be started, and when.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub eas_inst_infos: Vec<EasInstantiationInfo>,
    /// `eesAuthMethods`: how EEC and EES may authenticate each other.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub ees_auth_methods: Vec<EesAuthMethod>,
    /// `easBundleInfos`: the bundles that its EASs belong to.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub eas_bundle_infos: Vec<EasBundleInfo>,
}

open_enum!(
    /// How EEC and EES authenticate each other (clause 8.1.5.3).
    EesAuthMethod as "EesAuthMethod" {
        /// TLS with a certificate on either side.
        TlsClientServerCertificate = "TLS_CLIENT_SERVER_CERTIFICATE",
        /// TLS with a key of AKMA.
        TlsWithAkma = "TLS_WITH_AKMA",
        /// TLS with a key of GBA.
        TlsWithGba = "TLS_WITH_GBA",
        /// TLS with a certificate of the server, and no more.
        ServerSideCertificateBased = "SERVER_SIDE_CERTIFICATE_BASED",
    }
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, refused, same};

    const EDN: &str = r#"{"ednConInfo": {"dnn": "edge-a", "snssai": {"sst": 1, "sd": "00000a"},
            "ednTopoSrvArea": {"civicAddresses": [{"country": "DE"}]}},
        "eess": [{"eesId": "ees-a", "endPt": {"ipv4Addrs": ["192.0.2.1"]}, "easIds": ["eas.chess"], "appGroupIdList": ["g1"],
            "ecspInfo": "ecsp-1", "svcArea": {"nwAreaInfo": {"tais": [{"plmnId": {"mcc": "001", "mnc": "01"}, "tac": "000001"}]}},
            "dnais": ["a1"], "eesSvcContSupp": ["SOURCE_EAS_DECIDED"], "eecRegConf": true,
            "easInstInfos": [{"easId": "eas.go", "status": "INSTANTIABLE"}],
            "eesAuthMethods": ["TLS_CLIENT_SERVER_CERTIFICATE", "NOT_YET_NAMED"],
            "easBundleInfos": [{"bdlType": "DIRECT", "bdlId": "b1"}]}],
        "lifeTime": "2026-01-01T12:00:00Z"}"#;
    const REDIRECT: &str = r#"{"ecsEndPt": {"uri": "https://ecs-b.example"}, "dnn": "edge-b", "snssai": {"sst": 255}}"#;

    #[test]
    fn request_needs_the_eec() {
        let text = r#"{"eecId": "eec-1", "ueId": "msisdn-491700000001", "acProfs": [{"acId": "ac.chess"}],
            "appGroupProfile": {"appGrpId": "g1", "easId": "eas.chess", "expectedSvcArea": {"civicAddresses": [{"A3": "Ulm"}]}},
            "eecSvcContSupp": ["EEC_INITIATED"], "connInfo": [{"plmnId": {"mcc": "001", "mnc": "01"}}, {"ssId": "cafe"}],
            "locInf": {"cellId": "c"}, "ecspIds": ["ecsp-1"], "suppFeat": "1"}"#;
        same::<EcsServProvReq>(text);
        needs::<EcsServProvReq>(text, &["eecId"]);
        refused::<EcsServProvReq>(r#"{"eecId": "eec-1", "ecspIds": []}"#);
        let bare: EcsServProvReq =
            serde_json::from_str(r#"{"eecId": "eec-1", "acProfs": [], "connInfo": []}"#).unwrap();
        assert!(bare.ac_profs.is_empty());
        needs::<AppGroupProfile>(
            r#"{"appGrpId": "g1", "easId": "eas.chess", "expectedSvcArea": {}}"#,
            &["appGrpId", "easId"],
        );
    }

    #[test]
    fn answer_has_at_least_one_network() {
        let text = format!(r#"{{"ednCnfgInfo": [{EDN}], "redirectedECS": [{REDIRECT}]}}"#);
        let answer: EcsServProvResp = same(&text);
        assert_eq!(
            answer.edn_cnfg_info[0].eess[0].ees_auth_methods[1],
            EesAuthMethod::Other("NOT_YET_NAMED".into())
        );
        needs::<EcsServProvResp>(&text, &["ednCnfgInfo"]);
        needs::<EdnConfigInfo>(EDN, &["ednConInfo", "eess"]);
        needs::<EcsRedirectInfo>(REDIRECT, &["ecsEndPt"]);
        refused::<EcsServProvResp>(r#"{"ednCnfgInfo": []}"#);
        refused::<EcsServProvResp>(&format!(r#"{{"ednCnfgInfo": [{EDN}], "redirectedECS": []}}"#));
        refused::<EdnConfigInfo>(r#"{"ednConInfo": {}, "eess": []}"#);
        let ees = r#"{"eesId": "ees-a", "eecRegConf": false"#;
        needs::<EesInfo>(&format!("{ees}}}"), &["eesId", "eecRegConf"]);
        for list in ["easInstInfos", "eesAuthMethods", "easBundleInfos"] {
            refused::<EesInfo>(&format!(r#"{ees}, "{list}": []}}"#));
        }
        refused::<EdnConInfo>(r#"{"snssai": {"sst": 256}}"#);
        refused::<EdnConInfo>(r#"{"snssai": {"sd": "00000a"}}"#);
    }

    #[test]
    fn subscription_and_notification() {
        let text = r#"{"eecId": "eec-1", "ueId": "u", "acProfs": [{"acId": "ac.chess"}], "expTime": "2026-01-01T12:00:00Z",
            "eecSvcContSupp": ["EEC_INITIATED"], "connInfo": [{"ssId": "cafe"}], "notificationDestination": "https://ue.example/cb",
            "requestTestNotification": true, "websockNotifConfig": {"websocketUri": "wss://ecs.example/ws", "requestWebsocketUri": true},
            "ecspIds": ["ecsp-1"], "eecTriggerRequest": true, "suppFeat": "1"}"#;
        same::<EcsServProvSubscription>(text);
        needs::<EcsServProvSubscription>(text, &["eecId"]);
        refused::<EcsServProvSubscription>(r#"{"eecId": "eec-1", "ecspIds": []}"#);
        let patch = r#"{"acProfs": [{"acId": "a"}], "expTime": "2026-01-01T12:00:00Z", "eecSvcContSupp": ["X"], "connInfo": [{}]}"#;
        same::<EcsServProvSubscriptionPatch>(patch);
        needs::<EcsServProvSubscriptionPatch>(patch, &[]);
        let told = format!(r#"{{"subId": "s1", "ednCnfgInfo": [{EDN}], "redirectedECS": [{REDIRECT}]}}"#);
        same::<ServProvNotification>(&told);
        needs::<ServProvNotification>(&told, &["subId", "ednCnfgInfo"]);
        refused::<ServProvNotification>(r#"{"subId": "s1", "ednCnfgInfo": []}"#);
    }
}
