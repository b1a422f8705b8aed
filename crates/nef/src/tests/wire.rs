//! What the adapter does on the wire, against a fake NEF over real TLS.

use super::fake_nef::{Answer, Arrived, FakeNef, REPORTS, Turn, status};
use axum::http::{Method, Version};
use edgeapp_core::network::{
    AckTo, AddressAsk, Asked, CoreNetwork, CoreReport, Link, LocationAsk, LocationWatch, NetworkError, Service, Target,
    Token, Verdict,
};
use serde_json::{Value, json};
use std::time::Duration;

const COLLECTION: &str = "/gw/3gpp-monitoring-event/v1/ees-a/subscriptions";

fn ask() -> LocationAsk {
    LocationAsk {
        ue: "extid-ue1@example.org".parse().expect("a GPSI"),
        accuracy: None,
        qos: None,
    }
}

fn watch() -> Asked {
    Asked::Location(LocationWatch {
        target: Target::Ue("extid-ue1@example.org".parse().expect("a GPSI")),
        accuracy: None,
        qos: None,
        until: "2026-01-01T01:00:00Z".parse().expect("an instant"),
    })
}

fn token() -> Token {
    Token::new("a-token")
}

fn here() -> Answer {
    status(200).json(&json!({"monitoringType": "LOCATION_REPORTING", "locationInfo": {"cellId": "1"}}))
}

fn link(fake: &FakeNef, id: &str) -> Link {
    Link {
        service: Service::Location,
        uri: format!("{}{COLLECTION}/{id}", fake.origin).parse().expect("a URI"),
    }
}

/// A listed subscription that reports to us.
fn listed(id: &str, token: &str) -> Value {
    json!({"self": format!("{COLLECTION}/{id}"), "notificationDestination": format!("{REPORTS}{token}")})
}

fn is_unavailable<T: std::fmt::Debug>(outcome: &Result<T, NetworkError>) -> bool {
    matches!(outcome, Err(NetworkError::Unavailable { .. }))
}

mod connections {
    use super::*;

    /// Proves: WP-07, WP-05
    #[tokio::test]
    async fn both_ends_prove_who_they_are_and_the_path_of_the_root_stays() {
        let fake = FakeNef::with([here()]).await;
        let report = fake.client(json!({})).locate(&ask()).await.expect("a location");
        assert!(report.location.is_some());
        let [arrived] = &fake.arrived()[..] else {
            panic!("one request")
        };
        assert_eq!(arrived.who, "urn:edgeapp:ees:ees.example");
        assert_eq!(arrived.line(), format!("POST {COLLECTION}"));
        assert_eq!(arrived.headers["content-type"], "application/json");
        assert_eq!(arrived.credential(), "");
    }

    #[tokio::test]
    async fn either_version_of_http_will_do() {
        for (http2, version) in [(true, Version::HTTP_2), (false, Version::HTTP_11)] {
            let fake = FakeNef::speaking(http2, |_| Some(here().into())).await;
            fake.client(json!({})).locate(&ask()).await.expect("a location");
            assert_eq!(fake.arrived()[0].version, version);
        }
    }

    /// The client trusts the issuers of NEFs and nobody else.
    ///
    /// Proves: WP-07, WP-05
    #[tokio::test]
    async fn a_nef_of_another_issuer_hears_nothing() {
        let (fake, other) = (FakeNef::with([here()]).await, FakeNef::with([here()]).await);
        let client = fake.client(json!({"api_root": format!("{}/gw", other.origin)}));
        assert!(is_unavailable(&client.locate(&ask()).await));
        assert_eq!(other.lines().len(), 0);
    }

    #[tokio::test]
    async fn nothing_goes_over_plain_http_without_its_long_name() {
        let fake = FakeNef::with([here()]).await;
        let plain = fake.origin.replace("https", "http");
        let client = fake.client(json!({"api_root": plain, "allow_plain_http_to_nef_on_trusted_networks_only": true}));
        // The settings allow it, the client that was built without it does not.
        assert!(is_unavailable(&client.locate(&ask()).await));
        assert_eq!(fake.lines().len(), 0);
    }
}

mod credentials {
    use super::*;
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    fn oauth(fake: &FakeNef) -> Value {
        let secret = fake.file("secret", "open sesame\n");
        json!({"oauth": {"token_url": format!("{}/token", fake.origin), "client_id": "ees-a", "client_secret_file": secret,
            "scope": "nef"}})
    }

