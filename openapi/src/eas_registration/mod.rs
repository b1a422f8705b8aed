//! Eees_EASRegistration: an EAS tells its EES what it is, where it is and whom it serves (TS 29.558 clause 8.1).
//!
//! ```
//! use edgeapp_openapi::eas_registration::{EasRegistration, EndPoint};
//!
//! let request: EasRegistration = serde_json::from_str(
//!     r#"{"easProf": {"easId": "eas.chess.example", "endPt": {"fqdn": "chess.edge-a.example"}, "type": "V2X"}}"#,
//! )?;
//! assert!(matches!(request.eas_prof.end_pt, EndPoint::Fqdn(_)));
//! # Ok::<(), serde_json::Error>(())
//! ```

mod bundle;

pub use bundle::{Affinity, BdlType, CoordinatedAcrReqs, EasBdlReqs, EasBundleInfo, FailureAction};

use crate::{
    common::{
        BitRate, DateTime, Fqdn, Ipv4Addr, Ipv6Addr, PlmnIdNid, RouteToLocation, ScheduledCommunicationTime,
        SupportedFeatures, Uri, non_empty, some_non_empty,
    },
    ees_registration::AcrScenario,
    ids::{AcId, EasId, ProviderId},
    location::ServiceArea,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A registration of an EAS at an EES (clause 8.1.5.2.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EASRegistration)]
pub struct EasRegistration {
    /// `easProf`: the EAS itself.
    pub eas_prof: EasProfile,
    /// `expTime`: when the registration ends. A request proposes, the response decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub exp_time: Option<DateTime>,
    /// `suppFeat`: features of this API: the EAS's in a request, the common ones in a response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub supp_feat: Option<SupportedFeatures>,
}

/// What a merge patch may change in an EAS registration (clause 8.1.5.2).
///
/// A sender's type: a receiver merges the raw JSON into what it keeps and parses the result, for a patch may hold only parts
/// of the profile, and `null` where a member is to go.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EASRegistrationPatch)]
pub struct EasRegistrationPatch {
    /// `easProf`: the EAS as it now is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eas_prof: Option<EasProfile>,
    /// `expTime`: when the registration is to end; null leaves the choice to the EES.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = true)]
    pub exp_time: Option<DateTime>,
}

/// An EAS: one running instance of an application in an edge data network (clause 8.1.5.2.3).
///
/// Not both `type` and `flexEasType`; `svcContSuppExt1` only together with `svcContSupp`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self", rename_all = "camelCase")]
#[schema(as = EASProfile)]
pub struct EasProfile {
    /// `easId`: the application; all instances of it share this identifier.
    pub eas_id: EasId,
    /// `endPt`: where application clients reach this instance.
    pub end_pt: EndPoint,
    /// `allowedPlmnId`: the network whose subscribers may use the EAS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub allowed_plmn_id: Option<PlmnIdNid>,
    /// `easBdlInfos`: the bundles the EAS is part of, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub eas_bdl_infos: Vec<EasBundleInfo>,
    /// `acIds`: the application clients it serves, at least one when present; absent means any.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub ac_ids: Vec<AcId>,
    /// `provId`: the application service provider behind the EAS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub prov_id: Option<ProviderId>,
    /// `type`: the category, if one of the standard's fits.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eas_type: Option<EasCategory>,
    /// `flexEasType`: the category in the provider's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub flex_eas_type: Option<String>,
    /// `scheds`: when the EAS is up, at least one window when present; absent means always.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub scheds: Vec<ScheduledCommunicationTime>,
    /// `svcArea`: where UEs have to be to be served; absent means anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub svc_area: Option<ServiceArea>,
    /// `svcKpi`: what the EAS can deliver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub svc_kpi: Option<EasServiceKpi>,
    /// `permLvl`: the levels of service it offers, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub perm_lvl: Vec<PermissionLevel>,
    /// `easFeats`: features of the application, named by its provider, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub eas_feats: Vec<String>,
    /// `appLocs`: the DNAIs behind which the EAS sits, with the N6 routing towards it, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub app_locs: Vec<RouteToLocation>,
    /// `svcContSupp`: the ways of relocation the EAS takes part in, at least one when present; absent means none.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub svc_cont_supp: Vec<AcrScenario>,
    /// `svcContSuppExt1`: the bundles with which the EAS can relocate together, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub svc_cont_supp_ext1: Vec<EasBundleInfo>,
    /// `transContSupp`: how it can move contexts without breaking transport connections, such as a SEALDD server does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub trans_cont_supp: Option<TransContSuppDetails>,
    /// `avlRep`: how often the EES is to check that the EAS is there, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub avl_rep: Option<u64>,
    /// `status`: the state of the EAS, in free words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub status: Option<String>,
    /// `genCtxDur`: how long the EAS keeps a context it received ahead of the UE, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub gen_ctx_dur: Option<u64>,
    /// `easSyncSupp`: it can keep its content in step with other instances; false when absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(default = false)]
    pub eas_sync_supp: bool,
}

