//! All UEs, and the time table that says which of them sets out when, and where to.

use super::{
    cost::{Cost, Reading, peak_memory},
    crossing::{Crossed, cross},
    eec::{AtEes, Common, Counted, Eec, Seen, Stuck, Trusts, Ue},
    ground::{AC, Ground},
    show::View,
    verdict,
    wish::Wish,
};
use crate::{
    call::{PATIENCE, client},
    milestone::Derived,
    pki::{Authority, CHESS, PkiError},
    record::Recorder,
    run::verdict::Assertion,
    scenario::Site,
    world::{callbacks::Callbacks, eas::Eas, tracks::Tracks},
};
use axum::http::Method;
use edgeapp_core::principal::Role;
use edgeapp_http::{client::HttpClient, tls::TlsError};
use futures_util::{StreamExt, stream};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::json;
use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    future::Future,
    ops::ControlFlow,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};
use tokio::{
    task::JoinSet,
    time::{interval, sleep, sleep_until},
};

/// How long before its time a UE gets ready.
const LEAD: Duration = Duration::from_millis(500);
/// How long servers may take to know each other.
const ACQUAINTED: Duration = Duration::from_secs(20);
/// Contexts of bystanders that are brought at a time.
const BROUGHT_AT_ONCE: usize = 64;
/// So many failures are kept in full.
const KEPT: usize = 50;
/// So many measured relocations are kept, 136 bytes each.
const MEASURED: usize = 200_000;
/// So many failures one after the other, with no success in between, are enough at least.
const ENOUGH: u32 = 20;
/// And so many at most.
const MORE_THAN_ENOUGH: u32 = 200;

/// How many failed one after the other: where nobody succeeds any more, waiting for all the others tells nothing new.
struct Row {
    failed: u32,
    enough: u32,
}

impl Row {
    fn of(wish: &Wish) -> Self {
        Self {
            failed: 0,
            enough: wish.at_once.clamp(ENOUGH, MORE_THAN_ENOUGH),
        }
    }

    /// Counts one; says when it is enough, and why.
    fn is_enough(&mut self, failed: Option<&str>) -> Option<String> {
        let Some(reason) = failed else {
            self.failed = 0;
            return None;
        };
        self.failed += 1;
        (self.failed == self.enough).then(|| format!("{} failed one after the other, the last: {reason}", self.enough))
    }
}

/// What was played.
#[derive(Debug, Default)]
pub struct Played {
    /// The name of what was played.
    pub name: String,
    /// UEs that were to register.
    pub ues: u32,
    /// Those that did.
    pub settled: u32,
    /// How often a UE went to another site and was served there.
    pub relocations: u64,
    /// How it was, of these: of very many, of some that were chosen at random.
    pub derived: Vec<Derived>,
    /// How many crossed the border in each second since the fleet set out.
    pub per_second: Vec<u32>,
    /// How often UEs went from one site to another: by the first, then by the second.
    pub between: Vec<Vec<u32>>,
    /// How many set out.
    pub set_out: u64,
    /// How many of them did not arrive.
    pub failed: u64,
    /// Requests of applications that were sent.
    pub requests: u64,
    /// How many of them got no good reply.
    pub lost: u64,
    /// How often the state of an application did not go on as it was.
    pub torn: u64,
    /// How often something was left where a UE had been.
    pub unclean: u64,
    /// How much later than the time table said, at most.
    pub latest: Duration,
    /// Why it ended before its time, where it did.
    pub given_up: Option<String>,
    /// The first failures.
    pub failures: Vec<Crossed>,
    /// Why UEs did not register or did not leave, the first of them.
    pub trouble: Vec<String>,
    /// UEs whose application is held by so many servers: none, one, more.
    pub holders: [u32; 3],
    /// The same when all have left.
    pub holders_left: u32,
    /// Subscriptions and registrations that did not end as they should when UEs left.
    pub left_behind: u64,
    /// Messages that the simulator sent or got.
    pub messages: u64,
    /// What it cost: registering, moving, leaving.
    pub costs: Vec<(&'static str, Cost)>,
    /// The most memory that the simulator had at a time, in bytes.
    pub peak: Option<u64>,
    /// What had to hold.
    pub assertions: Vec<Assertion>,
}

impl Played {
    /// Whether everything that had to hold did.
    pub fn held(&self) -> bool {
        self.assertions.iter().all(|assertion| assertion.held)
    }

