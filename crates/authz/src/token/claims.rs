//! The claims of a token, once its signature holds: what they say, and whether that is for us and for now.

use super::flaw::Flaw;
use edgeapp_core::{
    parse,
    token::{AccessTokenClaims, LONGEST_LIFE, SKEW, scope},
};

/// Seconds since 1970 before which no token was issued. A smaller number is a duration by mistake (TS 29.222).
const EARLIEST: u64 = 1_000_000_000;
/// Seconds since 1970 up to which there are dates.
const LATEST: u64 = 253_402_300_799;

/// What tokens have to say here.
#[derive(Clone, Debug)]
pub struct Expected {
    /// Who issues them.
    pub issuer: String,
    /// Whom they are for: the own EESID.
    pub audience: String,
}

/// Reads claims.
///
/// # Errors
/// [`Flaw::Claims`] when they are no object, repeat a member, lack one, or one has another type or range than it can have.
pub fn parse(payload: &[u8]) -> Result<AccessTokenClaims, Flaw> {
    parse::check_slice(payload).map_err(|_| Flaw::Claims)?;
    let value: serde_json::Value = serde_json::from_slice(payload).map_err(|_| Flaw::Claims)?;
    // A further restriction that is not understood must not be taken for none.
    if !value.is_object() || value.get("add_scope").is_some() {
        return Err(Flaw::Claims);
    }
    let claims: AccessTokenClaims = serde_json::from_value(value).map_err(|_| Flaw::Claims)?;
    let dates = [Some(claims.iat), claims.nbf, Some(claims.exp)];
    let real = dates
        .into_iter()
        .flatten()
        .all(|date| (EARLIEST..=LATEST).contains(&date));
    let named = !claims.jti.is_empty() && claims.jti.len() <= 128;
    if real && named && claims.exp > claims.iat && scope::list(&claims.scope).is_some() {
        Ok(claims)
    } else {
        Err(Flaw::Claims)
    }
}

/// Whether claims are for us and for now, in seconds since 1970.
///
/// # Errors
/// At the first thing that is wrong.
pub fn check(claims: &AccessTokenClaims, expected: &Expected, now: u64) -> Result<(), Flaw> {
    if claims.iss != expected.issuer {
        return Err(Flaw::Issuer);
    }
    if claims.aud != expected.audience {
        return Err(Flaw::Audience);
    }
    is_current(claims.exp, now)?;
    let latest = now + u64::from(SKEW);
    if claims.iat > latest || claims.nbf.is_some_and(|from| from > latest) {
        return Err(Flaw::NotYet);
    }
    if claims.exp - claims.iat > u64::from(LONGEST_LIFE) {
        return Err(Flaw::LivesTooLong);
    }
    Ok(())
}

