//! From JSON to a wire type, with errors that point at the member.

mod objects;
mod words;

use crate::error::{Cause, Error, Kind};
use edgeapp_openapi::{easdf::patch::PatchItem, problem::InvalidParam};
use objects::Objects;
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};
use utoipa::{
    ToSchema,
    openapi::{RefOr, Schema},
};

/// Deepest nesting of arrays and objects that is accepted.
pub const MAX_DEPTH: usize = 32;

/// A wire type that arrives as a body.
pub trait Wire: DeserializeOwned + ToSchema + Send {}
impl<T: DeserializeOwned + ToSchema + Send> Wire for T {}

/// Parses a body.
///
/// # Errors
/// [`Cause::InvalidMsgFormat`] when it is not JSON, has trailing bytes, nests deeper than [`MAX_DEPTH`], is no object, or repeats a
/// member; otherwise `MANDATORY_IE_MISSING`, `MANDATORY_IE_INCORRECT` or `OPTIONAL_IE_INCORRECT` with the JSON pointer of the member.
pub fn from_slice<T: Wire>(body: &[u8]) -> Result<T, Error> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(unreadable("the body is empty"));
    }
    if too_deep(body) {
        return Err(unreadable(format!("the body nests deeper than {MAX_DEPTH} levels")));
    }
    let body = text(body)?;
    let mut json = serde_json::Deserializer::from_str(body);
    // The first try is the fast one; the path is kept only for those who need to hear it.
    match T::deserialize(Objects(&mut json)).and_then(|value| json.end().map(|()| value)) {
        Ok(value) => Ok(value),
        Err(error) if !error.is_data() => Err(unreadable(format!("not JSON: {error}"))),
        Err(_) => {
            let mut json = serde_json::Deserializer::from_str(body);
            match serde_path_to_error::deserialize::<_, T>(Objects(&mut json)) {
                Err(error) => Err(explain::<T>(error.path(), error.inner())),
                Ok(_) => Err(unreadable("bytes follow the JSON value")),
            }
        }
    }
}

/// Looks whether a body can be read at all, for what is understood further inside.
///
/// # Errors
/// [`Cause::InvalidMsgFormat`] when it is empty, nests deeper than [`MAX_DEPTH`], is not JSON, or repeats a member.
pub fn check_slice(body: &[u8]) -> Result<(), Error> {
    patch_from_slice(body).map(|_| ())
}

/// Parses a JSON value that is known to be well-formed, such as the result of a merge patch.
///
/// # Errors
/// As [`from_slice`].
pub fn from_value<T: Wire>(value: serde_json::Value) -> Result<T, Error> {
    serde_path_to_error::deserialize::<_, T>(Objects(value)).map_err(|error| explain::<T>(error.path(), error.inner()))
}

/// Parses a merge patch: any JSON value without repeated members.
///
/// # Errors
/// [`Cause::InvalidMsgFormat`].
pub fn patch_from_slice(body: &[u8]) -> Result<serde_json::Value, Error> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(unreadable("the body is empty"));
    }
    if too_deep(body) {
        return Err(unreadable(format!("the body nests deeper than {MAX_DEPTH} levels")));
    }
    let Strict(value) = serde_json::from_str(text(body)?).map_err(|error| unreadable(format!("not JSON: {error}")))?;
    Ok(value)
}

/// Parses a JSON patch: a list of changes.
///
/// # Errors
/// As [`from_slice`], with the number of the change in front of the member.
pub fn json_patch_from_slice(body: &[u8]) -> Result<Vec<PatchItem>, Error> {
    match patch_from_slice(body)? {
        list @ serde_json::Value::Array(_) => from_value(list),
        _ => Err(unreadable("the body must be a JSON array of changes (RFC 6902)")),
    }
}

/// A body as text. What is ignored has to be text all the same: JSON is UTF-8 throughout.
fn text(body: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(body)
        .map_err(|error| unreadable(format!("the body is not UTF-8 from byte {}", error.valid_up_to())))
}

/// Longest part of a body that an answer and the log repeat, in bytes.
const MAX_QUOTE: usize = 200;

/// The beginning of a text that may quote the body.
fn short(text: &str) -> std::borrow::Cow<'_, str> {
    if text.len() <= MAX_QUOTE {
        text.into()
    } else {
        format!("{}…", &text[..text.floor_char_boundary(MAX_QUOTE)]).into()
    }
}

