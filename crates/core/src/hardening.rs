//! A configuration beside the hardened reference: which settings are weaker, and why that matters.
//!
//! Each part of a configuration lists its own [`Check`]s as data, where its keys are described; a server puts the lists of its parts
//! together ([`Profile`]). A new key that can be set to something weaker is one more line in such a list:
//!
//! ```
//! use edgeapp_core::hardening::{Check, Profile};
//!
//! struct Config { http1: bool, lifetime: u32 }
//!
//! static CHECKS: &[Check<Config>] = &[
//!     Check::on("http1", |config| config.http1, "TS 33.558 asks for HTTP/2 alone"),
//!     Check::most("lifetime", 3600, |config| config.lifetime.into(), "what is forgotten stays too long"),
//! ];
//!
//! let weaker = Profile::of(&Config { http1: true, lifetime: 60 }).with(CHECKS).weaker();
//! assert_eq!(weaker[0].to_string(), "http1 = true (reference: false): TS 33.558 asks for HTTP/2 alone");
//! assert_eq!(weaker.len(), 1);
//! ```

use std::fmt;

/// One line of the reference profile: a key of the configuration `C`, and when its value is weaker than the reference.
pub struct Check<C> {
    /// The key as it stands in the file, with its section; or the section itself, when it is the section that matters.
    pub key: &'static str,
    /// How the reference profile has it.
    pub reference: Reference,
    /// The value, where it is weaker than that.
    pub weaker: Weaker<C>,
    /// What can happen then: one half sentence for who runs the server.
    pub reason: &'static str,
}

/// How the reference profile has a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// In these words.
    Words(&'static str),
    /// At most this.
    AtMost(u64),
    /// At most this, and not 0, which stands for no limit.
    Limited(u64),
}

/// When a value is weaker.
pub enum Weaker<C> {
    /// Says the value, where it is weaker.
    Said(fn(&C) -> Option<String>),
    /// A switch that the reference has off.
    On(fn(&C) -> bool),
    /// A number, where it is above this.
    Above(u64, fn(&C) -> u64),
    /// A number, where it is above this or 0, which stands for no limit.
    Unlimited(u64, fn(&C) -> u64),
}

impl<C> Check<C> {
    /// `weaker` says the value of `key` where it is weaker than the `reference`.
    pub const fn new(
        key: &'static str,
        reference: &'static str,
        weaker: fn(&C) -> Option<String>,
        reason: &'static str,
    ) -> Self {
        Self {
            key,
            reference: Reference::Words(reference),
            weaker: Weaker::Said(weaker),
            reason,
        }
    }

    /// A switch that the reference has off.
    pub const fn on(key: &'static str, is_on: fn(&C) -> bool, reason: &'static str) -> Self {
        Self {
            key,
            reference: Reference::Words("false"),
            weaker: Weaker::On(is_on),
            reason,
        }
    }

    /// A number that the reference has at `most`.
    pub const fn most(key: &'static str, most: u64, value: fn(&C) -> u64, reason: &'static str) -> Self {
        Self {
            key,
            reference: Reference::AtMost(most),
            weaker: Weaker::Above(most, value),
            reason,
        }
    }

    /// A number that the reference has between 1 and `most`: 0 stands for no limit at all.
    pub const fn limit(key: &'static str, most: u64, value: fn(&C) -> u64, reason: &'static str) -> Self {
        Self {
            key,
            reference: Reference::Limited(most),
            weaker: Weaker::Unlimited(most, value),
            reason,
        }
    }

    /// The finding about this configuration, if there is one.
    pub fn finding(&self, config: &C) -> Option<Finding> {
        let value = match &self.weaker {
            Weaker::Said(value) => value(config),
            Weaker::On(is_on) => is_on(config).then(|| "true".to_owned()),
            Weaker::Above(most, value) => Some(value(config))
                .filter(|value| value > most)
                .map(|value| value.to_string()),
            Weaker::Unlimited(most, value) => Some(value(config))
                .filter(|value| *value == 0 || value > most)
                .map(|value| value.to_string()),
        }?;
        Some(Finding {
            key: self.key,
            value,
            reference: self.reference,
            reason: self.reason,
        })
    }
}

/// A setting that is weaker than the reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its key.
    pub key: &'static str,
    /// Its value.
    pub value: String,
    /// The value of the reference.
    pub reference: Reference,
    /// Why that matters.
    pub reason: &'static str,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words(words) => f.write_str(words),
            Self::AtMost(most) => write!(f, "at most {most}"),
            Self::Limited(most) => write!(f, "1 to {most}"),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            key,
            value,
            reference,
            reason,
        } = self;
        write!(f, "{key} = {value} (reference: {reference}): {reason}")
    }
}

/// A configuration on its way past the lists of checks.
pub struct Profile<'c, C> {
    config: &'c C,
    keys: Vec<&'static str>,
    findings: Vec<Finding>,
}

impl<'c, C> Profile<'c, C> {
    /// Nothing is checked yet.
    pub fn of(config: &'c C) -> Self {
        Self {
            config,
            keys: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// Checks the configuration as a whole.
    pub fn with(self, checks: &[Check<C>]) -> Self {
        self.part(Some, checks)
    }

    /// Checks a part of it; one that is not there is not weaker.
    pub fn part<P: 'c>(mut self, part: impl FnOnce(&'c C) -> Option<&'c P>, checks: &[Check<P>]) -> Self {
        self.keys.extend(checks.iter().map(|check| check.key));
        if let Some(part) = part(self.config) {
            self.findings
                .extend(checks.iter().filter_map(|check| check.finding(part)));
        }
        self
    }

    /// The keys that were looked at, whatever came of it.
    pub fn keys(&self) -> &[&'static str] {
        &self.keys
    }

    /// What is weaker.
    pub fn weaker(self) -> Vec<Finding> {
        self.findings
    }
}

/// A configuration that knows what its reference is.
pub trait Hardened {
    /// Past all the lists of checks of its parts.
    fn profile(&self) -> Profile<'_, Self>
    where
        Self: Sized;
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Part {
        limit: u32,
    }

    struct Whole {
        part: Option<Part>,
        plain: bool,
    }

    static WHOLE: &[Check<Whole>] = &[Check::on("plain", |whole| whole.plain, "it can be read on the way")];
    static PART: &[Check<Part>] = &[Check::limit("part.limit", 9, |part| part.limit.into(), "it grows")];

    fn weaker(limit: Option<u32>, plain: bool) -> Vec<String> {
        let part = limit.map(|limit| Part { limit });
        let whole = Whole { part, plain };
        let profile = Profile::of(&whole).with(WHOLE).part(|whole| whole.part.as_ref(), PART);
        assert_eq!(
            profile.keys(),
            ["plain", "part.limit"],
            "also of a part that is not there"
        );
        profile.weaker().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_weaker_value_is_a_line() {
        assert!(weaker(Some(9), false).is_empty() && weaker(None, false).is_empty());
        assert_eq!(
            weaker(Some(10), true),
            [
                "plain = true (reference: false): it can be read on the way",
                "part.limit = 10 (reference: 1 to 9): it grows"
            ]
        );
    }

    #[test]
    fn no_limit_is_weaker_than_any() {
        assert_eq!(weaker(Some(0), false), ["part.limit = 0 (reference: 1 to 9): it grows"]);
    }
}
