//! One UE crosses the border between two sites, and its application follows.

use super::{
    eec::{AtEes, Common, Eec, Home, Stuck, Ue, message},
    ground::{AC, instance},
    wish::Way,
};
use crate::{
    call::url_of,
    milestone::{Derived, Milestone, Reply, derive, milliseconds},
    pki::CHESS,
    world::{
        ac::{ApplicationClient, Handle},
        tracks::Track,
    },
};
use edgeapp_openapi::{
    acr_events::{AcrEventIds, AcrInfoNotification},
    eas_registration::EndPoint,
};
use serde_json::{Value, json};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::{sleep, sleep_until, timeout};

/// How long a relocation may take altogether.
const LIMIT: Duration = Duration::from_secs(30);

/// What became of a crossing.
#[derive(Clone, Debug)]
pub struct Crossed {
    /// The UE.
    pub ue: u32,
    /// Which crossing of that one it is, from 1.
    pub number: u32,
    /// The site that was left.
    pub from: usize,
    /// The site that was entered.
    pub to: usize,
    /// When it crossed the border, in milliseconds since the fleet began.
    pub moved_ms: f64,
    /// How much later than the time table said, because the simulator was busy.
    pub late: Duration,
    /// What was measured.
    pub derived: Derived,
    /// Why the application did not follow.
    pub failed: Option<String>,
    /// The application's state went on without a gap.
    pub whole: bool,
    /// Nothing was left at the site that was left.
    pub clean: bool,
}

impl Crossed {
    /// Whether all went well.
    pub fn held(&self) -> bool {
        self.failed.is_none() && self.whole && self.clean && self.derived.lost_requests == 0
    }

    /// A name for it among all of a fleet.
    pub fn id(&self) -> String {
        format!("ue-{}-{}", self.ue, self.number)
    }

    /// For machines.
    pub fn json(&self) -> Value {
        json!({
            "id": self.id(), "ue": super::eec::gpsi(self.ue), "from": self.from + 1, "to": self.to + 1,
            "moved_ms": self.moved_ms, "late_ms": milliseconds(self.late), "derived": self.derived,
            "result": if self.failed.is_none() { "complete" } else { "failed" }, "cause": self.failed,
            "state_whole": self.whole, "source_clean": self.clean, "held": self.held(),
        })
    }
}

/// Whether the state went on from reply to reply.
fn whole(replies: &[Reply]) -> bool {
    let counters: Vec<_> = replies
        .iter()
        .filter_map(|reply| reply.good.as_ref())
        .map(|good| good.counter)
        .collect();
    counters.windows(2).all(|pair| pair[1] == pair[0] + 1)
}

/// A UE goes to another site. It is ready before its time has come: what a UE in use has open anyhow stands by then.
pub(super) async fn cross(common: Arc<Common>, ue: &mut Ue, to: usize, due: Instant) -> Crossed {
    let from = ue.site;
    let gpsi = ue.gpsi.clone();
    let ees = common.sites[from].ees.clone();
    let track = Track::new(
        (&gpsi, AC),
        (&instance(from), ees.as_str()),
        Some(&instance(to)),
        common.fresh_recorder(),
    );
    let mut crossed = Crossed {
        ue: ue.number,
        number: ue.set_out,
        from,
        to,
        moved_ms: 0.0,
        late: Duration::ZERO,
        derived: Derived::default(),
        failed: None,
        whole: true,
        clean: false,
    };
    let mut replies = Vec::new();
    let going = going(&common, ue, &track, due, &mut crossed, &mut replies);
    if let Err(Stuck(reason)) = going.await {
        ue.stuck = true;
        crossed.failed = Some(reason);
    }
    let (reached, _) = track.recorder.finish();
    let moved = reached.get(&Milestone::Move).copied().unwrap_or_default();
    crossed.moved_ms = milliseconds(moved);
    crossed.whole = whole(&replies);
    crossed.derived = derive(&reached, &replies, common.wish.period);
    crossed
}

async fn going(
    common: &Common,
    ue: &mut Ue,
    track: &Arc<Track>,
    due: Instant,
    crossed: &mut Crossed,
    replies: &mut Vec<Reply>,
) -> Result<(), Stuck> {
    let eec = Eec::of(ue, common)?;
    let home = ue.home.clone().ok_or_else(|| "it is at home nowhere".to_owned())?;
    if !common.wish.way.relocates() {
        return roam(&eec, ue, &home, track, due, crossed).await;
    }
    common.tracks.begin(CHESS, track.clone());
    let client = ApplicationClient::start(
        eec.eass.clone(),
        track.recorder.clone(),
        (&ue.gpsi, AC),
        common.wish.period,
        &url_of(&home.eas),
    );
    let handle = client.handle();
    let done = timeout(LIMIT, relocate(&eec, ue, &home, track, &handle, due, crossed)).await;
    // The client ends in any case.
    replies.extend(client.finish().await);
    done.unwrap_or_else(|_| Err(Stuck(format!("it did not end within {LIMIT:?}"))))
}

