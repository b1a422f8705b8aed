//! JSON merge patch (RFC 7396) on a stored representation: merge, then parse again as if it had been put whole.

use crate::{
    error::{Cause, Error, Kind},
    parse::{self, Wire},
};
use serde::Serialize;
use serde_json::Value;

/// Largest representation that patches may build up, in bytes: as large as a body may be.
const MAX_MERGED: usize = 256 * 1024;

/// Which members a PATCH of one resource may touch.
#[derive(Clone, Copy, Debug)]
pub struct PatchRules {
    /// Members of the API's patch schema.
    pub changeable: &'static [&'static str],
    /// Members that `null` removes; for the other changeable ones `null` is refused.
    pub clearable: &'static [&'static str],
    /// Members of the resource outside the patch schema: their stored value may be repeated, another one is refused.
    pub fixed: &'static [&'static str],
}

/// Merges `patch` into `target` (RFC 7396): objects merge, everything else replaces, null removes.
pub fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        target.clone_from(patch);
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    if let Value::Object(target) = target {
        for (name, value) in patch {
            if value.is_null() {
                target.remove(name);
            } else {
                merge(target.entry(name.as_str()).or_insert(Value::Null), value);
            }
        }
    }
}

/// The length of a value as JSON, without writing it.
fn size(value: &Value) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // A value that cannot be written is too large for anything.
    serde_json::to_writer(&mut count, value).map_or(usize::MAX, |()| count.0)
}

/// The resource `current` after `patch`.
///
/// # Errors
/// When the patch is no object, touches a fixed member, clears what cannot be cleared, or leaves something that does not parse.
pub fn apply<T: Wire + Serialize>(current: &T, patch: &Value, rules: &PatchRules) -> Result<T, Error> {
    let Value::Object(members) = patch else {
        return Err(Error::new(
            Kind::Invalid,
            Cause::InvalidMsgFormat,
            "a merge patch is a JSON object",
        ));
    };
    let mut merged = serde_json::to_value(current).map_err(Error::internal)?;
    for (name, value) in members {
        let stored = merged.get(name).cloned().unwrap_or(Value::Null);
        if rules.changeable.contains(&name.as_str()) {
            if value.is_null() && !rules.clearable.contains(&name.as_str()) {
                return Err(Error::optional_incorrect(
                    format!("/{name}"),
                    "cannot be removed by null",
                ));
            }
            let mut after = stored;
            if value.is_null() {
                if let Value::Object(merged) = &mut merged {
                    merged.remove(name);
                }
            } else {
                merge(&mut after, value);
                merged[name.as_str()] = after;
            }
        } else if rules.fixed.contains(&name.as_str()) && *value != stored {
            return Err(Error::not_changeable(format!("/{name}")));
        }
        // Anything else is a member we do not know: ignored.
    }
    // Many patches together must not make what no single request could.
    if size(&merged) > MAX_MERGED {
        return Err(Error::forbidden(
            Cause::ModificationNotAllowed,
            format!("the resource would be larger than {MAX_MERGED} bytes"),
        ));
    }
    parse::from_value(merged).map_err(|mut error| {
        // Nothing can be missing but what the patch removed.
        if error.cause == Cause::MandatoryIeMissing {
            error.cause = Cause::MandatoryIeIncorrect;
        }
        error
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn the_examples_of_rfc_7396_hold() {
        for (target, patch, result) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (
                json!(["a"]),
                json!({"a": {"bb": {"ccc": null}}}),
                json!({"a": {"bb": {}}}),
            ),
        ] {
            let mut merged = target;
            merge(&mut merged, &patch);
            assert_eq!(merged, result);
        }
    }

    #[derive(Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
    struct Grows {
        words: std::collections::BTreeMap<String, String>,
    }

    /// Proves: T-18, T-16
    #[test]
    fn patches_cannot_pile_up_more_than_a_body() {
        let rules = PatchRules {
            changeable: &["words"],
            clearable: &[],
            fixed: &[],
        };
        let mut grown = Grows {
            words: std::collections::BTreeMap::new(),
        };
        let mut patches = 0;
        let refusal = loop {
            let patch = json!({"words": {patches.to_string(): "x".repeat(100_000)}});
            match apply(&grown, &patch, &rules) {
                Ok(more) => grown = more,
                Err(error) => break error,
            }
            patches += 1;
        };
        assert_eq!((patches, refusal.cause), (2, Cause::ModificationNotAllowed));
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<u8>().prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[a-c]", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn merging_twice_is_merging_once(mut target in value(), patch in value()) {
            merge(&mut target, &patch);
            let once = target.clone();
            merge(&mut target, &patch);
            prop_assert_eq!(once, target);
        }
    }
}
