//! `[limits]` of a configuration.

use crate::server::Limits;
use edgeapp_core::{hardening::Check, principal::Role};
use serde::{Deserialize, Deserializer, Serialize};
use std::time::Duration;

/// How much callers may ask of a server. What is counted, is counted over all listeners, except `connections`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitSettings {
    /// `connections`: how many connections each listener holds at a time; further ones wait. 10,000 when not given.
    pub connections: u32,
    /// `connections_per_address`: how many of them may come from one address (of IPv6: from one network of 64 bits); further ones are
    /// closed. 512 when not given; more where many clients stand behind one address.
    pub connections_per_address: u32,
    /// `handshakes_per_address`: how many TLS handshakes of one address go on at a time; further ones wait. 64 when not given.
    pub handshakes_per_address: u32,
    /// `connections_per_caller`: how many connections one caller may have; further ones are closed. 128 when not given.
    pub connections_per_caller: u32,
    /// `idle_seconds`: a connection on which nothing was asked for so long is closed. 60 when not given.
    pub idle_seconds: u32,
    /// `requests_at_a_time`: how many requests are under way. When three quarters of that are, new work is refused with 503, and the
    /// rest is for renewals and ends of what is there. 2,048 when not given.
    pub requests_at_a_time: u32,
    /// `requests_at_a_time_per_caller`: how many of them may be one caller's. 256 when not given.
    pub requests_at_a_time_per_caller: u32,
    /// `unlimited_rates_for_load_tests`: no caller is held to a rate. With this, one of them can keep the server from all others.
    pub unlimited_rates_for_load_tests: bool,
    /// `[limits.eec]`: what each EEC may ask for; 100 a second when not given.
    #[serde(deserialize_with = "rate::<100, _>")]
    pub eec: Rate,
    /// `[limits.eas]`: what each EAS may ask for; 500 a second when not given.
    #[serde(deserialize_with = "rate::<500, _>")]
    pub eas: Rate,
    /// `[limits.ees]`: what each EES may ask for; 1,000 a second when not given.
    #[serde(deserialize_with = "rate::<1000, _>")]
    pub ees: Rate,
    /// `[limits.nef]`: what the NEF may report; 5,000 a second when not given.
    #[serde(deserialize_with = "rate::<5000, _>")]
    pub nef: Rate,
    /// `[limits.operator]`: what each operator may ask for; 100 a second when not given.
    #[serde(deserialize_with = "rate::<100, _>")]
    pub operator: Rate,
}

const KEEPS_OUT: &str = "one caller can keep this server from all others";
const HELD: &str = "connections that do nothing hold their places for so long";

/// How often one caller may ask. Written with its burst, whether that was given or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "Given")]
pub struct Rate {
    /// `requests_per_second`: in the long run; that of the role when not given.
    pub requests_per_second: u32,
    /// `burst`: at once, after a pause. Twice as many as in a second when not given.
    pub burst: Option<u32>,
}

/// A rate as it stands in a file.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Given {
    requests_per_second: Option<u32>,
    burst: Option<u32>,
}

impl From<Rate> for Given {
    fn from(rate: Rate) -> Self {
        Self {
            requests_per_second: Some(rate.requests_per_second),
            burst: Some(rate.burst()),
        }
    }
}

/// Reads the rate of a role, which has `DEFAULT` requests per second when only its burst is given.
fn rate<'de, const DEFAULT: u32, D: Deserializer<'de>>(deserializer: D) -> Result<Rate, D::Error> {
    let given = Given::deserialize(deserializer)?;
    Ok(Rate {
        requests_per_second: given.requests_per_second.unwrap_or(DEFAULT),
        burst: given.burst,
    })
}

impl Rate {
    const fn of(requests_per_second: u32) -> Self {
        Self {
            requests_per_second,
            burst: None,
        }
    }

