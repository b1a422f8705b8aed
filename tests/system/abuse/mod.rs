//! Callers who ask too much, too slowly, or for nothing: they are sent away, nobody else notices, and memory stays as it was.

mod callbacks;
mod flood;
mod full_disk;
mod headers;
mod overload;
mod raw;
mod slow;

use crate::support::{CHESS, EAS_REGISTRATIONS, eas_registration};
use edgeapp_core::principal::Role;
use edgeapp_system_tests::{caller::Caller, lab::Lab, lab::Plan, process::Process};
use raw::Raw;

const EAS: &str = "eas.chess.example#1";

/// An EES and the certificate of an EAS.
struct Site {
    lab: Lab,
    ees: Process,
}

impl Site {
    async fn open(change: impl FnOnce(Plan) -> Plan) -> Self {
        let lab = Lab::new();
        let ees = change(lab.ees("a")).start().await;
        Self { lab, ees }
    }

    fn address(&self) -> &str {
        self.ees.root("edge3").trim_start_matches("https://")
    }

    /// A connection of the EAS from 127.0.0.1.
    async fn raw(&self) -> Raw {
        Raw::open(&self.lab, &self.lab.who(Role::Eas, EAS), self.address(), "127.0.0.1").await
    }

    /// Another EAS, which has done nothing yet.
    fn bystander(&self) -> Caller {
        self.lab.eas("eas.chess.example#bystander", self.ees.root("edge3"))
    }

    /// Others are served as if nothing had happened.
    async fn others_are_served(&self) {
        self.bystander()
            .post(EAS_REGISTRATIONS, &eas_registration(CHESS, "bystander", "ENABLED"))
            .await
            .created();
    }
}