    /// What moving cost.
    pub fn moving(&self) -> Option<&Cost> {
        self.costs
            .iter()
            .find(|(phase, _)| *phase == MOVING)
            .map(|(_, cost)| cost)
    }

    fn trouble(&mut self, what: String) {
        if self.trouble.len() < KEPT {
            self.trouble.push(what);
        }
    }

    fn take(&mut self, crossed: &Crossed, set_out_ms: f64) {
        self.requests += as_u64(crossed.derived.requests);
        self.lost += as_u64(crossed.derived.lost_requests);
        self.failed += u64::from(crossed.failed.is_some());
        self.torn += u64::from(!crossed.whole);
        self.unclean += u64::from(crossed.failed.is_none() && !crossed.clean);
        self.latest = self.latest.max(crossed.late);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "seconds of a run"
        )]
        let second = ((crossed.moved_ms - set_out_ms).max(0.0) / 1000.0) as usize;
        if self.per_second.len() <= second {
            self.per_second.resize(second + 1, 0);
        }
        self.per_second[second] += 1;
        self.between[crossed.from][crossed.to] += 1;
        if !crossed.held() && self.failures.len() < KEPT {
            self.failures.push(crossed.clone());
        }
        if crossed.failed.is_none() {
            self.measured(&crossed.derived);
        }
    }

    /// Keeps what was measured, or lets it take the place of another: each has the same chance to be kept (Vitter's algorithm R).
    fn measured(&mut self, derived: &Derived) {
        self.relocations += 1;
        if self.derived.len() < MEASURED {
            self.derived.push(derived.clone());
            return;
        }
        let place = StdRng::seed_from_u64(self.relocations).random_range(0..self.relocations);
        if let Some(other) = usize::try_from(place)
            .ok()
            .and_then(|place| self.derived.get_mut(place))
        {
            *other = derived.clone();
        }
    }

    fn give_up(&mut self, phase: &str, why: &str, view: &mut dyn View) {
        let given_up = format!("while {phase}: {why}");
        view.say(&format!("  given up {given_up}"));
        self.given_up.get_or_insert(given_up);
    }
}

fn as_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

pub(super) const REGISTERING: &str = "registering";
pub(super) const MOVING: &str = "moving";
pub(super) const LEAVING: &str = "leaving";

/// Why a fleet cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum NoFleet {
    /// Certificates cannot be made or used.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// Nobody can be trusted.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// An application server does not start.
    #[error("an application server does not start: {0}")]
    Eas(#[from] crate::world::eas::NoEas),
    /// Notifications cannot be heard.
    #[error("the listener for notifications does not start: {0}")]
    Listen(#[from] std::io::Error),
    /// The servers are not as they have to be.
    #[error("{0}")]
    Servers(String),
}

/// What is left to chance about one departure: how long the UE stays before it, and where it goes.
fn chance(wish: &Wish, ue: u32, number: u32, site: usize) -> (Duration, usize) {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&wish.seed.to_le_bytes());
    seed[8..12].copy_from_slice(&ue.to_le_bytes());
    seed[12..16].copy_from_slice(&number.to_le_bytes());
    let mut chance = StdRng::from_seed(seed);
    let stay = match (wish.cross_within, number) {
        (Some(within), _) => within.mul_f64(chance.random::<f64>()),
        // They are all there already: the first stay has begun before.
        (None, 0) => wish.stay.mul_f64(chance.random::<f64>()),
        (None, _) => wish.stay.mul_f64(0.5 + chance.random::<f64>()),
    };
    let sites = usize::try_from(wish.edns).unwrap_or(2).max(2);
    let to = (site + 1 + chance.random_range(0..sites - 1)) % sites;
    (stay, to)
}

