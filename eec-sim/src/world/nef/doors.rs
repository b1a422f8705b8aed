//! The APIs: from a request to an answer. Paths are few and regular, so that one function serves the resources of all five.

use super::{
    Nef,
    fault::Fault,
    log::{Entry, Kind},
    state::Made,
    token::LIFE,
    want::{self, Api},
};
use axum::http::{HeaderMap, Method, StatusCode, header};
use bytes::Bytes;
use edgeapp_core::{
    error::{Cause, Error},
    parse, patch,
    principal::Role,
};
use edgeapp_http::problem::Problem;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

/// A request with its body.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who asks.
    pub role: Role,
    /// The method.
    pub method: Method,
    /// The path.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The status code.
    pub status: StatusCode,
    /// `Location`.
    pub location: Option<String>,
    /// The body; absent with 204.
    pub body: Option<Value>,
}

impl Reply {
    /// This status with this body.
    pub fn of(status: StatusCode, body: Value) -> Self {
        Self {
            status,
            location: None,
            body: Some(body),
        }
    }

    /// 204.
    pub fn nothing() -> Self {
        Self {
            status: StatusCode::NO_CONTENT,
            location: None,
            body: None,
        }
    }
}

impl From<Problem> for Reply {
    fn from(problem: Problem) -> Self {
        let body = serde_json::to_value(problem.details()).unwrap_or_default();
        Self::of(problem.status(), body)
    }
}

impl From<Error> for Reply {
    fn from(error: Error) -> Self {
        Problem::from(error).into()
    }
}

fn nothing_here() -> Reply {
    Problem::new(
        StatusCode::NOT_FOUND,
        Cause::ResourceUriStructureNotFound,
        "there is nothing at this path",
    )
    .into()
}

fn no_such_method() -> Reply {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        Cause::MethodNotAllowed,
        "the resource does not have this method",
    )
    .into()
}

fn wrong_media(wanted: &str) -> Reply {
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Cause::UnsupportedMediaType,
        format!("send the body as {wanted}"),
    )
    .into()
}

impl Request {
    /// The body as JSON that repeats no member.
    ///
    /// # Errors
    /// 415 for another media type, 400 for what is no JSON.
    pub fn json(&self, media: &str) -> Result<Value, Reply> {
        let given = self
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let essence = given.and_then(|given| given.split(';').next()).unwrap_or_default();
        if !essence.trim().eq_ignore_ascii_case(media) {
            return Err(wrong_media(media));
        }
        Ok(parse::patch_from_slice(&self.body)?)
    }
}

impl Nef {
    /// Answers a request to an API. `None`: the connection has to break instead.
    pub async fn answer(self: &Arc<Self>, request: Request) -> Option<Reply> {
        let path = request.path.clone();
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let fault = self.faults().take(parts[0]);
        let mut followed = None;
        let reply = match &fault {
            Some(fault) if (fault.drop || fault.status.is_some()) && !fault.done => None,
            _ => Some(match self.serve(&request, &parts) {
                Ok((reply, begun)) => {
                    followed = begun;
                    reply
                }
                Err(reply) => reply,
            }),
        };
        let reply = match fault {
            Some(fault) => fail(fault, reply).await,
            None => reply,
        };
        let problem = |reply: &Reply| {
            let detail = reply
                .body
                .as_ref()
                .filter(|_| !reply.status.is_success())?
                .get("detail")?;
            detail.as_str().map(str::to_owned)
        };
        self.log().add(Entry {
            at: self.now(),
            kind: Kind::Request,
            what: format!("{} {} from {}", request.method, request.path, request.role),
            status: reply.as_ref().map(|reply| reply.status.as_u16()),
            error: match &reply {
                Some(reply) => problem(reply),
                None => Some("the connection was broken on purpose".to_owned()),
            },
            body: None,
        });
        if let Some((api, id)) = followed {
            let nef = self.clone();
            // After the answer, which names the resource that events are about.
            tokio::spawn(async move { nef.begin(api, id).await });
        }
        reply
    }

