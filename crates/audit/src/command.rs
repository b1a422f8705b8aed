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
    fs, io,
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
                Ok(format!("{}\n", names.of(without_role(&name))))
            }
        }
    }
}

/// The name in an identity URI `urn:edgeapp:<role>:<name>`, of which logs replace the name alone; any other text as it is.
fn without_role(name: &str) -> &str {
    name.strip_prefix("urn:edgeapp:")
        .and_then(|rest| rest.split_once(':'))
        .map_or(name, |(_, name)| name)
}

fn keygen(file: &Path) -> Result<String, CommandError> {
    let (key, public) = AuditKey::generate().map_err(|error| CommandError::Failed(error.to_string()))?;
    let at = |file: &Path| {
        let file = file.display().to_string();
        move |error: io::Error| {
            let remedy = match error.kind() {
                io::ErrorKind::AlreadyExists => "; name another file, or move this one away: a key is not overwritten",
                _ => "",
            };
            CommandError::Usage(format!("{file}: {error}{remedy}"))
        }
    };
    write_private(file, key.to_pem().as_bytes()).map_err(at(file))?;
    let beside = file.with_extension("pub");
    fs::write(&beside, public.to_pem()).map_err(at(&beside))?;
    Ok(format!(
        "{}: the private key, for `audit.key` of one server\n{}: the public key, for `audit verify --key`\n",
        file.display(),
        beside.display()
    ))
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
    let signed = match (report.signed, report.checkpoints) {
        (None, _) => "; no checkpoint yet, none is signed".to_owned(),
        (Some(signed), 1) => format!(", signed up to {signed} by 1 checkpoint"),
        (Some(signed), several) => format!(", signed up to {signed} by {several} checkpoints"),
    };
    Ok(format!(
        "good: records {} to {}{signed}\nlast {}:{}\n",
        report.first, last.number, last.number, last.hash
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_pseudonym_with_and_without_its_role() {
        assert_eq!(without_role("urn:edgeapp:eec:eec-1"), "eec-1");
        assert_eq!(without_role("urn:edgeapp:eec:a:b"), "a:b");
        for other in ["eec-1", "urn:other:eec:eec-1", "msisdn-491700000001", "2001:db8::1"] {
            assert_eq!(without_role(other), other);
        }
    }

    #[test]
    fn a_key_is_made_once_and_it_is_said_what_is_where() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("audit.key");
        let said = keygen(&file).expect("made");
        assert!(
            said.contains("audit.key: the private key") && said.contains("audit.pub: the public key"),
            "{said}"
        );
        let again = keygen(&file).expect_err("a key is not overwritten").to_string();
        assert!(again.contains("name another file"), "{again}");
    }
}