/// Plays a fleet.
///
/// # Errors
/// When it cannot begin.
pub async fn play(wish: &Wish, ground: &Ground, view: &mut dyn View) -> Result<Played, NoFleet> {
    let sites = ground.places.len();
    let mut played = Played {
        name: wish.name(),
        ues: wish.ues,
        between: vec![vec![0; sites]; sites],
        ..Played::default()
    };
    view.say(&format!("An application server starts at each of {sites} sites."));
    let (common, eass) = open(wish, ground).await?;
    let authority = ground.pki.open_authority(Role::Eec)?;
    let first = Ue::new(u32::MAX, identity(ground, &authority, u32::MAX)?, 0);
    let known = acquainted(&common, &first).await?;
    if wish.bystanders > 0 {
        bystanders(wish, ground, &common, &known, view).await?;
    }
    let pids = ground.pids();
    let clock = Clock::start(&pids);
    let mut fleet = settle(&common, ground, &authority, &mut played, view).await?;
    played.costs.push((REGISTERING, clock.stop(&pids)));
    let clock = Clock::start(&pids);
    if played.given_up.is_none() {
        travel(&common, &mut fleet, &mut played, view).await;
    }
    played.costs.push((MOVING, clock.stop(&pids)));
    for ue in fleet.iter().flatten().filter(|ue| ue.home.is_some()) {
        let holders = common.tracks.holders(&ue.gpsi, CHESS).len();
        played.holders[holders.min(2)] += 1;
    }
    let clock = Clock::start(&pids);
    leave(&common, fleet, &mut played, view).await;
    for eas in &eass {
        if let Err(error) = eas.stop().await {
            played.left_behind += 1;
            played.trouble(error.to_string());
        }
    }
    played.costs.push((LEAVING, clock.stop(&pids)));
    for number in 0..wish.ues {
        let holders = common.tracks.holders(&super::eec::gpsi(number), CHESS).len();
        played.holders_left += u32::try_from(holders).unwrap_or(u32::MAX);
    }
    played.messages = common.counted.0.load(Ordering::Relaxed);
    played.peak = peak_memory();
    played.assertions = verdict::judge(wish, &played);
    Ok(played)
}

struct Clock(Instant, Reading);

impl Clock {
    fn start(pids: &[u32]) -> Self {
        Self(Instant::now(), Reading::now(pids))
    }

    fn stop(&self, pids: &[u32]) -> Cost {
        self.1.until(&Reading::now(pids), self.0.elapsed())
    }
}

fn identity(ground: &Ground, authority: &Authority, number: u32) -> Result<edgeapp_http::tls::Identity, PkiError> {
    let (eec_id, gpsi) = (super::eec::eec_id(number), super::eec::gpsi(number));
    ground.pki.issue(Role::Eec, &eec_id).gpsi(&gpsi).identity(authority)
}

/// Application servers, and an ear for the notifications of all UEs.
async fn open(wish: &Wish, ground: &Ground) -> Result<(Arc<Common>, Vec<Eas>), NoFleet> {
    const RELAY: &str = "eec-load-relay";
    let (pki, scenario) = (&ground.pki, &ground.scenario);
    let tracks = Arc::<Tracks>::default();
    let began = Instant::now();
    let relay = pki.files(RELAY);
    if !relay.certificate.exists() {
        pki.issue(Role::Eec, RELAY).named(RELAY).write()?;
    }
    let mut eass = Vec::new();
    for ((edn, eas), place) in scenario.edn.iter().zip(&scenario.eas).zip(&ground.places) {
        let site = Site { edn, eas };
        eass.push(Eas::start(scenario, site, (pki, &place.edge3), &tracks, began).await?);
    }
    let counted = Arc::<Counted>::default();
    let place = |place: &super::ground::Place| Seen {
        tai: place.tai.clone(),
        ees: place.ees.clone(),
    };
    let common = Common {
        wish: wish.clone(),
        scenario: scenario.clone(),
        ecs: ground.ecs.clone(),
        sites: ground.places.iter().map(place).collect(),
        callbacks: Callbacks::for_many(&relay, pki, &tracks).await?,
        tracks,
        trusts: Trusts {
            ecs: pki.trust(Role::Ecs)?,
            ees: pki.trust(Role::Ees)?,
            eas: pki.trust(Role::Eas)?,
        },
        began,
        recorder: Recorder::brief(began, counted.clone()),
        counted,
    };
    Ok((Arc::new(common), eass))
}

