//! How long the NEF is left alone: as long as it asks for, and a while after it could not be reached several times, so that whoever
//! waits for it does not keep it down. Instants come from the caller.

use crate::exchange::CallFailed;
use axum::http::StatusCode;
use edgeapp_http::client::CallError;
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Calls that may fail in a row before there is a pause.
const TOLERATED: u32 = 3;
/// The first pause; each further failure doubles it.
const FIRST: Duration = Duration::from_millis(250);
/// The longest pause of our own making.
const LONGEST: Duration = Duration::from_secs(10);
/// The longest pause that the NEF is granted.
const LONGEST_WISH: Duration = Duration::from_secs(60);

/// When the NEF may be called again.
#[derive(Default)]
pub(crate) struct Rest(Mutex<State>);

#[derive(Default)]
struct State {
    failures: u32,
    until: Option<Instant>,
}

impl Rest {
    /// What is left of the pause, if there is one. Whoever comes first after it may try; the others wait for what comes of that.
    pub(crate) fn left(&self, now: Instant) -> Option<Duration> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = state.until?.checked_duration_since(now).filter(|left| !left.is_zero());
        if left.is_none() {
            state.until = (state.failures >= TOLERATED).then(|| now + FIRST);
        }
        left
    }

    /// Takes note of how a call went.
    pub(crate) fn learn<T>(&self, now: Instant, outcome: &Result<T, CallFailed>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Err(CallFailed::Call(CallError::NotConnected(_) | CallError::TimedOut(_))) => {
                state.failures = state.failures.saturating_add(1);
                if let Some(more) = state.failures.checked_sub(TOLERATED) {
                    state.until = Some(now + FIRST.saturating_mul(1 << more.min(16)).min(LONGEST));
                }
            }
            Err(CallFailed::Call(CallError::Refused {
                status: StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS,
                retry_after: Some(wish),
                ..
            })) => {
                *state = State {
                    failures: 0,
                    until: Some(now + (*wish).min(LONGEST_WISH)),
                }
            }
            // Nothing was heard of the NEF itself.
            Err(CallFailed::NoCredential(_) | CallFailed::Resting(_)) => {}
            Ok(_) | Err(CallFailed::Call(_)) => *state = State::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn down() -> Result<(), CallFailed> {
        Err(CallFailed::Call(CallError::NotConnected("refused".to_owned())))
    }

    #[test]
    fn pauses_begin_after_some_failures_and_grow_up_to_a_limit() {
        let (rest, now) = (Rest::default(), Instant::now());
        for _ in 1..TOLERATED {
            rest.learn(now, &down());
            assert_eq!(rest.left(now), None);
        }
        rest.learn(now, &down());
        assert_eq!(rest.left(now), Some(FIRST));
        rest.learn(now, &down());
        assert_eq!(rest.left(now), Some(2 * FIRST));
        for _ in 0..100 {
            rest.learn(now, &down());
        }
        assert_eq!(rest.left(now), Some(LONGEST));
    }

    #[test]
    fn one_call_tries_after_a_pause_and_an_answer_ends_it() {
        let (rest, now) = (Rest::default(), Instant::now());
        for _ in 0..TOLERATED {
            rest.learn(now, &down());
        }
        let later = now + FIRST;
        assert_eq!(rest.left(later), None, "the first one may try");
        assert_eq!(rest.left(later), Some(FIRST), "the others wait");
        rest.learn(later, &Ok(()));
        assert_eq!(rest.left(later), None);
    }

    #[test]
    fn a_wish_is_granted_up_to_a_limit() {
        let (rest, now) = (Rest::default(), Instant::now());
        let busy = |seconds| {
            Err::<(), _>(CallFailed::Call(CallError::Refused {
                status: StatusCode::SERVICE_UNAVAILABLE,
                problem: None,
                body: Default::default(),
                retry_after: Some(Duration::from_secs(seconds)),
                location: None,
            }))
        };
        rest.learn(now, &busy(5));
        assert_eq!(rest.left(now), Some(Duration::from_secs(5)));
        rest.learn(now, &busy(86_400));
        assert_eq!(rest.left(now), Some(LONGEST_WISH));
    }
}
