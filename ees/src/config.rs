//! The configuration of an EES as its file is written. All of it is checked before a socket opens.

use crate::{
    capif::settings::ExposureSettings,
    ccf::settings::{CalledTrust, CoreSettings},
    easdf::settings::EasdfSettings,
};
use edgeapp_audit::settings::{AuditSettings, PrivacySettings};
use edgeapp_authz::{
    config::{AuthorizationConfig, Mode},
    consent::ConsentConfig,
};
use edgeapp_core::{
    authorizer::ReferencePoint,
    callback::{CallbackRule, OwnListeners},
    clock::Lifetimes,
    principal::Role,
};
use edgeapp_dot::settings::DnsSettings;
use edgeapp_ees_domain::{
    acr::decision::DecisionRules,
    common_eas::{Agreement, CommonEasPolicy},
    core_links::LinkPolicy,
    discovery::EmptyDiscovery,
    quotas::QuotaSettings,
    ue_identifier::{EdgeUeIdUse, IdentifierPolicy},
    ue_location::LocationPolicy,
};
use edgeapp_http::{
    assembly::{IdentityFiles, ListenAt},
    callbacks::CallbackSettings,
    limits::LimitSettings,
    settings::{self, SettingsError},
    tls::{CrlFiles, KeyFiles, TlsSettings},
};
use edgeapp_nef::NefSettings;
use edgeapp_openapi::{
    common::{ExternalGroupId, GroupId},
    ees_registration::{AcrScenario, EdnInfo},
    ids::{Dnai, Dnn, EesId, ProviderId},
    location::ServiceArea,
    service_provisioning::EesAuthMethod,
};
use edgeapp_store::StoreSettings;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// `ees.toml`. Relative paths start from the folder of the file; `EES__SECTION__KEY` in the environment overrides a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EesConfig {
    /// `ees_id`: EESID of this EES; its certificate says the same.
    pub ees_id: EesId,
    /// `provider`: the ECSP that runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderId>,
    /// `eec_registration_required`: EECs have to register before they discover or relocate; the ECS tells them so.
    #[serde(default = "yes")]
    pub eec_registration_required: bool,
    /// `scenarios`: the relocation scenarios it takes part in, in the standard's words.
    #[serde(default = "executable_scenarios")]
    pub scenarios: Vec<AcrScenario>,
    /// `empty_discovery`: the answer when no EAS fits.
    #[serde(default)]
    pub empty_discovery: EmptyDiscovery,
    /// `strict_service_area`: an EAS with a service area is left out when it is not known whether the UE is in it.
    #[serde(default)]
    pub strict_service_area: bool,
    /// `strict_eas_endpoints`: EASs are reached at DNS names of their certificates, and at no others and no plain addresses.
    #[serde(default)]
    pub strict_eas_endpoints: bool,
    /// `http1`: HTTP/1.1 is offered beside HTTP/2; without it the profile of TS 33.558 is strict.
    #[serde(default = "yes")]
    pub http1: bool,
    /// `auth_methods`: how EECs prove who they are, in the standard's words; `TLS_CLIENT_SERVER_CERTIFICATE` when not given, and nothing
    /// else is supported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_methods: Option<Vec<EesAuthMethod>>,
    /// `[identity]`: certificate and key, for serving and for calling.
    pub identity: IdentityFiles,
    /// `[trust]`: the roots of each role.
    pub trust: TrustFiles,
    /// `[crl]`: lists of revoked certificates of each role.
    #[serde(default, skip_serializing_if = "CrlFiles::is_empty")]
    pub crl: CrlFiles,
    /// `[tls]`: versions, ages of connections, reading files again.
    #[serde(default)]
    pub tls: TlsSettings,
    /// `[edge1]`: where EECs reach it; its `api_root` is the endpoint that the ECS tells EECs and other EESs.
    pub edge1: ListenAt,
    /// `[edge2]`: where the core network reports to; needed with `[nef]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edge2: Option<ListenAt>,
    /// `[edge3]`: where EASs reach it.
    pub edge3: ListenAt,
    /// `[edge9]`: where other EESs reach it. Without this section they are served by the listener of `[edge1]`, because an EES has one
    /// endpoint in the profile that the ECS hands out; with it, name the endpoint in `[[neighbour]]` of the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edge9: Option<ListenAt>,
    /// `[dns]`: EAS discovery by name, over DNS over TLS. Without this section it is not served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<DnsSettings>,
    /// `[easdf]`: the core network steers discovery by name. Needs `[dns]`; without this section it is not served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub easdf: Option<EasdfSettings>,
    /// `[operator]`: health, readiness, metrics, version.
    pub operator: ListenAt,
    /// `[store]`: where state is kept.
    pub store: StoreSettings,
    /// `[ecs]`: the ECS it registers with; without this section it stands alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ecs: Option<EcsConfig>,
    /// `[[neighbour]]`: where other EESs are reached over EDGE-9, when that is not the endpoint the ECS knows.
    #[serde(default, rename = "neighbour", skip_serializing_if = "Vec::is_empty")]
    pub neighbours: Vec<Neighbour>,
    /// `[edn]`: the edge data network it serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edn: Option<EdnConfig>,
    /// `[service_area]`: the area it serves, as a `ServiceArea` of the standard; without it everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_area: Option<ServiceArea>,
    /// `[lifetimes]`: how long things live.
    #[serde(default)]
    pub lifetimes: LifetimesConfig,
    /// `[relocation]`: time limits of relocations, what becomes of contexts.
    #[serde(default)]
    pub relocation: RelocationConfig,
    /// `[notifications]`: how subscribers are reached.
    #[serde(default)]
    pub notifications: NotificationsConfig,
    /// `[callbacks]`: where clients may have notifications sent to.
    #[serde(default)]
    pub callbacks: CallbackSettings,
    /// `[limits]`: how much callers may ask.
    #[serde(default)]
    pub limits: LimitSettings,
    /// `[quotas]`: how much one caller may keep.
    #[serde(default)]
    pub quotas: QuotaSettings,
    /// `[nef]`: the 3GPP core network behind it, by its northbound APIs. Without it, what needs the core network is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nef: Option<NefSettings>,
    /// `[core_network]`: how it works with the 3GPP core network.
    #[serde(default)]
    pub core_network: CoreNetworkConfig,
    /// `[common_eas]`: how EESs agree on the EAS that serves a whole group.
    #[serde(default)]
    pub common_eas: CommonEasConfig,
    /// `[consent]`: where it stands what users agreed to. Without it nobody agreed to anything, and what needs consent is refused.
    #[serde(default)]
    pub consent: ConsentConfig,
    /// `[privacy]`: how users and devices are named in logs.
    #[serde(default)]
    pub privacy: PrivacySettings,
    /// `[audit]`: the audit log. Without this section no file is written, and security events stand in the ordinary log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<AuditSettings>,
    /// `[authorization]`: who decides what a caller may use. Without it, the policies that an EES comes with: each role may use its
    /// reference point.
    #[serde(default)]
    pub authorization: AuthorizationConfig,
    /// `[capif]`: exposure of its APIs through CAPIF. Without this section there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capif: Option<CapifConfig>,
}

