//! Refuses scenarios that cannot be played, with line, key and remedy.

use super::{BadScenario, Ending, FaultName, Scenario, Ue, shipped, way};
use edgeapp_dot::{settings::host_name, zone::is_within};
use edgeapp_openapi::{
    ees_registration::AcrScenario,
    ids::{EecId, Gpsi},
};
use serde::Deserialize;
use std::{collections::BTreeSet, fs, path::Path};

/// The ways of relocation that are played.
pub(super) const PLAYED: [AcrScenario; 6] = [
    AcrScenario::EecInitiated,
    AcrScenario::EecExecutedViaSourceEes,
    AcrScenario::SourceEasDecided,
    AcrScenario::SourceEesExecuted,
    AcrScenario::EecExecutedViaTargetEes,
    AcrScenario::EelManagedAcr,
];

/// How many scenarios may stand on each other.
const DEPTH: u32 = 4;

pub(super) fn parse(text: &str, file: &str) -> Result<Scenario, BadScenario> {
    let mut scenario: Scenario = match on_its_base(text, file, DEPTH)? {
        None => toml::from_str(text).map_err(|error| unreadable(text, file, &error))?,
        Some(whole) => Scenario::deserialize(toml::Value::Table(whole)).map_err(|error| {
            let mut bad = unreadable(text, file, &error);
            bad.line = bad.key.as_ref().and_then(|key| line_of(text, key));
            bad
        })?,
    };
    let bad = |place: Place, reason: String, remedy: &str| BadScenario {
        file: file.to_owned(),
        line: place.line(text),
        key: Some(place.to_string()),
        reason,
        remedy: remedy.to_owned(),
    };
    let refused = |(place, reason, remedy): Refusal| bad(place, reason, remedy);
    ways(&mut scenario).map_err(refused)?;
    check(&scenario).map_err(refused)?;
    groups(&mut scenario).map_err(refused)?;
    prepare_faults(&mut scenario);
    Ok(scenario)
}

/// Checks what was changed after it was parsed.
pub(super) fn again(mut scenario: Scenario, file: &str) -> Result<Scenario, BadScenario> {
    let bad = |(place, reason, remedy): Refusal| BadScenario {
        file: file.to_owned(),
        line: None,
        key: Some(place.to_string()),
        reason,
        remedy: remedy.to_owned(),
    };
    check(&scenario).map_err(bad)?;
    prepare_faults(&mut scenario);
    Ok(scenario)
}

/// Faults bring along what they need.
fn prepare_faults(scenario: &mut Scenario) {
    let names: Vec<_> = scenario.fault.iter().map(|fault| fault.name).collect();
    names.into_iter().for_each(|name| name.prepare(scenario));
}

fn line_of(text: &str, key: &str) -> Option<usize> {
    let is_it = |line: &str| line.split_once('=').is_some_and(|(name, _)| name.trim() == key);
    text.lines().position(is_it).map(|line| line + 1)
}

/// What a scenario says together with the one that it stands on; `None` when it stands alone.
fn on_its_base(text: &str, file: &str, depth: u32) -> Result<Option<toml::Table>, BadScenario> {
    let own: toml::Table = toml::from_str(text).map_err(|error| unreadable(text, file, &error))?;
    let Some(base) = own.get("base") else { return Ok(None) };
    let bad = |reason: String, remedy: &str| BadScenario {
        file: file.to_owned(),
        line: line_of(text, "base"),
        key: Some("base".to_owned()),
        reason,
        remedy: remedy.to_owned(),
    };
    const NAME: &str = "Write the name of a shipped scenario, or the path of a file, seen from this one.";
    let Some(name) = base.as_str() else {
        return Err(bad("is no text".to_owned(), NAME));
    };
    if depth == 0 {
        let reason = "stands on scenarios that stand on others without end".to_owned();
        return Err(bad(reason, "Let no scenario stand on itself."));
    }
    let (below, below_name) = match shipped(name) {
        Some(shipped) => (shipped.text.to_owned(), name.to_owned()),
        None => {
            let path = Path::new(file).parent().unwrap_or(Path::new("")).join(name);
            let read = fs::read_to_string(&path);
            let read = read.map_err(|error| bad(format!("{} cannot be read: {error}", path.display()), NAME))?;
            (read, path.display().to_string())
        }
    };
    let mut whole = match on_its_base(&below, &below_name, depth - 1)? {
        Some(whole) => whole,
        None => toml::from_str(&below).map_err(|error| unreadable(&below, &below_name, &error))?,
    };
    lay_over(&mut whole, own);
    whole.remove("base");
    Ok(Some(whole))
}

