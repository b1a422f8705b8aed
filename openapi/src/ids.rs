//! Identifiers of TS 23.558 clause 7.2, one type each.
//!
//! ```
//! use edgeapp_openapi::ids::EesId;
//! let id: EesId = "ees-a.example".parse()?;
//! assert_eq!(id.as_str(), "ees-a.example");
//! assert!("".parse::<EesId>().is_err());
//! # Ok::<(), edgeapp_openapi::ids::BadIdentifier>(())
//! ```

use std::fmt;

/// Longest identifier accepted, in bytes.
pub const MAX_LENGTH: usize = 256;

/// Why a string is not an identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadIdentifier {
    /// It is the empty string.
    Empty,
    /// It has more than [`MAX_LENGTH`] bytes.
    TooLong,
    /// It has a control character.
    Control,
}

impl fmt::Display for BadIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("an identifier must not be empty"),
            Self::TooLong => write!(f, "an identifier has at most {MAX_LENGTH} bytes"),
            Self::Control => f.write_str("an identifier has no control characters"),
        }
    }
}

impl std::error::Error for BadIdentifier {}

pub(crate) fn check(value: &str) -> Result<(), BadIdentifier> {
    if value.is_empty() {
        Err(BadIdentifier::Empty)
    } else if value.len() > MAX_LENGTH {
        Err(BadIdentifier::TooLong)
    } else if value.chars().any(char::is_control) {
        Err(BadIdentifier::Control)
    } else {
        Ok(())
    }
}

identifier!(
    /// EECID: names one Edge Enabler Client, globally unique (TS 23.558 clause 7.2.2).
    EecId
);
identifier!(
    /// EESID: names one Edge Enabler Server within a PLMN (TS 23.558 clause 7.2.3).
    EesId
);
identifier!(
    /// EASID: names an application; every instance of it carries the same one (TS 23.558 clause 7.2.4).
    EasId
);
identifier!(
    /// ACID: names the client side of an application, shared by all such clients (TS 23.558 clause 7.2.5).
    AcId
);
identifier!(
    /// UE identifier: a GPSI, `msisdn-…`, `extid-…@…` or any other non-empty string (TS 29.571 clause 5.3.2).
    Gpsi
);
identifier!(
    /// EEC Context ID: names a stored EEC context, globally unique, assigned by an EES (TS 23.558 clause 7.2.8).
    EecContextId
);
identifier!(
    /// Identifier of an edge computing service provider (ECSP) or application service provider (ASP).
    ProviderId
);
identifier!(
    /// Application Group ID: a group of UEs that use one application together (TS 23.558 clause 7.2.11).
    AppGroupId
);
identifier!(
    /// Identifier of an EAS bundle (TS 23.558 clause 7.2.10).
    BundleId
);
identifier!(
    /// DNAI: data network access identifier, names a place where user plane traffic reaches a data network (TS 29.571).
    Dnai
);
identifier!(
    /// Identifier of a subscription, chosen by the server, opaque.
    SubscriptionId
);
identifier!(
    /// Identifier of a registration, chosen by the server, opaque.
    RegistrationId
);
identifier!(
    /// DNN: data network name, names the data network an EDN is reached through (TS 29.571 clause 5.3.2).
    Dnn
);
identifier!(
    /// Edge UE ID: names a UE towards one EAS without telling its GPSI, made by an EES (TS 23.558 clause 7.2).
    EdgeUeId
);
identifier!(
    /// External identifier of a UE, `username@realm` (TS 29.122 clause 5.2.1.3).
    ExternalId
);
identifier!(
    /// Who asks for a relocation: an EECID or an EASID, where the standard does not tell them apart (TS 24.558 clause 6.5.5.2).
    RequestorName
);
