//! Scopes of CAPIF (TS 29.222 clause 8.5.4.2.6): `3gpp#aef1:api1,api2;aef2:api3`.
//!
//! ```
//! use edgeapp_capif::scope::Scope;
//! let scope: Scope = "3gpp#AEF1:eees-easdiscovery,eees-easregistration;AEF2:eees-uelocation".parse()?;
//! assert!(scope.allows("AEF1", "eees-easregistration"));
//! assert!(!scope.allows("AEF2", "eees-easregistration"));
//! assert!("3gpp#AEF1".parse::<Scope>().is_err());
//! # Ok::<(), edgeapp_capif::scope::BadScope>(())
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

/// Begins every scope.
const PREFIX: &str = "3gpp#";
/// Longest scope that is read, in bytes.
const LONGEST: usize = 16 * 1024;

/// Which APIs of which exposing functions may be called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope(BTreeMap<String, BTreeSet<String>>);

/// A text that is no scope, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadScope(&'static str);

impl fmt::Display for BadScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for BadScope {}

/// Whether a text can stand in a scope: it has something, and nothing that scopes are written with.
pub fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"#:,;\"\\".contains(&byte))
}

impl Scope {
    /// Allows one more API.
    pub fn add(&mut self, aef_id: &str, api_name: &str) {
        self.0.entry(aef_id.to_owned()).or_default().insert(api_name.to_owned());
    }

    /// Whether it allows nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this API of this exposing function may be called.
    pub fn allows(&self, aef_id: &str, api_name: &str) -> bool {
        self.0.get(aef_id).is_some_and(|apis| apis.contains(api_name))
    }

    /// Whether it names this exposing function.
    pub fn names(&self, aef_id: &str) -> bool {
        self.0.contains_key(aef_id)
    }

    /// Each exposing function with each of its APIs.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .flat_map(|(aef_id, apis)| apis.iter().map(move |api| (aef_id.as_str(), api.as_str())))
    }
}

impl FromStr for Scope {
    type Err = BadScope;

    /// Other scopes may follow after a space; they are not looked at.
    fn from_str(text: &str) -> Result<Self, BadScope> {
        if text.len() > LONGEST {
            return Err(BadScope("the scope is too long"));
        }
        let ours = text.split(' ').next().unwrap_or_default();
        let parts = ours.strip_prefix(PREFIX).ok_or(BadScope("a scope begins with 3gpp#"))?;
        let mut scope = Self::default();
        for part in parts.split(';') {
            let (aef_id, apis) = part.split_once(':').ok_or(BadScope(
                "a scope names APIs behind each AEF: 3gpp#aef:api1,api2;aef2:api3",
            ))?;
            for api in apis.split(',') {
                if !is_word(aef_id) || !is_word(api) {
                    return Err(BadScope(
                        "a scope has an AEF or an API without a name, or with characters that names have not",
                    ));
                }
                scope.add(aef_id, api);
            }
        }
        Ok(scope)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        for (place, (aef_id, apis)) in self.0.iter().enumerate() {
            let apis: Vec<&str> = apis.iter().map(String::as_str).collect();
            write!(f, "{}{aef_id}:{}", if place == 0 { "" } else { ";" }, apis.join(","))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_scope() {
        for text in [
            "",
            "3gpp#",
            "AEF1:a",
            "3gpp#AEF1",
            "3gpp#AEF1:",
            "3gpp#:a",
            "3gpp#AEF1:a,",
            "3gpp#AEF1:a;",
            "3gpp#A:a;B",
            "3gpp#A:a:b",
            "3GPP#A:a",
            "3gpp#A#B:a",
            " 3gpp#A:a",
        ] {
            assert!(text.parse::<Scope>().is_err(), "{text:?}");
        }
        assert!(
            "3gpp#A:a openid"
                .parse::<Scope>()
                .is_ok_and(|scope| scope.to_string() == "3gpp#A:a")
        );
    }

    proptest! {
        #[test]
        fn a_scope_is_read_as_it_was_written(pairs in prop::collection::vec(("[A-Za-z0-9.-]{1,8}", "[a-z0-9-]{1,8}"), 1..20)) {
            let mut scope = Scope::default();
            for (aef_id, api) in &pairs {
                scope.add(aef_id, api);
            }
            prop_assert_eq!(scope.to_string().parse::<Scope>(), Ok(scope.clone()));
            for (aef_id, api) in &pairs {
                prop_assert!(scope.allows(aef_id, api));
            }
        }

        #[test]
        fn any_text_is_a_scope_or_none(text in ".{0,60}") {
            if let Ok(scope) = format!("3gpp#{text}").parse::<Scope>() {
                prop_assert_eq!(scope.to_string().parse::<Scope>(), Ok(scope));
            }
        }
    }
}