    fn given(token: &str, expires_in: u64) -> Turn {
        status(200)
            .json(&json!({"access_token": token, "token_type": "Bearer", "expires_in": expires_in}))
            .into()
    }

    /// A fake that gives the tokens `t1`, `t2`, … and serves who has one that `good` likes.
    async fn tokens(expires_in: u64, good: impl Fn(&str) -> bool + Send + 'static) -> FakeNef {
        let mut given_out = 0;
        FakeNef::that(move |arrived| {
            if arrived.path == "/token" {
                given_out += 1;
                return Some(given(&format!("t{given_out}"), expires_in));
            }
            let good = good(arrived.credential().trim_start_matches("Bearer "));
            Some(if good { here() } else { status(401) }.into())
        })
        .await
    }

    #[tokio::test]
    async fn a_fixed_token_goes_with_every_call_and_is_not_tried_twice() {
        let fake = FakeNef::with([here(), status(401)]).await;
        let file = fake.file("token", "fixed\n");
        let client = fake.client(json!({"token_file": file}));
        client.locate(&ask()).await.expect("a location");
        assert!(is_unavailable(&client.locate(&ask()).await));
        let credentials: Vec<_> = fake
            .arrived()
            .iter()
            .map(|arrived| arrived.credential().to_owned())
            .collect();
        assert_eq!(credentials, ["Bearer fixed", "Bearer fixed"]);
    }

    /// Proves: WP-07
    #[tokio::test]
    async fn a_token_is_fetched_once_and_used_while_it_lives() {
        let fake = tokens(3600, |token| token == "t1").await;
        let client = fake.client(oauth(&fake));
        client.locate(&ask()).await.expect("a location");
        client.locate(&ask()).await.expect("a location");
        let arrived = fake.arrived();
        assert_eq!(arrived.iter().filter(|arrived| arrived.path == "/token").count(), 1);
        let form = String::from_utf8_lossy(&arrived[0].body).into_owned();
        let expected = "grant_type=client_credentials&client_id=ees-a&client_secret=open+sesame&scope=nef";
        assert_eq!(form, expected);
        assert_eq!(arrived[0].headers["content-type"], "application/x-www-form-urlencoded");
        assert_eq!(arrived[0].credential(), "");
    }

    #[tokio::test]
    async fn a_token_whose_time_is_over_is_not_used() {
        let fake = tokens(0, |_| true).await;
        let client = fake.client(oauth(&fake));
        client.locate(&ask()).await.expect("a location");
        client.locate(&ask()).await.expect("a location");
        let used: Vec<_> = fake
            .arrived()
            .iter()
            .map(|arrived| arrived.credential().to_owned())
            .collect();
        assert_eq!(used, ["", "Bearer t1", "", "Bearer t2"]);
    }

    #[tokio::test]
    async fn a_token_that_is_refused_is_renewed_once() {
        let fake = tokens(3600, |token| token == "t2").await;
        let client = fake.client(oauth(&fake));
        client.locate(&ask()).await.expect("a location");
        let used: Vec<_> = fake
            .arrived()
            .iter()
            .map(|arrived| arrived.credential().to_owned())
            .collect();
        assert_eq!(used, ["", "Bearer t1", "", "Bearer t2"]);
    }

    #[tokio::test]
    async fn a_nef_that_refuses_every_token_is_not_asked_again() {
        let fake = tokens(3600, |_| false).await;
        let client = fake.client(oauth(&fake));
        assert!(is_unavailable(&client.locate(&ask()).await));
        assert_eq!(fake.lines().len(), 4, "two tokens, two attempts: {:?}", fake.lines());
    }

