//! Types of TS 29.571 and TS 29.122 that several APIs use.

use jiff::fmt::temporal::Pieces;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{collections::BTreeMap, fmt, marker::PhantomData, str::FromStr};
use utoipa::openapi::{
    RefOr,
    schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type},
};
use utoipa::{PartialSchema, ToSchema};

pub use crate::network::{
    DnaiChangeType, ExternalGroupId, Fqdn, GroupId, IpAddr, Ipv4Addr, Ipv6Addr, Ipv6Prefix, Mcc, Mnc, Nid, PlmnId,
    PlmnIdNid, RouteInformation, RouteToLocation, Snssai, TransportProtocol,
};
pub use crate::reporting::{
    BufferedNotificationsAction, MutingExceptionInstructions, MutingNotificationsSettings, NotificationFlag,
    NotificationMethod, PartitioningCriteria, ReportingInformation, SubscriptionAction,
};
pub use crate::schedule::{ScheduledCommunicationTime, TimeOfDay, TimeWindow};

/// Most items a list on the wire may have.
pub const MAX_ITEMS: usize = 1000;

/// Parses a list that the standard demands to have at least one item (`minItems: 1`) and that has at most [`MAX_ITEMS`].
///
/// An optional list of this kind is a `Vec` that is empty when the member is absent:
///
/// ```
/// use edgeapp_openapi::{common::non_empty, ids::EasId};
///
/// #[derive(serde::Deserialize)]
/// #[serde(rename_all = "camelCase")]
/// struct Known {
///     #[serde(default, deserialize_with = "non_empty")]
///     eas_ids: Vec<EasId>,
/// }
/// assert!(serde_json::from_str::<Known>("{}").unwrap().eas_ids.is_empty());
/// assert!(serde_json::from_str::<Known>(r#"{"easIds": []}"#).is_err());
/// ```
///
/// # Errors
/// When the value is no list, an item is bad, or the list is empty or too long.
pub fn non_empty<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let items = bounded(deserializer)?;
    if items.is_empty() {
        return Err(D::Error::custom("must have at least one item"));
    }
    Ok(items)
}

/// As [`non_empty`], for a list that may be empty.
///
/// # Errors
/// When the value is no list, an item is bad, or the list is too long.
pub fn bounded<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let items = Vec::<T>::deserialize(deserializer)?;
    if items.len() > MAX_ITEMS {
        return Err(D::Error::custom(format_args!(
            "has {} items, at most {MAX_ITEMS} are accepted",
            items.len()
        )));
    }
    Ok(items)
}

/// An instant (`DateTime`: RFC 3339 date and time with offset), compared as an instant and written in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DateTime(pub jiff::Timestamp);

impl FromStr for DateTime {
    type Err = jiff::Error;
    fn from_str(value: &str) -> Result<Self, Self::Err> {
        let out_of_range = |error| match Pieces::parse(value) {
            // The last hours of the year 9999, which some write for never, lie behind the last instant that can be told.
            Ok(last) if last.date().year() == 9999 && last.time().is_some() && last.offset().is_some() => {
                Ok(jiff::Timestamp::MAX)
            }
            _ => Err(error),
        };
        value.parse().or_else(out_of_range).map(Self)
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for DateTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for DateTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        value.parse().map_err(|_| {
            D::Error::custom("must be an RFC 3339 date and time with offset, such as 2026-01-01T12:00:00Z")
        })
    }
}

impl PartialSchema for DateTime {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .into()
    }
}

impl ToSchema for DateTime {}

/// A set of optional features of one API (`SupportedFeatures`, TS 29.571 clause 5.2.2): a hexadecimal string whose last
/// digit carries features 1 to 4.
///
/// ```
/// use edgeapp_openapi::common::SupportedFeatures;
/// let ours: SupportedFeatures = "7".parse()?;
/// assert_eq!(ours.common(&"0005".parse()?).to_string(), "5");
/// assert!(ours.has(3) && !ours.has(4));
/// assert!("0x7".parse::<SupportedFeatures>().is_err());
/// # Ok::<(), edgeapp_openapi::common::BadFeatures>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SupportedFeatures(u128);

/// A string that is not a feature set: something else than hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadFeatures;

impl fmt::Display for BadFeatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be hexadecimal digits, the last one carrying features 1 to 4")
    }
}

impl std::error::Error for BadFeatures {}

impl SupportedFeatures {
    /// The set of these feature numbers, each from 1 to 128.
    pub const fn of(numbers: &[u32]) -> Self {
        let mut bits = 0;
        let mut at = 0;
        while at < numbers.len() {
            bits |= 1 << (numbers[at] - 1);
            at += 1;
        }
        Self(bits)
    }

