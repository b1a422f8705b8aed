//! Invocation logs (TS 29.222 clauses 5.8 and 5.9): exposing functions write them, management functions of the same domain read them.

use crate::{
    caller::{Function, Proof, function_key},
    core_function::CoreFunction,
    events::{About, Event},
};
use edgeapp_core::{
    error::{Cause, Error},
    kept::Kept,
    room::{Decision, contended, fresh_id},
    store::{Key, Span},
};
use edgeapp_openapi::{
    capif::{
        ApiInvokerId, FunctionId,
        auditing::{AuditQuery, InvocationLogs, InvocationLogsRetrieveRes},
        events::{CapifEvent, CapifEventDetail},
        features,
        logging::{InvocationLog, Log},
        provider_management::ApiProviderFuncRole,
    },
    common::{DateTime, MAX_ITEMS},
};
use jiff::SignedDuration;
use std::collections::BTreeMap;

/// Keys of logs: `capif/log/<aefId>/<logId>`.
pub const LOGS: &str = "capif/log/";

fn folder(aef_id: &str) -> String {
    format!("{LOGS}{}/", Key::part(aef_id))
}

/// Pure: the events of a log: one of what succeeded, one of what did not.
fn events_of(log: &InvocationLog) -> Vec<Event> {
    let (good, bad): (Vec<Log>, Vec<Log>) = log.logs.iter().cloned().partition(Log::is_success);
    let told = [
        (CapifEvent::ServiceApiInvocationSuccess, good),
        (CapifEvent::ServiceApiInvocationFailure, bad),
    ];
    told.into_iter()
        .filter(|(_, logs)| !logs.is_empty())
        .map(|(event, logs)| {
            let about = About {
                api_ids: logs.iter().map(|log| log.api_id.clone()).collect(),
                api_invoker_ids: vec![log.api_invoker_id.clone()],
                aef_ids: vec![log.aef_id.clone()],
            };
            let detail = CapifEventDetail {
                invocation_logs: vec![InvocationLog { logs, ..log.clone() }],
                ..CapifEventDetail::default()
            };
            Event::told(event, detail, about)
        })
        .collect()
}

fn is_wanted(log: &Log, query: &AuditQuery) -> bool {
    fn is<T: PartialEq>(wanted: Option<&T>, is: &T) -> bool {
        wanted.is_none_or(|wanted| wanted == is)
    }
    let at = |wanted: &edgeapp_openapi::capif::publish_service::InterfaceDescription,
              is: Option<&edgeapp_openapi::capif::publish_service::InterfaceDescription>| {
        is.is_some_and(|is| is.is_at(wanted))
    };
    is(query.api_id.as_ref(), &log.api_id)
        && is(query.api_name.as_ref(), &log.api_name)
        && is(query.api_version.as_ref(), &log.api_version)
        && is(query.protocol.as_ref(), &log.protocol)
        && query
            .operation
            .as_ref()
            .is_none_or(|wanted| log.operation.as_ref() == Some(wanted))
        && is(query.result.as_ref(), &log.result)
        && is(query.resource_name.as_ref(), &log.resource_name)
        && query
            .time_range_start
            .is_none_or(|start| log.invocation_time.is_some_and(|at| start <= at))
        && query
            .time_range_end
            .is_none_or(|end| log.invocation_time.is_some_and(|at| at <= end))
        && query
            .src_interface
            .as_ref()
            .is_none_or(|wanted| at(wanted, log.src_interface.as_ref()))
        && query
            .dest_interface
            .as_ref()
            .is_none_or(|wanted| at(wanted, log.dest_interface.as_ref()))
}

/// Pure: what a query finds in these logs, one entry per exposing function and invoker, oldest invocations first; `None` when nothing fits.
///
/// # Errors
/// When more fits than one answer can hold.
pub fn found(
    logs: impl IntoIterator<Item = InvocationLog>,
    query: &AuditQuery,
) -> Result<Option<InvocationLogsRetrieveRes>, Error> {
    let mut by_pair: BTreeMap<(FunctionId, ApiInvokerId), Vec<Log>> = BTreeMap::new();
    let mut many = 0;
    for log in logs {
        if query
            .api_invoker_id
            .as_ref()
            .is_some_and(|wanted| *wanted != log.api_invoker_id)
        {
            continue;
        }
        let wanted: Vec<Log> = log.logs.into_iter().filter(|log| is_wanted(log, query)).collect();
        many += wanted.len();
        if many > MAX_ITEMS {
            return Err(Error::invalid(
                Cause::OptionalQueryParamIncorrect,
                "time-range-start",
                format!("more than {MAX_ITEMS} invocations fit: ask for a shorter time, one invoker or one API"),
            ));
        }
        if !wanted.is_empty() {
            by_pair
                .entry((log.aef_id, log.api_invoker_id))
                .or_default()
                .extend(wanted);
        }
    }
    let supported_features = query.supported_features.map(|offered| features::NONE.common(&offered));
    let mut entries: Vec<InvocationLog> = by_pair
        .into_iter()
        .map(|((aef_id, api_invoker_id), mut logs)| {
            logs.sort_by_key(|log| log.invocation_time);
            InvocationLog {
                aef_id,
                api_invoker_id,
                logs,
                supported_features: None,
            }
        })
        .collect();
    Ok(match entries.len() {
        0 => None,
        1 => entries.pop().map(|one| {
            InvocationLogsRetrieveRes::One(InvocationLog {
                supported_features,
                ..one
            })
        }),
        _ => Some(InvocationLogsRetrieveRes::Several(InvocationLogs {
            multiple_invocation_logs: entries,
            supported_features,
        })),
    })
}

