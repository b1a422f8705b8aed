//! How a server reaches its NEF.

use crate::settings::NefSettings;
use edgeapp_core::callback::CallbackRule;
use edgeapp_http::{
    client::HttpClient,
    tls::{Identity, TlsError, Trust},
};
use std::time::Duration;

/// The client that calls the NEF of these settings as `identity`; `trust` are the roots that the NEF's certificate leads to.
///
/// # Errors
/// When key and certificate do not fit.
pub fn http_client(settings: &NefSettings, identity: &Identity, trust: &Trust) -> Result<HttpClient, TlsError> {
    let timeout = Duration::from_millis(u64::from(settings.timeout_ms.max(1)));
    // The operator says where the NEF is.
    let anywhere = CallbackRule {
        allow_private_addresses: true,
    };
    if settings.allow_plain_http_to_nef_on_trusted_networks_only {
        HttpClient::over_plain_http_too(identity, trust, anywhere, timeout)
    } else {
        HttpClient::new(identity, trust, anywhere, timeout)
    }
}
