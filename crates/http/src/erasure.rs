//! `/erase` on the operator's port: `POST` forgets an EEC or a UE, with the consents of the UE; `DELETE` says that the user of a UE agreed
//! anew.

use crate::{
    problem::Problem,
    request::{JsonBytes, Peer, Permit},
};
use axum::{Extension, Json, Router, extract::State, routing::post};
use edgeapp_core::{
    erasure::{Subject, consents::ConsentsOfTheRemembered, erase},
    error::{Cause, Error},
    evidence::{SecurityEvent, SecurityEventKind},
    operation, pseudonym,
    room::Room,
};
use edgeapp_openapi::ids::{EecId, Gpsi};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

operation! {
    Erase = "erasure:erase",
    BeginAnew = "erasure:begin-anew",
}

/// Whom to forget: one of both.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wish {
    /// `eecId`: an EEC.
    eec_id: Option<EecId>,
    /// `gpsi`: a UE.
    gpsi: Option<Gpsi>,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Serialize)]
struct Erased {
    /// How many entries of the state were removed.
    erased: u64,
}

/// What came of the contrary.
#[derive(Clone, Copy, Debug, Serialize)]
struct Counts {
    /// Whether what is kept of the consents of the UE did not count before.
    counts_again: bool,
}

struct Eraser {
    room: Room,
    consents: Arc<ConsentsOfTheRemembered>,
    attached: &'static [(&'static str, &'static str)],
}

/// The route, over the state of this room and these consents. `attached` is that of [`erase`].
pub fn router(
    room: Room,
    consents: Arc<ConsentsOfTheRemembered>,
    attached: &'static [(&'static str, &'static str)],
) -> Router {
    let eraser = Eraser {
        room,
        consents,
        attached,
    };
    Router::new()
        .route("/erase", post(forget).delete(begin_anew))
        .with_state(Arc::new(eraser))
}

async fn forget(
    State(eraser): State<Arc<Eraser>>,
    permit: Permit<Erase>,
    Extension(peer): Extension<Arc<Peer>>,
    JsonBytes(body): JsonBytes,
) -> Result<Json<Erased>, Problem> {
    let operator = permit.principal();
    can_be_recorded(&peer)?;
    let subject = subject(&body)?;
    let kind = match subject {
        Subject::Eec(_) => "EEC",
        Subject::Ue(_) => "UE",
    };
    let who = pseudonym::in_use().of(subject.name());
    let event = |kind, reason: String| {
        let mut event = SecurityEvent::new(kind, reason).by(operator.owner()).about(who.clone());
        event.from = peer.from;
        peer.evidence.record(event);
    };
    event(
        SecurityEventKind::AdminAction,
        format!("what is kept of this {kind} is to be erased"),
    );
    if let Subject::Ue(ue) = &subject {
        // First of all: nothing new may come of them while the rest is looked for.
        eraser.consents.end(ue).await?;
    }
    let erased = erase(&eraser.room, &subject, eraser.attached).await?;
    event(
        SecurityEventKind::DataErased,
        format!("{erased} entries of this {kind} were erased"),
    );
    Ok(Json(Erased { erased }))
}

async fn begin_anew(
    State(eraser): State<Arc<Eraser>>,
    permit: Permit<BeginAnew>,
    Extension(peer): Extension<Arc<Peer>>,
    JsonBytes(body): JsonBytes,
) -> Result<Json<Counts>, Problem> {
    let operator = permit.principal();
    can_be_recorded(&peer)?;
    let Subject::Ue(ue) = subject(&body)? else {
        return Err(Error::mandatory_missing("/gpsi", "consents are of UEs: send gpsi").into());
    };
    let counts_again = eraser.consents.begin_anew(&ue).await?;
    let reason = "what is kept of the consents of this UE counts again";
    let mut event = SecurityEvent::new(SecurityEventKind::AdminAction, reason)
        .by(operator.owner())
        .about(pseudonym::in_use().of(ue.as_str()));
    event.from = peer.from;
    peer.evidence.record(event);
    Ok(Json(Counts { counts_again }))
}

/// The operator's port serves when nothing more can be recorded, so that somebody can mend that. But nobody's data vanishes without a trace.
fn can_be_recorded(peer: &Peer) -> Result<(), Error> {
    if peer.evidence.takes_more() {
        return Ok(());
    }
    Err(Error::unavailable(
        "nothing more can be recorded now, and nothing is erased without that",
    ))
}

fn subject(body: &[u8]) -> Result<Subject, Error> {
    let wish: Wish = serde_json::from_slice(body)
        .map_err(|error| Error::invalid(Cause::InvalidMsgFormat, "", format!("{error}; send eecId or gpsi")))?;
    match (wish.eec_id, wish.gpsi) {
        (Some(id), None) => Ok(Subject::Eec(id)),
        (None, Some(gpsi)) if has_a_form(gpsi.as_str()) => Ok(Subject::Ue(gpsi)),
        (None, Some(_)) => Err(Error::invalid(
            Cause::InvalidMsgFormat,
            "/gpsi",
            "is no GPSI: write msisdn-<5 to 15 digits> or extid-<name>@<domain>",
        )),
        _ => Err(Error::mandatory_missing("", "needs either eecId or gpsi")),
    }
}

