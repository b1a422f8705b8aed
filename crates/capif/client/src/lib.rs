//! The calling ends of CAPIF (TS 29.222): what an API invoker and the functions of an API provider ask of a core function, over our own
//! mutual TLS.
//!
//! | module | what it holds |
//! |---|---|
//! | [`core`] | [`core::Core`]: where a core function is; what is asked of it without a certificate: onboarding, registration, keys |
//! | [`held`] | keys that are made here, and the certificates that a core function made of them |
//! | [`invoker`] | an API invoker: discovery, security context, tokens, calls (CAPIF-1 and CAPIF-2) |
//! | [`provider`] | AMF, APF and AEF of a provider (CAPIF-3 to CAPIF-5) |
//! | [`error`] | what went wrong, and what the core function answered |
//!
//! ```no_run
//! use edgeapp_capif_client::core::{Core, Onboarding};
//! use edgeapp_http::tls::Trust;
//! use edgeapp_openapi::capif::publish_service::SecurityMethod;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let core = Core::new("https://ccf.example:8443", Trust::load("ccf.pem")?)?;
//! let wanted = Onboarding::told_at("https://eas.example/capif".parse()?);
//! let held = core.onboard("the credential that the operator gave", &wanted).await?;
//! let invoker = core.invoker(held)?;
//! let apis = invoker.discover(&[("api-name", "eees-easregistration")]).await?;
//! let aef = &apis[0].aef_profiles[0];
//! invoker.agree(&[aef.aef_id.clone()], &[SecurityMethod::Oauth], &wanted.notification_destination).await?;
//! let token = invoker.token(None).await?;
//! let root = aef.interface_descriptions[0].api_root();
//! let ees = invoker.caller(&Trust::load("ees.pem")?)?;
//! ees.get(&format!("{root}/eees-easregistration/v1/registrations/1"), &token).await?;
//! # Ok(())
//! # }
//! ```

pub mod core;
pub mod error;
pub mod held;
pub mod invoker;
pub mod provider;

pub use error::CapifError;
