//! The configuration file of an ECS.
//!
//! TOML; each key can also come from the environment, `edge4.listen` as `ECS__EDGE4__LISTEN`. Relative paths start from the folder of
//! the file. Unknown keys are refused.

use crate::ecs::EcsRules;
use edgeapp_audit::settings::{AuditSettings, PrivacySettings};
use edgeapp_authz::{
    config::{AuthorizationConfig, Mode},
    consent::ConsentConfig,
};
use edgeapp_core::{
    callback::{CallbackRule, OwnListeners},
    clock::Lifetimes,
    principal::{Owner, Role},
    token::LONGEST_LIFE,
};
use edgeapp_ecs_domain::{
    edn::{Edn, EdnConflict, Edns},
    ees_registration::RegistrationRules,
    partners::{Partner, PartnerConflict, Partners},
    provisioning::{Answers, ProvisioningRules},
    quotas::QuotaSettings,
    tokens::service::TokenRules,
};
use edgeapp_http::{
    assembly::{IdentityFiles, ListenAt},
    callbacks::CallbackSettings,
    limits::LimitSettings,
    settings::{SettingsError, folder_of, read},
    tls::{CrlFiles, KeyFiles, TlsSettings},
};
use edgeapp_nef::NefSettings;
use edgeapp_openapi::ids::EesId;
use edgeapp_store::StoreSettings;
use serde::{Deserialize, Serialize};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// An ECS as its file describes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EcsConfig {
    /// `ecs_id`: its identifier; the certificate of `[identity]` has to be that of `urn:edgeapp:ecs:<ecs_id>`.
    pub ecs_id: String,
    /// `http1`: offer HTTP/1.1 beside HTTP/2; true when absent.
    #[serde(default = "yes")]
    pub http1: bool,
    /// `[identity]`: its certificate and key.
    pub identity: IdentityFiles,
    /// `[trust]`: whom it believes to be what.
    pub trust: TrustFiles,
    /// `[crl]`: lists of revoked certificates of each role.
    #[serde(default, skip_serializing_if = "CrlFiles::is_empty")]
    pub crl: CrlFiles,
    /// `[tls]`: versions, ages of connections, reading files again.
    #[serde(default)]
    pub tls: TlsSettings,
    /// `[edge4]`: where EECs reach it.
    pub edge4: ListenAt,
    /// `[edge6]`: where EESs reach it.
    pub edge6: ListenAt,
    /// `[operator]`: where its operators see health, readiness, metrics and version.
    pub operator: ListenAt,
    /// `[store]`: where its state is kept.
    pub store: StoreSettings,
    /// `[lifetimes]`: how long things live.
    #[serde(default)]
    pub lifetimes: LifetimeSettings,
    /// `[notifications]`: how subscribers are notified.
    #[serde(default)]
    pub notifications: NotificationSettings,
    /// `[registration]`: who may register.
    #[serde(default)]
    pub registration: RegistrationSettings,
    /// `[selection]`: how EESs are chosen.
    #[serde(default)]
    pub selection: SelectionSettings,
    /// `[nef]`: the 3GPP core network behind it, by its northbound APIs: asked where the UE of a request is that does not say. Without
    /// it, the place of such a UE counts as unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nef: Option<NefSettings>,
    /// `[consent]`: where it stands what users agreed to. Without it nobody agreed to anything, and the core network is not asked.
    #[serde(default)]
    pub consent: ConsentConfig,
    /// `[callbacks]`: where clients may have notifications sent to.
    #[serde(default)]
    pub callbacks: CallbackSettings,
    /// `[limits]`: how much callers may ask.
    #[serde(default)]
    pub limits: LimitSettings,
    /// `[authorization]`: who decides what a caller may use. Without it, the policies that an ECS comes with: each role may use its
    /// reference point.
    #[serde(default)]
    pub authorization: AuthorizationConfig,
    /// `[tokens]`: access tokens for EESs that decide by them. Without it this ECS issues none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<TokenSettings>,
    /// `[quotas]`: how much one caller may keep.
    #[serde(default)]
    pub quotas: QuotaSettings,
    /// `[[edn]]`: the edge data networks. EESs in others may register; EECs are then told no more than their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edn: Vec<Edn>,
    /// `[[partner]]`: other ECSs, to which EECs are sent that these serve: UEs that roam in their networks, or ask for their providers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partner: Vec<Partner>,
    /// `[privacy]`: how users and devices are named in logs.
    #[serde(default)]
    pub privacy: PrivacySettings,
    /// `[audit]`: the audit log. Without this section no file is written, and security events stand in the ordinary log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<AuditSettings>,
}

