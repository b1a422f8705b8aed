//! What operators see of a core function: who is known to it, what is published, and what went wrong lately.

use crate::{
    caller::{INVOKERS, Invoker},
    core_function::CoreFunction,
    events::SUBSCRIPTIONS,
    provider::{DOMAINS, Domain},
    security::{CONTEXTS, Context, grants},
};
use edgeapp_core::{
    error::{Cause, Error},
    kept::Kept,
    outbox::{DEAD, LANE},
    store::Span,
};
use edgeapp_openapi::{
    capif::{ApiInvokerId, DomainId, FunctionId, provider_management::ApiProviderFuncRole},
    common::DateTime,
    ids::EasId,
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, PoisonError},
};

/// How many failures are remembered.
const REMEMBERED: usize = 50;
/// How many domains and invokers are listed; the counts are of all.
const LISTED: usize = 1000;

/// What operators see.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// `ccfId`: the identifier of the core function.
    pub ccf_id: String,
    /// `counts`: how many there are of each.
    pub counts: Counts,
    /// `domains`: provider domains, 1,000 at most.
    pub domains: Vec<DomainStatus>,
    /// `apis`: how many published APIs there are of each name.
    pub apis: BTreeMap<String, usize>,
    /// `invokers`: API invokers, 1,000 at most.
    pub invokers: Vec<InvokerStatus>,
    /// `failures`: what went wrong since the start, the last 50.
    pub failures: Vec<Failure>,
}

/// How many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// `domains`: provider domains.
    pub domains: usize,
    /// `apis`: published APIs.
    pub apis: usize,
    /// `invokers`: API invokers.
    pub invokers: usize,
    /// `securityContexts`: security contexts.
    pub security_contexts: usize,
    /// `eventSubscriptions`: event subscriptions.
    pub event_subscriptions: usize,
    /// `notificationsWaiting`: notifications that are under way, or tried again.
    pub notifications_waiting: usize,
    /// `notificationsGivenUp`: notifications that nobody took.
    pub notifications_given_up: usize,
}

/// A provider domain.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DomainStatus {
    /// `id`: its identifier.
    pub id: DomainId,
    /// `info`: what its provider says of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub info: Option<String>,
    /// `functions`: its functions.
    pub functions: Vec<FunctionStatus>,
}

/// A function of a provider.
#[derive(Clone, Debug, Serialize)]
pub struct FunctionStatus {
    /// `id`: its identifier.
    pub id: FunctionId,
    /// `role`: what it does.
    pub role: ApiProviderFuncRole,
    /// `apis`: how many APIs it published, or exposes.
    pub apis: usize,
}

/// An API invoker.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InvokerStatus {
    /// `id`: its identifier.
    pub id: ApiInvokerId,
    /// `easId`: the application that it is of.
    pub eas_id: EasId,
    /// `until`: when its enrolment ends, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime>,
    /// `mayCall`: the APIs that its security context lets it call, by exposing function.
    pub may_call: BTreeMap<String, Vec<String>>,
}

/// Something that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// `at`: when.
    pub at: DateTime,
    /// `what`: `onboarding`, `registration` or `token`.
    pub what: &'static str,
    /// `why`: the reason, as it was told.
    pub why: String,
}

/// The last failures.
#[derive(Debug, Default)]
pub struct Failures(Mutex<VecDeque<Failure>>);

impl Failures {
    /// Takes note of one.
    pub(crate) fn note(&self, what: &'static str, why: &str, at: DateTime) {
        metrics::counter!("edgeapp_capif_total", "what" => what, "outcome" => "refused").increment(1);
        let why = why.chars().take(300).collect();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= REMEMBERED {
            kept.pop_front();
        }
        kept.push_back(Failure { at, what, why });
    }

    /// All of them, the oldest first.
    pub fn all(&self) -> Vec<Failure> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().cloned().collect()
    }
}