/// Exposure of APIs through CAPIF (TS 29.558 clause 10).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapifConfig {
    /// `embedded`: this process is a CAPIF core function as well, the one that `[capif.core]` describes.
    #[serde(default)]
    pub embedded: bool,
    /// `[capif.core]`: the embedded core function, as `[core]` of `ccf.toml`. It takes from the EES what that file has beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub core: Option<CoreSettings>,
    /// `[capif.exposure]`: the APIs of EDGE-3 are published at a core function, and used by whom it lets use them. Without it EDGE-3 knows
    /// nothing of CAPIF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposure: Option<ExposureSettings>,
}

const fn yes() -> bool {
    true
}

fn executable_scenarios() -> Vec<AcrScenario> {
    vec![
        AcrScenario::EecInitiated,
        AcrScenario::EecExecutedViaSourceEes,
        AcrScenario::EecExecutedViaTargetEes,
        AcrScenario::SourceEasDecided,
        AcrScenario::SourceEesExecuted,
        AcrScenario::EelManagedAcr,
    ]
}

/// PEM files with the roots of each role.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustFiles {
    /// `eec`: issuers of EECs.
    pub eec: PathBuf,
    /// `eas`: issuers of EASs.
    pub eas: PathBuf,
    /// `ees`: issuers of EESs.
    pub ees: PathBuf,
    /// `ecs`: issuers of ECSs.
    pub ecs: PathBuf,
    /// `operator`: issuers of operators.
    pub operator: PathBuf,
    /// `nef`: issuers of the NEF, which calls `[edge2]` and is called by `[nef]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nef: Option<PathBuf>,
    /// `smf`: issuers of SMFs, which call `[easdf]` and are told of DNS messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smf: Option<PathBuf>,
}

