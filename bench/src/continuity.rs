//! Applications that follow their UEs: many UEs cross a border within seconds between real servers, in scenario B and in scenario D of
//! TS 23.558. Or what one relocation costs the servers, among many registered UEs and among few.
//!
//! The fleet is that of `eec-sim load`; UEs, application servers and their transfers run in this process, and take their part of the CPU.

use crate::{Failure, Report, arguments::Continuity, comparison::median, say};
use eec_sim::{
    load::{self, Ground, Played, Way, Wish, show::Unwatched},
    statistics::Quantiles,
    world::programs::{self, Programs},
};
use serde_json::{Value, json};
use std::{fmt::Write, time::Duration};

/// Most of the time from the decision to the start of the transfer, p99 in milliseconds.
const SIGNALLING: f64 = 50.0;
/// Most of the time until all is complete, beyond the transfer itself, p99 in milliseconds.
const COMPLETION: f64 = 100.0;

/// Runs it.
pub(crate) async fn run(arguments: &Continuity) -> Result<Report, Failure> {
    let programs = programs::find(say)?;
    match arguments.cost {
        true => cost(arguments, &programs).await,
        false => latency(arguments, &programs).await,
    }
}

/// Plays a fleet among fresh servers in a folder of its own; one of which something did not hold has no figures.
async fn played(arguments: &Continuity, programs: &Programs, way: Way, registered: u32) -> Result<Played, Failure> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("edgeapp-bench-");
    let folder = match &arguments.folder {
        Some(folder) => builder.tempdir_in(folder)?,
        None => builder.tempdir()?,
    };
    let within = Duration::from_secs(arguments.within.into());
    let wish = Wish {
        ues: arguments.ues,
        bystanders: registered.saturating_sub(arguments.ues),
        edns: u32::from(arguments.edns),
        way,
        lasts: within,
        cross_within: Some(within),
        seed: arguments.seed,
        ..Wish::default()
    };
    let wish = wish.checked()?;
    let ground = Ground::start(&wish, programs, folder.path(), &folder.path().join("logs")).await?;
    say(&format!(
        "scenario {}: {} of {registered} registered UEs cross within {within:?}",
        way.name().to_uppercase(),
        wish.ues
    ));
    let played = load::play(&wish, &ground, &mut Unwatched).await?;
    match played
        .assertions
        .iter()
        .find(|assertion| !assertion.held && assertion.id != "fleet_lost")
    {
        Some(broken) => Err(format!("{} ({})", broken.text, broken.seen).into()),
        None => Ok(played),
    }
}

/// Of each relocation that has both.
fn beyond_transfer(played: &Played) -> Option<Quantiles> {
    let beyond = played
        .derived
        .iter()
        .filter_map(|derived| Some(derived.completion_ms? - derived.transfer_ms?));
    Quantiles::of(beyond)
}

fn line(table: &mut String, what: &str, of: Option<Quantiles>, aim: Option<f64>) -> Value {
    let Some(of) = of else { return Value::Null };
    let aim_words = aim.map_or_else(|| "none".to_owned(), |aim| format!("{aim:.0} ms"));
    let _ = writeln!(
        table,
        "{what:<42} {:>8.1} {:>8.1} {:>8.1} {:>8.1}   {aim_words}",
        of.p50, of.p95, of.p99, of.max
    );
    json!({"p50_ms": of.p50, "p95_ms": of.p95, "p99_ms": of.p99, "max_ms": of.max, "aim_p99_ms": aim,
        "reached": aim.map(|aim| of.p99 <= aim)})
}

