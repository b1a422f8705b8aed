//! Who may do what: the [`Authorizer`] port and the [`Operation`]s it is asked about.
//!
//! The answer becomes a value, `edgeapp_http::Permit`: a room method asks for a principal, and in a door the only principal at hand
//! is the permit's.

use crate::{
    error::Error,
    principal::{Principal, Role},
    token::Thumbprint,
};
use std::{fmt, net::IpAddr};

/// The reference point a request came in by (TS 23.558 clause 6.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReferencePoint {
    /// EEC to EES.
    Edge1,
    /// The 3GPP core network to EES: its reports.
    Edge2,
    /// EAS to EES.
    Edge3,
    /// EEC to ECS.
    Edge4,
    /// EES to ECS.
    Edge6,
    /// EES to EES.
    Edge9,
    /// SMF to EASDF (TS 23.548 clause 5.1): what the core network decides about DNS messages.
    N88,
    /// API invoker to CAPIF core function (TS 23.222 clause 6.4).
    Capif1,
    /// CAPIF core function to API exposing function, against the usual direction: revocations.
    Capif3,
    /// Functions of an API provider to CAPIF core function: CAPIF-3, CAPIF-4 and CAPIF-5, which share a listener.
    Capif5,
    /// Who is not known yet to CAPIF core function: onboarding, and what everybody may read.
    Onboarding,
    /// The operator's own port; no reference point of the standard.
    Operator,
}

impl ReferencePoint {
    /// The reference point as it is written in configuration, metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Edge1 => "edge1",
            Self::Edge2 => "edge2",
            Self::Edge3 => "edge3",
            Self::Edge4 => "edge4",
            Self::Edge6 => "edge6",
            Self::Edge9 => "edge9",
            Self::N88 => "n88",
            Self::Capif1 => "capif1",
            Self::Capif3 => "capif3",
            Self::Capif5 => "capif5",
            Self::Onboarding => "onboarding",
            Self::Operator => "operator",
        }
    }

    /// The role at the calling end.
    pub const fn caller(self) -> Role {
        match self {
            Self::Edge1 | Self::Edge4 => Role::Eec,
            Self::Edge2 => Role::Nef,
            Self::N88 => Role::Smf,
            Self::Edge3 | Self::Capif1 => Role::Eas,
            Self::Capif3 => Role::Ccf,
            Self::Capif5 => Role::Provider,
            Self::Onboarding => Role::Stranger,
            Self::Edge6 | Self::Edge9 => Role::Ees,
            Self::Operator => Role::Operator,
        }
    }
}

impl fmt::Display for ReferencePoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One operation of one API. Scope, policy, metric and log use the one name it has. Defined with [`operation!`](crate::operation).
pub trait Operation: Send + Sync + 'static {
    /// `<api>:<operation>`, for example `eees-eecregistration:create`.
    const NAME: &'static str;
}

/// Defines the operations of a door: `operation!(CreateEecReg = "eees-eecregistration:create")`. Their names are also in its `OPERATIONS`.
#[macro_export]
macro_rules! operation {
    ($($name:ident = $text:literal),+ $(,)?) => {
        /// The names of all operations here.
        #[allow(dead_code)]
        pub const OPERATIONS: &[&str] = &[$($text),+];
        $(
            #[doc = concat!("The operation `", $text, "`.")]
            #[derive(Clone, Copy, Debug)]
            pub struct $name;

            impl $crate::authorizer::Operation for $name {
                const NAME: &'static str = {
                    assert!($crate::token::scope::is_listed($text), "add the operation to token/scope.rs");
                    $text
                };
            }
        )+
    };
}

/// The question put to an [`Authorizer`].
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// Where the request came in.
    pub point: ReferencePoint,
    /// What it wants: [`Operation::NAME`].
    pub operation: &'static str,
    /// The certificate that the principal proved, where it proved one.
    pub thumbprint: Option<&'a Thumbprint>,
    /// What the request presents beside it.
    pub credentials: Credentials<'a>,
    /// The address that it comes from, where it is known: for evidence, and never for the decision.
    pub from: Option<IpAddr>,
}

impl<'a> Ask<'a> {
    /// The question of who presents no more than a certificate.
    pub fn new(principal: &'a Principal, point: ReferencePoint, operation: &'static str) -> Self {
        Self {
            principal,
            point,
            operation,
            thumbprint: None,
            credentials: Credentials::None,
            from: None,
        }
    }

    /// The same, presenting these, on a connection with this certificate.
    pub fn presenting(mut self, credentials: Credentials<'a>, thumbprint: Option<&'a Thumbprint>) -> Self {
        self.credentials = credentials;
        self.thumbprint = thumbprint;
        self
    }

    /// The same, coming from this address.
    pub fn coming_from(mut self, address: Option<IpAddr>) -> Self {
        self.from = address;
        self
    }
}

/// What a request presents beside the certificate of its connection. Its `Debug` shows no token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Credentials<'a> {
    /// Nothing that is understood here.
    None,
    /// An access token (RFC 6750).
    Bearer(&'a str),
    /// More than one, or one that cannot be read: not even to be tried.
    Unclear,
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Bearer(_) => "Bearer(..)",
            Self::Unclear => "Unclear",
        })
    }
}

/// The port: decides whether a principal may use an operation at all. What it may touch is decided by the owner rules of the rooms.
pub trait Authorizer: Send + Sync + 'static {
    /// # Errors
    /// A refusal, most often [`Error::forbidden`], when the operation is not allowed.
    fn authorize(&self, ask: &Ask<'_>) -> Result<(), Error>;
}
