//! The operator's way in: `/sim`. A change is answered when everybody it concerns was told.

use super::{
    Nef,
    doors::{Reply, Request},
    fault::Fault,
    model::Ue,
};
use axum::http::{Method, StatusCode};
use edgeapp_core::error::{Cause, Error};
use edgeapp_http::problem::Problem;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    /// Absent or null: the UE is switched off.
    cell: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Consent {
    /// The external identifier, or the number of a UE that has none.
    external_id: String,
    uc_purpose: String,
    granted: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionEvent {
    gpsi: String,
    event: String,
}

fn read<T: DeserializeOwned>(request: &Request) -> Result<T, Reply> {
    let body = request.json("application/json")?;
    serde_json::from_value(body).map_err(|error| Error::mandatory_incorrect("", error.to_string()).into())
}

impl Nef {
    /// Answers a request of the operator.
    pub async fn control(self: &Arc<Self>, request: Request) -> Reply {
        self.obey(&request).await.unwrap_or_else(|refused| refused)
    }

    async fn obey(self: &Arc<Self>, request: &Request) -> Result<Reply, Reply> {
        let path = percent_encoding::percent_decode_str(&request.path).decode_utf8_lossy();
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let post = request.method == Method::POST;
        match parts[..] {
            ["sim", "ue"] if post => {
                self.put_ue(read::<Ue>(request)?).await?;
                Ok(Reply::nothing())
            }
            ["sim", "ue"] if request.method == Method::GET => {
                let state = self.state();
                let all = state.network.ues().map(|ue| {
                    let mut shown = json!(ue);
                    shown["paths"] = json!(state.paths(ue.gpsi.as_str()));
                    shown
                });
                Ok(Reply::of(StatusCode::OK, all.collect()))
            }
            ["sim", "ue", gpsi, "move"] if post => {
                let Move { cell } = read(request)?;
                self.move_ue(gpsi, cell.as_deref()).await?;
                Ok(Reply::nothing())
            }
            ["sim", "faults"] if post => {
                self.faults().add(read::<Fault>(request)?);
                Ok(Reply::nothing())
            }
            ["sim", "consent"] if post => {
                let asked: Consent = read(request)?;
                self.consent(&asked.external_id, &asked.uc_purpose, asked.granted).await;
                Ok(Reply::nothing())
            }
            ["sim", "qos"] if post => {
                let SessionEvent { gpsi, event } = read(request)?;
                self.session_event(&gpsi, &event).await?;
                Ok(Reply::nothing())
            }
            ["sim", "log"] if request.method == Method::GET => {
                Ok(Reply::of(StatusCode::OK, json!(self.log().entries())))
            }
            ["sim", "subscriptions"] if request.method == Method::GET => Ok(Reply::of(StatusCode::OK, self.shown())),
            _ => Err(Problem::new(
                StatusCode::NOT_FOUND,
                Cause::ResourceUriStructureNotFound,
                "there is nothing for this method and path",
            )
            .into()),
        }
    }

    /// What lives at the APIs, and what is odd about it.
    fn shown(&self) -> Value {
        let now = self.now();
        let mut state = self.state();
        state.forget(now);
        let all = state.resources().map(|(api, id, resource)| {
            let targets = resource.want.targets().iter();
            let ues: Vec<_> = targets.flat_map(|target| state.network.meant(target)).collect();
            json!({
                "api": api.name(), "id": id, "scsAsId": resource.scs_as, "uri": resource.uri,
                "ues": ues.iter().map(|ue| ue.gpsi.as_str()).collect::<Vec<_>>(),
                "reports": resource.reports(), "resource": resource.body,
            })
        });
        json!({"subscriptions": all.collect::<Vec<_>>(), "odd": state.doubled()})
    }
}
