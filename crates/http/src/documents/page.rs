//! The documents for people: a page on the operator's port that shows every operation of a program, with nothing from elsewhere.

use super::{Api, DocumentError};
use axum::{Router, http::header, routing::get};
use utoipa_swagger_ui::{Config, SwaggerUi, Url};

/// Where the page is.
pub const PAGE: &str = "/docs";

/// The routes of the page, and of each document as `/docs/<name of the API>`.
///
/// # Errors
/// When a document cannot be written, which is a defect of its registration.
pub fn page(apis: &[Api]) -> Result<Router, DocumentError> {
    // Addresses are relative to the page. The validator would be somebody else's server.
    let all: Vec<_> = apis.iter().map(|api| Url::new(api.name(), api.name())).collect();
    let config = Config::new(all).validator_url("none").try_it_out_enabled(false);
    let page = Router::from(SwaggerUi::new(PAGE).config(config));
    apis.iter().try_fold(page, |page, api| {
        let document = api.document()?;
        let show = async move || ([(header::CONTENT_TYPE, "application/yaml")], document.clone());
        Ok(page.route(&format!("{PAGE}/{}", api.name()), get(show)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{body::Body, http::Request, response::Response};
    use tower::ServiceExt;
    use utoipa_axum::router::OpenApiRouter;

    async fn ask(path: &str) -> (Response<()>, String) {
        let api = |name: &'static str| Api::new(name, name, "What it is for.", OpenApiRouter::new());
        let page = page(&[api("eees-one"), api("eees-two")]).unwrap();
        let request = Request::get(path).body(Body::empty()).unwrap();
        let (parts, body) = page.oneshot(request).await.unwrap().into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        (
            Response::from_parts(parts, ()),
            String::from_utf8_lossy(&body).into_owned(),
        )
    }

    #[tokio::test]
    async fn the_page_lists_every_document() {
        let (_, script) = ask("/docs/swagger-initializer.js").await;
        for name in ["eees-one", "eees-two"] {
            assert!(script.contains(&format!("\"{name}\"")), "{script}");
            let (answer, document) = ask(&format!("/docs/{name}")).await;
            assert_eq!(answer.headers()["content-type"], "application/yaml");
            assert!(document.contains(&format!("title: {name}")), "{document}");
        }
    }

    #[tokio::test]
    async fn the_page_loads_nothing_from_elsewhere() {
        let (answer, page) = ask("/docs/").await;
        assert_eq!(answer.status(), 200);
        let (_, script) = ask("/docs/swagger-initializer.js").await;
        for text in [page, script] {
            assert!(!text.contains("http://") && !text.contains("https://"), "{text}");
        }
    }
}
