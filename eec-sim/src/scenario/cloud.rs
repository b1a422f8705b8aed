//! The server in the cloud.

use super::{Eas, Edn};
use edgeapp_openapi::ids::EasId;
use serde::Deserialize;

/// An application server in the cloud (CAS), which serves wherever no edge site does (TS 23.558 clause 8.8.2A). No EES is near it: who
/// relocates there or comes back is helped by the EES of the edge site at the other end.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Written")]
pub struct Cloud {
    /// The cloud, as a site without an EES and without a place.
    pub edn: Edn,
    /// The server.
    pub eas: Eas,
}

/// As a scenario has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// The application.
    eas_id: EasId,
    /// The instance, as its certificate has it behind `#`.
    instance: String,
    /// The name of its certificate files.
    certificate: String,
    /// What people call the place.
    #[serde(default = "usual_site")]
    site: String,
}

fn usual_site() -> String {
    "the cloud".to_owned()
}

/// What stands in the place of an EES and of a data network: neither is there.
const NOBODY: &str = "no EES";

impl From<Written> for Cloud {
    /// # Panics
    /// Never: the name is one.
    fn from(written: Written) -> Self {
        let edn = Edn {
            dnn: NOBODY.parse().expect("a name"),
            site: written.site,
            dnais: Vec::new(),
            tais: Vec::new(),
            ees: NOBODY.parse().expect("a name"),
            certificate: String::new(),
        };
        let eas = Eas {
            eas_id: written.eas_id,
            instance: written.instance,
            edn: edn.dnn.clone(),
            certificate: written.certificate,
            svc_cont_supp: Vec::new(),
        };
        Self { edn, eas }
    }
}
