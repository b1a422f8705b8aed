//! What every request passes on its way to a handler, and every answer on its way out. The list reads from outside to inside.

use crate::{
    problem::{PROBLEM_JSON, Problem},
    request::Facts,
};
use axum::{
    Router,
    extract::{MatchedPath, Request},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use edgeapp_core::{authorizer::ReferencePoint, error::Cause};
use std::{
    any::Any,
    sync::{
        Arc, LazyLock, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};
use tower_http::catch_panic::CatchPanicLayer;

/// Longest URI accepted, in bytes.
pub const MAX_URI: usize = 2048;

/// Random part of request names, so that those of two runs of a server differ.
static RUN: LazyLock<u32> = LazyLock::new(|| std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0) as u32);
static NEXT: AtomicU64 = AtomicU64::new(1);

/// The layers of a listener around its router.
pub fn stack(router: Router, point: ReferencePoint) -> Router {
    router
        .fallback(nothing_here)
        // innermost: a handler that panics answers 500, and the connection lives on
        .layer(CatchPanicLayer::custom(panicked))
        // outermost: names the request, turns every refusal into ProblemDetails, counts and logs what came of it
        .layer(middleware::from_fn(move |request, next| observe(point, request, next)))
}

fn instance(number: u64) -> String {
    format!("urn:edgeapp:request:{:08x}-{number}", *RUN)
}

async fn observe(point: ReferencePoint, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let facts = Arc::new(Facts { number: NEXT.fetch_add(1, Ordering::Relaxed), operation: OnceLock::new() });
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = if request.uri().path().len() + request.uri().query().map_or(0, str::len) > MAX_URI {
        Problem::new(StatusCode::URI_TOO_LONG, Cause::UriTooLong, format!("a URI has at most {MAX_URI} bytes")).into_response()
    } else if point != ReferencePoint::Operator && request.method() == Method::GET && !accepts_json(request.headers()) {
        Problem::new(StatusCode::NOT_ACCEPTABLE, Cause::NotAcceptable, "answers are application/json").into_response()
    } else {
        request.extensions_mut().insert(facts.clone());
        next.run(request).await
    };
    let status = response.status();
    let operation = facts.operation.get().copied().unwrap_or("none");
    if status.is_client_error() || status.is_server_error() {
        let problem = response.extensions_mut().remove::<Problem>();
        let problem = problem.unwrap_or_else(|| Problem::of_status(status, std::mem::take(response.headers_mut())));
        let details = problem.details();
        let (cause, detail) = (details.cause.clone().unwrap_or_default(), details.detail.clone().unwrap_or_default());
        let request = instance(facts.number);
        let route = route.as_ref().map_or("", MatchedPath::as_str);
        if status.is_server_error() {
            tracing::error!(request, %point, operation, %method, route, status = status.as_u16(), cause, detail, "failed");
        } else {
            tracing::info!(request, %point, operation, %method, route, status = status.as_u16(), cause, detail, "refused");
        }
        response = problem.finish(request);
        debug_assert_eq!(response.headers()[header::CONTENT_TYPE], PROBLEM_JSON);
    } else {
        tracing::debug!(request = instance(facts.number), %point, operation, %method, status = status.as_u16(), "served");
    }
    record(point, operation, status, began);
    response
}

/// Whether JSON is among what the caller accepts; a caller that does not say accepts anything.
fn accepts_json(headers: &HeaderMap) -> bool {
    let mut given = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).peekable();
    if given.peek().is_none() {
        return true;
    }
    given.flat_map(|value| value.split(',')).any(|range| {
        let essence = range.split(';').next().unwrap_or_default().trim();
        ["*/*", "application/*", "application/json"].iter().any(|known| essence.eq_ignore_ascii_case(known))
    })
}

fn record(point: ReferencePoint, operation: &'static str, status: StatusCode, began: Instant) {
    let outcome = match status.as_u16() {
        0..400 => "served",
        400..500 => "refused",
        _ => "failed",
    };
    let labels = [("point", point.as_str()), ("operation", operation), ("outcome", outcome)];
    metrics::counter!("edgeapp_requests_total", &labels).increment(1);
    metrics::histogram!("edgeapp_request_seconds", "point" => point.as_str(), "operation" => operation)
        .record(began.elapsed().as_secs_f64());
}

fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let reason = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(reason = reason.unwrap_or("unknown"), "a handler panicked");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// What no route matches. A known API in another version is told apart from nothing at all.
async fn nothing_here(request: Request) -> Problem {
    let mut parts = request.uri().path().trim_start_matches('/').split('/');
    let (api, version) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let is_version = version.strip_prefix('v').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    if crate::documents::is_known(api) && is_version && version != "v1" {
        return Problem::new(StatusCode::BAD_REQUEST, Cause::InvalidApi, format!("{api} is served in version v1"));
    }
    Problem::of_status(StatusCode::NOT_FOUND, HeaderMap::new())
}
