//! Rust clients of all published APIs, generated from `openapi/published/3.0` while this crate is built.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    rustdoc::all,
    reason = "nobody wrote this code"
)]

include!(concat!(env!("OUT_DIR"), "/clients.rs"));

/// Calls the body of a PATCH what it is: the generator knows `application/json` only.
fn say_merge_patch(request: &mut reqwest::Request) {
    if request.method() == reqwest::Method::PATCH {
        let merge_patch = reqwest::header::HeaderValue::from_static("application/merge-patch+json");
        request.headers_mut().insert(reqwest::header::CONTENT_TYPE, merge_patch);
    }
}

/// Why a call did not succeed.
pub use progenitor_client::Error as Refusal;
