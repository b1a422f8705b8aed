//! Rows about hosts: callbacks and endpoints where nobody may say to be.

use super::{
    row::{Case, Row},
    site::{Door, EAS, EEC, Site, callback, eas_at},
};
use crate::support::{DISCOVERY_SUBSCRIPTIONS, EAS_REGISTRATIONS, availability};
use serde_json::json;

/// All of them.
pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row::new(33, "a callback to a host that is nobody's", Door::Edge1, |_| {
            vec![
                Case::post(DISCOVERY_SUBSCRIPTIONS, &availability(EEC, "https://victim.example/"))
                    .refused(403, "CALLBACK_NOT_ALLOWED")
                    .at("/notificationDestination"),
            ]
        }),
        Row::new(
            35,
            "PATCH of a callback, so that it leads to another host",
            Door::Edge1,
            |site: &Site| {
                let foreign = json!({"notificationDestination": "https://victim.example/acr"});
                vec![
                    Case::patch(&site.acr_subscription, &foreign)
                        .refused(403, "CALLBACK_NOT_ALLOWED")
                        .at("/notificationDestination"),
                    Case::patch(
                        &site.acr_subscription,
                        &json!({"notificationDestination": callback("/new")}),
                    )
                    .served(200),
                ]
            },
        ),
        Row::new(
            40,
            "an endpoint at the host of somebody else",
            Door::Edge3,
            |site: &Site| {
                let mut foreign = eas_at(EAS, "two");
                foreign["easProf"]["endPt"] = json!({"uri": "https://victim.example:8443/play"});
                let patched = json!({"easProf": {"endPt": {"uri": "https://victim.example:8443/play"}}});
                vec![
                    Case::post(EAS_REGISTRATIONS, &foreign)
                        .refused(403, "ENDPOINT_NOT_ALLOWED")
                        .at("/easProf/endPt"),
                    Case::patch(&site.eas_registration, &patched)
                        .refused(403, "ENDPOINT_NOT_ALLOWED")
                        .at("/easProf/endPt"),
                ]
            },
        ),
    ]
}
