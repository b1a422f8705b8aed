//! Registrations and subscriptions have the same life: their owner creates, reads, replaces, patches and removes them, and they
//! expire. This is its one home; what is special about a kind of resource stands in its [`Resource`] and in the rooms.

use crate::{
    clock::Lifetimes,
    error::Error,
    kept::Kept,
    parse::Wire,
    patch::{self, PatchRules},
    principal::Principal,
    room::{Decision, Room, Seen, contended, fresh_id},
    store::{Key, Revision},
};
use edgeapp_openapi::common::DateTime;
use serde::Serialize;
use std::marker::PhantomData;

/// A kind of resource that belongs to who created it.
///
/// `Home` is a type of the crate that makes the rules: with it a wire type of another crate can be given rules there.
pub trait Resource<Home = ()>: Wire + Serialize + Clone + Sync + 'static {
    /// First part of its keys, with a slash at the end: `eas/`.
    const PREFIX: &'static str;
    /// What a PATCH may touch.
    const PATCH: PatchRules;

    /// The refusal for an id that is not there.
    fn not_found() -> Error;

    /// The expiry it carries on the wire, and where it stands; `None` for a kind that has none.
    fn expiry(&mut self) -> Option<&mut Option<DateTime>>;

    /// JSON pointer of the expiry.
    const EXPIRY: &'static str = "/expTime";

    /// Whether `next` may take the place of this one: what identifies a resource never changes.
    ///
    /// # Errors
    /// [`Error::not_changeable`] with the member.
    fn may_become(&self, next: &Self) -> Result<(), Error>;

    /// Part of the key between prefix and id, with a slash at the end, so that the resources of one caller lie together.
    fn folder(_owner: &Principal) -> String {
        String::new()
    }
}

/// What an owner wants a resource to become.
#[derive(Clone, Debug)]
pub enum Change<T> {
    /// This, whole (PUT).
    Replace(T),
    /// The stored one with this merge patch (PATCH).
    Patch(serde_json::Value),
}

/// A resource after a change.
#[derive(Clone, Debug)]
pub struct Changed<T> {
    /// The resource as it is now.
    pub value: T,
    /// When it was committed; a read model that has caught up with this shows it.
    pub revision: Revision,
}

/// The resources of one kind in a store.
pub struct Collection<T, Home = ()> {
    room: Room,
    lifetimes: Lifetimes,
    kind: PhantomData<fn() -> (T, Home)>,
}

impl<T, Home> Clone for Collection<T, Home> {
    fn clone(&self) -> Self {
        Self {
            room: self.room.clone(),
            lifetimes: self.lifetimes,
            kind: PhantomData,
        }
    }
}

/// The key of the resource with this id.
pub fn key_of<T: Resource<Home>, Home>(owner: &Principal, id: &str) -> Key {
    Key::from(format!("{}{}{}", T::PREFIX, T::folder(owner), Key::part(id)))
}

impl<T: Resource<Home>, Home> Collection<T, Home> {
    /// The collection in this room; resources live as long as `lifetimes` grants.
    pub fn new(room: Room, lifetimes: Lifetimes) -> Self {
        Self {
            room,
            lifetimes,
            kind: PhantomData,
        }
    }

    /// The room it is in.
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// Whether this owner may have one more, as things are now: to refuse before anybody else is asked for anything.
    ///
    /// # Errors
    /// [`Cause::QuotaExceeded`](crate::error::Cause::QuotaExceeded); when the store fails.
    pub async fn allow_another(&self, owner: &Principal) -> Result<(), Error> {
        let quotas = self.room.quotas();
        quotas.allow_another(&self.room, T::PREFIX, owner.owner()).await
    }

    /// Keeps a new resource of this owner, with an expiry as granted. `also` sees the new id and the resource, may complete it, and
    /// says what else is to be committed and told with it.
    ///
    /// # Errors
    /// When the expiry asked for has passed, `also` refuses, or the store fails.
    pub async fn create(
        &self,
        owner: &Principal,
        value: T,
        also: impl AlsoCreate<T>,
    ) -> Result<(String, Changed<T>), Error> {
        let id = fresh_id();
        let made = self.create_as(owner, &id, value, also).await?;
        Ok((id, made))
    }

    /// As [`Collection::create`], under an id that was made before (see [`fresh_id`]), because something else had to know it.
    ///
    /// # Errors
    /// As [`Collection::create`].
    pub async fn create_as(
        &self,
        owner: &Principal,
        id: &str,
        mut value: T,
        mut also: impl AlsoCreate<T>,
    ) -> Result<Changed<T>, Error> {
        let key = key_of::<T, Home>(owner, id);
        let proposed = value.expiry().and_then(|expiry| *expiry);
        for mut seen in self.room.attempts() {
            let mut value = value.clone();
            let granted = self.lifetimes.grant(proposed, seen.now(), T::EXPIRY)?;
            let granted = value.expiry().and_then(|expiry| {
                *expiry = granted;
                granted
            });
            seen.fresh(&key);
            let more = also.decide(id, &mut value, &mut seen)?;
            let decision = Decision::of(())
                .put(&key, &Kept::new(owner, granted, value.clone()))?
                .and(more);
            if let Some(((), revision)) = self.room.commit(seen, decision).await? {
                return Ok(Changed { value, revision });
            }
        }
        Err(contended())
    }

