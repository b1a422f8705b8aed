//! What an S-EES decides by itself (TS 23.558 clauses 8.8.1.1 and 8.8.2.5): whether an application has to relocate, and why.
//!
//! [`DecisionPolicy`] is the port; [`DecisionRules`] are the rules that an EES comes with, set up in `[relocation.decisions]`. A policy
//! says what is to be done about a [`Situation`]; finding targets and carrying it out is not its business.

use edgeapp_openapi::{
    common::Uri,
    eas_registration::{EasProfile, EndPoint},
    ids::EasId,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Why an application relocates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// The UE leaves the service area of its EAS.
    #[default]
    LeavesArea,
    /// The EAS has more to do than it can.
    Overload,
    /// The EAS shuts down.
    ShuttingDown,
    /// Another EAS serves it better.
    BetterEas,
}

/// What an EAS says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EasState {
    /// It serves.
    #[default]
    Serving,
    /// It serves, and should do less.
    Overloaded,
    /// It serves those whom it serves, and will not for long.
    ShuttingDown,
}

/// What is known of an application of a UE when the question comes up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Situation {
    /// Whether the UE is, or will be, where its EAS does not serve. A place that is not known is none outside.
    pub leaves_area: bool,
    /// What its EAS says of itself.
    pub eas: EasState,
    /// By how many percent another EAS answers faster, where one was found and both say how fast they are.
    pub gain_percent: Option<u32>,
    /// Seconds since a relocation of the application of this UE began here last, while that is remembered.
    pub since_last: Option<u32>,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Stay,
    /// To look again in so many seconds: one relocation after the other would come too soon.
    Wait(u32),
    /// To relocate.
    Relocate(Reason),
}

/// Decides for an S-EES.
pub trait DecisionPolicy: Send + Sync + 'static {
    /// What the registration of an EAS says of its state.
    fn state(&self, eas: &EasProfile) -> EasState;

    /// What is to be done in a situation.
    fn decide(&self, situation: &Situation) -> Verdict;

    /// Whether it is worth looking for a better EAS where nothing else asks for a relocation.
    fn looks_for_better(&self) -> bool;

    /// How many of a hundred users leave an EAS that is overloaded.
    fn overload_share_percent(&self) -> u8;

    /// The server in the cloud that takes over an application where no EAS does (TS 23.558 clause 8.8.2A).
    fn cloud(&self, eas_id: &EasId) -> Option<EndPoint>;
}

/// Seconds of hold-off when none are given.
const HOLD_OFF: u32 = 5;

/// The rules that an EES comes with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DecisionRules {
    /// `hold_off_seconds`: how long after the beginning of a relocation the same application of the same UE is not relocated again, unless
    /// its EAS shuts down; 5 when not given, or as long as it is remembered where that is shorter, 0 for never. A UE that goes to and fro is not sent after itself.
    pub hold_off_seconds: u32,
    /// `closing_status`: words with which the `status` of an EAS begins that shuts down; upper and lower case are one.
    pub closing_status: Vec<String>,
    /// `overloaded_status`: words with which the `status` of an EAS begins that is overloaded.
    pub overloaded_status: Vec<String>,
    /// `overload_share_percent`: how many of a hundred users leave an EAS that is overloaded, 50 when not given.
    pub overload_share_percent: u8,
    /// `better_by_percent`: by how much faster another EAS has to answer, by what registrations say (`maxRespTime`), for an application to
    /// relocate for that alone; 0, when not given, means never.
    pub better_by_percent: u8,
    /// `cloud`: servers in the cloud by EASID, which take over where no EAS does; an EEC may have selected another one.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub cloud: BTreeMap<EasId, Uri>,
}

impl Default for DecisionRules {
    fn default() -> Self {
        Self {
            hold_off_seconds: HOLD_OFF,
            closing_status: vec!["disabled".to_owned(), "shutting down".to_owned()],
            overloaded_status: vec!["overloaded".to_owned()],
            overload_share_percent: 50,
            better_by_percent: 0,
            cloud: BTreeMap::new(),
        }
    }
}

