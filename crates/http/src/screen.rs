//! What is wrong with a request whatever it asks for: the size of its header, whom it is for, and what it accepts as an answer.

use crate::{problem::Problem, request::authority};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use edgeapp_core::{authorizer::ReferencePoint, error::Cause};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// Largest header list, in bytes, each field with 32 more (RFC 9113 clause 6.5.2).
pub const MAX_HEADER_LIST: usize = 16 * 1024;
/// Most fields of it.
pub const MAX_HEADER_FIELDS: usize = 100;

/// The hosts under which a server is reached. Without any, every host is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(Vec<String>);

impl Names {
    /// The names and addresses of this certificate, which clients compare with the host that they call.
    pub fn of_certificate(certificate: &[u8]) -> Self {
        let parsed = X509Certificate::from_der(certificate).ok().map(|(_, parsed)| parsed);
        let names = parsed
            .as_ref()
            .and_then(|parsed| parsed.subject_alternative_name().ok().flatten());
        let names = names.iter().flat_map(|names| &names.value.general_names);
        Self(names.filter_map(host_of).collect())
    }

    /// Also the host of this `apiRoot`.
    pub fn and_of(mut self, api_root: Option<&str>) -> Self {
        let authority = api_root.and_then(|root| root.parse::<Uri>().ok()?.into_parts().authority);
        if !self.0.is_empty() {
            self.0
                .extend(authority.map(|authority| authority.host().to_ascii_lowercase()));
        }
        self
    }

    /// Whether this host is one of them.
    pub fn cover(&self, host: &str) -> bool {
        let one = |name: &String| match name.strip_prefix("*.") {
            Some(parent) => host
                .split_once('.')
                .is_some_and(|(label, rest)| !label.is_empty() && rest.eq_ignore_ascii_case(parent)),
            None => host.eq_ignore_ascii_case(name),
        };
        self.0.is_empty() || self.0.iter().any(one)
    }
}

/// A name of a certificate as it stands in an authority.
fn host_of(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => Some(std::net::Ipv4Addr::from(<[u8; 4]>::try_from(*bytes).ok()?).to_string()),
            _ => Some(format!(
                "[{}]",
                std::net::Ipv6Addr::from(<[u8; 16]>::try_from(*bytes).ok()?)
            )),
        },
        _ => None,
    }
}

/// Refuses a request that is wrong whatever it asks for.
///
/// # Errors
/// 431, 400, 421 or 406.
pub(crate) fn screen<B>(request: &Request<B>, names: &Names, point: ReferencePoint) -> Result<(), Problem> {
    size(request.headers())?;
    addressed(request.uri(), request.headers(), names)?;
    // The operator's port also has pages and metrics; an application context has the type that its EAS gave it.
    let json = point != ReferencePoint::Operator
        && request.method() != Method::DELETE
        && !request.uri().path().starts_with("/app-contexts/");
    if json && !accepts_json(request.headers()) {
        return Err(Problem::new(
            StatusCode::NOT_ACCEPTABLE,
            Cause::NotAcceptable,
            "answers are application/json, refusals application/problem+json",
        ));
    }
    Ok(())
}

fn size(headers: &HeaderMap) -> Result<(), Problem> {
    let length = |(name, value): (&header::HeaderName, &HeaderValue)| name.as_str().len() + value.len() + 32;
    if headers.len() <= MAX_HEADER_FIELDS && headers.iter().map(length).sum::<usize>() <= MAX_HEADER_LIST {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        Cause::InvalidMsgFormat,
        format!(
            "a header has at most {MAX_HEADER_FIELDS} fields and {MAX_HEADER_LIST} bytes, each field counted with 32 more"
        ),
    ))
}

/// A request is for one host, and that is this server.
fn addressed(uri: &Uri, headers: &HeaderMap, names: &Names) -> Result<(), Problem> {
    let authority = authority(uri, headers)?;
    if let (Some(host), true) = (headers.get(header::HOST), uri.authority().is_some())
        && !host.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes())
    {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            Cause::InvalidMsgFormat,
            "the Host header is another than the authority of the request",
        ));
    }
    if names.cover(authority.host()) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::MISDIRECTED_REQUEST,
        Cause::MisdirectedRequest,
        "this server has another name: call it by one that stands in its certificate",
    ))
}