/// Whether a token that expires then still counts.
///
/// # Errors
/// [`Flaw::Expired`].
pub fn is_current(exp: u64, now: u64) -> Result<(), Flaw> {
    if now < exp + u64::from(SKEW) {
        Ok(())
    } else {
        Err(Flaw::Expired)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const NOW: u64 = 1_767_268_800;

    fn claims() -> Value {
        json!({"iss": "https://ecs.example", "sub": "eec-1", "client_id": "eec-1", "aud": "ees-a.example",
            "scope": "eees-easdiscovery", "iat": NOW, "exp": NOW + 300, "jti": "a", "cnf": {"x5t#S256": "x"}})
    }

    fn verdict(change: impl FnOnce(&mut Value), now: u64) -> Result<(), Flaw> {
        let mut claims = claims();
        change(&mut claims);
        let expected = Expected {
            issuer: "https://ecs.example".to_owned(),
            audience: "ees-a.example".to_owned(),
        };
        check(&parse(claims.to_string().as_bytes())?, &expected, now)
    }

    #[test]
    fn the_right_claims_are_good() {
        assert_eq!(verdict(|_| (), NOW), Ok(()));
        assert_eq!(verdict(|claims| claims["more"] = json!([1, {"a": null}]), NOW), Ok(()));
    }

    /// T-05: the boundaries of each date, at one second less, none and one more than the skew.
    #[test]
    fn dates_count_with_the_skew_and_no_second_more() {
        let skew = u64::from(SKEW);
        assert_eq!(verdict(|_| (), NOW + 300 + skew - 1), Ok(()));
        assert_eq!(verdict(|_| (), NOW + 300 + skew), Err(Flaw::Expired));
        assert_eq!(verdict(|_| (), NOW - skew), Ok(()));
        assert_eq!(verdict(|_| (), NOW - skew - 1), Err(Flaw::NotYet));
        let from = |nbf: u64| move |claims: &mut Value| claims["nbf"] = json!(nbf);
        assert_eq!(verdict(from(NOW + skew), NOW), Ok(()));
        assert_eq!(verdict(from(NOW + skew + 1), NOW), Err(Flaw::NotYet));
        let until = |exp: u64| move |claims: &mut Value| claims["exp"] = json!(exp);
        assert_eq!(verdict(until(NOW + 3600), NOW), Ok(()));
        assert_eq!(verdict(until(NOW + 3601), NOW), Err(Flaw::LivesTooLong));
    }

    /// T-05: dates that are none.
    #[test]
    fn dates_are_whole_numbers_of_seconds_since_1970() {
        for date in ["exp", "iat"] {
            for value in [
                json!(null),
                json!("1767268900"),
                json!(1_767_268_900.5),
                json!(-1),
                json!(300),
                json!(1e300),
                json!(u64::MAX),
                json!([NOW]),
                json!(true),
            ] {
                assert_eq!(
                    verdict(|claims| claims[date] = value.clone(), NOW),
                    Err(Flaw::Claims),
                    "{date} {value}"
                );
            }
        }
    }

    /// T-06.
    #[test]
    fn the_audience_is_this_server_and_nobody_else() {
        for value in [
            json!("ees-b.example"),
            json!("ees-a.exampl"),
            json!("ees-a.example."),
            json!("ees-a.example "),
            json!("EES-A.example"),
            json!("https://ees-a.example/"),
            json!("*"),
            json!(""),
        ] {
            assert_eq!(
                verdict(|claims| claims["aud"] = value.clone(), NOW),
                Err(Flaw::Audience),
                "{value}"
            );
        }
        for value in [
            json!(["ees-a.example"]),
            json!(["ees-a.example", "ees-b.example"]),
            json!(null),
        ] {
            assert_eq!(
                verdict(|claims| claims["aud"] = value.clone(), NOW),
                Err(Flaw::Claims),
                "{value}"
            );
        }
    }

    #[test]
    fn every_claim_that_has_to_be_there_is_missed() {
        for name in ["iss", "sub", "aud", "client_id", "scope", "iat", "exp", "jti", "cnf"] {
            let left_out = |claims: &mut Value| drop(claims.as_object_mut().unwrap().remove(name));
            assert_eq!(verdict(left_out, NOW), Err(Flaw::Claims), "{name}");
        }
        assert_eq!(
            verdict(|claims| claims["add_scope"] = json!("x"), NOW),
            Err(Flaw::Claims)
        );
        assert_eq!(
            verdict(|claims| claims["scope"] = json!("a  b"), NOW),
            Err(Flaw::Claims)
        );
        assert_eq!(
            verdict(|claims| claims["iss"] = json!("https://evil.example"), NOW),
            Err(Flaw::Issuer)
        );
        let twice = claims().to_string().replacen('{', "{\"sub\": \"eec-2\", ", 1);
        assert_eq!(parse(twice.as_bytes()), Err(Flaw::Claims));
        assert_eq!(parse(b"[]"), Err(Flaw::Claims));
    }

    proptest! {
        #[test]
        fn any_bytes_are_claims_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn no_token_counts_longer_than_an_hour_and_the_skew(iat in EARLIEST..LATEST - 10_000, life in 1u64..10_000, at in 0u64..20_000) {
            let now = iat - 100 + at;
            let good = verdict(|claims| { claims["iat"] = json!(iat); claims["exp"] = json!(iat + life); }, now).is_ok();
            let skew = u64::from(SKEW);
            prop_assert_eq!(good, life <= 3600 && now + skew >= iat && now < iat + life + skew);
        }
    }
}
