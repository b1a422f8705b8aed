//! The adapter: which operation of the port is which call.

use crate::{
    asked,
    credential::Credential,
    exchange::{CallFailed, Exchange, Missing},
    rest::Rest,
    settings::{NefSettings, NefSettingsError},
    understood,
};
use async_trait::async_trait;
use axum::http::{Method, StatusCode};
use edgeapp_core::{
    error::Error,
    network::{
        AckTo, AddressAsk, Asked, Begun, CoreNetwork, CoreReport, Link, LocationAsk, LocationReport, NetworkError,
        Running, Service, Token, Verdict, Wake,
    },
    room::fresh_id,
};
use edgeapp_http::client::{Answer, CallError, HttpClient};
use edgeapp_openapi::{
    ids::{ExternalId, Gpsi},
    ue_location::UeMobilityExposure,
};
use serde_json::{Value, json};
use std::time::Duration;
use url::Url;

/// An NEF.
pub struct NefClient {
    settings: NefSettings,
    exchange: Exchange,
    reports: String,
}

impl NefClient {
    /// An NEF reached by `client`, which reports to addresses that begin with `reports` and end in a token.
    ///
    /// # Errors
    /// When the settings are wrong, or a file that they name cannot be read.
    pub fn new(settings: NefSettings, client: HttpClient, reports: String) -> Result<Self, NefSettingsError> {
        settings.check()?;
        let root = settings.root()?;
        let credential = Credential::of(&settings, &client)?;
        let exchange = Exchange {
            client,
            credential,
            root,
            // A call, and once more.
            share: 2 * Duration::from_millis(u64::from(settings.timeout_ms.max(1))),
            rest: Rest::default(),
        };
        Ok(Self {
            exchange,
            settings,
            reports,
        })
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.settings.api_root.trim_end_matches('/'))
    }

    fn collection(&self, service: Service) -> String {
        let api = match service {
            Service::Location => "3gpp-monitoring-event",
            Service::Path => "3gpp-traffic-influence",
            Service::Qos => "3gpp-as-session-with-qos",
        };
        self.url(&format!("{api}/v1/{}/subscriptions", self.settings.scs_as_id))
    }

    fn destination(&self, token: &Token) -> String {
        format!("{}{}", self.reports, token.reveal())
    }

    /// An address that the NEF told, on the NEF's own origin: who stands between may have told another host, and a credential goes nowhere
    /// else.
    fn at_nef(&self, base: &str, said: &str) -> Option<Url> {
        let root = &self.exchange.root;
        let mut url = Url::parse(base).ok()?.join(said).ok()?;
        url.set_scheme(root.scheme()).ok()?;
        url.set_host(root.host_str()).ok()?;
        url.set_port(root.port()).ok()?;
        url.set_username("").ok()?;
        url.set_password(None).ok()?;
        Some(url)
    }

    async fn post(&self, url: &str, body: &Value) -> Result<Answer, CallFailed> {
        self.exchange.call(Method::POST, url, Some(body)).await
    }

    /// Where something runs: `Location`, absolute or relative to the collection; else `self` in the body.
    fn link(&self, service: Service, collection: &str, answer: &Answer, body: &Value) -> Result<Link, NetworkError> {
        let said = answer
            .location
            .as_deref()
            .or_else(|| body.get("self").and_then(Value::as_str));
        let absolute = said.and_then(|said| Some(self.at_nef(&format!("{collection}/"), said)?.to_string()));
        let uri = absolute.and_then(|absolute| absolute.parse().ok());
        let uri = uri.ok_or_else(|| unavailable("it did not say where the subscription is"))?;
        Ok(Link { service, uri })
    }

    fn begun(&self, service: Service, collection: &str, answer: &Answer) -> Result<Begun, NetworkError> {
        let body = json_of(answer);
        let link = self.link(service, collection, answer, &body)?;
        let reports = match service {
            Service::Location => {
                let mut said: Vec<&Value> = body.get("monitoringEventReport").into_iter().collect();
                said.extend(
                    body.get("monitoringEventReports")
                        .and_then(Value::as_array)
                        .into_iter()
                        .flatten(),
                );
                let readable = said.into_iter().filter_map(|report| understood::location(report).ok());
                readable.map(|report| CoreReport::Location(Box::new(report))).collect()
            }
            Service::Path => {
                let said = body.get("eventReports").and_then(Value::as_array);
                let readable = said.into_iter().flatten().filter_map(|report| {
                    understood::understand(Service::Path, None, report.to_string().as_bytes()).ok()
                });
                readable.flatten().collect()
            }
            Service::Qos => Vec::new(),
        };
        Ok(Begun { link, reports })
    }

    /// What the NEF lists. What is no list says nothing of what runs: whoever took it for an empty one would begin everything again.
    async fn listed(&self, service: Service) -> Result<Vec<Value>, CallFailed> {
        let url = self.collection(service);
        let answer = self.exchange.call(Method::GET, &url, None).await?;
        match json_of(&answer) {
            Value::Array(all) => Ok(all),
            Value::Null if answer.status == StatusCode::NO_CONTENT => Ok(Vec::new()),
            _ => Err(CallFailed::Call(CallError::Unexpected("it is no list".to_owned()))),
        }
    }

    /// Where something of ours runs that reports with this token, as the NEF lists it.
    async fn found(&self, service: Service, token: &Token) -> Option<Link> {
        let listed = self.listed(service).await.unwrap_or_default();
        let mut running = listed.iter().filter_map(|listed| self.running_of(service, listed));
        let found = running.find(|running| running.token.as_ref() == Some(token));
        found.map(|running| running.link)
    }

    /// The token in the address to which a listed resource reports, when that address is ours.
    fn token_of(&self, listed: &Value) -> Option<Token> {
        let destination = listed.get("notificationDestination").and_then(Value::as_str);
        let token = destination.and_then(|destination| destination.strip_prefix(&self.reports));
        token.map(Token::new)
    }

    fn running_of(&self, service: Service, listed: &Value) -> Option<Running> {
        let said = listed.get("self").and_then(Value::as_str)?;
        let uri = self
            .at_nef(&format!("{}/", self.collection(service)), said)?
            .to_string()
            .parse()
            .ok()?;
        Some(Running {
            link: Link { service, uri },
            token: self.token_of(listed),
        })
    }
}