impl DecisionRules {
    /// The keys that are set to something that makes no sense, and what is wrong with it. A hold-off is remembered with the relocation,
    /// which lives `transfer_seconds`.
    pub fn wrong(&self, transfer_seconds: u32) -> Vec<(&'static str, &'static str)> {
        let mut wrong = Vec::new();
        if self.hold_off_seconds > transfer_seconds.max(HOLD_OFF) {
            wrong.push((
                "relocation.decisions.hold_off_seconds",
                "must be at most relocation.transfer_seconds: longer than that nobody remembers a relocation",
            ));
        }
        if self.overload_share_percent > 100 {
            wrong.push(("relocation.decisions.overload_share_percent", "must be 0 to 100"));
        }
        if self.better_by_percent > 100 {
            wrong.push(("relocation.decisions.better_by_percent", "must be 0 to 100"));
        }
        for (key, words) in [
            ("relocation.decisions.closing_status", &self.closing_status),
            ("relocation.decisions.overloaded_status", &self.overloaded_status),
        ] {
            if words.iter().any(|word| word.trim().is_empty()) {
                wrong.push((key, "must have no empty word: every status begins with it"));
            }
        }
        wrong
    }
}

/// Pure: by how many percent an EAS answers faster than another, where both say how long they take at most.
pub fn gain_percent(from: &EasProfile, to: &EasProfile) -> Option<u32> {
    let slowest = |eas: &EasProfile| eas.svc_kpi.as_ref().and_then(|kpi| kpi.max_resp_time);
    let (from, to) = (slowest(from)?, slowest(to)?);
    let saved = from.checked_sub(to)?;
    u32::try_from(saved.checked_mul(100)?.checked_div(from)?).ok()
}

fn begins_with(status: &str, words: &[String]) -> bool {
    let status = status.trim_start();
    words.iter().any(|word| {
        status
            .get(..word.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(word))
    })
}

impl DecisionPolicy for DecisionRules {
    fn state(&self, eas: &EasProfile) -> EasState {
        let status = eas.status.as_deref().unwrap_or_default();
        if begins_with(status, &self.closing_status) {
            EasState::ShuttingDown
        } else if begins_with(status, &self.overloaded_status) {
            EasState::Overloaded
        } else {
            EasState::Serving
        }
    }

    fn decide(&self, situation: &Situation) -> Verdict {
        let better = |gain: u32| self.better_by_percent > 0 && gain >= self.better_by_percent.into();
        let reason = match situation.eas {
            // It will not be there after the hold-off.
            EasState::ShuttingDown => return Verdict::Relocate(Reason::ShuttingDown),
            _ if situation.leaves_area => Reason::LeavesArea,
            EasState::Overloaded => Reason::Overload,
            EasState::Serving if situation.gain_percent.is_some_and(better) => Reason::BetterEas,
            EasState::Serving => return Verdict::Stay,
        };
        let left = situation
            .since_last
            .map_or(0, |since| self.hold_off_seconds.saturating_sub(since));
        match (left, reason) {
            (0, reason) => Verdict::Relocate(reason),
            // What is only a wish comes up again by itself.
            (_, Reason::BetterEas) => Verdict::Stay,
            (left, _) => Verdict::Wait(left),
        }
    }

    fn looks_for_better(&self) -> bool {
        self.better_by_percent > 0
    }

    fn overload_share_percent(&self) -> u8 {
        self.overload_share_percent
    }

