//! EAS registrations (TS 29.558 clause 5.2, TS 23.558 clause 8.4.3).

use crate::{Ees, ending::RegistrationEnded, event::Event};
use async_trait::async_trait;
use edgeapp_core::{
    area::{self, Contains},
    clock::Lifetimes,
    collection::{Change, Resource, key_of},
    error::{Cause, Error},
    follow::Follower,
    kept::Kept,
    patch::{self, PatchRules},
    principal::{Owner, Principal},
    room::{Decision, Room, Seen, contended, fresh_id},
    store::{Key, Revision, Span},
};
use edgeapp_openapi::{
    common::DateTime,
    eas_registration::{EasProfile, EasRegistration, EndPoint},
    ids::EasId,
    location::ServiceArea,
    negotiation::{negotiate, negotiate_again},
};
use url::Url;

/// First part of the keys that hold each endpoint for one registration.
const ENDPOINT: &str = "eas-endpoint/";

impl Resource<Ees> for EasRegistration {
    const PREFIX: &'static str = "eas/";
    const PATCH: PatchRules = PatchRules {
        changeable: &["easProf", "expTime"],
        clearable: &["expTime"],
        fixed: &["suppFeat"],
    };

    fn not_found() -> Error {
        Error::not_found("EAS registration")
    }

    fn expiry(&mut self) -> Option<&mut Option<DateTime>> {
        Some(&mut self.exp_time)
    }

    fn may_become(&self, next: &Self) -> Result<(), Error> {
        if next.eas_prof.eas_id != self.eas_prof.eas_id {
            return Err(Error::not_changeable("/easProf/easId"));
        }
        if next.eas_prof.prov_id != self.eas_prof.prov_id {
            return Err(Error::not_changeable("/easProf/provId"));
        }
        Ok(())
    }
}

/// A registration as it was made.
#[derive(Clone, Debug)]
pub struct Registered {
    /// Its id.
    pub id: String,
    /// The registration with what the EES granted.
    pub registration: EasRegistration,
}

/// What an EES does for Edge Application Servers (TS 29.558 clause 5.2).
#[async_trait]
pub trait EasRegistrations: Send + Sync {
    /// Keeps a new registration; its owner is `principal`. An older one of the same instance and endpoint is replaced.
    ///
    /// # Errors
    /// [`Cause::OwnerMismatch`] when EASID or provider are not the caller's, [`Cause::EasAlreadyRegistered`] when another instance
    /// holds the endpoint, [`Cause::ServiceAreaNotAllowed`] when the area is not within that of the EES.
    async fn register(&self, principal: &Principal, request: EasRegistration) -> Result<Registered, Error>;

    /// The registration of this id.
    ///
    /// # Errors
    /// 404 when it is not there or somebody else's.
    async fn read(&self, principal: &Principal, id: &str) -> Result<EasRegistration, Error>;

    /// Replaces or patches a registration.
    ///
    /// # Errors
    /// As [`EasRegistrations::register`] and [`EasRegistrations::read`]; [`Cause::ModificationNotAllowed`]. Nothing has changed then.
    async fn change(
        &self,
        principal: &Principal,
        id: &str,
        change: Change<EasRegistration>,
    ) -> Result<EasRegistration, Error>;

    /// Ends a registration.
    ///
    /// # Errors
    /// As [`EasRegistrations::read`].
    async fn deregister(&self, principal: &Principal, id: &str) -> Result<(), Error>;
}

/// The service behind [`EasRegistrations`].
pub struct EasService {
    room: Room,
    lifetimes: Lifetimes,
    service_area: Option<ServiceArea>,
    only_names_of_certificates: bool,
    index: Follower,
}

/// The registration that holds an endpoint, expired or not.
struct Holder {
    key: Key,
    kept: Kept<EasRegistration>,
}

fn key(principal: &Principal, id: &str) -> Key {
    key_of::<EasRegistration, Ees>(principal, id)
}

/// Pure: an endpoint has a name, and that is one of the caller's certificate.
fn named_in_certificate(principal: &Principal, endpoint: &EndPoint) -> Result<(), Error> {
    let named = match endpoint {
        EndPoint::Fqdn(name) => principal.has_name(name.as_str()),
        EndPoint::Uri(uri) => {
            Url::parse(uri.as_str()).is_ok_and(|uri| uri.domain().is_some_and(|name| principal.has_name(name)))
        }
        EndPoint::Ipv4Addrs(_) | EndPoint::Ipv6Addrs(_) => false,
    };
    match named {
        true => Ok(()),
        false => Err(Error::forbidden(
            Cause::EndpointNotAllowed,
            "/easProf/endPt must be at a DNS name of the certificate of the EAS",
        )
        .at("/easProf/endPt", "is at no DNS name of the certificate")),
    }
}

