//! What a handler answers. The type is the status code.

use crate::problem::Problem;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use edgeapp_core::error::Error;
use serde::Serialize;

fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    // Room for most answers at once.
    let mut body = Vec::with_capacity(1024);
    match serde_json::to_writer(&mut body, value) {
        Ok(()) => (
            status,
            [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))],
            body,
        )
            .into_response(),
        Err(error) => Problem::from(Error::internal(error)).into_response(),
    }
}

/// 200 with a representation.
#[derive(Clone, Debug)]
pub struct Found<T>(pub T);

impl<T: Serialize> IntoResponse for Found<T> {
    fn into_response(self) -> Response {
        json(StatusCode::OK, &self.0)
    }
}

/// 200 with a representation that is JSON already.
#[derive(Clone, Debug)]
pub struct FoundJson(pub Bytes);

impl IntoResponse for FoundJson {
    fn into_response(self) -> Response {
        (
            [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))],
            self.0,
        )
            .into_response()
    }
}

/// 201 with the new representation and its absolute `Location`.
#[derive(Clone, Debug)]
pub struct Created<T> {
    location: String,
    value: T,
}

impl<T> Created<T> {
    /// The new resource lies at `location`.
    pub fn at(location: String, value: T) -> Self {
        Self { location, value }
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let mut response = json(StatusCode::CREATED, &self.value);
        match HeaderValue::try_from(self.location) {
            Ok(location) => {
                response.headers_mut().insert(header::LOCATION, location);
                response
            }
            Err(error) => Problem::from(Error::internal(error)).into_response(),
        }
    }
}

/// 204: it is done and there is nothing to show.
#[derive(Clone, Copy, Debug)]
pub struct NoContent;

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

/// 201 with the new representation, or 204 where it has taken the place of another one.
#[derive(Clone, Debug)]
pub struct CreatedOrNoContent<T>(pub Option<Created<T>>);

impl<T: Serialize> IntoResponse for CreatedOrNoContent<T> {
    fn into_response(self) -> Response {
        match self.0 {
            Some(created) => created.into_response(),
            None => NoContent.into_response(),
        }
    }
}

/// 200 with a representation, or 204 when there is none.
#[derive(Clone, Debug)]
pub struct FoundOrNone<T>(pub Option<T>);

impl<T: Serialize> IntoResponse for FoundOrNone<T> {
    fn into_response(self) -> Response {
        match self.0 {
            Some(value) => json(StatusCode::OK, &value),
            None => StatusCode::NO_CONTENT.into_response(),
        }
    }
}
