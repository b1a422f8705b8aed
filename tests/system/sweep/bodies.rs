//! Bodies that are no messages, or wrong ones: refused with a pointer to what is wrong, and nothing is stored.

use super::{
    sample::{members, of_wrong_type, resolve},
    world::{Place, World},
};
use edgeapp_system_tests::caller::{Answer, Caller};
use http::Method;
use serde_json::{Value, json};

/// A place with its owner, the media type of its body and the smallest valid body.
struct Target {
    place: Place,
    owner: Caller,
    media: String,
    body: Value,
}

impl Target {
    async fn send(&self, media: &str, body: impl Into<bytes::Bytes>) -> Answer {
        self.owner
            .send(self.place.operation.method.clone(), &self.place.path, media, body)
            .await
    }

    async fn send_json(&self, body: &Value) -> Answer {
        self.send(&self.media, body.to_string()).await
    }

    /// Whether the owner may use this operation at this place at all.
    async fn is_open(&self) -> bool {
        // A body that cannot be read is looked at only after the permit, and changes nothing.
        self.send(&self.media, "{").await.status.as_u16() != 403
    }
}

async fn targets(world: &World) -> Vec<Target> {
    let mut targets = Vec::new();
    for place in world.places().await {
        let Some((media, _)) = place.operation.body.clone() else {
            continue;
        };
        let (owner, body) = (world.owner(&place), world.body(&place).unwrap());
        let target = Target {
            place,
            owner,
            media,
            body,
        };
        assert!(
            target.is_open().await,
            "{} is not open to its owner",
            target.place.operation
        );
        targets.push(target);
    }
    targets
}

/// Nothing, blanks, half a message, two messages, no object, a member twice, too deep: no message.
///
/// Proves: WP-50, T-17
#[tokio::test]
async fn what_is_no_message_is_refused() {
    let mut world = World::open().await;
    for target in targets(&world).await {
        let whole = match &target.body {
            body if body.as_object().is_some_and(serde_json::Map::is_empty) => {
                json!({"expTime": "2099-01-01T00:00:00Z"})
            }
            body => body.clone(),
        };
        let whole = whole.to_string();
        // Of a list of changes a list of lists is one that is wrong inside, and two in one are one more.
        let (list, twice) = match target.body.is_array() {
            true => ("{}".to_owned(), format!("{whole}{whole}")),
            false => (
                format!("[{whole}]"),
                format!("{},{}", &whole[..whole.len() - 1], &whole[1..]),
            ),
        };
        let deep = |levels: usize| {
            format!(
                "{},\"x\":{}1{}}}",
                &whole[..whole.len() - 1],
                "[".repeat(levels),
                "]".repeat(levels)
            )
        };
        let bad: [(&str, Vec<u8>); 12] = [
            ("empty", Vec::new()),
            ("blank", b" \r\n\t".to_vec()),
            ("cut", whole.as_bytes()[..whole.len() - 1].to_vec()),
            ("half", whole.as_bytes()[..whole.len() / 2].to_vec()),
            ("followed", format!("{whole} x").into_bytes()),
            ("array", list.into_bytes()),
            ("number", b"7".to_vec()),
            ("null", b"null".to_vec()),
            ("twice", twice.into_bytes()),
            ("deep", deep(32).into_bytes()),
            ("not UTF-8", [b"{\"x\":\"", &[0xff, 0xfe][..], b"\"}"].concat()),
            (
                "very deep",
                [&whole.as_bytes()[..1], "{\"a\":".repeat(40_000).as_bytes()].concat(),
            ),
        ];
        for (what, body) in bad {
            let answer = target.send(&target.media, body).await;
            let context = format!("{}, {what}: {} {}", target.place.operation, answer.status, answer.body);
            assert_eq!(
                (answer.status.as_u16(), answer.body["cause"].as_str()),
                (400, Some("INVALID_MSG_FORMAT")),
                "{context}"
            );
            answer.is_a_problem();
        }
    }
    world.remains_as_it_was().await;
}

/// What editors, terminals and readers of logs obey, each alone: control characters, and signs that turn or end a line.
fn controls() -> impl Iterator<Item = char> {
    (0..0x20_u8)
        .map(char::from)
        .chain(['\u{7f}', '\u{85}', '\u{9b}', '\u{2028}', '\u{202e}', '\u{2066}'])
}

/// The body with this text in this member.
fn with_text(target: &Target, name: &str, text: &str) -> Value {
    let mut body = target.body.clone();
    body[name] = json!(text);
    body
}

