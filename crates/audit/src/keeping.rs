//! What a server does with its evidence from its start to its end: one value that the assembly of each server holds.

use crate::{
    log::AuditLog,
    remembered,
    settings::{AuditError, AuditSettings},
    upload,
    watch::{self, ToTheLog},
};
use edgeapp_core::{
    clock::trust::Trust,
    consent::Consent,
    evidence::{Collector, Evidence, SecurityEvent, SecurityEventKind},
    store::Store,
};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The evidence of a running server.
pub struct Keeping {
    evidence: Arc<dyn Evidence>,
    log: Option<Arc<AuditLog>>,
    collector: Option<Arc<dyn Collector>>,
    /// What remembers the last checkpoint.
    state: Option<Arc<dyn Store>>,
    configuration: String,
}

impl Keeping {
    /// Evidence goes to `given`, if an embedder gave something; else to the audit log of these settings; else to the ordinary log.
    /// `fingerprint` is the SHA-256 of the settings in force: events of start and stop hold it.
    ///
    /// # Errors
    /// When the audit log cannot be opened.
    pub fn open(
        given: Option<Arc<dyn Evidence>>,
        settings: Option<&AuditSettings>,
        fingerprint: &str,
    ) -> Result<Self, AuditError> {
        let log = match (&given, settings) {
            (None, Some(settings)) => Some(Arc::new(settings.open()?)),
            _ => None,
        };
        let evidence: Arc<dyn Evidence> = match (given, &log) {
            (Some(given), _) => given,
            (None, Some(log)) => log.clone(),
            (None, None) => Arc::new(ToTheLog::default()),
        };
        Ok(Self {
            evidence,
            log,
            collector: None,
            state: None,
            configuration: format!("configuration sha256:{fingerprint}"),
        })
    }

    /// Records of the audit log are handed over to this collector.
    pub fn collector(mut self, collector: Option<Arc<dyn Collector>>) -> Self {
        self.collector = collector;
        self
    }

    /// Compares the end of the audit log with what this state remembers of it, tells what is missing, and has the state remember each
    /// checkpoint from now on.
    pub async fn remembered_by(mut self, state: Arc<dyn Store>) -> Self {
        if let Some(log) = &self.log {
            match remembered::missing(state.as_ref(), log).await {
                Ok(missing) => {
                    for what in missing {
                        tracing::error!("the audit log lacks records: {what}");
                        let event = SecurityEvent::new(SecurityEventKind::LogGap, what);
                        self.evidence.record(event.about("audit log"));
                    }
                }
                Err(error) => tracing::warn!(%error, "the end of the audit log cannot be compared with the state"),
            }
        }
        self.state = Some(state);
        self
    }

    /// Where events go.
    pub fn evidence(&self) -> Arc<dyn Evidence> {
        self.evidence.clone()
    }

    /// Tells that the server `name` starts.
    pub fn begin(&self, name: &'static str) {
        self.tell(SecurityEventKind::Start, name);
    }

    /// Tells that the state does not open because it is not what was written.
    pub fn state_is_corrupt(&self, reason: String) {
        let event = SecurityEvent::new(SecurityEventKind::StateCorrupt, reason);
        self.evidence.record(event.about("store"));
    }

    fn tell(&self, kind: SecurityEventKind, name: &'static str) {
        let event = SecurityEvent::new(kind, self.configuration.clone());
        self.evidence.record(event.about(name));
    }

    /// What goes on while the server runs: the clock is watched, withdrawals of consents are told of, records go to the collector.
    pub fn work(
        &self,
        consent: Arc<dyn Consent>,
        trust: Arc<Trust>,
        stop: CancellationToken,
    ) -> impl Future<Output = ()> + Send + use<> {
        let (evidence, log, collector) = (self.evidence.clone(), self.log.clone(), self.collector.clone());
        let remembered = self.log.clone().zip(self.state.clone());
        async move {
            let remember = async {
                if let Some((log, state)) = remembered {
                    remembered::remember(state, log).await;
                }
            };
            let upload = async {
                match log.zip(collector) {
                    Some((log, collector)) => upload::run(log, collector, stop).await,
                    None => stop.cancelled().await,
                }
            };
            tokio::join!(
                watch::clock(evidence.clone(), trust),
                watch::withdrawals(consent, evidence),
                remember,
                upload
            );
        }
    }

    /// Tells that the server `name` stops, closes the audit log and hands over the last records. Call it after [`Keeping::work`] ended.
    pub async fn end(self, name: &'static str) {
        self.tell(SecurityEventKind::Stop, name);
        let Some(log) = self.log else { return };
        let closing = log.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || closing.close()).await {
            tracing::error!(%error, "the audit log was not closed");
        }
        if let Some(state) = &self.state {
            remembered::last(state.as_ref(), &log).await;
        }
        if let Some(collector) = self.collector
            && !upload::last_words(&log, collector).await
        {
            tracing::warn!("the collector has not got the last audit records; they follow after the next start");
        }
    }
}
