//! Rows whose bytes no client would send. They go to EASs' door, which no other role shares.

use super::{
    row::{ByHand, Row},
    site::{Door, EAS, Site, eas_at},
};
use crate::support::EAS_REGISTRATIONS as REG;
use edgeapp_system_tests::raw::{Came, Frames};

const PROTOCOL_ERROR: u32 = 1;

/// A request for the registrations of EASs with these fields over the usual ones.
fn request(site: &Site, method: &str, more: &[(&str, &[u8])], end: bool) -> Frames {
    let authority = site.address(Door::Edge3).as_bytes();
    let usual: [(&str, &[u8]); 5] = [
        (":method", method.as_bytes()),
        (":scheme", b"https"),
        (":authority", authority),
        (":path", REG.as_bytes()),
        ("content-type", b"application/json"),
    ];
    let is_given = |name: &str| more.iter().any(|(given, _)| *given == name);
    let mut fields: Vec<_> = usual.into_iter().filter(|(name, _)| !is_given(name)).collect();
    // Those that begin with a colon come first.
    fields.extend_from_slice(more);
    fields.sort_by_key(|(name, _)| !name.starts_with(':'));
    Frames::begin().headers(&fields, end)
}

fn h2(frames: Frames, right: fn(&Came) -> bool) -> ByHand {
    ByHand {
        alpn: &[b"h2"],
        bytes: frames.0,
        right,
    }
}

/// Nothing was served: the stream or the connection was given up.
fn is_no_request(came: &Came) -> bool {
    came.status().is_none() && (came.reset() == Some(PROTOCOL_ERROR) || came.gave_up().is_some_and(|code| code != 0))
}

fn is_refused_with(came: &Came, status: u16, cause: &str) -> bool {
    let cause = format!("\"cause\":\"{cause}\"");
    came.status() == Some(status) && String::from_utf8_lossy(&came.body()).contains(&cause)
}

/// More than a header list may be. Who is cut off while it still sends may lose the reason with the connection.
fn is_too_much(came: &Came) -> bool {
    let cut_off = came.reset().is_some() || came.gave_up().is_some() || came.refused.is_some();
    came.status() == Some(431) || (came.status().is_none() && cut_off)
}

pub(super) fn rows() -> Vec<Row> {
    let row = |number, tries, bytes| Row::by_hand(number, tries, Door::Edge3, bytes);
    vec![
        row(14, "more bytes than content-length says", |site: &Site| {
            let body = eas_at(EAS, "two").to_string();
            let [less, more] = ["10", "100000"].map(|length| request(site, "POST", &[("content-length", length.as_bytes())], false));
            vec![
                h2(less.data(body.as_bytes(), true), is_no_request),
                h2(more.data(body.as_bytes(), true), is_no_request),
            ]
        }),
        row(48, "CR, LF and NUL in the value of a header", |site: &Site| {
            let values: [&[u8]; 4] = [b"a\rb", b"a\nb", b"a\0b", b"a\r\nx-admin: yes"];
            let each = values.map(|value| h2(request(site, "GET", &[("x-note", value)], true), is_no_request));
            each.into()
        }),
        row(50, "another host, or two", |site: &Site| {
            let authority = |host: &'static [u8]| request(site, "GET", &[(":authority", host)], true);
            vec![
                h2(authority(b"evil.example"), |came| {
                    is_refused_with(came, 421, "MISDIRECTED_REQUEST")
                }),
                h2(authority(b"127.0.0.2"), |came| {
                    is_refused_with(came, 421, "MISDIRECTED_REQUEST")
                }),
                h2(request(site, "GET", &[("host", &b"evil.example"[..])], true), |came| {
                    is_refused_with(came, 400, "INVALID_MSG_FORMAT")
                }),
                // A GET of the collection, for the right host.
                h2(authority(b"localhost"), |came| {
                    is_refused_with(came, 405, "METHOD_NOT_ALLOWED")
                }),
            ]
        }),
        row(51, "1 MiB of headers, 500 headers", |site: &Site| {
            let long = vec![b'x'; 1024 * 1024];
            let names: Vec<_> = (0..500).map(|n| format!("x-{n}")).collect();
            let many: Vec<_> = names.iter().map(|name| (name.as_str(), &b"1"[..])).collect();
            vec![
                h2(request(site, "GET", &[("x-long", &long[..])], true), is_too_much),
                h2(request(site, "GET", &many, true), is_too_much),
            ]
        }),
        row(52, "headers of HTTP/1.1 in HTTP/2", |site: &Site| {
            let fields: [(&str, &[u8]); 4] = [
                ("transfer-encoding", b"chunked"),
                ("connection", b"close"),
                ("upgrade", b"h2c"),
                ("keep-alive", b"timeout=5"),
            ];
            let each = fields.map(|field| h2(request(site, "GET", &[field], true), is_no_request));
            each.into()
        }),
        row(53, "a URI of 20 KiB, and of 15", |site: &Site| {
            let [too_much, long] = [20, 15].map(|kib| format!("{REG}/{}", "x".repeat(kib * 1024)));
            vec![
                h2(request(site, "GET", &[(":path", too_much.as_bytes())], true), is_too_much),
                h2(request(site, "GET", &[(":path", long.as_bytes())], true), |came| {
                    is_refused_with(came, 414, "URI_TOO_LONG")
                }),
            ]
        })
        .differs("20 KiB are more than a whole header list may be, which HTTP/2 refuses as such; what fits into one is refused with 414"),
        row(76, "HTTP/1.1", |_| {
            let get = format!("GET {REG} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            vec![ByHand {
                alpn: &[b"http/1.1"],
                bytes: get.into_bytes(),
                right: |came| came.bytes.starts_with(b"HTTP/1.1 405"),
            }]
        })
        .differs("HTTP/1.1 is offered inside TLS, because generated clients of several languages speak nothing else; `http1 = false` refuses it, and clear text gets no bytes: see the tests beside this one"),
    ]
}