    #[tokio::test]
    async fn many_calls_share_one_token_and_one_renewal() {
        let fetched = Arc::new(AtomicUsize::new(0));
        let counted = fetched.clone();
        let fake = FakeNef::that(move |arrived| {
            if arrived.path == "/token" {
                let number = counted.fetch_add(1, Ordering::SeqCst) + 1;
                return Some(given(&format!("t{number}"), 3600));
            }
            let good = arrived.credential() == "Bearer t2";
            Some(if good { here() } else { status(401) }.into())
        })
        .await;
        let client = Arc::new(fake.client(oauth(&fake)));
        let calls = (0..16).map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.locate(&ask()).await })
        });
        for call in calls.collect::<Vec<_>>() {
            call.await.expect("no panic").expect("a location");
        }
        assert_eq!(fetched.load(Ordering::SeqCst), 2, "the first token and its renewal");
    }

    /// Proves: WP-17
    #[tokio::test]
    async fn many_calls_share_one_failure_and_no_secret_is_told() {
        let fake = FakeNef::that(|_| {
            let body = json!({"error": "invalid_client", "detail": "open sesame is wrong"});
            Some(status(400).json(&body).into())
        })
        .await;
        let client = Arc::new(fake.client(oauth(&fake)));
        let calls: Vec<_> = (0..16)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move { client.locate(&ask()).await })
            })
            .collect();
        for call in calls {
            let error = call.await.expect("no panic").expect_err("no token");
            assert!(!error.to_string().contains("sesame"), "{error}");
            assert!(error.to_string().contains("400"), "{error}");
        }
        assert!(fake.lines().len() <= 2, "{:?}", fake.lines());
    }

    #[tokio::test]
    async fn what_is_no_token_is_not_used() {
        for answer in [
            status(200).json(&json!({"access_token": "t", "token_type": "mac"})),
            status(200).json(&json!({"access_token": "line\nbreak"})),
            status(200).text("text/html", "<html>sign in</html>"),
            status(204),
        ] {
            let fake = FakeNef::with([answer]).await;
            let client = fake.client(oauth(&fake));
            assert!(is_unavailable(&client.locate(&ask()).await));
            assert_eq!(fake.lines(), ["POST /token"]);
        }
    }
}

mod links {
    use super::*;

    /// Begins a watch that is answered so, and alters it: the path that arrives is where the adapter thinks that it runs.
    async fn path_after(begun: Answer) -> String {
        let fake = FakeNef::with([begun, status(204)]).await;
        let client = fake.client(json!({}));
        let begun = client.begin(&watch(), &token()).await.expect("begun");
        client.alter(&begun.link, &watch(), &token()).await.expect("altered");
        fake.lines().pop().expect("a request")
    }

    #[tokio::test]
    async fn where_it_runs_is_said_in_many_ways() {
        let expected = format!("PUT {COLLECTION}/17");
        let body = json!({"self": format!("https://inner.nef:8080{COLLECTION}/17")});
        for begun in [
            status(201).with("location", format!("https://inner.nef:8080{COLLECTION}/17")),
            status(201).with("location", format!("{COLLECTION}/17")),
            status(201).with("location", "17"),
            status(201).json(&body),
            status(201)
                .with("location", "17")
                .json(&json!({"self": "https://elsewhere.example/other/18"})),
            status(200)
                .with("location", "17")
                .text("text/html", "<html>created</html>"),
        ] {
            assert_eq!(path_after(begun).await, expected);
        }
    }

    #[tokio::test]
    async fn each_subscription_reports_to_an_address_of_its_own() {
        let fake = FakeNef::that(|_| Some(status(201).with("location", "17").into())).await;
        let client = fake.client(json!({}));
        for token in ["one", "two"] {
            client.begin(&watch(), &Token::new(token)).await.expect("begun");
        }
        let told: Vec<_> = fake
            .arrived()
            .iter()
            .map(|arrived| arrived.json()["notificationDestination"].clone())
            .collect();
        assert_eq!(told, [format!("{REPORTS}one"), format!("{REPORTS}two")]);
    }

    #[tokio::test]
    async fn a_subscription_whose_place_was_not_told_is_found_in_the_list() {
        let list = json!([listed("16", "another"), listed("17", "a-token"), {"self": "x"}]);
        let fake = FakeNef::with([status(201), status(200).json(&list)]).await;
        let begun = fake.client(json!({})).begin(&watch(), &token()).await.expect("found");
        assert_eq!(begun.link, link(&fake, "17"));
    }

    #[tokio::test]
    async fn an_answer_may_carry_the_first_report() {
        let body = json!({"monitoringEventReport": {"locationInfo": {"cellId": "1"}}});
        let fake = FakeNef::with([status(201).with("location", "17").json(&body)]).await;
        let begun = fake.client(json!({})).begin(&watch(), &token()).await.expect("begun");
        assert!(matches!(&begun.reports[..], [CoreReport::Location(report)] if report.location.is_some()));
    }

