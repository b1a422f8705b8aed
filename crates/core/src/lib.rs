//! Ports and shared rules of the edge enabler layer (3GPP TS 23.558), without HTTP and without a store of its own.
//!
//! | module | what it holds |
//! |---|---|
//! | [`error`] | why something cannot be done: [`error::Error`], the one list of causes |
//! | [`principal`] | who is asking: [`principal::Principal`] from the names in a certificate |
//! | [`authorizer`] | who may do what: the [`authorizer::Authorizer`] port, operations |
//! | [`evidence`], [`pseudonym`] | what security asks to be remembered; what stands for users in it and in logs |
//! | [`token`] | access tokens as they travel: claims, keys, scopes, revocations |
//! | [`store`] | the [`store::Store`] port: keys, revisions, atomic commits, watches |
//! | [`kept`], [`room`] | a resource as it is kept; load, decide, commit |
//! | [`collection`] | the owner's create, read, replace, patch and remove, once for all kinds of resource |
//! | [`quota`], [`turns`] | how much one caller may keep; one after the other under one name |
//! | [`outbox`], [`notifier`] | from committed events to notifications and other work, across restarts |
//! | [`follow`], [`filed`], [`sweeper`] | read models that follow the store, subscriptions filed by what they match; removal of what expired |
//! | [`parse`], [`patch`] | bodies with errors that point at the member; JSON merge patch |
//! | [`erasure`] | forgets an EEC or a UE |
//! | [`network`], [`consent`] | the ports to the 3GPP core network and to what users agreed to |
//! | [`whereabouts`] | where the UE of a request is that does not say |
//! | [`secrets`] | who may read files with keys |
//! | [`hardening`] | which settings of a configuration are weaker than the reference |
//! | [`clock`], [`callback`], [`area`] | time and lifetimes, callback addresses, service areas |

pub mod area;
pub mod authorizer;
pub mod callback;
pub mod clock;
pub mod collection;
pub mod consent;
pub mod erasure;
pub mod error;
pub mod evidence;
pub mod filed;
pub mod follow;
pub mod hardening;
pub mod kept;
pub mod network;
pub mod notifier;
pub mod outbox;
pub mod parse;
pub mod patch;
pub mod principal;
pub mod pseudonym;
pub mod quota;
pub mod room;
pub mod secrets;
pub mod store;
pub mod sweeper;
pub mod token;
pub mod turns;
pub mod whereabouts;
