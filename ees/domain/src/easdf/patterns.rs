//! Baseline DNS patterns: what the contexts of many UEs refer to, so that one change moves them all (TS 29.556 clause 5.3).
//!
//! Each SMF has names of its own: what one writes is nothing to another, and contexts refer to patterns of who made them. SMFs of a set
//! that share patterns share the identity of their certificates.

use super::{
    json_patch,
    rules::{Allowed, Pattern},
};
use async_trait::async_trait;
use edgeapp_core::{
    error::Error,
    follow::Follower,
    kept::Kept,
    principal::{Owner, Principal},
    room::{Decision, Room, contended},
    store::Key,
};
use edgeapp_openapi::{
    easdf::{
        patch::{PatchItem, PatchResult},
        pattern::{BaseDnsPatternCreateData, BaseDnsPatternCreatedData, VarNfId},
    },
    features,
};
use std::sync::Arc;

/// Where patterns lie.
pub const PREFIX: &str = "base-dns-pattern/";

/// The name of a pattern: whose it is said to be, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternName {
    /// The SMF, or the set.
    pub smf: VarNfId,
    /// What the SMF made up, one part of a path or several.
    pub path: String,
}

impl std::fmt::Display for PatternName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.smf, self.path)
    }
}

/// What an EASDF keeps for SMFs.
#[async_trait]
pub trait BaselinePatterns: Send + Sync {
    /// Keeps a pattern, in place of the one that is there. Answers with what is told of a new one.
    ///
    /// # Errors
    /// When part of it cannot be used, or there are too many.
    async fn put(
        &self,
        principal: &Principal,
        name: &PatternName,
        request: BaseDnsPatternCreateData,
    ) -> Result<Option<BaseDnsPatternCreatedData>, Error>;

    /// Changes parts of a pattern; what could not be changed is in the answer.
    ///
    /// # Errors
    /// As [`BaselinePatterns::put`]; 404 when it is not there; when nothing could be changed.
    async fn modify(
        &self,
        principal: &Principal,
        name: &PatternName,
        patch: &[PatchItem],
    ) -> Result<Option<PatchResult>, Error>;

    /// Removes a pattern. What refers to it does nothing from now on.
    ///
    /// # Errors
    /// 404 when it is not there.
    async fn remove(&self, principal: &Principal, name: &PatternName) -> Result<(), Error>;
}

/// The service behind [`BaselinePatterns`].
pub struct BaselinePatternService {
    room: Room,
    allowed: Arc<Allowed>,
    follower: Follower,
}

fn not_found() -> Error {
    Error::not_found("baseline DNS pattern")
}

/// The key of an owner's pattern; `name` is what stands behind `base-dns-patterns/` in its URI.
pub fn key(owner: &Owner, name: &str) -> Key {
    Key::from(format!("{}{}", folder(owner), Key::part(name)))
}

/// The part of a key that all patterns of an owner share.
pub(super) fn folder(owner: &Owner) -> String {
    format!("{PREFIX}{}/", Key::part(owner.as_str()))
}

impl BaselinePatternService {
    /// A service over this room; `follower` keeps the patterns at work in step with it.
    pub fn new(room: Room, allowed: Arc<Allowed>, follower: Follower) -> Self {
        Self {
            room,
            allowed,
            follower,
        }
    }

    fn accept(&self, mut data: BaseDnsPatternCreateData) -> Result<BaseDnsPatternCreateData, Error> {
        Pattern::new(&data, &self.allowed)?;
        data.supported_features = data.supported_features.map(|offered| features::NONE.common(&offered));
        Ok(data)
    }
}

#[async_trait]
impl BaselinePatterns for BaselinePatternService {
    async fn put(
        &self,
        principal: &Principal,
        name: &PatternName,
        request: BaseDnsPatternCreateData,
    ) -> Result<Option<BaseDnsPatternCreatedData>, Error> {
        let data = self.accept(request)?;
        let key = key(principal.owner(), &name.to_string());
        for mut seen in self.room.attempts() {
            let before = seen.kept::<BaseDnsPatternCreateData>(&key).await?;
            let made = before.is_none().then_some(BaseDnsPatternCreatedData {
                supported_features: data.supported_features,
            });
            let decision = Decision::of(made).put(&key, &Kept::new(principal, None, data.clone()))?;
            if let Some((made, revision)) = self.room.commit(seen, decision).await? {
                self.follower.caught_up(revision).await;
                return Ok(made);
            }
        }
        Err(contended())
    }

    async fn modify(
        &self,
        principal: &Principal,
        name: &PatternName,
        patch: &[PatchItem],
    ) -> Result<Option<PatchResult>, Error> {
        let key = key(principal.owner(), &name.to_string());
        for mut seen in self.room.attempts() {
            let kept = seen.kept::<BaseDnsPatternCreateData>(&key).await?;
            let kept = kept.filter(|kept| kept.is_of(principal)).ok_or_else(not_found)?;
            let patched = json_patch::apply(&kept.value, patch)?;
            let report = (!patched.failed.is_empty()).then_some(PatchResult { report: patched.failed });
            let next = Kept {
                value: self.accept(patched.value)?,
                ..kept
            };
            let decision = Decision::of(report).put(&key, &next)?;
            if let Some((report, revision)) = self.room.commit(seen, decision).await? {
                self.follower.caught_up(revision).await;
                return Ok(report);
            }
        }
        Err(contended())
    }

    async fn remove(&self, principal: &Principal, name: &PatternName) -> Result<(), Error> {
        let key = key(principal.owner(), &name.to_string());
        for mut seen in self.room.attempts() {
            let kept = seen.kept::<BaseDnsPatternCreateData>(&key).await?;
            kept.filter(|kept| kept.is_of(principal)).ok_or_else(not_found)?;
            if let Some(((), revision)) = self.room.commit(seen, Decision::of(()).delete(&key)).await? {
                self.follower.caught_up(revision).await;
                return Ok(());
            }
        }
        Err(contended())
    }
}
