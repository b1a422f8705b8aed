//! Everything that TLS needs of a server's files, as it is in force.

use super::{
    certificate,
    crl::{self, Crl},
    error::TlsError,
    handshakes::{ClientTls, ServerTls, Speaks, try_out},
    identity::{Identity, read, readable_by_its_owner_only},
    settings::{CrlFiles, TlsSettings, TlsVersion},
    trust::{Trust, is_for_tests},
};
use arc_swap::ArcSwap;
use edgeapp_core::{
    evidence::{Evidence, SecurityEvent},
    principal::Role,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};
use tokio::sync::watch;
use zeroize::Zeroizing;

/// The certificate of a server and its key, as the configuration names them: PEM files.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityFiles {
    /// `certificate`: the certificate, followed by those that lead to its root.
    pub certificate: PathBuf,
    /// `key`: its private key.
    pub key: PathBuf,
}

impl IdentityFiles {
    /// Makes the paths relative to `folder`, where they are relative.
    pub fn resolve(&mut self, folder: &Path) {
        self.certificate = folder.join(&self.certificate);
        self.key = folder.join(&self.key);
    }

    /// Reads both files and checks that the certificate is that of `role` with the identifier `id`.
    ///
    /// # Errors
    /// When a file cannot be used, or the certificate is somebody else's.
    pub fn load(&self, role: Role, id: &str) -> Result<Identity, TlsError> {
        let identity = Identity::load(&self.certificate, &self.key)?;
        names(&identity, role, id)?;
        Ok(identity)
    }
}

/// Checks whose certificate it is.
fn names(identity: &Identity, role: Role, id: &str) -> Result<(), TlsError> {
    let principal = identity.principal()?;
    if (principal.role(), principal.id()) == (role, id) {
        return Ok(());
    }
    let reason = format!("is that of {principal}, the configuration says urn:edgeapp:{role}:{id}");
    Err(identity.mismatch(reason))
}

/// The files of a server, and who it is.
#[derive(Clone, Debug)]
pub struct KeyFiles {
    /// Its certificate and key.
    pub identity: IdentityFiles,
    /// Its role.
    pub role: Role,
    /// Its identifier, which the certificate has to name.
    pub id: String,
    /// The roots of each role. A role may have second ones, for which no lists are looked at.
    pub trust: Vec<(Role, PathBuf)>,
    /// The lists of what those revoked.
    pub crl: CrlFiles,
    /// What is demanded of files and handshakes.
    pub settings: TlsSettings,
}

/// Why files cannot be used, and the key of the configuration that names the one at fault.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{source}")]
pub struct KeyringError {
    /// The key of the configuration.
    pub key: String,
    /// What is wrong.
    pub source: TlsError,
}

impl KeyringError {
    /// Whether it is the own certificate, or its key.
    pub(super) fn is_of_our_own(&self) -> bool {
        self.key.starts_with("identity.")
    }

    fn of(key: impl Into<String>) -> impl FnOnce(TlsError) -> Self {
        let key = key.into();
        move |source| Self { key, source }
    }
}

/// What was read of the files, good or not.
pub(super) struct Contents {
    bytes: BTreeMap<PathBuf, Result<Zeroizing<Vec<u8>>, TlsError>>,
    lists: Vec<(Role, Vec<PathBuf>)>,
    /// A fingerprint of each file: another one when it says something else.
    pub(super) prints: BTreeMap<PathBuf, u64>,
}

impl KeyFiles {
    /// For the hardened reference: which roles have roots, and no list of what those revoked.
    pub fn without_lists(&self) -> Option<String> {
        let listed = self.crl.of_roles();
        let without: Vec<&str> = self
            .trust
            .iter()
            .filter(|(role, _)| !listed.iter().any(|(of, _)| of == role))
            .map(|(role, _)| role.as_str())
            .collect();
        match without.len() {
            0 => None,
            all if all == self.trust.len() => Some("none".to_owned()),
            _ => Some(format!("none for {}", without.join(", "))),
        }
    }

    /// Reads all files.
    pub(super) fn read(&self) -> Contents {
        let mut bytes = BTreeMap::new();
        let mut take = |path: &Path| {
            bytes.entry(path.to_owned()).or_insert_with(|| read(path));
        };
        take(&self.identity.certificate);
        take(&self.identity.key);
        self.trust.iter().for_each(|(_, path)| take(path));
        let mut lists = Vec::new();
        for (role, paths) in self.crl.of_roles() {
            let files: Vec<PathBuf> = paths.iter().flat_map(|path| lists_at(path)).collect();
            files.iter().for_each(|path| take(path));
            lists.push((role, files));
        }
        if !self.settings.allow_key_files_readable_by_others
            && let Err(error) = readable_by_its_owner_only(&self.identity.key)
        {
            bytes.insert(self.identity.key.clone(), Err(error));
        }
        let print = |content: &Result<Zeroizing<Vec<u8>>, TlsError>| {
            let mut hasher = DefaultHasher::new();
            match content {
                Ok(bytes) => bytes.as_slice().hash(&mut hasher),
                Err(error) => error.to_string().hash(&mut hasher),
            }
            hasher.finish()
        };
        let prints = bytes
            .iter()
            .map(|(path, content)| (path.clone(), print(content)))
            .collect();
        Contents { bytes, lists, prints }
    }
}

