//! What the issuer has taken back, as far as we have heard. What was revoked once stays so until it would have expired: a list that
//! leaves it out, because the issuer was restored from an older state, brings nothing back to life.

use edgeapp_core::{
    principal::Owner,
    token::{AccessTokenClaims, LONGEST_LIFE, RevocationList, RevokedClient, RevokedToken, SKEW},
};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Revocations, and up to which list they were heard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocations {
    seq: u64,
    tokens: HashMap<String, u64>,
    /// Clients by their name in tokens: from issuers that do not say which role they mean.
    clients: HashMap<String, (u64, u64)>,
    /// Clients by identity.
    #[serde(default)]
    identities: HashMap<Owner, (u64, u64)>,
    /// Names of keys that have left the list, and until when that is remembered.
    #[serde(default)]
    left: HashMap<String, u64>,
}

/// Why a list is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadList {
    /// The signature, the type or the form.
    #[error("the list is not signed by the issuer, or cannot be read")]
    NotSigned,
    /// Somebody else's.
    #[error(
        "the list is that of the issuer {said:?}, and this server trusts {wanted:?} alone; make the two say the same, letter by letter"
    )]
    Issuer {
        /// The issuer in the list; its beginning where it is long.
        said: String,
        /// The issuer in the configuration.
        wanted: String,
    },
    /// It was made for another server, and leaves out what concerns this one.
    #[error("the list was made for {said:?}, and this server is {wanted:?}")]
    Audience {
        /// The server in the list; its beginning where it is long.
        said: String,
        /// This server.
        wanted: String,
    },
    /// It was not signed just now.
    #[error("the list was not signed just now: an old one was sent again, or the clocks differ")]
    NotNew,
    /// A later one was seen before.
    #[error("a later list was seen before")]
    Older,
}

impl Revocations {
    /// What is known once this list, from this issuer to this server, is heard too.
    ///
    /// # Errors
    /// See [`BadList`].
    pub fn heard(&self, list: &RevocationList, issuer: &str, audience: &str, now: u64) -> Result<Self, BadList> {
        if list.iss != issuer {
            return Err(BadList::Issuer {
                said: list.iss.chars().take(100).collect(),
                wanted: issuer.to_owned(),
            });
        }
        if let Some(said) = list.aud.as_ref().filter(|said| *said != audience) {
            return Err(BadList::Audience {
                said: said.chars().take(100).collect(),
                wanted: audience.to_owned(),
            });
        }
        if list.iat.abs_diff(now) > u64::from(SKEW) {
            return Err(BadList::NotNew);
        }
        if list.seq < self.seq {
            return Err(BadList::Older);
        }
        let mut next = self.clone();
        next.seq = list.seq;
        let lasts = now + u64::from(LONGEST_LIFE) + 2 * u64::from(SKEW);
        for RevokedToken { jti, exp } in &list.tokens {
            next.tokens.insert(jti.clone(), (*exp).min(lasts));
        }
        for RevokedClient {
            sub,
            identity,
            until,
            exp,
        } in &list.clients
        {
            let known = match identity {
                Some(identity) => next.identities.entry(identity.clone()).or_default(),
                None => next.clients.entry(sub.clone()).or_default(),
            };
            *known = (known.0.max(*until), known.1.max((*exp).min(lasts)));
        }
        let live = |exp: u64| exp + u64::from(SKEW) >= now;
        next.left.retain(|_, until| now <= *until);
        next.tokens.retain(|_, exp| live(*exp));
        next.clients.retain(|_, (_, exp)| live(*exp));
        next.identities.retain(|_, (_, exp)| live(*exp));
        Ok(next)
    }

    /// Whether the token of this client was revoked, by its own name or with all of its client.
    pub fn has(&self, claims: &AccessTokenClaims, client: &Owner) -> bool {
        let by_name = self.clients.get(&claims.client_id);
        let by_identity = self.identities.get(client);
        self.tokens.contains_key(&claims.jti)
            || [by_name, by_identity]
                .into_iter()
                .flatten()
                .any(|(until, _)| claims.iat <= *until)
    }

