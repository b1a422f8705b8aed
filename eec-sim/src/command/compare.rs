//! `compare`: what two reports differ in.

use super::{CommandError, Outcome};
use crate::{
    milestone::Derived,
    statistics::{Quantiles, quantiles},
};
use anstream::println;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// What a report says of one scenario.
#[derive(Default)]
struct Side {
    derived: Vec<Derived>,
    failed: BTreeSet<String>,
    relocations: usize,
}

fn side(folder: &Path) -> Result<BTreeMap<String, Side>, CommandError> {
    let file = folder.join("messages.jsonl");
    let text = fs::read_to_string(&file).map_err(|error| CommandError::File(file.clone(), error))?;
    let mut sides: BTreeMap<String, Side> = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let value: Value = serde_json::from_str(line).map_err(|error| {
            let at = format!("{}:{}: no line of a report: {error}", file.display(), number + 1);
            CommandError::Usage(format!("{at}\n  Give folders that `eec-sim run --report` wrote."))
        })?;
        let word = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let side = sides.entry(word("scenario")).or_default();
        match word("type").as_str() {
            "relocation" => {
                side.relocations += 1;
                side.derived
                    .push(serde_json::from_value(value["derived"].clone()).unwrap_or_default());
            }
            "assertion" if value["held"] == false => _ = side.failed.insert(word("id")),
            _ => {}
        }
    }
    Ok(sides)
}

/// `compare`: the values and the failures of two reports, side by side.
///
/// # Errors
/// When one is no report.
pub fn compare(a: &Path, b: &Path) -> Result<Outcome, CommandError> {
    let (before, after) = (side(a)?, side(b)?);
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut worse = false;
    for name in names {
        let nothing = Side::default();
        let (old, new) = (
            before.get(name).unwrap_or(&nothing),
            after.get(name).unwrap_or(&nothing),
        );
        if let Some(only) = match (before.contains_key(name), after.contains_key(name)) {
            (true, false) => Some("first"),
            (false, true) => Some("second"),
            _ => None,
        } {
            println!("{name}: only in the {only} report, nothing to compare");
            continue;
        }
        println!("{name}: {} relocation(s), then {}", old.relocations, new.relocations);
        let (first, second) = (quantiles(&old.derived), quantiles(&new.derived));
        println!(
            "  {:<16}{:>12}{:>12}{:>10}   {:>12}{:>12}{:>10}",
            "", "p50", "then", "", "p99", "then", ""
        );
        for (value, of) in &first {
            let Some((_, then)) = second.iter().find(|(other, _)| other == value) else {
                continue;
            };
            println!(
                "  {value:<16}{}   {}",
                pair(of, then, |of| of.p50),
                pair(of, then, |of| of.p99)
            );
        }
        for id in new.failed.difference(&old.failed) {
            worse = true;
            println!("  ✗ {id} held before and does not any more");
        }
        for id in old.failed.difference(&new.failed) {
            println!("  ✓ {id} did not hold before and does now");
        }
    }
    Ok(if worse { Outcome::Failed } else { Outcome::Good })
}

fn pair(of: &Quantiles, then: &Quantiles, part: fn(&Quantiles) -> f64) -> String {
    let (of, then) = (part(of), part(then));
    let change = match of.abs() > f64::EPSILON {
        true => format!("{:+.0} %", (then - of) / of.abs() * 100.0),
        false => String::new(),
    };
    format!("{of:>12.1}{then:>12.1}{change:>10}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(completion: f64, held: bool) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let lines = format!(
            "{{\"type\":\"assertion\",\"scenario\":\"b\",\"id\":\"order\",\"held\":{held}}}\n\
             {{\"type\":\"relocation\",\"scenario\":\"b\",\"derived\":{{\"completion_ms\":{completion},\"requests\":3,\"lost_requests\":0}}}}\n"
        );
        fs::write(folder.path().join("messages.jsonl"), lines).unwrap();
        folder
    }

    #[test]
    fn what_broke_is_worse_and_what_was_mended_is_not() {
        let (good, bad) = (report(50.0, true), report(70.0, false));
        assert_eq!(compare(good.path(), bad.path()).unwrap(), Outcome::Failed);
        assert_eq!(compare(bad.path(), good.path()).unwrap(), Outcome::Good);
        let read = side(good.path()).unwrap();
        assert_eq!(read["b"].derived[0].completion_ms, Some(50.0));
    }

    #[test]
    fn what_is_no_report_is_refused_by_line() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("messages.jsonl"), "{}\nx\n").unwrap();
        let refused = compare(folder.path(), folder.path()).unwrap_err().to_string();
        assert!(refused.contains("messages.jsonl:2"), "{refused}");
    }
}
