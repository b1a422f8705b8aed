//! Resources that hold several links: each can be looked at, replaced and given back by itself.

use super::{CoreLinks, KeptLink};
use edgeapp_core::{
    error::Error,
    network::{Asked, CoreReport, Token},
    store::Key,
};

impl CoreLinks {
    /// What a resource holds.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn held(&self, holder: &Key) -> Result<Vec<(Token, KeptLink)>, Error> {
        let mut held = Vec::new();
        for token in self.held_by(holder.as_str()).await? {
            if let Some(record) = self.record(&token).await? {
                held.push((token, record));
            }
        }
        Ok(held)
    }

    /// One link of `holder` is not needed any more. What cannot be ended now is ended by the upkeep.
    pub async fn release(&self, holder: &Key, token: &Token) {
        if let Err(error) = self.let_go(token, holder.as_str()).await {
            tracing::warn!(%error, "a link is given back later");
        }
    }

    /// Begins what is `wanted` for `holder` as far as it does not hold it already. What cannot be begun does not keep the rest from it:
    /// the answers are in the order of the wishes, each with what the core reported at once.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn hold_what_can_be(
        &self,
        holder: &Key,
        wanted: &[Asked],
    ) -> Result<Vec<Result<Vec<CoreReport>, Error>>, Error> {
        let before = self.held(holder).await?;
        let mut answers: Vec<Result<Vec<CoreReport>, Error>> = Vec::new();
        for (n, asked) in wanted.iter().enumerate() {
            let asked_already = wanted[..n].iter().position(|earlier| same(earlier, asked));
            answers.push(match asked_already {
                Some(earlier) => answers[earlier].clone(),
                None if before.iter().any(|(_, record)| same(&record.asked, asked)) => Ok(Vec::new()),
                None => self.hold(holder, asked.clone()).await,
            });
        }
        Ok(answers)
    }

    /// Makes the links of `holder` those that are `wanted`: what it holds already stays, what is new is begun, and only when all of it
    /// runs, what is not wanted any more ends. Links that `stays` accepts are left alone.
    ///
    /// # Errors
    /// When one cannot be begun: what was begun here ends again, and what was held before is still held.
    pub async fn hold_exactly(
        &self,
        holder: &Key,
        wanted: &[Asked],
        stays: impl Fn(&Asked) -> bool + Send + Sync,
    ) -> Result<(), Error> {
        let before = self.held(holder).await?;
        for asked in wanted {
            if before.iter().any(|(_, record)| same(&record.asked, asked)) {
                continue;
            }
            if let Err(error) = self.hold(holder, asked.clone()).await {
                for (token, _) in self.held(holder).await? {
                    if before.iter().all(|(known, _)| *known != token) {
                        self.release(holder, &token).await;
                    }
                }
                return Err(error);
            }
        }
        for (token, record) in before {
            let wanted = wanted.iter().any(|asked| same(&record.asked, asked));
            if !wanted && !stays(&record.asked) {
                self.release(holder, &token).await;
            }
        }
        Ok(())
    }
}

/// Whether two wishes are the same but for the end of a watch, which is renewed all the time.
fn same(left: &Asked, right: &Asked) -> bool {
    match (left, right) {
        (Asked::Location(left), Asked::Location(right)) => {
            (&left.target, &left.accuracy, &left.qos) == (&right.target, &right.accuracy, &right.qos)
        }
        (left, right) => left == right,
    }
}
