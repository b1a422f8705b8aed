//! The application's own protocol, seen from its client.

use crate::call::{Caller, Failed, NOTHING, segment};
use axum::http::Method;
use serde::{Deserialize, Serialize};

/// A numbered request of the application.
#[derive(Debug, Serialize, Deserialize)]
pub struct Numbered {
    /// Its number.
    pub number: u64,
    /// The application client that asks.
    pub ac: String,
}

/// The answer to it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Answered {
    /// The number of the request.
    pub number: u64,
    /// The instance that answers.
    pub instance: String,
    /// The counter in the context, raised by one with every request.
    pub counter: u64,
}

/// Where a context is to go.
#[derive(Debug, Serialize, Deserialize)]
pub struct Destination {
    /// The other server.
    pub to: String,
}

/// Where a client is now.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Moved {
    /// The place where its traffic could reach an edge data network.
    pub(super) dnai: Option<String>,
}

/// What an application client asks of an application server.
#[derive(Clone)]
pub struct Application {
    caller: Caller,
    ue: String,
}

impl Application {
    /// The application's own way to a server.
    pub fn new(caller: Caller, ue: &str) -> Self {
        Self {
            caller,
            ue: segment(ue),
        }
    }

    /// Asks for the context to be handed over to another server.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn hand_over(&self, to: &str) -> Result<(), Failed> {
        let path = format!("/sessions/{}/hand-over", self.ue);
        let destination = Destination { to: to.to_owned() };
        self.caller
            .call("Hand the game over", Method::POST, &path, Some(&destination))
            .await
            .map(|_| ())
    }

    /// Says that the UE has moved, and where its traffic could go now.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn moved(&self, dnai: Option<String>) -> Result<(), Failed> {
        let path = format!("/sessions/{}/moved", self.ue);
        self.caller
            .call(
                "Say that the player has moved",
                Method::POST,
                &path,
                Some(&Moved { dnai }),
            )
            .await
            .map(|_| ())
    }

    /// Leaves: the server forgets the context.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn leave(&self) -> Result<(), Failed> {
        let path = format!("/sessions/{}", self.ue);
        self.caller
            .call("Leave the game server", Method::DELETE, &path, NOTHING)
            .await
            .map(|_| ())
    }
}