/// The ECS of this EES.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EcsConfig {
    /// `url`: `apiRoot` of its EDGE-6.
    pub url: String,
    /// `check_seconds`: how often the EES looks whether the ECS still knows it.
    #[serde(default = "check_seconds")]
    pub check_seconds: u32,
}

const fn check_seconds() -> u32 {
    5
}

/// Another EES.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Neighbour {
    /// `ees_id`: its EESID.
    pub ees_id: EesId,
    /// `url`: `apiRoot` of its EDGE-9.
    pub url: String,
}

/// The edge data network of this EES.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EdnConfig {
    /// `dnn`: its data network name.
    pub dnn: Dnn,
    /// `dnais`: where user plane traffic reaches it.
    #[serde(default)]
    pub dnais: Vec<Dnai>,
}

/// Lifetimes in seconds. A maximum of 0 means none, a default of 0 means for ever.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LifetimesConfig {
    /// `eec_registration_max`, one day when not given.
    pub eec_registration_max: u32,
    /// `eec_registration_default`, one hour when not given.
    pub eec_registration_default: u32,
    /// `eas_registration_max`, one day when not given.
    pub eas_registration_max: u32,
    /// `eas_registration_default`, one hour when not given.
    pub eas_registration_default: u32,
    /// `subscription_max`, one day when not given.
    pub subscription_max: u32,
    /// `subscription_default`, one hour when not given.
    pub subscription_default: u32,
    /// `spread_percent`: lives of a minute and more are shorter by up to so much, at random, so that what began together is not renewed
    /// together; 0 to 50, 5 when not given.
    pub spread_percent: u8,
}

impl Default for LifetimesConfig {
    fn default() -> Self {
        let (hour, day) = (3600, 86_400);
        Self {
            eec_registration_max: day,
            eec_registration_default: hour,
            eas_registration_max: day,
            eas_registration_default: hour,
            subscription_max: day,
            subscription_default: hour,
            spread_percent: 5,
        }
    }
}

fn lifetimes(max: u32, default: u32, spread_percent: u8) -> Lifetimes {
    let some = |seconds: u32| (seconds > 0).then_some(seconds);
    Lifetimes {
        max: some(max),
        default: some(default),
        spread_percent,
    }
}

impl LifetimesConfig {
    /// Of EEC registrations.
    pub fn eec(&self) -> Lifetimes {
        lifetimes(
            self.eec_registration_max,
            self.eec_registration_default,
            self.spread_percent,
        )
    }

    /// Of EAS registrations.
    pub fn eas(&self) -> Lifetimes {
        lifetimes(
            self.eas_registration_max,
            self.eas_registration_default,
            self.spread_percent,
        )
    }

    /// Of subscriptions.
    pub fn subscriptions(&self) -> Lifetimes {
        lifetimes(self.subscription_max, self.subscription_default, self.spread_percent)
    }
}

/// Time limits of relocations, and what becomes of contexts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RelocationConfig {
    /// `transfer_seconds`: how long EASs have to report a transfer, 30 when not given.
    pub transfer_seconds: u32,
    /// `remembered_seconds`: how long a completed relocation is remembered, 60 when not given.
    pub remembered_seconds: u32,
    /// `register_implicitly`: a context that another EES pushes registers its EEC here.
    pub register_implicitly: bool,
    /// `app_context_bytes`: how large an application context may be that waits here for its T-EAS, 1 MiB when not given. A store of the
    /// kind `etcd` takes no more than its members do in one request, 1.5 MiB unless they are told otherwise.
    pub app_context_bytes: u32,
    /// `stale_context_seconds`: how long a context without a registration is kept, 600 when not given.
    pub stale_context_seconds: u32,
    /// `[relocation.decisions]`: what the EES decides by itself.
    pub decisions: DecisionRules,
}

impl Default for RelocationConfig {
    fn default() -> Self {
        Self {
            transfer_seconds: 30,
            remembered_seconds: 60,
            register_implicitly: true,
            app_context_bytes: 1024 * 1024,
            stale_context_seconds: 600,
            decisions: DecisionRules::default(),
        }
    }
}

