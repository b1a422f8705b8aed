//! Bundles: EASs that belong together.

use crate::{
    common::non_empty,
    ids::{BundleId, EasId},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// EASs that belong together (clause 8.1.5.2.8): named by `bdlId`, listed in `easIdsList`, or both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self", rename_all = "camelCase")]
#[schema(as = EASBundleInfo)]
pub struct EasBundleInfo {
    /// `bdlType`: how clients talk to the members.
    pub bdl_type: BdlType,
    /// `bdlId`: the name of the bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub bdl_id: Option<BundleId>,
    /// `easIdsList`: its members, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub eas_ids_list: Vec<EasId>,
    /// `easBdlReqs`: what the members need of each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eas_bdl_reqs: Option<EasBdlReqs>,
    /// `mainEasId`: in a proxy bundle, the member that clients talk to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub main_eas_id: Option<EasId>,
}

impl EasBundleInfo {
    fn check(&self) -> Result<(), &'static str> {
        if self.bdl_id.is_none() && self.eas_ids_list.is_empty() {
            return Err("must have bdlId, easIdsList or both");
        }
        Ok(())
    }
}

checked!(EasBundleInfo, EasBundleInfo::check);

/// What the EASs of a bundle need of each other (clause 8.1.5.2.9).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EASBdlReqs)]
pub struct EasBdlReqs {
    /// `coordinatedEasDisc`: they have to be discovered together; false when absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(default = false)]
    pub coordinated_eas_disc: bool,
    /// `coordinatedAcr`: whether they have to relocate together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub coordinated_acr: Option<CoordinatedAcrReqs>,
    /// `affinity`: how much they have to be in the same edge data network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub affinity: Option<Affinity>,
}

/// How the EASs of a bundle relocate (clause 8.1.5.2.10).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CoordinatedAcrReqs {
    /// `coordinatedAcrInd`: when one relocates, all have to. Always present, although the standard gives it a default.
    pub coordinated_acr_ind: bool,
    /// `failureAction`: what becomes of the others when the relocation of one fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub failure_action: Option<FailureAction>,
}

open_enum!(
    /// How clients talk to the EASs of a bundle (clause 8.1.5.3).
    BdlType as "BdlType" {
        /// With each of them.
        Direct = "DIRECT",
        /// With one of them, which talks to the others.
        Proxy = "PROXY",
    }
);

open_enum!(
    /// How much the EASs of a bundle have to be in the same edge data network (clause 8.1.5.3).
    Affinity as "Affinity" {
        /// They must be.
        Strong = "STRONG",
        /// Better so, yet not necessary.
        Preferred = "PREFERRED",
        /// It does not matter.
        Weak = "WEAK",
    }
);

open_enum!(
    /// What becomes of the other EASs of a bundle when the relocation of one fails (clause 8.1.5.3).
    FailureAction as "FailureAction" {
        /// Their relocation is called off too.
        Cancel = "CANCEL",
        /// They go on.
        Proceed = "PROCEED",
    }
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, only, refused, same};

    #[test]
    fn every_member_is_kept() {
        let bundle: EasBundleInfo = same(
            r#"{"bdlType": "PROXY", "bdlId": "bundle-4", "easIdsList": ["eas.quiz.example", "eas.chat.example"],
            "mainEasId": "eas.quiz.example", "easBdlReqs": {"coordinatedEasDisc": true, "affinity": "STRONG",
                "coordinatedAcr": {"coordinatedAcrInd": false, "failureAction": "PROCEED"}}}"#,
        );
        assert_eq!(bundle.eas_bdl_reqs.unwrap().affinity, Some(Affinity::Strong));
    }

    #[test]
    fn a_bundle_without_name_and_members_is_refused() {
        let why = refused::<EasBundleInfo>(r#"{"bdlType": "DIRECT", "mainEasId": "eas.quiz.example"}"#);
        assert!(why.contains("bdlId, easIdsList or both"), "{why}");
        same::<EasBundleInfo>(r#"{"bdlType": "DIRECT", "easIdsList": ["eas.quiz.example"]}"#);
        refused::<EasBundleInfo>(r#"{"bdlType": "DIRECT", "bdlId": "b", "easIdsList": []}"#);
    }

    #[test]
    fn a_required_member_that_is_absent_is_refused() {
        only::<EasBundleInfo>(r#"{"bdlType": "DIRECT", "bdlId": "b"}"#, &["bdlId"], &["bdlType"]);
        needs::<CoordinatedAcrReqs>(r#"{"coordinatedAcrInd": true}"#, &["coordinatedAcrInd"]);
    }

    #[test]
    fn an_unknown_value_is_kept() {
        let bundle: EasBundleInfo = same(r#"{"bdlType": "RING", "bdlId": "b"}"#);
        assert_eq!(bundle.bdl_type, BdlType::Other("RING".to_owned()));
    }
}