/// The files with lists at a path: itself, or those in the folder.
fn lists_at(path: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(path) else {
        return vec![path.to_owned()];
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|file| {
            let ending = file.extension().and_then(|ending| ending.to_str());
            ending.is_some_and(|ending| ["crl", "der", "pem"].contains(&ending)) && file.is_file()
        })
        .collect();
    files.sort();
    // A folder without lists is as wrong as a file that is missing.
    if files.is_empty() { vec![path.to_owned()] } else { files }
}

impl Contents {
    fn of(&self, path: &Path) -> Result<&[u8], TlsError> {
        match self.bytes.get(path) {
            Some(Ok(bytes)) => Ok(bytes),
            Some(Err(error)) => Err(error.clone()),
            None => Err(TlsError::File {
                path: path.to_owned(),
                reason: "was not read".to_owned(),
            }),
        }
    }

    fn crls(&self, role: Role) -> Result<Vec<Crl>, TlsError> {
        let mut all = Vec::new();
        for (_, paths) in self.lists.iter().filter(|(of, _)| *of == role) {
            for path in paths {
                all.extend(crl::parse(path, self.of(path)?)?);
            }
        }
        Ok(all)
    }
}

/// What is in force.
pub(super) struct Material {
    pub(super) generation: u64,
    pub(super) identity: Identity,
    pub(super) identity_ends: i64,
    pub(super) trust: Vec<(Role, Trust)>,
    pub(super) oldest: TlsVersion,
    pub(super) prints: BTreeMap<PathBuf, u64>,
}

impl Material {
    /// Makes something of what was read, if all of it is good and fits together.
    pub(super) fn of(files: &KeyFiles, contents: &Contents, generation: u64, now: i64) -> Result<Self, KeyringError> {
        let (certificate, key) = (&files.identity.certificate, &files.identity.key);
        let chain = contents
            .of(certificate)
            .map_err(KeyringError::of("identity.certificate"))?;
        let secret = contents.of(key).map_err(KeyringError::of("identity.key"))?;
        let identity = Identity::parse(certificate, chain, key, secret).map_err(|error| {
            let of_key = matches!(&error, TlsError::File { path, .. } if path == key);
            KeyringError::of(if of_key { "identity.key" } else { "identity.certificate" })(error)
        })?;
        let identity_ends = is_ours(&identity, files, now).map_err(KeyringError::of("identity.certificate"))?;
        Self::with(identity, identity_ends, files, contents, generation, now)
    }

    /// What is in force, with the roots and lists that were read if these are good: the certificate and the key in the files wait.
    /// Nothing where only those have changed.
    pub(super) fn beside_our_own(
        &self,
        files: &KeyFiles,
        contents: &Contents,
        now: i64,
    ) -> Option<Result<Self, KeyringError>> {
        let mut prints = contents.prints.clone();
        for path in [&files.identity.certificate, &files.identity.key] {
            if let Some(print) = self.prints.get(path) {
                prints.insert(path.clone(), *print);
            }
        }
        if prints == self.prints {
            return None;
        }
        let identity = self.identity.clone();
        let fresh = Self::with(identity, self.identity_ends, files, contents, self.generation + 1, now);
        Some(fresh.map(|fresh| Self { prints, ..fresh }))
    }

    fn with(
        identity: Identity,
        identity_ends: i64,
        files: &KeyFiles,
        contents: &Contents,
        generation: u64,
        now: i64,
    ) -> Result<Self, KeyringError> {
        let lists = files.crl.of_roles();
        if let Some((role, _)) = lists
            .iter()
            .find(|(role, _)| !files.trust.iter().any(|(of, _)| of == role))
        {
            let reason = format!("there are no roots of the role {role}, which the list could be about");
            return Err(KeyringError::of(format!("crl.{role}"))(TlsError::Trust(reason)));
        }
        let mut trust: Vec<(Role, Trust)> = Vec::new();
        for (role, path) in &files.trust {
            // The second roots of a role are those of a CAPIF core function, which says itself whom it no longer vouches for.
            let second = trust.iter().any(|(of, _)| of == role);
            let wrong = || {
                KeyringError::of(match (second, role) {
                    (true, _) => "capif.exposure.invoker_roots".to_owned(),
                    (false, Role::Ccf) => "capif.exposure.roots".to_owned(),
                    _ => format!("trust.{role}"),
                })
            };
            let bytes = contents.of(path).map_err(wrong())?;
            let mut roots = Trust::parse(path, bytes, now).map_err(wrong())?;
            if let (false, Some(path)) = (files.settings.allow_test_certificates, roots.for_tests()) {
                return Err(wrong()(TlsError::TestCertificate { path }));
            }
            if !second && lists.iter().any(|(of, _)| of == role) {
                let wrong = || KeyringError::of(format!("crl.{role}"));
                let crls = contents.crls(*role).map_err(wrong())?;
                roots = roots.revoking(crls).map_err(wrong())?;
            }
            trust.push((*role, roots));
        }
        let material = Self {
            generation,
            identity,
            identity_ends,
            trust,
            oldest: files.settings.min_version,
            prints: contents.prints.clone(),
        };
        try_out(&material).map_err(KeyringError::of("trust"))?;
        Ok(material)
    }

