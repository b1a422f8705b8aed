use super::*;
use edgeapp_core::{
    clock::ManualClock, kept, network::NetworkError, outbox::Outcome, principal::Principal, store::Store,
};
use edgeapp_openapi::ue_location::Accuracy;
use edgeapp_store::MemoryStore;
use edgeapp_testkit::network::FakeCore;
use std::sync::Mutex as Shared;

const NOON: &str = "2026-01-05T12:00:00Z";

/// Resources under `thing/` that remember what they heard, and keep account of what they need if a test says so.
#[derive(Default)]
struct Things(Arc<Shared<Vec<String>>>, Arc<Shared<Option<bool>>>);

#[async_trait]
impl Holder for Things {
    fn prefix(&self) -> &'static str {
        "thing/"
    }
    async fn heard(&self, key: &Key, _: By<'_>, heard: Heard<'_>, _: &mut Seen) -> Result<Decision<()>, Error> {
        let what = match heard {
            Heard::Report(CoreReport::Location(_)) => "location",
            Heard::Report(_) => "report",
            Heard::Lost => "lost",
            Heard::Regained => "regained",
        };
        self.0.lock().expect("no panic").push(format!("{key} {what}"));
        Ok(Decision::of(()))
    }
    async fn needs(&self, _: &Key, _: &Asked) -> Result<Option<bool>, Error> {
        Ok(*self.1.lock().expect("no panic"))
    }
}

struct Site {
    links: CoreLinks,
    core: Arc<FakeCore>,
    clock: Arc<ManualClock>,
    room: Room,
    heard: Arc<Shared<Vec<String>>>,
    needed: Arc<Shared<Option<bool>>>,
}

fn site(core: FakeCore) -> Site {
    let clock = ManualClock::at(NOON.parse().expect("an instant"));
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let room = Room::new(store, clock.clone());
    let core = Arc::new(core);
    let things = Things::default();
    let (heard, needed) = (things.0.clone(), things.1.clone());
    let links = CoreLinks::new(room.clone(), core.clone(), LinkPolicy::default()).heard_by(Arc::new(things));
    Site {
        links,
        core,
        clock,
        room,
        heard,
        needed,
    }
}

impl Site {
    fn watch(&self, accuracy: Option<Accuracy>) -> Asked {
        Asked::Location(LocationWatch {
            target: Target::Ue(ue()),
            accuracy,
            qos: None,
            until: self.links.watch_until(),
        })
    }

    async fn thing(&self, name: &str) -> Key {
        let key = Key::from(format!("thing/{name}"));
        let owner = Principal::from_names(["urn:edgeapp:eas:eas.example"], []).expect("a principal");
        let mut seen = self.room.look();
        seen.fresh(&key);
        let decision = Decision::of(())
            .put(&key, &kept::Kept::new(&owner, None, 1))
            .expect("JSON");
        self.room
            .commit(seen, decision)
            .await
            .expect("committed")
            .expect("no conflict");
        key
    }

    async fn gone(&self, key: &Key) {
        let mut seen = self.room.look();
        seen.entry(key).await.expect("read");
        let decision = Decision::of(()).delete(key);
        self.room
            .commit(seen, decision)
            .await
            .expect("committed")
            .expect("no conflict");
        for todo in self.links.after(key.as_str(), None).await.expect("read") {
            let crate::event::Work::Link(work) = todo.task.work else {
                panic!("work on links")
            };
            assert_eq!(self.links.perform(&work).await, Outcome::Done);
        }
    }

    async fn keys(&self, prefix: &str) -> usize {
        self.room
            .store()
            .range(Span::prefix(prefix))
            .await
            .expect("read")
            .entries
            .len()
    }

    async fn is_clean(&self) {
        assert_eq!(self.core.runs(), []);
        assert_eq!(
            (self.keys(LINK).await, self.keys(SHARE).await, self.keys(HELD).await),
            (0, 0, 0)
        );
    }

    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.heard.lock().expect("no panic"))
    }
}

fn ue() -> Gpsi {
    "extid-ue1@example.org".parse().expect("a GPSI")
}

#[tokio::test]
async fn two_holders_of_one_ue_share_a_watch_which_ends_with_the_last() {
    let site = site(FakeCore::one_per_ue());
    let (a, b) = (site.thing("a").await, site.thing("b").await);
    site.links
        .hold(&a, site.watch(Some(Accuracy::TaRa)))
        .await
        .expect("held");
    site.links
        .hold(&b, site.watch(Some(Accuracy::TaRa)))
        .await
        .expect("held");
    assert_eq!(site.core.counts(), (1, 0));
    site.gone(&a).await;
    assert_eq!(site.core.runs().len(), 1);
    site.gone(&b).await;
    site.is_clean().await;
}