/// Waits until the ECS names the EES of every site.
async fn acquainted(common: &Common, ue: &Ue) -> Result<Vec<AtEes>, NoFleet> {
    let eec = Eec::of(ue, common)?;
    let began = Instant::now();
    let mut known = Vec::new();
    while known.len() < common.sites.len() {
        match eec.provision(ue, known.len()).await {
            Ok(ees) => known.push(ees),
            Err(_) if began.elapsed() < ACQUAINTED => sleep(Duration::from_millis(100)).await,
            Err(Stuck(reason)) => return Err(NoFleet::Servers(reason)),
        }
    }
    Ok(known)
}

/// EECs that are registered and do nothing: another EES brings their contexts (TS 23.558 clause 8.9), and each EES registers them.
async fn bystanders(
    wish: &Wish,
    ground: &Ground,
    common: &Common,
    known: &[AtEes],
    view: &mut dyn View,
) -> Result<(), NoFleet> {
    const NEIGHBOUR: &str = "ees-load-neighbour.example";
    let authority = ground.pki.open_authority(Role::Ees)?;
    let neighbour = ground.pki.issue(Role::Ees, NEIGHBOUR).identity(&authority)?;
    let neighbour: HttpClient = client(&neighbour, &common.trusts.ees, PATIENCE * 4)?;
    view.phase("further EECs are registered", Some(wish.bystanders.into()));
    let bring = |number: u32| {
        let ees = &known[usize::try_from(number).unwrap_or_default() % known.len()];
        let url = format!("{}/eees-eeccontextreloc/v1/eec-contexts", ees.root());
        let context = json!({"eesId": NEIGHBOUR, "eecCntx": {
            "eecId": format!("eec-bystander-{number:08}"), "ueId": format!("msisdn-4918{number:08}"),
            "cntxId": format!("context-of-bystander-{number:08}"),
            "acProfs": [{"acId": AC, "acSvcContSupp": [common.scenario.acr], "eass": [{"easId": CHESS}]}],
            "eecSrvContSupp": {"srvContSupp": true, "acrScenarios": [common.scenario.acr]}, "ueMobSuppInd": true,
        }});
        let neighbour = neighbour.clone();
        async move { neighbour.call(Method::POST, &url, Some(&context)).await }
    };
    let mut bringing = stream::iter((0..wish.bystanders).map(bring)).buffer_unordered(BROUGHT_AT_ONCE);
    let mut done = 0;
    while let Some(brought) = bringing.next().await {
        brought.map_err(|error| NoFleet::Servers(format!("a further EEC is not registered: {error}")))?;
        done += 1;
        view.at(done, BROUGHT_AT_ONCE, 0);
    }
    Ok(())
}

/// Does something with every UE, so many at a time, until `done` says that it is enough. Answers with those that it was not done with.
async fn with_all<F>(
    at_once: u32,
    ues: Vec<Ue>,
    work: impl Fn(Ue) -> F,
    mut done: impl FnMut(Ue, Result<usize, Stuck>, usize) -> ControlFlow<()>,
) -> Vec<Ue>
where
    F: Future<Output = (Ue, Result<usize, Stuck>)> + Send + 'static,
{
    let mut ues = ues.into_iter();
    let mut running = JoinSet::new();
    let mut enough = false;
    loop {
        while !enough && running.len() < usize::try_from(at_once).unwrap_or(usize::MAX) {
            let Some(ue) = ues.next() else { break };
            running.spawn(work(ue));
        }
        let Some(ended) = running.join_next().await else {
            return ues.collect();
        };
        // A task that ended otherwise is a UE that is missed at the end.
        if let Ok((ue, ended)) = ended {
            enough |= done(ue, ended, running.len()).is_break();
        }
    }
}

fn going_on(enough: &Option<String>) -> ControlFlow<()> {
    match enough {
        Some(_) => ControlFlow::Break(()),
        None => ControlFlow::Continue(()),
    }
}

