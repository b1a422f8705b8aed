//! Rows about what EECs send to an EES: registrations, discovery, subscriptions.

use super::{
    row::{Case, Row},
    site::{CALLED, Door, EAS, EEC, GONE, MANY, OTHER_EEC, OTHER_EES, Site, callback},
};
use crate::support::{ACR_EVENTS, DISCOVERY, DISCOVERY_SUBSCRIPTIONS, EEC_REGISTRATIONS as REG, availability};
use edgeapp_core::principal::Role;
use edgeapp_system_tests::lab::ue_of;
use http::header;
use serde_json::{Value, json};

/// A registration of the caller with these members over it.
fn reg(more: Value) -> Value {
    let mut whole = json!({"eecId": EEC});
    whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    whole
}

/// A discovery by the caller with these members over it.
fn disc(more: Value) -> Value {
    let mut whole = json!({"requestorId": {"eecId": EEC}});
    whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    whole
}

fn texts<const N: usize>(bodies: [Vec<u8>; N], cause: &'static str) -> Vec<Case> {
    bodies.map(|body| Case::post_text(REG, body).refused(400, cause)).into()
}

fn subscriptions<const N: usize>(destinations: [&str; N], status: u16) -> Vec<Case> {
    let refused = |to| {
        Case::post(DISCOVERY_SUBSCRIPTIONS, &availability(EEC, to))
            .refused(status, "CALLBACK_NOT_ALLOWED")
            .at("/notificationDestination")
    };
    destinations.map(refused).into()
}

