//! Reading a configuration: a TOML file, environment variables over it, and errors that say which key of which file is wrong and
//! what to do about it.

use figment::{
    Figment, Profile,
    error::Kind,
    providers::{Env, Format, Toml},
};
use serde::de::DeserializeOwned;
use std::{
    fmt,
    path::{Path, PathBuf},
};

/// Why a configuration cannot be used. Every line of the text names where, what and the remedy.
#[derive(Debug)]
pub struct SettingsError(Vec<String>);

impl SettingsError {
    /// The value of `key` in `file` cannot be used for this reason.
    pub fn of_key(file: &Path, key: &str, reason: impl fmt::Display) -> Self {
        Self(vec![format!("{}: key `{key}`: {reason}", file.display())])
    }

    /// Many errors as one; none when there are none.
    ///
    /// # Errors
    /// When there are any.
    pub fn all(errors: impl IntoIterator<Item = Self>) -> Result<(), Self> {
        let lines: Vec<String> = errors.into_iter().flat_map(|error| error.0).collect();
        if lines.is_empty() { Ok(()) } else { Err(Self(lines)) }
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for SettingsError {}

/// Reads the file, and variables `<PREFIX>__SECTION__KEY` of the environment over it. The prefix is given without underscores: `ECS`.
///
/// # Errors
/// When the file cannot be read, or keys are missing, unknown or wrong.
pub fn read<T: DeserializeOwned>(file: &Path, prefix: &str) -> Result<T, SettingsError> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        SettingsError(vec![format!(
            "{}: {error}; name a configuration file that can be read",
            file.display()
        )])
    })?;
    // Read once more by figment, which would say the same without the place.
    toml::from_str::<toml::Table>(&text).map_err(|error| SettingsError(vec![no_toml(file, &text, &error)]))?;
    let figment = Figment::new()
        .merge(Toml::string(&text))
        .merge(Env::prefixed(&format!("{prefix}__")).split("__"))
        .select(Profile::Default);
    figment
        .extract()
        .map_err(|errors| SettingsError(errors.into_iter().map(|error| explain(file, prefix, error)).collect()))
}

/// Where the text is no TOML. The line itself is not repeated: it may hold anything.
fn no_toml(file: &Path, text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let what = error.message().replace('\n', ", ");
    format!("{}:{line}:{column}: no TOML: {what}; correct this line", file.display())
}

/// The folder that relative paths in this file start from.
pub fn folder_of(file: &Path) -> PathBuf {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new(".")).to_owned()
}

fn explain(file: &Path, prefix: &str, error: figment::Error) -> String {
    let from_environment = error
        .metadata
        .as_ref()
        .is_some_and(|metadata| metadata.name.contains("environment"));
    let key = |last: Option<&str>| {
        let mut path: Vec<&str> = error.path.iter().map(String::as_str).collect();
        path.extend(last.filter(|last| path.last() != Some(last)));
        if from_environment {
            let variable: Vec<String> = path.iter().map(|part| part.to_uppercase()).collect();
            format!("environment variable `{prefix}__{}`", variable.join("__"))
        } else if path.is_empty() {
            file.display().to_string()
        } else {
            format!("{}: key `{}`", file.display(), path.join("."))
        }
    };
    match &error.kind {
        Kind::MissingField(name) => format!("{} is missing; add it", key(Some(name))),
        Kind::UnknownField(name, known) => {
            format!(
                "{} is unknown; remove it, or use one of: {}",
                key(Some(name)),
                known.join(", ")
            )
        }
        kind => format!("{}: {kind}", key(None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only the refusals are looked at")]
    struct Config {
        id: String,
        edge: Section,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only the refusals are looked at")]
    struct Section {
        listen: std::net::SocketAddr,
    }

    fn refusal(text: &str) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("server.toml");
        std::fs::write(&file, text).expect("written");
        read::<Config>(&file, "EDGEAPP_TEST_SETTINGS")
            .expect_err("refused")
            .to_string()
    }

    #[test]
    fn errors_name_file_key_and_remedy() {
        let missing = refusal("id = \"a\"\n[edge]\n");
        assert!(
            missing.contains("server.toml: key `edge.listen` is missing; add it"),
            "{missing}"
        );
        let unknown = refusal("id = \"a\"\n[edge]\nlisten = \"127.0.0.1:1\"\nlistne = 1\n");
        assert!(
            unknown.contains("key `edge.listne` is unknown") && unknown.contains("one of: listen"),
            "{unknown}"
        );
        let wrong = refusal("id = \"a\"\n[edge]\nlisten = \"here\"\n");
        assert!(wrong.contains("key `edge.listen`"), "{wrong}");
        let syntax = refusal("id = \"a\"\n[edge]\nlisten = \n");
        assert!(syntax.contains("server.toml:3:10: no TOML"), "{syntax}");
        assert_eq!(syntax.lines().count(), 1, "{syntax}");
        assert!(refusal("id = \"a\"\nid = \"b\"\n").contains("server.toml:2:1: "));
    }
}