/// The key that one instance of an application holds by its endpoint.
fn endpoint_key(profile: &EasProfile) -> Key {
    let endpoint = match &profile.end_pt {
        EndPoint::Uri(uri) => format!("uri {uri}"),
        EndPoint::Fqdn(name) => format!("fqdn {}", name.as_str().trim_end_matches('.').to_ascii_lowercase()),
        EndPoint::Ipv4Addrs(addresses) => format!("ip {}", in_order(addresses)),
        EndPoint::Ipv6Addrs(addresses) => format!("ip {}", in_order(addresses)),
    };
    // FNV-1a: the same for ever and everywhere. Who could make two endpoints collide holds the same EASID anyway.
    let hash = endpoint
        .bytes()
        .fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, byte| {
            (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
        });
    Key::from(format!("{ENDPOINT}{}/{hash:032x}", Key::part(profile.eas_id.as_str())))
}

/// Whether an instance of this application is registered here at this endpoint, whoever registered it.
///
/// # Errors
/// When the store cannot be read.
pub async fn is_here(room: &Room, eas_id: &EasId, endpoint: &EndPoint) -> Result<bool, Error> {
    let held_by = endpoint_key(&EasProfile::new(eas_id.clone(), endpoint.clone()));
    let Some(held) = room.read::<String>(&held_by).await? else {
        return Ok(false);
    };
    let registration = room.read::<serde::de::IgnoredAny>(&Key::from(held.value)).await?;
    Ok(registration.is_some())
}

/// Only an EAS that is registered here is told about UEs (TS 23.558 clause 8.6: the capabilities are exposed to registered EASs).
///
/// # Errors
/// 403 `NOT_REGISTERED`; when the store cannot be read.
pub async fn registered(room: &Room, principal: &Principal) -> Result<(), Error> {
    let eas_id = principal.id().parse().map_err(Error::internal)?;
    if is_registered(room, &eas_id, principal.owner()).await? {
        return Ok(());
    }
    Err(Error::forbidden(
        Cause::NotRegistered,
        "an EAS has to be registered here before it is told about UEs",
    ))
}

