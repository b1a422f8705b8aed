//! Users that have to leave an EAS, because it is overloaded or shuts down: each of them is looked at as if it had asked.

use super::{
    decision::{EasState, Reason},
    follow_up::AcrFollowUp,
    record::{AcrEvent, AcrWork, Wanted},
    relocation::index_of,
    served::users,
};
use crate::{
    context,
    event::{Event, Work},
    selection::Selection,
};
use edgeapp_core::{
    error::Error,
    kept::Kept,
    outbox::{Outcome, Task, Todo},
    room::{Decision, contended},
    store::{Key, Span},
};
use edgeapp_openapi::{
    eas_registration::{EasProfile, EndPoint},
    eec_context_relocation::EecContext,
    ids::{AcId, EasId},
};

/// Contexts looked at, at a time.
const PAGE: usize = 128;

impl AcrFollowUp {
    /// What a change of a registration asks for: an EAS that says for the first time that it is overloaded or shuts down is left.
    pub fn eas_changed(&self, before: Option<&EasProfile>, after: Option<&EasProfile>) -> Option<Todo<Work>> {
        let decides = &self.service.decides;
        let (before, after) = (before?, after?);
        let state = decides.state(after);
        if state == EasState::Serving || (state == decides.state(before) && before.end_pt == after.end_pt) {
            return None;
        }
        let (eas_id, eas) = (after.eas_id.clone(), after.end_pt.clone());
        Some(Todo {
            lane: format!("leave/{eas_id}/{}", eas.api_root()),
            task: Task {
                work: Work::Acr(AcrWork::Leave { eas_id, eas }),
                guard: None,
                until: None,
            },
        })
    }

    /// Has its users leave an EAS, as many as its state demands.
    pub(super) async fn leave(&self, eas_id: &EasId, at: &EndPoint) -> Result<Outcome, Error> {
        let (service, decides) = (&self.service, &self.service.decides);
        let Some(eas) = service.eass.at(at, Some(eas_id)) else {
            return Ok(Outcome::Done);
        };
        let (why, share) = match decides.state(&eas) {
            EasState::Serving => return Ok(Outcome::Done),
            EasState::Overloaded => (Reason::Overload, decides.overload_share_percent()),
            EasState::ShuttingDown => (Reason::ShuttingDown, 100),
        };
        let others = Selection {
            except: service.eass.instance_at(at, eas_id),
            ..Selection::of_application(eas_id.clone())
        };
        let alone = service.eass.best(&others).is_none();
        let (mut met, mut sent) = (0_usize, 0_usize);
        let mut after: Option<Key> = None;
        loop {
            let mut span = Span::prefix(context::PREFIX).limit(PAGE);
            span.after = after.take();
            let page = service.room.store().range(span).await?;
            let mut decision = Decision::of(());
            for entry in &page.entries {
                let kept = Kept::<EecContext>::from_entry(entry)?;
                if !kept.is_live(service.room.now()) {
                    continue;
                }
                let known = kept.value;
                let Some(ue_id) = &known.ue_id else { continue };
                let acs = served_by(&known, &eas, alone);
                // A context that an EEC left behind when it went is nobody's.
                if acs.is_empty() || !self.is_in_use(&known).await? {
                    continue;
                }
                for ac_id in acs {
                    met += 1;
                    if sent * 100 >= met * usize::from(share) {
                        continue;
                    }
                    sent += 1;
                    let wanted = Wanted {
                        eec_id: Some(known.eec_id.clone()),
                        ue_id: ue_id.clone(),
                        eas_id: eas_id.clone(),
                        ac_id,
                        s_eas: at.clone(),
                        position: None,
                        area: None,
                        why,
                    };
                    decision = decision.tell(&Event::Acr(AcrEvent::TargetWanted(Box::new(wanted))))?;
                }
            }
            if !decision.changes_nothing() {
                let committed = service.room.commit(service.room.look(), decision).await?;
                committed.ok_or_else(contended)?;
            }
            match page.entries.last() {
                Some(last) if page.more => after = Some(last.key.clone()),
                _ => break,
            }
        }
        tracing::info!(%eas_id, ?why, users = met, sent, "users leave an EAS");
        Ok(Outcome::Done)
    }

    async fn is_in_use(&self, known: &EecContext) -> Result<bool, Error> {
        let index = index_of(&self.service.room, &known.eec_id).await?;
        Ok(index.is_some_and(|index| index.context == known.cntx_id))
    }
}

/// Pure: the ACs of an EEC that an EAS serves, as far as that is known: those with a session at its endpoint, and where it is the only
/// instance here (`alone`), those that use the application and have no session elsewhere.
fn served_by(context: &EecContext, eas: &EasProfile, alone: bool) -> Vec<Option<AcId>> {
    let sessions: Vec<_> = context
        .sess_cntxs
        .iter()
        .flat_map(|sessions| &sessions.sess_cntxs)
        .filter(|session| session.eas_id == eas.eas_id)
        .collect();
    let here = sessions.iter().filter(|session| session.end_pt == eas.end_pt);
    let mut acs: Vec<Option<AcId>> = here.map(|session| session.ac_id.clone()).collect();
    if alone {
        let elsewhere = |ac: &AcId| sessions.iter().any(|session| session.ac_id.as_ref() == Some(ac));
        let silent = users(context, eas).into_iter().filter(|ac| !elsewhere(ac));
        acs.extend(silent.map(Some));
    }
    acs
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn context(sessions: serde_json::Value) -> EecContext {
        let mut context = json!({"eecId": "eec-1", "cntxId": "ctx-1", "ueId": "msisdn-491700000001",
            "acProfs": [{"acId": "ac.1", "eass": [{"easId": "eas.chess.example"}]}, {"acId": "ac.2", "eass": [{"easId": "eas.go.example"}]}]});
        if sessions.as_array().is_some_and(|sessions| !sessions.is_empty()) {
            context["sessCntxs"] = json!({"sessCntxs": sessions});
        }
        serde_json::from_value(context).expect("a context")
    }

    #[test]
    fn sessions_say_who_is_served_and_else_the_only_instance_is_it() {
        let eas: EasProfile =
            serde_json::from_value(json!({"easId": "eas.chess.example", "endPt": {"fqdn": "a.example"}}))
                .expect("a profile");
        let session = |host: &str| json!({"easId": "eas.chess.example", "endPt": {"fqdn": host}, "acId": "ac.1"});
        let ac = vec![Some("ac.1".parse().expect("an ACID"))];
        let of = |sessions, alone| served_by(&context(sessions), &eas, alone);
        assert_eq!(of(json!([session("a.example")]), false), ac);
        assert_eq!(of(json!([session("a.example")]), true), ac);
        assert_eq!(of(json!([session("b.example")]), true), []);
        assert_eq!(of(json!([]), true), ac);
        assert_eq!(of(json!([]), false), []);
    }
}
