//! Notifications to many subscribers of whom some are dead, beside the same without the dead ones: the living ones must hardly notice.
//!
//! The outbox, its store on disk and the notifier are those of an EES. What happens is told to every subscriber, as the change of an
//! EAS is; each subscriber is a lane, and each task is guarded by its subscription.

use crate::{
    Failure, Report,
    arguments::Notify,
    comparison::median,
    ears::{Ears, Life},
    laboratory::Laboratory,
    say,
};
use async_trait::async_trait;
use edgeapp_core::{
    callback::CallbackRule,
    clock::SystemClock,
    error::Error,
    kept::Kept,
    notifier::{NotDelivered, Notifier},
    outbox::{Outbox, OutboxSettings, Outcome, Reactions, Task, Todo},
    principal::{Principal, Role},
    room::{Decision, Room},
    store::Key,
};
use edgeapp_http::client::HttpClient;
use edgeapp_openapi::common::Uri;
use edgeapp_store::RedbStore;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{
    fmt::Write,
    sync::Arc,
    time::{Duration, Instant},
};

/// How long a notifier waits for an answer, as an EES does when its configuration does not say.
const PATIENCE: Duration = Duration::from_secs(5);

/// One notification on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Told {
    to: Uri,
    number: u32,
}

/// Tells everything to everybody.
struct ToAll {
    subscribers: Vec<(String, Uri)>,
    notifier: HttpClient,
}

#[async_trait]
impl Reactions for ToAll {
    type Event = u32;
    type Work = Told;

    async fn react(&self, number: u32) -> Result<Vec<Todo<Told>>, Error> {
        let todo = |(key, to): &(String, Uri)| Todo {
            lane: key.clone(),
            task: Task {
                work: Told { to: to.clone(), number },
                guard: Some(key.clone()),
                until: None,
            },
        };
        Ok(self.subscribers.iter().map(todo).collect())
    }

    async fn perform(&self, told: &Told, _: u32) -> Outcome {
        let body = json!({"subId": "a-subscription", "number": told.number, "discoveredEas": [{"eas": {"easId": "eas.chess.example",
            "endPt": {"uri": "https://chess.edge-a.example"}, "status": "ENABLED"}}]});
        match self.notifier.notify(&told.to, body.to_string().into()).await {
            Ok(_) => Outcome::Done,
            Err(NotDelivered::Later { reason, after }) => Outcome::Again { reason, after },
            Err(error) => Outcome::Hopeless(error.to_string()),
        }
    }
}

/// One alternation: how long the living ones waited with and without the dead ones.
struct Both {
    with: Duration,
    without: Duration,
}

impl Both {
    fn ratio(&self) -> f64 {
        self.with.as_secs_f64() / self.without.as_secs_f64()
    }
}

/// Measures.
pub(crate) async fn run(arguments: &Notify) -> Result<Report, Failure> {
    let laboratory = Laboratory::within(arguments.folder.as_deref())?;
    let living = arguments
        .subscribers
        .checked_sub(arguments.dead)
        .filter(|living| *living > 0);
    let living = living.ok_or("somebody has to be living: --dead has to be less than --subscribers")?;
    let lives = |dead: u32| -> Vec<Life> {
        // The dead ones come first in everything.
        let dead = (0..dead).map(Life::of_dead);
        dead.chain(std::iter::repeat_n(
            Life::Living,
            usize::try_from(living).unwrap_or_default(),
        ))
        .collect()
    };
    say("warming up");
    round(&laboratory, &lives(0), living, 1).await?;
    let mut alternations = Vec::new();
    for number in 1..=arguments.rounds {
        let both = Both {
            with: round(&laboratory, &lives(arguments.dead), living, arguments.each).await?,
            without: round(&laboratory, &lives(0), living, arguments.each).await?,
        };
        say(&format!(
            "alternation {number} of {}: ratio {:.3}",
            arguments.rounds,
            both.ratio()
        ));
        alternations.push(both);
    }
    Ok(report(arguments, living, &alternations))
}