fn yes() -> bool {
    true
}

/// Certificates (PEM) that the certificates of each role have to lead to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustFiles {
    /// `eec`: for EECs, when they call and when they are notified.
    pub eec: PathBuf,
    /// `ees`: for EESs.
    pub ees: PathBuf,
    /// `operator`: for operators.
    pub operator: PathBuf,
    /// `eas`: for EASs, when they ask for tokens on the listener of `[edge4]`; without it they cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eas: Option<PathBuf>,
    /// `nef`: for the NEF that `[nef]` leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nef: Option<PathBuf>,
}

/// How long things live, in seconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LifetimeSettings {
    /// `ees_registration_max`: the longest life of a registration; a day when absent.
    pub ees_registration_max: u32,
    /// `ees_registration_default`: its life when the EES proposes none; an hour when absent.
    pub ees_registration_default: u32,
    /// `subscription_max`: the longest life of a subscription; a week when absent.
    pub subscription_max: u32,
    /// `subscription_default`: its life when the EEC proposes none; a day when absent.
    pub subscription_default: u32,
    /// `spread_percent`: lives of a minute and more are shorter by up to so much, at random, so that what began together is not renewed
    /// together; 0 to 50, 5 when absent.
    pub spread_percent: u8,
}

impl Default for LifetimeSettings {
    fn default() -> Self {
        Self {
            ees_registration_max: 86_400,
            ees_registration_default: 3_600,
            subscription_max: 604_800,
            subscription_default: 86_400,
            spread_percent: 5,
        }
    }
}

/// How subscribers are notified.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NotificationSettings {
    /// `allow_callbacks_to_private_addresses`: clients may name loopback and private addresses. For laboratories: with this, clients
    /// can make this server send requests into its own network. False when absent.
    pub allow_callbacks_to_private_addresses: bool,
    /// `timeout_seconds`: how long one notification may take; 5 when absent.
    pub timeout_seconds: u16,
    /// `longest_retry_seconds`: the longest wait between attempts; 60 when absent.
    pub longest_retry_seconds: u16,
}

impl Default for NotificationSettings {
    fn default() -> Self {
        Self {
            allow_callbacks_to_private_addresses: false,
            timeout_seconds: 5,
            longest_retry_seconds: 60,
        }
    }
}

/// Who may register.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RegistrationSettings {
    /// `allowed_ees`: the EESIDs that may register; any EES with a trusted certificate when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_ees: Option<Vec<EesId>>,
}

/// How EESs are chosen.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SelectionSettings {
    /// `strict_areas`: leave out an EES when the position of the UE does not tell whether it is in the service area; false when absent.
    pub strict_areas: bool,
}

/// Access tokens.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSettings {
    /// `registry`: the client registry, a TOML file: which EESs decide by tokens, and which clients may have some. It is read again
    /// when it changes.
    pub registry: PathBuf,
    /// `issuer`: `iss` of the tokens, an https URI; `https://<ecs_id>` when not given. Each EES has the same text in
    /// `authorization.issuer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// `lifetime_seconds`: how long a token lives, at most 3600; 300 when not given.
    #[serde(default = "usual_lifetime")]
    pub lifetime_seconds: u32,
    /// `key_rotation_seconds`: how long a key signs, at least 600; a week when not given.
    #[serde(default = "usual_rotation")]
    pub key_rotation_seconds: u32,
}

