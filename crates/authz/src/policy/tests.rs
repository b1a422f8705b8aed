//! Policies that people write, good and bad.

use super::{check::Asked, *};
use edgeapp_core::{
    authorizer::ReferencePoint::{self, Edge1, Edge3, Edge6},
    evidence::{Evidence, SecurityEvent, SecurityEventKind},
    principal::Principal,
};
use std::sync::Mutex;

const CREATE: &str = "eees-easregistration:create";
const DELETE: &str = "eees-easregistration:delete";
const FIND: &str = "eees-easdiscovery:request";

fn catalogue() -> Catalogue {
    Catalogue::new(&[])
        .serves(Edge1, &[FIND])
        .serves(Edge3, &[CREATE, DELETE, FIND])
        .serves(Edge6, &["eecs-eesregistration:create"])
}

/// A folder with one file of policies, and the configuration that names it.
struct Written {
    folder: tempfile::TempDir,
    config: AuthorizationConfig,
}

impl Written {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = AuthorizationConfig {
            policies: Some(folder.path().to_owned()),
            ..AuthorizationConfig::default()
        };
        let written = Self { folder, config };
        written.file("a.cedar", text);
        written
    }

    fn file(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).expect("written");
    }

    fn open(&self) -> Result<LocalPolicy, PolicyError> {
        LocalPolicy::open(&self.config, catalogue())
    }

    fn policy(&self) -> LocalPolicy {
        self.open().unwrap_or_else(|error| panic!("{error}"))
    }

    #[track_caller]
    fn faults(&self) -> Vec<Fault> {
        match self.open() {
            Err(PolicyError::Wrong(faults)) => faults,
            Err(error) => panic!("{error}"),
            Ok(_) => panic!("the policies were taken"),
        }
    }
}

fn policy(text: &str) -> LocalPolicy {
    Written::new(text).policy()
}

fn eas(id: &str) -> Principal {
    let uris = [format!("urn:edgeapp:eas:{id}"), "urn:edgeapp:asp:chess-inc".to_owned()];
    Principal::from_names(uris.iter().map(String::as_str), ["chess.edge-a.example"]).expect("an identity")
}

fn may(policy: &LocalPolicy, principal: &Principal, point: ReferencePoint, operation: &'static str) -> bool {
    match policy.authorize(&Ask::new(principal, point, operation)) {
        Ok(()) => true,
        Err(error) => {
            assert_eq!(error.cause, Cause::Unauthorized, "{error}");
            false
        }
    }
}

/// Remembers events.
#[derive(Default)]
struct Told(Mutex<Vec<SecurityEvent>>);

impl Evidence for Told {
    fn record(&self, event: SecurityEvent) {
        self.0.lock().expect("no panic elsewhere").push(event);
    }
}

impl Told {
    fn events(&self) -> Vec<SecurityEvent> {
        self.0.lock().expect("no panic elsewhere").clone()
    }
}

const EAS_REGISTER: &str = r#"
@id("eas-registration")
permit (principal is Eas, action in Action::"eees-easregistration", resource == Listener::"edge3");
"#;

/// Proves: WP-23
#[test]
fn an_empty_file_refuses_everything() {
    let policy = policy("// nothing yet\n");
    for (point, operation) in catalogue().served() {
        let caller = format!("urn:edgeapp:{}:x", point.caller());
        let caller = Principal::from_names([caller.as_str()], []).expect("an identity");
        assert!(!may(&policy, &caller, *point, operation), "{point} {operation}");
    }
    assert!(policy.in_force().lints()[0].reason.contains("every request is refused"));
}

#[test]
fn a_group_permits_the_operations_of_its_api_on_its_listener() {
    let policy = policy(EAS_REGISTER);
    let eas = eas("eas.chess.example#1");
    assert!(may(&policy, &eas, Edge3, CREATE) && may(&policy, &eas, Edge3, DELETE));
    assert!(!may(&policy, &eas, Edge3, FIND));
    assert!(!may(&policy, &eas, Edge3, "eees-easregistration:unheard-of"));
}

