//! What SMFs write: rules, baseline patterns, and JSON patches of them.

use crate::{Target, bodies::same_again, refusal};
use edgeapp_core::parse::{self, Wire};
use edgeapp_ees_domain::easdf::{
    json_patch,
    rules::{Allowed, Pattern, Query, Rules},
};
use edgeapp_openapi::easdf::{context::DnsContextCreateData, pattern::BaseDnsPatternCreateData};
use serde::Serialize;
use std::{net::IpAddr, sync::Arc};

/// What is read of it.
pub static TARGETS: &[Target] = &[
    Target {
        name: "json-patch-BaseDnsPatternCreateData",
        run: |bytes| {
            let stored = include_bytes!("../corpus/body-BaseDnsPatternCreateData/example.json");
            patched::<BaseDnsPatternCreateData>(stored, bytes);
        },
    },
    Target {
        name: "json-patch-DnsContextCreateData",
        run: |bytes| {
            let stored = include_bytes!("../corpus/body-DnsContextCreateData/example.json");
            patched::<DnsContextCreateData>(stored, bytes);
        },
    },
    Target {
        name: "dns-rules",
        run: rules,
    },
];

/// What a patch leaves is what could have been put whole.
fn patched<T: Wire + Serialize>(stored: &[u8], bytes: &[u8]) {
    let stored: T = parse::from_slice(stored).expect("the seed of the body");
    let patched = parse::json_patch_from_slice(bytes).and_then(|patch| json_patch::apply(&stored, &patch));
    match patched {
        Ok(patched) => same_again(&patched.value),
        Err(error) => refusal(&error),
    }
}

fn nothing(_: &str) -> Option<Arc<Pattern>> {
    None
}

/// Rules that are taken decide about every query.
fn rules(bytes: &[u8]) {
    let allowed = Allowed {
        servers: [IpAddr::from([192, 0, 2, 53])].into(),
    };
    if let Ok(pattern) = parse::from_slice::<BaseDnsPatternCreateData>(bytes)
        && let Err(error) = Pattern::new(&pattern, &allowed)
    {
        refusal(&error);
    }
    let Ok(context) = parse::from_slice::<DnsContextCreateData>(bytes) else {
        return;
    };
    match Rules::new(&context.dns_rules, &allowed) {
        Ok(rules) => {
            let query = Query {
                name: "chess.edge.example",
                from: IpAddr::from([10, 45, 0, 7]),
            };
            rules.of_query(&query, &nothing);
        }
        Err(error) => refusal(&error),
    }
}
