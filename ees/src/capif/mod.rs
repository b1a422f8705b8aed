//! The EES as an API provider at a CAPIF core function (TS 29.558 clause 10, TS 29.222): it registers its domain, publishes what it serves
//! over EDGE-3, and lets API invokers in by their tokens or, with the method PKI, by their certificates.
//!
//! The rules are in `edgeapp-capif` (`exposing`, `admission`), the calls to the core function in `edgeapp-capif-client`.
//!
//! | module | what |
//! |---|---|
//! | [`settings`] | `[capif.exposure]` |
//! | [`description`] | how an API is described where it is published |
//! | `upkeep` | keeps registration, publications, keys and policies true |
//! | `news` | what the core function tells of its own accord |
//! | `gate` | who comes in over EDGE-3, and what is remembered of it |
//! | `journal` | invocation logs on their way into the outbox, and from there to the core function |

pub mod description;
mod gate;
mod journal;
pub mod news;
pub mod settings;
#[cfg(test)]
mod tests;
mod upkeep;

pub(crate) use gate::{Gate, guarded};
pub(crate) use journal::{Delivery, Journal};
pub(crate) use upkeep::{Asking, Link, Upkeep};

use crate::ees::StartError;
use edgeapp_capif::{
    admission::Admission,
    exposing::{Exposing, TokenRules},
};
use edgeapp_capif_client::core::Core;
use edgeapp_core::{clock::trust::Trust as ClockTrust, room::Room};
use edgeapp_http::{
    documents::Api,
    tls::{KeyringError, Trust},
};
use news::News;
use settings::ExposureSettings;
use std::{sync::Arc, time::Duration};

/// The parts of the exposing side, put together.
pub(crate) struct Exposure {
    pub(crate) exposing: Arc<Exposing>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) upkeep: Upkeep,
    pub(crate) journal: Journal,
    pub(crate) asking: Arc<Asking>,
    pub(crate) news: News,
}

/// What the exposing side is made of beside its settings.
pub(crate) struct Around<'a> {
    pub(crate) room: Room,
    pub(crate) clock: Arc<ClockTrust>,
    /// `apiRoot` of the core function.
    pub(crate) core: &'a str,
    /// `apiRoot` of EDGE-3.
    pub(crate) root: String,
    pub(crate) apis: &'a [Api],
    pub(crate) offer: description::Offer,
    pub(crate) ees_id: &'a str,
    pub(crate) provider: Option<String>,
}

/// The core function at `url`, trusted as the settings say.
///
/// # Errors
/// When its roots cannot be used.
pub(crate) fn core_of(settings: &ExposureSettings, url: &str) -> Result<Core, StartError> {
    let unusable = |source| {
        StartError::Tls(KeyringError {
            key: "capif.exposure.roots".to_owned(),
            source,
        })
    };
    let roots = Trust::load(&settings.roots).map_err(unusable)?;
    let patience = Duration::from_secs(u64::from(settings.timeout_seconds.max(1)));
    Core::patient(url, roots, patience)
        .map_err(|error| StartError::Config(format!("key `capif.exposure.url`: {error}")))
}

impl Exposure {
    /// Takes up what was registered, published, taken back and used before. The core function is not asked yet.
    pub(crate) async fn open(settings: &ExposureSettings, around: Around<'_>) -> Result<Self, StartError> {
        let Around {
            room,
            clock,
            core,
            root,
            apis,
            offer,
            ees_id,
            provider,
        } = around;
        let core = core_of(settings, core)?;
        let keys = settings
            .own_keys()
            .map_err(|reason| StartError::Config(format!("key `capif.exposure.keys`: {reason}")))?;
        let asking = Arc::new(Asking::default());
        let rules = TokenRules {
            longest: settings.longest_token_seconds,
            unbound: settings.accept_tokens_without_a_certificate,
        };
        let exposing = Exposing::start_with(room.clone(), None, rules, asking.clone()).await?;
        let admission = Arc::new(Admission::default());
        let journal = Journal::open(room.clone(), admission.clone()).await?;
        let about = format!("EES {ees_id}");
        let published = description::all(apis, settings, &offer);
        let exposed = published.iter().map(|api| api.name.clone()).collect();
        let upkeep = Upkeep::open(upkeep::Parts {
            core,
            settings: settings.clone(),
            exposing: exposing.clone(),
            admission: admission.clone(),
            asking: asking.clone(),
            store: room.store().clone(),
            clock: room.clone(),
            published,
            keys,
            about,
            provider,
            root: root.clone(),
        })
        .await?;
        let gate = Gate::new(gate::Parts {
            exposing: exposing.clone(),
            admission,
            journal: settings.log_invocations.then(|| journal.writer()),
            room,
            by_certificate: settings.offers_pki(),
            realm: ees_id.to_owned(),
            root,
            unknown_key: upkeep.unknown_key(),
            clock,
            exposed,
            link: upkeep.state(),
        });
        Ok(Self {
            exposing,
            gate: Arc::new(gate),
            news: upkeep.news(),
            upkeep,
            journal,
            asking,
        })
    }
}