#[tokio::test]
async fn a_shared_watch_becomes_finer_and_never_coarser() {
    let site = site(FakeCore::one_per_ue());
    let (a, b, c) = (site.thing("a").await, site.thing("b").await, site.thing("c").await);
    site.links
        .hold(&a, site.watch(Some(Accuracy::TaRa)))
        .await
        .expect("held");
    site.links
        .hold(&b, site.watch(Some(Accuracy::CgiEcgi)))
        .await
        .expect("held");
    site.links
        .hold(&c, site.watch(Some(Accuracy::Plmn)))
        .await
        .expect("held");
    assert_eq!(site.core.counts(), (1, 1));
    assert_eq!(site.core.runs()[0].asked, site.watch(Some(Accuracy::CgiEcgi)));
}

#[tokio::test]
async fn a_refusal_leaves_nothing_behind() {
    let site = site(FakeCore::default());
    let a = site.thing("a").await;
    site.core.fail_next(NetworkError::Refused {
        cause: "NOT_ALLOWED".to_owned(),
    });
    let refused = site.links.hold(&a, site.watch(None)).await.expect_err("refused");
    assert_eq!(refused.cause, edgeapp_core::error::Cause::CoreNetworkRefused);
    site.is_clean().await;
}

#[tokio::test]
async fn what_a_crash_left_behind_is_replaced_when_only_one_is_allowed() {
    let site = site(FakeCore::one_per_ue());
    site.core.plant(site.watch(None), Token::new("lost")).expect("planted");
    let a = site.thing("a").await;
    site.links.hold(&a, site.watch(None)).await.expect("held");
    assert_eq!(site.core.runs().len(), 1);
    assert_ne!(site.core.runs()[0].token, Token::new("lost"));
}

#[tokio::test]
async fn the_upkeep_ends_what_nobody_knows() {
    let site = site(FakeCore::default());
    site.core.plant(site.watch(None), Token::new("lost")).expect("planted");
    site.links.upkeep().await;
    site.is_clean().await;
}

/// A lost answer to the first attempt may leave a second one behind.
#[tokio::test]
async fn the_upkeep_ends_a_twin() {
    let site = site(FakeCore::default());
    let a = site.thing("a").await;
    site.links.hold(&a, site.watch(None)).await.expect("held");
    let kept = site.core.runs()[0].clone();
    site.core
        .plant(kept.asked.clone(), kept.token.clone())
        .expect("planted");
    site.links.upkeep().await;
    assert_eq!(site.core.runs(), [kept]);
}

#[tokio::test]
async fn the_upkeep_ends_what_was_begun_for_a_resource_that_never_came() {
    let site = site(FakeCore::default());
    site.links
        .hold(&Key::new("thing/never"), site.watch(None))
        .await
        .expect("held");
    site.links.upkeep().await;
    assert_eq!(site.core.runs().len(), 1, "it may still come");
    site.clock.advance(40);
    site.links.upkeep().await;
    site.is_clean().await;
}

#[tokio::test]
async fn the_upkeep_makes_again_what_the_core_lost_and_says_so() {
    let site = site(FakeCore::default());
    let a = site.thing("a").await;
    site.links.hold(&a, site.watch(None)).await.expect("held");
    let token = site.core.runs()[0].token.clone();
    site.core.lose_everything();
    site.links.upkeep().await;
    assert_eq!(
        site.core.runs()[0].token,
        token,
        "reports go on arriving where they did"
    );
    assert_eq!(site.heard(), ["thing/a regained"]);
}

#[tokio::test]
async fn the_upkeep_renews_a_watch_before_it_runs_out() {
    let site = site(FakeCore::default());
    let a = site.thing("a").await;
    site.links.hold(&a, site.watch(None)).await.expect("held");
    site.clock.advance(3000);
    site.links.upkeep().await;
    assert_eq!(site.core.runs()[0].asked, site.watch(None));
    assert_eq!(site.core.counts(), (1, 1));
}