impl EasProfile {
    /// The smallest profile: the application and where this instance of it is.
    pub fn new(eas_id: EasId, end_pt: EndPoint) -> Self {
        Self {
            eas_id,
            end_pt,
            allowed_plmn_id: None,
            eas_bdl_infos: Vec::new(),
            ac_ids: Vec::new(),
            prov_id: None,
            eas_type: None,
            flex_eas_type: None,
            scheds: Vec::new(),
            svc_area: None,
            svc_kpi: None,
            perm_lvl: Vec::new(),
            eas_feats: Vec::new(),
            app_locs: Vec::new(),
            svc_cont_supp: Vec::new(),
            svc_cont_supp_ext1: Vec::new(),
            trans_cont_supp: None,
            avl_rep: None,
            status: None,
            gen_ctx_dur: None,
            eas_sync_supp: false,
        }
    }

    /// Whether the EAS takes part in relocations of this kind.
    pub fn supports(&self, scenario: &AcrScenario) -> bool {
        self.svc_cont_supp.contains(scenario)
    }

    fn check(&self) -> Result<(), &'static str> {
        if self.eas_type.is_some() && self.flex_eas_type.is_some() {
            return Err("must not have both type and flexEasType");
        }
        if !self.svc_cont_supp_ext1.is_empty() && self.svc_cont_supp.is_empty() {
            return Err("must not have svcContSuppExt1 without svcContSupp");
        }
        Ok(())
    }
}

checked!(EasProfile, EasProfile::check);

/// What an EAS can deliver (clause 8.1.5.2.4).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EASServiceKPI)]
pub struct EasServiceKpi {
    /// `maxReqRate`: requests it can take per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub max_req_rate: Option<u64>,
    /// `maxRespTime`: the longest it takes to answer, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub max_resp_time: Option<u64>,
    /// `avail`: how much of the time it is there, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub avail: Option<u64>,
    /// `avlComp`: compute resources at most, in a unit that providers agree on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub avl_comp: Option<u64>,
    /// `avlGraComp`: graphical compute resources at most, in a unit that providers agree on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub avl_gra_comp: Option<u64>,
    /// `avlMem`: memory at most, in a unit that providers agree on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub avl_mem: Option<u64>,
    /// `avlStrg`: storage at most, in a unit that providers agree on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub avl_strg: Option<u64>,
    /// `connBand`: bandwidth of a connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub conn_band: Option<BitRate>,
}

one_of!(
    /// An address of a server, in one of four forms (clause 8.1.5.2.5).
    #[derive(Eq, Hash)]
    EndPoint {
        /// `uri`: a URI, for what the server offers below it.
        Uri(Uri) = "uri",
        /// `fqdn`: a domain name.
        Fqdn(Fqdn) = "fqdn",
        /// `ipv4Addrs`: IPv4 addresses, at least one.
        Ipv4Addrs(Vec<Ipv4Addr>) = "ipv4Addrs" with "some_non_empty",
        /// `ipv6Addrs`: IPv6 addresses, at least one.
        Ipv6Addrs(Vec<Ipv6Addr>) = "ipv6Addrs" with "some_non_empty",
    }
);

