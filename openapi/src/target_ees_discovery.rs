//! Eecs_TargetEESDiscovery: an EES asks the ECS which EES a UE's application contexts may move to (TS 29.558 clause 9.2).
//!
//! The answer is [`EcsServProvResp`](crate::service_provisioning::EcsServProvResp).
//!
//! ```
//! use edgeapp_openapi::{ees_registration::AcrScenario, target_ees_discovery::EesProfilesQuery};
//!
//! let query = EesProfilesQuery::from_pairs([
//!     ("ees-id", "ees-a.example"),
//!     ("eas-id", "eas.chess.example"),
//!     ("ac-svc-cont-supp", "EEC_INITIATED"),
//!     ("ac-svc-cont-supp", "EEL_MANAGED_ACR"),
//! ])?;
//! assert_eq!(query.ac_svc_cont_supp, [AcrScenario::EecInitiated, AcrScenario::EelManagedAcr]);
//! # Ok::<(), edgeapp_openapi::query::BadQuery>(())
//! ```

use crate::{
    eas_registration::BdlType,
    eec_context_relocation::EecSrvContinuitySupport,
    ees_registration::AcrScenario,
    ids::{AppGroupId, BundleId, Dnai, EasId, EesId, Gpsi},
    location::LocationArea5G,
    query::{BadQuery, Parameters, json_text},
};

/// The query of `GET /ees-profiles` (clause 9.2).
#[derive(Clone, Debug, PartialEq)]
pub struct EesProfilesQuery {
    /// `ees-id`: the EES that asks, the source.
    pub ees_id: EesId,
    /// `eas-id`: the application whose contexts are to move.
    pub eas_id: EasId,
    /// `target-dnai`: the place where user plane traffic will be.
    pub target_dnai: Option<Dnai>,
    /// `ue-id`: the UE.
    pub ue_id: Option<Gpsi>,
    /// `ue-location`: where the UE is. JSON text.
    pub ue_location: Option<LocationArea5G>,
    /// `eec-srv-cont-supp`: what the EEC can do. JSON text; `srvContSupp` and `acrScenarios` as parameters are read as well.
    pub eec_srv_cont_supp: Option<EecSrvContinuitySupport>,
    /// `ac-svc-cont-supp`: the relocation scenarios that the application client can play its part in; any when empty.
    pub ac_svc_cont_supp: Vec<AcrScenario>,
    /// `bdl-id`: the bundle that has to move as a whole.
    pub bdl_id: Option<BundleId>,
    /// `bdl-type`: its type.
    pub bdl_type: Option<BdlType>,
    /// `ens-ind`: whether the operators share edge nodes for this; false when absent. Nothing is chosen by it.
    pub ens_ind: bool,
    /// `app-grp-id`: the group of UEs that has to be served by one EAS.
    pub app_grp_id: Option<AppGroupId>,
}

impl EesProfilesQuery {
    /// The smallest query: which EES may take over this application from that EES?
    pub fn new(ees_id: EesId, eas_id: EasId) -> Self {
        Self {
            ees_id,
            eas_id,
            target_dnai: None,
            ue_id: None,
            ue_location: None,
            eec_srv_cont_supp: None,
            ac_svc_cont_supp: Vec::new(),
            bdl_id: None,
            bdl_type: None,
            ens_ind: false,
            app_grp_id: None,
        }
    }

    /// Reads the decoded name and value pairs of a query string.
    ///
    /// # Errors
    /// When a required parameter is absent, one does not parse, or one that is not a list is there twice.
    pub fn from_pairs<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> Result<Self, BadQuery> {
        let given = Parameters::new(pairs);
        Ok(Self {
            ees_id: given.required("ees-id")?,
            eas_id: given.required("eas-id")?,
            target_dnai: given.optional("target-dnai")?,
            ue_id: given.optional("ue-id")?,
            ue_location: given.json("ue-location")?,
            eec_srv_cont_supp: eec_support(&given)?,
            ac_svc_cont_supp: scenarios(&given, "ac-svc-cont-supp")?,
            bdl_id: given.optional("bdl-id")?,
            bdl_type: given.word("bdl-type")?,
            ens_ind: given.flag("ens-ind")?,
            app_grp_id: given.optional("app-grp-id")?,
        })
    }

