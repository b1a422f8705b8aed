//! Links begin, are shared and altered for their holders.

use super::{
    CoreLinks, HELD, Holding, KeptLink, both, forget_record, held_key, link_key, put_record, seen_record, share_key,
    share_of,
};
use bytes::Bytes;
use edgeapp_core::{
    error::{Cause, Error},
    network::{Asked, CoreReport, NetworkError, Token},
    room::{Decision, contended, fresh_id},
    store::Key,
};

impl CoreLinks {
    /// Makes sure that the core does what is asked, for the resource `holder`. It may come into being afterwards: the link waits half a
    /// minute for it. Answers with what the core reported at once.
    ///
    /// # Errors
    /// Those of [`NetworkError`]; nothing is held then.
    pub async fn hold(&self, holder: &Key, asked: Asked) -> Result<Vec<CoreReport>, Error> {
        if !self.core.is_configured() {
            return Err(NetworkError::NotConfigured.into());
        }
        let share = share_of(&asked);
        let Some(share) = share else {
            return self.begin_for(holder, asked, None).await;
        };
        let _turn = self.turn(&share).await;
        if self.join(&share, holder, &asked).await? {
            return Ok(Vec::new());
        }
        self.begin_for(holder, asked, Some(share)).await
    }

    /// What `holder` needs has changed: its link becomes that, without a gap where the core allows it.
    ///
    /// # Errors
    /// Those of [`NetworkError`]: what was held before is still held then.
    pub async fn alter(&self, holder: &Key, asked: Asked) -> Result<(), Error> {
        let mut mine = None;
        for token in self.held_by(holder.as_str()).await? {
            if let Some(record) = self.record(&token).await?
                && record.asked.service() == asked.service()
            {
                mine = Some((token, record));
            }
        }
        let Some((token, record)) = mine else {
            return self.hold(holder, asked).await.map(|_| ());
        };
        if record.share.is_some() {
            // Joining is asking for what is finer; what is coarser than before stays as it is until the link ends.
            if share_of(&asked) == record.share {
                return self.hold(holder, asked).await.map(|_| ());
            }
            self.hold(holder, asked).await?;
            self.let_go(&token, holder.as_str()).await?;
            return Ok(());
        }
        let link = self.make(&token, &record, &asked).await?;
        for mut seen in self.room.attempts() {
            let Some(mut now) = seen_record(&mut seen, &token).await? else {
                // Ended meanwhile: whoever ended it also ends what was made here, see `upkeep`.
                return Err(contended());
            };
            (now.asked, now.link) = (asked.clone(), Some(link.clone()));
            if self
                .room
                .commit(seen, put_record(Decision::of(()), &token, &now)?)
                .await?
                .is_some()
            {
                return Ok(());
            }
        }
        Err(contended())
    }

    /// Gives back what `holder` holds, because it does not come into being. What cannot be ended now is ended by the upkeep.
    pub async fn give_back(&self, holder: &Key) {
        let tokens = match self.held_by(holder.as_str()).await {
            Ok(tokens) => tokens,
            Err(error) => return tracing::warn!(%error, "links are given back later"),
        };
        for token in tokens {
            if let Err(error) = self.let_go(&token, holder.as_str()).await {
                tracing::warn!(%error, "a link is given back later");
            }
        }
    }

    /// The running link of this name takes in another holder; it becomes finer if need be. False when there is none.
    async fn join(&self, share: &str, holder: &Key, asked: &Asked) -> Result<bool, Error> {
        for mut seen in self.room.attempts() {
            let Some(named) = seen.entry(&share_key(share)).await? else {
                return Ok(false);
            };
            let token = Token::new(String::from_utf8_lossy(&named.value));
            let Some(mut record) = seen_record(&mut seen, &token).await? else {
                return Ok(false);
            };
            let finer = match (&record.asked, asked) {
                (Asked::Location(running), Asked::Location(asked)) => both(running, asked).map(Asked::Location),
                _ => None,
            };
            let wanted = finer.clone().unwrap_or_else(|| record.asked.clone());
            if finer.is_some() || record.link.is_none() {
                record.link = Some(self.make(&token, &record, &wanted).await?);
                (record.asked, record.begun) = (wanted, Some(seen.now()));
            }
            if record.holders.iter().all(|holding| holding.key != holder.as_str()) {
                record.holders.push(Holding {
                    key: holder.to_string(),
                    since: seen.now(),
                });
            }
            seen.entry(&held_key(holder.as_str(), &token)).await?;
            let decision = Decision::of(()).put_bytes(&held_key(holder.as_str(), &token), Bytes::new(), None);
            if self
                .room
                .commit(seen, put_record(decision, &token, &record)?)
                .await?
                .is_some()
            {
                return Ok(true);
            }
        }
        Err(contended())
    }

