//! Headers that are wrong whatever they come with (rows 48 and 50 to 54 of the corpus).

use super::{
    EAS, Site,
    raw::{Came, END_HEADERS, END_STREAM, GOAWAY, HEADERS, RST_STREAM, WINDOW_UPDATE, block, connect, frame, request},
};
use crate::support::EAS_REGISTRATIONS;
use edgeapp_core::principal::Role;
use edgeapp_system_tests::wait::DEADLINE;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

const PROTOCOL_ERROR: [u8; 4] = [0, 0, 0, 1];

/// What comes of one request over HTTP/2.
async fn asked(site: &Site, fields: Vec<(&str, &[u8])>) -> Vec<Came> {
    let mut raw = site.raw().await;
    let headers = block(fields);
    // What does not fit into one frame goes on in others.
    let mut pieces = headers.chunks(16_000).enumerate().peekable();
    while let Some((n, piece)) = pieces.next() {
        let last = if pieces.peek().is_none() { END_HEADERS } else { 0 };
        let (kind, end) = if n == 0 {
            (HEADERS, END_STREAM)
        } else {
            (super::raw::CONTINUATION, 0)
        };
        if !raw.send(&frame(kind, last | end, 1, piece)).await {
            break;
        }
    }
    let answered = |came: &Came| came.stream == 1 && (came.kind == RST_STREAM || came.flags & END_STREAM != 0);
    raw.came_until(|came| answered(came) && came.kind != WINDOW_UPDATE || came.kind == GOAWAY)
        .await
}

/// The cause in the answer; a library of HTTP/2 is not needed to find it.
async fn cause(site: &Site, fields: Vec<(&str, &[u8])>) -> String {
    let came = asked(site, fields).await;
    let body: Vec<u8> = came
        .iter()
        .filter(|came| came.kind == super::raw::DATA)
        .flat_map(|came| came.payload.clone())
        .collect();
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap_or_else(|_| panic!("no problem: {came:?}"));
    format!(
        "{} {}",
        problem["status"],
        problem["cause"].as_str().unwrap_or_default()
    )
}

/// Rows 48 and 52: what HTTP/2 forbids never becomes a request.
#[tokio::test]
async fn what_http_2_forbids_is_a_stream_error() {
    let site = Site::open(|plan| plan).await;
    let more: [(&str, &[u8]); 7] = [
        ("x-evil", b"a\r\nx-injected: 1"),
        ("x-evil", b"a\nb"),
        ("x-evil", b"a\0b"),
        ("transfer-encoding", b"chunked"),
        ("connection", b"keep-alive"),
        ("X-Upper", b"1"),
        (":path", b"/second"),
    ];
    for (name, value) in more {
        let mut fields = request("GET", "localhost", EAS_REGISTRATIONS);
        fields.push((name, value));
        let came = asked(&site, fields).await;
        let refused = |came: &Came| match came.kind {
            RST_STREAM => came.payload == PROTOCOL_ERROR,
            GOAWAY => came.payload[4..8] == PROTOCOL_ERROR,
            _ => false,
        };
        assert!(came.iter().any(refused), "{name}: {came:?}");
        assert!(
            !came.iter().any(|came| came.kind == HEADERS),
            "{name}: answered {came:?}"
        );
    }
    site.others_are_served().await;
}

/// Row 50: a request is for one host, and that is this server.
#[tokio::test]
async fn a_request_for_another_host_is_misdirected() {
    let site = Site::open(|plan| plan).await;
    let path = format!("{EAS_REGISTRATIONS}/none");
    let get = |authority| request("GET", authority, &path);
    assert_eq!(cause(&site, get("evil.example")).await, "421 MISDIRECTED_REQUEST");
    for ours in ["localhost", "localhost:443", "127.0.0.1:9103", "[::1]"] {
        assert_eq!(cause(&site, get(ours)).await, "404 RESOURCE_NOT_FOUND", "{ours}");
    }
    let mut two = get("localhost");
    two.push(("host", &b"evil.example"[..]));
    assert_eq!(cause(&site, two).await, "400 INVALID_MSG_FORMAT");
    // Over HTTP/1.1 the Host header says it.
    for (host, expected) in [("evil.example", "421"), ("localhost", "404"), ("a b", "400")] {
        let who = site.lab.who(Role::Eas, EAS);
        let mut stream = connect(&site.lab, &who, site.address(), "127.0.0.1", b"http/1.1").await;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let read = timeout(DEADLINE, stream.read_to_end(&mut answer))
            .await
            .expect("closed");
        read.expect("an answer");
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected}")), "{host}: {answer}");
    }
}

/// Row 54: who accepts no JSON is told; who accepts it among others is served.
#[tokio::test]
async fn an_answer_that_is_not_accepted_is_not_sent() {
    let site = Site::open(|plan| plan).await;
    let path = format!("{EAS_REGISTRATIONS}/none");
    for (accept, expected) in [
        ("text/html", "406 NOT_ACCEPTABLE"),
        ("application/json;q=0", "406 NOT_ACCEPTABLE"),
        ("text/html, */*;q=0.1", "404 RESOURCE_NOT_FOUND"),
        ("application/json", "404 RESOURCE_NOT_FOUND"),
    ] {
        let mut fields = request("GET", "localhost", &path);
        fields.push(("accept", accept.as_bytes()));
        assert_eq!(cause(&site, fields).await, expected, "{accept}");
    }
}

/// Rows 51 and 53: too long, too many.
#[tokio::test]
async fn large_headers_are_refused() {
    let site = Site::open(|plan| plan).await;
    let long = format!("/{}", "x".repeat(20 * 1024));
    assert_eq!(
        cause(&site, request("GET", "localhost", &long)).await,
        "414 URI_TOO_LONG"
    );
    let mut many = request("GET", "localhost", EAS_REGISTRATIONS);
    many.extend((0..300).map(|_| ("x-many", &b"1"[..])));
    assert_eq!(cause(&site, many).await, "431 INVALID_MSG_FORMAT");
    let large = "y".repeat(1024 * 1024);
    let mut fields = request("GET", "localhost", EAS_REGISTRATIONS);
    fields.push(("x-large", large.as_bytes()));
    let came = asked(&site, fields).await;
    // 431 without a body, by the library, or the end of the connection.
    assert!(!came.iter().any(|came| came.kind == super::raw::DATA), "{came:?}");
    site.others_are_served().await;
}