/// Whether this owner has a live registration of this EASID.
///
/// # Errors
/// When the state cannot be read.
pub async fn is_registered(room: &Room, eas_id: &EasId, owner: &Owner) -> Result<bool, Error> {
    let prefix = format!("{ENDPOINT}{}/", Key::part(eas_id.as_str()));
    for entry in room.store().range(Span::prefix(prefix)).await?.entries {
        let held = Kept::<String>::from_entry(&entry)?;
        if held.owner == *owner
            && room
                .read::<serde::de::IgnoredAny>(&Key::from(held.value))
                .await?
                .is_some()
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn in_order<T: Ord + ToString>(addresses: &[T]) -> String {
    let mut addresses: Vec<&T> = addresses.iter().collect();
    addresses.sort();
    addresses.dedup();
    addresses
        .into_iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" ")
}

/// The identities in a registration must be the caller's.
fn of_caller(principal: &Principal, profile: &EasProfile) -> Result<(), Error> {
    if !principal.is_eas(&profile.eas_id) {
        return Err(Error::not_yours("/easProf/easId", "EASID"));
    }
    match (&profile.prov_id, principal.provider()) {
        (Some(claimed), Some(proved)) if claimed != proved => Err(Error::not_yours("/easProf/provId", "provider")),
        _ => Ok(()),
    }
}

/// The area of an EAS lies within that of its EES (TS 23.558 clause 7.3.3.6). Where that cannot be told, the EAS is believed.
fn within(ees: Option<&ServiceArea>, profile: &EasProfile) -> Result<(), Error> {
    match (ees, &profile.svc_area) {
        (Some(ees), Some(eas)) if area::covers(ees, eas) == Contains::No => Err(Error {
            invalid: Error::optional_incorrect("/easProf/svcArea", "is not within the service area of this EES")
                .invalid,
            ..Error::forbidden(
                Cause::ServiceAreaNotAllowed,
                "/easProf/svcArea must lie within the service area of this EES",
            )
        }),
        _ => Ok(()),
    }
}

/// Only an instance itself takes over its endpoint; what expired holds nothing.
fn may_take_over(holder: &Holder, principal: &Principal, now: DateTime) -> Result<(), Error> {
    if !holder.kept.is_live(now) || holder.kept.is_of(principal) {
        return Ok(());
    }
    Err(Error {
        invalid: Error::mandatory_incorrect("/easProf/endPt", "is the endpoint of a live registration").invalid,
        ..Error::forbidden(
            Cause::EasAlreadyRegistered,
            "another instance of this EAS is registered with this endpoint",
        )
    })
}

fn changed(before: Option<&EasProfile>, after: Option<&EasProfile>, expires_at: Option<DateTime>) -> Event {
    let boxed = |profile: Option<&EasProfile>| profile.cloned().map(Box::new);
    Event::EasChanged {
        before: boxed(before),
        after: boxed(after),
        expires_at,
    }
}

fn ended(kept: &Kept<EasRegistration>) -> Event {
    Event::EasRegistrationEnded(RegistrationEnded {
        eas_id: kept.value.eas_prof.eas_id.clone(),
        owner: kept.owner.clone(),
    })
}

/// The end of a registration: it and its hold on the endpoint go, and it is told.
fn end(key: &Key, kept: &Kept<EasRegistration>) -> Result<Decision<()>, Error> {
    let profile = &kept.value.eas_prof;
    Decision::of(())
        .delete(key)
        .delete(&endpoint_key(profile))
        .tell(&changed(Some(profile), None, kept.expires_at))?
        .tell(&ended(kept))
}

impl EasService {
    /// A service over this room. Registrations live as `lifetimes` says and stay within `service_area`; answers wait until the read
    /// model behind `index` shows what they say.
    pub fn new(room: Room, lifetimes: Lifetimes, service_area: Option<ServiceArea>, index: Follower) -> Self {
        Self {
            room,
            lifetimes,
            service_area,
            only_names_of_certificates: false,
            index,
        }
    }

    /// EASs are reached at names of their certificates, and nowhere else.
    pub fn with_only_names_of_certificates(mut self, only: bool) -> Self {
        self.only_names_of_certificates = only;
        self
    }

    fn may_be_at(&self, principal: &Principal, profile: &EasProfile) -> Result<(), Error> {
        match self.only_names_of_certificates {
            true => named_in_certificate(principal, &profile.end_pt),
            false => Ok(()),
        }
    }

    /// The removal of a registration that expired, for the sweeper.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn expired(&self, key: &Key, seen: &mut Seen) -> Result<Decision<()>, Error> {
        match seen.even_expired(key).await? {
            Some(kept) => end(key, &kept),
            None => Ok(Decision::of(())),
        }
    }

    async fn shown<T>(&self, (answer, revision): (T, Revision)) -> T {
        self.index.caught_up(revision).await;
        answer
    }

    /// The registration that holds an endpoint. Who holds it by the key is there, for both go in one transaction.
    async fn holder(seen: &mut Seen, endpoint: &Key) -> Result<Option<Holder>, Error> {
        let Some(key) = seen.kept::<String>(endpoint).await? else {
            return Ok(None);
        };
        let key = Key::from(key.value);
        Ok(seen.even_expired(&key).await?.map(|kept| Holder { key, kept }))
    }

    async fn own(seen: &mut Seen, key: &Key, principal: &Principal) -> Result<Kept<EasRegistration>, Error> {
        let kept = seen.kept::<EasRegistration>(key).await?;
        kept.filter(|kept| kept.is_of(principal))
            .ok_or_else(EasRegistration::not_found)
    }

    /// The decision to keep a registration that holds `endpoint` from now on.
    async fn take(
        seen: &mut Seen,
        principal: &Principal,
        endpoint: &Key,
        key: &Key,
    ) -> Result<(Decision<()>, Option<EasProfile>), Error> {
        let mut decision = Decision::of(()).put(endpoint, &Kept::new(principal, None, key.to_string()))?;
        let Some(holder) = Self::holder(seen, endpoint).await? else {
            return Ok((decision, None));
        };
        may_take_over(&holder, principal, seen.now())?;
        decision = decision.delete(&holder.key);
        if !holder.kept.is_of(principal) {
            decision = decision.tell(&ended(&holder.kept))?;
        }
        Ok((decision, Some(holder.kept.value.eas_prof)))
    }

    /// Pure: the registration after the change.
    fn after(
        &self,
        kept: &Kept<EasRegistration>,
        change: &Change<EasRegistration>,
        now: DateTime,
    ) -> Result<EasRegistration, Error> {
        let (mut next, renews) = match change {
            Change::Replace(next) => (next.clone(), true),
            Change::Patch(patch) => (
                patch::apply(&kept.value, patch, &EasRegistration::PATCH)?,
                patch.get("expTime").is_some(),
            ),
        };
        kept.value.may_become(&next)?;
        within(self.service_area.as_ref(), &next.eas_prof)?;
        negotiate_again(&mut next, kept.value.supp_feat);
        next.exp_time = if renews {
            self.lifetimes.grant(next.exp_time, now, EasRegistration::EXPIRY)?
        } else {
            kept.expires_at
        };
        Ok(next)
    }
}