impl CoreFunction {
    /// Keeps a log of an exposing function.
    ///
    /// # Errors
    /// When the caller is not that exposing function, or the log is that of another one.
    pub async fn keep_log(
        &self,
        proof: &Proof<'_>,
        aef_id: &FunctionId,
        mut log: InvocationLog,
    ) -> Result<(String, InvocationLog), Error> {
        let aef = self.function(proof, &ApiProviderFuncRole::Aef).await?;
        if aef.id != *aef_id {
            return Err(Error::not_yours("aefId", "AEF identifier"));
        }
        if log.aef_id != aef.id {
            return Err(Error::mandatory_incorrect("/aefId", "is not the AEF of the path"));
        }
        log.supported_features = log.supported_features.map(|offered| features::NONE.common(&offered));
        let id = fresh_id();
        let key = Key::from(format!("{}{id}", folder(aef.id.as_str())));
        let mut seen = self.room().look();
        let retention = SignedDuration::from_secs(i64::from(self.rules().log_retention));
        let until = DateTime(seen.now().0 + retention);
        seen.fresh(&key);
        let mut decision = Decision::of(()).put(&key, &Kept::new(proof.principal, Some(until), log.clone()))?;
        for event in events_of(&log) {
            decision = decision.tell(&event)?;
        }
        self.room().commit(seen, decision).await?.ok_or_else(contended)?;
        Ok((id, log))
    }

    /// The invocations that a management function looks for, at the exposing functions of its domain.
    ///
    /// # Errors
    /// When the caller is no management function, asks for another domain's, or for more than one answer can hold; when nothing fits.
    pub async fn audit(&self, proof: &Proof<'_>, query: &AuditQuery) -> Result<InvocationLogsRetrieveRes, Error> {
        let amf = self.function(proof, &ApiProviderFuncRole::Amf).await?;
        let mut seen = self.room().look();
        let domain = self.domain(&mut seen, &amf.registration).await?;
        let mut logs = Vec::new();
        for id in &domain.functions {
            let kept: Option<Kept<Function>> = seen.kept(&function_key(id.as_str())).await?;
            let exposes = kept.is_some_and(|kept| kept.value.role == ApiProviderFuncRole::Aef);
            if !exposes || query.aef_id.as_ref().is_some_and(|wanted| wanted != id) {
                continue;
            }
            for entry in self
                .room()
                .store()
                .range(Span::prefix(folder(id.as_str())))
                .await?
                .entries
            {
                let kept: Kept<InvocationLog> = Kept::from_entry(&entry)?;
                if kept.is_live(seen.now()) {
                    logs.push(kept.value);
                }
            }
        }
        // An empty list is not allowed by the schemas.
        found(logs, query)?.ok_or_else(|| Error::not_found("invocation at an AEF of the caller's domain"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgeapp_openapi::query::Parameters;

    fn log(aef: &str, invoker: &str, results: &[&str]) -> InvocationLog {
        let logs = results.iter().map(|result| {
            format!(
                r#"{{"apiId": "1", "apiName": "a", "apiVersion": "v1", "resourceName": "r", "protocol": "HTTP_2",
                    "operation": "POST", "result": "{result}", "invocationTime": "2026-01-01T00:00:0{}Z"}}"#,
                result.len()
            )
        });
        let logs = logs.collect::<Vec<_>>().join(",");
        serde_json::from_str(&format!(
            r#"{{"aefId": "{aef}", "apiInvokerId": "{invoker}", "logs": [{logs}]}}"#
        ))
        .expect("a log")
    }

    fn query(pairs: &[(&str, &str)]) -> AuditQuery {
        AuditQuery::parse(&Parameters::new(pairs.iter().copied())).expect("a query")
    }

    #[test]
    fn what_succeeded_and_what_did_not_are_told_apart() {
        assert_eq!(events_of(&log("A", "I", &["200", "404", "201"])).len(), 2);
        assert_eq!(events_of(&log("A", "I", &["200"])).len(), 1);
    }

    #[test]
    fn logs_are_gathered_by_invoker_and_exposing_function() {
        let logs = || {
            vec![
                log("A", "I", &["200"]),
                log("A", "I", &["404"]),
                log("A", "J", &["200"]),
            ]
        };
        let several = found(logs(), &query(&[])).expect("found");
        assert!(
            matches!(several, Some(InvocationLogsRetrieveRes::Several(all)) if all.multiple_invocation_logs.len() == 2)
        );
        let one = found(logs(), &query(&[("api-invoker-id", "I")])).expect("found");
        assert!(matches!(one, Some(InvocationLogsRetrieveRes::One(one)) if one.logs.len() == 2));
        for nothing in [
            ("result", "500"),
            ("operation", "GET"),
            ("time-range-start", "2027-01-01T00:00:00Z"),
        ] {
            assert_eq!(found(logs(), &query(&[nothing])), Ok(None), "{nothing:?}");
        }
        let many = (0..=MAX_ITEMS).map(|_| log("A", "I", &["200"]));
        assert!(found(many, &query(&[])).is_err());
    }
}