/// Tables are merged; everything else takes the place of what was there.
fn lay_over(whole: &mut toml::Table, own: toml::Table) {
    for (key, value) in own {
        match (whole.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => lay_over(below, above),
            (_, value) => _ = whole.insert(key, value),
        }
    }
}

/// Waypoints become stays in cells.
fn ways(scenario: &mut Scenario) -> Result<(), Refusal> {
    let cells = scenario.cell.clone();
    for (n, ue) in scenario.ue.iter_mut().enumerate() {
        let refuse = |key, reason: &str, remedy| Err((Place::nth("ue", n, key), reason.to_owned(), remedy));
        match (ue.route.is_empty(), ue.waypoints.is_empty()) {
            (true, true) => {
                return refuse(
                    "route",
                    "is missing",
                    "Give the UE a route through cells, or waypoints and a speed.",
                );
            }
            (false, false) => {
                return refuse(
                    "waypoints",
                    "stands beside a route",
                    "Give the UE either a route through cells or waypoints.",
                );
            }
            (false, true) => continue,
            (true, false) => {}
        }
        let Some(speed) = ue.speed.filter(|speed| (0.01..=10_000.0).contains(speed)) else {
            return refuse(
                "speed",
                "is missing, or not between 0.01 and 10000",
                "Say how fast the UE goes, in metres per second.",
            );
        };
        if let Some(nowhere) = cells.iter().position(|cell| cell.at.is_none()) {
            return Err((
                Place::nth("cell", nowhere, "at"),
                "is missing, and a UE goes by waypoints".to_owned(),
                "Say where the middle of every cell is: at = [x, y], in metres.",
            ));
        }
        ue.route = way::stays(&ue.waypoints, speed, &cells);
    }
    Ok(())
}

/// A UE with a count becomes as many.
fn groups(scenario: &mut Scenario) -> Result<(), Refusal> {
    let mut all: Vec<Ue> = Vec::new();
    for (n, ue) in std::mem::take(&mut scenario.ue).into_iter().enumerate() {
        for member in 0..ue.count.max(1) {
            let counted = |text: &str| counted_up(text, member);
            let wrong = |key| {
                let reason = format!("cannot be counted up {member} times");
                (
                    Place::nth("ue", n, key),
                    reason,
                    "Let it end with digits, or lower the count.",
                )
            };
            all.push(Ue {
                gpsi: Gpsi::try_from(counted(ue.gpsi.as_str()).as_str()).map_err(|_| wrong("gpsi"))?,
                eec_id: EecId::try_from(counted(ue.eec_id.as_str()).as_str()).map_err(|_| wrong("eec_id"))?,
                certificate: counted(&ue.certificate),
                external_id: ue.external_id.clone().filter(|_| member == 0),
                delay_ms: ue.delay_ms + u64::from(member) * ue.spacing_ms,
                count: 1,
                ..ue.clone()
            });
        }
    }
    let (mut gpsis, mut eecs) = (BTreeSet::new(), BTreeSet::new());
    for ue in &all {
        if !gpsis.insert(&ue.gpsi) || !eecs.insert(&ue.eec_id) {
            let reason = format!("{} or {} is there twice, counted up", ue.gpsi, ue.eec_id);
            return Err((
                Place::nth("ue", 0, "gpsi"),
                reason,
                "Give every UE and every EEC a name of its own.",
            ));
        }
    }
    scenario.ue = all;
    Ok(())
}

/// A name whose digits at the end are counted up; one without gets some.
fn counted_up(name: &str, by: u32) -> String {
    if by == 0 {
        return name.to_owned();
    }
    let digits = name.len() - name.bytes().rev().take_while(u8::is_ascii_digit).count();
    let (front, number) = name.split_at(digits);
    match number.parse::<u64>() {
        Ok(value) => format!("{front}{:0width$}", value + u64::from(by), width = number.len()),
        Err(_) => format!("{front}-{}", by + 1),
    }
}

