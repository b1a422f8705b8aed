//! How an API of this EES is described where it is published (TS 29.222 clause 8.2.4.2.2). Made of what is served: paths and methods come
//! from the routes, features from the table of features.

use super::settings::ExposureSettings;
use edgeapp_http::documents::{Api, PathShape};
use edgeapp_openapi::{
    capif::{
        FunctionId,
        features::publish_service::SERVED,
        publish_service::{
            AefLocation, AefProfile, CommunicationType, CustomOperation, DataFormat, InterfaceDescription, Operation,
            Protocol, Resource, SecurityMethod, ServiceApiDescription, ShareableInformation, Version,
        },
    },
    features,
    location::ServiceArea,
};
use url::{Host, Url};

/// What all APIs have in common.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// Where they are reached.
    pub interface: InterfaceDescription,
    /// The methods on offer.
    pub methods: Vec<SecurityMethod>,
    /// Where the EES is.
    pub location: Option<AefLocation>,
    /// Whether the core function may tell others.
    pub shareable: bool,
    /// Whose APIs they are.
    pub provider: Option<String>,
}

/// Pure: the interface behind an `apiRoot`; `None` when that is no https URI with a host.
///
/// ```
/// use edgeapp_ees::capif::description::interface_of;
/// let interface = interface_of("https://ees-1.edge.example:8443/edge").expect("an interface");
/// assert_eq!(interface.api_root(), "https://ees-1.edge.example:8443/edge");
/// assert_eq!(interface_of("https://192.0.2.1").expect("an interface").api_root(), "https://192.0.2.1:443");
/// assert!(interface_of("http://192.0.2.1").is_none());
/// ```
pub fn interface_of(api_root: &str) -> Option<InterfaceDescription> {
    let url = Url::parse(api_root).ok().filter(|url| url.scheme() == "https")?;
    let prefix = url.path().trim_end_matches('/');
    let place = InterfaceDescription {
        port: url.port_or_known_default(),
        api_prefix: (!prefix.is_empty()).then(|| prefix.to_owned()),
        ..InterfaceDescription::default()
    };
    Some(match url.host()? {
        Host::Ipv4(address) => InterfaceDescription {
            ipv4_addr: Some(address.to_string().parse().ok()?),
            ..place
        },
        Host::Ipv6(address) => InterfaceDescription {
            ipv6_addr: Some(address.to_string().parse().ok()?),
            ..place
        },
        Host::Domain(name) => InterfaceDescription {
            fqdn: Some(name.parse().ok()?),
            ..place
        },
    })
}

/// Pure: where an EES is that serves this area, in this data centre; `None` when nothing is known of it.
pub fn location_of(data_centre: Option<String>, area: Option<&ServiceArea>) -> Option<AefLocation> {
    let on_the_globe = area.and_then(|area| area.geo_serv_ar.as_ref());
    let location = AefLocation {
        civic_addr: on_the_globe.and_then(|area| area.civic_addrs.first().cloned()),
        geo_area: on_the_globe.and_then(|area| area.geo_ars.first().cloned()),
        dc_id: data_centre,
    };
    (location != AefLocation::default()).then_some(location)
}

fn methods(path: &PathShape) -> Vec<Operation> {
    let of = |method: &&str| match *method {
        "POST" => Operation::Post,
        "PUT" => Operation::Put,
        "PATCH" => Operation::Patch,
        "DELETE" => Operation::Delete,
        _ => Operation::Get,
    };
    path.methods.iter().map(of).collect()
}

fn communication(path: &str) -> CommunicationType {
    match path.to_ascii_lowercase().contains("subscription") {
        true => CommunicationType::SubscribeNotify,
        false => CommunicationType::RequestResponse,
    }
}

/// `individual registrations` for `/registrations/{id}`, `registrations` for `/registrations`.
fn name_of(path: &str) -> String {
    let words = path
        .split('/')
        .filter(|part| !part.is_empty() && !part.starts_with('{'));
    let name = words.collect::<Vec<_>>().join(" ").replace('-', " ");
    match path.ends_with('}') {
        true => format!("individual {name}"),
        false => name,
    }
}

/// Pure: the version that serves these paths. What is only sent to, and has nothing below it, is an operation and no resource.
pub fn version(paths: &[PathShape]) -> Version {
    let mut version = Version {
        api_version: "v1".to_owned(),
        expiry: None,
        resources: Vec::new(),
        cust_operations: Vec::new(),
    };
    for path in paths {
        let last = path.path.rsplit('/').next().unwrap_or_default();
        let parent = &path.path[..path.path.len() - last.len()];
        let has_children = paths.iter().any(|other| {
            let below = other.path.strip_prefix(&path.path);
            below.is_some_and(|below| below.starts_with('/'))
        });
        let only_sent_to = path.methods == ["POST"] && !last.starts_with('{') && !has_children;
        let is_operation = only_sent_to && !last.ends_with('s');
        if is_operation && parent == "/" {
            version.cust_operations.push(CustomOperation {
                comm_type: communication(&path.path),
                cust_op_name: last.to_owned(),
                operations: methods(path),
                description: path.summary.clone(),
            });
            continue;
        }
        let uri = match is_operation {
            true => parent.trim_end_matches('/').to_owned(),
            false => path.path.clone(),
        };
        version.resources.push(Resource {
            resource_name: name_of(&uri),
            comm_type: communication(&path.path),
            cust_op_name: is_operation.then(|| last.to_owned()),
            cust_operations: Vec::new(),
            operations: methods(path),
            description: path.summary.clone(),
            uri,
        });
    }
    version
}

