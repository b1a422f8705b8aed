//! What the core reports, taken in: committed with everything that follows before the core is answered.

use super::{
    By, CoreLinks, Heard, KeptLink, LastLocation, LinkWork, TIMER, UPKEEP, last_location_key, put_record, seen_record,
    upkeep::todo,
};
use crate::event::{Event, Work};
use edgeapp_core::{
    error::Error,
    network::{Asked, CoreReport, LocationReport, Target, Token},
    outbox::Todo,
    room::{Decision, Seen, contended},
    store::Key,
};
use edgeapp_openapi::common::DateTime;
use jiff::SignedDuration;

/// Seconds for which the last location of a UE is remembered.
const REMEMBERED: i64 = 86_400;

impl CoreLinks {
    /// Takes in a report that arrived with this token.
    ///
    /// # Errors
    /// 404 for a token that belongs to nothing; when the body cannot be a report for it; when the store fails: nothing is taken in then,
    /// and the core may send it again.
    pub async fn arrived(&self, token: &Token, body: &[u8]) -> Result<(), Error> {
        // A flood of reports on one UE would have each of them try again and again.
        let _turn = self.arrivals.turn(token.reveal()).await;
        for mut seen in self.room.attempts() {
            let Some(mut record) = seen_record(&mut seen, token).await? else {
                return Err(Error::subscription_not_found());
            };
            let reports = self
                .core
                .understand(record.asked.service(), record.link.as_ref(), body)?;
            let mut decision = Decision::of(());
            for report in reports {
                let report = completed(report, &record);
                // Whom a report about a group names is its sender's word.
                if let (CoreReport::Location(location), Some(_)) = (&report, one_ue(&record)) {
                    decision = self.remember(decision, location, &mut seen).await?;
                }
                let heard = if report == CoreReport::Ended {
                    (record.link, record.begun) = (None, None);
                    decision = put_record(decision, token, &record)?;
                    decision = decision.tell(&Event::LinkLost { token: token.clone() })?;
                    Heard::Lost
                } else {
                    Heard::Report(&report)
                };
                decision = decision.and(self.tell(token, &record, heard, &mut seen).await?);
            }
            // The record was looked at: what is decided for its holders holds only while they are the same.
            if self.room.commit(seen, decision).await?.is_some() {
                return Ok(());
            }
        }
        Err(contended())
    }

    /// What follows for the holders of a link.
    pub(super) async fn tell(
        &self,
        token: &Token,
        record: &KeptLink,
        heard: Heard<'_>,
        seen: &mut Seen,
    ) -> Result<Decision<()>, Error> {
        let mut decision = Decision::of(());
        for holding in &record.holders {
            if let Some(holder) = self.holder_of(&holding.key) {
                let by = By {
                    token,
                    asked: &record.asked,
                };
                decision = decision.and(holder.heard(&Key::new(holding.key.as_str()), by, heard, seen).await?);
            }
        }
        Ok(decision)
    }

    async fn remember(
        &self,
        decision: Decision<()>,
        report: &LocationReport,
        seen: &mut Seen,
    ) -> Result<Decision<()>, Error> {
        let (Some(ue), Some(_)) = (&report.ue, &report.location) else {
            return Ok(decision);
        };
        let key = last_location_key(ue);
        seen.entry(&key).await?;
        let expires_at = DateTime(seen.now().0 + SignedDuration::from_secs(REMEMBERED));
        let last = LastLocation {
            report: report.clone(),
            received: seen.now(),
            expires_at,
        };
        let json = serde_json::to_vec(&last).map_err(Error::internal)?;
        Ok(decision.put_bytes(&key, json.into(), Some(expires_at)))
    }

    /// What has to be done about a link that the core ended.
    pub fn after_loss(&self, token: Token) -> Vec<Todo<Work>> {
        vec![todo(&token.clone(), LinkWork::Tidy { token, gone: None })]
    }

    /// What follows when the timer under `key` rings.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn rang(&self, key: &Key, seen: &mut Seen) -> Result<Decision<()>, Error> {
        if key.as_str() == UPKEEP {
            return self.upkeep_rang(seen);
        }
        let resource = Key::new(key.as_str().strip_prefix(TIMER).unwrap_or_default());
        match self.holder_of(resource.as_str()) {
            Some(holder) => holder.rang(&resource, seen).await,
            None => Ok(Decision::of(())),
        }
    }
}

/// The one UE that a record is about.
fn one_ue(record: &KeptLink) -> Option<&edgeapp_openapi::ids::Gpsi> {
    match &record.asked {
        Asked::Location(watch) => match &watch.target {
            Target::Ue(ue) => Some(ue),
            _ => None,
        },
        _ => None,
    }
}

/// A report at the address of a watch on one UE is about that UE, whatever it says.
fn completed(mut report: CoreReport, record: &KeptLink) -> CoreReport {
    if let (CoreReport::Location(location), Asked::Location(watch)) = (&mut report, &record.asked)
        && let Target::Ue(ue) = &watch.target
    {
        location.ue = Some(ue.clone());
    }
    report
}