/// Whether what we answer is accepted: `application/json`, or refusals alone.
fn accepts_json(headers: &HeaderMap) -> bool {
    let mut said = headers.get_all(header::ACCEPT).iter().peekable();
    if said.peek().is_none() {
        return true;
    }
    let accepts = |range: &str| {
        let mut parts = range.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default();
        let known = ["*/*", "application/*", "application/json", crate::problem::PROBLEM_JSON];
        let never = |parameter: &str| {
            let quality = parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="));
            quality.is_some_and(|quality| quality.parse::<f32>().is_ok_and(|quality| quality <= 0.0))
        };
        // An empty list says nothing.
        essence.is_empty() || known.iter().any(|name| essence.eq_ignore_ascii_case(name)) && !parts.any(never)
    };
    said.any(|value| {
        value
            .to_str()
            .is_ok_and(|value| value.split(',').any(|range| accepts(range.trim())))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names(
            ["ees.example", "*.edge.example", "127.0.0.1", "[::1]"]
                .map(str::to_owned)
                .into(),
        )
    }

    fn verdict(uri: &str, fields: &[(&'static str, &str)]) -> u16 {
        let mut request = Request::get(uri);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let request = request.body(()).expect("a request");
        screen(&request, &names(), ReferencePoint::Edge1).map_or_else(|problem| problem.status().as_u16(), |()| 200)
    }

    #[test]
    fn a_request_is_for_one_host_which_is_ours() {
        for ours in [
            "https://ees.example/a",
            "https://EES.example:8443/a",
            "https://one.edge.example/a",
            "https://127.0.0.1:1/a",
            "https://[::1]:9101/a",
        ] {
            assert_eq!(verdict(ours, &[]), 200, "{ours}");
        }
        for others in [
            "https://evil.example/a",
            "https://ees.example.evil.example/a",
            "https://a.b.edge.example/",
            "https://.edge.example/",
            "https://127.0.0.2/",
        ] {
            assert_eq!(verdict(others, &[]), 421, "{others}");
        }
        assert_eq!(verdict("/a", &[("host", "ees.example:9101")]), 200);
        assert_eq!(verdict("/a", &[("host", "evil.example")]), 421);
        assert_eq!(verdict("/a", &[("host", "a b")]), 400);
        assert_eq!(verdict("/a", &[("host", "ees.example"), ("host", "ees.example")]), 400);
        assert_eq!(verdict("https://ees.example/a", &[("host", "EES.example")]), 200);
        assert_eq!(verdict("https://ees.example/a", &[("host", "evil.example")]), 400);
        assert_eq!(verdict("https://ees.example/a", &[("host", "ees.example:1")]), 400);
    }

    #[test]
    fn an_api_root_adds_its_host() {
        let names = names().and_of(Some("https://edge.operator.example:443/prefix"));
        assert!(names.cover("edge.operator.example") && !names.cover("operator.example"));
        assert!(
            Names::default()
                .and_of(Some("https://one.example"))
                .cover("any.example")
        );
    }

    #[test]
    fn whoever_accepts_no_json_is_told() {
        let accept = |value| verdict("https://ees.example/a", &[("accept", value)]);
        for fine in [
            "application/json",
            "text/html, application/json;q=0.5",
            "*/*",
            "application/*",
            "APPLICATION/JSON; charset=utf-8",
            "application/problem+json",
            "",
        ] {
            assert_eq!(accept(fine), 200, "{fine}");
        }
        for not in [
            "text/html",
            "application/json;q=0",
            "application/xml, text/*",
            "application/jsonx",
        ] {
            assert_eq!(accept(not), 406, "{not}");
        }
        assert_eq!(
            verdict("https://ees.example/a", &[("accept", "text/html"), ("accept", "*/*")]),
            200
        );
    }

    #[test]
    fn headers_are_small_and_few() {
        let long = "y".repeat(MAX_HEADER_LIST);
        assert_eq!(verdict("https://ees.example/a", &[("x-long", &long)]), 431);
        let many = vec![("x-many", "1"); MAX_HEADER_FIELDS + 1];
        assert_eq!(verdict("https://ees.example/a", &many), 431);
        assert_eq!(verdict("https://ees.example/a", &many[..MAX_HEADER_FIELDS]), 200);
    }
}
