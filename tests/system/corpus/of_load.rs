//! Rows about too much: more requests than a caller may send, more state than the disk has room for.

use super::{
    row::{Case, Row},
    site::{AT_ONCE, Door, EEC, Ground, OTHER_EEC, large_eas},
};
use crate::support::{DISCOVERY, EAS_REGISTRATIONS};
use edgeapp_core::principal::Role;
use http::header;
use serde_json::json;

/// All of them.
pub(crate) fn rows() -> Vec<Row> {
    let rate = Row::new(70, "more requests than a caller may send", Door::Edge1, |_| {
        let ask = |eec: &str| Case::post(DISCOVERY, &json!({"requestorId": {"eecId": eec}}));
        let mut cases: Vec<_> = (0..AT_ONCE / 2).map(|_| ask(EEC).served(200)).collect();
        let refused = ask(EEC).refused(429, "NF_CONGESTION_RISK");
        cases.push(refused.saying(header::RETRY_AFTER).sooner_or_later());
        // Nobody else feels it.
        cases.push(ask(OTHER_EEC).by(OTHER_EEC).served(200));
        cases
    });
    let disk = Row::new(75, "a write where there is no room", Door::Edge3, |_| {
        vec![Case::post(EAS_REGISTRATIONS, &large_eas("no-room")).refused(500, "INSUFFICIENT_RESOURCES")]
    });
    vec![rate.also_for(Role::Ees).on(Ground::Rates), disk.on(Ground::FullDisk)]
}