    #[tokio::test]
    async fn what_vanished_is_gone() {
        for answer in [404, 410] {
            let fake = FakeNef::with([status(answer)]).await;
            let altered = fake
                .client(json!({}))
                .alter(&link(&fake, "17"), &watch(), &token())
                .await;
            assert_eq!(altered, Err(NetworkError::Gone));
        }
    }

    #[tokio::test]
    async fn an_end_is_an_end_however_it_is_said() {
        let last = json!({"locationInfo": {"cellId": "9"}});
        let list = json!({"monitoringEventReports": [last]});
        for (answer, reports) in [
            (status(204), 0),
            (status(404), 0),
            (status(410).text("text/html", "<html>gone</html>"), 0),
            (status(200).json(&last), 1),
            (status(200).json(&list), 1),
            (status(200).text("text/html", "<html>bye</html>"), 0),
            (status(200), 0),
        ] {
            let fake = FakeNef::with([answer]).await;
            let ended = fake.client(json!({})).end(&link(&fake, "17")).await.expect("ended");
            assert_eq!(ended.len(), reports);
            assert_eq!(fake.lines(), [format!("DELETE {COLLECTION}/17")]);
        }
    }

    /// TS 29.122 clause 5.14.3.3.3.5: what was used is told at the end.
    #[tokio::test]
    async fn the_end_of_a_session_tells_what_was_used() {
        let used = json!({"transaction": "x:1", "eventReports": [
            {"event": "USAGE_REPORT", "accumulatedUsage": {"totalVolume": 1234}}]});
        let fake = FakeNef::with([status(200).json(&used)]).await;
        let uri = format!("{}/gw/3gpp-as-session-with-qos/v1/ees-a/subscriptions/7", fake.origin);
        let link = Link {
            service: Service::Qos,
            uri: uri.parse().expect("a URI"),
        };
        let ended = fake.client(json!({})).end(&link).await.expect("ended");
        let [CoreReport::Qos(reports)] = &ended[..] else {
            panic!("{ended:?}")
        };
        let usage = reports[0].accumulated_usage.as_ref().expect("usage");
        assert_eq!(usage.total_volume, Some(1234));
    }

    #[tokio::test]
    async fn what_runs_is_told_apart_by_whose_it_is() {
        let other = json!({"self": "https://nef.example/x/5", "notificationDestination": "https://other.example/a"});
        let fake = FakeNef::with([status(200).json(&json!([listed("17", "a-token"), other]))]).await;
        let running = fake.client(json!({})).running(Service::Location).await.expect("a list");
        assert_eq!(
            (running[0].link.clone(), running[0].token.clone()),
            (link(&fake, "17"), Some(token()))
        );
        assert_eq!((running.len(), running[1].token.clone()), (2, None));
    }

    /// Whoever takes these for an empty list begins everything a second time.
    #[tokio::test]
    async fn what_is_no_list_says_nothing_of_what_runs() {
        let nameless = json!([{"notificationDestination": format!("{REPORTS}a-token")}]);
        for answer in [
            status(200).text("text/html", "<html>sign in</html>"),
            status(200).json(&json!({"subscriptions": []})),
            status(200),
            status(200).json(&json!([])).cut(),
            status(200).json(&nameless),
        ] {
            let fake = FakeNef::that({
                let mut answers = vec![answer];
                move |_| answers.pop().map(Turn::from)
            })
            .await;
            let running = fake.client(json!({})).running(Service::Location).await;
            assert!(running.is_err(), "{running:?}");
        }
        for nothing in [status(200).json(&json!([])), status(204), status(404)] {
            let fake = FakeNef::with([nothing]).await;
            let running = fake.client(json!({})).running(Service::Location).await;
            assert_eq!(running, Ok(Vec::new()));
        }
    }
}

mod refusals {
    use super::*;

    async fn refused(answer: Answer) -> NetworkError {
        let fake = FakeNef::with([answer]).await;
        fake.client(json!({}))
            .begin(&watch(), &token())
            .await
            .expect_err("refused")
    }

