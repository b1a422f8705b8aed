//! Scopes: `<api>` allows all operations of an API, `<api>:<operation>` one of them. There is no wildcard.
//!
//! ```
//! use edgeapp_core::token::scope;
//! assert!(scope::covers("eees-easdiscovery", "eees-easdiscovery:request"));
//! assert!(scope::covers("eees-easdiscovery:request", "eees-easdiscovery:request"));
//! assert!(!scope::covers("eees-easdiscovery:subscribe", "eees-easdiscovery:request"));
//! assert!(!scope::covers("eees-eas", "eees-easdiscovery:request"));
//! ```

/// Longest list of scopes that is read, in bytes.
pub const LONGEST: usize = 4096;

/// The operations of an EES by their [`Operation::NAME`](crate::authorizer::Operation::NAME): what scopes are made of. An operation of
/// an `eees-` or `neasdf-` API that is not in this list does not compile ([`operation!`](crate::operation)).
pub const OPERATIONS: &[&str] = &[
    "eees-acr-param:send",
    "eees-acrevents:modify",
    "eees-acrevents:replace",
    "eees-acrevents:subscribe",
    "eees-acrevents:unsubscribe",
    "eees-acrmgntevent:list",
    "eees-acrmgntevent:modify",
    "eees-acrmgntevent:read",
    "eees-acrmgntevent:replace",
    "eees-acrmgntevent:subscribe",
    "eees-acrmgntevent:unsubscribe",
    "eees-acrstatus-update:request",
    "eees-appclientinformation:modify",
    "eees-appclientinformation:read",
    "eees-appclientinformation:replace",
    "eees-appclientinformation:subscribe",
    "eees-appclientinformation:unsubscribe",
    "eees-appctxtreloc:declare",
    "eees-appctxtreloc:determine",
    "eees-appctxtreloc:initiate",
    "eees-cea:declare",
    "eees-easdiscovery:modify",
    "eees-easdiscovery:replace",
    "eees-easdiscovery:request",
    "eees-easdiscovery:subscribe",
    "eees-easdiscovery:unsubscribe",
    "eees-easinfoprov:declare",
    "eees-easregistration:create",
    "eees-easregistration:delete",
    "eees-easregistration:modify",
    "eees-easregistration:read",
    "eees-easregistration:replace",
    "eees-eeccontextreloc:pull",
    "eees-eeccontextreloc:push",
    "eees-eecregistration:create",
    "eees-eecregistration:delete",
    "eees-eecregistration:modify",
    "eees-eecregistration:replace",
    "eees-eel-acr:list",
    "eees-eel-acr:read",
    "eees-eel-acr:request",
    "eees-eel-acr:subscribe",
    "eees-session-with-qos:create",
    "eees-session-with-qos:delete",
    "eees-session-with-qos:list",
    "eees-session-with-qos:modify",
    "eees-session-with-qos:read",
    "eees-session-with-qos:replace",
    "eees-tie:create",
    "eees-tie:delete",
    "eees-tie:modify",
    "eees-tie:read",
    "eees-tie:replace",
    "eees-ueidentifier:fetch",
    "eees-ueidentifier:get",
    "eees-uelocation:fetch",
    "eees-uelocation:modify",
    "eees-uelocation:read",
    "eees-uelocation:replace",
    "eees-uelocation:subscribe",
    "eees-uelocation:unsubscribe",
    "neasdf-baselinednspattern:delete",
    "neasdf-baselinednspattern:modify",
    "neasdf-baselinednspattern:put",
    "neasdf-dnscontext:create",
    "neasdf-dnscontext:delete",
    "neasdf-dnscontext:modify",
    "neasdf-dnscontext:replace",
];

/// The API that an operation is one of.
pub fn api_of(operation: &str) -> &str {
    operation.split_once(':').map_or(operation, |(api, _)| api)
}

