//! The published OpenAPI documents, emitted by the same registration that builds the router.

mod examples;
mod level;
mod page;
mod shapes;

pub use page::{PAGE, page};

use crate::problem::problem_schemas;
use axum::Router;
use edgeapp_core::pseudonym;
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeSet,
    sync::{PoisonError, RwLock},
};
use utoipa::{
    ToSchema,
    openapi::{OpenApi, PathItem, RefOr, Schema},
};
use utoipa_axum::router::OpenApiRouter;

static KNOWN: RwLock<BTreeSet<&'static str>> = RwLock::new(BTreeSet::new());

/// Whether an API of this name was ever mounted.
pub(crate) fn is_known(api: &str) -> bool {
    KNOWN.read().unwrap_or_else(PoisonError::into_inner).contains(api)
}

/// Words that stand in the paths of our APIs for everybody.
static WORDS: RwLock<BTreeSet<String>> = RwLock::new(BTreeSet::new());

/// A path as it may stand in a log: whatever is not the name or a word of an API may be somebody's, and is replaced by its pseudonym.
pub(crate) fn without_names(path: &str) -> String {
    let (names, words) = (
        pseudonym::in_use(),
        WORDS.read().unwrap_or_else(PoisonError::into_inner),
    );
    let parts = path.split('/').map(|part| match part {
        "" | "v1" => part.to_owned(),
        part if is_known(part) || words.contains(part) => part.to_owned(),
        part => names.of_path(part, 0),
    });
    parts.collect::<Vec<_>>().join("/")
}

/// One API: its router and its document, which cannot differ because one registration makes both.
pub struct Api {
    name: &'static str,
    folder: &'static str,
    other_names: Vec<&'static str>,
    router: Router,
    document: OpenApi,
    callbacks: Vec<Callback>,
    clearable: Vec<(&'static str, &'static str)>,
    schemas: Vec<(String, RefOr<Schema>)>,
}

/// A path of an API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathShape {
    /// The path, variables in braces.
    pub path: String,
    /// Its HTTP methods.
    pub methods: Vec<&'static str>,
    /// What the first of them does, in a line.
    pub summary: Option<String>,
}

