//! Certificates for a laboratory: one authority per role, and identities that the servers understand.
//!
//! ```
//! use edgeapp_core::principal::Role;
//! use eec_sim::pki::Pki;
//!
//! let dir = tempfile::tempdir()?;
//! let pki = Pki::create(dir.path())?;
//! let files = pki.issue(Role::Eec, "eec-7").gpsi("msisdn-491700000007").write()?;
//! let principal = files.identity()?.principal()?;
//! assert_eq!((principal.role(), principal.id()), (Role::Eec, "eec-7"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use base64::{Engine, prelude::BASE64_STANDARD};
use edgeapp_core::principal::Role;
use edgeapp_http::tls::{Identity, TEST_CERTIFICATES, TlsError, Trust};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType,
    SerialNumber,
};
use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};
use x509_parser::{certificate::X509Certificate, pem::Pem, prelude::FromDer};

/// The roles whom every server knows. Each has an authority, and so have the NEF, SMFs and a CAPIF core function.
pub const ROLES: [Role; 5] = [Role::Eec, Role::Eas, Role::Ees, Role::Ecs, Role::Operator];

/// The EASID of the application that the shipped scenarios use.
pub const CHESS: &str = "eas.chess.example";
/// Its provider.
pub const CHESS_PROVIDER: &str = "chess.example";

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
const KEEP: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b':')
    .remove(b'@')
    .remove(b'#');

/// Why certificates could not be made or found.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// The folder holds certificates already.
    #[error("{0} exists already and is left as it is; choose another folder or remove this one yourself")]
    AlreadyThere(PathBuf),
    /// The folder holds none.
    #[error("{0} holds no certificates of `eec-sim pki init` (its {1} is missing)")]
    NotThere(PathBuf, &'static str),
    /// A file cannot be read or written.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: io::Error,
    },
    /// A certificate cannot be made of this.
    #[error("{0}: {1}")]
    Certificate(String, rcgen::Error),
    /// What was issued cannot be used.
    #[error(transparent)]
    Unusable(#[from] TlsError),
    /// A file that should be a certificate is none.
    #[error("{0} is no certificate of this folder; name one without its ending, such as eec-1")]
    NoCertificate(PathBuf),
}

/// A certificate and its key on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The certificate chain in PEM.
    pub certificate: PathBuf,
    /// The private key in PEM.
    pub key: PathBuf,
}

impl Files {
    /// Reads both.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn identity(&self) -> Result<Identity, TlsError> {
        Identity::load(&self.certificate, &self.key)
    }
}

/// A folder with one authority per role and what they issued.
#[derive(Clone, Debug)]
pub struct Pki {
    dir: PathBuf,
    hosts: Vec<String>,
}

impl Pki {
    /// Makes the authorities and the usual identities in a folder that has none.
    ///
    /// # Errors
    /// When there are some already, or a file cannot be written.
    pub fn create(dir: &Path) -> Result<Self, PkiError> {
        Self::create_for(dir, &[])
    }

    /// As [`Pki::create`], with further names or addresses under which the servers will be reached.
    ///
    /// # Errors
    /// As [`Pki::create`].
    pub fn create_for(dir: &Path, hosts: &[String]) -> Result<Self, PkiError> {
        let pki = Self {
            dir: dir.to_owned(),
            hosts: hosts.to_vec(),
        };
        let cas = dir.join("ca");
        if cas.exists() {
            return Err(PkiError::AlreadyThere(cas));
        }
        for folder in [cas, dir.join("crl")] {
            fs::create_dir_all(&folder).map_err(|error| PkiError::File { path: folder, error })?;
        }
        let mut all = String::new();
        // That of providers is the authority of the CAPIF core function, which issues the certificates of invokers as well.
        for role in ROLES
            .into_iter()
            .chain([Role::Nef, Role::Smf, Role::Ccf, Role::Provider])
        {
            let params = authority(role);
            let failed = |error| PkiError::Certificate(format!("authority {role}"), error);
            let key = KeyPair::generate().map_err(failed)?;
            let certificate = params.self_signed(&key).map_err(failed)?.pem();
            all.push_str(&certificate);
            write(&pki.ca(role), &certificate, false)?;
            write(&pki.ca_key(role), &key.serialize_pem(), true)?;
            let today = now();
            pki.list_revoked(role, today - HOUR..today + 365 * DAY)?;
        }
        all.push_str(&pki.make_collector()?);
        write(&pki.all_authorities(), &all, false)?;
        pki.issue(Role::Ecs, "ecs.example").named("ecs").write()?;
        pki.issue(Role::Ees, "ees-a.example").named("ees-a").write()?;
        pki.issue(Role::Ees, "ees-b.example").named("ees-b").write()?;
        for instance in ["a", "b"] {
            let id = format!("{CHESS}#{instance}");
            pki.issue(Role::Eas, &id)
                .provider(CHESS_PROVIDER)
                .named(&format!("eas-chess-{instance}"))
                .write()?;
        }
        for number in 1..=2 {
            pki.issue(Role::Eec, &format!("eec-{number}"))
                .gpsi(&format!("msisdn-49170000000{number}"))
                .write()?;
        }
        pki.issue(Role::Operator, "operator").write()?;
        pki.issue(Role::Nef, "nef.example").named("nef").write()?;
        pki.issue(Role::Ccf, "ccf.example").named("ccf").write()?;
        pki.issue(Role::Smf, "smf.example").named("smf").write()?;
        pki.audit_key("audit")?;
        pki.state_key("state")?;
        Ok(pki)
    }

