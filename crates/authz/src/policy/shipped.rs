//! The policies that the servers come with: `crates/authz/policies`.

/// A file of policies that a server comes with.
#[derive(Clone, Copy, Debug)]
pub struct Shipped {
    /// Its name.
    pub name: &'static str,
    /// What stands in it.
    pub text: &'static str,
}

macro_rules! shipped {
    ($folder:literal: $($name:literal),+) => {
        &[$(Shipped { name: $name, text: include_str!(concat!("../../policies/", $folder, "/", $name)) }),+]
    };
}

/// Those of an EES.
pub const EES: &[Shipped] = shipped!("ees": "capif.cedar", "edge1.cedar", "edge2.cedar", "edge3.cedar", "edge9.cedar", "n88.cedar", "operator.cedar", "ownership.cedar");

/// Those of an ECS.
pub const ECS: &[Shipped] =
    shipped!("ecs": "edge4.cedar", "edge6.cedar", "operator.cedar", "ownership.cedar", "tokens.cedar");

/// Those of a CAPIF core function.
pub const CCF: &[Shipped] = shipped!("ccf": "capif1.cedar", "capif5.cedar", "operator.cedar", "ownership.cedar");