    /// The name and value pairs to encode into a query string: objects as JSON text, lists as repeated parameters.
    pub fn to_pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = vec![("ees-id", self.ees_id.to_string()), ("eas-id", self.eas_id.to_string())];
        let mut add = |name, value: Option<String>| pairs.extend(value.map(|value| (name, value)));
        add("target-dnai", self.target_dnai.as_ref().map(ToString::to_string));
        add("ue-id", self.ue_id.as_ref().map(ToString::to_string));
        add("ue-location", self.ue_location.as_ref().map(json_text));
        add("eec-srv-cont-supp", self.eec_srv_cont_supp.as_ref().map(json_text));
        for scenario in &self.ac_svc_cont_supp {
            add("ac-svc-cont-supp", Some(scenario.to_string()));
        }
        add("bdl-id", self.bdl_id.as_ref().map(ToString::to_string));
        add("bdl-type", self.bdl_type.as_ref().map(ToString::to_string));
        add("ens-ind", self.ens_ind.then(|| "true".to_owned()));
        add("app-grp-id", self.app_grp_id.as_ref().map(ToString::to_string));
        pairs
    }
}

fn scenarios(given: &Parameters, param: &'static str) -> Result<Vec<AcrScenario>, BadQuery> {
    Ok(given
        .list(param)?
        .iter()
        .map(|scenario| AcrScenario::from(scenario.as_str()))
        .collect())
}

/// The JSON text, or the members as parameters of their own, as OpenAPI writes an object by default.
fn eec_support(given: &Parameters) -> Result<Option<EecSrvContinuitySupport>, BadQuery> {
    if let Some(support) = given.json("eec-srv-cont-supp")? {
        return Ok(Some(support));
    }
    if given.optional::<String>("srvContSupp")?.is_none() {
        return Ok(None);
    }
    Ok(Some(EecSrvContinuitySupport {
        srv_cont_supp: given.flag("srvContSupp")?,
        acr_scenarios: scenarios(given, "acrScenarios")?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDED: [(&str, &str); 2] = [("ees-id", "ees-a"), ("eas-id", "eas.chess")];

    fn with(more: &[(&'static str, &'static str)]) -> Result<EesProfilesQuery, BadQuery> {
        EesProfilesQuery::from_pairs(NEEDED.iter().chain(more).copied())
    }

    #[test]
    fn there_and_back() {
        let query = with(&[
            ("target-dnai", "b1"),
            ("ue-id", "msisdn-491700000001"),
            (
                "ue-location",
                r#"{"nwAreaInfo": {"tais": [{"plmnId": {"mcc": "001", "mnc": "01"}, "tac": "000001"}]}}"#,
            ),
            (
                "eec-srv-cont-supp",
                r#"{"srvContSupp": true, "acrScenarios": ["EEC_INITIATED"]}"#,
            ),
            ("ac-svc-cont-supp", "EEC_INITIATED,NOT_YET_NAMED"),
            ("bdl-id", "b"),
            ("bdl-type", "PROXY"),
            ("ens-ind", "true"),
            ("app-grp-id", "g1"),
            ("not-yet-invented", "1"),
        ])
        .unwrap();
        assert_eq!(query.ac_svc_cont_supp[1], AcrScenario::Other("NOT_YET_NAMED".into()));
        assert_eq!(query.to_pairs().len(), 12);
        assert_eq!(EesProfilesQuery::from_pairs(query.to_pairs()).unwrap(), query);
        let bare = with(&[]).unwrap();
        assert_eq!(
            bare,
            EesProfilesQuery::new("ees-a".parse().unwrap(), "eas.chess".parse().unwrap())
        );
        assert_eq!(bare.to_pairs().len(), 2);
    }

    #[test]
    fn support_as_parameters_of_their_own() {
        let query = with(&[
            ("srvContSupp", "true"),
            ("acrScenarios", "EEC_INITIATED"),
            ("acrScenarios", "X"),
        ])
        .unwrap();
        let support = query.eec_srv_cont_supp.unwrap();
        assert!(support.srv_cont_supp);
        assert_eq!(support.acr_scenarios.len(), 2);
    }

    #[test]
    fn refusals_name_the_parameter() {
        let missing = EesProfilesQuery::from_pairs([NEEDED[0]]).unwrap_err();
        assert_eq!(
            (missing.param, missing.is_missing(), missing.mandatory),
            ("eas-id", true, true)
        );
        for (param, value) in [
            ("ue-location", r#"{"nwAreaInfo": {"tais": []}}"#),
            ("eec-srv-cont-supp", "{}"),
            ("ac-svc-cont-supp", ""),
            ("ens-ind", "yes"),
            ("bdl-id", ""),
            ("bdl-type", ""),
        ] {
            let bad = with(&[(param, value)]).unwrap_err();
            assert_eq!((bad.param, bad.is_missing(), bad.mandatory), (param, false, false));
        }
        let twice = with(&[("ees-id", "ees-a")]).unwrap_err();
        assert_eq!(
            (twice.param, twice.is_missing(), twice.mandatory),
            ("ees-id", false, true)
        );
    }
}