#[tokio::test]
async fn a_silent_core_changes_nothing() {
    let site = site(FakeCore::default());
    let a = site.thing("a").await;
    site.links.hold(&a, site.watch(None)).await.expect("held");
    let down = || NetworkError::Unavailable {
        reason: "down".to_owned(),
        after: None,
    };
    for _ in 0..3 {
        site.core.fail_next(down());
    }
    site.links.upkeep().await;
    assert_eq!((site.core.runs().len(), site.core.counts()), (1, (1, 0)));
}

#[tokio::test]
async fn reports_reach_every_holder_and_an_unknown_token_is_refused() {
    let site = site(FakeCore::default());
    let (a, b) = (site.thing("a").await, site.thing("b").await);
    for key in [&a, &b] {
        site.links.hold(key, site.watch(None)).await.expect("held");
    }
    let token = site.core.runs()[0].token.clone();
    let report = CoreReport::Location(Box::new(LocationReport {
        ue: None,
        location: Some(edgeapp_openapi::location::LocationInfo::default()),
        failure: None,
        at: None,
    }));
    let body = serde_json::to_vec(&[report]).expect("JSON");
    site.links.arrived(&token, &body).await.expect("taken in");
    assert_eq!(site.heard(), ["thing/a location", "thing/b location"]);
    assert!(last_location(&site.room, &ue()).await.expect("read").is_some());
    let stranger = site
        .links
        .arrived(&Token::new("guess"), &body)
        .await
        .expect_err("refused");
    assert_eq!(stranger.kind, edgeapp_core::error::Kind::NotFound);
}

#[tokio::test]
async fn what_the_core_ends_is_begun_again_for_who_still_needs_it() {
    let site = site(FakeCore::default());
    let a = site.thing("a").await;
    site.links.hold(&a, site.watch(None)).await.expect("held");
    let token = site.core.runs()[0].token.clone();
    site.core.lose_everything();
    let body = serde_json::to_vec(&[CoreReport::Ended]).expect("JSON");
    site.links.arrived(&token, &body).await.expect("taken in");
    for todo in site.links.after_loss(token) {
        let crate::event::Work::Link(work) = todo.task.work else {
            panic!("work on links")
        };
        assert_eq!(site.links.perform(&work).await, Outcome::Done);
    }
    assert_eq!(site.core.runs().len(), 1);
    assert_eq!(site.heard(), ["thing/a lost", "thing/a regained"]);
}

#[tokio::test]
async fn what_a_crash_kept_a_resource_from_taking_note_of_ends() {
    let site = site(FakeCore::default());
    let a = site.thing("a").await;
    site.links.hold(&a, site.watch(None)).await.expect("held");
    *site.needed.lock().expect("no panic") = Some(false);
    site.links.upkeep().await;
    assert_eq!(site.core.runs().len(), 1, "it may be about to take note");
    site.clock.advance(31);
    site.links.upkeep().await;
    site.is_clean().await;
}

#[tokio::test]
async fn what_is_needed_again_is_not_given_back() {
    let site = site(FakeCore::default());
    let a = site.thing("a").await;
    site.links.hold(&a, site.watch(None)).await.expect("held");
    *site.needed.lock().expect("no panic") = Some(true);
    site.links.give_back(&a).await;
    assert_eq!(site.core.runs().len(), 1);
    *site.needed.lock().expect("no panic") = Some(false);
    site.links.give_back(&a).await;
    site.is_clean().await;
}

#[tokio::test]
async fn what_is_lost_and_cannot_be_made_again_is_told() {
    let site = site(FakeCore::default());
    let a = site.thing("a").await;
    site.links.hold(&a, site.watch(None)).await.expect("held");
    site.core.lose_everything();
    site.core
        .refuse_to_begin(Some(NetworkError::Refused { cause: "NO".to_owned() }));
    site.links.upkeep().await;
    assert_eq!(site.heard(), ["thing/a lost"]);
    site.core.refuse_to_begin(None);
    site.links.upkeep().await;
    assert_eq!(site.heard(), ["thing/a regained"]);
}

#[tokio::test]
async fn what_cannot_be_begun_does_not_keep_the_rest_from_it() {
    let site = site(FakeCore::default());
    let a = site.thing("a").await;
    site.core.fail_next(NetworkError::UnknownUe);
    let two = [site.watch(None), site.watch(Some(Accuracy::CgiEcgi))];
    let answers = site.links.hold_what_can_be(&a, &two).await.expect("read");
    assert!(answers[0].is_err() && answers[1].is_ok());
    assert_eq!(site.core.runs().len(), 1);
}