fn unreadable(text: &str, file: &str, error: &toml::de::Error) -> BadScenario {
    let message = error.message().to_owned();
    let line = error
        .span()
        .map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
    let named = |word: &str| {
        message
            .split_once(word)
            .and_then(|(_, rest)| rest.split('`').nth(1))
            .map(str::to_owned)
    };
    let written = || {
        line.and_then(|line| {
            text.lines()
                .nth(line - 1)?
                .split_once('=')
                .map(|(key, _)| key.trim().to_owned())
        })
    };
    let (key, remedy) = if let Some(key) = named("unknown field") {
        (
            Some(key),
            "Remove the key or correct its spelling; the expected ones are listed above.",
        )
    } else if let Some(key) = named("missing field") {
        (Some(key), "Add the key; the shipped scenarios show every one of them.")
    } else {
        (
            written(),
            "Write a value of the form that is asked for; the shipped scenarios show every key.",
        )
    };
    BadScenario {
        file: file.to_owned(),
        line,
        key,
        reason: message,
        remedy: remedy.to_owned(),
    }
}

/// A key: its table, the number of the table where there are several, its name.
struct Place {
    table: &'static str,
    nth: Option<usize>,
    key: &'static str,
}

impl Place {
    const fn top(key: &'static str) -> Self {
        Self {
            table: "",
            nth: None,
            key,
        }
    }

    const fn of(table: &'static str, key: &'static str) -> Self {
        Self { table, nth: None, key }
    }

    const fn nth(table: &'static str, nth: usize, key: &'static str) -> Self {
        Self {
            table,
            nth: Some(nth),
            key,
        }
    }

    fn line(&self, text: &str) -> Option<usize> {
        let (mut table, mut seen, mut header) = (String::new(), 0, None);
        for (number, line) in text.lines().map(str::trim).enumerate() {
            if let Some(name) = line.strip_prefix('[') {
                table = name
                    .trim_start_matches('[')
                    .split(']')
                    .next()
                    .unwrap_or_default()
                    .trim()
                    .to_owned();
                if table == self.table {
                    seen += 1;
                    header = header.or(Some(number + 1).filter(|_| self.nth.is_none_or(|nth| nth + 1 == seen)));
                }
            } else if table == self.table
                && self.nth.is_none_or(|nth| nth + 1 == seen)
                && line.split_once('=').is_some_and(|(key, _)| key.trim() == self.key)
            {
                return Some(number + 1);
            }
        }
        header
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.table, self.nth) {
            ("", _) => f.write_str(self.key),
            (table, None) => write!(f, "{table}.{}", self.key),
            (table, Some(nth)) => write!(f, "{table}[{nth}].{}", self.key),
        }
    }
}

