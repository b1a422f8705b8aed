//! Rows as data: what is sent, by whom, and what has to come of it.

use super::site::{Door, Ground, Site, usual};
use bytes::Bytes;
use edgeapp_http::request::MERGE_PATCH_JSON;
use edgeapp_system_tests::{
    caller::{Answer, path_of},
    raw::Came,
};
use http::{Method, Request, header};
use serde_json::Value;

/// A row of the corpus.
pub(crate) struct Row {
    /// Its number.
    pub(crate) number: u8,
    /// What it tries, in few words.
    pub(crate) tries: &'static str,
    /// Where.
    pub(crate) door: Door,
    /// What the servers have to be like.
    pub(crate) ground: Ground,
    /// A role with another door that serves the same operation on the same listener: no other role there.
    pub(crate) also: Option<edgeapp_core::principal::Role>,
    /// Why what is asserted is not what the requirement list says, where it is not.
    pub(crate) differs: Option<&'static str>,
    /// What is sent.
    pub(crate) sends: Sends,
}

/// What a row sends.
pub(crate) enum Sends {
    /// Requests, in this order, each with its answer.
    Requests(fn(&Site) -> Vec<Case>),
    /// Bytes that no client would send.
    Bytes(fn(&Site) -> Vec<ByHand>),
}

/// A request with its answer.
pub(crate) struct Case {
    method: Method,
    path: String,
    headers: Vec<(header::HeaderName, String)>,
    body: Bytes,
    by: Option<&'static str>,
    through: Option<Door>,
    patient: bool,
    expected: Expected,
}

/// An answer.
#[derive(Clone, Debug)]
enum Expected {
    /// A refusal with this status and cause, at this member where one is named, with this header where one is named.
    Refused {
        status: u16,
        cause: &'static str,
        at: Option<&'static str>,
        header: Option<header::HeaderName>,
    },
    /// A refusal of a resource server, with this `error` in its challenge or none (RFC 6750 clause 3).
    Challenged { status: u16, error: Option<&'static str> },
    /// A refusal of a token endpoint (RFC 6749 clause 5.2).
    OfOauth { status: u16, error: &'static str },
    /// Served, as a step on the way.
    Served(u16),
}

/// Bytes by hand, on a connection of their own.
pub(crate) struct ByHand {
    /// The protocols that are offered for them.
    pub(crate) alpn: &'static [&'static [u8]],
    /// The bytes.
    pub(crate) bytes: Vec<u8>,
    /// What is right.
    pub(crate) right: fn(&Came) -> bool,
}

impl Row {
    /// A row of requests.
    pub(crate) const fn new(number: u8, tries: &'static str, door: Door, cases: fn(&Site) -> Vec<Case>) -> Self {
        Self {
            number,
            tries,
            door,
            ground: Ground::Usual,
            also: None,
            differs: None,
            sends: Sends::Requests(cases),
        }
    }

    /// A row of bytes.
    pub(crate) const fn by_hand(number: u8, tries: &'static str, door: Door, bytes: fn(&Site) -> Vec<ByHand>) -> Self {
        Self {
            number,
            tries,
            door,
            ground: Ground::Usual,
            also: None,
            differs: None,
            sends: Sends::Bytes(bytes),
        }
    }

    /// The same, with the reason why it is not as the requirement list says.
    pub(crate) const fn differs(mut self, reason: &'static str) -> Self {
        self.differs = Some(reason);
        self
    }

    /// The same, on servers that are like this.
    pub(crate) const fn on(mut self, ground: Ground) -> Self {
        self.ground = ground;
        self
    }

