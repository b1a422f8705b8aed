use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

const SERVER: &str = "192.0.2.53";

fn allowed() -> Allowed {
    Allowed {
        servers: BTreeSet::from([SERVER.parse().unwrap()]),
    }
}

fn rules(text: Value) -> Result<Rules, Error> {
    let map: BTreeMap<String, DnsRule> = serde_json::from_value(text).unwrap();
    Rules::new(&map, &allowed())
}

fn nothing(_: &str) -> Option<Arc<Pattern>> {
    None
}

fn from(address: &str) -> IpAddr {
    address.parse().unwrap()
}

fn query<'a>(name: &'a str) -> Query<'a> {
    Query {
        name,
        from: IpAddr::from([10, 45, 0, 7]),
    }
}

fn actions(apply: &str) -> Value {
    json!({"a": {"applyAction": apply}})
}

fn name_is(operator: &str, text: &str) -> Value {
    json!({"stringMatchingRule": {"stringMatchingConditions": [{"matchingOperator": operator, "matchingString": text}]}})
}

fn of_query(names: &Value) -> Value {
    json!({"q": {"mdtId": "q", "fqdnPatternList": names}})
}

#[test]
fn the_lowest_precedence_counts_and_of_several_alike_the_name() {
    let all = json!({
        "late": {"actionList": actions("DISCARD")},
        "b": {"precedence": 5, "dnsRuleId": "2", "actionList": actions("DISCARD")},
        "a": {"precedence": 5, "dnsRuleId": "3", "actionList": actions("DISCARD")},
        "first": {"precedence": 4, "dnsQueryMdtList": of_query(&json!([name_is("FULL_MATCH", "only.example")])),
            "actionList": actions("DISCARD")},
    });
    let rules = rules(all).unwrap();
    let key = |name| rules.of_query(&query(name), &nothing).map(|rule| rule.key.clone());
    assert_eq!(key("only.example").as_deref(), Some("first"));
    assert_eq!(key("other.example").as_deref(), Some("b"));
}

#[test]
fn all_of_a_template_holds_and_any_template_will_do() {
    let all = json!({"r": {"actionList": actions("DISCARD"), "dnsQueryMdtList": {
        "one": {"mdtId": "1", "sourceIpv4Addr": "10.45.0.8", "fqdnPatternList": [name_is("ENDS_WITH", ".a.example")]},
        "two": {"mdtId": "2", "sourceIpv6Prefix": "2001:db8:1::/48"},
    }}});
    let rules = rules(all).unwrap();
    let matches = |name, address| {
        rules
            .of_query(
                &Query {
                    name,
                    from: from(address),
                },
                &nothing,
            )
            .is_some()
    };
    assert!(matches("x.a.example", "10.45.0.8"));
    assert!(!matches("x.b.example", "10.45.0.8"));
    assert!(!matches("x.a.example", "10.45.0.7"));
    assert!(matches("anything.example", "2001:db8:1:2::3"));
    assert!(
        rules
            .of_response(
                &Response {
                    name: "x.a.example",
                    addresses: &[],
                    network: None,
                    server: None
                },
                &nothing
            )
            .is_none()
    );
}

#[test]
fn responses_match_by_name_addresses_and_server() {
    let all = json!({"r": {"actionList": actions("DISCARD"), "dnsRspMdtList": {"m": {"mdtId": "m",
        "fqdnPatternList": [name_is("STARTS_WITH", "chess.")],
        "easIpv4AddrRanges": [{"start": "192.0.2.10", "end": "192.0.2.20"}],
        "easIpv6PrefixRanges": [{"start": "2001:db8:1::/48", "end": "2001:db8:2::/48"}],
        "dnsServerSrcAddrList": [{"ipv4Addr": SERVER}],
    }}}});
    let rules = rules(all).unwrap();
    let matches = |name, address: &str, server: Option<&str>| {
        let addresses = [from(address)];
        let response = Response {
            name,
            addresses: &addresses,
            network: None,
            server: server.map(from),
        };
        rules.of_response(&response, &nothing).is_some()
    };
    for address in ["192.0.2.10", "192.0.2.20", "2001:db8:1::1", "2001:db8:2:ffff::1"] {
        assert!(matches("chess.example", address, Some(SERVER)), "{address}");
    }
    for address in ["192.0.2.9", "192.0.2.21", "2001:db8:3::1", "2001:db8::1"] {
        assert!(!matches("chess.example", address, Some(SERVER)), "{address}");
    }
    assert!(!matches("go.example", "192.0.2.10", Some(SERVER)));
    assert!(!matches("chess.example", "192.0.2.10", Some("192.0.2.54")));
    assert!(!matches("chess.example", "192.0.2.10", None));
}

