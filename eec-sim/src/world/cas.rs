//! A simulated cloud application server (CAS): it takes what EESs declare (Ecas_SelectedEES, TS 29.558 clause 8A.1), remembers it and
//! answers 204. It brings no application back to the edge by itself.

use super::served::Served;
use crate::pki::{Files, Pki};
use axum::{Router, extract::State, routing::post};
use edgeapp_core::authorizer::ReferencePoint;
use edgeapp_http::{
    problem::Problem,
    reply::NoContent,
    request::{Body, Permit},
};
use edgeapp_openapi::selected_ees::SelEesDecInfo;
use std::io;
use tokio::sync::watch;

edgeapp_core::operation!(DeclareSelectedEes = "ecas-selected-ees:declare@ees");

/// Something that an EES declared.
#[derive(Clone, Debug, PartialEq)]
pub struct Declared {
    /// Who did: the EESID of its certificate.
    pub by: String,
    /// What it said.
    pub info: SelEesDecInfo,
}

/// The simulated CAS; it ends when this value goes away.
pub struct SimulatedCas {
    served: Served,
    declared: watch::Receiver<Vec<Declared>>,
}

impl SimulatedCas {
    /// Listens on loopback with this certificate, for EESs.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start(files: &Files, pki: &Pki) -> io::Result<Self> {
        let (sender, declared) = watch::channel(Vec::new());
        let router = |_: &str| routes(sender);
        let served = Served::on_loopback(files, pki, &[ReferencePoint::Edge9], router).await?;
        Ok(Self { served, declared })
    }

    /// Its `apiRoot`, which EECs name as `casInfo`.
    pub fn root(&self) -> &str {
        &self.served.root
    }

    /// What was declared so far, in order, now and later.
    pub fn declared(&self) -> watch::Receiver<Vec<Declared>> {
        self.declared.clone()
    }
}

/// What a CAS serves to EESs.
pub(super) fn routes(declared: watch::Sender<Vec<Declared>>) -> Router {
    Router::new()
        .route("/ecas-selected-ees/v1/declare", post(declare_selected_ees))
        .with_state(declared)
}

async fn declare_selected_ees(
    State(declared): State<watch::Sender<Vec<Declared>>>,
    permit: Permit<DeclareSelectedEes>,
    Body(info): Body<SelEesDecInfo>,
) -> Result<NoContent, Problem> {
    let by = permit.principal().id().to_owned();
    declared.send_modify(|all| all.push(Declared { by, info }));
    Ok(NoContent)
}