    #[tokio::test]
    async fn a_second_subscription_for_a_ue_is_known_for_what_it_is() {
        let cause = |status_code: u16, cause: &str| {
            status(status_code).text("application/problem+json", json!({"cause": cause}).to_string())
        };
        let detail = json!({"detail": "There is already an active subscription for UE 10003@domain.com"});
        for answer in [
            status(409),
            status(409).json(&detail),
            cause(403, "DUPLICATE_REQUEST"),
            cause(403, "SUBSCRIPTION_ALREADY_EXISTS"),
        ] {
            let error = refused(answer).await;
            assert!(matches!(error, NetworkError::Duplicate(_)), "{error}");
        }
        let error = refused(cause(403, "PARAMETER_OUT_OF_RANGE")).await;
        assert_eq!(
            error,
            NetworkError::Refused {
                cause: "PARAMETER_OUT_OF_RANGE".to_owned()
            }
        );
    }

    #[tokio::test]
    async fn errors_may_come_in_any_form() {
        for answer in [
            status(400),
            status(400).text("text/html", "<html><h1>Bad request</h1></html>"),
            status(400).text("application/problem+json", "{\"cause\":"),
            status(400).json(&json!(["surprise"])),
            status(400).text("text/plain", vec![b'x'; 5 * 1024 * 1024]),
        ] {
            let error = refused(answer).await;
            assert_eq!(
                error,
                NetworkError::Refused {
                    cause: "400 Bad Request".to_owned()
                }
            );
        }
        let problem = json!({"title": "Not here", "detail": "of customer 4711", "status": 400});
        let error = refused(status(400).json(&problem)).await;
        assert_eq!(
            error,
            NetworkError::Refused {
                cause: "Not here".to_owned()
            }
        );
    }

    #[tokio::test]
    async fn who_is_not_known_is_not_there() {
        let fake = FakeNef::with([status(404), status(404), status(204)]).await;
        let client = fake.client(json!({}));
        assert_eq!(client.locate(&ask()).await, Err(NetworkError::UnknownUe));
        let address = AddressAsk {
            address: edgeapp_openapi::common::IpAddr::Ipv4Addr("198.51.100.4".parse().expect("an address")),
            port: None,
            application_port: None,
        };
        assert_eq!(client.identify(&address).await, Err(NetworkError::UnknownUe));
        assert_eq!(client.identify(&address).await, Err(NetworkError::UnknownUe));
        assert_eq!(
            fake.arrived()[2].json(),
            json!({"afId": "ees-a", "ueIpAddr": {"ipv4Addr": "198.51.100.4"}})
        );
    }
}

mod nonsense {
    use super::*;

    #[tokio::test]
    async fn answers_that_make_no_sense_are_failures_of_the_nef() {
        for answer in [
            status(200),
            status(204),
            status(200).text("text/html", "<html>hello</html>"),
            status(200).json(&json!([1, 2, 3])),
            status(200).json(&json!({"locationInfo": "here"})),
            status(200).text("application/json", "{\"locationInfo\":{\"cell").cut(),
            status(200).text("application/json", vec![b' '; 5 * 1024 * 1024]),
            status(201).json(&json!({"self": "17"})),
        ] {
            let fake = FakeNef::that({
                let mut answers = vec![answer];
                move |_| answers.pop().or(Some(status(204))).map(Turn::from)
            })
            .await;
            let located = fake.client(json!({})).locate(&ask()).await;
            assert!(is_unavailable(&located), "{located:?}");
        }
    }

    #[tokio::test]
    async fn the_name_of_the_media_type_is_not_what_counts() {
        let body = json!({"locationInfo": {"cellId": "1"}}).to_string();
        let fake = FakeNef::with([status(200).text("text/plain", body)]).await;
        assert!(fake.client(json!({})).locate(&ask()).await.is_ok());
    }

    #[tokio::test]
    async fn a_failure_is_an_answer() {
        let body = json!({"monitoringType": "LOCATION_REPORTING", "locFailureCause": "POSITIONING_DENIED"});
        let fake = FakeNef::with([status(200).json(&body)]).await;
        let report = fake.client(json!({})).locate(&ask()).await.expect("a report");
        assert_eq!(
            (report.location, report.failure.as_deref()),
            (None, Some("POSITIONING_DENIED"))
        );
    }