/// How long it takes until the living ones have heard everything, from the moment on when it happened.
async fn round(laboratory: &Laboratory, lives: &[Life], living: u32, each: u32) -> Result<Duration, Failure> {
    let folder = tempfile::tempdir_in(laboratory.folder())?;
    let store = Arc::new(RedbStore::open(folder.path().join("state.redb"))?);
    let room = Room::new(store, Arc::new(SystemClock::default()));
    let ears = Ears::open(laboratory.pki(), lives).await?;
    let anywhere = CallbackRule::anywhere();
    let trust = laboratory.pki().trust(Role::Eas)?;
    let notifier = HttpClient::new(&laboratory.identity("ees-a")?, &trust, anywhere, PATIENCE)?;
    let owner = Principal::from_names(["urn:edgeapp:eas:eas.chess.example"], [])?;
    let mut subscribers = Vec::new();
    let (mut seen, mut subscribed) = (room.look(), Decision::of(()));
    for (number, address) in ears.addresses.iter().enumerate() {
        let key = Key::from(format!("a-subscription/{number:06}"));
        seen.fresh(&key);
        subscribed = subscribed.put(&key, &Kept::new(&owner, None, address))?;
        subscribers.push((key.to_string(), address.parse()?));
    }
    room.commit(seen, subscribed).await?;
    let settings = OutboxSettings::default();
    let outbox = Outbox::new(room.clone(), Arc::new(ToAll { subscribers, notifier }), settings);
    let began = Instant::now();
    let outbox = tokio::spawn(outbox.run());
    for number in 0..each {
        room.commit(room.look(), Decision::of(()).tell(&number)?).await?;
    }
    let limit = Duration::from_secs(600);
    let heard = tokio::time::timeout(limit, ears.hear(u64::from(living) * u64::from(each))).await;
    let took = began.elapsed();
    outbox.abort();
    heard.map_err(|_| format!("the living ones had not heard everything after {limit:?}"))??;
    Ok(took)
}

fn report(arguments: &Notify, living: u32, alternations: &[Both]) -> Report {
    let Notify {
        subscribers,
        dead,
        each,
        ..
    } = arguments;
    let title = format!(
        "notifications: {each} to each of {subscribers} subscribers, {dead} of them dead; time until the {living} living ones have \
         heard all of theirs"
    );
    let mut table = format!(
        "{title}\n\n{:>3} {:>14} {:>14} {:>7}\n",
        "", "with the dead", "without them", "ratio"
    );
    let mut line = |name: &str, with: f64, without: f64, ratio: f64| {
        let _ = writeln!(table, "{name:>3} {with:>12.3} s {without:>12.3} s {ratio:>7.3}");
    };
    for (number, both) in alternations.iter().enumerate() {
        let (with, without) = (both.with.as_secs_f64(), both.without.as_secs_f64());
        line(&(number + 1).to_string(), with, without, both.ratio());
    }
    let with = median(alternations.iter().map(|both| both.with.as_secs_f64()));
    let without = median(alternations.iter().map(|both| both.without.as_secs_f64()));
    let ratio = median(alternations.iter().map(Both::ratio));
    line("med", with, without, ratio);
    let each_of = |both: &Both| json!({"withSeconds": both.with.as_secs_f64(), "withoutSeconds": both.without.as_secs_f64(), "ratio": both.ratio()});
    let json = json!({
        "title": title,
        "ratio": ratio,
        "withSeconds": with,
        "withoutSeconds": without,
        "alternations": alternations.iter().map(each_of).collect::<Vec<_>>(),
    });
    Report { table, json }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments() -> Notify {
        Notify {
            subscribers: 12,
            dead: 3,
            each: 2,
            rounds: 1,
            folder: None,
            json: false,
        }
    }

    #[test]
    fn the_ratio_is_the_median_of_the_ratios() {
        let both = |with, without| Both {
            with: Duration::from_secs(with),
            without: Duration::from_secs(without),
        };
        let report = report(&arguments(), 9, &[both(2, 2), both(3, 2), both(9, 3)]);
        assert_eq!(report.json["ratio"].as_f64(), Some(1.5));
        assert!(
            report.table.contains("med        3.000 s        2.000 s   1.500"),
            "{}",
            report.table
        );
    }

    /// All three kinds of dead ones are among these, and everybody else hears everything.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_living_hear_everything() {
        let report = run(&arguments()).await.unwrap();
        assert_eq!(report.json["alternations"].as_array().map(Vec::len), Some(1));
    }
}
