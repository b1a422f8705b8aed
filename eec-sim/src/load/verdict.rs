//! What had to hold for a fleet on the whole.

use super::{fleet::Played, wish::Wish};
use crate::run::verdict::Assertion;

/// Pure: what had to hold, and whether it did.
pub fn judge(wish: &Wish, played: &Played) -> Vec<Assertion> {
    let mut all = Vec::new();
    let mut say = |id, text: &str, held, seen: String| {
        all.push(Assertion {
            id,
            text: text.to_owned(),
            held,
            seen,
        });
    };
    let trouble = |otherwise: String| match played.trouble.first() {
        Some(first) => format!("{otherwise}; the first trouble: {first}"),
        None => otherwise,
    };
    say(
        "fleet_registered",
        "Every UE registered and was served",
        played.settled == played.ues,
        match played.settled == played.ues {
            true => format!("{} of {}", played.settled, played.ues),
            false => trouble(format!("{} of {}", played.settled, played.ues)),
        },
    );
    say(
        "fleet_went_on",
        "It went on to its end",
        played.given_up.is_none(),
        match &played.given_up {
            Some(why) => format!("given up {why}"),
            None => "it did".to_owned(),
        },
    );
    let why = played.failures.iter().find_map(|crossed| crossed.failed.clone());
    say(
        "fleet_arrived",
        "Every UE that set out arrived",
        played.failed == 0 && played.set_out > 0,
        match why {
            Some(why) => format!("{} of {} did not; the first: {why}", played.failed, played.set_out),
            None => format!("{} set out, {} did not arrive", played.set_out, played.failed),
        },
    );
    if let (Some(_), None) = (wish.cross_within, wish.crossings) {
        say(
            "fleet_complete",
            "Every UE crossed once",
            played.set_out == u64::from(played.ues),
            format!("{} of {}", played.set_out, played.ues),
        );
    }
    say(
        "fleet_clean",
        "Nothing of a UE was left at a site that it had left",
        played.unclean == 0,
        format!("something was left {} time(s)", played.unclean),
    );
    if wish.way.relocates() {
        say(
            "fleet_lost",
            "No request of an application was lost",
            played.lost == 0,
            format!("{} of {}", played.lost, played.requests),
        );
        say(
            "fleet_state",
            "The state of every application went on without a gap",
            played.torn == 0,
            format!("it did not {} time(s)", played.torn),
        );
        let [none, one, more] = played.holders;
        say(
            "fleet_one_holder",
            "Exactly one EAS held each application context at the end",
            none == 0 && more == 0,
            format!("one held {one}, none {none}, several {more}"),
        );
    }
    say(
        "fleet_left",
        "When all had left, no subscription, registration or application context was left",
        played.left_behind == 0 && played.holders_left == 0,
        trouble(format!(
            "{} subscription(s) or registration(s), {} context(s)",
            played.left_behind, played.holders_left
        )),
    );
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Way;

    fn good() -> Played {
        Played {
            ues: 3,
            settled: 3,
            set_out: 5,
            requests: 100,
            holders: [0, 3, 0],
            ..Played::default()
        }
    }

    fn failed(wish: &Wish, change: impl FnOnce(&mut Played)) -> Vec<&'static str> {
        let mut played = good();
        change(&mut played);
        let all = judge(wish, &played);
        all.into_iter()
            .filter(|assertion| !assertion.held)
            .map(|assertion| assertion.id)
            .collect()
    }

    #[test]
    fn each_fault_breaks_its_own_assertion() {
        let wish = Wish::default();
        assert!(failed(&wish, |_| {}).is_empty());
        assert_eq!(failed(&wish, |played| played.settled = 2), ["fleet_registered"]);
        assert_eq!(failed(&wish, |played| played.failed = 1), ["fleet_arrived"]);
        let given_up = failed(&wish, |played| played.given_up = Some("while moving".to_owned()));
        assert_eq!(given_up, ["fleet_went_on"]);
        assert_eq!(failed(&wish, |played| played.set_out = 0), ["fleet_arrived"]);
        assert_eq!(failed(&wish, |played| played.unclean = 1), ["fleet_clean"]);
        assert_eq!(failed(&wish, |played| played.lost = 1), ["fleet_lost"]);
        assert_eq!(failed(&wish, |played| played.torn = 1), ["fleet_state"]);
        assert_eq!(failed(&wish, |played| played.holders = [0, 2, 1]), ["fleet_one_holder"]);
        assert_eq!(failed(&wish, |played| played.holders_left = 1), ["fleet_left"]);
        assert_eq!(failed(&wish, |played| played.left_behind = 1), ["fleet_left"]);
        let once = Wish {
            cross_within: Some(std::time::Duration::from_secs(10)),
            ..wish
        };
        assert_eq!(failed(&once, |_| {}), ["fleet_complete"]);
    }

    #[test]
    fn without_applications_nobody_holds_their_contexts() {
        let wish = Wish {
            way: Way::None,
            ..Wish::default()
        };
        assert!(failed(&wish, |played| played.holders = [3, 0, 0]).is_empty());
    }
}