/// How subscribers are reached.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NotificationsConfig {
    /// `allow_callbacks_to_private_addresses`: callbacks may lead to loopback, private and link-local addresses. For laboratories: with
    /// this a client can make the EES send requests into the operator's own network.
    pub allow_callbacks_to_private_addresses: bool,
    /// `timeout_seconds`: how long one attempt may take, 5 when not given.
    pub timeout_seconds: u32,
    /// `longest_retry_seconds`: longest pause between attempts, 60 when not given.
    pub longest_retry_seconds: u32,
    /// `backlog_per_subscription`: how many notifications wait for one subscriber that is away, 1000 when not given; the oldest give way
    /// to further ones.
    pub backlog_per_subscription: u32,
}

impl Default for NotificationsConfig {
    fn default() -> Self {
        Self {
            allow_callbacks_to_private_addresses: false,
            timeout_seconds: 5,
            longest_retry_seconds: 60,
            backlog_per_subscription: 1000,
        }
    }
}

/// How the EES works with the 3GPP core network.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CoreNetworkConfig {
    /// `watch_seconds`: location watches are asked for so long at a time, and renewed while they are needed; one hour when not given.
    pub watch_seconds: u32,
    /// `upkeep_seconds`: how often what runs at the core network is compared with what is needed; 10 when not given.
    pub upkeep_seconds: u32,
    /// `fresh_location_seconds`: a location reported so long ago at most answers a fetch; 10 when not given.
    pub fresh_location_seconds: u32,
    /// `edge_ue_ids`: when the EES makes up identifiers of its own: `when_the_core_gives_none`, `always` or `never`.
    pub edge_ue_ids: EdgeUeIdUse,
    /// `edge_ue_id_seconds`: how long one lives, a day when not given.
    pub edge_ue_id_seconds: u32,
    /// `eas_answer_seconds`: how long an EAS has to say whether a path may change, for which the core network waits; 2 when not given.
    pub eas_answer_seconds: u32,
    /// `eec_trigger_port`: the port at which EECs listen for device triggers; EECs may ask to be woken up when it is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eec_trigger_port: Option<u16>,
    /// `[core_network.groups]`: the external group that stands for each internal one.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<GroupId, ExternalGroupId>,
}

impl Default for CoreNetworkConfig {
    fn default() -> Self {
        let (links, identifiers) = (LinkPolicy::default(), IdentifierPolicy::default());
        Self {
            watch_seconds: links.watch_seconds,
            upkeep_seconds: links.upkeep_seconds,
            fresh_location_seconds: 10,
            edge_ue_ids: identifiers.edge_ue_ids,
            edge_ue_id_seconds: identifiers.edge_ue_id_seconds,
            eas_answer_seconds: 2,
            eec_trigger_port: None,
            groups: BTreeMap::new(),
        }
    }
}

impl CoreNetworkConfig {
    /// How links are looked after.
    pub fn links(&self) -> LinkPolicy {
        LinkPolicy {
            watch_seconds: self.watch_seconds,
            upkeep_seconds: self.upkeep_seconds,
        }
    }

    /// What is decided about identifiers.
    pub fn identifiers(&self) -> IdentifierPolicy {
        IdentifierPolicy {
            edge_ue_ids: self.edge_ue_ids,
            edge_ue_id_seconds: self.edge_ue_id_seconds,
        }
    }

    /// What is decided about locations.
    pub fn locations(&self) -> LocationPolicy {
        LocationPolicy {
            fresh_seconds: self.fresh_location_seconds,
            groups: self.groups.clone(),
        }
    }
}

/// How EESs agree on the EAS that serves a whole group of UEs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CommonEasConfig {
    /// `agreed_by`: `repository` lets the ECS keep the choice of who was first, `announcement` has each EES tell its neighbours and
    /// those that the EEC or the ECS names. The repository when there is an `[ecs]` and nothing else is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreed_by: Option<AgreedBy>,
    /// `one_per`: a common EAS serves the whole `group`, or in each `edge_data_network` another one. The latter needs the repository.
    pub one_per: OnePer,
    /// `remembered_seconds`: how long what others told is remembered, one hour when not given. What this EES chose is announced twice as
    /// often, for as long as the EAS is registered.
    pub remembered_seconds: u32,
    /// `other_api_names`: names of common EAS announcement in other levels of the standard under which it is served as well:
    /// `eees-ceas` (later) and `eees-common-eas` (earlier). The later one when not given.
    pub other_api_names: Vec<OtherApiName>,
}