#[async_trait]
impl EasRegistrations for EasService {
    async fn register(&self, principal: &Principal, mut request: EasRegistration) -> Result<Registered, Error> {
        of_caller(principal, &request.eas_prof)?;
        self.may_be_at(principal, &request.eas_prof)?;
        within(self.service_area.as_ref(), &request.eas_prof)?;
        negotiate(&mut request);
        let (id, endpoint) = (fresh_id(), endpoint_key(&request.eas_prof));
        let key = key(principal, &id);
        for mut seen in self.room.attempts() {
            let mut registration = request.clone();
            registration.exp_time = self
                .lifetimes
                .grant(request.exp_time, seen.now(), EasRegistration::EXPIRY)?;
            seen.fresh(&key);
            let (decision, before) = Self::take(&mut seen, principal, &endpoint, &key).await?;
            let event = changed(before.as_ref(), Some(&registration.eas_prof), registration.exp_time);
            let decision = decision.put(&key, &Kept::new(principal, registration.exp_time, registration.clone()))?;
            let decision = decision.tell(&event)?.answer(registration);
            if let Some(committed) = self.room.commit(seen, decision).await? {
                let registration = self.shown(committed).await;
                return Ok(Registered { id, registration });
            }
        }
        Err(contended())
    }

    async fn read(&self, principal: &Principal, id: &str) -> Result<EasRegistration, Error> {
        Self::own(&mut self.room.look(), &key(principal, id), principal)
            .await
            .map(|kept| kept.value)
    }

    async fn change(
        &self,
        principal: &Principal,
        id: &str,
        change: Change<EasRegistration>,
    ) -> Result<EasRegistration, Error> {
        let key = key(principal, id);
        for mut seen in self.room.attempts() {
            let kept = Self::own(&mut seen, &key, principal).await?;
            let next = self.after(&kept, &change, seen.now())?;
            self.may_be_at(principal, &next.eas_prof)?;
            let (before, after) = (&kept.value.eas_prof, &next.eas_prof);
            let (old_endpoint, endpoint) = (endpoint_key(before), endpoint_key(after));
            let mut decision = Decision::of(());
            if endpoint != old_endpoint {
                let (taken, displaced) = Self::take(&mut seen, principal, &endpoint, &key).await?;
                decision = decision.and(taken).delete(&old_endpoint);
                if let Some(displaced) = displaced {
                    decision = decision.tell(&changed(Some(&displaced), None, None))?;
                }
            }
            if before != after {
                decision = decision.tell(&changed(Some(before), Some(after), next.exp_time))?;
            }
            let decision = decision
                .put(&key, &Kept::new(principal, next.exp_time, next.clone()))?
                .answer(next);
            if let Some(committed) = self.room.commit(seen, decision).await? {
                return Ok(self.shown(committed).await);
            }
        }
        Err(contended())
    }

    async fn deregister(&self, principal: &Principal, id: &str) -> Result<(), Error> {
        let key = key(principal, id);
        for mut seen in self.room.attempts() {
            let kept = Self::own(&mut seen, &key, principal).await?;
            if let Some(committed) = self.room.commit(seen, end(&key, &kept)?).await? {
                self.shown(committed).await;
                return Ok(());
            }
        }
        Err(contended())
    }
}

#[cfg(test)]
mod tests;