impl EndPoint {
    /// `apiRoot` of what is served there: the URI, or the first address over `https`.
    ///
    /// ```
    /// # use edgeapp_openapi::eas_registration::EndPoint;
    /// let at: EndPoint = serde_json::from_str(r#"{"ipv6Addrs": ["2001:db8::7"]}"#)?;
    /// assert_eq!(at.api_root(), "https://[2001:db8::7]");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn api_root(&self) -> String {
        let first = |address: Option<String>| address.map(|address| format!("https://{address}")).unwrap_or_default();
        match self {
            Self::Uri(uri) => uri.as_str().trim_end_matches('/').to_owned(),
            Self::Fqdn(fqdn) => format!("https://{fqdn}"),
            Self::Ipv4Addrs(addresses) => first(addresses.first().map(ToString::to_string)),
            Self::Ipv6Addrs(addresses) => first(addresses.first().map(|address| format!("[{address}]"))),
        }
    }
}

/// How an EAS moves contexts without breaking transport connections (clause 8.1.5.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TransContSuppDetails {
    /// `transProtocs`: over which transport protocols, at least one.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub trans_protocs: Vec<TransportProtocol>,
}

open_enum!(
    /// A level of service that an EAS offers (clause 8.1.5.3).
    PermissionLevel as "PermissionLevel" {
        /// For trying out.
        Trial = "TRIAL",
        /// The best.
        Gold = "GOLD",
        /// The second best.
        Silver = "SILVER",
        /// None of these.
        OtherLevel = "OTHER",
    }
);

open_enum!(
    /// What kind of application an EAS is (clause 8.1.5.3).
    EasCategory as "EASCategory" {
        /// Uncrewed aerial systems.
        Uas = "UAS",
        /// Vehicles and what they talk to.
        V2x = "V2X",
        /// A SEALDD server: delivers data for other applications.
        SealSealddServers = "SEAL_SEALDD_SERVERS",
        /// None of these.
        OtherCategory = "OTHER",
    }
);