fn unavailable(reason: &str) -> NetworkError {
    NetworkError::Unavailable {
        reason: reason.to_owned(),
        after: None,
    }
}

/// The body as JSON; null when it is none.
fn json_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or(Value::Null)
}

#[async_trait]
impl CoreNetwork for NefClient {
    fn is_configured(&self) -> bool {
        true
    }

    async fn locate(&self, ask: &LocationAsk) -> Result<LocationReport, NetworkError> {
        let collection = self.collection(Service::Location);
        // The token belongs to nothing: the answer is awaited here, and nowhere else.
        let token = Token::new(fresh_id());
        let body = asked::location(ask, &self.destination(&token))?;
        let answer = self
            .post(&collection, &body)
            .await
            .map_err(|failed| failed.means(Missing::TheUe))?;
        let said = json_of(&answer);
        if answer.status == StatusCode::CREATED
            && let Ok(link) = self.link(Service::Location, &collection, &answer, &said)
            && let Err(error) = self.end(&link).await
        {
            tracing::debug!(%error, "a question that was made a subscription ends by itself");
        }
        let first = |name: &str| said.get(name).and_then(Value::as_array).and_then(|all| all.first());
        let report = said
            .get("monitoringEventReport")
            .or_else(|| first("monitoringEventReports"));
        let itself = ["locationInfo", "locFailureCause", "failureCause"]
            .iter()
            .any(|name| said.get(*name).is_some());
        let report = report.or(itself.then_some(&said));
        let report = report.ok_or_else(|| unavailable("it did not answer where the UE is"))?;
        let report = understood::location(report).map_err(|error| unavailable(&error.to_string()))?;
        Ok(LocationReport {
            ue: report.ue.or_else(|| Some(ask.ue.clone())),
            ..report
        })
    }

