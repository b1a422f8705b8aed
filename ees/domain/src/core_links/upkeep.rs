//! Both sides are kept truthful: what nobody needs ends, what vanished begins again, what a crash left behind is adopted or ended.

use super::{
    CoreLinks, GRACE, Heard, KeptLink, LINK, LinkWork, UPKEEP, UPKEEP_LANE, forget_record, held_key, link_key,
    put_record, ringing, seen_record, tokens_of,
};
use crate::event::{Event, Work};
use edgeapp_core::{
    error::{Error, Kind},
    network::{Asked, CoreReport, Link, NetworkError, Running, Service, Token},
    outbox::{Outcome, Task, Todo},
    room::{Decision, Seen, contended},
    store::{Entry, Key, Span},
};
use edgeapp_openapi::common::{DateTime, Uri};
use jiff::SignedDuration;
use std::collections::{HashMap, HashSet};

impl CoreLinks {
    /// The work on links that follows when `holder` needs these no longer, or none at all.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn after(&self, holder: &str, held: Option<Vec<Token>>) -> Result<Vec<Todo<Work>>, Error> {
        let tokens = match held {
            Some(held) => held,
            None => tokens_of(&self.room, holder).await?,
        };
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
            let decision = ringing(Decision::of(()), &key, seen.now())?;
            if self.room.commit(seen, decision).await?.is_some() {
                return Ok(());
            }
        }
        Err(contended())
    }

    /// The timer of the upkeep rang: it is done, and the timer is set again.
    pub(super) fn upkeep_rang(&self, seen: &Seen) -> Result<Decision<()>, Error> {
        let decision = Decision::of(()).tell(&Event::LinkUpkeep)?;
        ringing(decision, &Key::new(UPKEEP), DateTime(seen.now().0 + self.upkeep))
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
            } => self.let_go_of(token, gone, true).await,
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
        self.let_go_of(token, holder, false).await
    }

    /// The same; a holder that `has_been` there hears the last reports.
    async fn let_go_of(&self, token: &Token, holder: &str, has_been: bool) -> Result<(), Error> {
        for mut seen in self.room.attempts() {
            let Some(mut record) = seen_record(&mut seen, token).await? else {
                return Ok(());
            };
            // Asked for again meanwhile.
            if self.account_of(holder, &record.asked).await? == Some(true) {
                return Ok(());
            }
            let before = record.holders.len();
            record.holders.retain(|holding| holding.key != holder);
            if has_been && record.holders.is_empty() && before > 0 {
                record.last_holder = Some(holder.to_owned());
            }
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
        // The core tells its last reports once, however often this is tried.
        let mut last = Vec::new();
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
                if waits || self.needed_by(&holding.key, &record.asked).await? {
                    needed.push(holding.clone());
                }
            }
            let restarts = record.link.is_none() && !record.is_beginning(seen.now());
            if needed == record.holders && !needed.is_empty() && !restarts {
                return Ok(());
            }
            let decision = if needed.is_empty() {
                last.extend(self.end(token, &record).await?);
                forget_record(token, &record).and(self.farewell(&record, &last, seen.now()).await?)
            } else {
                let gone = record.holders.iter().filter(|holding| !needed.contains(holding));
                let decision = gone.fold(Decision::of(()), |decision, holding| {
                    decision.delete(&held_key(&holding.key, token))
                });
                record.holders = needed;
                if restarts {
                    record.link = Some(self.make(token, &record, &record.asked).await?);
                    record.begun = Some(seen.now());
                    let regained = self.tell(token, &record, Heard::Regained, &mut seen).await?;
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

    async fn needed_by(&self, holder: &str, asked: &Asked) -> Result<bool, Error> {
        if !self.exists(holder).await? {
            return Ok(false);
        }
        Ok(self.account_of(holder, asked).await?.unwrap_or(true))
    }

    async fn account_of(&self, holder: &str, asked: &Asked) -> Result<Option<bool>, Error> {
        match self.holder_of(holder) {
            Some(room) => room.needs(&Key::new(holder), asked).await,
            None => Ok(None),
        }
    }

    /// The link does not run and cannot be begun again: its holders hear of it.
    async fn lost(&self, token: &Token) -> Result<(), Error> {
        for mut seen in self.room.attempts() {
            let Some(record) = seen_record(&mut seen, token).await? else {
                return Ok(());
            };
            let decision = self.tell(token, &record, Heard::Lost, &mut seen).await?;
            if self.room.commit(seen, decision).await?.is_some() {
                return Ok(());
            }
        }
        Err(contended())
    }

    /// What follows from the last reports for who held the link last, if that is gone.
    async fn farewell(&self, record: &KeptLink, last: &[CoreReport], now: DateTime) -> Result<Decision<()>, Error> {
        let holder = record
            .holders
            .last()
            .map(|holding| &holding.key)
            .or(record.last_holder.as_ref());
        let (Some(holder), false) = (holder, last.is_empty()) else {
            return Ok(Decision::of(()));
        };
        match self.holder_of(holder) {
            Some(room) if !self.exists(holder).await? => {
                room.farewell(&Key::new(holder.as_str()), &record.asked, last, now)
            }
            _ => Ok(Decision::of(())),
        }
    }

    /// Ends at the core what this record stands for. Answers with its last reports.
    async fn end(&self, token: &Token, record: &KeptLink) -> Result<Vec<CoreReport>, NetworkError> {
        match &record.link {
            Some(link) => self.core.end(link).await,
            None => {
                // It may have begun without our hearing of it.
                let running = self.core.running(record.asked.service()).await.unwrap_or_default();
                let mut last = Vec::new();
                for stray in running.iter().filter(|running| running.token.as_ref() == Some(token)) {
                    last.extend(self.core.end(&stray.link).await?);
                }
                Ok(last)
            }
        }
    }

    /// Compares everything with what runs at the core: begins what vanished, ends what nobody needs, renews what would run out. What
    /// fails is left to the next time.
    pub async fn upkeep(&self) {
        if !self.core.is_configured() {
            return;
        }
        // What runs is read first: whatever runs then has its record already. What was begun after this instant may not be shown yet.
        let asked_at = self.room.now();
        let (mut there, mut resting) = (HashMap::new(), HashSet::new());
        for service in Service::ALL {
            if self.quiet.is_kept(service, asked_at) {
                resting.insert(service);
                continue;
            }
            match self.core.running(service).await {
                Ok(running) => drop(there.insert(service, There::new(running))),
                Err(NetworkError::Unavailable { reason, after }) => {
                    tracing::warn!(
                        ?service,
                        reason,
                        "the core network does not serve: what runs there is looked after later"
                    );
                    self.quiet.failed(service, after, self.upkeep, asked_at);
                    resting.insert(service);
                }
                Err(error) => tracing::warn!(?service, %error, "the core network does not say what runs there"),
            }
        }
        let records = match self.records().await {
            Ok(records) => records,
            Err(error) => return tracing::warn!(%error, "links cannot be looked after now"),
        };
        for there in there.values() {
            self.end_unknown(there, &records).await;
        }
        for (token, record) in records {
            let service = record.asked.service();
            // Once is no silence: the next round comes as usual.
            let answers = there.contains_key(&service) || !self.quiet.is_kept(service, asked_at);
            if let Err(error) = self.hears_of_silence(&token, &record, answers).await {
                tracing::warn!(?service, %error, "that the core network is silent is told later");
            }
            if resting.contains(&service) {
                continue;
            }
            if let Err(error) = self.look_after(&token, record, there.get(&service), asked_at).await {
                tracing::warn!(?service, %error, "a link is looked after later");
                if error.kind == Kind::Unavailable {
                    // The others would fare no better.
                    self.quiet.failed(service, None, self.upkeep, asked_at);
                    resting.insert(service);
                }
            }
        }
        for service in Service::ALL.into_iter().filter(|service| !resting.contains(service)) {
            self.quiet.served(service);
        }
    }

    /// Holders of watches on paths hear when the core no longer says what runs there, and when it does again. The others learn nothing
    /// by it: what they hold is there or made again.
    async fn hears_of_silence(&self, token: &Token, record: &KeptLink, answers: bool) -> Result<(), Error> {
        let watches = record.asked.service() == Service::Path && record.link.is_some();
        if !watches || record.silent != answers {
            return Ok(());
        }
        for mut seen in self.room.attempts() {
            let Some(mut record) = seen_record(&mut seen, token).await? else {
                return Ok(());
            };
            if record.silent != answers || record.link.is_none() {
                return Ok(());
            }
            record.silent = !answers;
            let heard = if answers { Heard::Regained } else { Heard::Lost };
            let decision = self.tell(token, &record, heard, &mut seen).await?;
            let decision = put_record(decision, token, &record)?;
            if self.room.commit(seen, decision).await?.is_some() {
                return Ok(());
            }
        }
        Err(contended())
    }

    async fn records(&self) -> Result<HashMap<Token, KeptLink>, Error> {
        let entries = self.room.store().range(Span::prefix(LINK)).await?.entries;
        let record = |entry: &Entry| {
            let record = serde_json::from_slice(&entry.value).map_err(Error::internal)?;
            Ok((Token::new(&entry.key.as_str()[LINK.len()..]), record))
        };
        entries.iter().map(record).collect()
    }

    /// Ends what reports to an address of ours whose token nobody knows.
    async fn end_unknown(&self, there: &There, known: &HashMap<Token, KeptLink>) {
        let unknown = there.by_token.iter().filter(|(token, _)| !known.contains_key(token));
        for stray in unknown.flat_map(|(_, running)| running) {
            tracing::info!(service = ?stray.service, "something that nobody here needs runs at the core network: it is ended");
            if let Err(error) = self.core.end(stray).await {
                tracing::warn!(%error, "it is ended later");
            }
        }
    }

    /// Ends what a crash left behind.
    pub(super) async fn end_strays(&self, service: Service) {
        let Ok(running) = self.core.running(service).await else {
            return;
        };
        match self.records().await {
            Ok(known) => self.end_unknown(&There::new(running), &known).await,
            Err(error) => tracing::warn!(%error, "what was left behind is ended later"),
        }
    }

    async fn look_after(
        &self,
        token: &Token,
        record: KeptLink,
        there: Option<&There>,
        asked_at: DateTime,
    ) -> Result<(), Error> {
        let Some(link) = &record.link else {
            if record.is_beginning(self.room.now()) {
                return Ok(());
            }
            if let Some(found) = there.and_then(|there| there.of(token).first()) {
                self.runs_at(token, Some(found.clone()), None).await?;
            }
            return self.tidy(token).await;
        };
        if let Some(there) = there
            && record.begun.is_none_or(|begun| begun <= asked_at)
        {
            let mine = there.of(token);
            if there.uris.contains(&link.uri) {
                // An answer that was lost may have left a second one behind.
                for twin in mine.iter().filter(|running| running.uri != link.uri) {
                    self.core.end(twin).await?;
                }
            } else if mine.is_empty() {
                // Some lists are incomplete: what can be changed is there.
                match self.core.alter(link, &record.asked, token).await {
                    Ok(()) => {}
                    Err(NetworkError::Gone) => {
                        tracing::info!(service = ?link.service, "the core network lost a subscription of ours: it is made again");
                        self.runs_at(token, None, None).await?;
                        if let Err(error) = self.tidy(token).await {
                            self.lost(token).await?;
                            return Err(error);
                        }
                        return Ok(());
                    }
                    Err(error) => return Err(error.into()),
                }
            }
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
            record.begun = link.is_some().then(|| seen.now());
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

/// What runs at the core, to be found by its token and by where it runs.
struct There {
    by_token: HashMap<Token, Vec<Link>>,
    uris: HashSet<Uri>,
}

impl There {
    fn new(running: Vec<Running>) -> Self {
        let (mut by_token, mut uris) = (HashMap::<Token, Vec<Link>>::new(), HashSet::new());
        for Running { link, token } in running {
            uris.insert(link.uri.clone());
            if let Some(token) = token {
                by_token.entry(token).or_default().push(link);
            }
        }
        Self { by_token, uris }
    }

    fn of(&self, token: &Token) -> &[Link] {
        self.by_token.get(token).map_or(&[], Vec::as_slice)
    }
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
