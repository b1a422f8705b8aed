//! The commands `audit …`, the same in every server.

use crate::{
    files::write_private,
    keys::{AuditKey, PublicKey},
    settings::read_key,
    verify::{Demands, Known, VerifyError, last_of, verify_folder},
};
use clap::Subcommand;
use jiff::Timestamp;
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// What can be done with audit logs and their keys.
#[derive(Clone, Debug, Subcommand)]
pub enum AuditCommand {
    /// Makes a key for the checkpoints of a log: FILE, and beside it FILE with the ending `.pub` for those who verify.
    Keygen {
        /// The file of the private key, such as audit.key; it must not exist.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Verifies a log and names the first record that is not as it was written. Exit status 1 when there is one.
    Verify {
        /// The folder of the log, or one of its files.
        #[arg(value_name = "FILE|FOLDER")]
        log: PathBuf,
        /// The public key; several when it has changed meanwhile.
        #[arg(long = "key", value_name = "PUB", required = true)]
        keys: Vec<PathBuf>,
        /// A record that the log has to hold, by its number and the SHA-256 of its line.
        #[arg(long, value_name = "NUMBER:SHA256", conflicts_with = "checkpoint")]
        last: Option<String>,
        /// A file whose last line is a record that the log has to hold, such as what the collector keeps.
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
        /// How old records at the end may be that no checkpoint covers yet.
        #[arg(long, value_name = "SECONDS", default_value_t = 300)]
        unsigned_seconds: u64,
    },
    /// Prints the pseudonym that stands in logs for a GPSI, an EECID or an address.
    Pseudonym {
        /// The file that `privacy.pseudonym_key` names.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The name.
        name: String,
    },
}

/// Why a command ends with another status than 0.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// It was used in a wrong way: status 2.
    #[error("{0}")]
    Usage(String),
    /// It failed: status 1.
    #[error("{0}")]
    Failed(String),
}

impl AuditCommand {
    /// Does it. Answers with what is to be printed.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub fn run(self) -> Result<String, CommandError> {
        match self {
            Self::Keygen { file } => keygen(&file),
            Self::Verify {
                log,
                keys,
                last,
                checkpoint,
                unsigned_seconds,
            } => {
                let demands = Demands {
                    last: known(last.as_deref(), checkpoint.as_deref())?,
                    unsigned: Some((Timestamp::now(), Duration::from_secs(unsigned_seconds))),
                };
                verify(&log, &keys, &demands)
            }
            Self::Pseudonym { key, name } => {
                if !key.is_file() {
                    return Err(CommandError::Usage(format!("{}: there is no such file", key.display())));
                }
                let names =
                    read_key(&key).map_err(|error| CommandError::Usage(format!("{}: {error}", key.display())))?;
                Ok(format!("{}\n", names.of(&name)))
            }
        }
    }
}

fn keygen(file: &Path) -> Result<String, CommandError> {
    let (key, public) = AuditKey::generate().map_err(|error| CommandError::Failed(error.to_string()))?;
    let at = |file: &Path| {
        let file = file.display().to_string();
        move |error| CommandError::Usage(format!("{file}: {error}"))
    };
    write_private(file, key.to_pem().as_bytes()).map_err(at(file))?;
    let beside = file.with_extension("pub");
    fs::write(&beside, public.to_pem()).map_err(at(&beside))?;
    Ok(format!("{}\n{}\n", file.display(), beside.display()))
}

fn known(last: Option<&str>, checkpoint: Option<&Path>) -> Result<Option<Known>, CommandError> {
    if let Some(last) = last {
        let known = last.split_once(':').and_then(|(number, hash)| {
            let hash = hash.to_ascii_lowercase();
            let good = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
            good.then_some(Known {
                number: number.parse().ok()?,
                hash,
            })
        });
        let known = known.ok_or_else(|| CommandError::Usage("--last is NUMBER:SHA256".to_owned()))?;
        return Ok(Some(known));
    }
    let Some(file) = checkpoint else { return Ok(None) };
    let bad = |what: String| CommandError::Usage(format!("{}: {what}", file.display()));
    let bytes = fs::read(file).map_err(|error| bad(error.to_string()))?;
    Ok(Some(last_of(&bytes).map_err(bad)?))
}

fn verify(log: &Path, keys: &[PathBuf], demands: &Demands) -> Result<String, CommandError> {
    let keys: Result<Vec<_>, _> = keys.iter().map(|key| PublicKey::load(key)).collect();
    let keys = keys.map_err(|error| CommandError::Usage(error.to_string()))?;
    let report = verify_folder(log, &keys, demands).map_err(|error| match error {
        VerifyError::Bad(finding) => CommandError::Failed(finding.to_string()),
        other => CommandError::Usage(other.to_string()),
    })?;
    let Some(last) = report.last else {
        return Ok("good: no records yet\n".to_owned());
    };
    let signed = report.signed.map_or_else(
        || "none is signed".to_owned(),
        |signed| format!("signed up to {signed}"),
    );
    Ok(format!(
        "good: records {} to {}, {signed} by {} checkpoints\nlast {}:{}\n",
        report.first, last.number, report.checkpoints, last.number, last.hash
    ))
}
