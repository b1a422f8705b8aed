//! What the tests of the modules prove about a wire type, with literal JSON.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// The text parses and is written back with the same content; unknown members beside it are ignored.
#[track_caller]
pub(crate) fn same<T: DeserializeOwned + Serialize>(text: &str) -> T {
    let expected: Value = serde_json::from_str(text).unwrap();
    let value: T = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_value(&value).unwrap(), expected);
    if let Value::Object(mut members) = expected {
        members.insert("notYetInvented".into(), 1.into());
        serde_json::from_value::<T>(Value::Object(members)).expect("unknown members are ignored");
    }
    value
}

/// The text is refused; the answer is what the refusal says.
#[track_caller]
pub(crate) fn refused<T: DeserializeOwned>(text: &str) -> String {
    serde_json::from_str::<Value>(text).expect("the text is JSON");
    match serde_json::from_str::<T>(text) {
        Ok(_) => panic!("accepted: {text}"),
        Err(error) => error.to_string(),
    }
}

/// Of the members in the text, exactly the required ones cannot be left out.
#[track_caller]
pub(crate) fn needs<T: DeserializeOwned>(text: &str, required: &[&str]) {
    only::<T>(text, &[], required);
}

/// Like [`needs`], not trying the members in `tied`, which others depend on.
#[track_caller]
pub(crate) fn only<T: DeserializeOwned>(text: &str, tied: &[&str], required: &[&str]) {
    let whole: serde_json::Map<String, Value> = serde_json::from_str(text).unwrap();
    serde_json::from_value::<T>(Value::Object(whole.clone()))
        .map(drop)
        .expect("the whole text is accepted");
    for name in whole.keys().filter(|name| !tied.contains(&name.as_str())) {
        let mut rest = whole.clone();
        rest.remove(name);
        let accepted = serde_json::from_value::<T>(Value::Object(rest)).is_ok();
        assert_eq!(accepted, !required.contains(&name.as_str()), "without {name}");
    }
    for name in required {
        assert!(whole.contains_key(*name), "the text has {name}");
    }
}
