//! JSON lines on standard output, and nothing else there: one per milestone, message, assertion, relocation, and one for the whole.

use super::Show;
use crate::{
    call::url_of,
    milestone::{Milestone, between, milliseconds},
    record::{News, Watcher},
    run::Run,
};
use serde_json::{Map, Value, json};
use std::{
    io::{self, Write},
    sync::Arc,
};

/// Shows a run as JSON lines.
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonLines;

struct Lines {
    scenario: String,
}

fn print(line: &Value) {
    let mut out = io::stdout().lock();
    // A reader that went away is no reason to fail.
    let _ = writeln!(out, "{line}");
}

/// Puts `type` and `scenario` in front of a value's members.
fn line(kind: &str, scenario: &str, value: Value) -> Value {
    let mut line = Map::from_iter([
        ("type".to_owned(), json!(kind)),
        ("scenario".to_owned(), json!(scenario)),
    ]);
    if let Value::Object(members) = value {
        line.extend(members);
    }
    Value::Object(line)
}

impl Watcher for Lines {
    fn hear(&self, news: &News<'_>) {
        match news {
            News::Step(_) => {}
            News::Milestone(milestone, since) => {
                let value = json!({"id": milestone.id(), "name": milestone.name(), "ms_since_move": since});
                print(&line("milestone", &self.scenario, value));
            }
            News::Message(message) => {
                print(&line(
                    "message",
                    &self.scenario,
                    serde_json::to_value(message).unwrap_or_default(),
                ));
            }
        }
    }
}

/// The line about one relocation.
pub fn relocation(run: &Run) -> Value {
    let crossing = run.scenario.crossing();
    let milestones: Map<String, Value> = run
        .milestones
        .iter()
        .map(|(milestone, at)| (milestone.id().to_owned(), json!(milliseconds(*at))))
        .collect();
    let since_move: Map<String, Value> = run
        .milestones
        .keys()
        .map(|milestone| {
            (
                milestone.id().to_owned(),
                json!(between(&run.milestones, Milestone::Move, *milestone)),
            )
        })
        .collect();
    let told = run
        .sights
        .notified
        .iter()
        .find_map(|notified| notified.notification.acr_status.as_ref());
    json!({
        "acr": run.scenario.acr,
        "began": run.began.to_string(),
        "ue": run.scenario.ue.gpsi,
        "ac": run.scenario.ac.ac_id,
        "s_eas": {"instance": crossing.source.eas.instance, "endpoint": run.facts.source},
        "t_eas": {"instance": crossing.target.eas.instance, "endpoint": run.facts.target},
        "milestones": milestones,
        "ms_since_move": since_move,
        "derived": run.derived,
        "result": if run.broken.is_none() { "complete" } else { "failed" },
        "cause": run.broken,
        "told_endpoint": told.map(|status| url_of(&status.t_eas_endpoint)),
        "held": run.held(),
        "messages": run.messages,
    })
}

/// Everything about one relocation, for a file: messages, requests of the application, assertions, the relocation itself.
pub fn lines(run: &Run) -> Vec<Value> {
    fn all<T: serde::Serialize>(kind: &str, run: &Run, items: &[T]) -> Vec<Value> {
        let one = |item| line(kind, &run.scenario.name, serde_json::to_value(item).unwrap_or_default());
        items.iter().map(one).collect()
    }
    let mut lines = all("message", run, &run.messages);
    lines.extend(all("reply", run, &run.replies));
    lines.extend(all("assertion", run, &run.assertions));
    lines.push(line("relocation", &run.scenario.name, relocation(run)));
    lines
}

impl Show for JsonLines {
    fn begin(&mut self, name: &str, title: &str, acr: &str) -> Arc<dyn Watcher> {
        print(&line("begin", name, json!({"title": title, "acr": acr})));
        Arc::new(Lines {
            scenario: name.to_owned(),
        })
    }

    fn end(&mut self, run: &Run) {
        for assertion in &run.assertions {
            print(&line(
                "assertion",
                &run.scenario.name,
                serde_json::to_value(assertion).unwrap_or_default(),
            ));
        }
        print(&line("relocation", &run.scenario.name, relocation(run)));
    }

    fn say(&mut self, _: &str) {}

    fn summary(&mut self, runs: &[Run]) {
        let assertions: usize = runs.iter().map(|run| run.assertions.len()).sum();
        let held: usize = runs
            .iter()
            .flat_map(|run| &run.assertions)
            .filter(|assertion| assertion.held)
            .count();
        print(&json!({
            "type": "summary", "relocations": runs.len(), "good": runs.iter().filter(|run| run.held()).count(),
            "assertions": assertions, "held": held, "result": if held == assertions { "good" } else { "failed" },
        }));
    }
}
