//! Query strings: the parameters of a `GET`, and what is wrong with them.
//!
//! The documents do not say how lists and objects are written in a query, so readers are lenient: an object is JSON text, a
//! list is JSON text, the parameter repeated, or values between commas. Parameters nobody asks for are ignored.

use serde::{Serialize, de::DeserializeOwned};
use std::{fmt, str::FromStr};

/// What is wrong with a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadQuery {
    /// The parameter that is wrong.
    pub param: &'static str,
    /// Whether it is one that has to be there.
    pub mandatory: bool,
    /// What is wrong with it; `None` when it is not there.
    pub reason: Option<String>,
}

impl BadQuery {
    /// Whether the parameter is not there, rather than wrong.
    pub fn is_missing(&self) -> bool {
        self.reason.is_none()
    }
}

impl fmt::Display for BadQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Some(reason) => write!(f, "query parameter {}: {reason}", self.param),
            None => write!(f, "query parameter {} is missing", self.param),
        }
    }
}

impl std::error::Error for BadQuery {}

/// The pairs of a query string, percent-decoded, before anybody knows their types.
///
/// ```
/// use edgeapp_openapi::{ids::EesId, query::Parameters};
///
/// let given = Parameters::new([("ees-id", "ees-a.example"), ("ens-ind", "true")]);
/// let id: EesId = given.required("ees-id")?;
/// assert!(given.flag("ens-ind")?);
/// assert!(given.required::<EesId>("eas-id").unwrap_err().is_missing());
/// # Ok::<(), edgeapp_openapi::query::BadQuery>(())
/// ```
#[derive(Clone, Debug)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// The parameters, in the order they came.
    pub fn new<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name.as_ref().to_owned(), value.as_ref().to_owned()))
                .collect(),
        )
    }

    fn values(&self, param: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(name, _)| name == param)
            .map(|(_, value)| value.as_str())
    }

    fn single(&self, param: &'static str, mandatory: bool) -> Result<Option<&str>, BadQuery> {
        let mut values = self.values(param);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(bad(param, mandatory, "is there more than once")),
            (value, None) => Ok(value),
        }
    }

    /// A parameter that has to be there.
    ///
    /// # Errors
    /// When it is not there, is there more than once, or does not parse.
    pub fn required<T: FromStr<Err: fmt::Display>>(&self, param: &'static str) -> Result<T, BadQuery> {
        let value = self.single(param, true)?.ok_or(BadQuery {
            param,
            mandatory: true,
            reason: None,
        })?;
        value.parse().map_err(|reason| bad(param, true, reason))
    }

    /// A parameter that may be there.
    ///
    /// # Errors
    /// When it is there more than once, or does not parse.
    pub fn optional<T: FromStr<Err: fmt::Display>>(&self, param: &'static str) -> Result<Option<T>, BadQuery> {
        let value = self.single(param, false)?;
        value
            .map(str::parse)
            .transpose()
            .map_err(|reason| bad(param, false, reason))
    }

    /// A parameter whose type is an open enumeration and that may be there.
    ///
    /// # Errors
    /// When it is there more than once, or is empty.
    pub fn word<T: for<'a> From<&'a str>>(&self, param: &'static str) -> Result<Option<T>, BadQuery> {
        match self.single(param, false)? {
            Some("") => Err(bad(param, false, "must not be empty")),
            value => Ok(value.map(T::from)),
        }
    }

    /// A parameter that is `true` or `false`; false when it is not there.
    ///
    /// # Errors
    /// When it is there more than once, or is neither.
    pub fn flag(&self, param: &'static str) -> Result<bool, BadQuery> {
        match self.single(param, false)? {
            Some("true") => Ok(true),
            Some("false") | None => Ok(false),
            Some(_) => Err(bad(param, false, "must be true or false")),
        }
    }

    /// A parameter that is JSON text and may be there.
    ///
    /// # Errors
    /// When it is there more than once, or does not parse.
    pub fn json<T: DeserializeOwned>(&self, param: &'static str) -> Result<Option<T>, BadQuery> {
        let value = self.single(param, false)?;
        value
            .map(serde_json::from_str)
            .transpose()
            .map_err(|reason| bad(param, false, reason))
    }

    /// The values of a list of text: JSON text, the parameter repeated, or values between commas; empty when it is not there.
    ///
    /// # Errors
    /// When it is there and has no value, or an empty one.
    pub fn list(&self, param: &'static str) -> Result<Vec<String>, BadQuery> {
        let mut items = Vec::new();
        for value in self.values(param) {
            if value.trim_start().starts_with('[') {
                let list: Vec<String> = serde_json::from_str(value).map_err(|reason| bad(param, false, reason))?;
                items.extend(list);
            } else {
                items.extend(value.split(',').map(str::to_owned));
            }
        }
        if self.values(param).next().is_some() && (items.is_empty() || items.iter().any(String::is_empty)) {
            return Err(bad(param, false, "must have at least one value, and no empty one"));
        }
        Ok(items)
    }
}

fn bad(param: &'static str, mandatory: bool, reason: impl fmt::Display) -> BadQuery {
    BadQuery {
        param,
        mandatory,
        reason: Some(reason.to_string()),
    }
}

/// An object as JSON text, for a parameter of a query.
pub(crate) fn json_text(value: &impl Serialize) -> String {
    // The types that are parameters have text keys only, which always serialize.
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::EesId;

    #[test]
    fn single_parameters() {
        let given = Parameters::new([("a", "1"), ("b", ""), ("c", "x"), ("c", "x"), ("d", "yes")]);
        assert_eq!(given.required::<EesId>("a").unwrap().as_str(), "1");
        assert_eq!(given.optional::<EesId>("z"), Ok(None));
        assert!(given.required::<EesId>("z").unwrap_err().is_missing());
        let twice = given.optional::<EesId>("c").unwrap_err();
        assert_eq!(twice.to_string(), "query parameter c: is there more than once");
        let empty = given.required::<EesId>("b").unwrap_err();
        assert!(!empty.is_missing() && empty.mandatory);
        assert!(given.flag("d").is_err() && given.flag("z") == Ok(false));
    }

    #[test]
    fn lists_come_in_three_forms() {
        for pairs in [
            vec![("l", "a"), ("l", "b")],
            vec![("l", "a,b")],
            vec![("l", r#"["a", "b"]"#)],
        ] {
            assert_eq!(Parameters::new(pairs).list("l").unwrap(), ["a", "b"]);
        }
        for value in ["", "a,", "[]", "[1]", r#"[""]"#] {
            assert!(Parameters::new([("l", value)]).list("l").is_err(), "{value}");
        }
        assert!(Parameters::new([("k", "a")]).list("l").unwrap().is_empty());
    }
}