fn usual_lifetime() -> u32 {
    300
}

fn usual_rotation() -> u32 {
    604_800
}

/// Twice as long as EESs keep keys before they ask again: so long a key is known before it signs.
const SHORTEST_ROTATION: u32 = 600;

impl TokenSettings {
    /// What is wrong with it: the key below `tokens`, and why.
    fn wrong(&self) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        if !(1..=LONGEST_LIFE).contains(&self.lifetime_seconds) {
            wrong.push(("lifetime_seconds", format!("is at least 1 and at most {LONGEST_LIFE}")));
        }
        if self.key_rotation_seconds < SHORTEST_ROTATION {
            wrong.push(("key_rotation_seconds", format!("is at least {SHORTEST_ROTATION}")));
        }
        if self
            .issuer
            .as_ref()
            .is_some_and(|issuer| !issuer.starts_with("https://"))
        {
            wrong.push(("issuer", "must begin with https://".to_owned()));
        }
        wrong
    }

    /// How the authorization server of this ECS behaves.
    pub fn rules(&self, ecs_id: &str) -> TokenRules {
        TokenRules {
            server: Owner::ecs(ecs_id),
            issuer: self.issuer.clone().unwrap_or_else(|| format!("https://{ecs_id}")),
            lifetime: self.lifetime_seconds,
            rotation: self.key_rotation_seconds.into(),
        }
    }
}

/// Why parts of the configuration do not fit together.
#[derive(Debug, thiserror::Error)]
pub enum Conflict {
    /// Descriptions of edge data networks.
    #[error(transparent)]
    Edn(#[from] EdnConflict),
    /// Descriptions of partners.
    #[error(transparent)]
    Partner(#[from] PartnerConflict),
}

impl Conflict {
    /// The key of the configuration at fault.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Edn(_) => "edn",
            Self::Partner(_) => "partner",
        }
    }
}

impl EcsConfig {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// When the file cannot be read, or keys are missing, unknown, wrong or do not fit together. Says which, and what to do.
    pub fn load(file: &Path) -> Result<Self, SettingsError> {
        let mut config: Self = read(file, "ECS")?;
        config.resolve(&folder_of(file));
        config.check(file)?;
        Ok(config)
    }

    fn resolve(&mut self, folder: &Path) {
        self.identity.resolve(folder);
        let trust = &mut self.trust;
        for path in [&mut trust.eec, &mut trust.ees, &mut trust.operator]
            .into_iter()
            .chain(&mut trust.nef)
            .chain(&mut trust.eas)
        {
            *path = folder.join(&path);
        }
        if let Some(nef) = &mut self.nef {
            nef.resolve(folder);
        }
        self.crl.resolve(folder);
        self.consent.resolve(folder);
        self.privacy.resolve(folder);
        if let Some(audit) = &mut self.audit {
            audit.resolve(folder);
        }
        self.authorization.resolve(folder);
        if let Some(tokens) = &mut self.tokens {
            tokens.registry = folder.join(&tokens.registry);
        }
        self.store.resolve(folder);
    }

    /// The files of its certificates.
    pub fn key_files(&self) -> KeyFiles {
        let TrustFiles {
            eec,
            ees,
            operator,
            eas,
            nef,
        } = &self.trust;
        let trust = [
            (Role::Eec, Some(eec)),
            (Role::Ees, Some(ees)),
            (Role::Operator, Some(operator)),
            (Role::Eas, eas.as_ref()),
            (Role::Nef, nef.as_ref()),
        ];
        KeyFiles {
            identity: self.identity.clone(),
            role: Role::Ecs,
            id: self.ecs_id.clone(),
            trust: trust
                .into_iter()
                .filter_map(|(role, path)| Some((role, path?.clone())))
                .collect(),
            crl: self.crl.clone(),
            settings: self.tls,
        }
    }