/// The moment of the move.
async fn depart(track: &Track, due: Instant, crossed: &mut Crossed) {
    sleep_until(due.into()).await;
    crossed.late = due.elapsed();
    for milestone in [Milestone::Move, Milestone::Detected, Milestone::Decided] {
        track.recorder.reach(milestone);
    }
}

/// No application: the EEC registers at the new site with its context.
async fn roam(
    eec: &Eec<'_>,
    ue: &mut Ue,
    home: &Home,
    track: &Track,
    due: Instant,
    crossed: &mut Crossed,
) -> Result<(), Stuck> {
    let recorder = &track.recorder;
    depart(track, due, crossed).await;
    let ees = eec.provision(ue, crossed.to).await?;
    recorder.reach(Milestone::Provisioned);
    let (_, context) = eec.register(ue, &ees, Some(home)).await?;
    recorder.reach(Milestone::EecCtxMoved);
    let eas = eec.discover(ue, &ees, crossed.to).await?;
    recorder.reach(Milestone::TEasFound);
    recorder.reach(Milestone::AcrComplete);
    crossed.clean = eec.let_go(ue, Some(&home.ees.root())).await? == 0;
    (ue.site, ue.home) = (crossed.to, Some(Home { ees, context, eas }));
    Ok(())
}

/// The application follows.
async fn relocate(
    eec: &Eec<'_>,
    ue: &mut Ue,
    home: &Home,
    track: &Arc<Track>,
    client: &Handle,
    due: Instant,
    crossed: &mut Crossed,
) -> Result<(), Stuck> {
    let recorder = &track.recorder;
    // The application is in use, and the EEC looks around where it is: these connections stand.
    let served = timeout(super::eec::LOST_AFTER, client.served_by(&instance(crossed.from))).await;
    served.map_err(|_| Stuck("the old site does not serve the application".to_owned()))?;
    eec.provision(ue, crossed.from).await?;
    eec.discover(ue, &home.ees, crossed.from).await?;
    depart(track, due, crossed).await;
    let (ees, eas, complete) = match eec.common.wish.way {
        Way::D => decided_by_the_s_ees(eec, ue, home, track, crossed.to).await?,
        _ => decided_by_the_eec(eec, ue, home, track, crossed.to).await?,
    };
    // The T-EES has registered the EEC with the context that came.
    let root = ees.root();
    let implicit = complete
        .eec_ctxt_reloc
        .as_ref()
        .and_then(|moved| moved.impl_reg.as_ref());
    let implicit = implicit.ok_or_else(|| format!("{} did not register the EEC with its context", ees.id))?;
    let id = implicit.reg_id.to_string();
    let patch = message(json!({"ueMobilityReq": true, "expTime": eec.common.scenario.expires_at()}))?;
    let known = eec.ees(&root).update(&id, &patch).await?;
    // One that the EEC made there itself was retired for it, unless it is the same.
    ue.held
        .retain(|held| held.root != root || held.subscription || held.id == id);
    ue.hold(&root, false, &id);
    recorder.reach(Milestone::EecCtxMoved);
    let context = known.eec_cntx_id.map(|id| id.to_string()).unwrap_or_default();
    client.switch(&url_of(&eas));
    let served = timeout(super::eec::LOST_AFTER, client.served_by(&instance(crossed.to))).await;
    let served = served.map_err(|_| Stuck("the new site does not serve the application".to_owned()))?;
    recorder.reach_at(Milestone::FirstTReply, served);
    let new = Home { ees, context, eas };
    ue.home = Some(new.clone());
    ue.site = crossed.to;
    eec.subscribe(ue, &new.ees).await?;
    eec.application(ue, &home.eas).leave().await?;
    crossed.clean = eec.let_go(ue, Some(&home.ees.root())).await? == 0;
    recorder.reach(Milestone::Cleaned);
    // The application runs on for a while.
    sleep(eec.common.wish.period * 2).await;
    Ok(())
}

type Followed = (AtEes, EndPoint, AcrInfoNotification);