/// A20: what would take for ever elsewhere takes its time here, or is refused.
#[test]
fn expressions_are_linear_and_bounded() {
    let with = |expression: &str| {
        rules(json!({"r": {"actionList": actions("DISCARD"),
            "dnsQueryMdtList": of_query(&json!([{"regex": expression}]))}}))
    };
    for bomb in ["(a{1000}){1000}", "a(?=b)", "(a)\\1", "(", &"(".repeat(5000)] {
        let error = with(bomb).expect_err("refused");
        assert_eq!(
            error.invalid[0].param,
            "/dnsRules/r/dnsQueryMdtList/q/fqdnPatternList/0/regex"
        );
    }
    let slow_elsewhere = with("^(a+)+$").unwrap();
    let name = format!("{}b", "a".repeat(250));
    let began = std::time::Instant::now();
    assert!(slow_elsewhere.of_query(&query(&name), &nothing).is_none());
    assert!(began.elapsed() < std::time::Duration::from_millis(200));
    let many: Vec<Value> = (0..101).map(|n| json!({"regex": format!("a{n}")})).collect();
    let many = json!({"r": {"actionList": actions("DISCARD"), "dnsQueryMdtList": of_query(&many.into())}});
    assert_eq!(rules(many).unwrap_err().invalid[0].param, "/dnsRules");
}

#[test]
fn actions_fit_together() {
    let server = json!({"dnsServerAddressInfo": {"dnsServerAddressList": [{"ipv4Addr": SERVER}]}});
    let of = |list: Value| rules(json!({"r": {"actionList": list}})).map(|mut rules| rules.queries.remove(0).actions);
    let report_and_hold = of(json!({"a": {"applyAction": "REPORT"}, "b": {"applyAction": "BUFFER"},
        "c": {"applyAction": "FORWARD", "fwdParas": server}}))
    .unwrap();
    assert_eq!((report_and_hold.report, report_and_hold.hold), (Some(false), true));
    let way = Way {
        network: None,
        servers: vec![from(SERVER)],
    };
    assert_eq!(report_and_hold.then, Then::Forward(Destination::Way(way)));
    let later = of(json!({"a": {"applyAction": "OF_A_LATER_VERSION"}})).unwrap();
    assert_eq!(later.then, Then::Forward(Destination::Way(Way::default())));
    for (list, pointer) in [
        (json!({"a": {"applyAction": "BUFFER"}}), "/dnsRules/r/actionList"),
        (
            json!({"a": {"applyAction": "DISCARD"}, "b": {"applyAction": "FORWARD"}}),
            "/dnsRules/r/actionList",
        ),
        (
            json!({"a": {"applyAction": "RESPOND"}}),
            "/dnsRules/r/actionList/a/respParas",
        ),
        (
            json!({"a": {"applyAction": "SEND_ANOTHER_DNS_QUERY"}}),
            "/dnsRules/r/actionList/a/applyAction",
        ),
        (
            json!({"a": {"applyAction": "FORWARD", "fwdParas":
                {"dnsServerAddressInfo": {"dnsServerAddressList": [{"ipv4Addr": "198.51.100.1"}]}}}}),
            "/dnsRules/r/actionList/a/fwdParas/dnsServerAddressInfo/dnsServerAddressList/0",
        ),
        (
            json!({"a": {"applyAction": "FORWARD", "fwdParas": {"ecsOptionInfo":
                {"baseDnsAitId": {"baseDnsPatternUri": "https://ees.example/elsewhere", "aitId": "x"}}}}}),
            "/dnsRules/r/actionList/a/fwdParas/ecsOptionInfo/baseDnsAitId/baseDnsPatternUri",
        ),
    ] {
        assert_eq!(
            of(list.clone()).expect_err("refused").invalid[0].param,
            pointer,
            "{list}"
        );
    }
}

/// A15 and A16: what a pattern says counts as long as it says it.
#[test]
fn patterns_count_as_they_are_now() {
    let uri = "https://any.example/neasdf-baselinednspattern/v1/base-dns-patterns/setId=a/x/y";
    let all = json!({"r": {
        "baseDnsQueryMdtList": [{"sourceIpv4Addr": "10.45.0.7", "baseDnsMdtList": [{"baseDnsPatternUri": uri, "mdtId": "m"}]}],
        "actionList": {"a": {"applyAction": "FORWARD", "fwdParas": {"ecsOptionInfo":
            {"baseDnsAitId": {"baseDnsPatternUri": uri, "aitId": "i"}}}}},
    }});
    let rules = rules(all).unwrap();
    let pattern = |name: &str, network: &str| {
        let data = serde_json::from_value(json!({
            "baseDnsMdtList": {"k": {"mdtId": "m", "dnsQueryMdtList": of_query(&json!([name_is("FULL_MATCH", name)]))}},
            "baseDnsAitList": {"k": {"aitId": "i", "ecsOption":
                {"sourcePrefixLength": 20, "ipAddr": {"ipv4Addr": network}}}},
        }))
        .unwrap();
        Arc::new(Pattern::new(&data, &allowed()).unwrap())
    };
    let at = |pattern: Option<Arc<Pattern>>| {
        let patterns = move |name: &str| pattern.clone().filter(|_| name == "setId=a/x/y");
        let rule = rules.of_query(&query("chess.example"), &patterns)?;
        match &rule.actions.then {
            Then::Forward(destination) => destination.way(&patterns).network.map(|network| network.to_string()),
            _ => None,
        }
    };
    // Bits beyond the prefix are not told.
    assert_eq!(
        at(Some(pattern("chess.example", "192.0.2.255"))).as_deref(),
        Some("192.0.0.0/20")
    );
    assert_eq!(
        at(Some(pattern("chess.example", "198.51.100.1"))).as_deref(),
        Some("198.51.96.0/20")
    );
    assert_eq!(at(Some(pattern("go.example", "192.0.2.255"))), None);
    assert_eq!(at(None), None);
    let default = pattern("chess.example", "192.0.2.0");
    assert!(default.default_for(&query("chess.example")).is_some());
    assert!(default.default_for(&query("go.example")).is_none());
}

