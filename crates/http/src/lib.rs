//! EDGEAPP over HTTP/2 and mutual TLS, in and out.
//!
//! | module | what it holds |
//! |---|---|
//! | [`server`] | the accept loop of a listener: TLS, principal, limits, drain |
//! | [`session`] | the accept loop of a listener that speaks something else than HTTP |
//! | [`stack`] | what every request passes, as a list from outside to inside |
//! | [`request`] | extractors: [`request::Permit`], [`request::Body`], [`request::MergePatch`], [`request::ResourceUri`], … |
//! | [`reply`] | answers whose type is the status code |
//! | [`problem`] | refusals: ProblemDetails and the one status table |
//! | [`documents`] | [`documents::Api`]: router and OpenAPI document from one registration |
//! | [`client`] | our mutual TLS client; the [`edgeapp_core::notifier::Notifier`] over it |
//! | [`callbacks`], `outgoing` | where notifications may go, and how we get there |
//! | [`collector`] | the [`edgeapp_core::evidence::Collector`] over our client |
//! | [`limits`] | how much one caller, one address and all of them may ask |
//! | [`screen`] | what is wrong with a request whatever it asks for |
//! | [`gather`] | one write for what is ready at the same time |
//! | [`tls`] | certificates, keys, trust; following their files |
//! | [`secrets`] | no memory of a process is left behind |
//! | [`operator`], [`erasure`], [`clock`], [`telemetry`] | health, readiness, metrics; forgetting users; whether the clock is right; logs |
//! | [`assembly`], [`settings`] | what programs share: listeners, announcing, stopping; reading a configuration |

pub mod assembly;
pub mod callbacks;
pub mod client;
pub mod clock;
pub mod collector;
mod connections;
mod descriptors;
pub mod documents;
pub mod erasure;
mod frames;
pub mod gather;
mod handshake;
pub mod limits;
mod meters;
pub mod operator;
mod outgoing;
mod patience;
pub mod places;
pub mod problem;
mod refusals;
pub mod reply;
pub mod request;
pub mod screen;
pub mod secrets;
pub mod server;
pub mod session;
pub mod settings;
pub mod stack;
pub mod telemetry;
pub mod tls;
mod unread;