/// Why a document cannot be written; a defect of its registration.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It is no JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// It is no YAML.
    #[error(transparent)]
    Yaml(#[from] yaml_serde::Error),
    /// It refers to a schema that it does not have: [`Api::schema`] adds it.
    #[error("the document of {0} refers to {1} and lacks it")]
    Dangling(&'static str, String),
}

/// A callback of an operation: a request that the server makes to the client.
struct Callback {
    operation: &'static str,
    name: &'static str,
    expression: &'static str,
    body: String,
    answer: Option<String>,
    schemas: Vec<(String, RefOr<Schema>)>,
}

fn described<T: ToSchema>() -> (String, Vec<(String, RefOr<Schema>)>) {
    let mut schemas = Vec::new();
    T::schemas(&mut schemas);
    schemas.push((T::name().into_owned(), T::schema()));
    (T::name().into_owned(), schemas)
}

impl Api {
    /// The API `<name>/v1`, made of these routes, with what it is for in a line.
    pub fn new(name: &'static str, title: &str, description: &str, routes: OpenApiRouter) -> Self {
        KNOWN.write().unwrap_or_else(PoisonError::into_inner).insert(name);
        let (router, mut document) = routes.split_for_parts();
        title.clone_into(&mut document.info.title);
        let words = document.paths.paths.keys().flat_map(|path| path.split('/'));
        let words = words
            .filter(|word| !word.is_empty() && !word.contains('{'))
            .map(str::to_owned);
        WORDS.write().unwrap_or_else(PoisonError::into_inner).extend(words);
        document.info.description = Some(description.to_owned());
        document.info.version = "1.1.0".to_owned();
        document.info.license = None;
        document.info.contact = None;
        Self {
            name,
            folder: "",
            other_names: Vec::new(),
            router,
            document,
            callbacks: Vec::new(),
            clearable: Vec::new(),
            schemas: Vec::new(),
        }
    }

    /// The operation `operation` calls the client back: POST to `expression` with a `T`, answered by 204.
    pub fn callback<T: ToSchema>(
        mut self,
        operation: &'static str,
        name: &'static str,
        expression: &'static str,
    ) -> Self {
        let (body, schemas) = described::<T>();
        self.callbacks.push(Callback {
            operation,
            name,
            expression,
            body,
            answer: None,
            schemas,
        });
        self
    }

    /// As [`Api::callback`], where the client may answer 200 with an `A`.
    pub fn callback_with_answer<T: ToSchema, A: ToSchema>(
        mut self,
        operation: &'static str,
        name: &'static str,
        expression: &'static str,
    ) -> Self {
        let (body, mut schemas) = described::<T>();
        let (answer, more) = described::<A>();
        schemas.extend(more);
        self.callbacks.push(Callback {
            operation,
            name,
            expression,
            body,
            answer: Some(answer),
            schemas,
        });
        self
    }

    /// Mounts the same routes under these names too, which other levels of the standard have; the document stays that of its own name.
    pub fn also_as(mut self, names: &[&'static str]) -> Self {
        KNOWN.write().unwrap_or_else(PoisonError::into_inner).extend(names);
        self.other_names.extend(names);
        self
    }

    /// Publishes its documents in this folder of their own, with a slash at the end: those of another standard's family.
    pub fn published_in(mut self, folder: &'static str) -> Self {
        self.folder = folder;
        self
    }

    /// Adds a schema that no body has, only a parameter.
    pub fn schema<T: ToSchema>(mut self) -> Self {
        self.schemas.extend(described::<T>().1);
        self
    }

    /// In the schema `schema`, a patch may remove `member` by null.
    pub fn clearable(mut self, schema: &'static str, member: &'static str) -> Self {
        self.clearable.push((schema, member));
        self
    }

    /// The paths below `/<name>/v1`, as they are described where the API is published.
    pub fn paths(&self) -> Vec<PathShape> {
        let of_path = |(path, item): (&String, &PathItem)| {
            let operations = [
                ("GET", &item.get),
                ("POST", &item.post),
                ("PUT", &item.put),
                ("PATCH", &item.patch),
                ("DELETE", &item.delete),
            ];
            let served: Vec<_> = operations
                .into_iter()
                .filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
                .collect();
            PathShape {
                path: path.clone(),
                methods: served.iter().map(|(method, _)| *method).collect(),
                summary: served.first().and_then(|(_, operation)| operation.summary.clone()),
            }
        };
        self.document.paths.paths.iter().map(of_path).collect()
    }

    /// What it is for, in a line.
    pub fn description(&self) -> &str {
        self.document.info.description.as_deref().unwrap_or_default()
    }

    /// The name in the base path, such as `eees-easdiscovery`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The routes under `/<name>/v1`.
    pub fn router(&self) -> Router {
        let names = std::iter::once(&self.name).chain(&self.other_names);
        names.fold(Router::new(), |all, name| {
            all.nest(&format!("/{name}/v1"), self.router.clone())
        })
    }

    /// The document as YAML.
    ///
    /// # Errors
    /// When the document cannot be written or lacks a schema, which is a defect of its registration.
    pub fn document(&self) -> Result<String, DocumentError> {
        Ok(yaml_serde::to_string(&self.value()?)?)
    }

    /// The files that publish the API, by their path in the folder of published documents: the document, and the same at OpenAPI 3.0.
    ///
    /// # Errors
    /// As [`Api::document`].
    pub fn files(&self) -> Result<[(String, String); 2], DocumentError> {
        let document = self.value()?;
        let older = yaml_serde::to_string(&level::at_3_0(document.clone()))?;
        Ok([
            (
                format!("{}{}.yaml", self.folder, self.name),
                yaml_serde::to_string(&document)?,
            ),
            (format!("{}3.0/{}.yaml", self.folder, self.name), older),
        ])
    }

    fn value(&self) -> Result<Value, DocumentError> {
        let mut document = serde_json::to_value(&self.document)?;
        document["servers"] = json!([{
            "url": format!("{{apiRoot}}/{}/v1", self.name),
            "variables": {"apiRoot": {
                "default": "https://localhost:8443",
                "description": "Scheme, authority and optional prefix under which the server is reached.",
            }},
        }]);
        document["security"] = json!([{}, {"oAuth2ClientCredentials": []}]);
        document["components"]["securitySchemes"] = json!({"oAuth2ClientCredentials": {
            "type": "oauth2",
            "flows": {"clientCredentials": {"tokenUrl": "{tokenUrl}", "scopes": {}}},
        }});
        for (name, schema) in self
            .callbacks
            .iter()
            .flat_map(|callback| callback.schemas.clone())
            .chain(self.schemas.clone())
            .chain(problem_schemas())
        {
            document["components"]["schemas"][name] = serde_json::to_value(schema)?;
        }
        for callback in &self.callbacks {
            if let Some(operation) = operation(&mut document, callback.operation) {
                operation["callbacks"][callback.name] = callback.document();
            }
        }
        shapes::for_generators(&mut document["components"]["schemas"]);
        shapes::for_generators(&mut document["paths"]);
        shapes::demanding_first(&mut document);
        shapes::json_parameters(&mut document);
        for (schema, member) in &self.clearable {
            let member = &mut document["components"]["schemas"][schema]["properties"][member];
            *member = json!({"oneOf": [std::mem::take(member), {"type": "null"}]});
        }
        examples::add(&mut document);
        if let Some(missing) = shapes::dangling(&document) {
            return Err(DocumentError::Dangling(self.name, missing));
        }
        Ok(document)
    }
}

impl Callback {
    fn document(&self) -> Value {
        let schema =
            |name: &str| json!({"application/json": {"schema": {"$ref": format!("#/components/schemas/{name}")}}});
        let mut responses = json!({
            "204": {"description": "The notification was received."},
            "default": {"description": "The notification was not received; it is sent again later."},
        });
        if let Some(answer) = &self.answer {
            responses["200"] =
                json!({"description": "The notification was received, with an answer.", "content": schema(answer)});
        }
        json!({self.expression: {"post": {
            "requestBody": {"required": true, "content": schema(&self.body)},
            "responses": responses,
        }}})
    }
}

fn operation<'a>(document: &'a mut Value, id: &str) -> Option<&'a mut Value> {
    let paths = document["paths"].as_object_mut()?;
    paths
        .values_mut()
        .filter_map(Value::as_object_mut)
        .flat_map(Map::values_mut)
        .find(|operation| operation["operationId"] == id)
}
