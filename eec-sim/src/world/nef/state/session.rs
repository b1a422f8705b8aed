//! Sessions with a quality.

use super::{Callback, State};
use crate::world::nef::want::Want;
use serde_json::json;

impl State {
    /// Events of the sessions of a UE that follow from where it is now; a session whose UE is switched off is over.
    pub fn session_events(&mut self, gpsi: &str) -> Vec<Callback> {
        let Some(ue) = self.network.ue(gpsi) else {
            return Vec::new();
        };
        let event = match self.network.cell_of(ue) {
            None => "SESSION_TERMINATION",
            Some(cell) if cell.crowded => "QOS_NOT_GUARANTEED",
            Some(_) => "QOS_GUARANTEED",
        };
        self.tell_sessions(gpsi, event)
    }

    /// Tells the sessions of a UE of an event, unless it is what they heard last. A session is guaranteed when it begins.
    pub fn tell_sessions(&mut self, gpsi: &str, event: &str) -> Vec<Callback> {
        let Some(ue) = self.network.ue(gpsi) else {
            return Vec::new();
        };
        let (mut callbacks, mut over) = (Vec::new(), Vec::new());
        for (key, resource) in &mut self.resources {
            let Want::Session(session) = &resource.want else {
                continue;
            };
            if !session.target.is(ue) {
                continue;
            }
            let told = resource.told.entry(gpsi.to_owned()).or_default();
            let before = told.seen.replace(event.to_owned());
            if before.as_deref().unwrap_or("QOS_GUARANTEED") == event {
                continue;
            }
            let last = event == "SESSION_TERMINATION" && !session.target.is_many();
            if last {
                over.push(*key);
            }
            if !session.events.iter().any(|wanted| wanted == event) {
                continue;
            }
            told.reports += 1;
            let mut report = json!({"event": event});
            if !session.flows.is_empty() {
                report["flowIds"] = json!(session.flows);
            }
            if let Some(lesser) = session.lesser.as_ref().filter(|_| event == "QOS_NOT_GUARANTEED") {
                report["appliedQosRef"] = json!(lesser);
            }
            callbacks.push(Callback {
                of: *key,
                to: session.to.clone(),
                body: json!({"transaction": resource.uri, "eventReports": [report]}),
                what: format!("session of {gpsi}: {event}"),
                last,
            });
        }
        for key in over {
            self.resources.remove(&key);
        }
        callbacks
    }
}