    /// How many may come at once.
    pub fn burst(&self) -> u32 {
        self.burst.unwrap_or(self.requests_per_second.saturating_mul(2))
    }
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            connections: 10_000,
            connections_per_address: 512,
            handshakes_per_address: 64,
            connections_per_caller: 128,
            idle_seconds: 60,
            requests_at_a_time: 2048,
            requests_at_a_time_per_caller: 256,
            unlimited_rates_for_load_tests: false,
            eec: Rate::of(100),
            eas: Rate::of(500),
            ees: Rate::of(1000),
            nef: Rate::of(5000),
            operator: Rate::of(100),
        }
    }
}

impl LimitSettings {
    /// The rate of a caller in this role; none where rates are unlimited.
    pub fn rate(&self, role: Role) -> Option<Rate> {
        let rate = match role {
            Role::Eec | Role::Stranger => self.eec,
            Role::Eas => self.eas,
            Role::Nef | Role::Smf => self.nef,
            Role::Operator => self.operator,
            Role::Ees | Role::Ecs | Role::Provider | Role::Ccf => self.ees,
        };
        (!self.unlimited_rates_for_load_tests).then_some(rate)
    }

    /// What cannot be meant: the key within the section, and why.
    pub fn wrong(&self) -> Vec<(String, &'static str)> {
        let numbers = [
            ("connections", self.connections),
            ("connections_per_address", self.connections_per_address),
            ("handshakes_per_address", self.handshakes_per_address),
            ("connections_per_caller", self.connections_per_caller),
            ("idle_seconds", self.idle_seconds),
            ("requests_at_a_time", self.requests_at_a_time),
            ("requests_at_a_time_per_caller", self.requests_at_a_time_per_caller),
        ];
        let rates = [
            ("eec", self.eec),
            ("eas", self.eas),
            ("ees", self.ees),
            ("nef", self.nef),
            ("operator", self.operator),
        ];
        let of_rates = rates.into_iter().flat_map(|(role, rate)| {
            [
                (format!("{role}.requests_per_second"), rate.requests_per_second),
                (format!("{role}.burst"), rate.burst.unwrap_or(1)),
            ]
        });
        let all = numbers
            .into_iter()
            .map(|(key, number)| (key.to_owned(), number))
            .chain(of_rates);
        all.filter(|(_, number)| *number == 0)
            .map(|(key, _)| (format!("limits.{key}"), "must be at least 1"))
            .collect()
    }

    /// What the hardened reference says about `[limits]`: a hundred times the default is still a limit.
    pub const CHECKS: &[Check<Self>] = &[
        Check::most(
            "limits.connections",
            1_000_000,
            |limits| limits.connections.into(),
            KEEPS_OUT,
        ),
        Check::most(
            "limits.connections_per_address",
            100_000,
            |limits| limits.connections_per_address.into(),
            KEEPS_OUT,
        ),
        Check::most(
            "limits.handshakes_per_address",
            10_000,
            |limits| limits.handshakes_per_address.into(),
            KEEPS_OUT,
        ),
        Check::most(
            "limits.connections_per_caller",
            10_000,
            |limits| limits.connections_per_caller.into(),
            KEEPS_OUT,
        ),
        Check::most("limits.idle_seconds", 3600, |limits| limits.idle_seconds.into(), HELD),
        Check::most(
            "limits.requests_at_a_time",
            100_000,
            |limits| limits.requests_at_a_time.into(),
            KEEPS_OUT,
        ),
        Check::most(
            "limits.requests_at_a_time_per_caller",
            10_000,
            |limits| limits.requests_at_a_time_per_caller.into(),
            KEEPS_OUT,
        ),
        Check::most(
            "limits.eec.requests_per_second",
            10_000,
            |limits| limits.eec.requests_per_second.into(),
            KEEPS_OUT,
        ),
        Check::most(
            "limits.eec.burst",
            20_000,
            |limits| limits.eec.burst().into(),
            KEEPS_OUT,
        ),
        Check::most(
            "limits.eas.requests_per_second",
            50_000,
            |limits| limits.eas.requests_per_second.into(),
            KEEPS_OUT,
        ),
        Check::most(
            "limits.eas.burst",
            100_000,
            |limits| limits.eas.burst().into(),
            KEEPS_OUT,
        ),
        Check::most(
            "limits.ees.requests_per_second",
            100_000,
            |limits| limits.ees.requests_per_second.into(),
            KEEPS_OUT,
        ),
        Check::most(
            "limits.ees.burst",
            200_000,
            |limits| limits.ees.burst().into(),
            KEEPS_OUT,
        ),
        Check::most(
            "limits.nef.requests_per_second",
            500_000,
            |limits| limits.nef.requests_per_second.into(),
            KEEPS_OUT,
        ),
        Check::most(
            "limits.nef.burst",
            1_000_000,
            |limits| limits.nef.burst().into(),
            KEEPS_OUT,
        ),
        Check::most(
            "limits.operator.requests_per_second",
            10_000,
            |limits| limits.operator.requests_per_second.into(),
            KEEPS_OUT,
        ),
        Check::most(
            "limits.operator.burst",
            20_000,
            |limits| limits.operator.burst().into(),
            KEEPS_OUT,
        ),
    ];