    async fn identify(&self, ask: &AddressAsk) -> Result<ExternalId, NetworkError> {
        let mut body = json!({"afId": self.settings.scs_as_id, "ueIpAddr": ask.address});
        let more = [
            ("portNumber", json!(ask.port)),
            ("appPortId", json!(ask.application_port)),
            ("dnn", json!(self.settings.dnn)),
            ("snssai", json!(self.settings.snssai)),
        ];
        for (name, value) in more {
            if !value.is_null() {
                body[name] = value;
            }
        }
        let url = self.url("3gpp-ueid/v1/retrieve");
        let answer = self
            .post(&url, &body)
            .await
            .map_err(|failed| failed.means(Missing::TheUe))?;
        let external = json_of(&answer)
            .get("externalId")
            .and_then(Value::as_str)
            .and_then(|id| id.parse().ok());
        match external {
            Some(external) => Ok(external),
            None if answer.status == StatusCode::NO_CONTENT => Err(NetworkError::UnknownUe),
            None => Err(unavailable("it answered without an identifier")),
        }
    }

    async fn predict(&self, ue: &Gpsi) -> Result<Vec<UeMobilityExposure>, NetworkError> {
        let url = self.url(&format!("3gpp-analyticsexposure/v1/{}/fetch", self.settings.scs_as_id));
        let body = json!({"analyEvent": "UE_MOBILITY", "tgtUe": {"gpsi": ue}, "suppFeat": "0"});
        let answer = match self
            .post(&url, &body)
            .await
            .map_err(|failed| failed.means(Missing::TheUe))
        {
            Ok(answer) => answer,
            Err(NetworkError::UnknownUe) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let foreseen = json_of(&answer).get("ueMobilityInfos").cloned().unwrap_or(Value::Null);
        match foreseen {
            Value::Null => Ok(Vec::new()),
            foreseen => serde_json::from_value(foreseen).map_err(|error| unavailable(&error.to_string())),
        }
    }

    async fn wake(&self, wake: &Wake) -> Result<(), NetworkError> {
        let url = self.url(&format!(
            "3gpp-device-triggering/v1/{}/transactions",
            self.settings.scs_as_id
        ));
        let (member, id) = match wake.ue.as_str().split_once('-') {
            Some(("msisdn", digits)) => ("msisdn", digits),
            Some(("extid", external)) => ("externalId", external),
            _ => {
                return Err(NetworkError::Refused {
                    cause: "a GPSI of this kind cannot be woken".to_owned(),
                });
            }
        };
        let destination = self.destination(&Token::new(fresh_id()));
        let body = json!({
            member: id,
            "validityPeriod": wake.seconds,
            "priority": "NO_PRIORITY",
            "applicationPortId": wake.port,
            "triggerPayload": base64(&wake.payload),
            "notificationDestination": destination,
        });
        self.post(&url, &body)
            .await
            .map(|_| ())
            .map_err(|failed| failed.means(Missing::TheUe))
    }

    async fn begin(&self, asked: &Asked, token: &Token) -> Result<Begun, NetworkError> {
        let service = asked.service();
        let collection = self.collection(service);
        let body = asked::body(asked, &self.destination(token), &self.settings)?;
        let (error, in_doubt) = match self.post(&collection, &body).await {
            Ok(answer) => match self.begun(service, &collection, &answer) {
                Ok(begun) => return Ok(begun),
                Err(error) => (error, true),
            },
            Err(failed) => {
                let in_doubt = failed.is_in_doubt();
                (failed.means(Missing::TheUe), in_doubt)
            }
        };
        // It may run all the same: look before anybody asks again.
        match in_doubt.then_some(self.found(service, token)) {
            Some(found) => found.await.map_or(Err(error), |link| {
                Ok(Begun {
                    link,
                    reports: Vec::new(),
                })
            }),
            None => Err(error),
        }
    }

    async fn alter(&self, link: &Link, asked: &Asked, token: &Token) -> Result<(), NetworkError> {
        let body = asked::body(asked, &self.destination(token), &self.settings)?;
        let altered = self.exchange.call(Method::PUT, link.uri.as_str(), Some(&body)).await;
        altered.map(|_| ()).map_err(|failed| failed.means(Missing::TheResource))
    }

    async fn end(&self, link: &Link) -> Result<Vec<CoreReport>, NetworkError> {
        let answer = match self.exchange.call(Method::DELETE, link.uri.as_str(), None).await {
            Ok(answer) => answer,
            Err(failed) => {
                return match failed.means(Missing::TheResource) {
                    NetworkError::Gone => Ok(Vec::new()),
                    error => Err(error),
                };
            }
        };
        // What else it says in farewell is of use only where it is a report.
        Ok(understood::farewell(link.service, &answer.body))
    }

    async fn running(&self, service: Service) -> Result<Vec<Running>, NetworkError> {
        match self.listed(service).await {
            Ok(listed) => {
                let nameless = |listed: &Value| listed.get("self").is_none() && self.token_of(listed).is_some();
                if listed.iter().any(nameless) {
                    // What is not shown would be taken for lost.
                    return Err(NetworkError::Refused {
                        cause: "its list does not say where each subscription is".to_owned(),
                    });
                }
                let running = listed.iter().filter_map(|listed| self.running_of(service, listed));
                Ok(running.collect())
            }
            Err(failed) => match failed.means(Missing::TheResource) {
                // Some answer so when there is nothing to list.
                NetworkError::Gone => Ok(Vec::new()),
                error => Err(error),
            },
        }
    }

    async fn acknowledge(&self, to: &AckTo, verdict: Verdict) -> Result<(), NetworkError> {
        let status = match verdict {
            Verdict::Accepted => "SUCCESS",
            Verdict::Rejected => "RELOC_NO_ALLOWED",
            Verdict::Congested => "TEMPORARY_CONGESTION",
        };
        let mut body = json!({"ackResult": {"afStatus": status}});
        if let Some(transaction) = &to.transaction {
            body["afTransId"] = json!(transaction);
        }
        if let Some(ue) = &to.ue {
            body["gpsi"] = json!(ue);
        }
        let url = self.at_nef(&self.settings.api_root, to.uri.as_str());
        let url = url.ok_or_else(|| unavailable("the address for the acknowledgement is none"))?;
        let done = self.post(url.as_str(), &body).await;
        done.map(|_| ()).map_err(|failed| failed.means(Missing::TheResource))
    }

    fn understand(&self, service: Service, link: Option<&Link>, body: &[u8]) -> Result<Vec<CoreReport>, Error> {
        understood::understand(service, link, body)
    }
}

/// Base64 of RFC 4648 clause 4, as `Bytes` of TS 29.122 is written.
fn base64(bytes: &[u8]) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgeapp_core::callback::CallbackRule;
    use edgeapp_http::tls::{Identity, Trust};
    use std::time::Duration;

