//! Macros that write the two shapes of string type the standard uses everywhere: open enumerations and identifiers.

/// Defines an open enumeration: the values the standard names, and any other string kept as it came.
///
/// The standard writes such types as `anyOf` of an enumeration and a free string, so that later versions may add values
/// (TS 29.501 clause 5.3.10). A value we do not know therefore parses, and is written back unchanged. Published documents write
/// the same as a string that is one of the values or another one: of `anyOf`, generators of clients make a class without members.
macro_rules! open_enum {
    ($(#[$meta:meta])* $name:ident as $wire:literal { $($(#[$vmeta:meta])* $variant:ident = $value:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$vmeta])* $variant,)+
            /// A value this version of the standard does not name, as it came.
            Other(String),
        }

        impl $name {
            /// The values the standard names, in its order.
            pub const KNOWN: &'static [$name] = &[$($name::$variant),+];

            /// The value as it is written on the wire.
            pub fn as_str(&self) -> &str {
                match self { $($name::$variant => $value,)+ $name::Other(other) => other }
            }
        }

        impl From<&str> for $name {
            fn from(value: &str) -> Self {
                match value { $($value => $name::$variant,)+ other => $name::Other(other.to_owned()) }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Ok(Self::from(value.as_ref()))
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                use utoipa::openapi::schema::{AnyOfBuilder, ObjectBuilder, Type};
                AnyOfBuilder::new()
                    .item(ObjectBuilder::new().schema_type(Type::String).enum_values(Some([$($value),+])))
                    .item(ObjectBuilder::new().schema_type(Type::String).description(Some(
                        "Any other value: later versions of the standard may add some.")))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> { std::borrow::Cow::Borrowed($wire) }
        }
    };
}

/// Defines an identifier: a non-empty string of at most 256 bytes without control characters, its own type so that two
/// kinds of identifier cannot be mixed up.
macro_rules! identifier {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// The identifier as it is written on the wire.
            pub fn as_str(&self) -> &str { &self.0 }
        }

        impl TryFrom<&str> for $name {
            type Error = crate::ids::BadIdentifier;
            fn try_from(value: &str) -> Result<Self, Self::Error> {
                crate::ids::check(value).map(|()| Self(value.into()))
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::ids::BadIdentifier;
            fn from_str(value: &str) -> Result<Self, Self::Err> { Self::try_from(value) }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(&self.0) }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::try_from(value.as_ref()).map_err(serde::de::Error::custom)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::schema::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .min_length(Some(1))
                    .max_length(Some(crate::ids::MAX_LENGTH))
                    .into()
            }
        }

        // Inline, as the standard writes it: a plain string.
        impl utoipa::ToSchema for $name {}
    };
}

/// Completes a type derived with `#[serde(remote = "Self")]` whose members have to fit together: parses the members, each
/// bad one reported where it stands, then asks the check, a `fn(&Self) -> Result<(), &'static str>`.
macro_rules! checked {
    ($name:ident, $check:expr) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                // The inherent function that serde derives for a remote type, not this one.
                $name::serialize(self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let check: fn(&$name) -> Result<(), &'static str> = $check;
                let value = $name::deserialize(deserializer)?;
                check(&value).map_err(serde::de::Error::custom)?;
                Ok(value)
            }
        }
    };
}

/// Defines an object of which exactly one of several members is present, as an enumeration with one variant per member.
/// Unknown members are ignored. A list that must not be empty names its parser: `with "some_non_empty"`. Published documents
/// write it as one object with exactly one of the members, which generators of clients understand.
// The wire names are token trees: utoipa does not see through the group that a literal fragment becomes.
macro_rules! one_of {
    ($(#[$meta:meta])* $name:ident {
        $($(#[$vmeta:meta])* $variant:ident($inner:ty) = $wire:tt $(with $with:tt)?),+ $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, utoipa::ToSchema)]
        pub enum $name {
            $($(#[$vmeta])* #[serde(rename = $wire)] $variant($inner),)+
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                #[derive(serde::Deserialize)]
                #[serde(expecting = "an object")]
                #[allow(non_snake_case)]
                struct Members {
                    $(#[serde(rename = $wire, default $(, deserialize_with = $with)?)] $variant: Option<$inner>,)+
                }
                let members = Members::deserialize(deserializer)?;
                let mut given = Vec::new();
                $(given.extend(members.$variant.map(Self::$variant));)+
                match (given.pop(), given.pop()) {
                    (Some(one), None) => Ok(one),
                    _ => Err(serde::de::Error::custom(concat!("must have exactly one of these members:", $(" ", $wire),+))),
                }
            }
        }
    };
}

/// Defines a string of a form that the standard fixes by a pattern: checked on entry, kept as it came. After `any_case`,
/// two that differ in upper and lower case only are equal (hexadecimal numbers, domain names).
macro_rules! text {
    (any_case $(#[$meta:meta])* $name:ident, $pattern:literal, $valid:expr, $must:literal) => {
        text!(@define $(#[$meta])* #[derive(Clone, Debug)] $name, $pattern, $valid, $must);

        impl $name {
            fn folded(&self) -> impl Iterator<Item = u8> + '_ {
                self.0.bytes().map(|byte| byte.to_ascii_lowercase())
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool { self.0.eq_ignore_ascii_case(&other.0) }
        }

        impl Eq for $name {}

        impl std::hash::Hash for $name {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                self.folded().for_each(|byte| state.write_u8(byte));
                state.write_u8(0xff);
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> { Some(self.cmp(other)) }
        }

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering { self.folded().cmp(other.folded()) }
        }
    };
    (@define $(#[$meta:meta])* $name:ident, $pattern:literal, $valid:expr, $must:literal) => {
        $(#[$meta])*
        #[derive(serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// The text as it is written on the wire.
            pub fn as_str(&self) -> &str { &self.0 }
        }

        impl TryFrom<&str> for $name {
            type Error = crate::common::BadText;
            fn try_from(value: &str) -> Result<Self, Self::Error> {
                let valid: fn(&str) -> bool = $valid;
                if valid(value) { Ok(Self(value.into())) } else { Err(crate::common::BadText::new($must)) }
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::common::BadText;
            fn from_str(value: &str) -> Result<Self, Self::Err> { Self::try_from(value) }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(&self.0) }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::try_from(value.as_ref()).map_err(serde::de::Error::custom)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::schema::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .pattern(Some($pattern))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}
    };
    ($(#[$meta:meta])* $name:ident, $pattern:literal, $valid:expr, $must:literal) => {
        text!(@define $(#[$meta])* #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)] $name, $pattern, $valid, $must);
    };
}