    /// The features in both sets: the result of a negotiation (TS 29.122 clause 5.2.7).
    pub const fn common(&self, other: &Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether this feature number, from 1, is in the set.
    pub const fn has(&self, number: u32) -> bool {
        number >= 1 && number <= 128 && self.0 >> (number - 1) & 1 == 1
    }
}

impl FromStr for SupportedFeatures {
    type Err = BadFeatures;
    fn from_str(value: &str) -> Result<Self, Self::Err> {
        if !value.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(BadFeatures);
        }
        // Features beyond 128 exist in no API: what nobody supports need not be kept.
        let tail = &value[value.len().saturating_sub(32)..];
        if tail.is_empty() {
            Ok(Self(0))
        } else {
            u128::from_str_radix(tail, 16).map(Self).map_err(|_| BadFeatures)
        }
    }
}

impl fmt::Display for SupportedFeatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

impl Serialize for SupportedFeatures {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SupportedFeatures {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        value.parse().map_err(D::Error::custom)
    }
}

impl PartialSchema for SupportedFeatures {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[A-Fa-f0-9]*$"))
            .into()
    }
}

impl ToSchema for SupportedFeatures {}

/// A string that does not have the form its type demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadText(&'static str);

impl BadText {
    pub(crate) const fn new(must: &'static str) -> Self {
        Self(must)
    }
}

impl fmt::Display for BadText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for BadText {}

/// Parses a map that the standard demands to have at least one entry (`minProperties: 1`); a key given twice is refused.
pub(crate) fn non_empty_map<'de, D, K, V>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: Deserialize<'de> + Ord,
    V: Deserialize<'de>,
{
    struct Entries<K, V>(PhantomData<(K, V)>);

    impl<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>> serde::de::Visitor<'de> for Entries<K, V> {
        type Value = BTreeMap<K, V>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object with at least one member")
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
            let mut map = BTreeMap::new();
            while let Some((key, value)) = entries.next_entry()? {
                if map.insert(key, value).is_some() {
                    return Err(serde::de::Error::custom("has the same key twice"));
                }
            }
            if map.is_empty() {
                Err(serde::de::Error::custom("must have at least one entry"))
            } else {
                Ok(map)
            }
        }
    }

    deserializer.deserialize_map(Entries(PhantomData))
}

/// Parses like [`non_empty`] a list that is kept in an `Option`.
pub(crate) fn some_non_empty<'de, D, T>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    non_empty(deserializer).map(Some)
}

/// A number that may be absent, so that one range check serves `T` and `Option<T>`.
pub(crate) trait Number {
    /// The number, for the comparison with the limits.
    fn number(&self) -> Option<f64>;
}

macro_rules! numbers {
    ($($name:ident),+) => { $(
        impl Number for $name {
            fn number(&self) -> Option<f64> { Some((*self).into()) }
        }
        impl Number for Option<$name> {
            fn number(&self) -> Option<f64> { (*self).map(f64::from) }
        }
    )+ };
}
numbers!(u8, u16, u32, f64);

/// Parses a number, present or not, that must lie between two limits, both included.
pub(crate) fn within<'de, D, T>(deserializer: D, least: f64, most: f64) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Number,
{
    let value = T::deserialize(deserializer)?;
    match value.number() {
        Some(number) if number < least => Err(D::Error::custom(format_args!("must be at least {least}"))),
        Some(number) if number > most => Err(D::Error::custom(format_args!("must be at most {most}"))),
        _ => Ok(value),
    }
}

const MAX_URI: usize = 2048;

/// The scheme of RFC 3986 and something behind it, in the characters that a URI may have.
fn is_uri(value: &str) -> bool {
    let Some((scheme, rest)) = value.split_once(':') else {
        return false;
    };
    value.len() <= MAX_URI
        && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
        && !rest.is_empty()
        && rest
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte))
}

text!(
    /// An absolute URI (`Uri`, and `Link` of TS 29.122 clause 5.2.1.3): at most 2048 bytes, kept as it came.
    ///
    /// ```
    /// use edgeapp_openapi::common::Uri;
    /// let uri: Uri = "https://eas.example:8443/callback".parse()?;
    /// assert_eq!(uri.as_str(), "https://eas.example:8443/callback");
    /// assert!("eas.example/callback".parse::<Uri>().is_err());
    /// # Ok::<(), edgeapp_openapi::common::BadText>(())
    /// ```
    Uri,
    r"^[A-Za-z][A-Za-z0-9+.-]*:[!-~]+$",
    is_uri,
    "must be an absolute URI (RFC 3986) of at most 2048 bytes, such as https://host.example/path"
);

