//! Plays UEs, Edge Enabler Clients, application clients and Edge Application Servers against real EDGEAPP servers.
//!
//! | module | what it holds |
//! |---|---|
//! | [`scenario`] | a scenario as data, checked before anything starts |
//! | [`world`] | servers as processes; application servers, application client and the EEC's listener as tasks |
//! | [`world::nef`] | a simulated NEF, in process or as the program `eec-sim nef` |
//! | [`edge1`], [`edge3`], [`edge4`], [`call`] | the calling ends of the reference points |
//! | [`edge5`] | an EEC as an application client links it |
//! | [`capif`] | an EAS as an API invoker of a CAPIF core function |
//! | [`tokens`] | the access tokens that they present |
//! | [`run`] | plays a scenario and judges it |
//! | [`load`] | plays many UEs at once |
//! | [`record`], [`witness`], [`milestone`] | what happened, what was seen, what follows from it |
//! | [`show`], [`report`], [`statistics`] | for people and machines, live and afterwards |
//! | [`pki`], [`configuration`] | certificates and configuration files of a laboratory |
//! | [`command`] | the subcommands of the program |

pub mod call;
pub mod capif;
pub mod command;
pub mod configuration;
pub mod edge1;
pub mod edge3;
pub mod edge4;
pub mod edge5;
pub mod load;
pub mod milestone;
pub mod names;
pub mod pki;
pub mod record;
pub mod report;
pub mod run;
pub mod scenario;
pub mod show;
pub mod statistics;
pub mod tokens;
pub mod witness;
pub mod world;
