//! The rules of a CAPIF core function (TS 29.222, TS 33.122): what is true about providers, service APIs, invokers and their tokens,
//! whichever door asks. On the [`Store`](edgeapp_core::store::Store) port, without HTTP.
//!
//! | module | what it holds |
//! |---|---|
//! | [`core_function`] | [`core_function::CoreFunction`]: state, keys and settings that the rest works with |
//! | [`caller`] | who calls: an invoker or a function of a provider, as the core function knows it |
//! | [`credential`] | onboarding credentials: made by operators, used up by invokers and providers |
//! | [`certificate`] | certification requests and the certificates that come of them |
//! | [`provider`], [`publish`], [`invoker`] | domains and their functions; descriptions of APIs; enrolments |
//! | [`discovery`] | which APIs fit a query |
//! | [`security`], [`token`], [`scope`] | methods per interface, revocation; tokens and what they allow |
//! | [`events`] | who is told of what |
//! | [`exposing`] | the other end: which token lets an invoker call an exposing function |
//! | [`admission`] | how much invokers use of what access control policies allow them, at an exposing function |
//! | [`logs`], [`policy`], [`routing`] | invocations; how much invokers may use; where invocations are forwarded to |
//! | [`status`] | what operators see of it |
//!
//! Identities: the core function issues certificates with names it chose itself. That of an invoker names the application it is of,
//! with the invoker's identifier as the instance (`urn:edgeapp:eas:<EASID>#<API invoker id>`), so that an EAS can use it towards an
//! EES; that of a function is `urn:edgeapp:provider:<function id>`. What a caller may do comes from the record under that identifier,
//! never from what a certification request claimed; a certificate counts as long as the record names it.

pub mod admission;
pub mod caller;
pub mod certificate;
pub mod core_function;
pub mod credential;
pub mod discovery;
pub mod events;
pub mod exposing;
pub mod invoker;
pub mod logs;
pub mod policy;
pub mod provider;
pub mod publish;
pub mod routing;
pub mod scope;
pub mod security;
pub mod status;
pub mod token;

#[cfg(test)]
mod tests;