    /// The same, and that these keys have left the list. It is remembered for as long as a token that one of them signed can live.
    #[must_use]
    pub fn without<'a>(mut self, keys: impl Iterator<Item = &'a str>, now: u64) -> Self {
        let until = now + u64::from(LONGEST_LIFE) + 2 * u64::from(SKEW);
        self.left.extend(keys.map(|name| (name.to_owned(), until)));
        self
    }

    /// Whether a key of this name was in the list and is no more.
    pub fn has_left(&self, key: &str, now: u64) -> bool {
        self.left.get(key).is_some_and(|until| now <= *until)
    }

    /// Whether both revoke the same.
    pub fn same_as(&self, other: &Self) -> bool {
        (&self.tokens, &self.clients, &self.identities) == (&other.tokens, &other.clients, &other.identities)
    }

    /// The number of the last list.
    pub fn seq(&self) -> u64 {
        self.seq
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgeapp_core::token::Confirmation;
    use proptest::prelude::*;

    const NOW: u64 = 1_767_268_800;
    const ISSUER: &str = "https://ecs.example";
    const EES: &str = "ees-a.example";

    fn eec(id: &str) -> Owner {
        Owner::eec(&id.parse().unwrap())
    }

    fn list(seq: u64, iat: u64, tokens: &[(&str, u64)], clients: &[(&str, u64)]) -> RevocationList {
        let token = |(jti, exp): &(&str, u64)| RevokedToken {
            jti: (*jti).to_owned(),
            exp: *exp,
        };
        let client = |(sub, until): &(&str, u64)| RevokedClient {
            sub: (*sub).to_owned(),
            identity: None,
            until: *until,
            exp: until + 3630,
        };
        RevocationList {
            iss: ISSUER.to_owned(),
            aud: None,
            iat,
            seq,
            keys: Vec::new(),
            tokens: tokens.iter().map(token).collect(),
            clients: clients.iter().map(client).collect(),
        }
    }

    fn claims(client: &str, jti: &str, iat: u64) -> AccessTokenClaims {
        AccessTokenClaims {
            iss: ISSUER.to_owned(),
            sub: client.to_owned(),
            aud: "ees-a.example".to_owned(),
            client_id: client.to_owned(),
            role: None,
            scope: "eees-easdiscovery".to_owned(),
            iat,
            nbf: None,
            exp: iat + 300,
            jti: jti.to_owned(),
            cnf: Confirmation {
                x5t_s256: String::new(),
            },
        }
    }

    #[test]
    fn a_token_and_all_of_a_client_can_be_revoked() {
        let heard = Revocations::default()
            .heard(&list(1, NOW, &[("a", NOW + 300)], &[("eec-1", NOW)]), ISSUER, EES, NOW)
            .unwrap();
        assert!(
            heard.has(&claims("eec-2", "a", NOW), &eec("eec-2"))
                && !heard.has(&claims("eec-2", "b", NOW), &eec("eec-2"))
        );
        assert!(
            heard.has(&claims("eec-1", "b", NOW), &eec("eec-1"))
                && !heard.has(&claims("eec-1", "b", NOW + 1), &eec("eec-1"))
        );
    }

    #[test]
    fn an_older_list_is_not_taken_and_a_shorter_one_brings_nothing_back() {
        let heard = Revocations::default()
            .heard(&list(5, NOW, &[("a", NOW + 300)], &[]), ISSUER, EES, NOW)
            .unwrap();
        assert_eq!(
            heard.heard(&list(4, NOW + 1, &[], &[]), ISSUER, EES, NOW + 1),
            Err(BadList::Older)
        );
        let restored = heard.heard(&list(6, NOW + 2, &[], &[]), ISSUER, EES, NOW + 2).unwrap();
        assert!(restored.has(&claims("eec-1", "a", NOW), &eec("eec-1")));
        let much_later = restored
            .heard(&list(6, NOW + 400, &[], &[]), ISSUER, EES, NOW + 400)
            .unwrap();
        assert!(
            !much_later.has(&claims("eec-1", "a", NOW), &eec("eec-1")),
            "nobody has to remember it any more"
        );
    }

    /// An EEC and an EES of one name do not share a fate, unless the issuer does not say whom it means.
    #[test]
    fn clients_of_different_roles_are_told_apart() {
        let ees = Owner::ees(&"eec-1".parse().unwrap());
        let mut of_eec = list(1, NOW, &[], &[("eec-1", NOW)]);
        let by_name = Revocations::default().heard(&of_eec, ISSUER, EES, NOW).unwrap();
        of_eec.clients[0].identity = Some(eec("eec-1"));
        let by_identity = Revocations::default().heard(&of_eec, ISSUER, EES, NOW).unwrap();
        let claims = claims("eec-1", "a", NOW);
        assert!(by_identity.has(&claims, &eec("eec-1")) && !by_identity.has(&claims, &ees));
        assert!(by_name.has(&claims, &eec("eec-1")) && by_name.has(&claims, &ees));
        assert!(!by_identity.same_as(&Revocations::default()));
    }

    #[test]
    fn a_list_that_was_made_for_another_server_is_not_taken() {
        let mut of_other = list(1, NOW, &[], &[]);
        of_other.aud = Some("ees-b.example".to_owned());
        let refused = Revocations::default().heard(&of_other, ISSUER, EES, NOW).unwrap_err();
        assert!(refused.to_string().contains("ees-b.example"), "{refused}");
        of_other.aud = Some(EES.to_owned());
        assert!(Revocations::default().heard(&of_other, ISSUER, EES, NOW).is_ok());
    }

    #[test]
    fn a_key_that_left_is_remembered_and_old_state_is_read() {
        let left = Revocations::default().without(["k"].into_iter(), NOW);
        assert!(left.has_left("k", NOW + 3660) && !left.has_left("k", NOW + 3661) && !left.has_left("other", NOW));
        let old: Revocations = serde_json::from_str(r#"{"seq":1,"tokens":{},"clients":{}}"#).unwrap();
        assert!(old.seq() == 1 && !old.has_left("k", NOW));
    }

    #[test]
    fn lists_of_others_and_of_another_time_are_not_taken() {
        let nothing = Revocations::default();
        let foreign = nothing
            .heard(&list(1, NOW, &[], &[]), "https://x", EES, NOW)
            .unwrap_err();
        let told = foreign.to_string();
        assert!(told.contains(ISSUER) && told.contains("https://x"), "{told}");
        for iat in [NOW - 31, NOW + 31] {
            assert_eq!(
                nothing.heard(&list(1, iat, &[], &[]), ISSUER, EES, NOW),
                Err(BadList::NotNew)
            );
        }
    }

    proptest! {
        /// Whatever lists come in whatever order: what was revoked and has not expired is revoked.
        #[test]
        fn revoked_once_is_revoked_until_it_expires(lists in prop::collection::vec((0u64..5, 0u64..90, prop::collection::vec(0usize..4, 0..3)), 1..12)) {
            const NAMES: [&str; 4] = ["a", "b", "c", "d"];
            let (mut known, mut revoked) = (Revocations::default(), std::collections::BTreeSet::new());
            for (seq, iat, tokens) in lists {
                let tokens: Vec<_> = tokens.iter().map(|n| (NAMES[*n], NOW + 300)).collect();
                if let Ok(next) = known.heard(&list(seq, NOW + iat, &tokens, &[]), ISSUER, EES, NOW + 50) {
                    prop_assert!(next.seq() >= known.seq());
                    revoked.extend(tokens.iter().map(|(name, _)| *name));
                    known = next;
                }
                for name in NAMES {
                    prop_assert_eq!(known.has(&claims("eec-1", name, NOW), &eec("eec-1")), revoked.contains(name));
                }
            }
        }
    }
}