    /// Makes the certificate of a collector of audit records, by an authority of its own, which no server trusts in for anything else: who
    /// keeps the evidence is nobody whom doors let in. Answers with the authority.
    fn make_collector(&self) -> Result<String, PkiError> {
        let failed = |error| PkiError::Certificate("authority of collectors".to_owned(), error);
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = authority_of("collectors of audit records")
            .self_signed(&key)
            .map_err(failed)?
            .pem();
        write(&self.collector_ca(), &certificate, false)?;
        let request = Request {
            pki: self,
            // No identity of ours: a host, no more.
            identities: Vec::new(),
            hosts: self.hosts.clone(),
            issuer: Role::Operator,
            flaw: None,
            serves: true,
            name: "collector".to_owned(),
        };
        let (issued, issued_key) = request.made(&Issuer::new(authority_of("collectors of audit records"), key))?;
        let files = self.files("collector");
        write(&files.key, &issued_key.serialize_pem(), true)?;
        write(&files.certificate, &issued, false)?;
        Ok(certificate)
    }

    /// The certificate of the authority that the certificate of the collector leads to: `roots` of `[audit.collector]`.
    pub fn collector_ca(&self) -> PathBuf {
        self.dir.join("ca").join("collector.pem")
    }

    /// Opens a folder made by [`Pki::create`].
    ///
    /// # Errors
    /// When an authority is missing.
    pub fn open(dir: &Path) -> Result<Self, PkiError> {
        let pki = Self {
            dir: dir.to_owned(),
            hosts: Vec::new(),
        };
        // Without those of the NEF, of SMFs and of CAPIF, which older folders lack: what needs it says so.
        for (role, name) in ROLES
            .into_iter()
            .zip(["ca/eec", "ca/eas", "ca/ees", "ca/ecs", "ca/operator"])
        {
            if !pki.ca(role).is_file() {
                return Err(PkiError::NotThere(dir.to_owned(), name));
            }
        }
        Ok(pki)
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The certificate of a role's authority.
    pub fn ca(&self, role: Role) -> PathBuf {
        self.dir.join("ca").join(format!("{role}.pem"))
    }

    /// The certificates of all authorities in one file, for tools such as curl.
    pub fn all_authorities(&self) -> PathBuf {
        self.dir.join("ca").join("all.pem")
    }

    /// The authority of the CAPIF core function, with its key.
    pub fn capif_authority(&self) -> Files {
        Files {
            certificate: self.ca(Role::Provider),
            key: self.ca_key(Role::Provider),
        }
    }

    fn ca_key(&self, role: Role) -> PathBuf {
        self.dir.join("ca").join(format!("{role}.key"))
    }

    /// The list of what a role's authority revoked.
    pub fn crl(&self, role: Role) -> PathBuf {
        self.dir.join("crl").join(format!("{role}.pem"))
    }

    /// Revokes a certificate: the list of its authority names it from now on. Says which list that is.
    ///
    /// # Errors
    /// When it is none of this folder, or the list cannot be written.
    pub fn revoke(&self, files: &Files) -> Result<PathBuf, PkiError> {
        let path = &files.certificate;
        let none = || PkiError::NoCertificate(path.clone());
        let role = files
            .identity()
            .and_then(|identity| identity.principal())
            .map_err(|_| none())?
            .role();
        let pem = fs::read(path).map_err(|_| none())?;
        let pem = Pem::iter_from_buffer(&pem)
            .next()
            .and_then(Result::ok)
            .ok_or_else(none)?;
        let (_, parsed) = X509Certificate::from_der(&pem.contents).map_err(|_| none())?;
        let (memory, serial) = (self.revoked(role), parsed.raw_serial_as_string());
        let added = OpenOptions::new().create(true).append(true).open(&memory);
        let added = added.and_then(|mut file| writeln!(file, "{serial}"));
        added.map_err(|error| PkiError::File { path: memory, error })?;
        let today = now();
        self.list_revoked(role, today - 1..today + 365 * DAY)?;
        Ok(self.crl(role))
    }

    /// Where the serial numbers stand that a role's authority revoked.
    fn revoked(&self, role: Role) -> PathBuf {
        self.dir.join("ca").join(format!("{role}.revoked"))
    }

    /// Issues the list of what a role's authority revoked, which holds from then until then (seconds since 1970).
    ///
    /// # Errors
    /// When the authority is missing, or the list cannot be written.
    pub fn list_revoked(&self, role: Role, valid: Range<i64>) -> Result<(), PkiError> {
        let failed = |error| PkiError::Certificate(format!("list of authority {role}"), error);
        let serials = fs::read_to_string(self.revoked(role)).unwrap_or_default();
        let bytes = |serial: &str| -> Vec<u8> {
            let bytes = serial.split(':').filter_map(|byte| u8::from_str_radix(byte, 16).ok());
            bytes.collect()
        };
        let revoked = serials.lines().map(|serial| RevokedCertParams {
            serial_number: SerialNumber::from(bytes(serial)),
            revocation_time: at(valid.start),
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: at(valid.start),
            next_update: at(valid.end),
            crl_number: SerialNumber::from(valid.start.unsigned_abs()),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let pem = list
            .signed_by(&self.authority(role)?)
            .and_then(|list| list.pem())
            .map_err(failed)?;
        let (path, fresh) = (self.crl(role), self.crl(role).with_extension("new"));
        let written = fs::write(&fresh, pem).and_then(|()| fs::rename(&fresh, &path));
        written.map_err(|error| PkiError::File { path, error })
    }

    fn authority(&self, role: Role) -> Result<Issuer<'static, KeyPair>, PkiError> {
        let path = self.ca_key(role);
        let pem = fs::read_to_string(&path).map_err(|error| PkiError::File { path, error })?;
        let key = KeyPair::from_pem(&pem).map_err(|error| PkiError::Certificate(format!("authority {role}"), error))?;
        Ok(Issuer::new(authority(role), key))
    }

    /// The authority of a role, to issue many certificates with: its key is read once.
    ///
    /// # Errors
    /// When it is missing.
    pub fn open_authority(&self, role: Role) -> Result<Authority, PkiError> {
        self.authority(role).map(Authority)
    }

    /// Trust in whom this role's authority issued a certificate.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn trust(&self, role: Role) -> Result<Trust, TlsError> {
        Trust::load(self.ca(role))
    }

    /// The files of an identity, whether they exist or not.
    pub fn files(&self, name: &str) -> Files {
        Files {
            certificate: self.dir.join(format!("{name}.pem")),
            key: self.dir.join(format!("{name}.key")),
        }
    }

    /// Makes a key for the checkpoints of audit logs, `<name>.key`, and the one that verifies them, `<name>.pub`.
    ///
    /// # Errors
    /// When they are there already, or cannot be written.
    pub fn audit_key(&self, name: &str) -> Result<(PathBuf, PathBuf), PkiError> {
        let key = KeyPair::generate().map_err(|error| PkiError::Certificate(name.to_owned(), error))?;
        let (private, public) = (
            self.dir.join(format!("{name}.key")),
            self.dir.join(format!("{name}.pub")),
        );
        write(&private, &key.serialize_pem(), true)?;
        write(&public, &key.public_key_pem(), false)?;
        Ok((private, public))
    }

    /// Makes a key that servers encrypt their state with, `<name>.key`.
    ///
    /// # Errors
    /// When it is there already, or cannot be written.
    pub fn state_key(&self, name: &str) -> Result<PathBuf, PkiError> {
        let path = self.dir.join(format!("{name}.key"));
        let key = BASE64_STANDARD.encode(rand::random::<[u8; 32]>());
        write(&path, &format!("{key}\n"), true)?;
        Ok(path)
    }

    /// Where the key of pseudonyms is that all servers of this folder share, where there is one.
    pub fn pseudonym_key(&self) -> PathBuf {
        self.dir.join("pseudonym.key")
    }

    /// Makes the key of pseudonyms: with one for all servers, one name has one pseudonym in all their logs.
    ///
    /// # Errors
    /// When it is there already, or cannot be written.
    pub fn make_pseudonym_key(&self) -> Result<(), PkiError> {
        let key = BASE64_STANDARD.encode(rand::random::<[u8; 32]>());
        write(&self.pseudonym_key(), &format!("{key}\n"), true)
    }

    /// Begins a certificate for `id` in this role; an EAS writes its instance behind `#`.
    pub fn issue(&self, role: Role, id: &str) -> Request<'_> {
        Request {
            pki: self,
            identities: vec![format!("urn:edgeapp:{role}:{}", utf8_percent_encode(id, KEEP))],
            hosts: self.hosts.clone(),
            issuer: role,
            flaw: None,
            serves: role != Role::Operator,
            name: id
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' })
                .collect(),
        }
    }
}