/// The number and the unit of a bit rate.
fn bit_rate(value: &str) -> Option<(&str, f64)> {
    let (number, unit) = value.split_once(' ')?;
    let factor = match unit {
        "bps" => 1.0,
        "Kbps" => 1e3,
        "Mbps" => 1e6,
        "Gbps" => 1e9,
        "Tbps" => 1e12,
        _ => return None,
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    (number.len() <= 32 && digits(whole) && digits(fraction)).then_some((number, factor))
}

text!(
    /// A bit rate (`BitRate`, TS 29.571 clause 5.5.2): a number, a space and one of `bps`, `Kbps`, `Mbps`, `Gbps`, `Tbps`,
    /// in steps of a thousand.
    BitRate,
    r"^\d+(\.\d+)? (bps|Kbps|Mbps|Gbps|Tbps)$",
    |value| bit_rate(value).is_some(),
    "must be a number, a space and a unit out of bps, Kbps, Mbps, Gbps, Tbps"
);

impl BitRate {
    /// The rate in bits per second: what rates are compared by.
    ///
    /// ```
    /// use edgeapp_openapi::common::BitRate;
    /// let (slow, fast): (BitRate, BitRate) = ("900 Kbps".parse()?, "1.5 Mbps".parse()?);
    /// assert_eq!(fast.bps(), 1_500_000.0);
    /// assert!(slow.bps() < fast.bps());
    /// # Ok::<(), edgeapp_openapi::common::BadText>(())
    /// ```
    pub fn bps(&self) -> f64 {
        let (number, factor) = bit_rate(self.as_str()).unwrap_or(("0", 1.0));
        number.parse().map_or(0.0, |number: f64| number * factor)
    }
}

/// How to notify over a WebSocket rather than by a call to the subscriber (TS 29.122 clause 5.2.1.2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebsockNotifConfig {
    /// `websocketUri`: where the subscriber opens the WebSocket; the server's answer carries it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub websocket_uri: Option<Uri>,
    /// `requestWebsocketUri`: the subscriber asks for notifications over a WebSocket; false when absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub request_websocket_uri: bool,
}

/// The body of a notification that only tries whether notifications arrive (TS 29.122 clause 5.2.1.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestNotification {
    /// `subscription`: the subscription that the trial is for.
    pub subscription: Uri,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, refused, same};

    #[test]
    fn uri_is_absolute_and_short() {
        for good in [
            "https://eas.example:8443/a?b=c#d",
            "wss://[2001:db8::1]/",
            "urn:example:a",
            "a:b",
        ] {
            assert_eq!(good.parse::<Uri>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "eas.example",
            "/a",
            ":a",
            "https:",
            "1a:b",
            "https://a b",
            "https://ä.example",
            "a:<b>",
            "a:\nb",
        ] {
            assert!(bad.parse::<Uri>().is_err(), "{bad}");
        }
        let long = format!("a:{}", "b".repeat(2046));
        assert!(long.parse::<Uri>().is_ok() && format!("{long}b").parse::<Uri>().is_err());
    }

    #[test]
    fn bit_rate_is_compared_as_a_number() {
        let bps = |text: &str| text.parse::<BitRate>().unwrap().bps();
        assert!(bps("9 Kbps") < bps("100 Mbps") && bps("1000 Gbps") == bps("1 Tbps") && bps("0.5 bps") == 0.5);
        for bad in [
            "", "1", "1Mbps", "1 mbps", "-1 Mbps", "1. Mbps", ".5 Mbps", "1e3 bps", "1  Mbps", "1 Mbps ",
        ] {
            assert!(bad.parse::<BitRate>().is_err(), "{bad}");
        }
    }

    #[test]
    fn notification_settings() {
        same::<WebsockNotifConfig>(r#"{"websocketUri": "wss://ees.example/ws", "requestWebsocketUri": true}"#);
        needs::<TestNotification>(r#"{"subscription": "https://ees.example/s/1"}"#, &["subscription"]);
    }

    #[test]
    fn map_has_entries_and_each_key_once() {
        #[derive(Debug, Deserialize)]
        struct Map(#[serde(deserialize_with = "non_empty_map")] BTreeMap<String, u8>);
        assert_eq!(serde_json::from_str::<Map>(r#"{"a": 1}"#).unwrap().0["a"], 1);
        refused::<Map>("{}");
        refused::<Map>(r#"{"a": 1, "a": 1}"#);
    }
}