/// A JSON value that repeats no member.
struct Strict(serde_json::Value);

impl<'de> serde::Deserialize<'de> for Strict {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Strict;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a JSON value")
            }
            fn visit_bool<E>(self, value: bool) -> Result<Strict, E> {
                Ok(Strict(value.into()))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Strict, E> {
                Ok(Strict(value.into()))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Strict, E> {
                Ok(Strict(value.into()))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Strict, E> {
                Ok(Strict(value.into()))
            }
            fn visit_str<E>(self, value: &str) -> Result<Strict, E> {
                Ok(Strict(value.into()))
            }
            fn visit_unit<E>(self) -> Result<Strict, E> {
                Ok(Strict(serde_json::Value::Null))
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut items: A) -> Result<Strict, A::Error> {
                let mut values = Vec::new();
                while let Some(Strict(value)) = items.next_element()? {
                    values.push(value);
                }
                Ok(Strict(values.into()))
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut members: A) -> Result<Strict, A::Error> {
                let mut values = serde_json::Map::new();
                while let Some((name, Strict(value))) = members.next_entry::<String, Strict>()? {
                    if values.contains_key(&name) {
                        return Err(serde::de::Error::custom(format_args!(
                            "the member {:?} stands there twice",
                            short(&name)
                        )));
                    }
                    values.insert(name, value);
                }
                Ok(Strict(values.into()))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

fn unreadable(detail: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(Kind::Invalid, Cause::InvalidMsgFormat, detail)
}

/// Whether arrays and objects nest deeper than [`MAX_DEPTH`]. Looks at brackets outside of strings only.
fn too_deep(body: &[u8]) -> bool {
    let (mut depth, mut at) = (0usize, 0);
    while at < body.len() {
        match body[at] {
            b'{' | b'[' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                at += 1;
                while at < body.len() && body[at] != b'"' {
                    at += if body[at] == b'\\' { 2 } else { 1 };
                }
            }
            _ => {}
        }
        at += 1;
    }
    false
}

fn explain<T: ToSchema>(path: &Path, error: &serde_json::Error) -> Error {
    let text = error.to_string();
    // serde_json appends " at line 1 column 7": the pointer says it better.
    let reason = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(reason, _)| reason);
    if reason.starts_with("duplicate field") {
        return unreadable(short(reason).replace("field", "member"));
    }
    let missing = reason
        .strip_prefix("missing field `")
        .and_then(|rest| rest.split('`').next());
    let mut names: Vec<String> = path
        .iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(index.to_string()),
            Segment::Map { key } => Some(short(key).into_owned()),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect();
    if names.is_empty() && missing.is_none() && reason.starts_with("invalid type") {
        return unreadable("the body must be a JSON object");
    }
    let in_json = words::in_json(reason);
    let reason = &*short(&in_json);
    if let Some(member) = optional_member::<T>(&names, reason) {
        names.push(member);
    }
    names.extend(missing.map(str::to_owned));
    let mandatory = mandatory::<T>(if missing.is_some() {
        &names[..names.len() - 1]
    } else {
        &names
    });
    let (cause, reason) = match (missing, mandatory) {
        (Some(_), true) => (Cause::MandatoryIeMissing, "is mandatory and missing"),
        (Some(_), false) => (
            Cause::OptionalIeIncorrect,
            "is mandatory inside this optional member and missing",
        ),
        // Which one it should have been is not said, but one had to be there.
        (None, true) if reason.starts_with("must have at least one of these members") => {
            (Cause::MandatoryIeMissing, reason)
        }
        (None, true) => (Cause::MandatoryIeIncorrect, reason),
        (None, false) => (Cause::OptionalIeIncorrect, reason),
    };
    let pointer: String = names
        .iter()
        .map(|name| format!("/{}", name.replace('~', "~0").replace('/', "~1")))
        .collect();
    Error {
        kind: Kind::Invalid,
        cause,
        detail: format!("{}: {reason}", if pointer.is_empty() { "the body" } else { &pointer }).into(),
        invalid: vec![InvalidParam {
            param: pointer,
            reason: Some(reason.to_owned()),
        }],
        challenge: None,
    }
}

/// Whether every member on this path is mandatory in the schema of `T`. A path of no members is.
fn mandatory<T: ToSchema>(names: &[String]) -> bool {
    walk::<T>(names).is_some_and(|(_, _, mandatory)| mandatory)
}

/// The optional member that this rule of an object is about: the first that it names, where the rule forbids a combination.
fn optional_member<T: ToSchema>(names: &[String], rule: &str) -> Option<String> {
    if !rule.starts_with("must not have") && !rule.contains(" where it has ") {
        return None;
    }
    let (known, here, _) = walk::<T>(names)?;
    let mut words = rule.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let named = words.find_map(|word| step(&known, &here, word).map(|(_, mandatory)| (word, mandatory)))?;
    (!named.1).then(|| named.0.to_owned())
}

type Known = Vec<(String, RefOr<Schema>)>;

/// The schema at the end of this path, and whether everything on the way is mandatory.
fn walk<T: ToSchema>(names: &[String]) -> Option<(Known, RefOr<Schema>, bool)> {
    let mut known = Vec::new();
    T::schemas(&mut known);
    let (mut here, mut mandatory) = (T::schema(), true);
    for name in names {
        let (next, required) = step(&known, &here, name)?;
        here = next;
        mandatory &= required;
    }
    Some((known, here, mandatory))
}

/// The schema of the member `name`, and whether that is mandatory here.
fn step(known: &[(String, RefOr<Schema>)], here: &RefOr<Schema>, name: &str) -> Option<(RefOr<Schema>, bool)> {
    let schema = match here {
        RefOr::T(schema) => schema,
        RefOr::Ref(reference) => {
            let target = reference.ref_location.rsplit('/').next()?;
            return step(known, &known.iter().find(|(name, _)| name == target)?.1, name);
        }
    };
    match schema {
        Schema::Object(object) => {
            let required = object.required.iter().any(|required| required == name);
            Some((object.properties.get(name)?.clone(), required))
        }
        Schema::AllOf(all) => all.items.iter().find_map(|part| step(known, part, name)),
        // An item of a mandatory list is as mandatory as the list.
        Schema::Array(array) if name.parse::<usize>().is_ok() => match &array.items {
            utoipa::openapi::schema::ArrayItems::RefOrSchema(items) => Some(((**items).clone(), true)),
            utoipa::openapi::schema::ArrayItems::False => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize, ToSchema)]
    #[serde(rename_all = "camelCase")]
    #[allow(dead_code, reason = "only the refusals are looked at")]
    struct Outer {
        must_have: Inner,
        may_have: Option<Inner>,
        #[serde(default)]
        list: Vec<Inner>,
    }

    #[derive(Debug, Deserialize, ToSchema)]
    #[allow(dead_code, reason = "only the refusals are looked at")]
    struct Inner {
        number: u8,
        word: Option<String>,
    }

    fn refusal(body: &str) -> (Cause, String) {
        let error = from_slice::<Outer>(body.as_bytes()).unwrap_err();
        (
            error.cause,
            error
                .invalid
                .first()
                .map(|invalid| invalid.param.clone())
                .unwrap_or_default(),
        )
    }

    /// Proves: WP-50
    #[test]
    fn missing_and_incorrect_members_are_told_apart() {
        assert_eq!(refusal("{}"), (Cause::MandatoryIeMissing, "/mustHave".into()));
        assert_eq!(
            refusal(r#"{"mustHave":{}}"#),
            (Cause::MandatoryIeMissing, "/mustHave/number".into())
        );
        assert_eq!(
            refusal(r#"{"mustHave":{"number":"x"}}"#),
            (Cause::MandatoryIeIncorrect, "/mustHave/number".into())
        );
        assert_eq!(
            refusal(r#"{"mustHave":{"number":1,"word":2}}"#),
            (Cause::OptionalIeIncorrect, "/mustHave/word".into())
        );
        assert_eq!(
            refusal(r#"{"mustHave":{"number":1},"mayHave":{}}"#),
            (Cause::OptionalIeIncorrect, "/mayHave/number".into())
        );
        assert_eq!(
            refusal(r#"{"mustHave":{"number":1},"list":[{"number":-1}]}"#),
            (Cause::OptionalIeIncorrect, "/list/0/number".into())
        );
    }

    /// Serde would take the items for the members in their order.
    #[test]
    fn a_list_is_no_object_at_any_depth() {
        for (body, cause, pointer) in [
            (r#"{"mustHave":[1,"x"]}"#, Cause::MandatoryIeIncorrect, "/mustHave"),
            (
                r#"{"mustHave":{"number":1},"mayHave":[1,"x"]}"#,
                Cause::OptionalIeIncorrect,
                "/mayHave",
            ),
            (
                r#"{"mustHave":{"number":1},"list":[{"number":1},[1,"x"]]}"#,
                Cause::OptionalIeIncorrect,
                "/list/1",
            ),
        ] {
            assert_eq!(refusal(body), (cause, pointer.into()), "{body}");
            let value = serde_json::from_str(body).unwrap();
            assert_eq!(from_value::<Outer>(value).unwrap_err().invalid[0].param, pointer);
        }
        let top = r#"[{"number":1},null,[]]"#;
        assert_eq!(refusal(top).0, Cause::InvalidMsgFormat);
        assert!(from_value::<Outer>(serde_json::from_str(top).unwrap()).is_err());
    }

    #[test]
    fn reasons_speak_json() {
        let error = from_slice::<Outer>(br#"{"mustHave":[]}"#).unwrap_err();
        assert_eq!(
            error.invalid[0].reason.as_deref(),
            Some("must be an object, not an array")
        );
    }

    /// A rule about a combination of members is broken by one that need not be there.
    #[test]
    fn forbidden_combinations_of_optional_members_are_optional_ies() {
        let both = br#"{"eecId":"eec-1","unfulfilledAcProfs":[{"acId":"a","reason":"EAS_NOT_AVAILABLE"}],
            "unfulfillAcProfs":[{"acId":"a","reason":"EAS_NOT_AVAILABLE"}]}"#;
        let error = from_slice::<edgeapp_openapi::eec_registration::EecRegistration>(both).unwrap_err();
        assert_eq!(error.cause, Cause::OptionalIeIncorrect, "{error}");
        assert_eq!(error.invalid[0].param, "/unfulfilledAcProfs");
    }

    /// Proves: WP-50, T-17
    #[test]
    fn what_is_no_message_is_said_to_be_none() {
        let cut = r#"{"mustHave":{"number":1}"#;
        let twice = r#"{"mustHave":{"number":1,"number":2}}"#;
        let trailing = r#"{"mustHave":{"number":1}} x"#;
        let deep = "[".repeat(10_000);
        for body in [
            "",
            " ",
            cut,
            "[]",
            "7",
            twice,
            trailing,
            &deep,
            "\u{feff}{}",
            "{\"mustHave\":\"\\ud800\"}",
        ] {
            assert_eq!(refusal(body).0, Cause::InvalidMsgFormat, "{body:.40}");
        }
    }

    /// Proves: WP-50
    #[test]
    fn all_of_a_body_is_utf_8() {
        let mut body = br#"{"mustHave":{"number":1},"unknown":"?"}"#.to_vec();
        let at = body.len() - 3;
        body[at] = 0xff;
        assert_eq!(from_slice::<Outer>(&body).unwrap_err().cause, Cause::InvalidMsgFormat);
        assert_eq!(patch_from_slice(&body).unwrap_err().cause, Cause::InvalidMsgFormat);
    }

    /// Proves: T-17
    #[test]
    fn refusals_quote_no_more_than_the_beginning() {
        let long = "ö".repeat(100_000);
        let error = from_slice::<Outer>(format!(r#"{{"mustHave":{{"number":"{long}"}}}}"#).as_bytes()).unwrap_err();
        assert!(
            error.detail.len() < 400 && error.invalid[0].reason.as_ref().unwrap().len() < 300,
            "{}",
            error.detail.len()
        );
        let twice = format!(r#"{{"{long}":1,"{long}":2}}"#);
        assert!(patch_from_slice(twice.as_bytes()).unwrap_err().detail.len() < 400);
    }

    #[test]
    fn brackets_in_strings_do_not_nest() {
        let word = "[".repeat(100);
        let body = format!(r#"{{"mustHave":{{"number":1,"word":"{word}\"{word}"}}}}"#);
        assert!(from_slice::<Outer>(body.as_bytes()).is_ok());
    }
}