/// The authority of a role with its key.
pub struct Authority(Issuer<'static, KeyPair>);

/// A certificate to be issued.
#[must_use = "nothing is issued before `write`"]
pub struct Request<'a> {
    pki: &'a Pki,
    identities: Vec<String>,
    hosts: Vec<String>,
    issuer: Role,
    flaw: Option<Flaw>,
    serves: bool,
    name: String,
}

/// What a certificate can have that servers refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It ended yesterday.
    Expired,
    /// It begins tomorrow.
    NotYetValid,
    /// It ends in so many seconds.
    EndsIn(u16),
    /// It was issued for signing code.
    AnotherPurpose,
    /// It does not say what it was issued for.
    NoPurpose,
    /// It does not say what its key is for.
    NoKeyUsage,
    /// It is one of an authority.
    Authority,
    /// It was issued by itself.
    SelfSigned,
    /// It names nobody of ours.
    NoIdentity,
    /// It names two.
    TwoIdentities,
    /// It is good for any host below a name.
    Wildcard,
}

impl Request<'_> {
    /// The UE that the authority vouches for.
    pub fn gpsi(mut self, gpsi: &str) -> Self {
        self.identities
            .push(format!("urn:edgeapp:gpsi:{}", utf8_percent_encode(gpsi, KEEP)));
        self
    }

    /// The provider that an EAS belongs to.
    pub fn provider(mut self, provider: &str) -> Self {
        self.identities
            .push(format!("urn:edgeapp:asp:{}", utf8_percent_encode(provider, KEEP)));
        self
    }

    /// A further name or address.
    pub fn host(mut self, host: &str) -> Self {
        self.hosts.push(host.to_owned());
        self
    }

    /// Issued by the authority of another role: what a server has to refuse.
    pub fn issued_by(mut self, role: Role) -> Self {
        self.issuer = role;
        self
    }

    /// With something that a server has to refuse.
    pub fn with(mut self, flaw: Flaw) -> Self {
        self.flaw = Some(flaw);
        self
    }

    /// For a server too, where the role is none.
    pub fn serving(mut self) -> Self {
        self.serves = true;
        self
    }

    /// The name of the files; otherwise made of the id.
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Issues the certificate and writes it with its key.
    ///
    /// # Errors
    /// When files of this name exist, a name cannot stand in a certificate, or a file cannot be written.
    pub fn write(self) -> Result<Files, PkiError> {
        let (certificate, key) = self.made(&self.pki.authority(self.issuer)?)?;
        let files = self.pki.files(&self.name);
        write(&files.key, &key.serialize_pem(), true)?;
        write(&files.certificate, &certificate, false)?;
        Ok(files)
    }

    /// Issues the certificate by this authority and leaves it in memory: for identities in great number.
    ///
    /// # Errors
    /// When a name cannot stand in a certificate.
    pub fn identity(self, authority: &Authority) -> Result<Identity, PkiError> {
        let (certificate, key) = self.made(&authority.0)?;
        let Files {
            certificate: name,
            key: key_name,
        } = self.pki.files(&self.name);
        let key = key.serialize_pem();
        Ok(Identity::parse(
            &name,
            certificate.as_bytes(),
            &key_name,
            key.as_bytes(),
        )?)
    }

    /// The certificate in PEM, and its key.
    fn made(&self, authority: &Issuer<'static, KeyPair>) -> Result<(String, KeyPair), PkiError> {
        let failed = |error| PkiError::Certificate(self.name.clone(), error);
        let mut params = params(&self.name, 2 * 365);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        if self.serves {
            // EECs and EASs are servers too: notifications come to them.
            params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
        }
        for identity in &self.identities {
            params
                .subject_alt_names
                .push(SanType::URI(identity.as_str().try_into().map_err(failed)?));
        }
        params
            .subject_alt_names
            .push(SanType::DnsName("localhost".try_into().map_err(failed)?));
        params
            .subject_alt_names
            .push(SanType::IpAddress(Ipv4Addr::LOCALHOST.into()));
        params
            .subject_alt_names
            .push(SanType::IpAddress(Ipv6Addr::LOCALHOST.into()));
        for host in &self.hosts {
            params.subject_alt_names.push(match host.parse::<IpAddr>() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) => SanType::DnsName(host.as_str().try_into().map_err(failed)?),
            });
        }
        if let Some(flaw) = self.flaw {
            spoil(&mut params, flaw).map_err(failed)?;
        }
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = match self.flaw {
            Some(Flaw::SelfSigned) => params.self_signed(&key),
            _ => params.signed_by(&key, authority),
        };
        Ok((certificate.map_err(failed)?.pem(), key))
    }
}