/// An API as it is published, but for the exposing function that serves it.
pub fn describe(
    name: &str,
    about: &str,
    paths: &[PathShape],
    offer: &Offer,
    aef_id: &FunctionId,
) -> ServiceApiDescription {
    ServiceApiDescription {
        api_name: name.to_owned(),
        api_id: None,
        api_status: None,
        aef_profiles: vec![AefProfile {
            aef_id: aef_id.clone(),
            versions: vec![version(paths)],
            protocol: Some(Protocol::Http2),
            data_format: Some(DataFormat::Json),
            security_methods: offer.methods.clone(),
            domain_name: None,
            interface_descriptions: vec![offer.interface.clone()],
            aef_location: offer.location.clone(),
            service_kpis: None,
            ue_ip_range: None,
        }],
        description: Some(about.to_owned()),
        supported_features: Some(SERVED),
        shareable_info: Some(ShareableInformation {
            is_shareable: offer.shareable,
            capif_prov_doms: Vec::new(),
        }),
        service_api_category: None,
        api_supp_feats: Some(features::of_api(name)),
        pub_api_path: None,
        ccf_id: None,
        api_prov_name: offer.provider.clone(),
    }
}

/// An API to publish.
#[derive(Clone, Debug, PartialEq)]
pub struct ToPublish {
    /// Its name.
    pub name: String,
    about: String,
    paths: Vec<PathShape>,
    offer: Offer,
}

impl ToPublish {
    /// As it is published by this exposing function.
    pub fn of(&self, aef_id: &FunctionId) -> ServiceApiDescription {
        describe(&self.name, &self.about, &self.paths, &self.offer, aef_id)
    }
}

/// The APIs that the settings want published.
pub fn all(apis: &[Api], settings: &ExposureSettings, offer: &Offer) -> Vec<ToPublish> {
    let wanted = |api: &&Api| settings.apis.is_empty() || settings.apis.iter().any(|name| name == api.name());
    let one = |api: &Api| ToPublish {
        name: api.name().to_owned(),
        about: api.description().to_owned(),
        paths: api.paths(),
        offer: offer.clone(),
    };
    apis.iter().filter(wanted).map(one).collect()
}

/// Pure: whether the core function has an API as it should be. What it adds itself is not looked at.
pub fn is_same(published: &ServiceApiDescription, wanted: &ServiceApiDescription) -> bool {
    let bare = |api: &ServiceApiDescription| ServiceApiDescription {
        api_id: None,
        supported_features: None,
        api_status: None,
        ..api.clone()
    };
    bare(published) == bare(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path(path: &str, methods: &[&'static str]) -> PathShape {
        PathShape {
            path: path.to_owned(),
            methods: methods.to_vec(),
            summary: None,
        }
    }

    #[test]
    fn resources_and_operations_are_told_apart() {
        let version = version(&[
            path("/subscriptions", &["POST"]),
            path("/subscriptions/{subscriptionId}", &["PUT", "DELETE"]),
            path("/eas-profiles/request-discovery", &["POST"]),
            path("/determine", &["POST"]),
        ]);
        let resources: Vec<_> = version
            .resources
            .iter()
            .map(|resource| {
                (
                    resource.uri.as_str(),
                    resource.cust_op_name.as_deref(),
                    resource.operations.len(),
                )
            })
            .collect();
        assert_eq!(
            resources,
            [
                ("/subscriptions", None, 1),
                ("/subscriptions/{subscriptionId}", None, 2),
                ("/eas-profiles", Some("request-discovery"), 1)
            ]
        );
        assert_eq!(version.cust_operations[0].cust_op_name, "determine");
        assert_eq!(version.resources[1].resource_name, "individual subscriptions");
    }

    #[test]
    fn what_the_core_function_adds_is_no_difference() {
        let offer = Offer {
            interface: interface_of("https://ees.example:8443").expect("an interface"),
            methods: vec![SecurityMethod::Oauth],
            location: None,
            shareable: false,
            provider: None,
        };
        let aef_id = "AEF1".parse().expect("an identifier");
        let wanted = describe("a", "b", &[path("/r", &["GET"])], &offer, &aef_id);
        let published = ServiceApiDescription {
            api_id: Some("1".parse().expect("an identifier")),
            supported_features: None,
            ..wanted.clone()
        };
        assert!(is_same(&published, &wanted));
        let moved = Offer {
            interface: interface_of("https://ees.example:8444").expect("an interface"),
            ..offer
        };
        assert!(!is_same(
            &published,
            &describe("a", "b", &[path("/r", &["GET"])], &moved, &aef_id)
        ));
    }

    proptest! {
        #[test]
        fn an_interface_leads_to_where_it_was_made_of(host in "[a-z]{1,8}\\.example|192\\.0\\.2\\.[1-9]", port in 1u16.., prefix in "(/[a-z]{1,5}){0,2}") {
            let root = format!("https://{host}:{port}{prefix}");
            prop_assert_eq!(interface_of(&root).map(|interface| interface.api_root()), Some(root));
        }
    }
}