    /// The same, on an operation that another role may use on this listener as well.
    pub(crate) const fn also_for(mut self, role: edgeapp_core::principal::Role) -> Self {
        self.also = Some(role);
        self
    }
}

impl Case {
    fn new(method: Method, path: impl Into<String>, media: &'static str, body: impl Into<Bytes>) -> Self {
        let media = (!media.is_empty()).then(|| (header::CONTENT_TYPE, media.to_owned()));
        Self {
            method,
            path: path.into(),
            headers: media.into_iter().collect(),
            body: body.into(),
            by: None,
            through: None,
            patient: false,
            expected: Expected::Served(200),
        }
    }

    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path, "", "")
    }

    pub(crate) fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path, "", "")
    }

    pub(crate) fn post(path: impl Into<String>, body: &Value) -> Self {
        Self::post_text(path, body.to_string())
    }

    pub(crate) fn post_text(path: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Self::new(Method::POST, path, "application/json", body)
    }

    pub(crate) fn put(path: impl Into<String>, body: &Value) -> Self {
        Self::new(Method::PUT, path, "application/json", body.to_string())
    }

    pub(crate) fn patch(path: impl Into<String>, body: &Value) -> Self {
        Self::new(Method::PATCH, path, MERGE_PATCH_JSON, body.to_string())
    }

    /// POST of a form.
    pub(crate) fn form(path: impl Into<String>, pairs: &[(&str, &str)]) -> Self {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(pairs);
        Self::new(Method::POST, path, "application/x-www-form-urlencoded", form.finish())
    }

    /// The same with this header; one of the same name that is there gives way.
    pub(crate) fn with(mut self, name: header::HeaderName, value: impl Into<String>) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.into()));
        self
    }

    /// The same with one more header of this name.
    pub(crate) fn and(mut self, name: header::HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same, sent by this one in the role of the door.
    pub(crate) fn by(mut self, id: &'static str) -> Self {
        self.by = Some(id);
        self
    }

    /// Refused with this.
    pub(crate) fn refused(mut self, status: u16, cause: &'static str) -> Self {
        self.expected = Expected::Refused {
            status,
            cause,
            at: None,
            header: None,
        };
        self
    }

    /// This member is named in the refusal.
    pub(crate) fn at(mut self, member: &'static str) -> Self {
        if let Expected::Refused { at, .. } = &mut self.expected {
            *at = Some(member);
        }
        self
    }

    /// This header comes with the refusal.
    pub(crate) fn saying(mut self, name: header::HeaderName) -> Self {
        if let Expected::Refused { header, .. } = &mut self.expected {
            *header = Some(name);
        }
        self
    }

    /// Refused by a resource server.
    pub(crate) fn challenged(mut self, status: u16, error: Option<&'static str>) -> Self {
        self.expected = Expected::Challenged { status, error };
        self
    }

    /// Refused by a token endpoint.
    pub(crate) fn refused_as(mut self, status: u16, error: &'static str) -> Self {
        self.expected = Expected::OfOauth { status, error };
        self
    }

    /// The same through another door than that of its row.
    pub(crate) fn through(mut self, door: Door) -> Self {
        self.through = Some(door);
        self
    }

    /// The same, which is sent again until the answer is right.
    pub(crate) fn sooner_or_later(mut self) -> Self {
        self.patient = true;
        self
    }

    /// Served with this status.
    pub(crate) fn served(mut self, status: u16) -> Self {
        self.expected = Expected::Served(status);
        self
    }

    /// The door it goes through; `row` is that of its row.
    pub(crate) fn door(&self, row: Door) -> Door {
        self.through.unwrap_or(row)
    }

    /// Who sends it.
    pub(crate) fn sender(&self, row: Door) -> &'static str {
        self.by.unwrap_or(usual(self.door(row).role()))
    }

    /// Whether it is sent again until the answer is right.
    pub(crate) fn is_patient(&self) -> bool {
        self.patient
    }

    /// Whether it is refused as the APIs refuse.
    pub(crate) fn ends_in_a_problem(&self) -> bool {
        matches!(self.expected, Expected::Refused { .. } | Expected::Challenged { .. })
    }

    /// The request, at this `apiRoot`.
    pub(crate) fn request(&self, root: &str) -> (http::request::Builder, Bytes) {
        let request = Request::builder()
            .method(self.method.clone())
            .uri(format!("{root}{}", path_of(&self.path)));
        let headers = self.headers.iter();
        let request = headers.fold(request, |request, (name, value)| request.header(name, value));
        (request, self.body.clone())
    }

    /// What is wrong with this answer, if anything is.
    pub(crate) fn fault(&self, answer: &Answer) -> Option<String> {
        let said = format!("{} {}", answer.status, answer.body);
        let right = match &self.expected {
            Expected::Served(status) => answer.status.as_u16() == *status,
            Expected::Challenged { status, error } => {
                let challenge = answer.headers.get(header::WWW_AUTHENTICATE);
                let challenge = challenge.and_then(|value| value.to_str().ok()).unwrap_or_default();
                let said = challenge
                    .split_once("error=\"")
                    .and_then(|(_, rest)| rest.split('"').next());
                answer.status.as_u16() == *status && challenge.starts_with("Bearer") && said == *error
            }
            Expected::OfOauth { status, error } => answer.status.as_u16() == *status && answer.body["error"] == *error,
            Expected::Refused {
                status,
                cause,
                at,
                header,
            } => {
                answer.status.as_u16() == *status
                    && answer.body["cause"] == *cause
                    && at.is_none_or(|at| answer.at_fault().contains(&at))
                    && header.as_ref().is_none_or(|name| answer.headers.contains_key(name))
            }
        };
        (!right).then(|| format!("{:?} expected, {said}", self.expected))
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body = String::from_utf8_lossy(&self.body[..self.body.len().min(100)]);
        let headers = format!("{:?}", self.headers);
        write!(f, "{} {:.120} {headers:.160} {body:.100}", self.method, self.path)
    }
}