    /// A new link. Its record comes first, so that nothing can run at the core that we know nothing of.
    async fn begin_for(&self, holder: &Key, asked: Asked, share: Option<String>) -> Result<Vec<CoreReport>, Error> {
        let token = Token::new(fresh_id());
        for mut seen in self.room.attempts() {
            let record = KeptLink {
                asked: asked.clone(),
                share: share.clone(),
                holders: vec![Holding {
                    key: holder.to_string(),
                    since: seen.now(),
                }],
                link: None,
                begun: Some(seen.now()),
                last_holder: None,
                silent: false,
            };
            seen.fresh(&link_key(&token));
            let mut decision = put_record(Decision::of(()), &token, &record)?.put_bytes(
                &held_key(holder.as_str(), &token),
                Bytes::new(),
                None,
            );
            if let Some(share) = &share {
                seen.entry(&share_key(share)).await?;
                decision = decision.put_bytes(&share_key(share), token.reveal().to_owned().into(), None);
            }
            if self.room.commit(seen, decision).await?.is_some() {
                return self.first(&token, &asked, &record).await;
            }
        }
        Err(contended())
    }

    async fn first(&self, token: &Token, asked: &Asked, record: &KeptLink) -> Result<Vec<CoreReport>, Error> {
        let begun = match self.core.begin(asked, token).await {
            Err(NetworkError::Duplicate(reason)) => {
                // Perhaps one that a crash left behind: then it can be replaced.
                tracing::info!(reason, "the core network already has such a subscription");
                self.end_strays(asked.service()).await;
                self.core.begin(asked, token).await
            }
            begun => begun,
        };
        let begun = match begun {
            Ok(begun) => begun,
            Err(error) => {
                self.forget(token).await?;
                return Err(match error {
                    NetworkError::Duplicate(_) => Error::forbidden(
                        Cause::CoreNetworkRefused,
                        "the core network allows one such subscription for this UE, and somebody else has it",
                    ),
                    error => error.into(),
                });
            }
        };
        for mut seen in self.room.attempts() {
            let Some(mut now) = seen_record(&mut seen, token).await? else {
                break;
            };
            (now.link, now.begun) = (Some(begun.link.clone()), Some(seen.now()));
            if self
                .room
                .commit(seen, put_record(Decision::of(()), token, &now)?)
                .await?
                .is_some()
            {
                return Ok(begun.reports);
            }
        }
        // The record is gone: it took so long that the link was given up.
        tracing::warn!(holders = ?record.holders.len(), prefix = HELD, "a link was given up while it was begun");
        if let Err(error) = self.core.end(&begun.link).await {
            tracing::warn!(%error, "it is ended by the upkeep");
        }
        Err(contended())
    }

    /// What the core runs for this record becomes what is asked; it is begun (again) where it does not run or cannot change so.
    pub(super) async fn make(
        &self,
        token: &Token,
        record: &KeptLink,
        asked: &Asked,
    ) -> Result<edgeapp_core::network::Link, NetworkError> {
        if let Some(link) = &record.link {
            match self.core.alter(link, asked, token).await {
                Ok(()) => return Ok(link.clone()),
                Err(NetworkError::Gone) => {}
                Err(error) => return Err(error),
            }
        }
        self.core.begin(asked, token).await.map(|begun| begun.link)
    }

    /// Forgets a link that does not run.
    pub(super) async fn forget(&self, token: &Token) -> Result<(), Error> {
        for mut seen in self.room.attempts() {
            let Some(record) = seen_record(&mut seen, token).await? else {
                return Ok(());
            };
            if self.room.commit(seen, forget_record(token, &record)).await?.is_some() {
                return Ok(());
            }
        }
        Err(contended())
    }
}