fn naive(operator: &MatchingOperator, text: &str, name: &str) -> bool {
    let windows = |name: &str| {
        name.as_bytes()
            .windows(text.len().max(1))
            .any(|window| window == text.as_bytes())
    };
    let contains = text.is_empty() || windows(name);
    match operator {
        MatchingOperator::FullMatch => name.bytes().eq(text.bytes()),
        MatchingOperator::MatchAll => true,
        MatchingOperator::StartsWith => name.bytes().zip(text.bytes()).filter(|(a, b)| a == b).count() == text.len(),
        MatchingOperator::NotStartWith => !naive(&MatchingOperator::StartsWith, text, name),
        MatchingOperator::EndsWith => {
            let pairs = name.bytes().rev().zip(text.bytes().rev());
            pairs.filter(|(a, b)| a == b).count() == text.len()
        }
        MatchingOperator::NotEndWith => !naive(&MatchingOperator::EndsWith, text, name),
        MatchingOperator::Contains => contains,
        MatchingOperator::NotContain => !contains,
        MatchingOperator::Other(_) => false,
    }
}

proptest! {
    /// Each condition says what its name says; upper case and a last dot make no difference.
    #[test]
    fn conditions_say_what_they_say(
        conditions in proptest::collection::vec((0..8usize, "[ab.]{0,3}"), 1..4), name in "[ab]([ab.]{0,5}[ab])?", upper: bool
    ) {
        let list: Vec<Value> = conditions
            .iter()
            .map(|(operator, text)| {
                let text = if upper { text.to_ascii_uppercase() } else { text.clone() };
                json!({"matchingOperator": MatchingOperator::KNOWN[*operator].as_str(), "matchingString": text})
            })
            .collect();
        let rule = json!({"stringMatchingRule": {"stringMatchingConditions": list}});
        let pattern = NamePattern::new(&serde_json::from_value(rule).unwrap(), "").unwrap();
        let expected = conditions.iter().all(|(operator, text)| {
            naive(&MatchingOperator::KNOWN[*operator], text.strip_suffix('.').unwrap_or(text), &name)
        });
        prop_assert_eq!(pattern.matches(&name), expected);
    }

    /// What counts does not depend on the order in which rules were written, and is the first by precedence and name that matches.
    #[test]
    fn the_first_that_matches_counts(
        list in proptest::collection::btree_map("[a-f]", (proptest::option::of(0..3u32), "[ab]"), 1..6), name in "[ab]"
    ) {
        let name = format!("{name}.example");
        let text: Value = list
            .iter()
            .map(|(key, (precedence, start))| {
                let mut rule = json!({"actionList": actions("DISCARD"),
                    "dnsQueryMdtList": of_query(&json!([name_is("STARTS_WITH", start)]))});
                if let Some(precedence) = precedence {
                    rule["precedence"] = (*precedence).into();
                }
                (key.clone(), rule)
            })
            .collect::<serde_json::Map<_, _>>()
            .into();
        let rules = rules(text).unwrap();
        let expected = list
            .iter()
            .filter(|(_, (_, start))| name.starts_with(start.as_str()))
            .min_by_key(|(key, (precedence, _))| (precedence.unwrap_or(u32::MAX), (*key).clone()))
            .map(|(key, _)| key.clone());
        prop_assert_eq!(rules.of_query(&query(&name), &nothing).map(|rule| rule.key.clone()), expected);
    }

    /// E8: a network that is told has no bits beyond its length, and holds the address that it was made of.
    #[test]
    fn networks_are_masked(address: u32, length in 0..=32u8) {
        let address = std::net::Ipv4Addr::from(address);
        let option = serde_json::from_value(json!({
            "sourcePrefixLength": length, "ipAddr": {"ipv4Addr": address.to_string()}
        })).unwrap();
        let network = network(&option, "").unwrap();
        prop_assert_eq!(network, network.trunc());
        prop_assert!(network.contains(&IpAddr::V4(address)) && network.prefix_len() == length);
    }
}