    fn serve(&self, request: &Request, parts: &[&str]) -> Result<(Reply, Option<(Api, u64)>), Reply> {
        let method = &request.method;
        if let ["oauth2", "token"] = parts {
            return self.token(request).map(|reply| (reply, None));
        }
        let authorization = request.headers.get(header::AUTHORIZATION);
        self.tokens
            .check(authorization.and_then(|value| value.to_str().ok()), self.now())?;
        match parts {
            ["ack", _] | ["3gpp-ueid", "v1", "retrieve"] | ["3gpp-analyticsexposure", "v1", _, "fetch"]
                if method != Method::POST =>
            {
                Err(no_such_method())
            }
            ["ack", number] => {
                let body = request.json("application/json")?;
                let status = body.pointer("/ackResult/afStatus").and_then(Value::as_str);
                let status = status.ok_or_else(|| {
                    Error::mandatory_missing("/ackResult/afStatus", "says what became of the application")
                })?;
                let awaited = number.parse().is_ok_and(|number| self.acknowledge(number, status));
                let gone = || Error::not_found("change of path that waits");
                if awaited {
                    Ok((Reply::nothing(), None))
                } else {
                    Err(gone().into())
                }
            }
            ["3gpp-ueid", "v1", "retrieve"] => {
                let body = request.json("application/json")?;
                self.check_client(body.get("afId").and_then(Value::as_str).unwrap_or_default())?;
                let target = want::address_of(&body)?;
                let state = self.state();
                let ue = state.network.meant(&target).next();
                let id = ue.and_then(super::model::Ue::external_id);
                let id = id.ok_or_else(super::model::unknown_ue)?;
                Ok((Reply::of(StatusCode::OK, json!({"externalId": id})), None))
            }
            ["3gpp-analyticsexposure", "v1", client, "fetch"] => {
                self.check_client(client)?;
                let body = request.json("application/json")?;
                Ok((self.fetch(&body)?, None))
            }
            [api, "v1", client, collection, rest @ ..] => {
                let api = Api::of(api)
                    .filter(|api| api.collection() == *collection)
                    .ok_or_else(nothing_here)?;
                self.check_client(client)?;
                match rest {
                    [] => self.in_collection(api, client, request),
                    [id] => {
                        let id = id.parse().map_err(|_| nothing_here())?;
                        self.in_resource(api, client, id, request)
                    }
                    _ => Err(nothing_here()),
                }
            }
            _ => Err(nothing_here()),
        }
    }

    fn check_client(&self, client: &str) -> Result<(), Error> {
        match &self.behaviour.allowed {
            Some(allowed) if !allowed.contains(client) => Err(Error::forbidden(
                Cause::Unauthorized,
                "this application function is not known to the network",
            )),
            _ => Ok(()),
        }
    }

