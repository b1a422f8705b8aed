//! Eees_EECContextRelocation: an EES hands the context of an EEC to another EES (TS 29.558 clause 8.7).
//!
//! ```
//! use edgeapp_openapi::eec_context_relocation::EecContextsQuery;
//!
//! let query = EecContextsQuery::from_pairs([("ees-id", "ees-b.example"), ("eec-cntx-id", "ctx-1")])?;
//! assert!(query.sess_cntxs.is_none());
//! # Ok::<(), edgeapp_openapi::query::BadQuery>(())
//! ```

use crate::{
    common::{DateTime, non_empty},
    eas_registration::EndPoint,
    eec_registration::AcProfile,
    ees_registration::AcrScenario,
    ids::{AcId, EasId, EecContextId, EecId, EesId, Gpsi, RegistrationId, SubscriptionId},
    location::LocationArea5G,
    query::{BadQuery, Parameters, json_text},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The sessions of application clients with EASs (clause 8.7.5.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionContexts {
    /// `sessCntxs`: the sessions, at least one.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub sess_cntxs: Vec<IndividualSessionContext>,
}

/// A session of an application client with an EAS (clause 8.7.5.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IndividualSessionContext {
    /// `easId`: the application.
    pub eas_id: EasId,
    /// `endPt`: the EAS that serves it.
    pub end_pt: EndPoint,
    /// `acId`: the application client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ac_id: Option<AcId>,
    /// `acrList`: the relocation scenarios selected for it.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub acr_list: Vec<AcrScenario>,
}

/// An EES hands an EEC context over (clause 8.7.5.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EECContextPush)]
pub struct EecContextPush {
    /// `eesId`: the EES that hands it over.
    pub ees_id: EesId,
    /// `eecCntx`: the context.
    pub eec_cntx: EecContext,
    /// `tgtEas`: the EAS that the session moves to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub tgt_eas: Option<EndPoint>,
    /// `acrScenariosSelReq`: the receiver is to select the relocation scenarios; false when absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub acr_scenarios_sel_req: bool,
}

/// What the receiver of a context made of it (clause 8.7.5.2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EECContextPushRes)]
pub struct EecContextPushRes {
    /// `implReg`: the EEC is registered at the receiver now, without having asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub impl_reg: Option<ImplicitRegDetails>,
    /// `selAcrScenariosList`: the relocation scenarios that the receiver selected.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub sel_acr_scenarios_list: Vec<AcrScenario>,
}

/// A registration that an EEC has without having asked for it (clause 8.7.5.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImplicitRegDetails {
    /// `regId`: the registration.
    pub reg_id: RegistrationId,
    /// `expTime`: when it ends; never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub exp_time: Option<DateTime>,
}

/// What an EES knows about an EEC (clause 8.7.5.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EECContext)]
pub struct EecContext {
    /// `eecId`: the EEC.
    pub eec_id: EecId,
    /// `cntxId`: the context.
    pub cntx_id: EecContextId,
    /// `ueId`: the UE it is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ue_id: Option<Gpsi>,
    /// `e1Subs`: the subscriptions it has over EDGE-1.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub e1_subs: Vec<SubscriptionId>,
    /// `ueLoc`: where the UE is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ue_loc: Option<LocationArea5G>,
    /// `acProfs`: its application clients.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub ac_profs: Vec<AcProfile>,
    /// `sessCntxs`: the sessions of its application clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sess_cntxs: Option<SessionContexts>,
    /// `eecSrvContSupp`: what it can do when an application context is relocated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eec_srv_cont_supp: Option<EecSrvContinuitySupport>,
    /// `ueMobSuppInd`: it needs support for UEs that move; false when absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ue_mob_supp_ind: bool,
}

/// What an EEC can do when an application context is relocated (clause 8.7.5.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EECSrvContinuitySupport)]
pub struct EecSrvContinuitySupport {
    /// `srvContSupp`: whether it can do anything. Always present, although the standard gives it a default.
    pub srv_cont_supp: bool,
    /// `acrScenarios`: the relocation scenarios it can play its part in.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub acr_scenarios: Vec<AcrScenario>,
}

/// The query of `GET /eec-contexts`: an EES fetches an EEC context (clause 8.7).
#[derive(Clone, Debug, PartialEq)]
pub struct EecContextsQuery {
    /// `ees-id`: the EES that asks.
    pub ees_id: EesId,
    /// `eec-cntx-id`: the context.
    pub eec_cntx_id: EecContextId,
    /// `sess-cntxs`: only these sessions; all of them when absent. JSON text.
    pub sess_cntxs: Option<SessionContexts>,
}

