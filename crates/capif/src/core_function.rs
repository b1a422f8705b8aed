//! The core function put together: its state, keys and settings.

use crate::{
    caller::{INVOKERS, Invoker},
    certificate::Authority,
    discovery::Catalogue,
    events,
    policy::PolicyRule,
    publish::{self, PublishedApi},
    routing::Hiding,
    status::Failures,
    token::{self, SigningKeys},
};
use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{SHA256, digest},
};
use edgeapp_core::{
    callback::CallbackRule,
    clock::trust::Trust as ClockTrust,
    error::Error,
    evidence::{Evidence, SecurityEvent},
    follow::Follower,
    kept::Kept,
    quota::{Kind, Quotas},
    room::{Decision, Room, Seen},
    store::Key,
    sweeper::Expiring,
    token::to_base64url,
};
use std::{
    num::NonZeroU32,
    sync::{Arc, OnceLock},
};

/// How a core function behaves.
#[derive(Clone, Debug)]
pub struct CoreRules {
    /// Its identifier.
    pub ccf_id: String,
    /// How long certificates of invokers and functions live, in seconds.
    pub certificate_lifetime: u32,
    /// How long tokens live, in seconds.
    pub token_lifetime: u32,
    /// How long a key signs tokens, in seconds.
    pub key_rotation: u32,
    /// How long invocation logs are kept, in seconds.
    pub log_retention: u32,
    /// Where notifications may go.
    pub callbacks: CallbackRule,
    /// How much invokers may use APIs.
    pub policies: Vec<PolicyRule>,
    /// Which APIs are reached by an entry point alone.
    pub hiding: Vec<Hiding>,
    /// Most APIs of one publishing function.
    pub apis_per_function: NonZeroU32,
    /// Most event subscriptions of one caller.
    pub subscriptions_per_caller: NonZeroU32,
}

impl Default for CoreRules {
    fn default() -> Self {
        let at_most = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        Self {
            ccf_id: "ccf".to_owned(),
            certificate_lifetime: 90 * 86_400,
            token_lifetime: 600,
            key_rotation: 7 * 86_400,
            log_retention: 30 * 86_400,
            callbacks: CallbackRule::default(),
            policies: Vec::new(),
            hiding: Vec::new(),
            apis_per_function: at_most(1000),
            subscriptions_per_caller: at_most(100),
        }
    }
}

/// A CAPIF core function.
pub struct CoreFunction {
    room: Room,
    rules: CoreRules,
    authority: Authority,
    catalogue: Arc<Catalogue>,
    follower: Follower,
    keys: SigningKeys,
    evidence: Arc<dyn Evidence>,
    failures: Failures,
    clock: OnceLock<Arc<ClockTrust>>,
}

impl CoreFunction {
    /// Takes up the state, or begins with none. Policies that differ from those of the last run are told to who subscribed. What
    /// security asks to be remembered goes to `evidence`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn start(
        room: Room,
        rules: CoreRules,
        authority: Authority,
        evidence: Arc<dyn Evidence>,
    ) -> Result<Arc<Self>, Error> {
        let quotas = Quotas::new(vec![
            Kind {
                prefix: publish::APIS,
                what: "published APIs",
                setting: "quotas.apis",
                most: rules.apis_per_function.get(),
            },
            Kind {
                prefix: events::SUBSCRIPTIONS,
                what: "event subscriptions",
                setting: "quotas.event_subscriptions",
                most: rules.subscriptions_per_caller.get(),
            },
        ]);
        let room = room.with_quotas(quotas);
        room.quotas().prepare(&room).await?;
        let catalogue = Arc::new(Catalogue::default());
        let follower = Follower::start(room.store().clone(), publish::APIS, catalogue.clone()).await?;
        let keys = SigningKeys::start(&room, rules.key_rotation).await?;
        let this = Self {
            room,
            rules,
            authority,
            catalogue,
            follower,
            keys,
            evidence,
            failures: Failures::default(),
            clock: OnceLock::new(),
        };
        this.policies_in_force().await?;
        Ok(Arc::new(this))
    }

    /// The state that it works on.
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// How it behaves.
    pub fn rules(&self) -> &CoreRules {
        &self.rules
    }

    /// Its clock is believed as long as this says so; always, before it is told. Nothing that has an end is accepted otherwise.
    pub fn believes(&self, clock: Arc<ClockTrust>) {
        let _ = self.clock.set(clock);
    }

    /// Refuses for now what rests on dates.
    ///
    /// # Errors
    /// While the clock is not to be believed.
    pub(crate) fn rests_on_dates(&self) -> Result<(), Error> {
        match self.clock.get().is_none_or(|clock| clock.is_good()) {
            true => Ok(()),
            false => Err(Error::unavailable("the clock of this server is not to be believed now")),
        }
    }

    /// What issues its certificates.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The published APIs.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    pub(crate) fn follower(&self) -> &Follower {
        &self.follower
    }

    pub(crate) fn keys(&self) -> &SigningKeys {
        &self.keys
    }

    /// Tells of something that security asks to be remembered.
    pub(crate) fn remember(&self, event: SecurityEvent) {
        self.evidence.record(event);
    }

    /// What went wrong lately.
    pub(crate) fn failures(&self) -> &Failures {
        &self.failures
    }

    /// Every published API of this identifier.
    pub(crate) fn api(&self, id: &str) -> Option<Arc<PublishedApi>> {
        self.catalogue.api(id)
    }

    /// Keeps its signing keys up, until dropped.
    pub async fn run(&self) {
        token::keep_up(&self.keys, &self.room).await;
    }
}

/// A hash of a secret that has as much randomness as the hash.
pub(crate) fn sha256(secret: &str) -> String {
    to_base64url(digest(&SHA256, secret.as_bytes()).as_ref())
}

/// Whether two hashes are the same, in a time that does not tell where they differ.
pub(crate) fn same_digest(one: &str, other: &str) -> bool {
    verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}

/// What expires here: an enrolment that lapses is an invoker that is offboarded; credentials, logs and subscriptions leave nothing behind.
pub struct Lapses(pub Arc<CoreFunction>);

#[async_trait::async_trait]
impl Expiring for Lapses {
    async fn expired(&self, key: &Key, seen: &mut Seen) -> Result<Decision<()>, Error> {
        if key.as_str().starts_with(INVOKERS)
            && let Some(entry) = seen.entry(key).await?
        {
            let kept: Kept<Invoker> = Kept::from_entry(&entry)?;
            return self.0.invoker_departure(seen, &kept.value).await;
        }
        Ok(Decision::of(()))
    }
}