    fn check(&self, file: &Path) -> Result<(), SettingsError> {
        let of_key = |key: &str, reason: String| SettingsError::of_key(file, key, reason);
        let life = &self.lifetimes;
        let lives = [
            (
                "ees_registration",
                life.ees_registration_default,
                life.ees_registration_max,
            ),
            ("subscription", life.subscription_default, life.subscription_max),
        ];
        let mut errors = Vec::new();
        for (what, default, max) in lives {
            if default == 0 || max == 0 {
                errors.push(of_key(
                    &format!("lifetimes.{what}_max"),
                    "lifetimes are at least one second".to_owned(),
                ));
            } else if default > max {
                let reason = format!("is longer than {what}_max; make it at most {max}");
                errors.push(of_key(&format!("lifetimes.{what}_default"), reason));
            }
        }
        if life.spread_percent > 50 {
            errors.push(of_key("lifetimes.spread_percent", "must be 0 to 50".to_owned()));
        }
        let of_tls = self.tls.wrong().into_iter();
        errors.extend(of_tls.map(|(key, reason)| of_key(key, reason.to_owned())));
        if self.notifications.timeout_seconds == 0 {
            errors.push(of_key("notifications.timeout_seconds", "must be at least 1".to_owned()));
        }
        for (key, root) in [
            ("edge4.api_root", &self.edge4.api_root),
            ("edge6.api_root", &self.edge6.api_root),
        ] {
            if root.as_ref().is_some_and(|root| !root.starts_with("https://")) {
                errors.push(of_key(key, "must begin with https://".to_owned()));
            }
        }
        let listeners = [
            ("edge4", &self.edge4),
            ("edge6", &self.edge6),
            ("operator", &self.operator),
        ];
        let collisions = ListenAt::collisions(&listeners);
        errors.extend(collisions.into_iter().map(|(key, reason)| of_key(&key, reason)));
        if let Some(nef) = &self.nef {
            errors.extend(nef.check().err().map(|error| of_key("nef", error.to_string())));
            if self.trust.nef.is_none() {
                let reason = "is needed with [nef]: the roots that the certificate of the NEF leads to";
                errors.push(of_key("trust.nef", reason.to_owned()));
            }
        }
        errors.extend(
            self.consent
                .conflict()
                .map(|conflict| of_key("consent", conflict.to_owned())),
        );
        let conflicts = self.audit.iter().flat_map(AuditSettings::conflicts);
        errors.extend(conflicts.map(|(key, reason)| of_key(key, reason.to_owned())));
        if self.authorization.mode == Mode::Token {
            let reason = "is token, which is for EESs: an ECS issues tokens and demands none; use local_policy";
            errors.push(of_key("authorization.mode", reason.to_owned()));
        }
        for (name, reason) in self.tokens.iter().flat_map(TokenSettings::wrong) {
            errors.push(of_key(&format!("tokens.{name}"), reason));
        }
        errors.extend(
            Edns::new(self.edn.clone())
                .err()
                .map(|error| of_key("edn", error.to_string())),
        );
        errors.extend(
            Partners::new(self.partner.clone())
                .err()
                .map(|error| of_key("partner", error.to_string())),
        );
        errors.extend(
            self.store
                .check()
                .err()
                .map(|error| of_key("store.kind", error.to_string())),
        );
        errors.extend(
            self.limits
                .wrong()
                .into_iter()
                .map(|(key, reason)| of_key(&key, reason.to_owned())),
        );
        errors.extend(
            self.callbacks
                .wrong()
                .into_iter()
                .map(|(key, reason)| of_key(key, reason)),
        );
        SettingsError::all(errors)
    }

    /// Where clients may have notifications sent to, by a server that listens at `own`.
    pub fn callback_rule(&self, own: &OwnListeners) -> CallbackRule {
        let private = self.notifications.allow_callbacks_to_private_addresses;
        self.callbacks.rule(private, own)
    }

