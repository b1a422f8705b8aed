//! What goes wrong on purpose, by name.

use super::{Ending, Limits, Scenario};
use edgeapp_openapi::ees_registration::AcrScenario;
use serde::{Deserialize, Serialize};
use std::fmt;

/// When something goes wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// Before anything begins.
    Start,
    /// Just before the UE crosses the border.
    #[default]
    Move,
    /// When the request to relocate, or the declaration of its target, was accepted.
    Accepted,
    /// When the transfer of the application context begins.
    ActStart,
}

macro_rules! faults {
    ($($variant:ident $name:literal $plain:literal $moment:ident $ending:ident),+ $(,)?) => {
        /// Something that can go wrong (section 10 of the catalogue of relocations).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum FaultName {
            $(#[doc = $plain] #[serde(rename = $name)] $variant),+
        }

        impl FaultName {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its name in a scenario and on the command line.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// What happens, in plain words.
            pub const fn plain(self) -> &'static str {
                match self { $(Self::$variant => $plain),+ }
            }

            /// When it happens, unless the scenario says otherwise.
            pub const fn moment(self) -> Moment {
                match self { $(Self::$variant => Moment::$moment),+ }
            }

            /// How a relocation most often ends that it hits.
            const fn ending(self) -> Ending {
                match self { $(Self::$variant => Ending::$ending),+ }
            }
        }
    };
}

faults! {
    EcsHasNoTees "ecs-has-no-t-ees" "The ECS knows no EES at the new place: that one was never started." Start Stays,
    TeesDown "t-ees-down" "The process of the T-EES is killed before the UE arrives." Move Stays,
    TeasFull "t-eas-full" "The T-EAS takes no application context (503)." Move Failed,
    SeasDead "s-eas-dead" "Where the S-EAS hears from its EES is gone." Move Failed,
    NefDown "nef-down" "The NEF answers requests to steer traffic with 503." Move Complete,
    NefSlow "nef-slow" "The NEF answers late." Move Complete,
    PathEventLost "path-event-lost" "The NEF's reports of the changed path get lost." Start Complete,
    NotificationLost "notification-lost" "The first notifications to the EEC are not taken (503)." Move Complete,
    EecCancels "eec-cancels" "The EEC gives up while the relocation runs, and tells that its target is to be forgotten." Accepted Cancelled,
    DuplicateInit "duplicate-init" "The EEC asks twice for the same relocation." Move Complete,
    SeesRestart "s-ees-restart" "The process of the S-EES is killed in the middle and started again." Accepted Settled,
    SeesDiskFull "s-ees-disk-full" "Nothing can be written to the disk of the S-EES any more." Move Stays,
    ClockSkew "clock-skew" "The EEC's clock is half a minute late." Start Complete,
}

impl FaultName {
    /// How a relocation ends that it hits, in this scenario.
    pub const fn ending_in(self, scenario: &Scenario) -> Ending {
        match (self, &scenario.acr) {
            // Nobody tells it anything: the application moves its own state, or the T-EAS fetches it.
            (Self::SeasDead, AcrScenario::EecInitiated | AcrScenario::EecExecutedViaTargetEes) => Ending::Complete,
            // It does not hear that there is something to decide.
            (Self::SeasDead, AcrScenario::SourceEasDecided | AcrScenario::EelManagedAcr) => Ending::Stays,
            _ => self.ending(),
        }
    }

    /// Why it cannot happen to servers that somebody else runs, where it cannot.
    pub const fn needs_own_servers(self) -> Option<&'static str> {
        match self {
            Self::EcsHasNoTees => Some("an EES is not started"),
            Self::TeesDown | Self::SeesRestart => Some("the process of an EES is killed"),
            Self::SeesDiskFull => Some("the disk of an EES is filled"),
            Self::NefDown | Self::NefSlow | Self::PathEventLost => Some("the core network is disturbed"),
            _ => None,
        }
    }

    /// Changes what has to be otherwise in a scenario for this to happen and to be seen to the end.
    pub fn prepare(self, scenario: &mut Scenario) {
        // There the application waits while its context is on its way, and the way gets longer.
        let longer = matches!(
            self,
            Self::NotificationLost | Self::SeesRestart | Self::NefSlow | Self::PathEventLost | Self::TeasFull
        );
        let waits = longer && scenario.acr == AcrScenario::EelManagedAcr;
        if waits {
            scenario.limits = Limits {
                lost_requests: 10_000,
                interruption_ms: None,
            };
        }
        let timing = &mut scenario.timing;
        match self {
            Self::ClockSkew => timing.clock_skew_ms = -30_000,
            // Nobody reports: the EES gives up after this time.
            Self::TeasFull if waits => timing.transfer_seconds = timing.transfer_seconds.min(3),
            Self::SeasDead => timing.transfer_seconds = timing.transfer_seconds.min(3),
            Self::SeesRestart => {
                timing.transfer_seconds = timing.transfer_seconds.min(5);
                timing.limit_ms = timing.limit_ms.max(90_000);
            }
            // Whoever decides by the path has to notice in another way.
            Self::PathEventLost => {
                let by_the_eas = matches!(scenario.acr, AcrScenario::SourceEasDecided | AcrScenario::EelManagedAcr);
                if let Some(core) = scenario.core.as_mut().filter(|_| by_the_eas) {
                    (core.locations, core.acknowledge) = (true, false);
                }
            }
            _ => {}
        }
    }
}

impl fmt::Display for FaultName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A fault of a scenario.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which one.
    pub name: FaultName,
    /// When; each fault has a usual moment.
    #[serde(default)]
    pub at: Option<Moment>,
    /// How long after that, in milliseconds.
    #[serde(default)]
    pub after_ms: u64,
    /// How likely it is, from 0 to 1. Whether it happens follows from the seed.
    #[serde(default = "sure")]
    pub probability: f64,
}

fn sure() -> f64 {
    1.0
}

impl Fault {
    /// This fault at its usual moment, for sure.
    pub fn usual(name: FaultName) -> Self {
        Self {
            name,
            at: None,
            after_ms: 0,
            probability: 1.0,
        }
    }

    /// When it happens.
    pub fn moment(&self) -> Moment {
        self.at.unwrap_or(self.name.moment())
    }
}
