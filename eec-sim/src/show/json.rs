//! JSON lines on standard output, and nothing else there: one per milestone, message, assertion, relocation, and one for the whole.

use super::Show;
use crate::{
    call::url_of,
    milestone::{Milestone, between, milliseconds},
    record::{News, Watcher},
    run::{Play, Run},
    statistics::quantiles,
};
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeMap,
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
    let crossing = run.crossing();
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
        "id": run.id(),
        "acr": run.scenario.acr,
        "began": run.began.to_string(),
        "ue": run.ue().gpsi,
        "ac": run.ac().ac_id,
        "s_eas": {"instance": crossing.source.eas.instance, "endpoint": run.facts.source},
        "t_eas": {"instance": crossing.target.eas.instance, "endpoint": run.facts.target},
        "milestones": milestones,
        "ms_since_move": since_move,
        "derived": run.derived,
        "result": run.ending,
        "faults": run.faults,
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

/// What had to hold on the whole, for a file.
pub fn whole(play: &Play) -> Vec<Value> {
    let one = |item| {
        line(
            "assertion",
            &play.scenario.name,
            serde_json::to_value(item).unwrap_or_default(),
        )
    };
    play.whole.iter().map(one).collect()
}

impl Show for JsonLines {
    fn begin(&mut self, name: &str, title: &str, acr: &str) -> Arc<dyn Watcher> {
        print(&line("begin", name, json!({"title": title, "acr": acr})));
        Arc::new(Lines {
            scenario: name.to_owned(),
        })
    }

    fn end(&mut self, play: &Play) {
        let scenario = &play.scenario.name;
        let judged = |assertion: &_, run: Option<&Run>| {
            let mut value = serde_json::to_value(assertion).unwrap_or_default();
            value["run"] = json!(run.map(Run::id));
            line("assertion", scenario, value)
        };
        for run in &play.runs {
            for assertion in &run.assertions {
                print(&judged(assertion, Some(run)));
            }
            print(&line("relocation", scenario, relocation(run)));
        }
        for assertion in &play.whole {
            print(&judged(assertion, None));
        }
    }

    fn say(&mut self, _: &str) {}

    fn summary(&mut self, plays: &[Play]) {
        let assertions = plays.iter().flat_map(Play::assertions).count();
        let held = plays
            .iter()
            .flat_map(Play::assertions)
            .filter(|assertion| assertion.held)
            .count();
        let runs: Vec<&Run> = plays.iter().flat_map(|play| &play.runs).collect();
        print(&json!({
            "type": "summary", "relocations": runs.len(), "scenarios": plays.len(),
            "good": plays.iter().filter(|play| play.held()).count(),
            "quantiles": quantiles(runs.iter().map(|run| &run.derived)).into_iter().collect::<BTreeMap<_, _>>(),
            "assertions": assertions, "held": held, "result": if held == assertions { "good" } else { "failed" },
        }));
    }
}
