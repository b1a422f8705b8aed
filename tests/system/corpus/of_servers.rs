//! Rows about what EASs and EESs send.

use super::{
    row::{Case, Row},
    site::{CALLED, Door, EAS, EEC, EES, HOST, OTHER_EAS, OTHER_EEC, OTHER_EES, Site, eas_at},
};
use crate::support::EAS_REGISTRATIONS as REG;
use edgeapp_system_tests::lab::ue_of;
use http::header;
use serde_json::{Value, json};

const TARGETS: &str = "/eecs-targeteesdiscovery/v1/ees-profiles";
const CONTEXTS: &str = "/eees-eeccontextreloc/v1/eec-contexts";
const LOCATION: &str = "/eees-uelocation/v1/fetch";
const IDENTIFIER: &str = "/eees-ueidentifier/v1/get";

pub(super) fn rows() -> Vec<Row> {
    let eas = |number, tries, cases| Row::new(number, tries, Door::Edge3, cases);
    let target = |number, tries, cases| Row::new(number, tries, Door::Edge6, cases);
    vec![
        eas(16, "features that are no hexadecimal number", |_| {
            let mut strange = eas_at(EAS, "two");
            strange["suppFeat"] = json!("xyz");
            vec![
                Case::post(REG, &strange)
                    .refused(400, "OPTIONAL_IE_INCORRECT")
                    .at("/suppFeat"),
            ]
        }),
        eas(38, "an endpoint that is none, or two", |_| {
            let refused = |end_pt: Value| {
                Case::post(REG, &json!({"easProf": {"easId": EAS, "endPt": end_pt}}))
                    .refused(400, "MANDATORY_IE_INCORRECT")
            };
            vec![
                refused(json!({})),
                refused(json!({"uri": format!("https://{HOST}/"), "fqdn": HOST})),
            ]
        }),
        eas(39, "the identity of another application", |_| {
            vec![
                Case::post(REG, &eas_at(OTHER_EAS, "two"))
                    .refused(403, "OWNER_MISMATCH")
                    .at("/easProf/easId"),
            ]
        }),
        eas(41, "PATCH of the identity inside the profile", |site: &Site| {
            let refused = |id: Value| {
                Case::patch(&site.eas_registration, &json!({"easProf": {"easId": id}}))
                    .refused(403, "MODIFICATION_NOT_ALLOWED")
            };
            vec![refused(json!("other"))]
        }),
        eas(42, "PATCH that takes a mandatory member away", |site: &Site| {
            vec![
                Case::patch(&site.eas_registration, &json!({"easProf": {"endPt": null}}))
                    .refused(400, "MANDATORY_IE_INCORRECT")
                    .at("/easProf/endPt"),
            ]
        }),
        eas(47, "a UE that is not named", |_| {
            vec![Case::post(IDENTIFIER, &json!({})).refused(400, "MANDATORY_IE_MISSING")]
        }),
        eas(54, "a reader that takes HTML only", |site: &Site| {
            vec![
                Case::get(&site.eas_registration)
                    .with(header::ACCEPT, "text/html")
                    .refused(406, "NOT_ACCEPTABLE"),
                Case::get(&site.eas_registration)
                    .with(header::ACCEPT, "text/html, application/json;q=0.1")
                    .served(200),
            ]
        }),
        eas(74, "where a UE is whose user did not agree", |_| {
            vec![Case::post(LOCATION, &json!({"ueId": ue_of(OTHER_EEC)})).refused(403, "USER_CONSENT_NOT_GRANTED")]
        }),
        target(43, "a mandatory parameter is missing", |_| {
            vec![
                Case::get(format!("{TARGETS}?ees-id={EES}"))
                    .refused(400, "MANDATORY_QUERY_PARAM_MISSING")
                    .at("eas-id"),
            ]
        }),
        target(44, "a parameter with the identity of another EES", |_| {
            vec![
                Case::get(format!("{TARGETS}?ees-id={OTHER_EES}&eas-id={EAS}"))
                    .refused(403, "OWNER_MISMATCH")
                    .at("ees-id"),
            ]
        }),
        target(45, "a parameter that is half of a JSON text", |_| {
            vec![
                Case::get(format!("{TARGETS}?ees-id={EES}&eas-id={EAS}&ue-location=%7Bbroken"))
                    .refused(400, "OPTIONAL_QUERY_PARAM_INCORRECT")
                    .at("ue-location"),
            ]
        }),
        target(46, "a parameter twice", |_| {
            vec![
                Case::get(format!("{TARGETS}?ees-id={EES}&eas-id={EAS}&ees-id={OTHER_EES}"))
                    .refused(400, "MANDATORY_QUERY_PARAM_INCORRECT")
                    .at("ees-id"),
            ]
        }),
        Row::new(72, "a pull in another's name, and of what is not there", Door::Edge9, |site: &Site| {
            let pull = |ees: &str, context: &str| Case::get(format!("{CONTEXTS}?ees-id={ees}&eec-cntx-id={context}"));
            vec![
                pull(OTHER_EES, &site.others_context)
                    .refused(403, "OWNER_MISMATCH")
                    .at("ees-id"),
                pull(CALLED, &site.others_context)
                    .refused(403, "OWNER_MISMATCH")
                    .at("ees-id"),
                pull(EES, "context-that-never-was").refused(404, "CONTEXT_NOT_FOUND"),
            ]
        }),
        Row::new(73, "a push of somebody else's context", Door::Edge9, |site: &Site| {
            let push = |ees: &str, eec: &str| {
                let context = json!({"eecId": eec, "cntxId": site.others_context});
                Case::post(CONTEXTS, &json!({"eesId": ees, "eecCntx": context}))
            };
            vec![
                push(OTHER_EES, OTHER_EEC).refused(403, "OWNER_MISMATCH").at("/eesId"),
                push(EES, EEC).refused(403, "OWNER_MISMATCH").at("/eecCntx/cntxId"),
            ]
        })
        .differs("an EEC is not announced before it comes: EESs that the operator certified are believed, but take nothing away from another EEC"),
    ]
}
