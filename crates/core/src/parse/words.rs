//! What serde says about a wrong value, in the words of JSON: callers know no Rust.

use std::borrow::Cow;

/// The reason as it goes to the caller.
pub(super) fn in_json(reason: &str) -> Cow<'_, str> {
    let told = |kind: &str| {
        let rest = reason.strip_prefix(kind)?;
        // The value that was found may hold anything: what was expected comes last.
        rest.rsplit_once(", expected ")
    };
    if let Some((found, wanted)) = told("invalid type: ") {
        return format!("must be {}, not {}", kind(wanted), value(found)).into();
    }
    if let Some((found, wanted)) = told("invalid value: ") {
        return format!("must be {}, not {}", kind(wanted), value(found)).into();
    }
    if let Some((found, wanted)) = told("invalid length ") {
        return format!("must be {}, not one of {found} items", kind(wanted)).into();
    }
    if let Some((found, wanted)) = told("unknown variant ") {
        return format!("must be {}, not {}", wanted.replace('`', ""), found.replace('`', "")).into();
    }
    reason.into()
}

/// What was expected.
fn kind(wanted: &str) -> Cow<'_, str> {
    let whole = |from: i64, to: u64| Cow::from(format!("a whole number from {from} to {to}"));
    match wanted {
        "u8" => whole(0, u8::MAX.into()),
        "u16" => whole(0, u16::MAX.into()),
        "u32" => whole(0, u32::MAX.into()),
        "u64" | "usize" => "a whole number that is not negative".into(),
        "i8" => whole(i8::MIN.into(), 0x7f),
        "i16" => whole(i16::MIN.into(), 0x7fff),
        "i32" => whole(i32::MIN.into(), 0x7fff_ffff),
        "i64" | "isize" => "a whole number".into(),
        "f32" | "f64" => "a number".into(),
        "a boolean" => "true or false".into(),
        "a borrowed string" | "str" | "string" | "a character" => "a string".into(),
        "a map" => "an object".into(),
        "a sequence" => "an array".into(),
        "unit" => "null".into(),
        "string or map" => "a string or an object".into(),
        _ if wanted.starts_with("struct ") => "an object".into(),
        _ if wanted.starts_with("enum ") => "a string".into(),
        _ if wanted.starts_with("tuple ") || wanted.starts_with("an array of") || wanted.starts_with("a tuple") => {
            "an array".into()
        }
        other => other.into(),
    }
}

/// What was found.
fn value(found: &str) -> Cow<'_, str> {
    let bare = |text: &str| text.trim_matches('`').to_owned();
    match found.split_once(' ') {
        _ if found == "map" => "an object".into(),
        _ if found == "sequence" => "an array".into(),
        _ if found == "null" || found == "unit value" || found == "Option value" => "null".into(),
        Some(("boolean", value)) => bare(value).into(),
        Some(("integer", value)) => bare(value).into(),
        Some(("floating", rest)) => bare(rest.trim_start_matches("point ")).into(),
        Some(("number", value)) => bare(value).into(),
        _ => format!("the {found}").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::in_json;

    #[test]
    fn no_rust_is_spoken() {
        for (serde, json) in [
            (
                "invalid type: sequence, expected struct Inner",
                "must be an object, not an array",
            ),
            (
                "invalid type: map, expected a string",
                "must be a string, not an object",
            ),
            ("invalid type: null, expected a sequence", "must be an array, not null"),
            (
                "invalid type: boolean `true`, expected f64",
                "must be a number, not true",
            ),
            (
                "invalid type: string \", expected u8\", expected u8",
                "must be a whole number from 0 to 255, not the string \", expected u8\"",
            ),
            (
                "invalid value: integer `-1`, expected u16",
                "must be a whole number from 0 to 65535, not -1",
            ),
            ("unknown variant `a`, expected `b` or `c`", "must be b or c, not a"),
            ("must not have both a and b", "must not have both a and b"),
        ] {
            assert_eq!(in_json(serde), json);
        }
    }
}
