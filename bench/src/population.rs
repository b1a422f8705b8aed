//! EECs in great number: another EES brings their contexts over EDGE-9, and each registers its EEC. That is the same state as
//! registrations by the EECs themselves, without a certificate and a connection for each.

use crate::{
    Failure, bodies,
    laboratory::Laboratory,
    load::{Connection, Expected, LoadError, Question},
};
use eec_sim::world::process::Server;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::StatusCode;
use std::ops::Range;

/// The EES that brings the contexts, and the name of its certificate.
const NEIGHBOUR: (&str, &str) = ("ees-b.example", "ees-b");
/// Contexts that are brought at a time.
const AT_A_TIME: usize = 100;

/// The EECID of an EEC.
pub(crate) fn eec(number: u32) -> String {
    format!("eec-{number:08}.example")
}

/// The way of the other EES to the one that is measured.
pub(crate) struct Neighbour {
    connection: Connection,
    root: String,
}

impl Neighbour {
    /// Connects.
    pub(crate) async fn connect(laboratory: &Laboratory, ees: &Server) -> Result<Self, Failure> {
        let root = ees.root("edge1")?.to_owned();
        let connection = laboratory.connect(&root, &laboratory.identity(NEIGHBOUR.1)?).await?;
        Ok(Self { connection, root })
    }

    /// Brings the contexts of these EECs.
    pub(crate) async fn bring(&self, numbers: Range<u32>) -> Result<(), LoadError> {
        let bringing = numbers.map(|number| {
            let mut connection = self.connection.clone();
            async move {
                let body = bodies::eec_context(NEIGHBOUR.0, &eec(number));
                let question = Question::post(&self.root, bodies::EEC_CONTEXTS, body)?;
                connection
                    .count(
                        &question,
                        Expected {
                            status: StatusCode::OK,
                            length: None,
                        },
                    )
                    .await
            }
        });
        stream::iter(bringing)
            .buffer_unordered(AT_A_TIME)
            .try_collect::<()>()
            .await
    }
}
