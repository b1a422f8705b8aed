//! What every request passes on its way to a handler, and every answer on its way out.
//!
//! The layers are plain code around the router and not layers of it: a router clones and boxes all its layers for each request.

use crate::{
    documents,
    limits::Visit,
    meters::{Meters, Outcome},
    problem::{PROBLEM_JSON, Problem, SaysItself},
    refusals::Probes,
    request::{Facts, Peer},
    screen, unread,
};
use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use edgeapp_core::{
    authorizer::ReferencePoint,
    error::{Cause, Error},
    pseudonym,
};
use futures_util::FutureExt;
use std::{
    any::Any,
    panic::AssertUnwindSafe,
    sync::{
        Arc, LazyLock, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};
use tower::Service;

/// Longest URI accepted, in bytes.
pub const MAX_URI: usize = 2048;

/// Random part of request names, so that those of two runs of a server differ.
static RUN: LazyLock<u32> =
    LazyLock::new(|| std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0) as u32);
static NEXT: AtomicU64 = AtomicU64::new(1);

/// The routes of a reference point with what every request passes around them. Cheap to clone.
#[derive(Clone)]
pub struct Stack {
    point: ReferencePoint,
    router: Router,
    meters: Arc<Meters>,
    probes: Arc<Probes>,
}

/// The stack of a reference point around its router.
pub fn stack(router: Router, point: ReferencePoint) -> Stack {
    Stack {
        point,
        router: router.fallback(nothing_here),
        meters: Arc::new(Meters::of(point)),
        probes: Arc::default(),
    }
}

impl Stack {
    /// Answers a request: names it, lets it through to its handler, turns every refusal into ProblemDetails, counts and logs what
    /// came of it.
    pub async fn answer(&self, request: Request) -> Response {
        self.answer_to(None, request).await
    }

    /// Answers a request of a connection, within the limits of its caller.
    pub(crate) async fn answer_to(&self, visit: Option<&Visit>, request: Request) -> Response {
        // Also who is refused before the body is read has to see why.
        let mut request = request.map(unread::taken_to_its_end);
        let began = Instant::now();
        let facts = Arc::new(Facts {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            operation: OnceLock::new(),
        });
        let peer = request.extensions().get::<Arc<Peer>>().cloned();
        let (method, uri) = (request.method().clone(), request.uri().clone());
        // A refusal for too much is told once a second, and not by a line for each.
        let mut quietly = false;
        // Counted before it is looked at: what is refused costs something too.
        let admitted = visit.map(|visit| visit.admit(&request, self.point)).transpose();
        let response = match admitted {
            Err(too_much) => {
                quietly = true;
                too_much.into_response()
            }
            Ok(_place) => match self
                .look_at(&request, visit)
                .and_then(|()| self.can_be_recorded(peer.as_deref()))
            {
                Err(problem) => problem.into_response(),
                Ok(()) => {
                    request.extensions_mut().insert(facts.clone());
                    self.route(request).await
                }
            },
        };
        let (point, status) = (self.point, response.status());
        let operation = facts.operation.get().copied().unwrap_or("none");
        let outcome = Outcome::of(status);
        self.meters.count(operation, outcome, began);
        if outcome == Outcome::Served {
            tracing::debug!(request = instance(facts.number), %point, operation, %method, status = status.as_u16(), "served");
            return response;
        }
        if let Some(SaysItself { reason }) = response.extensions().get().copied() {
            let (request, path) = (instance(facts.number), documents::without_names(uri.path()));
            tracing::info!(request, %point, operation, %method, path, status = status.as_u16(), reason, "refused");
            return response;
        }
        let problem = problem_of(response);
        let details = problem.details();
        let (cause, detail) = (
            details.cause.clone().unwrap_or_default(),
            details.detail.clone().unwrap_or_default(),
        );
        // What an address of EDGE-2 ends in is a secret between the core network and us, that of a context one among EASs.
        let path = match point {
            _ if uri.path().starts_with("/app-contexts/") => "/app-contexts".to_owned(),
            ReferencePoint::Edge2 => uri.path().rsplit_once('/').map_or("", |(folder, _)| folder).to_owned(),
            _ => documents::without_names(uri.path()),
        };
        // What was refused for too much is told by who counts it.
        if let Some(peer) = peer.as_ref().filter(|_| !quietly) {
            self.probes.tell(peer, &cause, operation, &detail);
        }
        let detail = pseudonym::of_text(detail);
        let (request, status) = (instance(facts.number), status.as_u16());
        if quietly {
            tracing::debug!(request, %point, operation, %method, path, status, cause, %detail, "refused");
        } else if outcome == Outcome::Failed {
            tracing::error!(request, %point, operation, %method, path, status, cause, %detail, "failed");
        } else {
            tracing::info!(request, %point, operation, %method, path, status, cause, %detail, "refused");
        }
        let mut response = problem.finish(request);
        if method == Method::HEAD {
            // Nothing follows the header of such an answer (RFC 9110 clause 9.3.2).
            *response.body_mut() = Body::empty();
        }
        debug_assert_eq!(response.headers()[header::CONTENT_TYPE], PROBLEM_JSON);
        response
    }