fn spoil(params: &mut CertificateParams, flaw: Flaw) -> Result<(), rcgen::Error> {
    let uri = |text: &str| Ok::<_, rcgen::Error>(SanType::URI(text.try_into()?));
    match flaw {
        Flaw::Expired => {
            params.not_before = at(now() - 10 * DAY);
            params.not_after = at(now() - DAY);
        }
        Flaw::NotYetValid => params.not_before = at(now() + DAY),
        Flaw::EndsIn(seconds) => params.not_after = at(now() + i64::from(seconds)),
        Flaw::AnotherPurpose => params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning],
        Flaw::NoPurpose => params.extended_key_usages.clear(),
        Flaw::NoKeyUsage => params.key_usages.clear(),
        Flaw::Authority => params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained),
        Flaw::SelfSigned => {}
        Flaw::NoIdentity => params.subject_alt_names.retain(|name| !matches!(name, SanType::URI(_))),
        Flaw::TwoIdentities => params.subject_alt_names.push(uri("urn:edgeapp:eec:another")?),
        Flaw::Wildcard => {
            let name = SanType::DnsName("*.example".try_into()?);
            params.subject_alt_names.push(name);
        }
    }
    Ok(())
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// An instant in the form that rcgen takes.
fn at(second: i64) -> time::OffsetDateTime {
    rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(second.unsigned_abs())
}

