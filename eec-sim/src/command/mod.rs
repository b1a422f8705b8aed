//! The subcommands of the program.

#![allow(clippy::print_stdout, reason = "commands that people type write to standard output")]

mod callbacks;
mod capif;
mod collector;
mod compare;
mod dns;
mod load;
mod nef;
mod play;
mod smf;
mod trial;

pub use callbacks::callbacks;
pub use capif::{AtCore, SCENARIO as CAPIF, capif_demo, capif_walk};
pub use collector::collector;
pub use compare::compare;
pub use dns::{DnsQuestion, dns};
pub use load::load;
pub use nef::nef;
pub use play::{Changed, Given, Output, demo, some};
pub use smf::{Steered, smf};
pub use trial::{Trial, trial};

use crate::{
    configuration,
    pki::{Pki, PkiError},
    scenario::{BadScenario, FaultName, SHIPPED, Scenario},
    world::nef::configuration::SAMPLE,
};
use anstream::println;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// How a command that could be carried out ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As it should.
    Good,
    /// Something did not hold.
    Failed,
}

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// A scenario cannot be played.
    #[error(transparent)]
    Scenario(#[from] BadScenario),
    /// Certificates are not as they have to be.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// A file cannot be written or read.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// Wrong usage or configuration of another kind, said in full.
    #[error("{0}")]
    Usage(String),
    /// Usage and configuration are good, and still it could not be done.
    #[error("{0}")]
    Failed(String),
}

impl CommandError {
    /// The exit code of the program: 2 for wrong usage or configuration, 1 for what failed.
    pub fn exit_code(&self) -> u8 {
        if matches!(self, Self::Failed(_)) { 1 } else { 2 }
    }
}

/// `list`: shows the scenarios that come with the program.
///
/// # Errors
/// When one cannot be read, which the tests exclude.
pub fn list() -> Result<Outcome, CommandError> {
    for shipped in SHIPPED {
        let scenario = Scenario::parse(shipped.text, shipped.name)?;
        println!("{:<28} {} ({})", scenario.name, scenario.title, scenario.acr);
    }
    println!(
        "{:<28} An EAS as an API invoker of a CAPIF core function: onboarded, let in, sent away",
        CAPIF
    );
    println!("\nWhat can go wrong on purpose, with --fault NAME:");
    for fault in FaultName::ALL {
        println!("{:<28} {}", fault.name(), fault.plain());
    }
    println!("\nPlay one with `eec-sim run NAME`, or a file of your own with `eec-sim run FILE.toml`.");
    Ok(Outcome::Good)
}

/// `pki revoke`: certificates that are not to be taken any more.
///
/// # Errors
/// When a certificate is none of this folder, or a list cannot be written.
pub fn pki_revoke(dir: &Path, names: &[String]) -> Result<Outcome, CommandError> {
    let pki = Pki::open(dir)?;
    for name in names {
        let list = pki.revoke(&pki.files(name))?;
        println!("{name} is revoked: {}", list.display());
    }
    println!("Servers that run see it within tls.check_files_seconds (5 when not given), at once with SIGHUP.");
    Ok(Outcome::Good)
}

/// `pki init`: authorities, certificates and configuration files in a new folder; with `tokens`, EECs need access tokens.
///
/// # Errors
/// When the folder has some already, or cannot be written.
pub fn pki_init(dir: &Path, hosts: &[String], tokens: bool) -> Result<Outcome, CommandError> {
    let made = fs::create_dir_all(dir.join("state")).and_then(|()| dir.canonicalize());
    let dir = made.map_err(|error| CommandError::File(dir.to_owned(), error))?;
    let pki = Pki::create_for(&dir, hosts)?;
    pki.make_pseudonym_key()?;
    let (ecs, eess) = configuration::laboratory(&dir, tokens)?;
    let mut commands = vec![("ecs.toml".to_owned(), ecs.text(&pki), "ecs")];
    commands.extend(
        eess.iter()
            .map(|ees| (format!("{}.toml", ees.files), ees.text(&pki), "ees")),
    );
    let ccf = dir.join("ccf.toml");
    fs::write(&ccf, configuration::core_function(&dir).text(&pki))
        .map_err(|error| CommandError::File(ccf.clone(), error))?;
    let nef = dir.join("nef.toml");
    fs::write(&nef, SAMPLE).map_err(|error| CommandError::File(nef.clone(), error))?;
    let consent = dir.join("consent.toml");
    fs::write(&consent, configuration::CONSENT).map_err(|error| CommandError::File(consent.clone(), error))?;
    let registry = dir.join(configuration::REGISTRY);
    let text = configuration::registry_of(eess.iter().map(|ees| ees.id.as_str()), tokens, ["eec-1", "eec-2"]);
    fs::write(&registry, text).map_err(|error| CommandError::File(registry.clone(), error))?;
    for (name, text, _) in &commands {
        let path = dir.join(name);
        fs::write(&path, text).map_err(|error| CommandError::File(path, error))?;
    }
    println!("Made in {}:", dir.display());
    println!(
        "  ca/                     one authority for each of eec, eas, ees, ecs, operator, nef, smf, ccf, provider; ca/all.pem has them all"
    );
    println!("  crl/                    what each authority revoked, nothing yet: eec-sim pki revoke DIR eec-1");
    println!("  ecs, ees-a, ees-b       certificates (.pem) and keys (.key) of the servers");
    println!("  eas-chess-a, -b         two instances of eas.chess.example");
    println!("  eec-1, eec-2, operator  clients");
    println!("  smf                     a simulated SMF, which says what becomes of DNS messages: eec-sim smf");
    println!("  audit.key, audit.pub    the key that signs audit logs, and the one that verifies them");
    println!("  pseudonym.key           the key of the pseudonyms that stand for users in all logs, see docs/audit.md");
    println!("  state.key               a key to encrypt state with, see docs/encryption.md");
    println!("  collector               a simulated collector of audit records: eec-sim collector");
    println!(
        "  nef, nef.toml           a simulated NEF: eec-sim nef --config {}",
        nef.display()
    );
    println!(
        "  ccf, ccf.toml           a CAPIF core function: ees ccf --config {}",
        ccf.display()
    );
    println!("  consent.toml            what the users of that network agreed to");
    println!("  clients.toml            who may have access tokens of the ECS");
    println!("  ecs.toml, ees-a.toml, ees-b.toml   configurations; state goes to state/");
    println!("\nStart the servers, each in a terminal of its own:");
    for (name, _, program) in &commands {
        println!("  {program} serve --config {}", dir.join(name).display());
    }
    println!("\nThen let a UE move between the two sites:");
    println!(
        "  eec-sim run a-eec-initiated --ecs https://127.0.0.1:9304 --pki {}",
        dir.display()
    );
    Ok(Outcome::Good)
}
