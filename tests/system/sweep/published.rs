//! The operations in the published documents.

use edgeapp_http::request::JSON_PATCH_JSON;
use http::{Method, StatusCode};
use serde_json::Value;
use std::{fs, path::PathBuf, sync::Arc};

/// How an SMF names itself in paths (TS 29.571, `VarNfId`).
const SMF: &str = "smfInstanceId=4ace9d34-2c69-4f99-92d5-a73a3fe8e23b";

/// An operation as its document describes it.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    /// The name of its API, such as `eees-easdiscovery`.
    pub(super) api: String,
    /// Its `operationId`.
    pub(super) id: String,
    /// Its method.
    pub(super) method: Method,
    /// Its path below the version, such as `/subscriptions/{subscriptionId}`.
    pub(super) template: String,
    /// Media type and schema of its body, if it has one.
    pub(super) body: Option<(String, Value)>,
    /// Names and schemas of its mandatory query parameters.
    pub(super) query: Vec<(String, Value)>,
    /// The statuses that it succeeds with.
    pub(super) successes: Vec<StatusCode>,
    /// The schemas of its document.
    pub(super) schemas: Arc<Value>,
}

impl Operation {
    /// Whether it is one on a single resource.
    pub(super) fn is_on_an_item(&self) -> bool {
        self.template.contains('{')
    }

    /// Whether it makes a resource.
    pub(super) fn creates(&self) -> bool {
        self.successes.contains(&StatusCode::CREATED)
    }

    /// Whether it makes a resource whose name its owner chooses: everybody has one of that name, or could.
    pub(super) fn names_what_it_creates(&self) -> bool {
        self.creates() && self.method == Method::PUT
    }

    /// Whether its body is a list of changes (RFC 6902).
    pub(super) fn takes_changes(&self) -> bool {
        self.body.as_ref().is_some_and(|(media, _)| media == JSON_PATCH_JSON)
    }

    /// Its path with this in place of the identifier.
    pub(super) fn path(&self, id: &str) -> String {
        let template = self.template.replace("{smfId}", SMF);
        let template = match (template.find('{'), template.find('}')) {
            (Some(from), Some(to)) => format!("{}{id}{}", &template[..from], &template[to + 1..]),
            _ => template,
        };
        format!("/{}/v1{template}", self.api)
    }

    /// The path of the collection that its resource is in.
    pub(super) fn collection(&self) -> String {
        self.path("").trim_end_matches('/').to_owned()
    }
}

impl std::fmt::Display for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} /{}/v1{})", self.id, self.method, self.api, self.template)
    }
}

/// All published operations: those of EDGEAPP, and those of an EASDF.
pub(super) fn operations() -> Vec<Operation> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../openapi/published");
    let folders = [folder.join("easdf"), folder];
    let all = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let mut files: Vec<_> = all.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "yaml"));
    files.sort();
    let operations: Vec<_> = files
        .iter()
        .flat_map(|file| {
            let api = file.file_stem().unwrap().to_str().unwrap();
            of_document(api, &yaml_serde::from_str(&fs::read_to_string(file).unwrap()).unwrap())
        })
        .collect();
    assert!(
        operations.len() >= 40,
        "only {} operations are published",
        operations.len()
    );
    operations
}

fn of_document(api: &str, document: &Value) -> Vec<Operation> {
    let schemas = Arc::new(document["components"]["schemas"].clone());
    let paths = document["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(template, item)| {
        item.as_object().unwrap().iter().filter_map(|(method, operation)| {
            let method: Method = method.to_uppercase().parse().ok()?;
            operation.get("operationId")?;
            Some((template.clone(), method, operation.clone()))
        })
    });
    all.map(|(template, method, operation)| {
        let content = operation["requestBody"]["content"].as_object();
        let body = content.and_then(|content| content.iter().next());
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let mandatory = parameters.filter(|parameter| parameter["in"] == "query" && parameter["required"] == true);
        Operation {
            api: api.to_owned(),
            id: operation["operationId"].as_str().unwrap().to_owned(),
            method,
            template,
            body: body.map(|(media, content)| (media.clone(), content["schema"].clone())),
            query: mandatory
                .map(|query| (query["name"].as_str().unwrap().to_owned(), query["schema"].clone()))
                .collect(),
            successes: operation["responses"]
                .as_object()
                .unwrap()
                .keys()
                .filter_map(|status| status.parse().ok())
                .filter(StatusCode::is_success)
                .collect(),
            schemas: schemas.clone(),
        }
    })
    .collect()
}
