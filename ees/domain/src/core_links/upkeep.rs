//! Both sides are kept truthful: what nobody needs ends, what vanished begins again, what a crash left behind is adopted or ended.

use super::{
    CoreLinks, GRACE, KeptLink, LINK, LinkWork, UPKEEP, UPKEEP_LANE, forget_record, held_key, link_key, put_record,
    seen_record,
};
use crate::event::{Event, Work};
use edgeapp_core::{
    error::{Error, Kind},
    network::{Asked, Link, NetworkError, Running, Service, Token},
    outbox::{Outcome, Task, Todo},
    room::{Decision, Seen, contended},
    store::{Key, Span},
};
use edgeapp_openapi::common::DateTime;
use jiff::SignedDuration;

impl CoreLinks {
    /// The work on links that follows when `holder` is gone.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn after(&self, holder: &str) -> Result<Vec<Todo<Work>>, Error> {
        let tokens = self.held_by(holder).await?;
        let tidy = |token: Token| {
            let gone = Some(holder.to_owned());
            todo(&token.clone(), LinkWork::Tidy { token, gone })
        };
        Ok(tokens.into_iter().map(tidy).collect())
    }

    /// Makes sure that the upkeep comes, beginning with now.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn start_upkeep(&self) -> Result<(), Error> {
        if !self.core.is_configured() {
            return Ok(());
        }
        for mut seen in self.room.attempts() {
            let key = Key::new(UPKEEP);
            seen.entry(&key).await?;
            let decision = set_upkeep(Decision::of(()), seen.now())?;
            if self.room.commit(seen, decision).await?.is_some() {
                return Ok(());
            }
        }
        Err(contended())
    }

    /// The timer of the upkeep rang: it is done, and the timer is set again.
    pub(super) fn upkeep_rang(&self, seen: &Seen) -> Result<Decision<()>, Error> {
        let decision = Decision::of(()).tell(&Event::LinkUpkeep)?;
        set_upkeep(decision, DateTime(seen.now().0 + self.upkeep))
    }

    /// The work of the upkeep.
    pub fn upkeep_due(&self) -> Vec<Todo<Work>> {
        vec![Todo {
            lane: UPKEEP_LANE.to_owned(),
            task: Task {
                work: Work::Link(LinkWork::Upkeep),
                guard: None,
                until: None,
            },
        }]
    }

    /// Does a piece of work; it may come again after a crash.
    pub async fn perform(&self, work: &LinkWork) -> Outcome {
        let done = match work {
            LinkWork::Tidy {
                token,
                gone: Some(gone),
            } => self.let_go(token, gone).await,
            LinkWork::Tidy { token, gone: None } => self.tidy(token).await,
            LinkWork::Upkeep => {
                self.upkeep().await;
                Ok(())
            }
        };
        match done {
            Ok(()) => Outcome::Done,
            // The core will not have it: the upkeep tries again, at its own pace.
            Err(error) if matches!(error.kind, Kind::Forbidden | Kind::NotFound) => {
                Outcome::Hopeless(error.to_string())
            }
            Err(error) => Outcome::Again {
                reason: error.to_string(),
                after: None,
            },
        }
    }

    /// `holder` no longer holds the link, which ends if nobody else does.
    pub(super) async fn let_go(&self, token: &Token, holder: &str) -> Result<(), Error> {
        for mut seen in self.room.attempts() {
            let Some(mut record) = seen_record(&mut seen, token).await? else {
                return Ok(());
            };
            record.holders.retain(|holding| holding.key != holder);
            let decision = Decision::of(()).delete(&held_key(holder, token));
            if self
                .room
                .commit(seen, put_record(decision, token, &record)?)
                .await?
                .is_some()
            {
                return self.tidy(token).await;
            }
        }
        Err(contended())
    }

    /// Ends the link if nobody needs it any more; begins it again if somebody does and it does not run.
    pub(super) async fn tidy(&self, token: &Token) -> Result<(), Error> {
        for mut seen in self.room.attempts() {
            let Some(mut record) = seen_record(&mut seen, token).await? else {
                return Ok(());
            };
            let _turn = match &record.share {
                Some(share) => Some(self.turn(share).await),
                None => None,
            };
            let mut needed = Vec::new();
            for holding in &record.holders {
                let waits = holding.since.0 + SignedDuration::from_secs(GRACE) > seen.now().0;
                if waits || self.exists(&holding.key).await? {
                    needed.push(holding.clone());
                }
            }
            let decision = if needed.is_empty() {
                self.end(token, &record).await?;
                forget_record(token, &record)
            } else {
                let gone = record.holders.iter().filter(|holding| !needed.contains(holding));
                let decision = gone.fold(Decision::of(()), |decision, holding| {
                    decision.delete(&held_key(&holding.key, token))
                });
                record.holders = needed;
                if record.link.is_none() && !record.is_beginning(seen.now()) {
                    record.link = Some(self.make(token, &record, &record.asked).await?);
                    record.beginning = None;
                    let regained = self.tell(&record, super::Heard::Regained, &mut seen).await?;
                    put_record(decision.and(regained), token, &record)?
                } else {
                    put_record(decision, token, &record)?
                }
            };
            if self.room.commit(seen, decision).await?.is_some() {
                return Ok(());
            }
        }
        Err(contended())
    }

    async fn exists(&self, key: &str) -> Result<bool, Error> {
        Ok(self.room.read::<serde::de::IgnoredAny>(&Key::new(key)).await?.is_some())
    }

    /// Ends at the core what this record stands for.
    async fn end(&self, token: &Token, record: &KeptLink) -> Result<(), NetworkError> {
        match &record.link {
            Some(link) => self.core.end(link).await.map(|_| ()),
            None => {
                // It may have begun without our hearing of it.
                let running = self.core.running(record.asked.service()).await.unwrap_or_default();
                for stray in running.iter().filter(|running| running.token.as_ref() == Some(token)) {
                    self.core.end(&stray.link).await?;
                }
                Ok(())
            }
        }
    }

    /// Compares everything with what runs at the core: begins what vanished, ends what nobody needs, renews what would run out. What
    /// fails is left to the next time.
    pub async fn upkeep(&self) {
        if !self.core.is_configured() {
            return;
        }
        for service in Service::ALL {
            // What runs is read first: whatever runs then has its record already.
            let running = match self.core.running(service).await {
                Ok(running) => Some(running),
                Err(error) => {
                    tracing::warn!(?service, %error, "the core network does not say what runs there");
                    None
                }
            };
            let records = match self.records(service).await {
                Ok(records) => records,
                Err(error) => return tracing::warn!(%error, "links cannot be looked after now"),
            };
            if let Some(running) = &running {
                self.end_unknown(running, &records).await;
            }
            for (token, record) in records {
                if let Err(error) = self.look_after(&token, record, running.as_deref()).await {
                    tracing::warn!(?service, %error, "a link is looked after later");
                }
            }
        }
    }

    async fn records(&self, service: Service) -> Result<Vec<(Token, KeptLink)>, Error> {
        let entries = self.room.store().range(Span::prefix(LINK)).await?.entries;
        let mut records = Vec::new();
        for entry in entries {
            let record: KeptLink = serde_json::from_slice(&entry.value).map_err(Error::internal)?;
            if record.asked.service() == service {
                records.push((Token::new(&entry.key.as_str()[LINK.len()..]), record));
            }
        }
        Ok(records)
    }

    /// Ends what reports to an address of ours whose token nobody knows.
    async fn end_unknown(&self, running: &[Running], known: &[(Token, KeptLink)]) {
        let unknown = running.iter().filter(|running| {
            let token = running.token.as_ref();
            token.is_some_and(|token| known.iter().all(|(known, _)| known != token))
        });
        for stray in unknown {
            tracing::info!(service = ?stray.link.service, "something that nobody here needs runs at the core network: it is ended");
            if let Err(error) = self.core.end(&stray.link).await {
                tracing::warn!(%error, "it is ended later");
            }
        }
    }

    /// Ends what a crash left behind.
    pub(super) async fn end_strays(&self, service: Service) {
        let Ok(running) = self.core.running(service).await else {
            return;
        };
        match self.records(service).await {
            Ok(known) => self.end_unknown(&running, &known).await,
            Err(error) => tracing::warn!(%error, "what was left behind is ended later"),
        }
    }

    async fn look_after(&self, token: &Token, record: KeptLink, running: Option<&[Running]>) -> Result<(), Error> {
        let Some(link) = &record.link else {
            if record.is_beginning(self.room.now()) {
                return Ok(());
            }
            let found =
                running.and_then(|running| running.iter().find(|running| running.token.as_ref() == Some(token)));
            if let Some(found) = found {
                self.runs_at(token, Some(found.link.clone()), None).await?;
            }
            return self.tidy(token).await;
        };
        // An answer that was lost may have left a second one behind.
        let twins = running
            .into_iter()
            .flatten()
            .filter(|running| running.token.as_ref() == Some(token) && running.link.uri != link.uri);
        if running.is_some_and(|running| running.iter().any(|running| running.link.uri == link.uri)) {
            for twin in twins {
                self.core.end(&twin.link).await?;
            }
        }
        let is_it = |running: &Running| running.token.as_ref() == Some(token) || running.link.uri == link.uri;
        if running.is_some_and(|running| !running.iter().any(is_it)) {
            tracing::info!(service = ?link.service, "the core network lost a subscription of ours: it is made again");
            self.runs_at(token, None, None).await?;
            return self.tidy(token).await;
        }
        if let Asked::Location(watch) = &record.asked
            && watch.until.0 < self.room.now().0 + self.watch / 5
        {
            let renewed = Asked::Location(edgeapp_core::network::LocationWatch {
                until: self.watch_until(),
                ..watch.clone()
            });
            let link = self.make(token, &record, &renewed).await?;
            self.runs_at(token, Some(link), Some(renewed)).await?;
        }
        self.tidy(token).await
    }

    /// Writes down where a link runs now, if anywhere, and what was asked.
    pub(super) async fn runs_at(&self, token: &Token, link: Option<Link>, asked: Option<Asked>) -> Result<(), Error> {
        for mut seen in self.room.attempts() {
            let Some(mut record) = seen_record(&mut seen, token).await? else {
                return Ok(());
            };
            record.link.clone_from(&link);
            record.beginning = None;
            if let Some(asked) = &asked {
                record.asked = asked.clone();
            }
            if self
                .room
                .commit(seen, put_record(Decision::of(()), token, &record)?)
                .await?
                .is_some()
            {
                return Ok(());
            }
        }
        Err(contended())
    }
}

fn set_upkeep(decision: Decision<()>, at: DateTime) -> Result<Decision<()>, Error> {
    let json = serde_json::to_vec(&serde_json::json!({"expires_at": at})).map_err(Error::internal)?;
    Ok(decision.put_bytes(&Key::new(UPKEEP), json.into(), Some(at)))
}

/// Work on a link, in its lane.
pub(super) fn todo(token: &Token, work: LinkWork) -> Todo<Work> {
    Todo {
        lane: link_key(token).to_string(),
        task: Task {
            work: Work::Link(work),
            guard: None,
            until: None,
        },
    }
}