/// Whether a text is one of the forms of a GPSI (TS 29.571 clause 5.3.2), or another one that begins with its name, as those do. Whoever
/// forgets to write the form would be told that nothing was found, and believe that the user is forgotten.
fn has_a_form(gpsi: &str) -> bool {
    match gpsi.split_once('-') {
        Some(("msisdn", number)) => {
            (5..=15).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
        }
        Some(("extid", name)) => name
            .split_once('@')
            .is_some_and(|(name, domain)| !name.is_empty() && !domain.is_empty() && !domain.contains('@')),
        Some((form, name)) => {
            !form.is_empty() && !name.is_empty() && form.bytes().all(|byte| byte.is_ascii_lowercase())
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{
        body::Body,
        http::{Request, StatusCode, header},
    };
    use edgeapp_core::{
        authorizer::{Ask, Authorizer, Operation, ReferencePoint},
        clock::SystemClock,
        consent::{Consent, Purpose, Withdrawal},
        evidence::Evidence,
        principal::Principal,
        store::{Commit, Store},
    };
    use edgeapp_store::MemoryStore;
    use std::sync::Mutex;
    use tower::ServiceExt;

    /// No user agreed to anything, or took it back.
    struct Nobody;

    #[async_trait::async_trait]
    impl Consent for Nobody {
        async fn granted(&self, _: &Gpsi, _: Purpose) -> bool {
            false
        }

        fn withdrawals(&self) -> tokio::sync::broadcast::Receiver<Withdrawal> {
            tokio::sync::broadcast::channel(1).1
        }
    }

    /// Permits these operations, and remembers what it is told unless it is full.
    struct Around {
        permitted: &'static [&'static str],
        full: bool,
        told: Mutex<Vec<SecurityEventKind>>,
    }

    impl Authorizer for Around {
        fn authorize(&self, ask: &Ask<'_>) -> Result<(), Error> {
            match self.permitted.contains(&ask.operation) {
                true => Ok(()),
                false => Err(Error::forbidden(Cause::Unauthorized, "not this operator")),
            }
        }
    }

    impl Evidence for Around {
        fn record(&self, event: SecurityEvent) {
            self.told.lock().expect("told").push(event.kind);
        }

        fn takes_more(&self) -> bool {
            !self.full
        }
    }

    async fn asked(around: &Arc<Around>, store: &Arc<MemoryStore>, method: &str, body: &str) -> StatusCode {
        let store: Arc<dyn Store> = store.clone();
        let consents = ConsentsOfTheRemembered::over(Arc::new(Nobody), store.clone());
        let room = Room::new(store, Arc::new(SystemClock::default()));
        let router = router(room, consents.await.expect("a state"), &[]);
        let operator = Principal::from_names(["urn:edgeapp:operator:o"], []).expect("an identity");
        let peer = Peer {
            principal: Ok(Arc::new(operator)),
            thumbprint: None,
            point: ReferencePoint::Operator,
            authorizer: around.clone(),
            from: None,
            evidence: around.clone(),
            api_root: None,
        };
        let request = Request::builder()
            .method(method)
            .uri("/erase")
            .header(header::CONTENT_TYPE, "application/json")
            .extension(Arc::new(peer))
            .body(Body::from(body.to_owned()))
            .expect("a request");
        router.oneshot(request).await.expect("an answer").status()
    }

    /// Who may not erase hears nothing of bodies, and nothing is erased that could not be recorded.
    ///
    /// Proves: WP-36, WP-51, T-30
    #[tokio::test]
    async fn erasing_needs_a_permit_and_a_trace() {
        const GOOD: &str = r#"{"eecId": "eec-1"}"#;
        let store = Arc::new(MemoryStore::new());
        let commit = Commit::new().put("eec/eec-1/1", r#"{"eecId": "eec-1"}"#);
        store.commit(commit).await.expect("committed");
        let around = |permitted, full| {
            Arc::new(Around {
                permitted,
                full,
                told: Mutex::default(),
            })
        };
        let other = around(&[BeginAnew::NAME], false);
        for body in [GOOD, "{", "{}"] {
            assert_eq!(
                asked(&other, &store, "POST", body).await,
                StatusCode::FORBIDDEN,
                "{body}"
            );
        }
        let full = around(OPERATIONS, true);
        for method in ["POST", "DELETE"] {
            let refused = asked(&full, &store, method, GOOD).await;
            assert_eq!(refused, StatusCode::SERVICE_UNAVAILABLE, "{method}");
        }
        assert!(store.get(&"eec/eec-1/1".into()).await.expect("a state").is_some());
        let may = around(&[Erase::NAME], false);
        assert_eq!(asked(&may, &store, "DELETE", "{").await, StatusCode::FORBIDDEN);
        assert_eq!(asked(&may, &store, "POST", "{}").await, StatusCode::BAD_REQUEST);
        for gpsi in [
            "491700000001",
            "msisdn-",
            "msisdn-49170000000x",
            "extid-bob",
            "+491700000001",
            "msisdn491700000001",
        ] {
            let body = format!("{{\"gpsi\": \"{gpsi}\"}}");
            assert_eq!(
                asked(&may, &store, "POST", &body).await,
                StatusCode::BAD_REQUEST,
                "{gpsi}"
            );
            let refused = subject(body.as_bytes()).expect_err("no GPSI");
            assert_eq!(refused.invalid[0].param, "/gpsi", "{gpsi}");
        }
        for gpsi in ["msisdn-491700000001", "extid-bob@example.com", "gci-7"] {
            assert!(
                subject(format!("{{\"gpsi\": \"{gpsi}\"}}").as_bytes()).is_ok(),
                "{gpsi}"
            );
        }
        assert_eq!(asked(&may, &store, "POST", GOOD).await, StatusCode::OK);
        assert!(store.get(&"eec/eec-1/1".into()).await.expect("a state").is_none());
        let told = may.told.lock().expect("told").clone();
        assert_eq!(told, [SecurityEventKind::AdminAction, SecurityEventKind::DataErased]);
    }
}