    /// A question that was made a subscription is ended again.
    #[tokio::test]
    async fn a_question_leaves_nothing_behind() {
        let body = json!({"monitoringEventReport": {"locationInfo": {"cellId": "1"}}});
        let fake = FakeNef::with([status(201).with("location", "17").json(&body), status(204)]).await;
        assert!(fake.client(json!({})).locate(&ask()).await.is_ok());
        assert_eq!(fake.lines()[1], format!("DELETE {COLLECTION}/17"));
    }
}

mod redirects {
    use super::*;

    #[tokio::test]
    async fn a_redirect_on_the_same_origin_is_followed_with_everything() {
        for code in [307, 308] {
            let fake = FakeNef::that(move |arrived| {
                Some(
                    if arrived.path.starts_with("/moved") {
                        here()
                    } else {
                        status(code).with("location", "/moved/here")
                    }
                    .into(),
                )
            })
            .await;
            let file = fake.file("token", "fixed");
            fake.client(json!({"token_file": file}))
                .locate(&ask())
                .await
                .expect("a location");
            let [first, second] = &fake.arrived()[..] else {
                panic!("two requests")
            };
            assert_eq!(second.line(), "POST /moved/here");
            assert_eq!((&first.body, second.credential()), (&second.body, "Bearer fixed"));
        }
    }

    /// A credential goes nowhere else.
    ///
    /// Proves: T-11
    #[tokio::test]
    async fn a_redirect_to_another_origin_is_not_followed() {
        let other = FakeNef::with([here()]).await;
        for location in [
            other.origin.clone(),
            "http://127.0.0.1/".to_owned(),
            "https://user:word@127.0.0.1/".to_owned(),
        ] {
            let fake = FakeNef::with([status(307).with("location", location)]).await;
            assert!(is_unavailable(&fake.client(json!({})).locate(&ask()).await));
        }
        assert_eq!(other.lines().len(), 0);
    }

    #[tokio::test]
    async fn redirects_come_to_an_end() {
        let fake = FakeNef::that(|_| Some(status(307).with("location", "/again").into())).await;
        assert!(is_unavailable(&fake.client(json!({})).locate(&ask()).await));
        assert_eq!(fake.lines().len(), 3);
        let fake = FakeNef::with([status(307)]).await;
        assert!(is_unavailable(&fake.client(json!({})).locate(&ask()).await));
    }

    /// Other 3xx would change the method.
    #[tokio::test]
    async fn other_redirects_are_not_followed() {
        for code in [301, 302, 303] {
            let fake = FakeNef::with([status(code).with("location", "/elsewhere")]).await;
            assert!(fake.client(json!({})).locate(&ask()).await.is_err());
            assert_eq!(fake.lines().len(), 1);
        }
    }
}

mod losses {
    use super::*;

    /// A fake at which something runs since the first POST, whose answer is lost in this way.
    async fn losing(lost: impl Fn() -> Turn + Send + 'static) -> FakeNef {
        FakeNef::that(move |arrived| {
            Some(match arrived.method {
                Method::POST => lost(),
                _ => status(200).json(&json!([listed("17", "a-token")])).into(),
            })
        })
        .await
    }

    #[tokio::test]
    async fn a_beginning_whose_answer_was_lost_is_found_and_not_repeated() {
        let ways: [fn() -> Turn; 6] = [
            || Turn::Break,
            || Turn::Silence,
            || status(201).text("application/json", "{\"self\":").cut().into(),
            || status(504).into(),
            || status(500).text("text/html", "<html>oops</html>").into(),
            || status(201).text("text/plain", vec![b'x'; 5 * 1024 * 1024]).into(),
        ];
        for way in ways {
            let fake = losing(way).await;
            let begun = fake
                .client(json!({"timeout_ms": 300}))
                .begin(&watch(), &token())
                .await
                .expect("found");
            assert_eq!(begun.link, link(&fake, "17"));
            let posts = fake
                .arrived()
                .into_iter()
                .filter(|arrived| arrived.method == Method::POST);
            assert_eq!(posts.count(), 1);
        }
    }

