//! Looks at EEC contexts over EDGE-9, with the certificate of the other EES: what an EES knows is said nowhere else. Such looks are
//! not part of the relocation and are not written down as messages.

use super::device::{Broken, Site};
use crate::{
    call::{PATIENCE, client, segment, url_of},
    scenario::Edn,
    world::World,
};
use axum::http::Method;
use edgeapp_core::principal::Role;
use edgeapp_openapi::eec_context_relocation::{EecContext, EecContextsQuery};

/// The context of this id at `site`, as the EES of `looks` sees it.
pub(super) async fn context_at(world: &World, looks: &Edn, site: &Site, id: &str) -> Result<EecContext, Broken> {
    let failed = |error: String| format!("the EEC context at {} cannot be looked at: {error}", site.info.ees_id);
    let identity = world.pki.files(&looks.certificate).identity();
    let eess = world.pki.trust(Role::Ees);
    let client = identity.and_then(|identity| client(&identity, &eess?, PATIENCE));
    let client = client.map_err(|error| failed(error.to_string()))?;
    let query = EecContextsQuery {
        ees_id: looks.ees.clone(),
        eec_cntx_id: id.parse().map_err(|_| failed("it has no id".to_owned()))?,
        sess_cntxs: None,
    };
    let query: Vec<_> = query
        .to_pairs()
        .into_iter()
        .map(|(name, value)| format!("{name}={}", segment(&value)))
        .collect();
    let root = site.info.end_pt.as_ref().map(url_of).unwrap_or_default();
    let url = format!("{root}/eees-eeccontextreloc/v1/eec-contexts?{}", query.join("&"));
    let answer = client.call(Method::GET, &url, crate::call::NOTHING).await;
    Ok(answer
        .and_then(|answer| answer.json())
        .map_err(|error| failed(error.to_string()))?)
}
