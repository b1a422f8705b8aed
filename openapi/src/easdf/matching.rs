//! Names by pattern (TS 29.571 clause 5.4.4), and ranges of addresses (TS 29.556 clause 6.1.6.2).

use crate::common::{Ipv4Addr, Ipv6Prefix, non_empty};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

open_enum!(
    /// How a name is compared with a text (TS 29.571 clause 5.4.3).
    MatchingOperator as "MatchingOperator" {
        /// It is the text.
        FullMatch = "FULL_MATCH",
        /// Every name matches.
        MatchAll = "MATCH_ALL",
        /// It begins with the text.
        StartsWith = "STARTS_WITH",
        /// It does not begin with the text.
        NotStartWith = "NOT_START_WITH",
        /// It ends with the text.
        EndsWith = "ENDS_WITH",
        /// It does not end with the text.
        NotEndWith = "NOT_END_WITH",
        /// The text is in it.
        Contains = "CONTAINS",
        /// The text is not in it.
        NotContain = "NOT_CONTAIN",
    }
);

/// A condition on a name (TS 29.571 clause 5.4.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", remote = "Self")]
pub struct StringMatchingCondition {
    /// `matchingString`: the text; absent where every name matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub matching_string: Option<String>,
    /// `matchingOperator`: how the name is compared with it.
    pub matching_operator: MatchingOperator,
}

checked!(StringMatchingCondition, |condition| match condition {
    StringMatchingCondition {
        matching_string: None,
        matching_operator: operator,
    } if *operator != MatchingOperator::MatchAll =>
        Err("must have matchingString unless matchingOperator is MATCH_ALL"),
    _ => Ok(()),
});

/// Conditions on a name, all of which hold (TS 29.571 clause 5.4.4).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StringMatchingRule {
    /// `stringMatchingConditions`: the conditions.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub string_matching_conditions: Vec<StringMatchingCondition>,
}

one_of!(
    /// A pattern of names (TS 29.571 clause 5.4.4).
    #[derive(Eq)]
    FqdnPatternMatchingRule {
        /// `regex`: a regular expression that some part of the name matches.
        Regex(String) = "regex",
        /// `stringMatchingRule`: conditions.
        StringMatchingRule(StringMatchingRule) = "stringMatchingRule",
    }
);

/// IPv4 addresses from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self")]
pub struct Ipv4AddressRange {
    /// `start`: the first.
    pub start: Ipv4Addr,
    /// `end`: the last.
    pub end: Ipv4Addr,
}

checked!(Ipv4AddressRange, |range| match range.start <= range.end {
    true => Ok(()),
    false => Err("must not end before it starts"),
});

/// IPv6 prefixes from one to another, both included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ipv6PrefixRange {
    /// `start`: the first.
    pub start: Ipv6Prefix,
    /// `end`: the last.
    pub end: Ipv6Prefix,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, refused, same};

    #[test]
    fn a_pattern_is_an_expression_or_conditions() {
        same::<FqdnPatternMatchingRule>(r#"{"regex": "^a[.]"}"#);
        same::<FqdnPatternMatchingRule>(
            r#"{"stringMatchingRule": {"stringMatchingConditions": [{"matchingOperator": "MATCH_ALL"},
                {"matchingString": "a", "matchingOperator": "NOT_YET_INVENTED"}]}}"#,
        );
        refused::<FqdnPatternMatchingRule>(r#"{"regex": "a", "stringMatchingRule": {}}"#);
        refused::<FqdnPatternMatchingRule>("{}");
        refused::<StringMatchingRule>(r#"{"stringMatchingConditions": []}"#);
        refused::<StringMatchingCondition>(r#"{"matchingOperator": "ENDS_WITH"}"#);
    }

    #[test]
    fn a_range_goes_upwards() {
        needs::<Ipv4AddressRange>(r#"{"start": "192.0.2.1", "end": "192.0.2.1"}"#, &["start", "end"]);
        refused::<Ipv4AddressRange>(r#"{"start": "192.0.2.2", "end": "192.0.2.1"}"#);
        needs::<Ipv6PrefixRange>(
            r#"{"start": "2001:db8::/64", "end": "2001:db8:1::/64"}"#,
            &["start", "end"],
        );
    }
}