/// T-28: whatever stands in a text, a record of it is one line that says the same when it is read, in the audit log and in the ordinary one.
///
/// Proves: T-28, WP-32
#[tokio::test]
async fn no_text_breaks_out_of_a_log() {
    let audit = |folder: &str| format!("[audit]\nfolder = \"{folder}\"\nkey = \"pki/audit.key\"\n");
    let (ees, ecs) = (audit("audit-ees"), audit("audit-ecs"));
    let world = World::open_with([&ees, &ecs]).await;
    let everything: String = controls().collect();
    let forged = "\u{1b}[2J\"}\r\n{\"event\":\"FORGED\",\"level\":\"FORGED\"}\n";
    for target in targets(&world).await {
        let (_, schema) = target.place.operation.body.clone().unwrap();
        let schemas = &target.place.operation.schemas;
        let texts: Vec<String> = members(&schema, schemas)
            .into_iter()
            .filter(|(_, schema, _)| resolve(schema, schemas)["type"] == "string")
            .map(|(name, ..)| name)
            .collect();
        // Every member with all of them, the first one with each of them alone.
        let of_all = texts
            .iter()
            .flat_map(|name| [(name, everything.clone()), (name, forged.to_owned())]);
        let one_by_one = texts
            .first()
            .into_iter()
            .flat_map(|name| controls().map(move |c| (name, format!("a{c}b"))));
        for (name, text) in of_all.chain(one_by_one) {
            let answer = target.send_json(&with_text(&target, name, &text)).await;
            let status = answer.status.as_u16();
            assert!(
                status < 500,
                "{}, /{name} {text:?}: {status} {}",
                target.place.operation,
                answer.body
            );
        }
        // Unescaped, they are no JSON.
        for control in (0..0x20_u8).filter(|control| !b"\t\n\r".contains(control)) {
            let body = [b"{\"a", &[control][..], b"\": 1}"].concat();
            let answer = target.send(&target.media, body).await;
            assert_eq!(answer.status, 400, "{}, {control:#x}", target.place.operation);
        }
    }
    let logs = world
        .plans
        .each_ref()
        .map(|plan| std::fs::read_to_string(plan.log()).unwrap());
    for (folder, server, log) in [("audit-ees", "ees", &logs[0]), ("audit-ecs", "ecs", &logs[1])] {
        let folder = world.lab.path().join(folder);
        let verified = crate::audit::verify(&world.lab, server, &folder, &[]);
        assert!(
            verified.status.success(),
            "{}",
            String::from_utf8_lossy(&verified.stderr)
        );
        let records = crate::audit::lines(&folder);
        assert!(records.len() > 50, "{} records", records.len());
        for line in records.iter().map(String::as_str).chain(log.lines()) {
            let record: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
            assert!(record["event"] != "FORGED" && record["level"] != "FORGED", "{line}");
            assert!(
                !line.chars().any(|c| controls().any(|control| c == control)),
                "{line:?}"
            );
        }
    }
}

