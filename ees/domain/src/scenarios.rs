//! Which relocation scenarios the parties to a session have in common (TS 23.558 clause 8.8.2.1).

use edgeapp_openapi::{eec_registration::AcProfile, ees_registration::AcrScenario};

/// Pure: the scenarios that the EEC, its application clients, this EES and each of the EASs support, in the order in which the EEC
/// prefers them. An application client that names none leaves it to the others.
pub fn in_common<'a>(
    eec: &[AcrScenario],
    acs: impl Iterator<Item = &'a AcProfile> + Clone,
    ees: &[AcrScenario],
    eass: &[&[AcrScenario]],
) -> Vec<AcrScenario> {
    let all_acs = |scenario: &AcrScenario| {
        acs.clone()
            .all(|ac| ac.ac_svc_cont_supp.is_empty() || ac.ac_svc_cont_supp.contains(scenario))
    };
    let mut common: Vec<AcrScenario> = Vec::new();
    for scenario in eec {
        let by_all = ees.contains(scenario) && all_acs(scenario) && eass.iter().all(|eas| eas.contains(scenario));
        if by_all && !common.contains(scenario) {
            common.push(scenario.clone());
        }
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list() -> impl Strategy<Value = Vec<AcrScenario>> {
        prop::collection::vec(prop::sample::select(AcrScenario::KNOWN.to_vec()), 0..6)
    }

    fn ac(scenarios: Vec<AcrScenario>) -> AcProfile {
        let mut ac: AcProfile = serde_json::from_str(r#"{"acId": "ac.chess"}"#).expect("a profile");
        ac.ac_svc_cont_supp = scenarios;
        ac
    }

    proptest! {
        #[test]
        fn what_is_in_common_is_supported_by_all_and_in_the_order_of_the_eec(
            eec in list(), of_ac in list(), ees in list(), eass in prop::collection::vec(list(), 0..3),
        ) {
            let acs = [ac(of_ac.clone())];
            let lists: Vec<&[AcrScenario]> = eass.iter().map(Vec::as_slice).collect();
            let common = in_common(&eec, acs.iter(), &ees, &lists);
            let fits = |scenario: &AcrScenario| {
                ees.contains(scenario) && (of_ac.is_empty() || of_ac.contains(scenario)) && eass.iter().all(|eas| eas.contains(scenario))
            };
            let mut expected: Vec<AcrScenario> = Vec::new();
            for scenario in eec.iter().filter(|scenario| fits(scenario)) {
                if !expected.contains(scenario) {
                    expected.push(scenario.clone());
                }
            }
            prop_assert_eq!(common, expected);
        }
    }
}