impl EecContextsQuery {
    /// Reads the decoded name and value pairs of a query string.
    ///
    /// # Errors
    /// When a required parameter is absent, or one does not parse or is there twice.
    pub fn from_pairs<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> Result<Self, BadQuery> {
        let given = Parameters::new(pairs);
        Ok(Self {
            ees_id: given.required("ees-id")?,
            eec_cntx_id: given.required("eec-cntx-id")?,
            sess_cntxs: given.json("sess-cntxs")?,
        })
    }

    /// The name and value pairs to encode into a query string.
    pub fn to_pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = vec![
            ("ees-id", self.ees_id.to_string()),
            ("eec-cntx-id", self.eec_cntx_id.to_string()),
        ];
        pairs.extend(
            self.sess_cntxs
                .as_ref()
                .map(|sessions| ("sess-cntxs", json_text(sessions))),
        );
        pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, refused, same};

    const SESSIONS: &str = r#"{"sessCntxs": [{"easId": "eas.chess", "endPt": {"fqdn": "eas.edge-a.example"}, "acId": "ac.chess",
        "acrList": ["EEC_INITIATED", "NOT_YET_NAMED"]}]}"#;

    #[test]
    fn context_round_trip() {
        let context = format!(
            r#"{{"eecId": "eec-1", "cntxId": "ctx-1", "ueId": "u", "e1Subs": ["s1"],
            "ueLoc": {{"civicAddresses": [{{"A3": "Ulm"}}]}}, "acProfs": [{{"acId": "ac.chess"}}], "sessCntxs": {SESSIONS},
            "eecSrvContSupp": {{"srvContSupp": true, "acrScenarios": ["EEL_MANAGED_ACR"]}}, "ueMobSuppInd": true}}"#
        );
        same::<EecContext>(&context);
        needs::<EecContext>(&context, &["eecId", "cntxId"]);
        for list in ["e1Subs", "acProfs"] {
            refused::<EecContext>(&format!(r#"{{"eecId": "eec-1", "cntxId": "ctx-1", "{list}": []}}"#));
        }
        let push = format!(
            r#"{{"eesId": "ees-a", "eecCntx": {context}, "tgtEas": {{"uri": "https://10.0.0.1:8443"}}, "acrScenariosSelReq": true}}"#
        );
        same::<EecContextPush>(&push);
        needs::<EecContextPush>(&push, &["eesId", "eecCntx"]);
    }

    #[test]
    fn small_bodies() {
        let answer = r#"{"implReg": {"regId": "r1", "expTime": "2026-01-01T12:00:00Z"}, "selAcrScenariosList": ["X"]}"#;
        same::<EecContextPushRes>(answer);
        needs::<EecContextPushRes>(answer, &[]);
        refused::<EecContextPushRes>(r#"{"selAcrScenariosList": []}"#);
        needs::<ImplicitRegDetails>(r#"{"regId": "r1", "expTime": "2026-01-01T12:00:00Z"}"#, &["regId"]);
        needs::<EecSrvContinuitySupport>(r#"{"srvContSupp": false, "acrScenarios": ["X"]}"#, &["srvContSupp"]);
        refused::<EecSrvContinuitySupport>(r#"{"srvContSupp": true, "acrScenarios": []}"#);
        let sessions: SessionContexts = same(SESSIONS);
        assert_eq!(
            sessions.sess_cntxs[0].acr_list[1],
            AcrScenario::Other("NOT_YET_NAMED".into())
        );
        refused::<SessionContexts>(r#"{"sessCntxs": []}"#);
        refused::<SessionContexts>("{}");
        let session =
            r#"{"easId": "eas.chess", "endPt": {"fqdn": "eas.edge-a.example"}, "acId": "ac", "acrList": ["X"]}"#;
        needs::<IndividualSessionContext>(session, &["easId", "endPt"]);
        refused::<IndividualSessionContext>(
            r#"{"easId": "e", "endPt": {"fqdn": "eas.edge-a.example"}, "acrList": []}"#,
        );
    }

    #[test]
    fn query_there_and_back() {
        let query =
            EecContextsQuery::from_pairs([("ees-id", "ees-b"), ("eec-cntx-id", "ctx-1"), ("sess-cntxs", SESSIONS)])
                .unwrap();
        assert_eq!(EecContextsQuery::from_pairs(query.to_pairs()).unwrap(), query);
        let missing = EecContextsQuery::from_pairs([("ees-id", "ees-b")]).unwrap_err();
        assert_eq!(
            (missing.param, missing.is_missing(), missing.mandatory),
            ("eec-cntx-id", true, true)
        );
        let bad =
            EecContextsQuery::from_pairs([("ees-id", "e"), ("eec-cntx-id", "c"), ("sess-cntxs", "{}")]).unwrap_err();
        assert_eq!(
            (bad.param, bad.is_missing(), bad.mandatory),
            ("sess-cntxs", false, false)
        );
    }
}
