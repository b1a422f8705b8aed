//! What is wrong with a value, in the words of who writes a configuration file instead of those of who reads it.

use figment::error::{Actual, Kind};

/// What is wrong with a value and what to write instead. Text is not repeated: somebody may have pasted a secret.
pub(super) fn explain(kind: &Kind) -> String {
    match kind {
        Kind::InvalidType(found, wanted) | Kind::InvalidValue(found, wanted) => {
            format!("must be {}, and is {}", wanted_in_words(wanted), found_in_words(found))
        }
        Kind::InvalidLength(length, wanted) => {
            format!("has {length} items; must be {}", wanted_in_words(wanted))
        }
        Kind::UnknownVariant(_, known) => format!("must be {}", one_of(known)),
        Kind::DuplicateField(name) => format!("has `{name}` twice; keep one of both"),
        Kind::Message(message) => message_in_words(message),
        Kind::ISizeOutOfRange(number) => format!("is {number}, which is out of range; give a smaller number"),
        Kind::USizeOutOfRange(number) => format!("is {number}, which is out of range; give a smaller number"),
        Kind::Unsupported(found) | Kind::UnsupportedKey(found, _) => {
            format!("is {}, which cannot stand here", found_in_words(found))
        }
        // These have a place of their own in the text around.
        Kind::MissingField(name) => format!("lacks `{name}`; add it"),
        Kind::UnknownField(name, known) => format!("has the unknown `{name}`; remove it, or use {}", one_of(known)),
    }
}

/// `one of "a", "b"`, or the only one.
fn one_of(known: &[&str]) -> String {
    let quoted: Vec<String> = known.iter().map(|word| format!("{word:?}")).collect();
    match quoted.as_slice() {
        [] => "left out: nothing can stand here".to_owned(),
        [only] => only.clone(),
        several => format!("one of {}", several.join(", ")),
    }
}

/// What serde says it expects.
fn wanted_in_words(wanted: &str) -> String {
    let wanted = wanted.trim_matches('`');
    let (whole, nonzero) = match wanted.strip_prefix("a nonzero ") {
        Some(kind) => (kind, 1),
        None => (wanted, 0),
    };
    let most = match whole {
        "u8" => Some(u64::from(u8::MAX)),
        "u16" => Some(u64::from(u16::MAX)),
        "u32" => Some(u64::from(u32::MAX)),
        "u64" | "usize" => Some(u64::MAX),
        _ => None,
    };
    if let Some(most) = most {
        return format!("a whole number from {nonzero} to {most}");
    }
    let words = match whole {
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "bool" | "a boolean" => "true or false",
        "a string" | "a borrowed string" | "str" | "string" | "a str" => "text in quotes",
        "char" | "a character" => "one character in quotes",
        "path string" => "a path in quotes",
        "socket address" | "an IPv4 socket address" | "an IPv6 socket address" => ADDRESS,
        "a sequence" | "an array" => "a list in brackets, such as [\"a\", \"b\"]",
        "a map" | "map" => "a section with keys",
        "unit" | "null" | "option" => "left out",
        "variant identifier" | "field identifier" => "a word in quotes",
        _ => "",
    };
    if !words.is_empty() {
        return words.to_owned();
    }
    let rust = |prefix: &str| wanted.starts_with(prefix);
    if rust("struct ") || rust("internally tagged enum ") || rust("adjacently tagged enum ") {
        return "a section with keys".to_owned();
    }
    if rust("tuple struct ") || rust("a tuple") {
        return "a list in brackets".to_owned();
    }
    if rust("enum ")
        || rust("string or table")
        || rust("unit struct ")
        || rust("unit variant ")
        || rust("variant index ")
    {
        return "a word in quotes".to_owned();
    }
    wanted.to_owned()
}

const ADDRESS: &str = "an IP address with a port in quotes, such as \"192.0.2.1:9101\" or \"[2001:db8::1]:9101\"";

/// What stands there instead.
fn found_in_words(found: &Actual) -> String {
    match found {
        Actual::Bool(value) => value.to_string(),
        Actual::Unsigned(number) => number.to_string(),
        Actual::Signed(number) => number.to_string(),
        Actual::Float(number) => number.to_string(),
        Actual::Char(_) | Actual::Str(_) | Actual::Bytes(_) => "text".to_owned(),
        Actual::Seq => "a list".to_owned(),
        Actual::Map => "a section or table".to_owned(),
        Actual::Unit | Actual::Option => "empty".to_owned(),
        _ => "something else".to_owned(),
    }
}

/// What a type said in words of its own. Most speak to people already; some pass on what a library says.
fn message_in_words(message: &str) -> String {
    if message.starts_with("invalid socket address syntax") {
        return format!("must be {ADDRESS}");
    }
    if message.starts_with("data did not match any variant") {
        return "has not the form of anything that can stand here".to_owned();
    }
    // The words of serde, where they come as text.
    for begin in ["invalid type: ", "invalid value: "] {
        if let Some((_, wanted)) = message
            .strip_prefix(begin)
            .and_then(|rest| rest.rsplit_once(", expected "))
        {
            return format!("must be {}", wanted_in_words(wanted));
        }
    }
    message.to_owned()
}