/// Who keeps the choice of a common EAS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgreedBy {
    /// The ECS, by Eecs_EASInfoManagement.
    Repository,
    /// The EESs among themselves, by Eees_CommonEASAnnouncement.
    Announcement,
}

/// What a common EAS is the one of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnePer {
    /// The whole group.
    #[default]
    Group,
    /// Those of the group that are served in one edge data network; the EASs keep each other in step.
    EdgeDataNetwork,
}

/// A name of common EAS announcement in another level of the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OtherApiName {
    /// The later one.
    #[serde(rename = "eees-ceas")]
    Ceas,
    /// The earlier one.
    #[serde(rename = "eees-common-eas")]
    CommonEas,
}

impl OtherApiName {
    /// The name as it stands in paths.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ceas => "eees-ceas",
            Self::CommonEas => "eees-common-eas",
        }
    }
}

impl Default for CommonEasConfig {
    fn default() -> Self {
        Self {
            agreed_by: None,
            one_per: OnePer::default(),
            remembered_seconds: CommonEasPolicy::default().remembered_seconds,
            other_api_names: vec![OtherApiName::Ceas],
        }
    }
}

impl EesConfig {
    /// Reads a file and checks it.
    ///
    /// # Errors
    /// Names file, key and remedy.
    pub fn read(file: &Path) -> Result<Self, SettingsError> {
        let mut config: Self = settings::read(file, "EES")?;
        let folder = settings::folder_of(file);
        config.identity.resolve(&folder);
        let TrustFiles {
            eec,
            eas,
            ees,
            ecs,
            operator,
            nef,
            smf,
        } = &mut config.trust;
        for path in [eec, eas, ees, ecs, operator].into_iter().chain(nef).chain(smf) {
            *path = folder.join(&*path);
        }
        config.crl.resolve(&folder);
        config.store.resolve(&folder);
        if let Some(nef) = &mut config.nef {
            nef.resolve(&folder);
        }
        config.consent.resolve(&folder);
        if let Some(dns) = &mut config.dns {
            dns.resolve(&folder);
        }
        if let Some(easdf) = &mut config.easdf {
            easdf.resolve(&folder);
        }
        config.privacy.resolve(&folder);
        if let Some(audit) = &mut config.audit {
            audit.resolve(&folder);
        }
        config.authorization.resolve(&folder);
        if let Some(core) = config.capif.as_mut().and_then(|capif| capif.core.as_mut()) {
            core.resolve(&folder);
        }
        if let Some(exposure) = config.capif.as_mut().and_then(|capif| capif.exposure.as_mut()) {
            exposure.resolve(&folder);
        }
        SettingsError::all(config.wrong(file))?;
        Ok(config)
    }

    /// The files of its certificates.
    pub fn key_files(&self) -> KeyFiles {
        let TrustFiles {
            eec,
            eas,
            ees,
            ecs,
            operator,
            nef,
            smf,
        } = &self.trust;
        let trust = [
            (Role::Eec, Some(eec)),
            (Role::Eas, Some(eas)),
            (Role::Ees, Some(ees)),
            (Role::Ecs, Some(ecs)),
            (Role::Operator, Some(operator)),
            (Role::Nef, nef.as_ref()),
            (Role::Ccf, self.exposure().map(|to| &to.roots)),
            (Role::Eas, self.exposure().and_then(|to| to.invoker_roots.as_ref())),
            (Role::Smf, smf.as_ref()),
        ];
        KeyFiles {
            identity: self.identity.clone(),
            role: Role::Ees,
            id: self.ees_id.to_string(),
            trust: trust
                .into_iter()
                .filter_map(|(role, path)| Some((role, path?.clone())))
                .collect(),
            crl: self.crl.clone(),
            settings: self.tls,
        }
    }

    /// What is allowed and yet looks like something that was forgotten, a line for each.
    pub fn hints(&self) -> Vec<String> {
        let mut hints = Vec::new();
        if self.edge9.is_some() && self.neighbours.is_empty() {
            hints.push(
                "key `neighbour`: [edge9] has an address of its own, and there is no [[neighbour]]: the ECS tells the endpoint of [edge1] \
                alone, where EESs with an [edge9] of their own serve no other EES; write [[neighbour]] with ees_id and url of EDGE-9 for \
                each of the others, and this one into theirs"
                    .to_owned(),
            );
        }
        hints
    }