    /// The rules that the configuration comes to, with this one for callbacks.
    ///
    /// # Errors
    /// When edge data networks or partners do not fit together.
    pub fn rules(&self, callbacks: CallbackRule) -> Result<EcsRules, Conflict> {
        let lifetimes = |max, default| Lifetimes {
            max: Some(max),
            default: Some(default),
            spread_percent: self.lifetimes.spread_percent,
        };
        let (life, edns) = (&self.lifetimes, Edns::new(self.edn.clone())?);
        let partners = Partners::new(self.partner.clone())?;
        Ok(EcsRules {
            registration: RegistrationRules {
                lifetimes: lifetimes(life.ees_registration_max, life.ees_registration_default),
                allowed: self
                    .registration
                    .allowed_ees
                    .clone()
                    .map(|allowed| allowed.into_iter().collect()),
            },
            provisioning: ProvisioningRules {
                lifetimes: lifetimes(life.subscription_max, life.subscription_default),
                callbacks,
            },
            answers: Answers {
                edns: Arc::new(edns),
                partners: Arc::new(partners),
                strict_areas: self.selection.strict_areas,
            },
            quotas: self.quotas,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
ecs_id = "ecs.example"
[identity]
certificate = "ecs.pem"
key = "ecs.key"
[trust]
eec = "ca/eec.pem"
ees = "ca/ees.pem"
operator = "ca/operator.pem"
[edge4]
listen = "127.0.0.1:9304"
api_root = "https://127.0.0.1:9304"
[edge6]
listen = "127.0.0.1:9306"
[operator]
listen = "127.0.0.1:9308"
[store]
kind = "redb"
path = "state/ecs.redb"
"#;

    fn load(text: &str) -> Result<EcsConfig, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("ecs.toml");
        std::fs::write(&file, text).expect("written");
        let loaded = EcsConfig::load(&file).map_err(|error| error.to_string());
        if let Ok(config) = &loaded {
            assert!(
                config.trust.eec.is_absolute(),
                "relative paths start from the folder of the file"
            );
        }
        loaded
    }

    #[test]
    fn the_smallest_file_is_whole_and_written_back_the_same() {
        let config = load(FILE).expect("accepted");
        assert!(config.http1 && config.edn.is_empty());
        let text = toml::to_string(&config).expect("TOML");
        assert_eq!(
            load(&text).map(|again| toml::to_string(&again).expect("TOML")),
            Ok(text)
        );
    }

    #[test]
    fn networks_are_read_in_wire_form() {
        let networks = r#"
[[edn]]
dnn = "edge-a"
snssai = { sst = 1, sd = "00000a" }
area = { topServAr = { tais = [{ plmnId = { mcc = "001", mnc = "01" }, tac = "000001" }] } }
[[edn]]
dnn = "edge-b"
default = true
"#;
        let config = load(&format!("{FILE}{networks}")).expect("accepted");
        assert_eq!(config.edn.len(), 2);
        assert!(config.edn[0].area.is_some() && config.edn[1].default);
        let twice = networks.replace("edge-b", "edge-a");
        assert!(
            load(&format!("{FILE}{twice}"))
                .expect_err("refused")
                .contains("key `edn`: the dnn edge-a")
        );
    }

    #[test]
    fn tokens_are_off_unless_there_is_a_registry() {
        assert!(load(FILE).expect("accepted").tokens.is_none());
        let config = load(&format!("{FILE}[tokens]\nregistry = \"clients.toml\"\n")).expect("accepted");
        let tokens = config.tokens.expect("tokens");
        assert!(tokens.registry.is_absolute());
        let rules = tokens.rules(&config.ecs_id);
        assert_eq!((rules.issuer.as_str(), rules.lifetime), ("https://ecs.example", 300));
        for (line, said) in [
            (
                "lifetime_seconds = 3601",
                "key `tokens.lifetime_seconds`: is at least 1 and at most 3600",
            ),
            ("lifetime_seconds = 0", "key `tokens.lifetime_seconds`"),
            (
                "key_rotation_seconds = 599",
                "key `tokens.key_rotation_seconds`: is at least 600",
            ),
            (
                "issuer = \"ecs.example\"",
                "key `tokens.issuer`: must begin with https://",
            ),
        ] {
            let refused = load(&format!("{FILE}[tokens]\nregistry = \"clients.toml\"\n{line}\n")).expect_err(line);
            assert!(refused.contains(said), "{refused}");
        }
    }

    #[test]
    fn partners_are_read_and_checked() {
        let partner = r#"
[[partner]]
ecs_end_pt = { uri = "https://ecs-b.example" }
dnn = "edge-b"
snssai = { sst = 1 }
plmn_ids = [{ mcc = "001", mnc = "02" }]
ecsp_ids = ["ecsp-b"]
eas_ids = ["eas.chess.example"]
area = { topServAr = { plmnIds = [{ mcc = "001", mnc = "02" }] } }
"#;
        let config = load(&format!("{FILE}{partner}")).expect("accepted");
        assert_eq!(
            config
                .rules(CallbackRule::default())
                .expect("fit")
                .answers
                .partners
                .all()
                .count(),
            1
        );
        let text = toml::to_string(&config).expect("TOML");
        assert_eq!(load(&text).expect("the same").partner.len(), 1);
        for (wrong, why) in [
            (
                format!("{partner}{partner}"),
                "numbers 1 and 2 describe the same partner",
            ),
            (partner.replace("https://", "http://"), "must begin with https://"),
            (
                "[[partner]]\necs_end_pt = { fqdn = \"b.example\" }\n".to_owned(),
                "names neither plmn_ids nor ecsp_ids",
            ),
            (partner.replace("ecsp_ids", "ecsps"), "`partner"),
            (partner.replace("\"001\"", "\"1\""), "`partner"),
        ] {
            let refusal = load(&format!("{FILE}{wrong}")).expect_err("refused");
            assert!(
                refusal.contains(why) && refusal.contains("`partner"),
                "{why}: {refusal}"
            );
        }
    }

    #[test]
    fn quotas_are_at_least_one() {
        let refusal = load(&format!("{FILE}[quotas]\nprovisioning_subscriptions = 0\n")).expect_err("refused");
        assert!(refusal.contains("`quotas.provisioning_subscriptions`"), "{refusal}");
        let config = load(&format!("{FILE}[quotas]\nprovisioning_subscriptions = 7\n")).expect("accepted");
        assert_eq!(config.quotas.provisioning_subscriptions.get(), 7);
    }

    #[test]
    fn refusals_name_key_and_remedy() {
        let refusal = |more: &str| load(&format!("{FILE}{more}")).expect_err("refused");
        assert!(refusal("[lifetimes]\nsubscription_default = 700000\n").contains("`lifetimes.subscription_default`"));
        let unknown = refusal("[lifetimes]\nees_max = 1\n");
        assert!(
            unknown.contains("key `lifetimes.ees_max` is unknown; remove it"),
            "{unknown}"
        );
        assert!(refusal("[selection]\nstrict_areas = 7\n").contains("`selection.strict_areas`"));
        assert!(
            load(&FILE.replace("listen = \"127.0.0.1:9306\"\n", ""))
                .expect_err("refused")
                .contains("`edge6.listen`")
        );
        assert!(
            load(&FILE.replace("redb", "sqlite"))
                .expect_err("refused")
                .contains("`store")
        );
    }

    #[cfg(not(feature = "etcd"))]
    #[test]
    fn etcd_is_refused_where_it_was_not_built_in() {
        let start = FILE.split("[store]").next().expect("text");
        let etcd = "[store]\nkind = \"etcd\"\nendpoints = [\"https://127.0.0.1:2379\"]\nnamespace = \"lab\"\n";
        let refusal = load(&format!("{start}{etcd}")).expect_err("refused");
        assert!(
            refusal.contains("key `store.kind`") && refusal.contains("--features etcd"),
            "{refusal}"
        );
    }
}