    /// Refuses what is wrong whatever is asked for.
    fn look_at(&self, request: &Request, visit: Option<&Visit>) -> Result<(), Problem> {
        let uri = request.uri();
        if uri.path().len() + uri.query().map_or(0, str::len) > MAX_URI {
            let detail = format!("a URI has at most {MAX_URI} bytes");
            return Err(Problem::new(StatusCode::URI_TOO_LONG, Cause::UriTooLong, detail));
        }
        visit.map_or(Ok(()), |visit| screen::screen(request, &visit.names, self.point))
    }

    /// Refuses what would leave no trace, because the audit log takes no more. Operators, who mend that, are served.
    fn can_be_recorded(&self, peer: Option<&Peer>) -> Result<(), Problem> {
        let recorded = peer.is_none_or(|peer| peer.evidence.takes_more());
        if recorded || self.point == ReferencePoint::Operator {
            return Ok(());
        }
        Err(Error::unavailable("nothing more can be recorded now, and nothing is done without that").into())
    }

    /// A handler that panics answers 500, and the connection lives on.
    async fn route(&self, request: Request) -> Response {
        let mut router = self.router.clone();
        match AssertUnwindSafe(async move { router.call(request).await })
            .catch_unwind()
            .await
        {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(panic) => panicked(panic.as_ref()),
        }
    }
}

fn instance(number: u64) -> String {
    format!("urn:edgeapp:request:{:08x}-{number}", *RUN)
}

/// The refusal behind a response; one of the router itself has none yet.
fn problem_of(mut response: Response) -> Problem {
    let problem = response.extensions_mut().remove::<Problem>();
    problem.unwrap_or_else(|| Problem::of_status(response.status(), std::mem::take(response.headers_mut())))
}

