//! Arbitrary bytes for every parser that meets the network.
//!
//! A target is a plain function over bytes that panics when a property does not hold. The same functions run in two ways:
//!
//! - `cargo test -p edgeapp-fuzz`: seeds of `fuzz/corpus/<target>/` and mutations of them, a few seconds in all, with a seed that is
//!   printed; `FUZZ_CASES` and `FUZZ_SEED` make it longer or different;
//! - `TARGET=<target> cargo +nightly fuzz run --fuzz-dir fuzz/libfuzzer target fuzz/corpus/<target>`: as long as one likes, led by
//!   coverage, with `cargo-fuzz`.
//!
//! | module | what it is fed to | what has to hold |
//! |---|---|---|
//! | [`bodies`] | the parse path of every body of the published documents | what parses is written and parses to the same; a refusal is short |
//! | [`patches`] | merge patches of every resource that takes them | the result is one that could have been put |
//! | [`queries`] | query strings | what parses is written and parses to the same |
//! | [`reports`] | what the core network reports over EDGE-2 | a refusal says where |
//! | [`callbacks`] | URIs that clients name | none leads inside |
//! | [`capif`] | certification requests, bodies, queries and scopes of CAPIF | as for bodies; a key is known by the same digest again |
//! | [`dns`] | messages of DNS, and client subnets | a refusal can be read; what is understood can be answered |
//! | [`tokens`] | access tokens, requests for them, keys and revocations of an issuer | nothing counts that nobody signed, nothing is granted that is not registered |
//! | [`easdf`] | rules of SMFs, and JSON patches | rules that are taken decide; a patch leaves what could have been put |
//! | [`certificates`] | certificates, and lists of revoked ones | an identity has a role and a name |

pub mod bodies;
pub mod callbacks;
pub mod capif;
pub mod certificates;
pub mod dns;
pub mod easdf;
pub mod patches;
pub mod queries;
pub mod reports;
pub mod tokens;

/// A parser with the property that is asked of it.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, and that of its folder of seeds.
    pub name: &'static str,
    /// Feeds it these bytes.
    ///
    /// # Panics
    /// When the property does not hold.
    pub run: fn(&[u8]),
}

/// All of them.
pub fn targets() -> impl Iterator<Item = Target> {
    let lists = [
        bodies::TARGETS,
        patches::TARGETS,
        queries::TARGETS,
        reports::TARGETS,
        callbacks::TARGETS,
        certificates::TARGETS,
        dns::TARGETS,
        tokens::TARGETS,
        capif::TARGETS,
        easdf::TARGETS,
    ];
    lists.into_iter().flatten().copied()
}

/// The target of this name.
///
/// # Panics
/// When there is none.
pub fn target(name: &str) -> Target {
    let found = targets().find(|target| target.name == name);
    found.unwrap_or_else(|| panic!("no target is called {name}"))
}

/// Longest text of a refusal, in bytes: it may quote the body, and must not repeat it.
const MAX_REFUSAL: usize = 2048;

/// That the refusal of a body is one that can be answered with: it points to members.
fn refusal(error: &edgeapp_core::error::Error) {
    for invalid in &error.invalid {
        let pointer = &invalid.param;
        assert!(
            pointer.is_empty() || pointer.starts_with('/'),
            "no pointer: {pointer:?}"
        );
    }
    answerable(error);
}

/// That a refusal is one that can be answered with.
fn answerable(error: &edgeapp_core::error::Error) {
    assert!(
        error.detail.len() <= MAX_REFUSAL,
        "a refusal of {} bytes",
        error.detail.len()
    );
    assert!(!error.detail.is_empty(), "a refusal says why");
    assert_ne!(
        error.kind,
        edgeapp_core::error::Kind::Internal,
        "who sent it is at fault: {error:?}"
    );
}