/// All UEs register, each at a site, and their applications begin.
async fn settle(
    common: &Arc<Common>,
    ground: &Ground,
    authority: &Authority,
    played: &mut Played,
    view: &mut dyn View,
) -> Result<Vec<Option<Ue>>, NoFleet> {
    let wish = &common.wish;
    view.phase("UEs register", Some(wish.ues.into()));
    let sites = common.sites.len();
    let mut ues = Vec::new();
    for number in 0..wish.ues {
        let site = usize::try_from(number).unwrap_or_default() % sites;
        ues.push(Ue::new(number, identity(ground, authority, number)?, site));
    }
    let mut fleet: Vec<Option<Ue>> = std::iter::repeat_with(|| None).take(ues.len()).collect();
    let (mut done, mut failed, mut row, mut enough) = (0, 0, Row::of(wish), None);
    let work = |mut ue: Ue| {
        let common = common.clone();
        async move {
            let settled = match Eec::of(&ue, &common) {
                Ok(eec) => eec.settle(&mut ue).await.map(|()| 0),
                Err(error) => Err(error.into()),
            };
            (ue, settled)
        }
    };
    with_all(wish.at_once, ues, work, |mut ue, settled, under_way| {
        done += 1;
        let reason = settled.err().map(|Stuck(reason)| reason);
        match &reason {
            None => played.settled += 1,
            Some(reason) => {
                failed += 1;
                ue.stuck = true;
                played.trouble(format!("{}: {reason}", ue.eec_id));
            }
        }
        let place = usize::try_from(ue.number).unwrap_or_default();
        fleet[place] = Some(ue);
        view.at(done, under_way, failed);
        enough = enough.take().or_else(|| row.is_enough(reason.as_deref()));
        going_on(&enough)
    })
    .await;
    if let Some(why) = enough {
        played.give_up(REGISTERING, &why, view);
    }
    Ok(fleet)
}

/// UEs set out when their time has come, until no more are to.
async fn travel(common: &Arc<Common>, fleet: &mut [Option<Ue>], played: &mut Played, view: &mut dyn View) {
    let wish = &common.wish;
    let began = Instant::now() + LEAD;
    let began_ms = began.duration_since(common.began).as_secs_f64() * 1000.0;
    let ends = began + wish.lasts;
    let most = wish.crossings.unwrap_or(u64::MAX);
    let at_once = usize::try_from(wish.at_once).unwrap_or(usize::MAX);
    let mut table = BinaryHeap::new();
    for ue in fleet.iter().flatten().filter(|ue| !ue.stuck) {
        let (stay, to) = chance(wish, ue.number, 0, ue.site);
        table.push(Reverse((began + stay, ue.number, to)));
    }
    let total = wish.cross_within.map(|_| as_u64(table.len()).min(most));
    view.phase("UEs move", total.or(wish.crossings));
    let mut running = JoinSet::new();
    let mut looks = interval(Duration::from_millis(200));
    let mut row = Row::of(wish);
    loop {
        if played.set_out >= most || table.peek().is_some_and(|Reverse((due, ..))| *due > ends) {
            table.clear();
        }
        let next = table.peek().map(|Reverse((due, ..))| *due - LEAD);
        if next.is_none() && running.is_empty() {
            break;
        }
        tokio::select! {
            Some(ended) = running.join_next(), if !running.is_empty() => {
                let Ok((ue, crossed)): Result<(Ue, Crossed), _> = ended else {
                    played.failed += 1;
                    continue;
                };
                played.take(&crossed, began_ms);
                view.crossed(&played.name, &crossed);
                if let Some(why) = row.is_enough(crossed.failed.as_deref()) {
                    played.give_up(MOVING, &why, view);
                    table.clear();
                }
                if !ue.stuck && wish.cross_within.is_none() && played.given_up.is_none() {
                    let (stay, to) = chance(wish, ue.number, ue.set_out, ue.site);
                    table.push(Reverse((Instant::now() + stay, ue.number, to)));
                }
                let place = usize::try_from(ue.number).unwrap_or_default();
                fleet[place] = Some(ue);
            }
            () = sleep_until(next.unwrap_or(ends).into()), if next.is_some() && running.len() < at_once => {
                let Some(Reverse((due, number, to))) = table.pop() else { continue };
                let place = usize::try_from(number).unwrap_or_default();
                let Some(mut ue) = fleet[place].take() else { continue };
                ue.set_out += 1;
                played.set_out += 1;
                let common = common.clone();
                running.spawn(async move {
                    let crossed = cross(common, &mut ue, to, due).await;
                    (ue, crossed)
                });
            }
            _ = looks.tick() => {
                let done = played.set_out - as_u64(running.len());
                view.at(done, running.len(), played.failed);
            }
        }
    }
    view.at(played.set_out, 0, played.failed);
    let all_stuck = fleet.iter().flatten().all(|ue| ue.stuck);
    if all_stuck && played.given_up.is_none() {
        let why = match played.failures.last().and_then(|crossed| crossed.failed.clone()) {
            Some(why) => format!("no UE is left that could move, the last: {why}"),
            None => "no UE is left that could move".to_owned(),
        };
        played.give_up(MOVING, &why, view);
    }
}