fn params(name: &str, days: i64) -> CertificateParams {
    let mut params = CertificateParams::default();
    // An hour back: clocks in a laboratory differ.
    params.not_before = at(now() - HOUR);
    params.not_after = at(now() + days * DAY);
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::OrganizationName, TEST_CERTIFICATES);
    params.distinguished_name.push(DnType::CommonName, name);
    params.use_authority_key_identifier_extension = true;
    params
}

fn authority(role: Role) -> CertificateParams {
    authority_of(&format!("role {role}"))
}

fn authority_of(whom: &str) -> CertificateParams {
    let mut params = params(&format!("EDGEAPP laboratory authority for {whom}"), 10 * 365);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn write(path: &Path, text: &str, private: bool) -> Result<(), PkiError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(if private { 0o600 } else { 0o644 });
    }
    let wrote = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    wrote.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => PkiError::AlreadyThere(path.to_owned()),
        _ => PkiError::File {
            path: path.to_owned(),
            error,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_are_what_servers_read() {
        let dir = tempfile::tempdir().unwrap();
        let pki = Pki::create(dir.path()).unwrap();
        for (name, role, id) in [
            ("ecs", Role::Ecs, "ecs.example"),
            ("ees-a", Role::Ees, "ees-a.example"),
            ("eas-chess-b", Role::Eas, CHESS),
            ("eec-2", Role::Eec, "eec-2"),
            ("operator", Role::Operator, "operator"),
            ("nef", Role::Nef, "nef.example"),
        ] {
            let principal = pki.files(name).identity().unwrap().principal().unwrap();
            assert_eq!((principal.role(), principal.id()), (role, id));
        }
        let eas = pki.files("eas-chess-a").identity().unwrap().principal().unwrap();
        assert_eq!(eas.owner().as_str(), "urn:edgeapp:eas:eas.chess.example#a");
        assert_eq!(eas.provider().map(|provider| provider.as_str()), Some(CHESS_PROVIDER));
        let collector = pki.files("collector").identity().unwrap();
        assert!(
            collector.principal().is_err(),
            "the collector is nobody whom doors let in"
        );
        let eec = pki.files("eec-1").identity().unwrap().principal().unwrap();
        assert_eq!(eec.gpsi().map(|gpsi| gpsi.as_str()), Some("msisdn-491700000001"));
        assert!(eec.dns_names().contains(&"localhost".to_owned()));
    }

    #[test]
    fn names_with_strange_characters_survive() {
        let dir = tempfile::tempdir().unwrap();
        let pki = Pki::create_for(dir.path(), &["lab.example".into(), "192.0.2.7".into()]).unwrap();
        let files = pki.issue(Role::Eec, "Ärger/1 %").host("ue.example").write().unwrap();
        let principal = files.identity().unwrap().principal().unwrap();
        assert_eq!(principal.id(), "Ärger/1 %");
        assert_eq!(principal.dns_names(), ["localhost", "lab.example", "ue.example"]);
    }

    #[test]
    fn nothing_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let pki = Pki::create(dir.path()).unwrap();
        let before = fs::read(pki.ca_key(Role::Ees)).unwrap();
        assert!(matches!(Pki::create(dir.path()), Err(PkiError::AlreadyThere(_))));
        assert!(matches!(
            pki.issue(Role::Eec, "eec-1").write(),
            Err(PkiError::AlreadyThere(_))
        ));
        assert_eq!(fs::read(pki.ca_key(Role::Ees)).unwrap(), before);
        let reopened = Pki::open(dir.path()).unwrap();
        let stranger = reopened
            .issue(Role::Eec, "stranger")
            .issued_by(Role::Operator)
            .write()
            .unwrap();
        assert_eq!(stranger.identity().unwrap().principal().unwrap().id(), "stranger");
        assert!(matches!(Pki::open(&dir.path().join("ca")), Err(PkiError::NotThere(..))));
    }

    /// Proves: T-31
    #[cfg(unix)]
    #[test]
    fn keys_are_for_their_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let pki = Pki::create(dir.path()).unwrap();
        for key in [pki.ca_key(Role::Ees), pki.files("ees-a").key] {
            assert_eq!(fs::metadata(key).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_certificate_that_is_revoked_stands_in_the_list() {
        let dir = tempfile::tempdir().unwrap();
        let pki = Pki::create(dir.path()).unwrap();
        let list = || fs::read(pki.crl(Role::Eec)).unwrap();
        let numbers = |pem: &[u8]| {
            let pem = Pem::iter_from_buffer(pem).next().unwrap().unwrap();
            let (_, list) = x509_parser::revocation_list::CertificateRevocationList::from_der(&pem.contents).unwrap();
            list.iter_revoked_certificates()
                .map(|revoked| revoked.raw_serial_as_string())
                .collect::<Vec<_>>()
        };
        assert!(numbers(&list()).is_empty());
        for name in ["eec-1", "eec-2"] {
            assert_eq!(pki.revoke(&pki.files(name)).unwrap(), pki.crl(Role::Eec));
        }
        assert_eq!(numbers(&list()).len(), 2);
        assert!(matches!(
            pki.revoke(&pki.files("nobody")),
            Err(PkiError::NoCertificate(_))
        ));
    }
}
