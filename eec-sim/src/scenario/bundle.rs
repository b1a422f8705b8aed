//! Applications that belong together.

use super::Scenario;
use edgeapp_openapi::{
    eas_registration::{Affinity, BdlType, FailureAction},
    ids::{BundleId, EasId},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// A bundle (TS 23.558 clause 8.8.1.6): all applications of the scenario, which one application client uses and which relocate
/// together. The first of them is the one that relocations are asked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// Its name.
    pub id: BundleId,
    /// `DIRECT` or `PROXY`, as the standard spells it. What a proxy would pass on to the others is sent to them in its place.
    #[serde(rename = "type")]
    pub kind: BdlType,
    /// What becomes of the others when one fails: `CANCEL` or `PROCEED`.
    pub failure: FailureAction,
    /// `STRONG`, `PREFERRED` or `WEAK`.
    #[serde(default = "strong")]
    pub affinity: Affinity,
}

fn strong() -> Affinity {
    Affinity::Strong
}

impl Bundle {
    /// Its applications.
    pub fn applications(scenario: &Scenario) -> Vec<&EasId> {
        scenario.ac.iter().map(|ac| &ac.eas_id).collect()
    }

    /// As `EASBundleInfo` has it.
    pub fn on_the_wire(&self, scenario: &Scenario) -> Value {
        let applications = Self::applications(scenario);
        let mut info = json!({"bdlType": self.kind, "bdlId": self.id, "easIdsList": applications, "easBdlReqs": {
            "coordinatedAcr": {"coordinatedAcrInd": true, "failureAction": self.failure}, "affinity": self.affinity}});
        if self.kind == BdlType::Proxy {
            info["mainEasId"] = json!(applications.first());
        }
        info
    }
}

impl Scenario {
    /// Whether an application of a UE relocates because another one of its bundle does.
    pub fn is_led(&self, ue: usize, ac: usize) -> bool {
        self.bundle.is_some() && self.acs_of(ue).first() != Some(&ac)
    }
}