    fn token(&self, request: &Request) -> Result<Reply, Reply> {
        let form: Vec<_> = String::from_utf8_lossy(&request.body)
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| {
                let value = value.replace('+', " ");
                let value = percent_encoding::percent_decode_str(&value)
                    .decode_utf8_lossy()
                    .into_owned();
                (name.to_owned(), value)
            })
            .collect();
        let value = |name: &str| {
            let found = form.iter().find(|(of, _)| of == name);
            found.map(|(_, value)| value.as_str()).unwrap_or_default()
        };
        // RFC 6749 has errors of its own.
        let refuse = |status, error: &str| Err(Reply::of(status, json!({"error": error})));
        if request.method != Method::POST {
            return Err(no_such_method());
        }
        if value("grant_type") != "client_credentials" {
            return refuse(StatusCode::BAD_REQUEST, "unsupported_grant_type");
        }
        match self.tokens.give(value("client_id"), value("client_secret"), self.now()) {
            Some(token) => Ok(Reply::of(
                StatusCode::OK,
                json!({"access_token": token, "token_type": "Bearer", "expires_in": LIFE}),
            )),
            None => refuse(StatusCode::UNAUTHORIZED, "invalid_client"),
        }
    }

    fn fetch(&self, body: &Value) -> Result<Reply, Error> {
        let target = want::mobility_of(body, "")?;
        let features = body
            .get("suppFeat")
            .ok_or_else(|| Error::mandatory_missing("/suppFeat", "is missing"))?;
        let (now, state) = (self.now(), self.state());
        let mut meant = state.network.meant(&target).peekable();
        if meant.peek().is_none() {
            return Err(super::model::unknown_ue());
        }
        let ahead: Vec<_> = meant.flat_map(|ue| state.network.ahead(ue, now.0)).collect();
        if ahead.is_empty() {
            return Ok(Reply::nothing());
        }
        Ok(Reply::of(
            StatusCode::OK,
            json!({"timeStampGen": now.0.to_string(), "ueMobilityInfos": ahead, "suppFeat": features}),
        ))
    }

    fn in_collection(&self, api: Api, client: &str, request: &Request) -> Result<(Reply, Option<(Api, u64)>), Reply> {
        let (now, mut state) = (self.now(), self.state());
        state.forget(now);
        if request.method == Method::GET {
            let mine = state
                .resources()
                .filter(|(of, _, resource)| *of == api && resource.scs_as == client);
            let all: Vec<_> = mine.map(|(.., resource)| resource.body.clone()).collect();
            return Ok((Reply::of(StatusCode::OK, json!(all)), None));
        }
        if request.method != Method::POST {
            return Err(no_such_method());
        }
        let body = request.json("application/json")?;
        let at = format!(
            "{}/{}/v1/{client}/{}",
            self.behaviour.root,
            api.name(),
            api.collection()
        );
        match state.create(api, client, &at, body, now)? {
            Made::Answer(report) => Ok((Reply::of(StatusCode::OK, report), None)),
            Made::Resource(id) => {
                let resource = state.resource(api, id).ok_or_else(nothing_here)?;
                let reply = Reply {
                    location: Some(resource.uri.clone()),
                    ..Reply::of(StatusCode::CREATED, resource.body.clone())
                };
                Ok((reply, Some((api, id))))
            }
        }
    }

    fn in_resource(
        &self,
        api: Api,
        client: &str,
        id: u64,
        request: &Request,
    ) -> Result<(Reply, Option<(Api, u64)>), Reply> {
        let (now, mut state) = (self.now(), self.state());
        state.forget(now);
        let kept = state.resource(api, id).filter(|resource| resource.scs_as == client);
        let kept = kept.ok_or_else(Error::subscription_not_found)?;
        let next = match request.method {
            Method::GET => return Ok((Reply::of(StatusCode::OK, kept.body.clone()), None)),
            Method::DELETE => {
                state.remove(api, id);
                return Ok((Reply::nothing(), Some((api, id))));
            }
            Method::PUT => request.json("application/json")?,
            Method::PATCH if api == Api::Monitoring => {
                let operations = request.json("application/json-patch+json")?;
                let mut next = kept.body.clone();
                json_patch(&mut next, &operations)?;
                next
            }
            Method::PATCH if api != Api::Analytics => {
                let mut next = kept.body.clone();
                patch::merge(&mut next, &request.json("application/merge-patch+json")?);
                next
            }
            _ => return Err(no_such_method()),
        };
        state.replace(api, id, next, now)?;
        let resource = state.resource(api, id).ok_or_else(nothing_here)?;
        Ok((Reply::of(StatusCode::OK, resource.body.clone()), Some((api, id))))
    }
}

/// What is left of an answer after a fault.
async fn fail(fault: Fault, reply: Option<Reply>) -> Option<Reply> {
    if fault.delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(fault.delay_ms)).await;
    }
    if fault.drop {
        return None;
    }
    let Some(status) = fault.status else { return reply };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Some(Problem::new(status, Cause::SystemFailure, "this fault was asked for").into())
}

/// JSON Patch (RFC 6902) without `move` and `copy`, which no client of these APIs has a use for.
fn json_patch(target: &mut Value, operations: &Value) -> Result<(), Error> {
    let operations = operations.as_array();
    let operations = operations.ok_or_else(|| Error::optional_incorrect("", "a JSON patch is a list of operations"))?;
    for (number, operation) in operations.iter().enumerate() {
        let wrong = |reason: &str| Error::optional_incorrect(format!("/{number}"), reason);
        let text = |name: &str| operation.get(name).and_then(Value::as_str);
        let path = text("path").ok_or_else(|| wrong("has no path"))?;
        let (parent, name) = path.rsplit_once('/').ok_or_else(|| wrong("changes the whole"))?;
        let name = name.replace("~1", "/").replace("~0", "~");
        let parent = target.pointer_mut(parent).and_then(Value::as_object_mut);
        let parent = parent.ok_or_else(|| wrong("the path leads to no member"))?;
        let value = || operation.get("value").cloned().ok_or_else(|| wrong("has no value"));
        match text("op") {
            Some("add") => {
                parent.insert(name, value()?);
            }
            Some("replace") => {
                let place = parent
                    .get_mut(&name)
                    .ok_or_else(|| wrong("there is nothing to replace"))?;
                *place = value()?;
            }
            Some("remove") => {
                parent
                    .remove(&name)
                    .ok_or_else(|| wrong("there is nothing to remove"))?;
            }
            Some("test") if parent.get(&name) == Some(&value()?) => {}
            Some("test") => return Err(wrong("the test does not hold")),
            _ => return Err(wrong("must be add, replace, remove or test")),
        }
    }
    Ok(())
}
