use super::*;
use crate::{milestone::derive, run::sample, scenario::Ending};
use std::time::Duration;

/// The assertions that do not hold after a change to a good run.
fn broken_by(index: usize, change: impl FnOnce(&mut Run)) -> Vec<&'static str> {
    let mut run = sample::good(index);
    change(&mut run);
    run.derived = derive(&run.milestones, &run.replies, run.ac().period());
    judge(&run)
        .into_iter()
        .filter(|assertion| !assertion.held)
        .map(|assertion| assertion.id)
        .collect()
}

#[test]
fn a_good_run_holds_them_all() {
    for index in [0, 1, 2] {
        assert_eq!(broken_by(index, |_| {}), Vec::<&str>::new());
        assert!(sample::good(index).held());
    }
}

#[test]
fn a_lost_request_is_noticed() {
    assert_eq!(
        broken_by(0, |run| run.replies[80].good = None),
        ["no_request_lost", "state_continuous"]
    );
    assert_eq!(
        broken_by(0, |run| run.replies.clear()),
        ["no_request_lost", "state_continuous", "interruption", "moved_once"]
    );
}

#[test]
fn a_counter_that_goes_back_is_noticed() {
    let back = |run: &mut Run| {
        for reply in &mut run.replies[53..] {
            reply.good.as_mut().unwrap().counter -= 53;
        }
    };
    assert_eq!(broken_by(0, back), ["state_continuous"]);
}

#[test]
fn a_long_silence_is_noticed() {
    let late = |run: &mut Run| {
        run.replies[53..]
            .iter_mut()
            .for_each(|reply| reply.done += Duration::from_millis(600))
    };
    assert_eq!(broken_by(0, late), ["interruption"]);
}

#[test]
fn going_back_to_the_old_server_is_noticed() {
    assert_eq!(
        broken_by(0, |run| run.replies[90].good.as_mut().unwrap().instance =
            "a".to_owned()),
        ["moved_once"]
    );
}

#[test]
fn missing_milestones_and_a_wrong_order_are_noticed() {
    assert_eq!(
        broken_by(1, |run| _ = run.milestones.remove(&Milestone::AcrComplete)),
        ["milestones"]
    );
    let early = |run: &mut Run| {
        _ = run
            .milestones
            .insert(Milestone::AcrComplete, Duration::from_millis(1056))
    };
    assert_eq!(broken_by(1, early), ["order"]);
}

#[test]
fn an_order_to_an_eas_belongs_into_scenario_b_only() {
    let told = sample::good(1).sights.told;
    assert_eq!(broken_by(0, |run| run.sights.told = told), ["no_act_start"]);
    assert_eq!(broken_by(1, |run| run.sights.told.clear()), ["act_start_names_target"]);
    assert_eq!(
        broken_by(1, |run| run.sights.told[0].end_point = run.facts.source.clone()),
        ["act_start_names_target"]
    );
    assert_eq!(
        broken_by(1, |run| run.sights.told[0].ac = None),
        ["act_start_names_target"]
    );
}

#[test]
fn acr_complete_comes_once_after_the_report_and_is_good() {
    assert_eq!(
        broken_by(1, |run| run.sights.notified.push(run.sights.notified[0].clone())),
        ["one_acr_complete"]
    );
    let failed = |run: &mut Run| run.sights.notified[0].notification.acr_status.as_mut().unwrap().acr_res = false;
    assert_eq!(broken_by(1, failed), ["one_acr_complete"]);
    assert_eq!(
        broken_by(1, |run| run.sights.notified[0].at = Duration::from_millis(1059)),
        ["report_before_complete"]
    );
    assert_eq!(
        broken_by(1, |run| run.sights.reported[1].taken = false),
        ["both_reported"]
    );
}

#[test]
fn contexts_have_to_arrive_as_they_were_and_nowhere_else() {
    let other = |run: &mut Run| run.facts.at_target.as_mut().unwrap().cntx_id = "c-2".parse().unwrap();
    assert_eq!(broken_by(0, other), ["eec_context_moved"]);
    // A pushed context may be taken into that of a registration made before, but brings its sessions.
    assert_eq!(broken_by(1, other), Vec::<&str>::new());
    let bare = |run: &mut Run| run.facts.at_target.as_mut().unwrap().sess_cntxs = None;
    assert_eq!(broken_by(1, bare), ["eec_context_moved"]);
    assert_eq!(
        broken_by(1, |run| run.facts.implicit_used = false),
        ["implicit_registration_usable"]
    );
    assert_eq!(
        broken_by(0, |run| run.sights.arrived[0].origin.clear()),
        ["app_context_moved"]
    );
    assert_eq!(
        broken_by(0, |run| run.facts.still_at_source = Some(true)),
        ["source_forgot_eec"]
    );
    assert_eq!(
        broken_by(0, |run| drop(run.sights.holders.insert(Part::SEas, "00ff".to_owned()))),
        ["one_holder"]
    );
    assert_eq!(
        broken_by(0, |run| run.facts.target_ees = Some("ees-c.example".to_owned())),
        ["ecs_named_target"]
    );
    assert_eq!(
        broken_by(0, |run| run
            .messages
            .retain(|message| message.operation != "ACR initiation")),
        ["one_initiation"]
    );
    assert_eq!(broken_by(0, |run| run.ending = Ending::Settled)[0], "completed");
}

#[test]
fn every_cell_has_to_be_reported_once_and_in_order() {
    let broken = |change: fn(&mut Vec<crate::witness::Located>)| broken_by(2, |run| change(&mut run.sights.located));
    assert_eq!(broken(|located| located.swap(0, 1)), ["located"]);
    assert_eq!(broken(|located| _ = located.pop()), ["located"]);
    assert_eq!(broken(|located| located.push(located[2].clone())), ["located"]);
    assert_eq!(broken(|located| located[0].ue = "msisdn-1".to_owned()), ["located"]);
    assert_eq!(broken(Vec::clear), ["located"]);
}

#[test]
fn messages_between_servers_are_shown_only_where_they_left_a_trace() {
    let traces = |run: &Run| -> Vec<String> {
        run.messages
            .iter()
            .filter(|message| message.seen == crate::record::Seen::InEffect)
            .map(|message| message.operation.clone())
            .collect()
    };
    assert_eq!(
        traces(&sample::good(0)),
        ["EES registration", "EES registration", "EEC context pull"]
    );
    assert_eq!(
        traces(&sample::good(1)),
        ["EES registration", "EES registration", "EEC context push"]
    );
    let mut blind = sample::good(0);
    blind.facts.at_target = None;
    blind.facts.target_ees = None;
    assert!(super::super::effects::traces(&blind).is_empty());
}
