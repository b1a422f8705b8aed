//! Weekly schedules, compared in seconds of a week in UTC. A time of day without an offset is taken as UTC.

use edgeapp_openapi::common::{DateTime, ScheduledCommunicationTime, TimeOfDay, TimeWindow};

const DAY: i64 = 86_400;
const WEEK: i64 = 7 * DAY;
/// The second of the week (Monday 00:00 is 0) at which the epoch began, a Thursday.
const EPOCH: i64 = 3 * DAY;

/// Local second of the day, and seconds that the local time is ahead of UTC.
fn seconds(time: &TimeOfDay) -> (i64, i64) {
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<i64>().ok()).unwrap_or(0);
    let clock = |text: &str| number(text.get(..2)) * 3600 + number(text.get(3..5)) * 60;
    let text = time.as_str();
    let offset = match text.rfind(['+', '-']) {
        Some(at) if text[at..].starts_with('-') => -clock(&text[at + 1..]),
        Some(at) => clock(&text[at + 1..]),
        None => 0,
    };
    (clock(text) + number(text.get(6..8)), offset)
}

/// Begin and length of the daily span.
fn span(schedule: &ScheduledCommunicationTime) -> (i64, i64) {
    let start = schedule.time_of_day_start.as_ref().map(seconds);
    let end = schedule.time_of_day_end.as_ref().map(seconds);
    match (start, end) {
        (None, None) => (0, DAY),
        (Some((start, ahead)), None) => (start - ahead, DAY - start),
        (None, Some((end, ahead))) => (-ahead, end),
        // An end before the start is on the next day; the same instant is a whole day later.
        (Some((start, ahead)), Some((end, ahead_at_end))) => {
            let begin = start - ahead;
            let length = (end - ahead_at_end - begin).rem_euclid(DAY);
            (begin, if length == 0 { DAY } else { length })
        }
    }
}

/// The spans of a week in which one of the schedules is on: in order, apart from each other.
fn week(schedules: &[ScheduledCommunicationTime]) -> Vec<(i64, i64)> {
    let mut spans = Vec::new();
    for schedule in schedules {
        let (begin, length) = span(schedule);
        let every_day = [1, 2, 3, 4, 5, 6, 7];
        let days = if schedule.days_of_week.is_empty() {
            &every_day[..]
        } else {
            &schedule.days_of_week
        };
        for day in days {
            let begin = ((i64::from(*day) - 1) * DAY + begin).rem_euclid(WEEK);
            spans.push((begin, (begin + length).min(WEEK)));
            if begin + length > WEEK {
                spans.push((0, begin + length - WEEK));
            }
        }
    }
    joined(spans)
}

fn joined(mut spans: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    spans.retain(|(begin, end)| begin < end);
    spans.sort_unstable();
    let mut joined: Vec<(i64, i64)> = Vec::with_capacity(spans.len());
    for (begin, end) in spans {
        match joined.last_mut() {
            Some(last) if begin <= last.1 => last.1 = last.1.max(end),
            _ => joined.push((begin, end)),
        }
    }
    joined
}

/// Whether the whole window lies in the schedules; without schedules it always does.
pub(super) fn covers(schedules: &[ScheduledCommunicationTime], window: &TimeWindow) -> bool {
    let (start, stop) = (window.start_time.0.as_second(), window.stop_time.0.as_second());
    if stop < start {
        return false;
    }
    if schedules.is_empty() {
        return true;
    }
    let on = week(schedules);
    if stop - start >= WEEK {
        return on == [(0, WEEK)];
    }
    let begin = (start + EPOCH).rem_euclid(WEEK);
    let end = begin + stop - start;
    // Twice the week: a window may run over its end.
    let later = on.iter().map(|(begin, end)| (begin + WEEK, end + WEEK));
    joined(on.iter().copied().chain(later).collect())
        .iter()
        .any(|span| span.0 <= begin && end <= span.1)
}

/// Whether there is a time of the week at which both are on; without schedules an EAS always is.
pub(crate) fn overlaps(schedules: &[ScheduledCommunicationTime], wanted: &ScheduledCommunicationTime) -> bool {
    if schedules.is_empty() {
        return true;
    }
    let wanted = week(std::slice::from_ref(wanted));
    week(schedules)
        .iter()
        .any(|(begin, end)| wanted.iter().any(|other| *begin < other.1 && other.0 < *end))
}