open_enum!(
    /// A transport protocol whose connections survive a relocation (clause 8.1.5.3). Its schema has a name of its own, for
    /// TS 29.571 has a `TransportProtocol` too.
    TransportProtocol as "EASTransportProtocol" {
        /// QUIC.
        Quic = "QUIC",
        /// TCP.
        Tcp = "TCP",
        /// TLS over TCP.
        TcpTls = "TCP_TLS",
    }
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, refused, same};

    const SMALLEST: &str = r#"{"easId": "eas.quiz.example", "endPt": {"ipv4Addrs": ["198.51.100.7"]}}"#;

    #[test]
    fn every_member_of_a_profile_is_kept() {
        let profile: EasProfile = same(
            r#"{"easId": "eas.quiz.example", "endPt": {"uri": "https://quiz.edge-b.example:8443/v2"},
            "allowedPlmnId": {"mcc": "999", "mnc": "70"}, "acIds": ["ac.quiz"], "provId": "quiz-gmbh", "type": "UAS",
            "easBdlInfos": [{"bdlType": "DIRECT", "bdlId": "bundle-4"}],
            "svcKpi": {"maxReqRate": 900, "maxRespTime": 12, "avail": 99, "avlComp": 8, "avlGraComp": 2, "avlMem": 64,
                "avlStrg": 500, "connBand": "250 Mbps"},
            "permLvl": ["TRIAL", "GOLD", "OTHER", "PLATINUM"], "easFeats": ["replay", "voice"],
            "svcContSupp": ["EEC_INITIATED", "SOURCE_EAS_DECIDED"],
            "svcContSuppExt1": [{"bdlType": "PROXY", "easIdsList": ["eas.chat.example"]}],
            "transContSupp": {"transProtocs": ["QUIC", "TCP_TLS", "SCTP"]},
            "avlRep": 30, "status": "up", "genCtxDur": 120, "easSyncSupp": true}"#,
        );
        assert_eq!(
            profile.perm_lvl[2..],
            [
                PermissionLevel::OtherLevel,
                PermissionLevel::Other("PLATINUM".to_owned())
            ]
        );
        assert!(profile.supports(&AcrScenario::SourceEasDecided));
        assert!(!profile.supports(&AcrScenario::EelManagedAcr));
    }

    #[test]
    fn a_profile_of_the_required_members_is_enough() {
        same::<EasProfile>(SMALLEST);
        needs::<EasProfile>(SMALLEST, &["easId", "endPt"]);
        needs::<EasRegistration>(&format!(r#"{{"easProf": {SMALLEST}}}"#), &["easProf"]);
    }

    #[test]
    fn a_profile_with_both_types_is_refused() {
        let why = refused::<EasProfile>(
            r#"{"easId": "eas.quiz.example", "endPt": {"fqdn": "q.example"}, "type": "V2X", "flexEasType": "quiz"}"#,
        );
        assert!(why.contains("both type and flexEasType"), "{why}");
        same::<EasProfile>(r#"{"easId": "eas.quiz.example", "endPt": {"fqdn": "q.example"}, "flexEasType": "quiz"}"#);
    }

    #[test]
    fn bundled_relocation_without_relocation_is_refused() {
        let why = refused::<EasProfile>(
            r#"{"easId": "e", "endPt": {"fqdn": "q.example"}, "svcContSuppExt1": [{"bdlType": "DIRECT", "bdlId": "b"}]}"#,
        );
        assert!(why.contains("svcContSuppExt1 without svcContSupp"), "{why}");
    }

    #[test]
    fn an_end_point_has_exactly_one_address_kind() {
        same::<EndPoint>(r#"{"ipv6Addrs": ["2001:db8::7", "2001:db8::8"]}"#);
        for bad in [
            "{}",
            r#"{"uri": "https://q.example", "fqdn": "q.example"}"#,
            r#"{"fqdn": "q.example", "ipv4Addrs": ["198.51.100.7"]}"#,
            r#"{"ipv4Addrs": ["198.51.100.7"], "ipv6Addrs": ["2001:db8::7"]}"#,
        ] {
            let why = refused::<EndPoint>(bad);
            assert!(why.contains("exactly one"), "{why}");
        }
        refused::<EndPoint>(r#"{"fqdn": "q.example", "fqdn": "r.example"}"#);
    }

    #[test]
    fn an_empty_list_is_refused() {
        for member in [
            "easBdlInfos",
            "acIds",
            "scheds",
            "permLvl",
            "easFeats",
            "appLocs",
            "svcContSupp",
            "svcContSuppExt1",
        ] {
            let why = refused::<EasProfile>(&SMALLEST.replacen('{', &format!(r#"{{"{member}": [], "#), 1));
            assert!(why.contains("at least one"), "{member}: {why}");
        }
        refused::<EndPoint>(r#"{"ipv4Addrs": []}"#);
        refused::<EndPoint>(r#"{"ipv6Addrs": []}"#);
        refused::<TransContSuppDetails>(r#"{"transProtocs": []}"#);
        needs::<TransContSuppDetails>(r#"{"transProtocs": ["TCP"]}"#, &["transProtocs"]);
    }

    #[test]
    fn an_unknown_member_is_ignored() {
        let known: EasProfile = serde_json::from_str(SMALLEST).unwrap();
        let more = SMALLEST
            .replace(r#"{"ipv4"#, r#"{"port": 1, "ipv4"#)
            .replacen('{', r#"{"colour": "red", "#, 1);
        assert_eq!(serde_json::from_str::<EasProfile>(&more).unwrap(), known);
    }

    #[test]
    fn a_member_given_twice_is_refused() {
        refused::<EasProfile>(r#"{"easId": "a", "easId": "b", "endPt": {"fqdn": "q.example"}}"#);
    }

    #[test]
    fn patch_takes_a_whole_profile_and_a_null_end() {
        same::<EasRegistrationPatch>(&format!(
            r#"{{"easProf": {SMALLEST}, "expTime": "2031-05-04T03:02:01Z"}}"#
        ));
        let patch = serde_json::from_str::<EasRegistrationPatch>(r#"{"expTime": null}"#).unwrap();
        assert_eq!(patch, EasRegistrationPatch::default());
    }
}
