//! Who asks for UEs that are not there, again and again, is trying out which ones are: such questions are counted per caller.

use edgeapp_core::{
    error::{Cause, Error, Kind},
    principal::{Owner, Principal},
};
use edgeapp_openapi::common::DateTime;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// So many questions may lead nowhere at once.
const AT_ONCE: i64 = 30;
/// After them one in so many microseconds.
const EACH: i64 = 2_000_000;
/// So many callers are kept before those who may ask as freely as ever are forgotten.
const MANY: usize = 1024;

/// The questions that led nowhere, by who asked. Of each caller only when all is forgotten.
#[derive(Debug, Default)]
pub struct Guesses(Mutex<HashMap<Owner, i64>>);

impl Guesses {
    fn lock(&self) -> MutexGuard<'_, HashMap<Owner, i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this caller may ask now; what comes of it decides whether that counted. Many questions at a time are no way around it.
    ///
    /// # Errors
    /// 429 when too many of its questions led nowhere.
    pub fn ask(&self, caller: &Principal, now: DateTime) -> Result<(), Error> {
        let (now, mut known) = (now.0.as_microsecond(), self.lock());
        if known.len() >= MANY {
            known.retain(|_, forgotten| *forgotten > now);
        }
        let forgotten = known.entry(caller.owner().clone()).or_insert(now);
        let next = (*forgotten).max(now) + EACH;
        if next - now > AT_ONCE * EACH {
            return Err(Error::new(
                Kind::TooMany,
                Cause::NfCongestionRisk,
                "too many UEs were asked for that nobody knows, or whose users did not agree",
            ));
        }
        *forgotten = next;
        Ok(())
    }

    /// The question has its answer. Only what led nowhere goes on counting.
    pub fn answered<T>(&self, caller: &Principal, answer: Result<T, Error>) -> Result<T, Error> {
        let guessed = |error: &Error| matches!(error.cause, Cause::UeNotFound | Cause::UserConsentNotGranted);
        if !answer.as_ref().is_err_and(guessed)
            && let Some(forgotten) = self.lock().get_mut(caller.owner())
        {
            *forgotten -= EACH;
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::{SignedDuration, Timestamp};

    fn caller(n: usize) -> Principal {
        let uri = format!("urn:edgeapp:eas:eas-{n}");
        Principal::from_names([uri.as_str()], []).expect("an identity")
    }

    fn at(second: i64) -> DateTime {
        DateTime(Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_000_000 + second))
    }

    fn nobody() -> Result<(), Error> {
        Err(Error::new(Kind::NotFound, Cause::UeNotFound, ""))
    }

    #[test]
    fn guesses_come_to_an_end_and_answers_do_not() {
        let (guesses, eas) = (Guesses::default(), caller(1));
        for n in 0..1000 {
            assert!(guesses.ask(&eas, at(0)).is_ok(), "{n}");
            assert!(guesses.answered(&eas, Ok(())).is_ok());
        }
        for n in 0..AT_ONCE {
            assert!(guesses.ask(&eas, at(0)).is_ok(), "{n}");
            assert!(guesses.answered(&eas, nobody()).is_err());
        }
        let refused = guesses.ask(&eas, at(0)).expect_err("enough");
        assert_eq!((refused.kind, refused.cause), (Kind::TooMany, Cause::NfCongestionRisk));
        assert!(guesses.ask(&caller(2), at(0)).is_ok(), "others do not notice");
        assert!(guesses.ask(&eas, at(2)).is_ok() && guesses.ask(&eas, at(2)).is_err());
        let later = at(2 + 2 * AT_ONCE);
        assert_eq!((0..1000).filter(|_| guesses.ask(&eas, later).is_ok()).count(), 30);
    }

    #[test]
    fn many_questions_at_a_time_are_no_way_around_it() {
        let (guesses, eas) = (Guesses::default(), caller(1));
        let begun = (0..1000).filter(|_| guesses.ask(&eas, at(0)).is_ok()).count();
        assert_eq!(i64::try_from(begun), Ok(AT_ONCE));
    }

    #[test]
    fn who_may_ask_as_ever_is_forgotten() {
        let guesses = Guesses::default();
        for n in 0..10_000 {
            let second = i64::try_from(n).expect("few") * 10;
            guesses.ask(&caller(n), at(second)).expect("a first question");
        }
        assert!(guesses.lock().len() <= MANY);
    }
}
