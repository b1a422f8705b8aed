//! What the core network reports over EDGE-2. Who reaches that listener has the certificate of an NEF; its bodies are of any kind.

use crate::{Target, refusal};
use edgeapp_core::{network::Service, parse};

/// One for each kind of link.
pub static TARGETS: &[Target] = &[
    Target {
        name: "report-location",
        run: |bytes| report(Service::Location, bytes),
    },
    Target {
        name: "report-path",
        run: |bytes| report(Service::Path, bytes),
    },
    Target {
        name: "report-qos",
        run: |bytes| report(Service::Qos, bytes),
    },
];

/// As the door takes it in: what can be read at all is understood, or refused with where it stands.
fn report(service: Service, bytes: &[u8]) {
    let understood = parse::check_slice(bytes).and_then(|()| edgeapp_nef::understand(service, None, bytes));
    if let Err(error) = understood {
        refusal(&error);
    }
}
