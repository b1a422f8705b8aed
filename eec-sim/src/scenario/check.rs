//! Refuses scenarios that cannot be played, with line, key and remedy.

use super::{BadScenario, Scenario};
use edgeapp_openapi::ees_registration::AcrScenario;
use std::collections::BTreeSet;

/// The ways of relocation that are played.
pub(super) const PLAYED: [AcrScenario; 2] = [AcrScenario::EecInitiated, AcrScenario::EecExecutedViaSourceEes];

pub(super) fn parse(text: &str, file: &str) -> Result<Scenario, BadScenario> {
    let scenario: Scenario = toml::from_str(text).map_err(|error| unreadable(text, file, &error))?;
    let bad = |place: Place, reason: String, remedy: &str| BadScenario {
        file: file.to_owned(),
        line: place.line(text),
        key: Some(place.to_string()),
        reason,
        remedy: remedy.to_owned(),
    };
    check(&scenario).map_err(|(place, reason, remedy)| bad(place, reason, remedy))?;
    Ok(scenario)
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
        let known = AcrScenario::KNOWN.contains(&scenario.acr);
        let what = if known {
            "is not played by this version"
        } else {
            "is no ACRScenario"
        };
        let remedy = "Choose EEC_INITIATED or EEC_EXECUTED_VIA_SOURCE_EES.";
        return Err((Place::top("acr"), format!("{} {what}", scenario.acr), remedy));
    }
    edns(scenario)?;
    eass(scenario)?;
    cells(scenario)?;
    times(scenario)?;
    route(scenario)
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
    within(Place::of("ac", "period_ms"), scenario.ac.period_ms, 1, 10_000)?;
    within(
        Place::of("timing", "detection_ms"),
        scenario.timing.detection_ms,
        0,
        60_000,
    )?;
    within(Place::of("timing", "settle_ms"), scenario.timing.settle_ms, 0, 60_000)?;
    within(Place::of("timing", "limit_ms"), scenario.timing.limit_ms, 1000, 600_000)?;
    for stay in &scenario.ue.route {
        within(Place::of("ue", "route"), stay.dwell_ms, 0, 600_000)?;
    }
    Ok(())
}

fn route(scenario: &Scenario) -> Result<(), Refusal> {
    let refuse = |reason: String, remedy| Err((Place::of("ue", "route"), reason, remedy));
    for stay in &scenario.ue.route {
        if scenario.cell(&stay.cell).is_none() {
            let reason = format!("{:?} is no cell of this scenario", stay.cell);
            return refuse(reason, "Use the name of one of the [[cell]] tables.");
        }
    }
    let start = scenario.ue.route.first().and_then(|stay| scenario.cell(&stay.cell));
    if start.is_none_or(|cell| scenario.site_at(&cell.tai).is_none()) {
        let reason = "does not begin where an instance of the application serves the UE".to_owned();
        return refuse(
            reason,
            "Begin in a cell whose tracking area an [[edn]] with an instance of ac.eas_id lists.",
        );
    }
    let crossings = scenario.crossings();
    let [crossing] = crossings.as_slice() else {
        let reason = format!(
            "leads {} times from one site with the application to another",
            crossings.len()
        );
        return refuse(reason, "Let it cross the border between two sites once.");
    };
    let played = [crossing.source.eas, crossing.target.eas];
    match scenario
        .eas
        .iter()
        .position(|eas| !played.iter().any(|played| std::ptr::eq(*played, eas)))
    {
        None => Ok(()),
        Some(n) => {
            let reason = format!(
                "instance {:?} is at neither end of the UE's way",
                scenario.eas[n].instance
            );
            let remedy =
                "Remove it: one instance at the site that is left and one at the site that is entered take part.";
            Err((Place::nth("eas", n, "instance"), reason, remedy))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::SHIPPED;
    use super::*;

    #[test]
    fn the_shipped_ones_can_be_played() {
        for shipped in SHIPPED {
            let scenario = parse(shipped.text, shipped.name).unwrap();
            assert_eq!(scenario.name, shipped.name);
            let crossing = scenario.crossing();
            assert_ne!(crossing.source.edn.dnn, crossing.target.edn.dnn);
        }
        // One world serves them all.
        let sites = |shipped: super::super::Shipped| {
            let scenario = parse(shipped.text, shipped.name).unwrap();
            scenario
                .edn
                .into_iter()
                .map(|edn| (edn.ees, edn.dnn, edn.tais))
                .collect::<Vec<_>>()
        };
        assert!(SHIPPED.iter().all(|shipped| sites(*shipped) == sites(SHIPPED[0])));
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
        assert_eq!((line, key.as_str()), (line_of("[ac]"), "ac_id"));
    }

    #[test]
    fn bad_values_are_named_with_their_line() {
        let (line, key, _) = refusal("detection_ms = ", "detection_ms = -");
        assert_eq!((line, key.as_str()), (line_of("detection_ms"), "detection_ms"));
        let (line, key, _) = refusal("nr_cell_id = \"", "nr_cell_id = \"x");
        assert_eq!((line, key.as_str()), (line_of("nr_cell_id"), "nr_cell_id"));
        let (line, ..) = refusal("[ac]", "[ac");
        assert_eq!(line, line_of("[ac]"));
    }

    #[test]
    fn contradictions_are_named_with_their_line() {
        let (line, key, reason) = refusal("acr = \"EEC_INITIATED\"", "acr = \"EEL_MANAGED_ACR\"");
        assert_eq!((line, key.as_str()), (line_of("acr = "), "acr"));
        assert!(reason.contains("not played"), "{reason}");
        let (_, key, reason) = refusal("edn = \"edge-b.example\"", "edn = \"edge-c.example\"");
        assert_eq!(key, "eas[1].edn");
        assert!(reason.contains("edge-c.example"), "{reason}");
        let (line, key, _) = refusal("period_ms = 20", "period_ms = 0");
        assert_eq!((line, key.as_str()), (line_of("period_ms"), "ac.period_ms"));
        let (line, key, reason) = refusal("{ cell = \"quay\"", "{ cell = \"moon\"");
        assert_eq!((line, key.as_str()), (line_of("route"), "ue.route"));
        assert!(reason.contains("moon"), "{reason}");
        let third = "[[eas]]\neas_id = \"eas.chess.example\"\ninstance = \"c\"\nedn = \"edge-b.example\"\n\
            certificate = \"c\"\nsvc_cont_supp = [\"EEC_INITIATED\"]\n\n[ue]";
        assert_eq!(refusal("[ue]", third).1, "eas[2].instance");
    }
}
