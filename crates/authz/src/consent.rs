//! Providers of user consent: a file that an operator keeps, everybody, nobody.

use arc_swap::ArcSwap;
use async_trait::async_trait;
use edgeapp_core::{
    consent::{Consent, Purpose, Withdrawal},
    hardening::Check,
};
use edgeapp_openapi::ids::Gpsi;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::sync::broadcast;

/// Withdrawals that a slow listener may be behind by.
const BACKLOG: usize = 1024;
/// How often the file is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// Where it stands what users agreed to: one of both keys, or none.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConsentConfig {
    /// `file`: a consent file, see `ConsentFile`; it is read again when it changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// `every_user_agreed_by_other_means`: consent is not asked for here, because the operator has it from every user by contract.
    pub every_user_agreed_by_other_means: bool,
}

impl ConsentConfig {
    /// What the hardened reference says about `[consent]`.
    pub const CHECKS: &[Check<Self>] = &[Check::on(
        "consent.every_user_agreed_by_other_means",
        |consent| consent.every_user_agreed_by_other_means,
        "nobody can withdraw here what was agreed to by contract; keep a consent file",
    )];

    /// Makes the path relative to `folder`, where it is relative.
    pub fn resolve(&mut self, folder: &Path) {
        if let Some(file) = &mut self.file {
            *file = folder.join(&*file);
        }
    }

    /// What is wrong with the keys, if anything.
    pub fn conflict(&self) -> Option<&'static str> {
        (self.file.is_some() && self.every_user_agreed_by_other_means)
            .then_some("names a file and says that it is not needed; keep one of both")
    }

    /// The provider that the configuration names.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn open(&self) -> Result<Arc<dyn Consent>, ConsentFileError> {
        Ok(match &self.file {
            Some(file) => Arc::new(ConsentFile::open(file)?),
            None if self.every_user_agreed_by_other_means => Arc::new(AgreedByOtherMeans::default()),
            None => Arc::new(NobodyAgreed::default()),
        })
    }
}

/// Nobody agreed to anything: the default, and the answer where consent is not configured.
#[derive(Debug)]
pub struct NobodyAgreed(broadcast::Sender<Withdrawal>);

impl Default for NobodyAgreed {
    fn default() -> Self {
        Self(broadcast::Sender::new(1))
    }
}

#[async_trait]
impl Consent for NobodyAgreed {
    async fn granted(&self, _: &Gpsi, _: Purpose) -> bool {
        false
    }
    fn withdrawals(&self) -> broadcast::Receiver<Withdrawal> {
        self.0.subscribe()
    }
}

/// Everybody agreed, by means that this server does not see: a contract, say.
#[derive(Debug)]
pub struct AgreedByOtherMeans(broadcast::Sender<Withdrawal>);

impl Default for AgreedByOtherMeans {
    fn default() -> Self {
        Self(broadcast::Sender::new(1))
    }
}

#[async_trait]
impl Consent for AgreedByOtherMeans {
    async fn granted(&self, _: &Gpsi, _: Purpose) -> bool {
        true
    }
    async fn everybody_granted(&self, _: Purpose) -> bool {
        true
    }
    fn withdrawals(&self) -> broadcast::Receiver<Withdrawal> {
        self.0.subscribe()
    }
}

/// Why a consent file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConsentFileError {
    /// It cannot be read.
    #[error("{file}: {source}; make it readable, or give the key `consent.file` another value")]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It does not say what a consent file says.
    #[error("{file}: {reason}")]
    Wrong {
        /// The file.
        file: PathBuf,
        /// What is wrong, with line and column.
        reason: String,
    },
}

/// A consent file as written:
///
/// ```toml
/// [[user]]
/// ue = "extid-ue1@operator.example"   # GPSI
/// purposes = ["location", "identifier", "qos", "analytics"]
/// ```
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, rename = "user")]
    users: Vec<User>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    ue: Gpsi,
    purposes: BTreeSet<Purpose>,
}

type Agreed = BTreeMap<Gpsi, BTreeSet<Purpose>>;

/// Consents from a file. It is read again when it changes; a file with an error leaves the consents as they were and says so in the log.
pub struct ConsentFile {
    agreed: Arc<ArcSwap<Agreed>>,
    withdrawn: broadcast::Sender<Withdrawal>,
}

impl ConsentFile {
    /// Reads the file, and follows its changes until the runtime ends.
    ///
    /// # Errors
    /// See [`ConsentFileError`].
    pub fn open(file: &Path) -> Result<Self, ConsentFileError> {
        let before = written_at(file);
        let agreed = Arc::new(ArcSwap::from_pointee(read(file)?));
        let withdrawn = broadcast::Sender::new(BACKLOG);
        tokio::spawn(follow(file.to_owned(), before, agreed.clone(), withdrawn.clone()));
        Ok(Self { agreed, withdrawn })
    }
}

#[async_trait]
impl Consent for ConsentFile {
    async fn granted(&self, ue: &Gpsi, purpose: Purpose) -> bool {
        self.agreed
            .load()
            .get(ue)
            .is_some_and(|purposes| purposes.contains(&purpose))
    }
    fn withdrawals(&self) -> broadcast::Receiver<Withdrawal> {
        self.withdrawn.subscribe()
    }
}

