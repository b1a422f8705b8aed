//! What becomes of what rests on dates, where the clock is not to be believed.

use edgeapp_core::{
    authorizer::{Ask, Authorizer, ReferencePoint},
    clock::{
        SystemClock,
        trust::{Trust, WhileTrusted},
    },
    error::{Error, Kind},
    principal::Principal,
    store::{Commit, Store},
};
use edgeapp_store::MemoryStore;
use jiff::{SignedDuration, Timestamp};
use std::{sync::Arc, time::Instant};

const HIGH_WATER: &str = "clock/high-water";
const HOUR: i64 = 3_600;
const YEAR: i64 = 365 * 24 * HOUR;

struct Everything;

impl Authorizer for Everything {
    fn authorize(&self, _: &Ask<'_>) -> Result<(), Error> {
        Ok(())
    }
}

/// Proves: T-32, WP-59
#[tokio::test]
async fn what_rests_on_dates_is_refused_for_now_until_somebody_confirms() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let clock = Arc::new(SystemClock::default());
    let later = Timestamp::now() + SignedDuration::from_secs(HOUR);
    let commit = Commit::new().put(HIGH_WATER, later.to_string());
    store.commit(commit).await.expect("stored");
    let trust = Trust::open(store.clone(), clock.clone()).await.expect("a state");
    let authorizer = WhileTrusted::new(
        trust.clone(),
        |ask| ask.point == ReferencePoint::Edge1,
        Arc::new(Everything),
    );
    let eec = Principal::from_names(["urn:edgeapp:eec:eec-1"], []).expect("a principal");
    let asked = |point| authorizer.authorize(&Ask::new(&eec, point, "x:y"));
    let refused = asked(ReferencePoint::Edge1).expect_err("the clock is behind");
    assert_eq!(refused.kind, Kind::Unavailable);
    assert!(asked(ReferencePoint::Edge3).is_ok());
    trust.write_down(Timestamp::now()).await.expect("not now");
    assert!(
        !Trust::open(store.clone(), clock.clone())
            .await
            .expect("a state")
            .is_good()
    );

    trust.confirm().await.expect("confirmed");
    assert!(asked(ReferencePoint::Edge1).is_ok());
    assert!(Trust::open(store.clone(), clock).await.expect("a state").is_good());
    trust.look(Timestamp::now() - SignedDuration::from_secs(YEAR), Instant::now());
    assert!(asked(ReferencePoint::Edge1).is_err());
}
