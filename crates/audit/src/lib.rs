//! The audit log: what security asks to be remembered, in files that show when somebody has changed them.
//!
//! Each record is a line of JSON that holds the SHA-256 of the line before it. Checkpoints are such records with a signature (ES256)
//! by a key that is used for nothing else. Whoever has the public key can tell that no record was changed, removed or moved
//! ([`verify`]); whoever keeps a later record elsewhere, as a collector does ([`upload`]), that none is missing at the end.
//!
//! | module | what it holds |
//! |---|---|
//! | [`log`] | [`log::AuditLog`], an adapter of the port [`Evidence`]: a queue and the thread that writes |
//! | [`record`] | what a line looks like |
//! | [`files`] | the folder: names, modes, rotation, where a restart goes on |
//! | [`keys`] | the key that signs checkpoints |
//! | [`verify`] | plain functions that find the first bad record |
//! | [`upload`] | brings records to a collector, each once and without gaps |
//! | `remembered` | what the state knows of the last checkpoint, so that a log that was cut is found |
//! | [`keeping`] | from the start of a server to its end |
//! | [`settings`] | `[audit]` and `[privacy]` of a configuration |
//! | [`command`] | `audit keygen`, `audit verify`, `audit pseudonym` |
//! | [`watch`] | what is seen from outside: jumps of the clock, states that cannot be read or written |
//!
//! ```
//! use edgeapp_audit::{keys::AuditKey, log::{AuditLog, Policy}, verify::verify_folder};
//! use edgeapp_core::evidence::{Evidence, SecurityEvent, SecurityEventKind};
//! # let lab = std::env::temp_dir().join(format!("edgeapp-audit-{}", rand::random::<u64>()));
//! let (key, public) = AuditKey::generate()?;
//! let log = AuditLog::open(&lab, key, Policy::default())?;
//! log.record(SecurityEvent::new(SecurityEventKind::AuthzDenied, "not for this role"));
//! log.close();
//! let report = verify_folder(&lab, &[public], &Default::default())?;
//! assert_eq!(report.last.map(|last| last.number), Some(2), "the event and a checkpoint");
//! # std::fs::remove_dir_all(&lab)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Evidence`]: edgeapp_core::evidence::Evidence

pub mod command;
pub mod files;
pub mod keeping;
pub mod keys;
pub mod log;
pub mod record;
mod remembered;
mod repeated;
pub mod settings;
pub mod upload;
pub mod verify;
pub mod watch;
mod writer;