/// A listener is for one role, whatever a policy says.
#[test]
fn no_policy_lets_another_role_in() {
    let mut written = Written::new("permit (principal, action, resource);");
    written.config.allow_policies_that_permit_everything = true;
    let policy = written.policy();
    assert!(may(&policy, &eas("eas.chess.example#1"), Edge3, CREATE));
    assert!(!may(&policy, &eas("eas.chess.example#1"), Edge1, FIND));
}

#[test]
fn conditions_look_at_identifier_provider_and_names() {
    for (condition, holds) in [
        (r#"principal.id == "eas.chess.example""#, true),
        (r#"principal.id like "eas.go.*""#, false),
        (r#"principal.owner == "urn:edgeapp:eas:eas.chess.example#1""#, true),
        (r#"principal == Eas::"urn:edgeapp:eas:eas.chess.example#1""#, true),
        (r#"principal == Eas::"urn:edgeapp:eas:eas.chess.example#2""#, false),
        (r#"principal has provider && principal.provider == "chess-inc""#, true),
        (r#"principal has provider && principal.provider == "go-inc""#, false),
        (r#"principal.dns_names.contains("chess.edge-a.example")"#, true),
        (r#"principal.dns_names.containsAny(["chess.edge-b.example"])"#, false),
    ] {
        let text = EAS_REGISTER.replace(");", &format!(") when {{ {condition} }};"));
        let policy = policy(&text);
        let in_force = policy.in_force();
        assert_eq!(in_force.verdict(Edge3, CREATE), Verdict::ByIdentity, "{condition}");
        // The second time it is remembered.
        for _ in 0..2 {
            let allowed = may(&policy, &eas("eas.chess.example#1"), Edge3, CREATE);
            assert_eq!(allowed, holds, "{condition}");
        }
    }
}

/// What is remembered of one caller is not what another gets, not even one of the same name with another provider.
#[test]
fn what_is_remembered_is_of_one_caller() {
    let text = EAS_REGISTER.replace(");", ") when { principal has provider };");
    let policy = policy(&text);
    let with = eas("eas.chess.example#1");
    let without = Principal::from_names(["urn:edgeapp:eas:eas.chess.example#1"], []).expect("an identity");
    for _ in 0..2 {
        assert!(may(&policy, &with, Edge3, CREATE));
        assert!(!may(&policy, &without, Edge3, CREATE));
    }
}

#[test]
fn a_policy_that_forbids_wins() {
    let text = format!(
        "{EAS_REGISTER}\n@id(\"blocked\")\nforbid (principal == Eas::\"urn:edgeapp:eas:eas.chess.example#1\", action, resource);\n"
    );
    let policy = policy(&text);
    assert!(!may(&policy, &eas("eas.chess.example#1"), Edge3, CREATE));
    assert!(may(&policy, &eas("eas.chess.example#2"), Edge3, CREATE));
}

/// Only what looks at the caller costs more than a look into a table.
#[test]
fn what_looks_at_the_role_only_is_decided_beforehand() {
    let policy = policy(EAS_REGISTER);
    let in_force = policy.in_force();
    assert_eq!(in_force.verdict(Edge3, CREATE), Verdict::Allowed);
    assert_eq!(in_force.verdict(Edge3, FIND), Verdict::Refused);
    assert!(in_force.rules().iter().all(|rule| !rule.by_identity));
}

/// Each mistake is told with its line and a remedy that names what there is.
#[test]
fn mistakes_are_told_with_file_line_and_remedy() {
    let about = |caller: &str, action: &str, listener: &str| {
        format!(
            "// a comment\n\npermit (\n    principal is {caller},\n    action == Action::\"{action}\",\n    resource == Listener::\"{listener}\"\n);\n"
        )
    };
    for (text, line, reason, remedy) in [
        (about("Eaz", CREATE, "edge3"), 4, "Eaz", "Eec, Eas, Ees"),
        (
            about("Eas", "eees-easregistration:crate", "edge3"),
            5,
            "eees-easregistration:crate",
            CREATE,
        ),
        (about("Eas", CREATE, "edge7"), 6, "edge7", "edge1, edge3, edge6"),
        // It is all known, and no EEC ever gets there.
        (about("Eec", CREATE, "edge3"), 3, "", "it never decides anything"),
        (
            about("Eas", CREATE, "edge1"),
            3,
            "about nothing",
            "edge3 (Eas): eees-easregistration",
        ),
        (
            "permit (principal is Eas, action, resource)".to_owned(),
            1,
            "no Cedar policy",
            "`;`",
        ),
        (
            format!("{EAS_REGISTER}{EAS_REGISTER}"),
            5,
            "same @id as",
            "an @id of its own",
        ),
        (
            EAS_REGISTER.replace(");", ")\nwhen { principal.name == \"x\" };"),
            4,
            "name",
            "",
        ),
        (
            EAS_REGISTER.replace(");", ")\nwhen { principal.provider == \"x\" };"),
            4,
            "provider",
            "has",
        ),
        (
            "\npermit (principal == ?principal, action, resource);".to_owned(),
            2,
            "template",
            "instead of",
        ),
        (
            "\n\npermit (principal, action, resource);".to_owned(),
            3,
            "permits everything",
            "allow_policies_that_permit_everything",
        ),
        (
            "permit (principal, action, resource) when { true };".to_owned(),
            1,
            "permits everything",
            "allow_policies_that_permit_everything",
        ),
    ] {
        let written = Written::new(&text);
        let faults = written.faults();
        let fault = &faults[0];
        let said = fault.to_string();
        assert_eq!(fault.file, written.folder.path().join("a.cedar"), "{said}");
        assert_eq!(fault.line, line, "{said}\n{text}");
        assert!(fault.reason.contains(reason), "{reason}: {said}");
        assert!(
            fault.remedy.to_lowercase().contains(&remedy.to_lowercase()) && !fault.remedy.is_empty(),
            "{remedy}: {said}"
        );
    }
}

/// Whoever blocks somebody by a name that nobody has would never hear of it.
#[test]
fn a_name_that_no_caller_can_have_is_a_mistake() {
    let forbid = |who: &str| format!("\nforbid ({who}, action, resource);");
    let when =
        |condition: &str| format!("{EAS_REGISTER}\nforbid (principal, action, resource)\nwhen {{ {condition} }};");
    for (text, line, remedy) in [
        (
            forbid(r#"principal == Eec::"eec-13""#),
            2,
            r#"write Eec::"urn:edgeapp:eec:eec-13""#,
        ),
        (
            forbid(r#"principal in Eec::"eec-13""#),
            2,
            r#"Eec::"urn:edgeapp:eec:eec-13""#,
        ),
        (
            forbid(r#"principal == Eec::"urn:edgeapp:eas:eec-13""#),
            2,
            r#"write Eec::"urn:edgeapp:eec:eec-13""#,
        ),
        (
            forbid(r#"principal == Eec::"urn:edgeapp:eec:a%62""#),
            2,
            r#"write Eec::"urn:edgeapp:eec:ab""#,
        ),
        (
            forbid(r#"principal == Eas::"eas.chess.example#1""#),
            2,
            r#"Eas::"urn:edgeapp:eas:eas.chess.example#<instance>""#,
        ),
        (when(r#"principal == Eec::"eec-13""#), 6, r#""urn:edgeapp:eec:eec-13""#),
        (
            when(r#"principal.id == "urn:edgeapp:eec:eec-13""#),
            6,
            r#"write "eec-13""#,
        ),
        (
            when(r#""urn:edgeapp:eec:eec-13" == principal.id"#),
            6,
            r#"write "eec-13""#,
        ),
        (
            when(r#"["eec-1", "urn:edgeapp:eec:eec-13"].contains(principal.id)"#),
            6,
            r#"write "eec-13""#,
        ),
        (when(r#"principal.id like "urn:edgeapp:eec:*""#), 6, "principal.owner"),
        (when(r#"principal.owner == "eec-13""#), 6, "principal.id"),
        (
            when(r#"principal has provider && principal.provider == "urn:edgeapp:asp:chess-inc""#),
            6,
            r#"write "chess-inc""#,
        ),
        (
            when(r#"principal.dns_names.contains("Chess.example")"#),
            6,
            r#"write "chess.example""#,
        ),
        (
            EAS_REGISTER.replace(");", ")\nwhen { principal.id == \"eas.chess.example#1\" };"),
            4,
            r#"write "eas.chess.example""#,
        ),
    ] {
        let written = Written::new(&text);
        let faults = written.faults();
        let said = faults[0].to_string();
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert_eq!(faults[0].line, line, "{said}\n{text}");
        assert!(
            said.contains("a.cedar:") && faults[0].remedy.contains(remedy),
            "{remedy}: {said}"
        );
    }
    // An EAS without an instance is somebody, though hardly who is meant.
    let text = format!(
        "{EAS_REGISTER}{}",
        forbid(r#"principal == Eas::"urn:edgeapp:eas:eas.chess.example""#)
    );
    let lints = policy(&text).in_force().lints().to_vec();
    assert!(
        lints.iter().any(|lint| lint.remedy.contains("#<instance>")),
        "{lints:?}"
    );
    for good in [
        r#"principal == Eec::"urn:edgeapp:eec:eec-13""#,
        r#"principal == Eas::"urn:edgeapp:eas:eas.chess.example#1""#,
    ] {
        policy(&format!("{EAS_REGISTER}{}", forbid(good)));
    }
    for good in [
        r#"principal.id == "eec-13" || principal.owner == "urn:edgeapp:eec:eec-13""#,
        r#"principal.id like "*.edge-a.example" || principal.dns_names.contains("chess.example")"#,
    ] {
        policy(&when(good));
    }
}

#[test]
fn all_files_are_told_of_at_once() {
    let written = Written::new("permit (principal is Eaz, action, resource);");
    written.file("b.cedar", "nonsense");
    let faults = written.faults();
    let names: Vec<_> = faults
        .iter()
        .filter_map(|fault| fault.file.file_name()?.to_str())
        .collect();
    assert!(names.contains(&"a.cedar") && names.contains(&"b.cedar"), "{faults:?}");
}

#[test]
fn a_path_without_policies_is_refused() {
    let written = Written::new("");
    std::fs::rename(
        written.folder.path().join("a.cedar"),
        written.folder.path().join("a.cedar.off"),
    )
    .expect("renamed");
    assert!(matches!(written.open(), Err(PolicyError::NoFiles(_))));
    let missing = AuthorizationConfig {
        policies: Some(written.folder.path().join("missing")),
        ..AuthorizationConfig::default()
    };
    let refused = LocalPolicy::open(&missing, catalogue());
    assert!(matches!(refused, Err(PolicyError::Unreadable { .. })));
}

#[cfg(unix)]
#[test]
fn a_file_that_everybody_may_write_to_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let written = Written::new(EAS_REGISTER);
    let file = written.folder.path().join("a.cedar");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o646)).expect("set");
    assert!(matches!(written.open(), Err(PolicyError::WritableByAll(at)) if at == file));
}

#[cfg(unix)]
#[test]
fn a_folder_that_everybody_may_write_to_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let written = Written::new(EAS_REGISTER);
    let folder = written.folder.path();
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).expect("set");
    assert!(matches!(written.open(), Err(PolicyError::WritableByAll(at)) if at == folder));
    // With the sticky bit, nobody puts another file in the place of one.
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o1777)).expect("set");
    assert!(written.open().is_ok());
}

#[test]
fn a_file_that_is_too_large_or_too_deep_is_refused_before_it_is_read() {
    let deep = format!(
        "permit (principal, action, resource)\nwhen {{ {}true{} }};",
        "(".repeat(100_000),
        ")".repeat(100_000)
    );
    let faults = Written::new(&deep).faults();
    assert_eq!(faults[0].line, 2, "{faults:?}");
    assert!(faults[0].reason.contains("brackets"), "{faults:?}");
    let chained = format!(
        "permit (principal, action, resource)\nwhen {{ true{} }};",
        " && true".repeat(100_000)
    );
    let faults = Written::new(&chained).faults();
    assert!(faults[0].reason.contains("operators"), "{faults:?}");
    let faults = Written::new(&"//\n".repeat(400_000)).faults();
    assert!(faults[0].reason.contains("bytes"), "{faults:?}");
}

/// Proves: T-34
#[test]
fn everything_may_be_permitted_where_the_configuration_says_so_and_is_warned_of() {
    let mut written = Written::new("@id(\"lab\")\npermit (principal, action, resource);");
    written.config.allow_policies_that_permit_everything = true;
    let policy = written.policy();
    let lints = policy.in_force().lints().to_vec();
    assert!(
        lints[0].reason.contains("permits everything") && lints[0].line == 1,
        "{lints:?}"
    );
}

/// Proves: WP-36, T-34
#[test]
fn a_wrong_set_leaves_the_old_one_and_both_outcomes_are_told() {
    let written = Written::new(EAS_REGISTER);
    let policy = written.policy();
    let (told, eas) = (Told::default(), eas("eas.chess.example#1"));
    let first = policy.in_force().hash().to_owned();
    assert_eq!(policy.reload(&told).ok(), Some(Reloaded::Same));
    assert_eq!(told.events(), []);

    written.file("b.cedar", "permit (principal is Eaz, action, resource);");
    assert!(policy.reload(&told).is_err());
    assert!(may(&policy, &eas, Edge3, CREATE));
    assert_eq!(policy.in_force().hash(), first);

    written.file("b.cedar", "");
    written.file("a.cedar", "");
    assert_eq!(policy.reload(&told).ok(), Some(Reloaded::Taken));
    assert!(!may(&policy, &eas, Edge3, CREATE));
    let second = policy.in_force().hash().to_owned();

    let events = told.events();
    assert_eq!(events.len(), 2, "{events:?}");
    for event in &events {
        assert_eq!(event.kind, SecurityEventKind::ConfigChanged);
        let about = event.target.as_deref().unwrap_or_default();
        assert!(about.contains(&*written.folder.path().to_string_lossy()), "{about}");
        let actor = event.actor.as_ref().map(edgeapp_core::principal::Owner::as_str);
        assert!(
            !cfg!(unix) || actor.is_some_and(|actor| actor.starts_with("urn:edgeapp:operator:user-")),
            "{actor:?}"
        );
    }
    assert!(
        events[0].reason.starts_with("refused: ") && events[0].reason.matches(&first[..12]).count() == 2,
        "{events:?}"
    );
    let told = events[0].reason.find("b.cedar:1");
    assert!(told.is_some_and(|at| at < 160), "a record has room for it: {events:?}");
    assert_eq!(events[1].reason, format!("taken: before {first}, in force {second}"));
}

/// What was remembered under the old policies does not outlive them.
#[test]
fn decisions_are_remembered_per_set() {
    let by_provider = EAS_REGISTER.replace(
        ");",
        ") when { principal has provider && principal.provider == \"chess-inc\" };",
    );
    let written = Written::new(&by_provider);
    let (policy, eas) = (written.policy(), eas("eas.chess.example#1"));
    assert!(may(&policy, &eas, Edge3, CREATE));
    written.file("a.cedar", &by_provider.replace("chess-inc", "go-inc"));
    policy.reload(&Told::default()).expect("taken");
    assert!(!may(&policy, &eas, Edge3, CREATE));
}

/// Files that change are found without being told; the events tell when.
#[tokio::test(start_paused = true)]
async fn changed_files_are_taken() {
    struct Channel(tokio::sync::mpsc::UnboundedSender<SecurityEvent>);
    impl Evidence for Channel {
        fn record(&self, event: SecurityEvent) {
            let _ = self.0.send(event);
        }
    }
    let (sender, mut events) = tokio::sync::mpsc::unbounded_channel();
    let written = Written::new(EAS_REGISTER);
    let policy = Arc::new(written.policy());
    policy.follow(Arc::new(Channel(sender)));
    written.file("a.cedar", "nonsense");
    let refused = events.recv().await.expect("an event");
    assert!(refused.reason.starts_with("refused: "), "{refused:?}");
    assert!(may(&policy, &eas("eas.chess.example#1"), Edge3, CREATE));
    written.file(
        "b.cedar",
        &format!(
            "{EAS_REGISTER}permit (principal is Eas, action == Action::\"{FIND}\", resource == Listener::\"edge3\");"
        ),
    );
    std::fs::remove_file(written.folder.path().join("a.cedar")).expect("removed");
    let taken = events.recv().await.expect("an event");
    assert!(taken.reason.starts_with("taken: "), "{taken:?}");
    assert!(may(&policy, &eas("eas.chess.example#1"), Edge3, FIND));
}

fn asked(principal: &str, operation: &str, listener: &str) -> Asked {
    Asked {
        principal: principal.to_owned(),
        operation: operation.to_owned(),
        listener: listener.to_owned(),
        ..Asked::default()
    }
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn a_question_is_answered_with_the_policies_that_decided() {
    let chess = "urn:edgeapp:eas:eas.chess.example#1";
    let text = format!(
        "{EAS_REGISTER}\n@id(\"go-finds\")\n@why(\"for the trial\")\npermit (principal is Eas, action == Action::\"{FIND}\", resource == Listener::\"edge3\")\nwhen {{ principal.id == \"eas.go.example\" }};\n"
    );
    let written = Written::new(&text);
    let policy = written.policy();
    let said = |asked: &Asked| {
        let answer = check::answer(&policy, asked).expect("an answer");
        (answer.allowed, plain(&answer.text))
    };
    let (allowed, why) = said(&asked(chess, CREATE, "edge3"));
    assert!(
        allowed && why.contains("permitted by eas-registration at ") && why.contains("a.cedar:2"),
        "{why}"
    );
    let (allowed, why) = said(&asked(chess, FIND, "edge3"));
    assert!(!allowed && why.contains("no policy permits it"), "{why}");
    assert!(
        why.contains("go-finds") && why.contains("condition does not hold") && why.contains("for the trial"),
        "{why}"
    );
    let (allowed, why) = said(&asked("urn:edgeapp:eec:eec-1", CREATE, "edge3"));
    assert!(!allowed && why.contains("serves the role eas only"), "{why}");
    let mut of_another = asked(chess, DELETE, "edge3");
    of_another.owner = Some("urn:edgeapp:eas:eas.chess.example#2".to_owned());
    let (allowed, why) = said(&of_another);
    assert!(!allowed && why.contains("404"), "{why}");
    of_another.owner = Some(chess.to_owned());
    assert!(said(&of_another).0);

    for (asked, told) in [
        (asked("eas-1", CREATE, "edge3"), "urn:edgeapp:<role>:<id>"),
        (asked(chess, CREATE, "edge4"), "edge1, edge3, edge6"),
        (asked(chess, "eees-easregistration:crate", "edge3"), CREATE),
    ] {
        let error = check::answer(&policy, &asked).expect_err("no answer").to_string();
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn the_table_shows_what_is_allowed_to_whom() {
    let text = EAS_REGISTER.replace(
        "action in Action::\"eees-easregistration\"",
        &format!("action == Action::\"{CREATE}\""),
    ) + "@id(\"site\")\npermit (principal is Ees, action in Action::\"eecs-eesregistration\", resource) when { principal.id == \"ees-a\" };";
    let table = plain(&check::table(&policy(&text)));
    let line = |begin: &str| {
        let line = table.lines().find(|line| line.starts_with(begin));
        line.unwrap_or_else(|| panic!("{begin}: {table}"))
            .split("   ")
            .map(str::trim)
            .filter(|cell| !cell.is_empty())
            .collect::<Vec<_>>()
    };
    assert_eq!(line("API"), ["API", "edge1 Eec", "edge3 Eas", "edge6 Ees"]);
    assert_eq!(
        line("eees-easregistration"),
        ["eees-easregistration", "·", "1 of 2", "·"]
    );
    assert_eq!(line("eees-easdiscovery"), ["eees-easdiscovery", "none", "none", "·"]);
    assert_eq!(
        line("eecs-eesregistration"),
        ["eecs-eesregistration", "·", "·", "some callers"]
    );
    assert!(table.contains(&format!("refused  edge3 {DELETE}")), "{table}");
    assert!(
        table.contains("depends  edge6 eecs-eesregistration:create  on who asks: site at "),
        "{table}"
    );
}

#[test]
fn hashes_tell_files_apart() {
    let hash = |files: &[(&str, &str)]| {
        let written = Written::new("");
        for (name, text) in files {
            written.file(name, text);
        }
        written.policy().in_force().hash().to_owned()
    };
    assert_eq!(hash(&[]), hash(&[]));
    assert_eq!(hash(&[]).len(), 64);
    assert_ne!(hash(&[("b.cedar", "// x")]), hash(&[("c.cedar", "// x")]));
    assert_ne!(hash(&[("b.cedar", "// x")]), hash(&[("b.cedar", "// y")]));
    assert_eq!(hash(&[]), hash(&[("b.txt", "not a policy")]));
}