impl CoreFunction {
    /// Counts something that was granted.
    pub(crate) fn done(&self, what: &'static str) {
        metrics::counter!("edgeapp_capif_total", "what" => what, "outcome" => "granted").increment(1);
    }

    /// Takes note of something that was refused.
    pub(crate) fn failed(&self, what: &'static str, error: &Error) {
        // That another request was faster, or the store away, is no refusal of this one.
        if error.cause != Cause::SystemFailure {
            self.failures().note(what, &error.detail, self.room().now());
        }
    }

    async fn count(&self, prefix: &str) -> Result<usize, Error> {
        Ok(self.room().store().range(Span::prefix(prefix)).await?.entries.len())
    }

    /// What operators see.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn status(&self) -> Result<Status, Error> {
        let now = self.room().now();
        let catalogue = self.catalogue().all();
        let mut apis: BTreeMap<String, usize> = BTreeMap::new();
        for api in &catalogue {
            *apis.entry(api.description.api_name.clone()).or_default() += 1;
        }
        let store = self.room().store();
        let domains = store.range(Span::prefix(DOMAINS)).await?.entries;
        let listed = domains.iter().take(LISTED).map(Kept::<Domain>::from_entry);
        let of_function = |id: &FunctionId, role: &ApiProviderFuncRole| match role {
            ApiProviderFuncRole::Apf => catalogue.iter().filter(|api| api.apf_id == *id).count(),
            ApiProviderFuncRole::Aef => self.catalogue().of_aef(id.as_str()).len(),
            _ => 0,
        };
        let listed = listed.map(|kept| {
            let domain = kept?.value;
            let functions = domain.details.api_prov_funcs.iter();
            Ok(DomainStatus {
                id: domain.id.clone(),
                info: domain.details.api_prov_dom_info.clone(),
                functions: functions
                    .filter_map(|function| {
                        let (id, role) = (function.api_prov_func_id.clone()?, function.api_prov_func_role.clone());
                        let apis = of_function(&id, &role);
                        Some(FunctionStatus { id, role, apis })
                    })
                    .collect(),
            })
        });
        let listed: Vec<DomainStatus> = listed.collect::<Result<_, Error>>()?;
        let mut invokers = Vec::new();
        let mut count = 0;
        for entry in store.range(Span::prefix(INVOKERS)).await?.entries {
            let kept: Kept<Invoker> = Kept::from_entry(&entry)?;
            if !kept.is_live(now) {
                continue;
            }
            count += 1;
            if invokers.len() >= LISTED {
                continue;
            }
            let mut may_call: BTreeMap<String, Vec<String>> = BTreeMap::new();
            if let Some(context) = self.context(&kept.value.id).await? {
                let context: Context = context.value;
                for grant in grants(&context, &self.apis_meant(&context.security)) {
                    may_call.entry(grant.aef_id).or_default().push(grant.api_name);
                }
            }
            invokers.push(InvokerStatus {
                id: kept.value.id,
                eas_id: kept.value.eas_id,
                until: kept.expires_at,
                may_call,
            });
        }
        Ok(Status {
            ccf_id: self.rules().ccf_id.clone(),
            counts: Counts {
                domains: domains.len(),
                apis: catalogue.len(),
                invokers: count,
                security_contexts: self.count(CONTEXTS).await?,
                event_subscriptions: self.count(SUBSCRIPTIONS).await?,
                notifications_waiting: self.count(LANE).await?,
                notifications_given_up: self.count(DEAD).await?,
            },
            domains: listed,
            apis,
            invokers,
            failures: self.failures().all(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_failures_are_remembered() {
        let failures = Failures::default();
        let at = "2026-01-01T00:00:00Z".parse().expect("an instant");
        for number in 0..=REMEMBERED {
            failures.note("token", &format!("{number}"), at);
        }
        let all = failures.all();
        assert_eq!((all.len(), all[0].why.as_str()), (REMEMBERED, "1"));
    }
}