    /// A credential must not follow where the NEF's answer leads.
    #[test]
    fn what_the_nef_tells_stays_on_its_own_origin() {
        let key = rcgen::KeyPair::generate().expect("a key");
        let certificate = rcgen::CertificateParams::new(vec!["ees.example".to_owned()])
            .and_then(|parameters| parameters.self_signed(&key))
            .expect("a certificate");
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str, text: String| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("written");
            path
        };
        let (certificate, key) = (file("c.pem", certificate.pem()), file("k.pem", key.serialize_pem()));
        let identity = Identity::load(&certificate, &key).expect("an identity");
        let trust = Trust::load(&certificate).expect("roots");
        let rule = CallbackRule::anywhere();
        let client = HttpClient::new(&identity, &trust, rule, Duration::from_secs(1)).expect("a client");
        let settings = serde_json::from_value(json!({"api_root": "https://nef.example:8443/gw", "scs_as_id": "ees-a"}));
        let nef =
            NefClient::new(settings.expect("settings"), client, "https://ees.example/".to_owned()).expect("a NEF");
        let collection = nef.collection(Service::Location);
        let at = |said: &str| nef.at_nef(&format!("{collection}/"), said).map(|url| url.to_string());
        let expected = Some("https://nef.example:8443/gw/3gpp-monitoring-event/v1/ees-a/subscriptions/17".to_owned());
        assert_eq!(at("17"), expected);
        assert_eq!(
            at("http://user:pw@inner:80/gw/3gpp-monitoring-event/v1/ees-a/subscriptions/17"),
            expected
        );
    }
}