    /// Where EDGE-3 is exposed through CAPIF, if it is.
    pub fn exposure(&self) -> Option<&ExposureSettings> {
        self.capif.as_ref()?.exposure.as_ref()
    }

    /// How common EASs are agreed on.
    pub fn common_eas(&self) -> CommonEasPolicy {
        let edn = self.edn.as_ref().map(|edn| EdnInfo {
            dnn: edn.dnn.clone(),
            dnais: edn.dnais.clone(),
        });
        CommonEasPolicy {
            agreement: match self.agreed_by() {
                AgreedBy::Repository => {
                    Agreement::Repository(edn.filter(|_| self.common_eas.one_per == OnePer::EdgeDataNetwork))
                }
                AgreedBy::Announcement => Agreement::Announcement,
            },
            remembered_seconds: self.common_eas.remembered_seconds,
            neighbours: self
                .neighbours
                .iter()
                .map(|neighbour| neighbour.ees_id.clone())
                .collect(),
        }
    }

    /// Where clients may have notifications sent to, by a server that listens at `own`.
    pub fn callback_rule(&self, own: &OwnListeners) -> CallbackRule {
        let private = self.notifications.allow_callbacks_to_private_addresses;
        self.callbacks.rule(private, own)
    }

    /// The core function that runs in this process, if one does.
    pub fn embedded_core(&self) -> Option<&CoreSettings> {
        let capif = self.capif.as_ref().filter(|capif| capif.embedded);
        capif.and_then(|capif| capif.core.as_ref())
    }

    /// The issuers of the servers that an embedded core function calls, where its settings name none.
    pub fn called_by_core(&self) -> CalledTrust {
        CalledTrust {
            eas: self.trust.eas.clone(),
            ees: self.trust.ees.clone(),
        }
    }

    fn agreed_by(&self) -> AgreedBy {
        let usual = match self.ecs {
            Some(_) => AgreedBy::Repository,
            None => AgreedBy::Announcement,
        };
        self.common_eas.agreed_by.unwrap_or(usual)
    }

