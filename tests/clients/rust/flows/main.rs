//! What users of the generated Rust clients do: one flow of every published API against the real programs.

mod capif;
mod world;

/// The flows, each a test in a module of the API's name.
macro_rules! flows {
    ($($api:ident),+ $(,)?) => {
        $(mod $api;)+
        const FLOWS: &[&str] = &[$(stringify!($api)),+];
    };
}

flows!(
    eecs_eesregistration,
    eecs_eim,
    eecs_serviceprovisioning,
    eecs_targeteesdiscovery,
    eees_acr_param,
    eees_acrevents,
    eees_acrmgntevent,
    eees_acrstatus_update,
    eees_appclientinformation,
    eees_appctxtreloc,
    eees_cea,
    eees_easdiscovery,
    eees_easinfoprov,
    eees_easregistration,
    eees_eeccontextreloc,
    eees_eecregistration,
    eees_eel_acr,
    eees_session_with_qos,
    eees_tie,
    eees_ueidentifier,
    eees_uelocation,
);

#[test]
fn every_published_api_has_a_flow() {
    let published = edgeapp_client_tests::PUBLISHED.iter().map(|api| api.replace('-', "_"));
    let without: Vec<_> = published.filter(|api| !FLOWS.contains(&api.as_str())).collect();
    assert!(
        without.is_empty(),
        "write tests/clients/rust/flows/<api>.rs for {without:?}"
    );
}

/// The flow of CAPIF calls every API there is: one of a document more is missing there.
#[test]
fn the_flow_of_capif_is_about_all_its_apis() {
    let flow = include_str!("capif.rs");
    let without: Vec<_> = edgeapp_client_tests::CAPIF
        .iter()
        .filter(|api| !flow.contains(&format!("{}::Client", api.replace('-', "_"))))
        .collect();
    assert!(
        without.is_empty(),
        "call {without:?} in tests/clients/rust/flows/capif.rs"
    );
}
