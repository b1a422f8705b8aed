//! JSON Patch (RFC 6902) as the core network sends it, and its report (TS 29.571 clause 5.2.4).

use crate::common::non_empty;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

open_enum!(
    /// What a change does (RFC 6902 clause 4).
    PatchOperation as "PatchOperation" {
        /// A value comes.
        Add = "add",
        /// It is copied.
        Copy = "copy",
        /// It is moved.
        Move = "move",
        /// It goes.
        Remove = "remove",
        /// It takes the place of what is there.
        Replace = "replace",
        /// Nothing changes unless the value is this one.
        Test = "test",
    }
);

/// One change of a JSON Patch (TS 29.571 clause 5.2.4.3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"op": "replace", "path": "/supportedFeatures", "value": "0"}))]
pub struct PatchItem {
    /// `op`: what it does.
    pub op: PatchOperation,
    /// `path`: where, a JSON pointer (RFC 6901).
    pub path: String,
    /// `from`: where what is moved or copied comes from, a JSON pointer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub from: Option<String>,
    /// `value`: the value, which may be null.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

/// A value that is null was given all the same.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// What became of a JSON Patch of which a part failed (TS 29.571 clause 5.2.4.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PatchResult {
    /// `report`: what failed. The rest was done.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub report: Vec<ReportItem>,
}

/// A change that failed (TS 29.571 clause 5.2.4.5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportItem {
    /// `path`: where it should have been made, a JSON pointer.
    pub path: String,
    /// `reason`: why it was not, with the number of the change in the patch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, same};

    #[test]
    fn a_change_may_bring_null() {
        let item: PatchItem = same(r#"{"op": "add", "path": "/label", "value": null}"#);
        assert_eq!(item.value, Some(Value::Null));
        needs::<PatchItem>(r#"{"op": "move", "path": "/a", "from": "/b"}"#, &["op", "path"]);
        needs::<PatchResult>(r#"{"report": [{"path": "/a"}]}"#, &["report"]);
    }
}