/// All scopes there are: each API, followed by its operations.
pub fn all() -> Vec<&'static str> {
    let mut all = Vec::new();
    for operation in OPERATIONS {
        let api = api_of(operation);
        if !all.contains(&api) {
            all.push(api);
        }
        all.push(operation);
    }
    all
}

/// Whether this is one of all scopes.
pub fn is_known(scope: &str) -> bool {
    OPERATIONS
        .iter()
        .any(|operation| *operation == scope || api_of(operation) == scope)
}

/// Whether one scope allows an operation.
pub fn covers(scope: &str, operation: &str) -> bool {
    match operation.strip_prefix(scope) {
        Some("") => true,
        Some(rest) => rest.starts_with(':') && !scope.contains(':'),
        None => false,
    }
}

/// Whether all that `wanted` allows is allowed by one of `granted` too.
pub fn within<'a>(wanted: &str, granted: impl IntoIterator<Item = &'a str>) -> bool {
    granted
        .into_iter()
        .any(|granted| granted == wanted || (!granted.contains(':') && covers(granted, wanted)))
}

/// The scopes of a list: words of letters, digits, `_`, `:` and `-` with single spaces between them (TS 29.510). `None` when it is
/// written otherwise.
pub fn list(text: &str) -> Option<Vec<&str>> {
    if text.is_empty() || text.len() > LONGEST {
        return None;
    }
    let words: Vec<&str> = text.split(' ').collect();
    words.iter().all(|word| is_word(word)).then_some(words)
}

fn is_word(word: &str) -> bool {
    !word.is_empty()
        && word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'-'))
}

/// For [`operation!`](crate::operation): an operation of an EES is in the list of all.
#[doc(hidden)]
pub const fn is_listed(operation: &str) -> bool {
    if !begins_with(operation.as_bytes(), b"eees-") && !begins_with(operation.as_bytes(), b"neasdf-") {
        return true;
    }
    let mut at = 0;
    while at < OPERATIONS.len() {
        let listed = OPERATIONS[at].as_bytes();
        if listed.len() == operation.len() && begins_with(operation.as_bytes(), listed) {
            return true;
        }
        at += 1;
    }
    false
}

const fn begins_with(text: &[u8], start: &[u8]) -> bool {
    if text.len() < start.len() {
        return false;
    }
    let mut at = 0;
    while at < start.len() {
        if text[at] != start[at] {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_list_is_in_order_and_in_the_grammar() {
        assert!(OPERATIONS.is_sorted_by(|one, other| one < other));
        for scope in all() {
            assert_eq!(list(scope), Some(vec![scope]));
            assert!(is_known(scope) && within(scope, [api_of(scope)]));
        }
        assert!(is_listed("eees-uelocation:fetch") && is_listed("chess:ask@eec") && !is_listed("eees-uelocation:fetc"));
    }

    #[test]
    fn a_list_has_single_spaces_and_plain_words() {
        assert_eq!(list("a:b c"), Some(vec!["a:b", "c"]));
        for text in [
            "",
            " ",
            "a ",
            " a",
            "a  b",
            "a\tb",
            "a\nb",
            "a\u{a0}b",
            "*",
            "a,b",
            "a\u{2003}b",
            "ä",
        ] {
            assert_eq!(list(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn an_operation_is_covered_by_itself_and_its_api_only(operation in 0..OPERATIONS.len(), scope in 0..OPERATIONS.len() * 2) {
            let (operation, all) = (OPERATIONS[operation], all());
            let scope = all[scope % all.len()];
            prop_assert_eq!(covers(scope, operation), scope == operation || scope == api_of(operation));
            prop_assert_eq!(covers(scope, operation), within(operation, [scope]));
        }

        #[test]
        fn no_made_up_scope_covers_anything(scope in "[a-z:*-]{0,12}") {
            prop_assume!(!is_known(&scope));
            for operation in OPERATIONS {
                prop_assert!(!covers(&scope, operation), "{} {}", scope, operation);
            }
        }
    }
}
