//! A collector of audit records that is reached over HTTPS: POST of JSON lines, answered by `{"kept": <number>}`.
//!
//! The path ends with the name of the log that the lines are of. 409 with the same body says that the collector goes on after that record.

use crate::client::{CallError, HttpClient};
use async_trait::async_trait;
use axum::http::{Method, StatusCode};
use bytes::Bytes;
use edgeapp_core::evidence::{Collector, NotCollected};
use serde::{Deserialize, Serialize};

/// The media type of lines of JSON.
pub const NDJSON: &str = "application/x-ndjson";

/// What a collector answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The number of the last record that it keeps of the log, all before it included; 0 when there is none.
    pub kept: u64,
}

/// The collector at this address.
pub struct HttpCollector {
    client: HttpClient,
    url: String,
}

impl HttpCollector {
    /// Reached by this client, which trusts nobody but the collector.
    pub fn new(client: HttpClient, url: &str) -> Self {
        Self {
            client,
            url: url.trim_end_matches('/').to_owned(),
        }
    }
}

#[async_trait]
impl Collector for HttpCollector {
    async fn keep(&self, log: &str, lines: Bytes) -> Result<u64, NotCollected> {
        let url = format!("{}/{log}", self.url);
        match self.client.send(Method::POST, &url, NDJSON, Some(lines)).await {
            Ok(answer) => {
                let Kept { kept } = answer.json().map_err(|error| NotCollected::Later(error.to_string()))?;
                Ok(kept)
            }
            Err(CallError::Refused { status, body, .. }) if status == StatusCode::CONFLICT => {
                let kept = serde_json::from_slice::<Kept>(&body);
                Err(kept.map_or_else(
                    |error| NotCollected::Later(error.to_string()),
                    |Kept { kept }| NotCollected::GoesOnAfter(kept),
                ))
            }
            Err(error) => Err(NotCollected::Later(error.to_string())),
        }
    }
}