    #[tokio::test]
    async fn what_can_be_repeated_is_repeated_once() {
        let fake = FakeNef::with([Turn::Break, status(204).into()]).await;
        fake.client(json!({}))
            .alter(&link(&fake, "17"), &watch(), &token())
            .await
            .expect("altered");
        let fake = FakeNef::with([Turn::Break, status(404).into()]).await;
        fake.client(json!({})).end(&link(&fake, "17")).await.expect("ended");
        let fake = FakeNef::with([Turn::Break, Turn::Break, status(204).into()]).await;
        assert!(is_unavailable(&fake.client(json!({})).end(&link(&fake, "17")).await));
        assert_eq!(fake.lines().len(), 2);
    }

    #[tokio::test]
    async fn a_question_is_not_repeated_when_its_answer_is_lost() {
        let fake = FakeNef::with([Turn::Break, here().into()]).await;
        assert!(is_unavailable(&fake.client(json!({})).locate(&ask()).await));
        assert_eq!(fake.lines().len(), 1);
    }

    #[tokio::test]
    async fn who_is_busy_for_a_moment_is_asked_once_more() {
        let fake = FakeNef::with([status(503), here()]).await;
        assert!(fake.client(json!({})).locate(&ask()).await.is_ok());
        let fake = FakeNef::with([status(503), status(503), here()]).await;
        assert!(is_unavailable(&fake.client(json!({})).locate(&ask()).await));
    }

    #[tokio::test]
    async fn who_asks_to_wait_is_left_alone() {
        let noon = "Mon, 05 Jan 2026 12:00:00 GMT";
        for answer in [
            status(503).with("retry-after", "30"),
            status(429).with("retry-after", "30"),
            status(503)
                .with("retry-after", "Mon, 05 Jan 2026 12:00:30 GMT")
                .with("date", noon),
        ] {
            let fake = FakeNef::with([answer, here()]).await;
            let client = fake.client(json!({}));
            let asked = Some(Duration::from_secs(30));
            let busy = client.locate(&ask()).await.expect_err("busy");
            assert!(
                matches!(busy, NetworkError::Unavailable { after, .. } if after == asked),
                "{busy:?}"
            );
            let resting = client.locate(&ask()).await.expect_err("resting");
            assert!(matches!(resting, NetworkError::Unavailable { after: Some(after), .. } if Some(after) <= asked));
            assert_eq!(fake.lines().len(), 1);
        }
    }

    /// All attempts together, those at the token endpoint among them.
    #[tokio::test]
    async fn a_call_ends_within_its_share_of_time() {
        let fake = FakeNef::that(|arrived| {
            Some(match arrived.path.as_str() {
                "/token" => status(200)
                    .json(&json!({"access_token": "t", "expires_in": 3600}))
                    .into(),
                _ => Turn::Silence,
            })
        })
        .await;
        let oauth = json!({"token_url": format!("{}/token", fake.origin), "client_id": "ees-a"});
        let client = fake.client(json!({"oauth": oauth, "timeout_ms": 200}));
        let began = std::time::Instant::now();
        assert!(is_unavailable(&client.locate(&ask()).await));
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn who_cannot_be_reached_again_and_again_is_left_alone() {
        let fake = FakeNef::with([here()]).await;
        let client = fake.client(json!({"api_root": "https://127.0.0.1:1"}));
        for _ in 0..3 {
            let error = client.locate(&ask()).await.expect_err("nobody there");
            assert!(!error.to_string().contains("left alone"), "{error}");
        }
        let error = client.locate(&ask()).await.expect_err("nobody there");
        assert!(error.to_string().contains("left alone"), "{error}");
    }
}

/// TS 29.522 clause 5.4.3.3.3: on the origin of the NEF, whatever host the address names.
#[tokio::test]
async fn an_acknowledgement_goes_where_it_is_awaited() {
    let fake = FakeNef::with([status(204), status(404)]).await;
    let client = fake.client(json!({}));
    let to = AckTo {
        uri: "https://inner.nef:8080/ack/42".parse().expect("a URI"),
        transaction: Some("42".to_owned()),
        ue: None,
    };
    client.acknowledge(&to, Verdict::Rejected).await.expect("taken");
    assert_eq!(
        client.acknowledge(&to, Verdict::Accepted).await,
        Err(NetworkError::Gone)
    );
    let first: Arrived = fake.arrived().remove(0);
    assert_eq!(first.line(), "POST /ack/42");
    assert_eq!(
        first.json(),
        json!({"afTransId": "42", "ackResult": {"afStatus": "RELOC_NO_ALLOWED"}})
    );
}
