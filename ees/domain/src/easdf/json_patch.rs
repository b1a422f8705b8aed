//! JSON Patch (RFC 6902) on a stored representation: what can be changed is, what cannot is reported, and the whole is parsed again as
//! if it had been put.

use super::rules::shortened;
use edgeapp_core::{
    error::{Cause, Error, Kind},
    parse::{self, Wire},
};
use edgeapp_openapi::easdf::patch::{PatchItem, PatchOperation, ReportItem};
use json_patch::PatchOperation as Change;
use serde::Serialize;
use serde_json::Value;

/// Most changes in one patch.
const MOST: usize = 100;
/// Largest representation that patches may build up, in bytes: as large as a body may be.
const LARGEST: usize = 256 * 1024;

/// What a patch came to.
#[derive(Debug)]
pub struct Patched<T> {
    /// The representation with all changes that could be made.
    pub value: T,
    /// Those that could not.
    pub failed: Vec<ReportItem>,
}

/// Applies a patch.
///
/// # Errors
/// When it cannot be read, a test in it fails, nothing of it could be done, or what it leads to is no good. Nothing has changed then.
pub fn apply<T: Wire + Serialize>(stored: &T, patch: &[PatchItem]) -> Result<Patched<T>, Error> {
    if patch.is_empty() || patch.len() > MOST {
        let detail = format!("a patch has 1 to {MOST} changes");
        return Err(Error::new(Kind::Invalid, Cause::InvalidMsgFormat, detail));
    }
    let mut document = serde_json::to_value(stored).map_err(Error::internal)?;
    let mut failed = Vec::new();
    for (n, item) in patch.iter().enumerate() {
        let change = change(n, item)?;
        match json_patch::patch(&mut document, std::slice::from_ref(&change)) {
            Ok(()) => {}
            Err(error) if item.op == PatchOperation::Test => {
                let reason = format!("{} (failed operation index= {n})", error.kind);
                return Err(Error::invalid(
                    Cause::OptionalIeIncorrect,
                    shortened(&item.path),
                    reason,
                ));
            }
            Err(error) => failed.push(ReportItem {
                path: shortened(&item.path).to_owned(),
                reason: Some(format!("{} (failed operation index= {n})", error.kind)),
            }),
        }
        // Copies of copies grow without bounds.
        if parse_size(&document) > LARGEST {
            let detail = format!("the patch makes more than {LARGEST} bytes of it");
            return Err(Error::new(Kind::Invalid, Cause::InvalidMsgFormat, detail));
        }
    }
    if failed.len() == patch.len() {
        let mut error = Error::new(
            Kind::Invalid,
            Cause::OptionalIeIncorrect,
            "nothing of the patch could be done",
        );
        for item in failed {
            error = error.at(item.path, item.reason.unwrap_or_default());
        }
        return Err(error);
    }
    Ok(Patched {
        value: parse::from_value(document)?,
        failed,
    })
}

fn change(n: usize, item: &PatchItem) -> Result<Change, Error> {
    let pointer = |member: &str| format!("/{n}/{member}");
    let at_root = item.path.is_empty() || item.from.as_deref() == Some("");
    if at_root && item.op != PatchOperation::Test {
        return Err(Error::mandatory_incorrect(
            pointer("path"),
            "must be within the resource",
        ));
    }
    match &item.op {
        PatchOperation::Other(_) => return Err(Error::mandatory_incorrect(pointer("op"), "is none of RFC 6902")),
        PatchOperation::Add | PatchOperation::Replace | PatchOperation::Test if item.value.is_none() => {
            return Err(Error::mandatory_missing(
                pointer("value"),
                "is mandatory for this operation",
            ));
        }
        PatchOperation::Copy | PatchOperation::Move if item.from.is_none() => {
            return Err(Error::mandatory_missing(
                pointer("from"),
                "is mandatory for this operation",
            ));
        }
        _ => {}
    }
    let written = serde_json::to_value(item).map_err(Error::internal)?;
    serde_json::from_value(written).map_err(|_| Error::mandatory_incorrect(pointer("path"), "is no JSON pointer"))
}