fn written_at(file: &Path) -> Option<(SystemTime, u64)> {
    let facts = std::fs::metadata(file).ok()?;
    Some((facts.modified().ok()?, facts.len()))
}

fn read(file: &Path) -> Result<Agreed, ConsentFileError> {
    let text = std::fs::read_to_string(file).map_err(|source| ConsentFileError::Unreadable {
        file: file.to_owned(),
        source,
    })?;
    parse(&text).map_err(|reason| ConsentFileError::Wrong {
        file: file.to_owned(),
        reason,
    })
}

fn parse(text: &str) -> Result<Agreed, String> {
    let written: Written = toml::from_str(text).map_err(|error| error.to_string())?;
    let mut agreed = Agreed::new();
    for user in written.users {
        if agreed.insert(user.ue.clone(), user.purposes).is_some() {
            return Err(format!("{} stands there twice: join both entries", user.ue));
        }
    }
    Ok(agreed)
}

/// Pure: what somebody had agreed to and no longer does.
fn withdrawals(before: &Agreed, after: &Agreed) -> Vec<Withdrawal> {
    let taken_back = |(ue, purposes): (&Gpsi, &BTreeSet<Purpose>)| {
        let left = after.get(ue);
        let gone = purposes
            .iter()
            .filter(|purpose| left.is_none_or(|left| !left.contains(purpose)));
        gone.map(|purpose| Withdrawal {
            ue: Some(ue.clone()),
            purpose: Some(*purpose),
        })
        .collect::<Vec<_>>()
    };
    before.iter().flat_map(taken_back).collect()
}

async fn follow(
    file: PathBuf,
    mut seen: Option<(SystemTime, u64)>,
    agreed: Arc<ArcSwap<Agreed>>,
    withdrawn: broadcast::Sender<Withdrawal>,
) {
    let mut looks = tokio::time::interval(LOOK);
    loop {
        looks.tick().await;
        let now = written_at(&file);
        if now == seen {
            continue;
        }
        seen = now;
        match read(&file) {
            Ok(fresh) => {
                let gone = withdrawals(&agreed.load(), &fresh);
                tracing::info!(
                    users = fresh.len(),
                    withdrawn = gone.len(),
                    "the consent file was read again"
                );
                agreed.store(Arc::new(fresh));
                for withdrawal in gone {
                    // Nobody listens: nothing runs that could be withdrawn.
                    let _ = withdrawn.send(withdrawal);
                }
            }
            Err(error) => tracing::error!(%error, "the consents stay as they were"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gpsi(text: &str) -> Gpsi {
        text.parse().expect("a GPSI")
    }

    /// Proves: WP-30
    #[test]
    fn what_is_written_is_agreed_and_nothing_else() {
        let agreed = parse("[[user]]\nue = \"extid-a@b\"\npurposes = [\"location\"]\n").expect("a consent file");
        assert_eq!(agreed[&gpsi("extid-a@b")], BTreeSet::from([Purpose::Location]));
    }

    #[test]
    fn unknown_words_and_repeated_users_are_refused() {
        assert!(parse("[[user]]\nue = \"extid-a@b\"\npurposes = [\"everything\"]\n").is_err());
        assert!(parse("[[users]]\nue = \"extid-a@b\"\n").is_err());
        let twice = "[[user]]\nue = \"extid-a@b\"\npurposes = []\n".repeat(2);
        assert!(parse(&twice).expect_err("twice").contains("twice"));
    }

    /// Proves: WP-30
    #[test]
    fn what_was_agreed_and_is_no_longer_is_withdrawn() {
        let before = parse("[[user]]\nue = \"extid-a@b\"\npurposes = [\"location\", \"qos\"]\n").expect("a file");
        let after = parse("[[user]]\nue = \"extid-a@b\"\npurposes = [\"qos\"]\n").expect("a file");
        let of = |purpose| Withdrawal {
            ue: Some(gpsi("extid-a@b")),
            purpose: Some(purpose),
        };
        assert_eq!(withdrawals(&before, &after), [of(Purpose::Location)]);
        assert_eq!(withdrawals(&after, &before), []);
        assert_eq!(withdrawals(&before, &Agreed::new()).len(), 2);
    }

    /// Proves: WP-30, T-34
    #[tokio::test]
    async fn a_changed_file_is_read_again_and_a_wrong_one_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("consent.toml");
        std::fs::write(&file, "[[user]]\nue = \"extid-a@b\"\npurposes = [\"location\"]\n").expect("written");
        let consents = ConsentFile::open(&file).expect("a consent file");
        let mut withdrawn = consents.withdrawals();
        assert!(consents.granted(&gpsi("extid-a@b"), Purpose::Location).await);
        assert!(!consents.granted(&gpsi("extid-a@b"), Purpose::Qos).await);
        std::fs::write(&file, "nonsense").expect("written");
        std::fs::write(&file, "").expect("written");
        let gone = withdrawn.recv().await.expect("a withdrawal");
        assert_eq!(gone.purpose, Some(Purpose::Location));
        assert!(!consents.granted(&gpsi("extid-a@b"), Purpose::Location).await);
    }
}
