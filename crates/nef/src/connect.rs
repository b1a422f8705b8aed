//! How a server reaches its NEF.

use crate::settings::NefSettings;
use edgeapp_core::callback::CallbackRule;
use edgeapp_http::{
    client::HttpClient,
    tls::{ClientTls, TlsError},
};
use std::time::Duration;

/// The client that calls the NEF of these settings; `tls` says as whom, and which roots the NEF's certificate leads to.
///
/// # Errors
/// When the settings of TLS cannot be used.
pub fn http_client(settings: &NefSettings, tls: ClientTls) -> Result<HttpClient, TlsError> {
    let timeout = Duration::from_millis(u64::from(settings.timeout_ms.max(1)));
    // The operator says where the NEF is.
    let anywhere = CallbackRule::anywhere();
    if settings.allow_plain_http_to_nef_on_trusted_networks_only {
        HttpClient::over_plain_http_too(tls, anywhere, timeout)
    } else {
        HttpClient::over(tls, anywhere, timeout)
    }
}