/// The length of a value as JSON.
fn parse_size(value: &Value) -> usize {
    serde_json::to_vec(value).map_or(usize::MAX, |json| json.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgeapp_openapi::easdf::context::{ApplyAction, DnsContextCreateData};
    use proptest::prelude::*;
    use serde_json::json;

    fn context() -> DnsContextCreateData {
        serde_json::from_value(json!({
            "ueIpv4Addr": "10.45.0.7", "dnn": "edge", "sNssai": {"sst": 1}, "notifyUri": "https://smf.example/n",
            "dnsRules": {"a/b": {"actionList": {"x": {"applyAction": "FORWARD"}, "y": {"applyAction": "REPORT"}}}}
        }))
        .unwrap()
    }

    fn patched(patch: Value) -> Result<Patched<DnsContextCreateData>, Error> {
        let items: Vec<PatchItem> = serde_json::from_value(patch).unwrap();
        apply(&context(), &items)
    }

    #[test]
    fn one_action_in_a_map_is_changed_and_slashes_are_escaped() {
        let done = patched(json!([
            {"op": "replace", "path": "/dnsRules/a~1b/actionList/x/applyAction", "value": "DISCARD"},
            {"op": "remove", "path": "/dnsRules/a~1b/actionList/y"},
        ]))
        .unwrap();
        let rule = &done.value.dns_rules["a/b"];
        assert_eq!(rule.action_list["x"].apply_action, ApplyAction::Discard);
        assert!(rule.action_list.len() == 1 && done.failed.is_empty());
    }

    #[test]
    fn what_cannot_be_done_is_reported_and_the_rest_is_done() {
        let done = patched(json!([
            {"op": "remove", "path": "/dnsRules/none"},
            {"op": "add", "path": "/hplmnId", "value": {"mcc": "001", "mnc": "01"}},
        ]))
        .unwrap();
        assert!(done.value.hplmn_id.is_some());
        assert_eq!(done.failed[0].path, "/dnsRules/none");
        assert!(done.failed[0].reason.as_ref().unwrap().contains("index= 0"));
    }

    #[test]
    fn nothing_is_done_where_a_test_fails_nothing_can_be_done_or_the_result_is_no_good() {
        for (patch, pointer) in [
            (
                json!([{"op": "test", "path": "/dnn", "value": "other"}, {"op": "remove", "path": "/notifyUri"}]),
                "/dnn",
            ),
            (json!([{"op": "remove", "path": "/none"}]), "/none"),
            (json!([{"op": "remove", "path": "/dnn"}]), "/dnn"),
            (
                json!([{"op": "replace", "path": "/dnsRules", "value": {}}]),
                "/dnsRules",
            ),
            (json!([{"op": "add", "path": "", "value": {}}]), "/0/path"),
            (json!([{"op": "add", "path": "/dnn"}]), "/0/value"),
            (json!([{"op": "copy", "path": "/dnn"}]), "/0/from"),
            (json!([{"op": "merge", "path": "/dnn"}]), "/0/op"),
            (json!([{"op": "remove", "path": "dnn"}]), "/0/path"),
        ] {
            let error = patched(patch.clone()).expect_err("refused");
            assert_eq!(error.invalid[0].param, pointer, "{patch}");
        }
        patched(json!([])).expect_err("refused");
    }

    #[test]
    fn copies_of_copies_come_to_an_end() {
        let mut patch = vec![json!({"op": "add", "path": "/x", "value": ["a".repeat(1000)]})];
        patch.extend((0..60).map(|_| json!({"op": "copy", "from": "/x", "path": "/x/-"})));
        patched(Value::from(patch)).expect_err("refused");
    }

    proptest! {
        /// Whatever is sent, what is left is a context or a refusal.
        #[test]
        fn the_result_is_always_whole(items in proptest::collection::vec(
            (0..6usize, 0..6usize, 0..6usize, 0..5usize), 1..6)
        ) {
            let ops = ["add", "remove", "replace", "move", "copy", "test"];
            let paths = ["/dnsRules/a~1b", "/dnsRules/c", "/dnsRules", "/dnn", "/ueIpv4Addr", "/dnsRules/a~1b/actionList/x"];
            let values = [json!(null), json!("x"), json!({}), json!({"actionList": {"z": {"applyAction": "DISCARD"}}}), json!(7)];
            let patch: Vec<Value> = items
                .into_iter()
                .map(|(op, path, from, value)| json!({
                    "op": ops[op], "path": paths[path], "from": paths[from], "value": values[value],
                }))
                .collect();
            if let Ok(done) = patched(Value::from(patch)) {
                let again = serde_json::to_value(&done.value).unwrap();
                prop_assert!(serde_json::from_value::<DnsContextCreateData>(again).is_ok());
                prop_assert!(!done.value.dns_rules.is_empty());
            }
        }
    }
}