/// Scenario B.
async fn decided_by_the_eec(
    eec: &Eec<'_>,
    ue: &mut Ue,
    home: &Home,
    track: &Arc<Track>,
    to: usize,
) -> Result<Followed, Stuck> {
    let recorder = &track.recorder;
    let ees = eec.provision(ue, to).await?;
    recorder.reach(Milestone::Provisioned);
    eec.register(ue, &ees, None).await?;
    let eas = eec.discover(ue, &ees, to).await?;
    recorder.reach(Milestone::TEasFound);
    recorder.reach(Milestone::TEasSelected);
    let request = message(json!({
        "requestorId": ue.eec_id, "ueId": ue.gpsi, "acId": AC, "easId": CHESS,
        "sEasEndpoint": home.eas, "tEasEndpoint": eas, "easNotifInd": true,
        "eecCtxtReloc": {"eecCtxtId": home.context, "tEesId": ees.id, "tEecEndpoint": ees.end_pt},
    }))?;
    eec.ees(&home.ees.root()).initiate(&request).await?;
    recorder.reach(Milestone::InitAck);
    let complete = complete(track).await?;
    Ok((ees, eas, complete))
}

/// Scenario D.
async fn decided_by_the_s_ees(
    eec: &Eec<'_>,
    ue: &mut Ue,
    home: &Home,
    track: &Arc<Track>,
    to: usize,
) -> Result<Followed, Stuck> {
    let recorder = &track.recorder;
    let request = message(json!({
        "requestorId": ue.eec_id, "ueId": ue.gpsi, "acId": AC, "easId": CHESS, "sEasEndpoint": home.eas,
        "expectedLocArea": {"locInfo": eec.location(to)},
    }))?;
    eec.ees(&home.ees.root()).determine(&request).await?;
    recorder.reach(Milestone::InitAck);
    let told = track.witness.until(|sights| {
        let mut all = sights.notified.iter().map(|notified| &notified.notification);
        all.find(|notification| notification.event_id == AcrEventIds::TargetInformation)
            .and_then(|notification| notification.trgt_info.clone())
    });
    let told = timeout(LIMIT / 2, told).await;
    let told = told.map_err(|_| Stuck("nobody told the EEC of a target".to_owned()))?;
    if let Some(at) = recorder.reached(Milestone::TargetNotified) {
        for milestone in [Milestone::Provisioned, Milestone::TEasFound, Milestone::TEasSelected] {
            recorder.reach_at(milestone, at);
        }
    }
    let eas = told.target_eas_info.map(|found| found.eas.end_pt);
    let eas = eas.ok_or_else(|| "TARGET_INFORMATION names no EAS".to_owned())?;
    let ees = told.target_ees_info.and_then(|info| info.eess.into_iter().next());
    let ees = AtEes::of(ees.ok_or_else(|| "TARGET_INFORMATION names no EES".to_owned())?)?;
    if ees.id != eec.common.sites[to].ees {
        return Err(Stuck(format!("{} is told, where another is in charge", ees.id)));
    }
    let complete = complete(track).await?;
    Ok((ees, eas, complete))
}

/// Waits for ACR_COMPLETE; an unsuccessful one ends it.
async fn complete(track: &Track) -> Result<AcrInfoNotification, Stuck> {
    let complete = track.witness.until(|sights| {
        let mut all = sights.notified.iter().map(|notified| &notified.notification);
        all.find(|notification| notification.acr_status.is_some()).cloned()
    });
    let complete = timeout(LIMIT / 2, complete).await;
    let complete = complete.map_err(|_| Stuck("nobody told that the relocation is complete".to_owned()))?;
    match &complete.acr_status {
        Some(status) if status.acr_res => Ok(complete),
        status => {
            let why = status.as_ref().and_then(|status| status.fail_reason.clone());
            Err(Stuck(format!(
                "the relocation failed: {}",
                why.unwrap_or_else(|| "no reason told".to_owned())
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::milestone::Good;

    fn replies(counters: &[Option<u64>]) -> Vec<Reply> {
        let one = |(number, counter): (u64, &Option<u64>)| Reply {
            number,
            sent: Duration::ZERO,
            done: Duration::ZERO,
            good: counter.map(|counter| Good {
                instance: "a".to_owned(),
                counter,
            }),
        };
        (1..).zip(counters).map(one).collect()
    }

    #[test]
    fn state_is_whole_when_it_goes_up_by_one() {
        assert!(whole(&replies(&[Some(7), Some(8), Some(9)])) && whole(&[]));
        assert!(!whole(&replies(&[Some(7), Some(9)])));
        assert!(!whole(&replies(&[Some(7), Some(7)])));
    }
}