    /// Refuses it where one of its lists is older than the one that is in force.
    pub(super) fn no_list_is_older_than_in(self, in_force: &Self) -> Result<Self, KeyringError> {
        for (role, trust) in &self.trust {
            let before = in_force.trust.iter().find(|(of, _)| of == role);
            let Some(older) = before.and_then(|(_, before)| crl::older(trust.crls(), before.crls())) else {
                continue;
            };
            let reason = "is older than the list in force: whoever was revoked since would come in again".to_owned();
            let path = older.path.to_path_buf();
            return Err(KeyringError::of(format!("crl.{role}"))(TlsError::Revocations {
                path,
                reason,
            }));
        }
        Ok(self)
    }

    /// The roots of these roles.
    pub(super) fn of_roles(&self, roles: &[Role]) -> Result<Vec<(Role, Trust)>, TlsError> {
        let mut of_roles = Vec::new();
        for role in roles {
            let before = of_roles.len();
            of_roles.extend(self.trust.iter().filter(|(of, _)| of == role).cloned());
            if of_roles.len() == before {
                return Err(TlsError::Trust(format!("there are no roots of the role {role}")));
            }
        }
        Ok(of_roles)
    }
}

/// Checks that a certificate is that of this server, and says until when it holds.
fn is_ours(identity: &Identity, files: &KeyFiles, now: i64) -> Result<i64, TlsError> {
    names(identity, files.role, &files.id)?;
    if !files.settings.allow_test_certificates && identity.chain().iter().any(|der| is_for_tests(der)) {
        return Err(TlsError::TestCertificate {
            path: identity.file().to_owned(),
        });
    }
    Ok(identity.fit_for_a_server(now)?.until)
}

/// The certificates, keys and lists of a server. What is in force changes with the files, all of it at once; while the own certificate and
/// key cannot be used, roots and lists do not wait for them.
pub struct Keyring {
    pub(super) files: KeyFiles,
    current: ArcSwap<Material>,
    generation: watch::Sender<u64>,
    evidence: OnceLock<Arc<dyn Evidence>>,
}

impl Keyring {
    /// Reads and checks all files.
    ///
    /// # Errors
    /// When one cannot be used, or they do not fit together.
    pub fn load(files: KeyFiles) -> Result<Arc<Self>, KeyringError> {
        let material = Material::of(&files, &files.read(), 1, certificate::now())?;
        Ok(Arc::new(Self {
            files,
            current: ArcSwap::from_pointee(material),
            generation: watch::Sender::new(1),
            evidence: OnceLock::new(),
        }))
    }

    /// Tells this of what security asks to be remembered; who was named first is.
    pub fn evidence(&self, evidence: Arc<dyn Evidence>) {
        let _ = self.evidence.set(evidence);
    }

    pub(crate) fn record(&self, event: SecurityEvent) {
        if let Some(evidence) = self.evidence.get() {
            evidence.record(event);
        }
    }

    /// What is demanded of files and handshakes.
    pub fn settings(&self) -> &TlsSettings {
        &self.files.settings
    }

    /// The certificate in force, without those that lead to its root.
    pub(crate) fn certificate(&self) -> Vec<u8> {
        self.material().identity.certificate().to_vec()
    }

    /// What a listener goes by that serves these roles.
    ///
    /// # Errors
    /// When there are no roots of one of them.
    pub fn server(self: &Arc<Self>, roles: &[Role], http1: bool) -> Result<ServerTls, TlsError> {
        ServerTls::following(self.clone(), roles.to_vec(), Speaks::Http { http1 })
    }

    /// What a listener goes by that speaks something else than HTTP, to callers of these roles.
    ///
    /// # Errors
    /// When there are no roots of one of them.
    pub fn server_speaking(self: &Arc<Self>, roles: &[Role], speaks: Speaks) -> Result<ServerTls, TlsError> {
        ServerTls::following(self.clone(), roles.to_vec(), speaks)
    }

    /// What a client goes by that calls servers of these roles.
    ///
    /// # Errors
    /// When there are no roots of one of them.
    pub fn client(self: &Arc<Self>, roles: &[Role]) -> Result<ClientTls, TlsError> {
        ClientTls::following(self.clone(), roles)
    }

    pub(super) fn material(&self) -> Arc<Material> {
        self.current.load_full()
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }

    /// Puts something else into force.
    pub(super) fn install(&self, material: Material) {
        let generation = material.generation;
        self.current.store(Arc::new(material));
        self.generation.send_replace(generation);
    }
}
