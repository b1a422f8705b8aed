//! Times that come once and times that come every week (TS 29.122): re-exported from [`crate::common`].

use crate::common::{DateTime, non_empty};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use utoipa::ToSchema;

/// A span of time with both ends (TS 29.122 clause 5.2.1.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TimeWindow {
    /// `startTime`: the first instant of the span.
    pub start_time: DateTime,
    /// `stopTime`: the instant the span is over.
    pub stop_time: DateTime,
}

/// Hours and days that come back every week (TS 29.122, CpProvisioning).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduledCommunicationTime {
    /// `daysOfWeek`: 1 for Monday to 7 for Sunday, from one to six of them; absent means every day.
    #[serde(default, deserialize_with = "days_of_week", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1, max_items = 6)]
    pub days_of_week: Vec<u8>,
    /// `timeOfDayStart`: when it begins on each of these days; absent means at midnight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub time_of_day_start: Option<TimeOfDay>,
    /// `timeOfDayEnd`: when it ends on each of these days; absent means with the day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub time_of_day_end: Option<TimeOfDay>,
}

fn days_of_week<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let days: Vec<u8> = non_empty(deserializer)?;
    if days.len() > 6 {
        Err(D::Error::custom("has more than six days: leave it out for every day"))
    } else if days.iter().any(|day| !(1..=7).contains(day)) {
        Err(D::Error::custom("a day of the week is from 1 (Monday) to 7 (Sunday)"))
    } else {
        Ok(days)
    }
}

/// `hh:mm:ss`, perhaps with a fraction, and perhaps `Z` or an offset `+hh:mm`.
fn is_time_of_day(value: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let fields = |part: &str, limits: &[u8]| {
        part.split(':').count() == limits.len()
            && part.split(':').zip(limits).all(|(field, limit)| {
                field.len() == 2 && digits(field) && field.parse::<u8>().is_ok_and(|number| number <= *limit)
            })
    };
    let (time, offset) = match value.strip_suffix(['Z', 'z']) {
        Some(time) => (time, None),
        None => value
            .split_once(['+', '-'])
            .map_or((value, None), |(time, offset)| (time, Some(offset))),
    };
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    value.len() <= 32
        && fields(clock, &[23, 59, 60])
        && digits(fraction)
        && offset.is_none_or(|offset| fields(offset, &[23, 59]))
}

text!(
    /// A time of day, local or with an offset (`TimeOfDay`: partial-time or full-time of RFC 3339).
    TimeOfDay,
    r"^\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})?$",
    is_time_of_day,
    "must be a time of day of RFC 3339, such as 20:15:00 or 20:15:00-08:00"
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, refused, same};

    #[test]
    fn time_of_day_is_local_or_has_an_offset() {
        for good in [
            "20:15:00",
            "20:15:00.25",
            "23:59:60Z",
            "20:15:00-08:00",
            "00:00:00.5+05:30",
        ] {
            assert!(good.parse::<TimeOfDay>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "20:15",
            "24:00:00",
            "20:60:00",
            "20:15:00.",
            "20:15:00+8",
            "20:15:00ZZ",
            "2:15:00",
            "20:15:00Z+01:00",
        ] {
            assert!(bad.parse::<TimeOfDay>().is_err(), "{bad}");
        }
    }

    #[test]
    fn week_has_one_to_six_days() {
        same::<ScheduledCommunicationTime>(r#"{"daysOfWeek": [1, 2, 3, 4, 5, 6], "timeOfDayEnd": "12:00:00"}"#);
        same::<ScheduledCommunicationTime>("{}");
        for bad in ["[]", "[0]", "[8]", "[1, 2, 3, 4, 5, 6, 7]"] {
            refused::<ScheduledCommunicationTime>(&format!(r#"{{"daysOfWeek": {bad}}}"#));
        }
    }

    #[test]
    fn window_has_both_ends() {
        let text = r#"{"startTime": "2026-01-01T12:00:00Z", "stopTime": "2026-01-01T13:00:00Z"}"#;
        same::<TimeWindow>(text);
        needs::<TimeWindow>(text, &["startTime", "stopTime"]);
    }
}