type Refusal = (Place, String, &'static str);

fn check(scenario: &Scenario) -> Result<(), Refusal> {
    let named = !scenario.name.is_empty()
        && scenario
            .name
            .bytes()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-');
    if !named {
        let reason = format!("{:?} is no name of a scenario", scenario.name);
        return Err((
            Place::top("name"),
            reason,
            "Use lower case letters, digits and hyphens.",
        ));
    }
    if !PLAYED.contains(&scenario.acr) {
        let reason = format!("{} is no ACRScenario that is played", scenario.acr);
        let remedy = "Choose EEC_INITIATED, EEC_EXECUTED_VIA_SOURCE_EES, SOURCE_EAS_DECIDED, SOURCE_EES_EXECUTED, \
                      EEC_EXECUTED_VIA_TARGET_EES or EEL_MANAGED_ACR.";
        return Err((Place::top("acr"), reason, remedy));
    }
    edns(scenario)?;
    eass(scenario)?;
    cells(scenario)?;
    times(scenario)?;
    clients(scenario)?;
    for n in 0..scenario.ue.len() {
        route(scenario, n)?;
    }
    plan(scenario)?;
    names(scenario)?;
    cloud(scenario)?;
    faults(scenario)
}

/// Who falls back to the cloud is helped by the one EES that is there; what needs another one cannot be played.
fn cloud(scenario: &Scenario) -> Result<(), Refusal> {
    let Some(cloud) = &scenario.cloud else { return Ok(()) };
    if !scenario.ac.iter().any(|ac| ac.eas_id == cloud.eas.eas_id) {
        return Err((
            Place::of("cloud", "eas_id"),
            format!("{} is used by no application client of this scenario", cloud.eas.eas_id),
            "Use the eas_id of one of the [[ac]] tables.",
        ));
    }
    let known = |eas: &super::Eas| eas.eas_id == cloud.eas.eas_id && eas.instance == cloud.eas.instance;
    if scenario.eas.iter().any(known) {
        return Err((
            Place::of("cloud", "instance"),
            format!("{:?} is an instance at an edge site too", cloud.eas.instance),
            "Name the instance in the cloud differently.",
        ));
    }
    let played = [
        AcrScenario::EecExecutedViaSourceEes,
        AcrScenario::SourceEesExecuted,
        AcrScenario::EecExecutedViaTargetEes,
    ];
    if !played.contains(&scenario.acr) || scenario.plan.is_some() || scenario.bundle.is_some() {
        return Err((
            Place::of("cloud", "eas_id"),
            format!("is not played with {}, [plan] or [bundle]", scenario.acr),
            "Play EEC_EXECUTED_VIA_SOURCE_EES, SOURCE_EES_EXECUTED or EEC_EXECUTED_VIA_TARGET_EES, without [plan] and [bundle].",
        ));
    }
    let of_a_target = [FaultName::TeesDown, FaultName::EcsHasNoTees];
    if let Some(n) = scenario
        .fault
        .iter()
        .position(|fault| of_a_target.contains(&fault.name))
    {
        return Err((
            Place::nth("fault", n, "name"),
            format!("{} needs a T-EES, and the cloud has none", scenario.fault[n].name),
            "Leave it out, or the table [cloud].",
        ));
    }
    Ok(())
}

/// Who decides or executes by what the network tells needs one, unless somebody else notices.
fn faults(scenario: &Scenario) -> Result<(), Refusal> {
    for (n, fault) in scenario.fault.iter().enumerate() {
        if !(0.0..=1.0).contains(&fault.probability) {
            return Err((
                Place::nth("fault", n, "probability"),
                format!("{} is not between 0 and 1", fault.probability),
                "Write a number from 0 (never) to 1 (always).",
            ));
        }
        let at_the_core = matches!(
            fault.name,
            FaultName::NefDown | FaultName::NefSlow | FaultName::PathEventLost
        );
        if at_the_core && scenario.core.is_none() {
            return Err((
                Place::nth("fault", n, "name"),
                format!("{} needs a core network, and this scenario has none", fault.name),
                "Add the table [core].",
            ));
        }
        let at_the_source = !matches!(
            scenario.acr,
            AcrScenario::EecInitiated | AcrScenario::EecExecutedViaTargetEes
        );
        if fault.name == FaultName::SeesDiskFull && !at_the_source {
            return Err((
                Place::nth("fault", n, "name"),
                format!("{} needs an S-EES that takes note of the relocation", fault.name),
                "Play it with EEC_EXECUTED_VIA_SOURCE_EES, SOURCE_EAS_DECIDED, SOURCE_EES_EXECUTED or EEL_MANAGED_ACR.",
            ));
        }
        let by_the_eec = matches!(
            scenario.acr,
            AcrScenario::EecExecutedViaSourceEes | AcrScenario::EecExecutedViaTargetEes
        );
        if matches!(fault.name, FaultName::DuplicateInit | FaultName::EecCancels) && !by_the_eec {
            return Err((
                Place::nth("fault", n, "name"),
                format!("{} needs an EEC that asks for the relocation", fault.name),
                "Play it with EEC_EXECUTED_VIA_SOURCE_EES or EEC_EXECUTED_VIA_TARGET_EES.",
            ));
        }
    }
    Ok(())
}

fn plan(scenario: &Scenario) -> Result<(), Refusal> {
    let Some(plan) = &scenario.plan else { return Ok(()) };
    if scenario.cell(&plan.cell).is_none() {
        let reason = format!("{:?} is no cell of this scenario", plan.cell);
        return Err((
            Place::of("plan", "cell"),
            reason,
            "Use the name of one of the [[cell]] tables.",
        ));
    }
    if scenario.acr != AcrScenario::EecExecutedViaSourceEes {
        return Err((
            Place::of("plan", "cell"),
            format!("{} is not played with a prediction", scenario.acr),
            "Play EEC_EXECUTED_VIA_SOURCE_EES, or leave the table [plan] out.",
        ));
    }
    Ok(())
}

/// Applications that belong together are those of one application client, in a way of relocation that knows bundles.
fn bundle(scenario: &Scenario) -> Result<(), Refusal> {
    let Some(bundle) = &scenario.bundle else { return Ok(()) };
    let here = |reason: String, remedy| Err((Place::top("bundle"), reason, remedy));
    if let Some(n) = scenario.ac.iter().position(|ac| ac.ac_id != scenario.ac[0].ac_id) {
        return Err((
            Place::nth("ac", n, "ac_id"),
            "is another application client than the first".to_owned(),
            "With [bundle], give all [[ac]] tables the same ac_id: one client uses all applications.",
        ));
    }
    if scenario.ac.len() < 2 {
        let reason = "has one application only".to_owned();
        return here(reason, "Add an [[ac]] table with another eas_id, and its servers.");
    }
    let words = [
        ("type", bundle.kind.as_str(), ["DIRECT", "PROXY", ""]),
        ("failure", bundle.failure.as_str(), ["CANCEL", "PROCEED", ""]),
        ("affinity", bundle.affinity.as_str(), ["STRONG", "PREFERRED", "WEAK"]),
    ];
    if let Some((key, word, _)) = words.iter().find(|(_, word, known)| !known.contains(word)) {
        let reason = format!("{key} = {word:?} is unknown");
        return here(
            reason,
            "Use DIRECT or PROXY; CANCEL or PROCEED; STRONG, PREFERRED or WEAK.",
        );
    }
    let played = [AcrScenario::EecExecutedViaSourceEes, AcrScenario::SourceEesExecuted];
    if !played.contains(&scenario.acr) || scenario.plan.is_some() {
        let reason = "is not played in this way of relocation".to_owned();
        return here(
            reason,
            "Use acr = \"EEC_EXECUTED_VIA_SOURCE_EES\" or \"SOURCE_EES_EXECUTED\", without [plan].",
        );
    }
    Ok(())
}

fn names(scenario: &Scenario) -> Result<(), Refusal> {
    let Some(dns) = &scenario.dns else { return Ok(()) };
    let Some(zone) = host_name(&dns.zone) else {
        let reason = format!("{:?} is no name", dns.zone);
        let remedy = "Name the zone that the EESs serve, such as edge.example.";
        return Err((Place::of("dns", "zone"), reason, remedy));
    };
    for name in dns.names.values() {
        let below = host_name(name).is_some_and(|name| name != zone && is_within(&name, &zone));
        if !below {
            let reason = format!("{name:?} is no name below {zone}");
            let remedy = "Give each application a name within dns.zone, such as chess.edge.example.";
            return Err((Place::of("dns", "names"), reason, remedy));
        }
    }
    if let Some(ac) = scenario.ac.iter().find(|ac| !dns.names.contains_key(&ac.eas_id)) {
        let reason = format!("has no name for {}, which {} uses", ac.eas_id, ac.ac_id);
        let remedy = "Give every application that is used a name.";
        return Err((Place::of("dns", "names"), reason, remedy));
    }
    if scenario.acr != AcrScenario::EecInitiated {
        return Err((
            Place::of("dns", "names"),
            format!("{} is not played by name", scenario.acr),
            "Play EEC_INITIATED, or leave the table [dns] out.",
        ));
    }
    Ok(())
}

fn clients(scenario: &Scenario) -> Result<(), Refusal> {
    if scenario.ac.is_empty() {
        return Err((
            Place::top("ac"),
            "is empty".to_owned(),
            "Add an [[ac]] table: an application client.",
        ));
    }
    bundle(scenario)?;
    let mut ids = BTreeSet::new();
    for (n, ac) in scenario.ac.iter().enumerate() {
        let of_bundle = scenario.bundle.is_some() && ac.ac_id == scenario.ac[0].ac_id;
        if !ids.insert(&ac.ac_id) && !of_bundle {
            let reason = format!("{} is there twice", ac.ac_id);
            return Err((
                Place::nth("ac", n, "ac_id"),
                reason,
                "Give every application client a name of its own.",
            ));
        }
    }
    for (n, ue) in scenario.ue.iter().enumerate() {
        for named in ue.acs.iter().flatten() {
            if !ids.contains(named) {
                let reason = format!("{named} is no application client of this scenario");
                return Err((
                    Place::nth("ue", n, "acs"),
                    reason,
                    "Use the ac_id of one of the [[ac]] tables.",
                ));
            }
        }
        let mut applications = BTreeSet::new();
        for ac in scenario.acs_of(n) {
            if !applications.insert(&scenario.ac[ac].eas_id) {
                let reason = format!("two application clients use {}", scenario.ac[ac].eas_id);
                return Err((
                    Place::nth("ue", n, "acs"),
                    reason,
                    "Let the application clients of one UE use different applications.",
                ));
            }
        }
    }
    Ok(())
}

fn edns(scenario: &Scenario) -> Result<(), Refusal> {
    let (mut dnns, mut eess, mut areas) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for (n, edn) in scenario.edn.iter().enumerate() {
        if !dnns.insert(&edn.dnn) {
            let reason = format!("{} is there twice", edn.dnn);
            return Err((
                Place::nth("edn", n, "dnn"),
                reason,
                "Give every edge data network a name of its own.",
            ));
        }
        if !eess.insert(&edn.ees) {
            let reason = format!("{} is the EES of two networks", edn.ees);
            return Err((
                Place::nth("edn", n, "ees"),
                reason,
                "Give every edge data network an EES of its own.",
            ));
        }
        if edn.dnais.is_empty() {
            return Err((
                Place::nth("edn", n, "dnais"),
                "is empty".to_owned(),
                "Name at least one DNAI.",
            ));
        }
        if edn.tais.is_empty() {
            return Err((
                Place::nth("edn", n, "tais"),
                "is empty".to_owned(),
                "Name at least one tracking area.",
            ));
        }
        for tai in &edn.tais {
            if areas.contains(&tai) {
                let reason = format!("tracking area {} belongs to two networks", tai.tac);
                return Err((
                    Place::nth("edn", n, "tais"),
                    reason,
                    "Let every tracking area belong to one network.",
                ));
            }
            areas.push(tai);
        }
    }
    Ok(())
}

fn eass(scenario: &Scenario) -> Result<(), Refusal> {
    let mut instances = BTreeSet::new();
    for (n, eas) in scenario.eas.iter().enumerate() {
        if !scenario.edn.iter().any(|edn| edn.dnn == eas.edn) {
            let reason = format!("{} is no edge data network of this scenario", eas.edn);
            return Err((
                Place::nth("eas", n, "edn"),
                reason,
                "Use the dnn of one of the [[edn]] tables.",
            ));
        }
        if !instances.insert((&eas.eas_id, &eas.instance)) {
            let reason = format!("{} has two instances {:?}", eas.eas_id, eas.instance);
            return Err((
                Place::nth("eas", n, "instance"),
                reason,
                "Name every instance differently.",
            ));
        }
        if !eas.svc_cont_supp.contains(&scenario.acr) {
            let reason = format!("does not hold {}, which this scenario plays", scenario.acr);
            return Err((
                Place::nth("eas", n, "svc_cont_supp"),
                reason,
                "Add it, or play another scenario.",
            ));
        }
    }
    Ok(())
}

fn cells(scenario: &Scenario) -> Result<(), Refusal> {
    let mut names = BTreeSet::new();
    for (n, cell) in scenario.cell.iter().enumerate() {
        if !names.insert(&cell.name) {
            let reason = format!("{:?} is there twice", cell.name);
            return Err((
                Place::nth("cell", n, "name"),
                reason,
                "Give every cell a name of its own.",
            ));
        }
    }
    Ok(())
}

fn times(scenario: &Scenario) -> Result<(), Refusal> {
    let within = |place: Place, value: u64, least: u64, most: u64| {
        if (least..=most).contains(&value) {
            return Ok(());
        }
        Err((
            place,
            format!("{value} is not between {least} and {most}"),
            "Give a number of milliseconds between these two.",
        ))
    };
    for (n, ac) in scenario.ac.iter().enumerate() {
        within(Place::nth("ac", n, "period_ms"), ac.period_ms, 1, 10_000)?;
    }
    let timing = &scenario.timing;
    for (key, value, least, most) in [
        ("detection_ms", timing.detection_ms, 0, 60_000),
        ("settle_ms", timing.settle_ms, 0, 60_000),
        ("limit_ms", timing.limit_ms, 1000, 600_000),
        ("hold_off_ms", timing.hold_off_ms, 0, 600_000),
    ] {
        within(Place::of("timing", key), value, least, most)?;
    }
    for (n, ue) in scenario.ue.iter().enumerate() {
        for stay in &ue.route {
            within(Place::nth("ue", n, "route"), stay.dwell_ms, 0, 600_000)?;
        }
        if !(1..=10_000).contains(&ue.count) {
            return Err((
                Place::nth("ue", n, "count"),
                format!("{} is not between 1 and 10000", ue.count),
                "Give a number between these two.",
            ));
        }
    }
    if !(0.001..=1000.0).contains(&scenario.clock.speed) {
        return Err((
            Place::of("clock", "speed"),
            format!("{} is not between 0.001 and 1000", scenario.clock.speed),
            "Give a number between these two; 1 is real time.",
        ));
    }
    Ok(())
}

fn route(scenario: &Scenario, n: usize) -> Result<(), Refusal> {
    let ue = &scenario.ue[n];
    let refuse = |reason: String, remedy| Err((Place::nth("ue", n, "route"), reason, remedy));
    for stay in &ue.route {
        if scenario.cell(&stay.cell).is_none() {
            let reason = format!("{:?} is no cell of this scenario", stay.cell);
            return refuse(reason, "Use the name of one of the [[cell]] tables.");
        }
    }
    for ac in scenario.acs_of(n) {
        let application = &scenario.ac[ac].eas_id;
        let start = ue.route.first();
        let edge = |stay: &super::Stay| {
            scenario
                .site_in(&stay.cell, application)
                .filter(|site| !site.is_cloud())
        };
        if start.is_none_or(|stay| edge(stay).is_none()) {
            return refuse(
                format!("does not begin where an instance of {application} serves the UE"),
                "Begin in a cell whose tracking area an [[edn]] with an instance of the application lists.",
            );
        }
        let crosses = !scenario.crossings(n, ac).is_empty();
        let wanted = !matches!(scenario.expect.relocations, Some(0)) && scenario.plan.is_none();
        if !crosses && wanted && scenario.expect.ending.is_none_or(|ending| ending == Ending::Complete) {
            return refuse(
                format!("leads from no site with {application} to another"),
                "Let it cross a border between two sites, or say that nothing is to happen: [expect] relocations = 0.",
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{DEMO, SHIPPED};
    use super::*;

    #[test]
    fn the_shipped_ones_can_be_played() {
        for shipped in SHIPPED {
            let scenario = parse(shipped.text, shipped.name).unwrap();
            assert_eq!(scenario.name, shipped.name);
            for ue in 0..scenario.ue.len() {
                assert!(!scenario.acs_of(ue).is_empty());
            }
        }
        // One world serves a whole demo.
        let sites = |name: &str| {
            let shipped = shipped(name).unwrap();
            let scenario = parse(shipped.text, shipped.name).unwrap();
            scenario
                .edn
                .into_iter()
                .map(|edn| (edn.ees, edn.dnn, edn.tais))
                .collect::<Vec<_>>()
        };
        assert!(DEMO.iter().all(|name| sites(name) == sites(DEMO[0])));
    }

    fn refusal(from: &str, to: &str) -> (Option<usize>, String, String) {
        let text = SHIPPED[0].text;
        assert!(text.contains(from), "{from}");
        let bad = parse(&text.replacen(from, to, 1), "x.toml").unwrap_err();
        assert!(!bad.remedy.is_empty());
        assert!(bad.to_string().starts_with("x.toml"), "{bad}");
        (bad.line, bad.key.unwrap_or_default(), bad.reason)
    }

    fn line_of(part: &str) -> Option<usize> {
        SHIPPED[0]
            .text
            .lines()
            .position(|line| line.contains(part))
            .map(|line| line + 1)
    }

    #[test]
    fn unknown_and_missing_keys_are_named_with_their_line() {
        let (line, key, reason) = refusal("period_ms", "perod_ms");
        assert_eq!((line, key.as_str()), (line_of("period_ms"), "perod_ms"));
        assert!(reason.contains("period_ms"), "{reason}");
        let (line, key, _) = refusal("ac_id =", "# ac_id =");
        assert_eq!((line, key.as_str()), (line_of("[[ac]]"), "ac_id"));
    }

    #[test]
    fn bad_values_are_named_with_their_line() {
        let (line, key, _) = refusal("detection_ms = ", "detection_ms = -");
        assert_eq!((line, key.as_str()), (line_of("detection_ms"), "detection_ms"));
        let (line, key, _) = refusal("nr_cell_id = \"", "nr_cell_id = \"x");
        assert_eq!((line, key.as_str()), (line_of("nr_cell_id"), "nr_cell_id"));
        let (line, ..) = refusal("[[ac]]", "[ac");
        assert_eq!(line, line_of("[[ac]]"));
    }

    #[test]
    fn contradictions_are_named_with_their_line() {
        let (line, key, reason) = refusal("acr = \"EEC_INITIATED\"", "acr = \"BY_PIGEON\"");
        assert_eq!((line, key.as_str()), (line_of("acr = "), "acr"));
        assert!(reason.contains("BY_PIGEON"), "{reason}");
        let (_, key, reason) = refusal("edn = \"edge-b.example\"", "edn = \"edge-c.example\"");
        assert_eq!(key, "eas[1].edn");
        assert!(reason.contains("edge-c.example"), "{reason}");
        let (line, key, _) = refusal("period_ms = 20", "period_ms = 0");
        assert_eq!((line, key.as_str()), (line_of("period_ms"), "ac[0].period_ms"));
        let (line, key, reason) = refusal("{ cell = \"quay\"", "{ cell = \"moon\"");
        assert_eq!((line, key.as_str()), (line_of("route"), "ue[0].route"));
        assert!(reason.contains("moon"), "{reason}");
        let (_, key, reason) = refusal("[timing]", "[[fault]]\nname = \"nef-down\"\n\n[timing]");
        assert_eq!(key, "fault[0].name");
        assert!(reason.contains("core network"), "{reason}");
        for names in [
            "\"eas.go.example\" = \"go.edge.example\"",
            "\"eas.chess.example\" = \"chess.example\"",
        ] {
            let dns = format!("[dns]\nzone = \"edge.example\"\nnames = {{ {names} }}\n\n[timing]");
            let (_, key, _) = refusal("[timing]", &dns);
            assert_eq!(key, "dns.names", "{names}");
        }
        let (_, key, _) = refusal("[timing]", "[[fault]]\nname = \"bad-luck\"\n\n[timing]");
        assert_eq!(key, "name");
        let (_, key, reason) = refusal("[timing]", "[[fault]]\nname = \"s-ees-disk-full\"\n\n[timing]");
        assert_eq!(key, "fault[0].name");
        assert!(reason.contains("S-EES"), "{reason}");
        let nowhere = "[cloud]\neas_id = \"eas.chess.example\"\ninstance = \"b\"\ncertificate = \"x\"\n\n[timing]";
        let (_, key, reason) = refusal("[timing]", nowhere);
        assert_eq!(key, "cloud.instance");
        assert!(reason.contains("edge site"), "{reason}");
        let (_, key, reason) = refusal("[timing]", &nowhere.replace("\"b\"", "\"c\""));
        assert_eq!(key, "cloud.eas_id");
        assert!(reason.contains("EEC_INITIATED"), "{reason}");
        let alone = "[bundle]\nid = \"b\"\ntype = \"DIRECT\"\nfailure = \"CANCEL\"\n\n[timing]";
        let (_, key, reason) = refusal("[timing]", alone);
        assert_eq!(key, "bundle");
        assert!(reason.contains("one application"), "{reason}");
    }

    #[test]
    fn what_stands_on_another_says_only_what_differs() {
        let text = "base = \"a-eec-initiated\"\nname = \"mine\"\n[timing]\ndetection_ms = 7\n";
        let scenario = parse(text, "mine.toml").unwrap();
        assert_eq!((scenario.name.as_str(), scenario.timing.detection_ms), ("mine", 7));
        assert_eq!(scenario.timing.limit_ms, 20_000);
        let bad = parse("name = \"x\"\nbase = \"nowhere.toml\"\n", "mine.toml").unwrap_err();
        assert_eq!((bad.line, bad.key.as_deref()), (Some(2), Some("base")));
        let bad = parse("base = \"a-eec-initiated\"\nname = \"x\"\ncolour = 1\n", "mine.toml").unwrap_err();
        assert_eq!((bad.line, bad.key.as_deref()), (Some(3), Some("colour")));
    }

    #[test]
    fn a_group_is_counted_up() {
        let text = SHIPPED[0].text.replace(
            "certificate = \"eec-1\"",
            "certificate = \"eec-1\"\ncount = 3\nspacing_ms = 10",
        );
        let scenario = parse(&text, "x.toml").unwrap();
        let named: Vec<_> = scenario
            .ue
            .iter()
            .map(|ue| {
                (
                    ue.gpsi.as_str(),
                    ue.eec_id.as_str(),
                    ue.certificate.as_str(),
                    ue.delay_ms,
                )
            })
            .collect();
        assert_eq!(
            named,
            [
                ("msisdn-491700000001", "eec-1", "eec-1", 0),
                ("msisdn-491700000002", "eec-2", "eec-2", 10),
                ("msisdn-491700000003", "eec-3", "eec-3", 20)
            ]
        );
        assert_eq!(
            (counted_up("x", 1), counted_up("x9", 1)),
            ("x-2".to_owned(), "x10".to_owned())
        );
    }
}