/// The deepest nesting that is accepted is 32 levels.
///
/// Proves: T-17, H-12
#[tokio::test]
async fn thirty_two_levels_are_not_too_deep() {
    let mut world = World::open().await;
    let targets = targets(&world).await;
    let target = targets
        .iter()
        .find(|target| target.place.operation.id == "ModifyIndEASRegistration")
        .unwrap();
    let nested = |levels: usize| format!("{{\"unknown\":{}1{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
    target.send(&target.media, nested(32)).await.found();
    target
        .send(&target.media, nested(33))
        .await
        .refused(400, "INVALID_MSG_FORMAT");
    world.remains_as_it_was().await;
}

/// Another media type, none, or a content encoding: 415. The media type may carry parameters.
///
/// Proves: WP-50, H-15, H-21
#[tokio::test]
async fn a_wrong_media_type_is_refused() {
    let mut world = World::open().await;
    for target in targets(&world).await {
        let other = if target.media == "application/json" {
            "application/merge-patch+json"
        } else {
            "application/json"
        };
        for media in [
            "",
            "text/plain",
            "application/xml",
            "application/x-www-form-urlencoded",
            "nonsense",
            other,
        ] {
            let answer = target.send(media, target.body.to_string()).await;
            assert_eq!(
                answer.status.as_u16(),
                415,
                "{}, {media}: {}",
                target.place.operation,
                answer.body
            );
            answer.refused(415, "UNSUPPORTED_MEDIA_TYPE");
            if target.place.operation.method == Method::PATCH {
                assert_eq!(answer.headers["accept-patch"], target.media.as_str());
            }
        }
    }
    world.remains_as_it_was().await;
}

/// A mandatory member that is missing is named by a JSON pointer.
///
/// Proves: WP-50, H-02
#[tokio::test]
async fn a_missing_member_is_named() {
    let mut world = World::open().await;
    for target in targets(&world).await {
        let (_, schema) = target.place.operation.body.clone().unwrap();
        for (name, _, mandatory) in members(&schema, &target.place.operation.schemas) {
            if !mandatory {
                continue;
            }
            for (null, cause) in [(false, "MANDATORY_IE_MISSING"), (true, "MANDATORY_IE_INCORRECT")] {
                let mut body = target.body.clone();
                match null {
                    true => body[&name] = Value::Null,
                    false => drop(body.as_object_mut().unwrap().remove(&name)),
                }
                let answer = target.send_json(&body).await;
                let context = format!("{} without {name} ({null}): {}", target.place.operation, answer.body);
                assert_eq!(
                    (answer.status.as_u16(), answer.body["cause"].as_str()),
                    (400, Some(cause)),
                    "{context}"
                );
                answer.is_a_problem();
                assert_eq!(answer.at_fault(), [format!("/{name}")], "{context}");
            }
        }
    }
    world.remains_as_it_was().await;
}

/// A member of the wrong type is named by a JSON pointer, whether mandatory or not, also one level down.
///
/// Proves: WP-50, H-03
#[tokio::test]
async fn a_member_of_the_wrong_type_is_named() {
    let mut world = World::open().await;
    let mut swept = 0;
    for target in targets(&world).await {
        let operation = &target.place.operation;
        let (_, schema) = operation.body.clone().unwrap();
        for (name, schema, mandatory) in members(&schema, &operation.schemas) {
            if resolve(&schema, &operation.schemas)["readOnly"] == true || schema["readOnly"] == true {
                continue;
            }
            let mut body = target.body.clone();
            body[&name] = of_wrong_type(&schema, &operation.schemas);
            let answer = target.send_json(&body).await;
            // A patch may touch what is mandatory in the resource.
            let mandatory = mandatory || operation.method == Method::PATCH;
            is_at_fault(&target, &answer, &format!("/{name}"), mandatory);
            swept += 1;
            let Value::Object(_) = target.body[&name] else { continue };
            for (inner, schema, _) in members(&schema, &operation.schemas) {
                let mut body = target.body.clone();
                body[&name][&inner] = of_wrong_type(&schema, &operation.schemas);
                is_at_fault(
                    &target,
                    &target.send_json(&body).await,
                    &format!("/{name}/{inner}"),
                    mandatory,
                );
                swept += 1;
            }
        }
    }
    assert!(swept > 100, "{swept}");
    world.remains_as_it_was().await;
}

fn is_at_fault(target: &Target, answer: &Answer, pointer: &str, mandatory: bool) {
    let context = format!(
        "{} with a bad {pointer}: {} {}",
        target.place.operation, answer.status, answer.body
    );
    assert_eq!(answer.status.as_u16(), 400, "{context}");
    answer.is_a_problem();
    let cause = answer.body["cause"].as_str().unwrap();
    let expected = if mandatory {
        ["MANDATORY_IE_INCORRECT", "OPTIONAL_IE_INCORRECT"]
    } else {
        ["OPTIONAL_IE_INCORRECT"; 2]
    };
    assert!(expected.contains(&cause), "{context}");
    assert!(
        answer.at_fault().iter().any(|fault| fault.starts_with(pointer)),
        "{context}"
    );
}

/// One byte more than 256 KiB is too much, with or without a length in front.
///
/// Proves: T-16, H-13
#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let mut world = World::open().await;
    for target in targets(&world).await {
        let mut body = target.body.clone();
        // The only change that a list is made of takes a member more as well.
        let whole = match body.is_array() {
            true => &mut body[0],
            false => &mut body,
        };
        let length = target.body.to_string().len();
        whole["padding"] = "x".repeat(256 * 1024 + 1 - length - ",\"padding\":\"\"".len()).into();
        let body = body.to_string();
        assert!((256 * 1024..=256 * 1024 + 2).contains(&body.len()), "{}", body.len());
        let body = if body.len() > 256 * 1024 {
            body
        } else {
            format!("{body} ")
        };
        let answer = target.send(&target.media, body).await;
        assert_eq!(
            answer.status.as_u16(),
            413,
            "{}: {}",
            target.place.operation,
            answer.body
        );
        answer.refused(413, "PAYLOAD_TOO_LARGE");
    }
    world.remains_as_it_was().await;
}