pub(super) fn rows() -> Vec<Row> {
    let registration = |number, tries, cases| Row::new(number, tries, Door::Edge1, cases);
    // EESs discover EASs on the same listener.
    let discovery = |number, tries, cases| Row::new(number, tries, Door::Edge1, cases).also_for(Role::Ees);
    vec![
        registration(1, "no JSON object", |_| {
            let whole = reg(json!({})).to_string();
            texts(
                [
                    Vec::new(),
                    b"{".to_vec(),
                    b"[]".to_vec(),
                    format!("{whole}{whole}").into(),
                    format!("{whole} x").into(),
                ],
                "INVALID_MSG_FORMAT",
            )
        }),
        registration(2, "a mandatory member is missing", |_| {
            vec![Case::post(REG, &json!({})).refused(400, "MANDATORY_IE_MISSING").at("/eecId")]
        }),
        registration(3, "a mandatory member is null, a number, empty, very long", |_| {
            let bad = [Value::Null, json!(7), json!(""), json!("x".repeat(10_000))];
            let refused = |id: Value| {
                Case::post(REG, &json!({"eecId": id}))
                    .refused(400, "MANDATORY_IE_INCORRECT")
                    .at("/eecId")
            };
            bad.map(refused).into()
        }),
        registration(4, "the identity of somebody else", |_| {
            vec![
                Case::post(REG, &json!({"eecId": OTHER_EEC}))
                    .refused(403, "OWNER_MISMATCH")
                    .at("/eecId"),
            ]
        }),
        registration(5, "a member twice", |_| {
            let twice = format!(r#"{{"eecId":"{EEC}","eecId":"{OTHER_EEC}"}}"#);
            texts([twice.into()], "INVALID_MSG_FORMAT")
        }),
        registration(6, "no UTF-8, half a surrogate, a byte order mark", |_| {
            let whole = reg(json!({})).to_string();
            texts(
                [
                    [b"{\"eecId\":\"", &[0xff, 0xc3, 0x28][..], b"\"}"].concat(),
                    br#"{"eecId":"\ud800"}"#.to_vec(),
                    format!("\u{feff}{whole}").into(),
                ],
                "INVALID_MSG_FORMAT",
            )
        }),
        registration(7, "an empty UE identifier", |_| {
            vec![
                Case::post(REG, &reg(json!({"ueId": ""})))
                    .refused(400, "OPTIONAL_IE_INCORRECT")
                    .at("/ueId"),
            ]
        }),
        registration(8, "the UE of another subscriber", |_| {
            vec![
                Case::post(REG, &reg(json!({"ueId": ue_of(OTHER_EEC)})))
                    .refused(403, "UE_ID_NOT_VERIFIED")
                    .at("/ueId"),
            ]
        }),
        registration(9, "an end that is no time, or has passed", |_| {
            let refused = |end| {
                Case::post(REG, &reg(json!({"expTime": end})))
                    .refused(400, "OPTIONAL_IE_INCORRECT")
                    .at("/expTime")
            };
            ["tomorrow", "2001-01-01T00:00:00Z"].map(refused).into()
        }),
        registration(10, "two members that exclude each other", |_| {
            let both = json!({"unfulfilledAcProfs": {"acId": "a"}, "unfulfillAcProfs": [{"acId": "b"}]});
            vec![Case::post(REG, &reg(both)).refused(400, "OPTIONAL_IE_INCORRECT")]
        }),
        registration(11, "100,000 application clients", |_| {
            let many = |count: u32| {
                let profiles: Vec<_> = (0..count).map(|n| json!({"acId": format!("ac.{n}")})).collect();
                Case::post(REG, &reg(json!({"acProfs": profiles})))
            };
            vec![
                many(100_000).refused(413, "PAYLOAD_TOO_LARGE"),
                many(1_001).refused(400, "OPTIONAL_IE_INCORRECT").at("/acProfs"),
            ]
        })
        .differs("100,000 are more than a body may hold, which is looked at first; 1,001 fit and are counted"),
        registration(12, "10,000 levels", |_| {
            let deep = |open: &str, close: &str| {
                let (open, close) = (open.repeat(10_000), close.repeat(10_000));
                format!(r#"{{"eecId":"{EEC}","x":{open}1{close}}}"#).into_bytes()
            };
            texts([deep("[", "]"), deep("{\"a\":", "}")], "INVALID_MSG_FORMAT")
        }),
        registration(13, "10 MiB", |_| {
            let padded = reg(json!({"padding": "x".repeat(10 * 1024 * 1024)}));
            vec![Case::post(REG, &padded).refused(413, "PAYLOAD_TOO_LARGE")]
        }),
        registration(15, "another media type, an encoding", |_| {
            let whole = || Case::post(REG, &reg(json!({}))).refused(415, "UNSUPPORTED_MEDIA_TYPE");
            vec![
                whole().with(header::CONTENT_TYPE, "text/plain"),
                whole().with(header::CONTENT_TYPE, "application/xml"),
                whole().with(header::CONTENT_ENCODING, "gzip"),
            ]
        }),
        registration(17, "the context of somebody else, said to lie here", |site: &Site| {
            let stolen = json!({"eecCntxId": site.others_context, "srcEesId": CALLED});
            vec![
                Case::post(REG, &reg(stolen))
                    .refused(403, "OWNER_MISMATCH")
                    .at("/eecCntxId"),
            ]
        }),
        registration(18, "a method that the path does not have", |_| {
            vec![
                Case::get(REG)
                    .refused(405, "METHOD_NOT_ALLOWED")
                    .saying(header::ALLOW),
            ]
        }),
        registration(19, "PUT of another identity", |site: &Site| {
            vec![
                Case::put(&site.eec_registration, &json!({"eecId": OTHER_EEC}))
                    .refused(403, "MODIFICATION_NOT_ALLOWED")
                    .at("/eecId"),
            ]
        }),
        registration(20, "PUT of what belongs to somebody else", |site: &Site| {
            vec![Case::put(&site.others_eec_registration, &reg(json!({}))).refused(404, "RESOURCE_NOT_FOUND")]
        }),
        registration(21, "PATCH in plain JSON", |site: &Site| {
            let accepts = header::HeaderName::from_static("accept-patch");
            vec![
                Case::patch(&site.eec_registration, &json!({}))
                    .with(header::CONTENT_TYPE, "application/json")
                    .refused(415, "UNSUPPORTED_MEDIA_TYPE")
                    .saying(accepts),
            ]
        }),
        registration(22, "PATCH of the identity", |site: &Site| {
            let refused = |id: Value| {
                Case::patch(&site.eec_registration, &json!({"eecId": id}))
                    .refused(403, "MODIFICATION_NOT_ALLOWED")
                    .at("/eecId")
            };
            vec![
                refused(json!("other")),
                refused(Value::Null),
                Case::patch(&site.eec_registration, &reg(json!({}))).served(200),
            ]
        }),
        registration(23, "PATCH with a JSON patch", |site: &Site| {
            let patch = json!([{"op": "replace", "path": "/eecId", "value": "other"}]);
            let patch = || Case::patch(&site.eec_registration, &patch);
            vec![
                patch().refused(400, "INVALID_MSG_FORMAT"),
                patch()
                    .with(header::CONTENT_TYPE, "application/json-patch+json")
                    .refused(415, "UNSUPPORTED_MEDIA_TYPE"),
            ]
        }),
        registration(24, "PATCH with an element that lacks a member", |site: &Site| {
            vec![
                Case::patch(&site.eec_registration, &json!({"acProfs": [{}]}))
                    .refused(400, "OPTIONAL_IE_INCORRECT")
                    .at("/acProfs/0/acId"),
            ]
        }),
        registration(25, "DELETE of what never was, or is gone", |site: &Site| {
            let gone = || Case::delete(&site.to_be_removed).by(GONE);
            vec![
                Case::delete(format!("{REG}/0123456789abcdef0123456789abcdef")).refused(404, "RESOURCE_NOT_FOUND"),
                gone().served(204),
                gone().refused(404, "RESOURCE_NOT_FOUND"),
            ]
        }),
        registration(26, "DELETE of what cannot be an identifier", |_| {
            let refused =
                |id: String| Case::delete(format!("{REG}/{id}")).refused(404, "RESOURCE_URI_STRUCTURE_NOT_FOUND");
            vec![
                refused("..%2f..%2fadmin".to_owned()),
                refused("%00".to_owned()),
                refused("x".repeat(1_000)),
            ]
        }),
        registration(27, "another version", |_| {
            vec![Case::post(REG.replace("/v1/", "/v9/"), &reg(json!({}))).refused(400, "INVALID_API")]
        }),
        discovery(28, "nobody asks", |_| {
            vec![
                Case::post(DISCOVERY, &json!({}))
                    .refused(400, "MANDATORY_IE_MISSING")
                    .at("/requestorId"),
            ]
        }),
        discovery(29, "two ask", |_| {
            let two = json!({"requestorId": {"eecId": EEC, "easId": EAS}});
            vec![Case::post(DISCOVERY, &two).refused(400, "MANDATORY_IE_INCORRECT")]
        }),
        discovery(30, "an EEC asks as an EES", |_| {
            vec![
                Case::post(DISCOVERY, &json!({"requestorId": {"eesId": OTHER_EES}}))
                    .refused(403, "OWNER_MISMATCH")
                    .at("/requestorId"),
            ]
        }),
        discovery(31, "two kinds of type", |_| {
            let both = json!({"easDiscoveryFilter": {"easChars": [{"stdEasType": "V2X", "easType": "quiz"}]}});
            vec![Case::post(DISCOVERY, &disc(both)).refused(400, "OPTIONAL_IE_INCORRECT")]
        }),
        discovery(32, "a level of service that nobody granted", |_| {
            let gold = json!({"easDiscoveryFilter": {"easChars": [{"easId": EAS, "svcPermLevel": "GOLD"}]}});
            vec![Case::post(DISCOVERY, &disc(gold)).refused(404, "NO_SUITABLE_EAS")]
        })
        .differs("there are no agreements per EEC; the level is a demand on EASs, and an EAS that does not offer it is not found"),
        registration(33, "callbacks that lead inside", |_| {
            subscriptions(
                [
                    "https://127.0.0.1/",
                    "https://[::ffff:7f00:1]/",
                    "https://2130706433/",
                    "https://0x7f.1/",
                    "https://localhost/",
                    "https://169.254.169.254/latest",
                ],
                403,
            )
        }),
        registration(34, "what is no callback at all", |_| {
            subscriptions(
                [
                    "http://corpus.example/",
                    "https://good.example@evil.example/",
                    "https://corpus.example/#x",
                    "file:///etc/passwd",
                    "gopher://corpus.example/",
                ],
                400,
            )
        }),
        registration(35, "PATCH of a callback, so that it leads inside", |site: &Site| {
            vec![
                Case::patch(
                    &site.acr_subscription,
                    &json!({"notificationDestination": "https://10.0.0.1/"}),
                )
                .refused(403, "CALLBACK_NOT_ALLOWED")
                .at("/notificationDestination"),
            ]
        }),
        registration(36, "a subscription to nothing", |_| {
            let nothing = json!({"eecId": EEC, "easIds": [EAS], "notificationDestination": callback("/acr")});
            vec![
                Case::post(ACR_EVENTS, &nothing)
                    .refused(400, "MANDATORY_IE_MISSING")
                    .at("/eventIds"),
            ]
        }),
        registration(37, "PUT of a subscription of somebody else", |site: &Site| {
            let own = availability(EEC, &callback("/mine"));
            vec![Case::put(&site.others_discovery_subscription, &own).refused(404, "SUBSCRIPTION_NOT_FOUND")]
        }),
        registration(71, "one more than the quota", |_| {
            let another = |n| Case::post(DISCOVERY_SUBSCRIPTIONS, &availability(MANY, &callback(&format!("/{n}"))));
            vec![
                another(1).by(MANY).served(201),
                another(2).by(MANY).served(201),
                another(3).by(MANY).refused(403, "QUOTA_EXCEEDED"),
            ]
        })
        .differs("an EEC has one registration anyway, a newer one takes the place of the older: subscriptions are counted"),
        Row::new(47, "an EEC asks for the name of another UE", Door::Edge1, |_| {
            let asks = |ue: Value| {
                let mut whole = json!({"easIds": [EAS]});
                whole.as_object_mut().unwrap().extend(ue.as_object().unwrap().clone());
                Case::post("/eees-ueidentifier/v1/get", &whole)
            };
            vec![
                asks(json!({})).refused(400, "MANDATORY_IE_MISSING"),
                asks(json!({"ueId": ue_of(OTHER_EEC)}))
                    .refused(403, "UE_ID_NOT_VERIFIED")
                    .at("/ueId"),
                asks(json!({"ipAddr": {"ipv4Addr": "198.51.100.2"}}))
                    .refused(400, "MANDATORY_IE_MISSING")
                    .at("/ueId"),
            ]
        })
        .differs("an EEC names its UE by the identifier that its certificate carries; by an address nobody is found for it"),
    ]
}