async fn latency(arguments: &Continuity, programs: &Programs) -> Result<Report, Failure> {
    let mut table = format!(
        "{} UEs cross a border within {} s, {} sites; milliseconds\n\n{:<42} {:>8} {:>8} {:>8} {:>8}   aim (p99)\n",
        arguments.ues, arguments.within, arguments.edns, "", "p50", "p95", "p99", "max"
    );
    let mut json =
        json!({"measured": "continuity", "ues": arguments.ues, "within_s": arguments.within, "edns": arguments.edns});
    for way in [Way::B, Way::D] {
        let played = played(arguments, programs, way, arguments.ues).await?;
        let name = way.name().to_uppercase();
        let values = |find: fn(&eec_sim::milestone::Derived) -> Option<f64>| {
            Quantiles::of(played.derived.iter().filter_map(find))
        };
        let signalling = line(
            &mut table,
            &format!("{name}: decision to start of the transfer"),
            values(|derived| derived.signalling_ms),
            Some(SIGNALLING),
        );
        let transfer = line(
            &mut table,
            &format!("{name}: transfer"),
            values(|derived| derived.transfer_ms),
            None,
        );
        let completion = line(
            &mut table,
            &format!("{name}: completion beyond the transfer"),
            beyond_transfer(&played),
            Some(COMPLETION),
        );
        let interruption = line(
            &mut table,
            &format!("{name}: interruption"),
            values(|derived| derived.interruption_ms),
            None,
        );
        let _ = writeln!(
            table,
            "{name}: requests lost{:>33} of {}   none",
            played.lost, played.requests
        );
        let part = |part: Option<Duration>| part.map(|part| part.as_secs_f64());
        let moving = played.moving();
        json[way.name()] = json!({
            "signalling": signalling, "transfer": transfer, "completion_beyond_transfer": completion,
            "interruption": interruption, "requests": played.requests, "lost": played.lost,
            "latest_ms": played.latest.as_secs_f64() * 1000.0,
            "servers_cpu_s": moving.and_then(|cost| part(cost.servers)),
            "simulator_cpu_s": moving.and_then(|cost| part(cost.simulator)),
        });
    }
    Ok(Report { table, json })
}

/// CPU time of all servers for one crossing, in milliseconds.
fn per_crossing(played: &Played) -> Result<f64, Failure> {
    let cost = played
        .moving()
        .and_then(|cost| cost.of_the_servers_per(u64::try_from(played.derived.len()).unwrap_or_default()));
    cost.ok_or_else(|| "the system does not tell the CPU time of processes".into())
}

async fn cost(arguments: &Continuity, programs: &Programs) -> Result<Report, Failure> {
    let mut table = format!(
        "CPU of all servers for one relocation, {} UEs crossing within {} s; milliseconds\n\n",
        arguments.ues, arguments.within
    );
    let mut json = json!({"measured": "continuity --cost", "few": arguments.few, "many": arguments.many, "rounds": arguments.rounds});
    let (few, many) = (format!("among {}", arguments.few), format!("among {}", arguments.many));
    let _ = writeln!(table, "{:>6} {few:>16} {many:>16} {:>8}", "", "ratio");
    for way in [Way::B, Way::D] {
        let mut rounds = Vec::new();
        for round in 1..=arguments.rounds {
            let few = per_crossing(&played(arguments, programs, way, arguments.few).await?)?;
            let many = per_crossing(&played(arguments, programs, way, arguments.many).await?)?;
            rounds.push((few, many));
            let name = format!("{} {round}", way.name().to_uppercase());
            let _ = writeln!(table, "{name:>6} {few:>16.2} {many:>16.2} {:>8.3}", many / few);
        }
        let few = median(rounds.iter().map(|(few, _)| *few));
        let many = median(rounds.iter().map(|(_, many)| *many));
        let ratio = median(rounds.iter().map(|(few, many)| many / few));
        let name = way.name().to_uppercase();
        let _ = writeln!(
            table,
            "{name:>6} {few:>16.2} {many:>16.2} {ratio:>8.3}   median; aim at most 1.3"
        );
        json[way.name()] = json!({"few_ms": few, "many_ms": many, "ratio": ratio, "aim": 1.3});
    }
    Ok(Report { table, json })
}

#[cfg(test)]
mod tests {
    use super::*;
    use eec_sim::milestone::Derived;

    #[test]
    fn completion_counts_beyond_the_transfer() {
        let derived = |completion_ms, transfer_ms| Derived {
            completion_ms,
            transfer_ms,
            ..Derived::default()
        };
        let played = Played {
            derived: vec![
                derived(Some(80.0), Some(30.0)),
                derived(Some(80.0), None),
                derived(None, Some(1.0)),
            ],
            ..Played::default()
        };
        let of = beyond_transfer(&played).expect("one has both");
        assert_eq!((of.count, of.max), (1, 50.0));
    }

    #[test]
    fn a_line_says_whether_the_aim_is_reached() {
        let mut table = String::new();
        let json = line(&mut table, "x", Quantiles::of([60.0]), Some(50.0));
        assert_eq!(json["reached"], false);
        assert!(table.contains("60.0") && table.contains("50 ms"), "{table}");
        assert_eq!(line(&mut table, "y", None, None), Value::Null);
    }
}
