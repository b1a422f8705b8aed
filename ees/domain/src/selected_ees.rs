//! A cloud application server (CAS) hears which EES serves a UE, so that it can bring the application back to the edge through it
//! (Ecas_SelectedEES, the calling end: TS 29.558 clauses 6A.2 and 8A.1; TS 23.558 clause 8.8.3.10).
//!
//! The CAS is where an EEC says, so its address is checked like that of a callback, and redirects of it too. A declaration is work of
//! the outbox: it leaves after a restart as well, and is tried until the CAS takes it, refuses it, or nobody needs it any more.

use crate::{eas_information, event::Work};
use edgeapp_core::{
    callback::CallbackRule,
    error::Error,
    notifier::{NotDelivered, Notifier},
    outbox::{Outcome, Task, Todo},
    room::Room,
};
use edgeapp_openapi::{common::Uri, eas_registration::EndPoint, selected_ees::SelEesDecInfo};
use serde::{Deserialize, Serialize};

/// The operation at a CAS, below its `apiRoot`.
const DECLARE: &str = "ecas-selected-ees/v1/declare";
/// How often a CAS that refuses is told.
const REFUSALS: u32 = 3;

/// What a CAS is to hear.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Declaration {
    /// Where it hears it.
    pub destination: Uri,
    /// The selection that it is about: it is told only while that is kept.
    pub selection: String,
    /// What it hears.
    pub info: SelEesDecInfo,
}

fn operation(cas: &EndPoint) -> String {
    format!("{}/{DECLARE}", cas.api_root())
}

impl Declaration {
    /// Whether it goes to this CAS.
    pub fn is_for(&self, cas: &EndPoint) -> bool {
        self.destination.as_str() == operation(cas)
    }
}

/// Where a CAS with this endpoint hears of selected EESs.
///
/// # Errors
/// When `rule` forbids the address; `pointer` says where it stood.
pub fn destination(cas: &EndPoint, rule: &CallbackRule, pointer: &str) -> Result<Uri, Error> {
    let destination = operation(cas).parse::<Uri>();
    let destination = destination.map_err(|_| Error::optional_incorrect(pointer, "must be an absolute https URI"))?;
    rule.check(&destination, pointer)?;
    Ok(destination)
}

/// The work that a declaration asks for: those about one selection leave in order.
pub fn todo(declaration: Declaration) -> Todo<Work> {
    Todo {
        lane: declaration.selection.clone(),
        task: Task {
            // Whether anybody still wants it is seen from the selection, whose expiry may be put off.
            guard: None,
            work: Work::SelectedEes(Box::new(declaration)),
            until: None,
        },
    }
}

/// Tells the CAS. Telling it twice is harmless: it hears the same again.
pub async fn declare(room: &Room, notifier: &dyn Notifier, declaration: &Declaration, attempt: u32) -> Outcome {
    match eas_information::is_still_selected(room, declaration).await {
        Ok(true) => {}
        Ok(false) => return Outcome::Done,
        Err(error) => {
            return Outcome::Again {
                reason: error.to_string(),
                after: None,
            };
        }
    }
    let body = match serde_json::to_vec(&declaration.info) {
        Ok(body) => body.into(),
        Err(error) => return Outcome::Hopeless(error.to_string()),
    };
    match notifier.notify(&declaration.destination, body).await {
        // Each selection is told once: a new address of the CAS is found again by its redirect.
        Ok(_) => Outcome::Done,
        Err(NotDelivered::Later { reason, after }) => Outcome::Again { reason, after },
        Err(NotDelivered::Refused(status)) if attempt + 1 < REFUSALS => Outcome::Again {
            reason: format!("refused with status {status}"),
            after: None,
        },
        Err(error) => Outcome::Hopeless(format!("the CAS was not told of the selected EES: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(cas: serde_json::Value) -> Option<String> {
        let cas: EndPoint = serde_json::from_value(cas).expect("an endpoint");
        let found = destination(&cas, &CallbackRule::default(), "/casInfo").ok()?;
        Some(found.as_str().to_owned())
    }

    #[test]
    fn every_kind_of_endpoint_leads_to_the_operation() {
        let at = |root: &str| Some(format!("{root}/ecas-selected-ees/v1/declare"));
        assert_eq!(
            of(json!({"uri": "https://cas.example:8443/api/"})),
            at("https://cas.example:8443/api")
        );
        assert_eq!(of(json!({"fqdn": "cas.example"})), at("https://cas.example"));
        assert_eq!(of(json!({"ipv4Addrs": ["192.0.2.7"]})), at("https://192.0.2.7"));
        assert_eq!(of(json!({"ipv6Addrs": ["2001:db8::7"]})), at("https://[2001:db8::7]"));
    }

    #[test]
    fn what_leads_inside_or_is_not_https_leads_nowhere() {
        for cas in [
            json!({"uri": "http://cas.example"}),
            json!({"uri": "https://127.0.0.1:8443"}),
            json!({"ipv4Addrs": ["10.0.0.1"]}),
            json!({"ipv6Addrs": ["::1"]}),
            json!({"uri": "https://user@cas.example"}),
        ] {
            assert_eq!(of(cas.clone()), None, "{cas}");
        }
    }
}