    /// The resource of this id, if it belongs to `owner`.
    ///
    /// # Errors
    /// [`Resource::not_found`] when there is none, it expired or belongs to somebody else.
    pub async fn read(&self, owner: &Principal, id: &str) -> Result<T, Error> {
        own::<T, Home>(self.room.read(&key_of::<T, Home>(owner, id)).await?, owner).map(|kept| kept.value)
    }

    /// Changes the resource of this id. `also` sees it before and after, may complete it, and says what else is to be committed.
    ///
    /// # Errors
    /// As [`Collection::read`]; when the change breaks a rule; when the store fails. Nothing has changed then.
    pub async fn change(
        &self,
        owner: &Principal,
        id: &str,
        change: &Change<T>,
        mut also: impl AlsoChange<T>,
    ) -> Result<Changed<T>, Error> {
        let key = key_of::<T, Home>(owner, id);
        for mut seen in self.room.attempts() {
            let kept = own::<T, Home>(seen.kept(&key).await?, owner)?;
            let mut value = self.decide(&kept, change, seen.now())?;
            let more = also.decide(&kept.value, &mut value)?;
            let expires_at = value.expiry().and_then(|expiry| *expiry);
            let next = Kept {
                owner: kept.owner.clone(),
                expires_at,
                value,
            };
            let decision = Decision::of(()).put(&key, &next)?.and(more);
            if let Some(((), revision)) = self.room.commit(seen, decision).await? {
                return Ok(Changed {
                    value: next.value,
                    revision,
                });
            }
        }
        Err(contended())
    }

    /// Pure: the resource after the change, with an expiry as granted.
    fn decide(&self, kept: &Kept<T>, change: &Change<T>, now: DateTime) -> Result<T, Error> {
        let (mut next, renews) = match change {
            Change::Replace(next) => (next.clone(), true),
            Change::Patch(patch) => {
                let renews = patch.get(T::EXPIRY.trim_start_matches('/')).is_some();
                (patch::apply(&kept.value, patch, &T::PATCH)?, renews)
            }
        };
        kept.value.may_become(&next)?;
        if let Some(expiry) = next.expiry() {
            *expiry = if renews {
                self.lifetimes.grant(*expiry, now, T::EXPIRY)?
            } else {
                kept.expires_at
            };
        }
        Ok(next)
    }

    /// Removes the resource of this id. `also` sees it and says what else is to be committed.
    ///
    /// # Errors
    /// As [`Collection::read`]; when the store fails.
    pub async fn remove(
        &self,
        owner: &Principal,
        id: &str,
        also: impl Fn(&T) -> Result<Decision<()>, Error> + Send + Sync,
    ) -> Result<Revision, Error> {
        let key = key_of::<T, Home>(owner, id);
        for mut seen in self.room.attempts() {
            let kept = own::<T, Home>(seen.kept(&key).await?, owner)?;
            let decision = Decision::of(()).delete(&key).and(also(&kept.value)?);
            if let Some(((), revision)) = self.room.commit(seen, decision).await? {
                return Ok(revision);
            }
        }
        Err(contended())
    }
}

/// What goes with the creation of a resource. Any `FnMut(&str, &mut T, &mut Seen)` is one.
pub trait AlsoCreate<T>: Send {
    /// Sees the new id, may complete the resource, says what else is to be committed.
    ///
    /// # Errors
    /// When the resource cannot be accepted.
    fn decide(&mut self, id: &str, value: &mut T, seen: &mut Seen) -> Result<Decision<()>, Error>;
}

impl<T, F: FnMut(&str, &mut T, &mut Seen) -> Result<Decision<()>, Error> + Send> AlsoCreate<T> for F {
    fn decide(&mut self, id: &str, value: &mut T, seen: &mut Seen) -> Result<Decision<()>, Error> {
        self(id, value, seen)
    }
}

/// What goes with the change of a resource. Any `FnMut(&T, &mut T)` is one: it sees the resource before and after.
pub trait AlsoChange<T>: Send {
    /// May complete the resource, says what else is to be committed.
    ///
    /// # Errors
    /// When the change cannot be accepted.
    fn decide(&mut self, before: &T, after: &mut T) -> Result<Decision<()>, Error>;
}

impl<T, F: FnMut(&T, &mut T) -> Result<Decision<()>, Error> + Send> AlsoChange<T> for F {
    fn decide(&mut self, before: &T, after: &mut T) -> Result<Decision<()>, Error> {
        self(before, after)
    }
}

/// A stranger learns nothing: what belongs to somebody else is not there.
fn own<T: Resource<Home>, Home>(kept: Option<Kept<T>>, owner: &Principal) -> Result<Kept<T>, Error> {
    kept.filter(|kept| kept.is_of(owner)).ok_or_else(T::not_found)
}