    /// What a listener tolerates under these settings.
    pub fn of_listener(&self) -> Limits {
        Limits {
            connections: usize::try_from(self.connections).unwrap_or(usize::MAX),
            idle: Duration::from_secs(self.idle_seconds.into()),
            ..Limits::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<LimitSettings, toml::de::Error> {
        toml::from_str(text)
    }

    #[test]
    fn what_is_not_given_has_a_default() {
        assert_eq!(read("").expect("settings"), LimitSettings::default());
        let some = read("[eec]\nrequests_per_second = 7\n").expect("settings");
        assert_eq!(
            some.rate(Role::Eec)
                .map(|rate| (rate.requests_per_second, rate.burst())),
            Some((7, 14))
        );
        assert_eq!(some.eas, LimitSettings::default().eas);
        assert!(read("requests = 1").is_err(), "an unknown key");
        assert!(read("[eec]\nbursts = 1").is_err(), "an unknown key");
    }

    /// Each role keeps its own rate when only a burst is given, and what is written says both.
    #[test]
    fn a_burst_can_be_given_alone() {
        let default = LimitSettings::default();
        for role in ["eec", "eas", "ees", "nef", "operator"] {
            let given = read(&format!("[{role}]\nburst = 7\n")).expect("settings");
            let rates = |of: &LimitSettings| [of.eec, of.eas, of.ees, of.nef, of.operator];
            for (now, before) in rates(&given).into_iter().zip(rates(&default)) {
                assert_eq!(now.requests_per_second, before.requests_per_second, "{role}");
            }
            assert_eq!(
                rates(&given).iter().filter(|rate| rate.burst() == 7).count(),
                1,
                "{role}"
            );
        }
        let written = toml::to_string(&default).expect("TOML");
        assert!(
            written.contains("[eec]\nrequests_per_second = 100\nburst = 200\n"),
            "{written}"
        );
        let again = read(&written).expect("settings");
        assert_eq!(again.eas.burst(), default.eas.burst());
    }

    #[test]
    fn nothing_is_limited_to_nothing() {
        assert!(LimitSettings::default().wrong().is_empty());
        let nothing =
            read("connections_per_address = 0\n[nef]\nrequests_per_second = 5\nburst = 0\n").expect("settings");
        let keys: Vec<_> = nothing.wrong().into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["limits.connections_per_address", "limits.nef.burst"]);
    }

    #[test]
    fn rates_are_given_up_by_an_honest_key_only() {
        for role in Role::ALL {
            assert!(LimitSettings::default().rate(role).is_some(), "{role}");
        }
        let none = read("unlimited_rates_for_load_tests = true").expect("settings");
        assert_eq!(none.rate(Role::Eec), None);
    }
}