/// After how many seconds a schedule begins or ends next; never without schedules, and where one is always on.
pub(crate) fn next_change(schedules: &[ScheduledCommunicationTime], now: DateTime) -> Option<i64> {
    if schedules.is_empty() {
        return None;
    }
    let on = week(schedules);
    if on == [(0, WEEK)] {
        return None;
    }
    let now = (now.0.as_second() + EPOCH).rem_euclid(WEEK);
    let until = |edge: i64| (edge - now - 1).rem_euclid(WEEK) + 1;
    on.iter().flat_map(|(begin, end)| [until(*begin), until(*end)]).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn schedule(json: serde_json::Value) -> ScheduledCommunicationTime {
        serde_json::from_value(json).unwrap()
    }

    fn window(start: &str, stop: &str) -> TimeWindow {
        TimeWindow {
            start_time: start.parse().unwrap(),
            stop_time: stop.parse().unwrap(),
        }
    }

    #[test]
    fn a_window_lies_in_the_hours_of_its_day() {
        // 2026-01-05 is a Monday.
        let office = [schedule(
            json!({"daysOfWeek": [1, 2], "timeOfDayStart": "08:00:00", "timeOfDayEnd": "18:00:00"}),
        )];
        assert!(covers(&office, &window("2026-01-05T08:00:00Z", "2026-01-05T18:00:00Z")));
        assert!(covers(
            &office,
            &window("2026-01-06T10:00:00+01:00", "2026-01-06T11:00:00Z")
        ));
        assert!(!covers(
            &office,
            &window("2026-01-05T07:59:59Z", "2026-01-05T09:00:00Z")
        ));
        assert!(!covers(
            &office,
            &window("2026-01-07T10:00:00Z", "2026-01-07T11:00:00Z")
        ));
        assert!(!covers(
            &office,
            &window("2026-01-05T17:00:00Z", "2026-01-06T09:00:00Z")
        ));
        assert!(!covers(
            &office,
            &window("2026-01-05T12:00:00Z", "2026-01-05T11:00:00Z")
        ));
        assert!(covers(&[], &window("2026-01-05T12:00:00Z", "2027-01-05T11:00:00Z")));
    }

    #[test]
    fn nights_and_offsets_run_over_midnight_and_the_end_of_the_week() {
        let night = [schedule(
            json!({"timeOfDayStart": "22:00:00", "timeOfDayEnd": "06:00:00"}),
        )];
        assert!(covers(&night, &window("2026-01-11T23:00:00Z", "2026-01-12T05:00:00Z")));
        let sunday = [schedule(json!({"daysOfWeek": [7], "timeOfDayStart": "20:00:00-08:00"}))];
        assert!(covers(&sunday, &window("2026-01-12T04:00:00Z", "2026-01-12T08:00:00Z")));
        let always = [schedule(json!({}))];
        assert!(covers(&always, &window("2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z")));
        assert!(!covers(&night, &window("2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z")));
    }

    fn any_schedule() -> impl Strategy<Value = ScheduledCommunicationTime> {
        let time = || {
            prop::option::of((
                0..24u8,
                prop_oneof![Just(""), Just("Z"), Just("+05:30"), Just("-11:00")],
            ))
        };
        (prop::collection::vec(1..8u8, 0..4), time(), time()).prop_map(|(days, start, end)| {
            let time = |(hour, offset): (u8, &str)| format!("{hour:02}:00:00{offset}").parse().unwrap();
            ScheduledCommunicationTime {
                days_of_week: days,
                time_of_day_start: start.map(time),
                time_of_day_end: end.map(time),
            }
        })
    }

    #[test]
    fn a_schedule_changes_when_it_begins_and_when_it_ends() {
        let office = [schedule(
            json!({"daysOfWeek": [1], "timeOfDayStart": "08:00:00", "timeOfDayEnd": "18:00:00"}),
        )];
        let after = |now: &str| next_change(&office, now.parse().unwrap());
        assert_eq!(after("2026-01-05T07:59:50Z"), Some(10));
        assert_eq!(after("2026-01-05T08:00:00Z"), Some(10 * 3600));
        assert_eq!(after("2026-01-05T18:00:00Z"), Some(7 * DAY - 10 * 3600));
        assert_eq!(next_change(&[], "2026-01-05T08:00:00Z".parse().unwrap()), None);
        assert_eq!(
            next_change(&[schedule(json!({}))], "2026-01-05T08:00:00Z".parse().unwrap()),
            None
        );
    }

    proptest! {
        #[test]
        fn nothing_changes_before_the_next_change(schedules in prop::collection::vec(any_schedule(), 1..3), now in 0..1_000_000i64) {
            let at = |second: i64| edgeapp_openapi::common::DateTime(jiff::Timestamp::from_second(second).unwrap());
            let is_on = |second: i64| covers(&schedules, &TimeWindow { start_time: at(second), stop_time: at(second + 1) });
            if let Some(after) = next_change(&schedules, at(now)) {
                prop_assert!(after >= 1);
                for second in [now, now + after / 2, now + after - 1] {
                    prop_assert_eq!(is_on(second), is_on(now), "{} {}", second, after);
                }
            }
        }

        #[test]
        fn covering_is_covering_every_part(schedules in prop::collection::vec(any_schedule(), 1..3), from in 0..400i64, hours in 1..200i64) {
            let at = |half_hours: i64| edgeapp_openapi::common::DateTime(jiff::Timestamp::from_second(half_hours * 1800).unwrap());
            let whole = TimeWindow { start_time: at(from), stop_time: at(from + hours) };
            let parts = (from..from + hours).all(|part| covers(&schedules, &TimeWindow { start_time: at(part), stop_time: at(part + 1) }));
            prop_assert_eq!(covers(&schedules, &whole), parts);
        }

        #[test]
        fn overlapping_is_mutual(one in any_schedule(), other in any_schedule()) {
            let mutual = overlaps(std::slice::from_ref(&one), &other);
            prop_assert_eq!(mutual, overlaps(std::slice::from_ref(&other), &one));
            prop_assert!(overlaps(std::slice::from_ref(&one), &one) || week(std::slice::from_ref(&one)).is_empty());
        }
    }
}