/// All UEs leave: nothing of them may stay.
async fn leave(common: &Arc<Common>, fleet: Vec<Option<Ue>>, played: &mut Played, view: &mut dyn View) {
    let ues: Vec<Ue> = fleet.into_iter().flatten().collect();
    view.phase("UEs leave", Some(as_u64(ues.len())));
    let (mut done, mut failed, mut row, mut enough) = (0, 0, Row::of(&common.wish), None);
    let work = |mut ue: Ue| {
        let common = common.clone();
        async move {
            let left = match Eec::of(&ue, &common) {
                Ok(eec) => eec.leave(&mut ue).await,
                Err(error) => Err(error.into()),
            };
            (ue, left)
        }
    };
    let rest = with_all(common.wish.at_once, ues, work, |ue, left, under_way| {
        done += 1;
        let mut trouble = None;
        match left {
            Ok(0) => {}
            // What of a UE that got stuck was gone already is no fault of its leaving.
            Ok(_) if ue.stuck => {}
            Ok(wrong) => played.left_behind += as_u64(wrong),
            Err(Stuck(reason)) => {
                failed += 1;
                played.left_behind += as_u64(ue.held.len()).max(1);
                played.trouble(format!("{}: {reason}", ue.eec_id));
                trouble = Some(reason);
            }
        }
        view.at(done, under_way, failed);
        enough = enough.take().or_else(|| row.is_enough(trouble.as_deref()));
        going_on(&enough)
    })
    .await;
    if let Some(why) = enough {
        played.left_behind += rest.iter().map(|ue| as_u64(ue.held.len())).sum::<u64>();
        played.give_up(LEAVING, &why, view);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_failures_one_after_the_other_are_enough() {
        let wish = |at_once| Wish {
            at_once,
            ..Wish::default()
        };
        let mut row = Row::of(&wish(1));
        assert!((1..ENOUGH).all(|_| row.is_enough(Some("no")).is_none()));
        assert_eq!(row.is_enough(None), None);
        assert!((1..ENOUGH).all(|_| row.is_enough(Some("no")).is_none()));
        let said = row.is_enough(Some("refused")).unwrap();
        assert!(said.contains("20 failed") && said.ends_with("refused"), "{said}");
        assert_eq!(Row::of(&wish(4096)).enough, MORE_THAN_ENOUGH);
    }

    #[test]
    fn what_is_kept_of_very_many_is_bounded_and_even() {
        let mut played = Played::default();
        let many = 4 * MEASURED;
        for n in 0..many {
            played.measured(&Derived {
                requests: n,
                ..Derived::default()
            });
        }
        assert_eq!((played.derived.len(), played.relocations), (MEASURED, as_u64(many)));
        let late = played
            .derived
            .iter()
            .filter(|derived| derived.requests >= many / 2)
            .count();
        assert!((MEASURED * 48 / 100..MEASURED * 52 / 100).contains(&late), "{late}");
    }

    proptest! {
        #[test]
        fn the_seed_says_where_to_and_when(seed: u64, ue: u32, number in 0..1000_u32, edns in 2..100_u32, site in 0..100_usize) {
            let site = site % usize::try_from(edns).unwrap();
            let wish = Wish { seed, edns, ..Wish::default() };
            let (stay, to) = chance(&wish, ue, number, site);
            prop_assert!(to != site && to < usize::try_from(edns).unwrap());
            prop_assert!(stay <= wish.stay.mul_f64(1.5));
            prop_assert!(number == 0 || stay >= wish.stay / 2);
            prop_assert_eq!(chance(&wish, ue, number, site), (stay, to));
        }

        #[test]
        fn who_crosses_once_does_so_in_time(seed: u64, ue: u32) {
            let within = Duration::from_secs(10);
            let wish = Wish { seed, cross_within: Some(within), ..Wish::default() };
            prop_assert!(chance(&wish, ue, 0, 0).0 <= within);
        }
    }
}
