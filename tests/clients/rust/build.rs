//! Generates a client of every published API, as somebody who uses progenitor would.

use progenitor_impl::{GenerationSettings, Generator, InterfaceStyle};
use serde_json::{Map, Value};
use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

fn main() -> Result<(), Box<dyn Error>> {
    let published = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../../openapi/published");
    let all = [
        clients(&published.join("3.0"), "PUBLISHED", "All published APIs.")?,
        clients(&published.join("capif/3.0"), "CAPIF", "The APIs of CAPIF.")?,
    ];
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("clients.rs"), all.concat())?;
    Ok(())
}

/// A module with a client for each document in a folder, and a list of their names.
fn clients(folder: &Path, list: &str, about: &str) -> Result<String, Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files: Vec<_> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|file| file.extension().is_some_and(|ending| ending == "yaml"));
    files.sort();
    let mut all = String::new();
    let mut names = Vec::new();
    for file in &files {
        let name = file
            .file_stem()
            .and_then(|name| name.to_str())
            .ok_or("a file without a name")?;
        let code = client(&fs::read_to_string(file)?).map_err(|error| format!("{name}: {error}"))?;
        let module = name.replace('-', "_");
        all.push_str(&format!("/// The client of {name}.\npub mod {module} {{\n{code}}}\n"));
        names.push(name.to_owned());
    }
    all.push_str(&format!("/// {about}\npub const {list}: &[&str] = &{names:?};\n"));
    Ok(all)
}

fn client(document: &str) -> Result<String, Box<dyn Error>> {
    let mut document: Value = yaml_serde::from_str(document)?;
    leave_out(&mut document);
    let document: openapiv3::OpenAPI = serde_json::from_value(document)?;
    let mut settings = GenerationSettings::default();
    settings
        .with_interface(InterfaceStyle::Positional)
        .with_pre_hook("crate::say_merge_patch".parse()?);
    let tokens = Generator::new(&settings).generate_tokens(&document)?;
    Ok(prettyplease::unparse(&syn::parse2(tokens)?))
}

/// What progenitor does not know, so that it makes a client of the rest: success with and without a body (the one without is left
/// out), a refusal of any status (it would be a success too), refusals of two types (those of OAuth stay, ProblemDetails are left out),
/// bodies of other media types than application/json and forms (the library has a hook for merge patches), and query parameters that are
/// JSON (they are optional everywhere).
fn leave_out(document: &mut Value) {
    let items = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    for operation in items.filter_map(Value::as_object_mut).flat_map(Map::values_mut) {
        if let Some(Value::Array(parameters)) = operation.get_mut("parameters") {
            parameters.retain(|parameter| parameter["content"].is_null());
        }
        if let Some(Value::Object(body)) = operation.get_mut("requestBody") {
            call_it_json(body);
        }
        let Some(Value::Object(responses)) = operation.get_mut("responses") else {
            continue;
        };
        responses.remove("default");
        if ["200", "201"]
            .iter()
            .any(|with_body| responses.contains_key(*with_body))
        {
            responses.retain(|status, _| status != "202" && status != "204");
        }
        let says = |response: &Value, media| response["content"].get(media).is_some();
        let own = |status: &str, response: &Value| status >= "400" && says(response, "application/json");
        if responses.iter().any(|(status, response)| own(status, response)) {
            responses.retain(|_, response| !says(response, "application/problem+json"));
        }
        responses
            .values_mut()
            .filter_map(Value::as_object_mut)
            .for_each(call_it_json);
    }
}

fn call_it_json(message: &mut Map<String, Value>) {
    if let Some(Value::Object(content)) = message.get_mut("content") {
        let bodies = std::mem::take(content).into_iter();
        let known = ["application/json", "application/x-www-form-urlencoded"];
        content.extend(bodies.map(|(media, body)| match known.contains(&media.as_str()) {
            true => (media, body),
            false => ("application/json".to_owned(), body),
        }));
    }
}