    fn wrong(&self, file: &Path) -> Vec<SettingsError> {
        let mut wrong = Vec::new();
        let mut refuse = |key: &str, reason: &str| wrong.push(SettingsError::of_key(file, key, reason));
        let easdf = self.easdf.as_ref().map(EasdfSettings::listen_at);
        for (key, at) in [
            ("edge1.api_root", Some(&self.edge1)),
            ("edge2.api_root", self.edge2.as_ref()),
            ("edge3.api_root", Some(&self.edge3)),
            ("edge9.api_root", self.edge9.as_ref()),
            ("easdf.api_root", easdf.as_ref()),
        ] {
            let root = at.and_then(|at| at.api_root.as_deref());
            if root.is_some_and(|root| !root.starts_with("https://")) {
                refuse(key, "must begin with https://");
            }
        }
        let core = self.embedded_core().map(CoreSettings::listen_at);
        let listeners = [
            ("edge1", Some(&self.edge1)),
            ("edge2", self.edge2.as_ref()),
            ("edge3", Some(&self.edge3)),
            ("edge9", self.edge9.as_ref()),
            ("easdf", easdf.as_ref()),
            ("operator", Some(&self.operator)),
            ("capif.core", core.as_ref()),
        ];
        let listeners: Vec<_> = listeners
            .into_iter()
            .filter_map(|(name, at)| Some((name, at?)))
            .collect();
        for (key, reason) in ListenAt::collisions(&listeners) {
            refuse(&key, &reason);
        }
        for (key, reason) in self.authorization.wrong() {
            refuse(&format!("authorization.{key}"), &reason);
        }
        for (key, reason) in self.exposure().into_iter().flat_map(ExposureSettings::wrong) {
            refuse(key, &reason);
        }
        let of_ecs = self.authorization.token_points().contains(&ReferencePoint::Edge3);
        if of_ecs && self.exposure().is_some() {
            refuse(
                "authorization.reference_points",
                "names edge3, where tokens of the CAPIF core function are shown because of [capif.exposure]; a request has one token: leave \
                one of the two out",
            );
        }
        if self.authorization.mode == Mode::Token && self.ecs.is_none() {
            refuse(
                "authorization.mode",
                "is token, which needs an [ecs]: it issues the tokens and says which it revoked",
            );
        }
        if self.ecs.as_ref().is_some_and(|ecs| !ecs.url.starts_with("https://")) {
            refuse(
                "ecs.url",
                "must be the https apiRoot of the ECS's EDGE-6, such as https://ecs.example:9306",
            );
        }
        for neighbour in self
            .neighbours
            .iter()
            .filter(|neighbour| !neighbour.url.starts_with("https://"))
        {
            refuse(
                "neighbour.url",
                &format!("of {} must begin with https://", neighbour.ees_id),
            );
        }
        let unknown = self
            .scenarios
            .iter()
            .find(|scenario| matches!(scenario, AcrScenario::Other(_)));
        if let Some(unknown) = unknown {
            let known: Vec<&str> = AcrScenario::KNOWN.iter().map(AcrScenario::as_str).collect();
            refuse(
                "scenarios",
                &format!("{unknown} is no scenario; use some of {}", known.join(", ")),
            );
        }
        let methods = self.auth_methods.iter().flatten();
        for method in methods.filter(|method| **method != EesAuthMethod::TlsClientServerCertificate) {
            refuse(
                "auth_methods",
                &format!(
                    "{method} is not supported: TLS with keys from AKMA or GBA needs external pre-shared keys, which the TLS library \
                    (rustls) does not have; remove it, EECs prove who they are by certificates"
                ),
            );
        }
        for (key, reason) in self.tls.wrong() {
            refuse(key, reason);
        }
        if self.relocation.app_context_bytes == 0 {
            refuse("relocation.app_context_bytes", "must be at least 1");
        }
        for (key, reason) in self.relocation.decisions.wrong(self.relocation.transfer_seconds) {
            refuse(key, reason);
        }
        if let Some(nef) = &self.nef {
            if let Err(error) = nef.check() {
                refuse("nef", &error.to_string());
            }
            if self.edge2.is_none() {
                refuse(
                    "edge2.listen",
                    "is needed with [nef]: the address to which the NEF reports",
                );
            }
        }
        if self.edge2.is_some() && self.trust.nef.is_none() {
            refuse(
                "trust.nef",
                "is needed with [edge2]: the roots that certificates of the NEF lead to",
            );
        }
        for (key, reason) in self.limits.wrong() {
            refuse(&key, reason);
        }
        for (key, reason) in self.dns.iter().flat_map(DnsSettings::wrong) {
            refuse(key, &reason);
        }
        for (key, reason) in self.easdf.iter().flat_map(|easdf| easdf.wrong(self.dns.as_ref())) {
            refuse(key, &reason);
        }
        if self.easdf.is_some() && self.trust.smf.is_none() {
            refuse(
                "trust.smf",
                "is needed with [easdf]: the roots that certificates of SMFs lead to",
            );
        }
        for (key, reason) in self.callbacks.wrong() {
            refuse(key, &reason);
        }
        if let Some(conflict) = self.consent.conflict() {
            refuse("consent", conflict);
        }
        for (key, reason) in self.audit.iter().flat_map(AuditSettings::conflicts) {
            refuse(key, reason);
        }
        if self.agreed_by() == AgreedBy::Repository && self.ecs.is_none() {
            refuse("common_eas.agreed_by", "is repository, and no [ecs] says where that is");
        }
        if self.common_eas.one_per == OnePer::EdgeDataNetwork
            && (self.agreed_by() == AgreedBy::Announcement || self.edn.is_none())
        {
            refuse(
                "common_eas.one_per",
                "is edge_data_network, which needs [edn] and agreed_by = \"repository\": announcements name no network",
            );
        }
        if self.common_eas.remembered_seconds < 2 {
            refuse("common_eas.remembered_seconds", "must be at least 2");
        }
        if self
            .capif
            .as_ref()
            .is_some_and(|capif| capif.embedded && capif.core.is_none())
        {
            refuse(
                "capif.core",
                "is needed with embedded = true: it describes the core function that this process is as well",
            );
        }
        for (key, reason) in self
            .capif
            .iter()
            .flat_map(|capif| &capif.core)
            .flat_map(CoreSettings::wrong)
        {
            refuse(&format!("capif.core.{key}"), &reason);
        }
        if self.lifetimes.spread_percent > 50 {
            refuse("lifetimes.spread_percent", "must be 0 to 50");
        }
        if let Err(error) = self.store.check() {
            refuse("store", &error.to_string());
        }
        wrong
    }
}