fn panicked(panic: &(dyn Any + Send)) -> Response {
    let reason = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(reason = %pseudonym::of_text(reason.unwrap_or("unknown")), "a handler panicked");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// What no route matches. A known API in another version is told apart from nothing at all.
async fn nothing_here(request: Request) -> Problem {
    let mut parts = request.uri().path().trim_start_matches('/').split('/');
    let (api, version) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let is_version = version
        .strip_prefix('v')
        .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    if crate::documents::is_known(api) && is_version && version != "v1" {
        return Problem::new(
            StatusCode::BAD_REQUEST,
            Cause::InvalidApi,
            format!("{api} is served in version v1"),
        );
    }
    Problem::of_status(StatusCode::NOT_FOUND, axum::http::HeaderMap::new())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{body::Body, routing::get};
    use http_body_util::BodyExt;

    async fn asked(stack: &Stack, path: &str) -> (StatusCode, String, String) {
        let request = Request::builder().uri(path).body(Body::empty()).expect("a request");
        let response = stack.answer(request).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        (
            parts.status,
            format!("{:?}", parts.headers),
            String::from_utf8_lossy(&body).into_owned(),
        )
    }

    /// WP-60: who asks learns that it failed and under which number, and nothing of where or why; a lock that the handler held is
    /// usable, and the next request is served.
    #[tokio::test]
    async fn a_panic_answers_500_without_detail_and_the_next_request_is_served() {
        let shared = Arc::new(tokio::sync::Mutex::new(0));
        let (broken, whole) = (shared.clone(), shared);
        let router = Router::new()
            .route(
                "/broken",
                get(move || async move {
                    let mut held = broken.lock().await;
                    *held += 1;
                    if *held > 0 {
                        panic!("key 4711 in {}", file!());
                    }
                }),
            )
            .route("/whole", get(move || async move { whole.lock().await.to_string() }));
        let stack = stack(router, ReferencePoint::Edge1);
        for _ in 0..2 {
            let (status, headers, body) = asked(&stack, "/broken").await;
            assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
            assert!(headers.contains(PROBLEM_JSON), "{headers}");
            assert!(body.contains("urn:edgeapp:request:"), "{body}");
            for never in ["4711", ".rs", "panic", "stack", "src/"] {
                assert!(!body.contains(never) && !headers.contains(never), "{never}: {body}");
            }
        }
        let (status, _, body) = asked(&stack, "/whole").await;
        assert_eq!((status, body.as_str()), (StatusCode::OK, "2"));
    }

    /// A log that takes no more, and nobody who is asked for a permit.
    struct Full;

    impl edgeapp_core::evidence::Evidence for Full {
        fn record(&self, _: edgeapp_core::evidence::SecurityEvent) {}

        fn takes_more(&self) -> bool {
            false
        }
    }

    impl edgeapp_core::authorizer::Authorizer for Full {
        fn authorize(&self, _: &edgeapp_core::authorizer::Ask<'_>) -> Result<(), Error> {
            Ok(())
        }
    }

    /// What could not be recorded is not done; operators, who mend that, are served.
    ///
    /// Proves: T-29, T-30, WP-32
    #[tokio::test]
    async fn nothing_is_done_that_would_leave_no_trace() {
        for (point, wanted) in [
            (ReferencePoint::Edge1, StatusCode::SERVICE_UNAVAILABLE),
            (ReferencePoint::Edge6, StatusCode::SERVICE_UNAVAILABLE),
            (ReferencePoint::Operator, StatusCode::OK),
        ] {
            let stack = stack(Router::new().route("/a", get(|| async { "a" })), point);
            let peer = Peer {
                principal: Err(Error::unavailable("nobody")),
                thumbprint: None,
                point,
                authorizer: Arc::new(Full),
                from: None,
                evidence: Arc::new(Full),
                api_root: None,
            };
            let request = Request::builder()
                .uri("/a")
                .extension(Arc::new(peer))
                .body(Body::empty());
            let answer = stack.answer(request.expect("a request")).await;
            assert_eq!(answer.status(), wanted, "{point}");
            let says_when = answer.headers().contains_key(header::RETRY_AFTER);
            assert_eq!(says_when, wanted == StatusCode::SERVICE_UNAVAILABLE);
        }
    }

    /// WP-52: no answer, whoever makes it, says what answers.
    #[tokio::test]
    async fn no_answer_says_what_answers() {
        let stack = stack(Router::new().route("/a", get(|| async { "a" })), ReferencePoint::Edge1);
        for path in [
            "/a",
            "/nothing",
            "/eees-easdiscovery/v9/a",
            &format!("/{}", "a".repeat(MAX_URI)),
        ] {
            let (_, headers, body) = asked(&stack, path).await;
            for never in ["\"server\"", "x-powered-by", "hyper", "axum", env!("CARGO_PKG_VERSION")] {
                assert!(
                    !headers.contains(never) && !body.contains(never),
                    "{path}: {never}: {headers} {body}"
                );
            }
        }
    }
}
