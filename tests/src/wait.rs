//! Waiting for what can be observed: a look, again and again, until a deadline that only a defect reaches.

use std::time::{Duration, Instant};

/// When to give up.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Looks until there is something; `what` says what was expected.
///
/// # Panics
/// When the deadline passes.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < end, "not within {DEADLINE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
}

/// Looks until it is so; `what` says what was expected.
///
/// # Panics
/// When the deadline passes.
pub async fn until_it_is_so(what: &str, mut look: impl AsyncFnMut() -> bool) {
    until(what, async || look().await.then_some(())).await;
}