    fn cloud(&self, eas_id: &EasId) -> Option<EndPoint> {
        self.cloud.get(eas_id).cloned().map(EndPoint::Uri)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn eas(status: Option<&str>, slowest: Option<u64>) -> EasProfile {
        let mut profile = json!({"easId": "eas.chess.example", "endPt": {"fqdn": "chess.example"}});
        if let Some(status) = status {
            profile["status"] = json!(status);
        }
        if let Some(slowest) = slowest {
            profile["svcKpi"] = json!({"maxRespTime": slowest});
        }
        serde_json::from_value(profile).expect("a profile")
    }

    #[test]
    fn the_state_of_an_eas_is_what_its_status_begins_with() {
        let rules = DecisionRules::default();
        for (status, state) in [
            (None, EasState::Serving),
            (Some("enabled"), EasState::Serving),
            (Some("DISABLED"), EasState::ShuttingDown),
            (Some(" Shutting down at noon"), EasState::ShuttingDown),
            (Some("overloaded (93 %)"), EasState::Overloaded),
            (Some("not overloaded"), EasState::Serving),
            (Some("ü"), EasState::Serving),
        ] {
            assert_eq!(rules.state(&eas(status, None)), state, "{status:?}");
        }
    }

    #[test]
    fn settings_that_make_no_sense_are_named() {
        assert!(DecisionRules::default().wrong(30).is_empty() && DecisionRules::default().wrong(2).is_empty());
        let wrong = DecisionRules {
            hold_off_seconds: 31,
            overload_share_percent: 101,
            better_by_percent: 101,
            closing_status: vec![" ".to_owned()],
            ..DecisionRules::default()
        };
        assert_eq!(wrong.wrong(30).len(), 4);
    }

    fn situation() -> impl Strategy<Value = Situation> {
        let state = prop_oneof![
            Just(EasState::Serving),
            Just(EasState::Overloaded),
            Just(EasState::ShuttingDown)
        ];
        let (gain, since) = (prop::option::of(0_u32..=100), prop::option::of(0_u32..40));
        (any::<bool>(), state, gain, since).prop_map(|(leaves_area, eas, gain_percent, since_last)| Situation {
            leaves_area,
            eas,
            gain_percent,
            since_last,
        })
    }

    fn rules() -> impl Strategy<Value = DecisionRules> {
        (0_u32..30, 0_u8..=100).prop_map(|(hold_off_seconds, better_by_percent)| DecisionRules {
            hold_off_seconds,
            better_by_percent,
            ..DecisionRules::default()
        })
    }

    proptest! {
        /// Nothing happens to who stays inside the area of an EAS that is well and good enough.
        #[test]
        fn who_is_served_well_stays(rules in rules(), situation in situation()) {
            let content = Situation { leaves_area: false, eas: EasState::Serving, gain_percent: None, ..situation };
            prop_assert_eq!(rules.decide(&content), Verdict::Stay);
            let not_enough = Situation { gain_percent: Some(u32::from(rules.better_by_percent).saturating_sub(1)), ..content };
            prop_assert_eq!(rules.decide(&not_enough), Verdict::Stay);
        }

        /// Within the hold-off nothing relocates, but for an EAS that will not be there any more.
        #[test]
        fn nothing_relocates_within_the_hold_off(rules in rules(), situation in situation()) {
            let held_off = situation.since_last.is_some_and(|since| since < rules.hold_off_seconds);
            match rules.decide(&situation) {
                Verdict::Relocate(Reason::ShuttingDown) => prop_assert_eq!(situation.eas, EasState::ShuttingDown),
                Verdict::Relocate(_) => prop_assert!(!held_off),
                Verdict::Wait(_) => prop_assert!(held_off),
                Verdict::Stay => {}
            }
        }

        /// Who waits as long as was said waits no more, and what asked for it then counts.
        #[test]
        fn waiting_ends(rules in rules(), situation in situation()) {
            if let Verdict::Wait(seconds) = rules.decide(&situation) {
                let later = Situation { since_last: situation.since_last.map(|since| since + seconds), ..situation };
                prop_assert!(matches!(rules.decide(&later), Verdict::Relocate(_)));
                let soon = Situation { since_last: later.since_last.map(|since| since - 1), ..situation };
                prop_assert_eq!(rules.decide(&soon), Verdict::Wait(1));
            }
        }

        /// Two EASs are not both better than the other: no application goes to and fro for that.
        #[test]
        fn better_is_one_way(better_by in 1_u32..=100, one in prop::option::of(any::<u64>()), other in prop::option::of(any::<u64>())) {
            let (one, other) = (eas(None, one), eas(None, other));
            let better = |from, to| gain_percent(from, to).is_some_and(|gain| gain >= better_by);
            prop_assert!(!(better(&one, &other) && better(&other, &one)));
        }
    }
}
