//! What a fleet is to do.

use edgeapp_openapi::ees_registration::AcrScenario;
use std::{fmt, str::FromStr, time::Duration};

/// How applications follow their UEs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Scenario B of TS 23.558 (clause 8.8.2.3): the EEC decides, the S-EES executes.
    B,
    /// Scenario D (clause 8.8.2.5): the EEC says where the UE is, the S-EES decides and executes.
    D,
    /// No application: EECs register at the new site, with the context that they left at the old one.
    None,
}

impl Way {
    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::B => "b",
            Self::D => "d",
            Self::None => "none",
        }
    }

    /// As `ACRScenario` spells it.
    pub fn acr(self) -> AcrScenario {
        match self {
            Self::B | Self::None => AcrScenario::EecExecutedViaSourceEes,
            Self::D => AcrScenario::SourceEesExecuted,
        }
    }

    /// Whether an application follows.
    pub const fn relocates(self) -> bool {
        !matches!(self, Self::None)
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Way {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = [Self::B, Self::D, Self::None]
            .into_iter()
            .find(|way| way.name() == text);
        known.ok_or_else(|| format!("{text:?} is none of b, d and none"))
    }
}

/// What a fleet is to do.
#[derive(Clone, Debug)]
pub struct Wish {
    /// UEs that register and move.
    pub ues: u32,
    /// Further EECs that are registered, spread over the sites, and do nothing.
    pub bystanders: u32,
    /// Sites.
    pub edns: u32,
    /// How applications follow.
    pub way: Way,
    /// For how long UEs set out, at most.
    pub lasts: Duration,
    /// How long a UE stays at a site on average; each stay is between half of it and one and a half times as long.
    pub stay: Duration,
    /// Every UE crosses a border once, at a moment of its own within this time, and no more.
    pub cross_within: Option<Duration>,
    /// No UE sets out after so many have.
    pub crossings: Option<u64>,
    /// From one request of an application to the next, while its UE is about to move or moves.
    pub period: Duration,
    /// UEs that talk at the same time, at most: what bounds connections and memory.
    pub at_once: u32,
    /// Everything that is left to chance follows from it.
    pub seed: u64,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            ues: 1000,
            bystanders: 0,
            edns: 10,
            way: Way::B,
            lasts: Duration::from_secs(60),
            stay: Duration::from_secs(60),
            cross_within: None,
            crossings: None,
            period: Duration::from_millis(50),
            at_once: 128,
            seed: 1,
        }
    }
}

/// Most sites: names count up to three digits.
const MOST_EDNS: u32 = 100;
/// Most UEs.
const MOST_UES: u32 = 1_000_000;
/// Longest time that UEs set out for: registrations are not renewed in between.
const LONGEST: Duration = Duration::from_secs(4 * 3600);

impl Wish {
    /// The wish, if it can be meant.
    ///
    /// # Errors
    /// The option that cannot, and what it has to be.
    pub fn checked(self) -> Result<Self, String> {
        let within = |name: &str, value: u32, least: u32, most: u32| match (least..=most).contains(&value) {
            true => Ok(()),
            false => Err(format!("--{name} {value}: give a number between {least} and {most}")),
        };
        within("ues", self.ues, 1, MOST_UES)?;
        within("bystanders", self.bystanders, 0, MOST_UES)?;
        within("edns", self.edns, 2, MOST_EDNS)?;
        within("at-once", self.at_once, 1, 4096)?;
        let lasts = |name: &str, value: Duration, least: Duration, most: Duration| match (least..=most).contains(&value)
        {
            true => Ok(()),
            false => Err(format!(
                "--{name} {value:?}: give a time between {least:?} and {most:?}"
            )),
        };
        lasts("for", self.lasts, Duration::from_millis(1), LONGEST)?;
        lasts("stay", self.stay, Duration::from_secs(1), LONGEST)?;
        lasts("period", self.period, Duration::from_millis(5), Duration::from_secs(10))?;
        if let Some(time) = self.cross_within {
            lasts("cross-within", time, Duration::from_millis(1), LONGEST)?;
        }
        Ok(self)
    }

    /// The name of what is played, among others in a report.
    pub fn name(&self) -> String {
        format!("load-{}", self.way)
    }
}

/// A time as people write it: `60s`, `500ms`, `5m`; a bare number is seconds.
///
/// # Errors
/// When it is none.
pub fn time(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let wrong = || format!("{text:?} is no time; write it such as 60s, 500ms or 5m");
    let number: u64 = text[..digits].parse().map_err(|_| wrong())?;
    let milliseconds = match &text[digits..] {
        "ms" => Some(number),
        "s" | "" => number.checked_mul(1000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        _ => None,
    };
    milliseconds.map(Duration::from_millis).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_what_people_write() {
        assert_eq!(time("60s"), Ok(Duration::from_secs(60)));
        assert_eq!(time("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(time("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(time("7"), Ok(Duration::from_secs(7)));
        for wrong in [
            "",
            "s",
            "-1s",
            "1d",
            "1.5s",
            "99999999999999999999s",
            "9999999999999999999h",
        ] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_the_name_of_its_option() {
        let wrong = |wish: Wish| wish.checked().err().unwrap_or_default();
        assert!(Wish::default().checked().is_ok());
        assert!(
            wrong(Wish {
                ues: 0,
                ..Wish::default()
            })
            .starts_with("--ues 0")
        );
        assert!(
            wrong(Wish {
                edns: 1,
                ..Wish::default()
            })
            .starts_with("--edns 1")
        );
        assert!(
            wrong(Wish {
                stay: Duration::ZERO,
                ..Wish::default()
            })
            .starts_with("--stay")
        );
    }

    proptest! {
        #[test]
        fn a_time_never_panics(text in ".{0,24}") {
            let _ = time(&text);
        }
    }
}
