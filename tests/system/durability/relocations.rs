//! Relocations that begin, and mostly are left to their fate.

use super::{MOVING, Roots, WATCH};
use crate::support::{INITIATE, REPORT, end_pt};
use edgeapp_system_tests::{caller::Caller, lab::ue_of};
use http::Method;
use serde_json::json;
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

/// Relocations begun between two kills.
const AT_A_TIME: usize = 8;
/// Within this time after the beginning a report certainly counts: the server waits for two seconds.
const IN_TIME: Duration = Duration::from_millis(1500);

/// Begins relocations, and knows which were acknowledged.
pub(super) struct Relocations {
    eec: Caller,
    eas: Caller,
    tokens: u32,
    /// Acknowledged writes.
    pub(super) writes: usize,
    /// Words that have to be heard.
    pub(super) expected: BTreeSet<String>,
}

impl Relocations {
    pub(super) fn new(eec: Caller, eas: Caller) -> Self {
        Self {
            eec,
            eas,
            tokens: 0,
            writes: 0,
            expected: BTreeSet::new(),
        }
    }

    /// Begins some relocations, unless the server is gone before.
    pub(super) async fn write(&mut self, roots: &Roots) {
        let (eec, eas) = (self.eec.at(&roots.edge1), self.eas.at(&roots.edge3));
        for _ in 0..AT_A_TIME {
            if self.step(&eec, &eas).await.is_err() {
                return;
            }
        }
    }

    async fn step(&mut self, eec: &Caller, eas: &Caller) -> Result<(), String> {
        self.tokens += 1;
        let ac_id = format!("ac-{}", self.tokens);
        let target = end_pt(&ac_id);
        let uri = target["uri"].as_str().unwrap();
        let initiation = json!({"requestorId": WATCH, "easNotifInd": true, "easId": MOVING, "acId": ac_id,
            "sEasEndpoint": end_pt("moving"), "tEasEndpoint": target});
        let began = Instant::now();
        eec.try_call(Method::POST, INITIATE, &initiation).await?.done();
        self.writes += 1;
        self.expected.insert(format!("ended {uri}"));
        if self.tokens.is_multiple_of(3) {
            let result = json!({"actResult": "SUCCESSFUL", "ueId": ue_of(WATCH), "easEndPoint": target});
            let report = json!({"easId": MOVING, "acId": ac_id, "actResultInfo": result});
            let answer = eas.try_call(Method::POST, REPORT, &report).await?;
            if answer.status.is_success() && began.elapsed() < IN_TIME {
                self.writes += 1;
                self.expected.insert(format!("moved {uri}"));
            }
        }
        Ok(())
    }
}
