//! What meets a CAPIF core function: certification requests of strangers, the bodies of TS 29.222, queries and scopes.

use crate::{Target, bodies::body, refusal};
use edgeapp_capif::{certificate::RequestedKey, scope::Scope};
use edgeapp_openapi::{
    capif::{
        aef_security::{CheckAuthenticationReq, RevokeAuthorizationReq},
        auditing::AuditQuery,
        discover_service::DiscoveryQuery,
        events::EventSubscription,
        invoker_management::ApiInvokerEnrolmentDetails,
        logging::InvocationLog,
        provider_management::ApiProviderEnrolmentDetails,
        publish_service::ServiceApiDescription,
        security::{SecurityNotification, ServiceSecurity},
    },
    query::Parameters,
};

/// Bodies under the names of their schemas, and the rest.
pub static TARGETS: &[Target] = &[
    Target {
        name: "capif-APIInvokerEnrolmentDetails",
        run: body::<ApiInvokerEnrolmentDetails>,
    },
    Target {
        name: "capif-APIProviderEnrolmentDetails",
        run: body::<ApiProviderEnrolmentDetails>,
    },
    Target {
        name: "capif-CheckAuthenticationReq",
        run: body::<CheckAuthenticationReq>,
    },
    Target {
        name: "capif-EventSubscription",
        run: body::<EventSubscription>,
    },
    Target {
        name: "capif-InvocationLog",
        run: body::<InvocationLog>,
    },
    Target {
        name: "capif-RevokeAuthorizationReq",
        run: body::<RevokeAuthorizationReq>,
    },
    Target {
        name: "capif-SecurityNotification",
        run: body::<SecurityNotification>,
    },
    Target {
        name: "capif-ServiceAPIDescription",
        run: body::<ServiceApiDescription>,
    },
    Target {
        name: "capif-ServiceSecurity",
        run: body::<ServiceSecurity>,
    },
    Target {
        name: "capif-certification-request",
        run: certification_request,
    },
    Target {
        name: "capif-discovery-query",
        run: discovery,
    },
    Target {
        name: "capif-audit-query",
        run: audit,
    },
    Target {
        name: "capif-scope",
        run: scope,
    },
];

/// What is read is a key that is known by the same digest again; a refusal says where the request stood, and repeats little of it.
fn certification_request(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match RequestedKey::parse(&text, "/key") {
        Ok(key) => {
            let again = RequestedKey::parse(&text, "/key").expect("read before");
            assert_eq!(key.digest(), again.digest());
        }
        Err(error) => {
            assert_eq!(error.invalid[0].param, "/key");
            refusal(&error);
        }
    }
}

fn pairs(bytes: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(bytes).into_owned().collect()
}

fn discovery(bytes: &[u8]) {
    let _ = DiscoveryQuery::parse(&Parameters::new(pairs(bytes)));
}

fn audit(bytes: &[u8]) {
    let _ = AuditQuery::parse(&Parameters::new(pairs(bytes)));
}

/// What is read is written, and read as the same.
fn scope(bytes: &[u8]) {
    let Ok(scope) = String::from_utf8_lossy(bytes).parse::<Scope>() else {
        return;
    };
    if scope.is_empty() {
        return;
    }
    let again: Scope = scope.to_string().parse().expect("what was written can be read");
    assert!(scope.pairs().eq(again.pairs()), "{scope}");
}
