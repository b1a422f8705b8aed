//! Subscriptions of EASs to how the relocations end that they leave to the enabler layer (TS 29.558 clauses 5.11.2.3 and 5.11.2.4).
//!
//! The standard knows no end for them: they end with the last registration of their EAS.

use crate::{
    Ees, eas,
    ending::folder,
    event::{Notification, Work},
};
use async_trait::async_trait;
use edgeapp_core::{
    callback::CallbackRule,
    clock::Lifetimes,
    collection::{Collection, Resource},
    error::Error,
    kept::Kept,
    outbox::{Task, Todo},
    patch::PatchRules,
    principal::Principal,
    room::{Decision, Room, Seen},
    store::Span,
};
use edgeapp_openapi::{
    acr_status_update::ActResult,
    common::{DateTime, Uri},
    eel_managed_acr::{ActStatusNotif, ActStatusSubsc},
    features,
    ids::{EasId, SubscriptionId},
};

/// What is added to the path of `notificationUri`.
const SEGMENT: &str = "/act-status";

/// They carry no expiry.
const FOR_EVER: Lifetimes = Lifetimes {
    max: None,
    default: None,
    spread_percent: 0,
};

impl Resource<Ees> for ActStatusSubsc {
    const PREFIX: &'static str = "act-status-subscription/";
    const PATCH: PatchRules = PatchRules {
        changeable: &[],
        clearable: &[],
        fixed: &["easId", "notificationUri", "suppFeat"],
    };

    fn not_found() -> Error {
        Error::subscription_not_found()
    }

    fn expiry(&mut self) -> Option<&mut Option<DateTime>> {
        None
    }

    fn may_become(&self, next: &Self) -> Result<(), Error> {
        if next.eas_id == self.eas_id {
            Ok(())
        } else {
            Err(Error::not_changeable("/easId"))
        }
    }

    fn folder(owner: &Principal) -> String {
        folder(owner.id())
    }
}

/// What an EES does for EASs that want to hear how managed relocations end.
#[async_trait]
pub trait ActStatusSubscriptions: Send + Sync {
    /// Keeps a new subscription. Answers with its id.
    ///
    /// # Errors
    /// When it is not the caller's EASID, the EAS is not registered, or the callback address is not allowed.
    async fn subscribe(
        &self,
        principal: &Principal,
        request: ActStatusSubsc,
    ) -> Result<(String, ActStatusSubsc), Error>;

    /// All subscriptions of the caller.
    ///
    /// # Errors
    /// When the store fails.
    async fn all(&self, principal: &Principal) -> Result<Vec<ActStatusSubsc>, Error>;

    /// One subscription.
    ///
    /// # Errors
    /// 404 when it is not there or somebody else's.
    async fn read(&self, principal: &Principal, id: &str) -> Result<ActStatusSubsc, Error>;
}

/// The service behind [`ActStatusSubscriptions`].
pub struct ActStatusService {
    kept: Collection<ActStatusSubsc, Ees>,
    callbacks: CallbackRule,
}

impl ActStatusService {
    /// A service over this room.
    pub fn new(room: Room, callbacks: CallbackRule) -> Self {
        Self {
            kept: Collection::new(room, FOR_EVER),
            callbacks,
        }
    }
}

#[async_trait]
impl ActStatusSubscriptions for ActStatusService {
    async fn subscribe(
        &self,
        principal: &Principal,
        mut request: ActStatusSubsc,
    ) -> Result<(String, ActStatusSubsc), Error> {
        if !principal.is_eas(&request.eas_id) {
            return Err(Error::not_yours("/easId", "EASID"));
        }
        self.callbacks
            .check_of(principal, &request.notification_uri, "/notificationUri")?;
        eas::registered(self.kept.room(), principal).await?;
        request.supp_feat = request.supp_feat.map(|offered| features::NONE.common(&offered));
        let nothing_else = |_: &str, _: &mut ActStatusSubsc, _: &mut Seen| Ok(Decision::of(()));
        let (id, made) = self.kept.create(principal, request, nothing_else).await?;
        Ok((id, made.value))
    }

    async fn all(&self, principal: &Principal) -> Result<Vec<ActStatusSubsc>, Error> {
        let prefix = format!("{}{}", ActStatusSubsc::PREFIX, folder(principal.id()));
        let entries = self.kept.room().store().range(Span::prefix(prefix)).await?.entries;
        let kept: Result<Vec<Kept<ActStatusSubsc>>, Error> = entries.iter().map(Kept::from_entry).collect();
        let own = kept?.into_iter().filter(|kept| kept.is_of(principal));
        Ok(own.map(|kept| kept.value).collect())
    }

    async fn read(&self, principal: &Principal, id: &str) -> Result<ActStatusSubsc, Error> {
        self.kept.read(principal, id).await
    }
}

/// The notifications of this result to everybody who subscribed for this application.
///
/// # Errors
/// When the subscriptions cannot be read.
pub(crate) async fn notifications(room: &Room, eas_id: &EasId, result: &ActResult) -> Result<Vec<Todo<Work>>, Error> {
    let prefix = format!("{}{}", ActStatusSubsc::PREFIX, folder(eas_id.as_str()));
    let mut todos = Vec::new();
    for entry in room.store().range(Span::prefix(&prefix)).await?.entries {
        let kept = Kept::<ActStatusSubsc>::from_entry(&entry)?;
        let notification = ActStatusNotif {
            subscription_id: SubscriptionId::try_from(&entry.key.as_str()[prefix.len()..]).map_err(Error::internal)?,
            act_status: result.clone(),
        };
        let work = Work::Notify(Notification {
            destination: below(&kept.value.notification_uri)?,
            subscription: entry.key.to_string(),
            body: serde_json::to_value(&notification).map_err(Error::internal)?,
            for_acr: None,
        });
        let task = Task {
            work,
            guard: Some(entry.key.to_string()),
            until: None,
        };
        todos.push(Todo {
            lane: entry.key.to_string(),
            task,
        });
    }
    Ok(todos)
}

/// Pure: the address of notifications: the segment is part of the path, before a query.
fn below(address: &Uri) -> Result<Uri, Error> {
    let (path, query) = match address.as_str().split_once('?') {
        Some((path, query)) => (path, format!("?{query}")),
        None => (address.as_str(), String::new()),
    };
    let whole = format!("{}{SEGMENT}{query}", path.trim_end_matches('/'));
    whole.parse().map_err(Error::internal)
}

/// Pure: what `notificationUri` is from now on, when a subscriber moved to this address for good. `None` when it cannot be said: the
/// new address does not end as ours do.
pub(crate) fn moved(address: &Uri) -> Option<String> {
    let (path, query) = match address.as_str().split_once('?') {
        Some((path, query)) => (path, format!("?{query}")),
        None => (address.as_str(), String::new()),
    };
    Some(format!("{}{query}", path.strip_suffix(SEGMENT)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_segment_is_part_of_the_path() {
        for (address, whole) in [
            ("https://eas.example/n", "https://eas.example/n/act-status"),
            ("https://eas.example/", "https://eas.example/act-status"),
            ("https://eas.example/n?key=1", "https://eas.example/n/act-status?key=1"),
        ] {
            let address: Uri = address.parse().unwrap();
            assert_eq!(below(&address).unwrap().as_str(), whole);
        }
        let new: Uri = "https://new.example/n/act-status?key=1".parse().unwrap();
        assert_eq!(moved(&new).as_deref(), Some("https://new.example/n?key=1"));
        assert_eq!(moved(&"https://new.example/n".parse().unwrap()), None);
    }
}
