//! Query strings, decoded as the doors decode them.

use crate::{Target, answerable};
use edgeapp_core::error::Error;
use edgeapp_openapi::{
    common::SupportedFeatures,
    eec_context_relocation::EecContextsQuery,
    ids::EasId,
    query::{BadQuery, Parameters},
    target_ees_discovery::EesProfilesQuery,
};

/// One for each operation that reads its query.
pub static TARGETS: &[Target] = &[
    Target {
        name: "query-ees-profiles",
        run: |bytes| round_trip(bytes, EesProfilesQuery::from_pairs, |query| query.to_pairs()),
    },
    Target {
        name: "query-eec-contexts",
        run: |bytes| round_trip(bytes, EecContextsQuery::from_pairs, |query| query.to_pairs()),
    },
    Target {
        name: "query-common-eas",
        run: |bytes| {
            let query = Parameters::new(pairs(bytes));
            told(query.required::<EasId>("eas-id"));
            told(query.optional::<SupportedFeatures>("supp-feats"));
        },
    },
];

type Pairs = Vec<(String, String)>;

fn pairs(bytes: &[u8]) -> Pairs {
    url::form_urlencoded::parse(bytes).into_owned().collect()
}

fn told<T>(read: Result<T, BadQuery>) -> Option<T> {
    read.map_err(|bad| refusal(&Error::from(bad))).ok()
}

/// That the refusal of a query names its parameters, as they are called in the query.
fn refusal(error: &Error) {
    let named = |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    assert!(
        error.invalid.iter().all(|invalid| named(&invalid.param)),
        "no parameter: {:?}",
        error.invalid
    );
    answerable(error);
}

/// What is read is written, and read to the same.
fn round_trip<Q>(
    bytes: &[u8],
    read: impl Fn(Pairs) -> Result<Q, BadQuery>,
    write: impl Fn(&Q) -> Vec<(&'static str, String)>,
) {
    let Some(query) = told(read(pairs(bytes))) else { return };
    let written = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(write(&query))
        .finish();
    let again = read(pairs(written.as_bytes())).unwrap_or_else(|bad| panic!("{bad}: {written}"));
    assert_eq!(write(&query), write(&again), "it changes on its way");
}
