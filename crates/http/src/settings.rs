//! Reading a configuration: a TOML file, environment variables over it, and errors that say which key of which file is wrong and
//! what to do about it. [`Effective`] is what it comes to.

mod effective;
mod words;

pub use effective::Effective;

use figment::{
    Figment, Profile,
    error::Kind,
    providers::{Env, Format, Toml},
};
use serde::de::DeserializeOwned;
use std::{
    fmt,
    path::{Component, Path, PathBuf},
};
use toml::de::{DeTable, DeValue};

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
    figment.extract().map_err(|errors| {
        SettingsError(
            errors
                .into_iter()
                .map(|error| explain(file, &text, prefix, error))
                .collect(),
        )
    })
}

/// Where the text is no TOML. The line itself is not repeated: it may hold anything.
fn no_toml(file: &Path, text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let what = error.message().replace('\n', ", ");
    format!("{}:{line}:{column}: no TOML: {what}; correct this line", file.display())
}

/// The folder that relative paths in this file start from: the same, however the file was named. Links are not followed, so that a folder that
/// is exchanged by one is seen to be; but where a name goes back by `..`, that depends on where links lead.
pub fn folder_of(file: &Path) -> PathBuf {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).to_owned();
    let parts: Vec<_> = folder.components().collect();
    let Some(last) = parts.iter().rposition(|part| *part == Component::ParentDir) else {
        return std::path::absolute(&folder).unwrap_or(folder);
    };
    let (back, rest): (PathBuf, PathBuf) = (parts[..=last].iter().collect(), parts[last + 1..].iter().collect());
    match std::fs::canonicalize(back) {
        Ok(back) if rest.as_os_str().is_empty() => back,
        Ok(back) => back.join(rest),
        // Whoever reads the file says why not.
        Err(_) => folder,
    }
}

/// The line of the text that holds this key, counted from 1.
fn line_of(text: &str, path: &[&str]) -> Option<usize> {
    let document = DeTable::parse(text).ok()?;
    let document = DeValue::Table(document.into_inner());
    let (mut here, mut start) = (&document, None);
    for part in path {
        let (span, value) = match here {
            DeValue::Table(table) => {
                let (key, value) = table.iter().find(|(key, _)| key.get_ref() == part)?;
                (key.span(), value)
            }
            DeValue::Array(items) => {
                let item = items.get(part.parse::<usize>().ok()?)?;
                (item.span(), item)
            }
            _ => return None,
        };
        (here, start) = (value.get_ref(), Some(span.start));
    }
    Some(text.get(..start?)?.matches('\n').count() + 1)
}

fn explain(file: &Path, text: &str, prefix: &str, error: figment::Error) -> String {
    let from_environment = error
        .metadata
        .as_ref()
        .is_some_and(|metadata| metadata.name.contains("environment"));
    let key = |last: Option<&str>| {
        let mut path: Vec<&str> = error.path.iter().map(String::as_str).collect();
        path.extend(last.filter(|last| path.last() != Some(last)));
        if from_environment {
            let variable: Vec<String> = path.iter().map(|part| part.to_uppercase()).collect();
            return format!("environment variable `{prefix}__{}`", variable.join("__"));
        }
        let place = match line_of(text, &path) {
            Some(line) => format!("{}:{line}", file.display()),
            None => file.display().to_string(),
        };
        if path.is_empty() {
            place
        } else {
            format!("{place}: key `{}`", path.join("."))
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
        kind => format!("{}: {}", key(None), words::explain(kind)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[test]
    fn a_folder_is_the_same_however_its_file_was_named() {
        let here = std::env::current_dir().expect("a folder");
        for file in ["ees.toml", "./ees.toml", "src/../ees.toml", "./src/.././ees.toml"] {
            assert_eq!(folder_of(Path::new(file)), here, "{file}");
        }
        assert_eq!(folder_of(&here.join("ees.toml")), here);
        for file in [
            "src/ees.toml",
            "./src/ees.toml",
            "src/../src/ees.toml",
            "src/tls/../ees.toml",
        ] {
            assert_eq!(folder_of(Path::new(file)), here.join("src"), "{file}");
        }
    }

    /// A folder that is a link to one of several can be exchanged while a server runs.
    #[cfg(unix)]
    #[test]
    fn a_folder_that_is_a_link_stays_one() {
        let lab = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(lab.path().join("one")).expect("made");
        let link = lab.path().join("current");
        std::os::unix::fs::symlink(lab.path().join("one"), &link).expect("linked");
        assert_eq!(folder_of(&link.join("ees.toml")), link);
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only the refusals are looked at")]
    struct Config {
        id: String,
        edge: Section,
        #[serde(default)]
        kinds: Kinds,
        #[serde(default)]
        place: Vec<Place>,
        #[serde(default)]
        store: Option<Store>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only the refusals are looked at")]
    struct Section {
        listen: std::net::SocketAddr,
    }

    /// One key of each type that our configurations have.
    #[derive(Debug, Default, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    #[allow(dead_code, reason = "only the refusals are looked at")]
    struct Kinds {
        seconds: u32,
        port: Option<u16>,
        at_least_one: Option<std::num::NonZeroU32>,
        signed: i64,
        share: f64,
        switch: bool,
        path: PathBuf,
        names: Vec<String>,
        table: std::collections::BTreeMap<String, String>,
        choice: Choice,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Choice {
        #[default]
        Repository,
        Announcement,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only the refusals are looked at")]
    struct Place {
        name: String,
        slice: u8,
    }

    #[derive(Debug, Deserialize)]
    #[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
    #[allow(dead_code, reason = "only the refusals are looked at")]
    enum Store {
        Redb { path: PathBuf },
        MemoryLostAtExit,
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

    const WHOLE: &str = "id = \"a\"\n[edge]\nlisten = \"127.0.0.1:1\"\n";

    /// Each wrong value is told in words that a person who writes the file knows, with the line it stands in.
    #[test]
    fn wrong_values_are_told_in_the_words_of_people() {
        let address =
            "must be an IP address with a port in quotes, such as \"192.0.2.1:9101\" or \"[2001:db8::1]:9101\"";
        for (line, key, words) in [
            (
                "seconds = \"soon\"",
                "seconds",
                "must be a whole number from 0 to 4294967295, and is text",
            ),
            (
                "seconds = -1",
                "seconds",
                "must be a whole number from 0 to 4294967295, and is -1",
            ),
            (
                "seconds = 4294967296",
                "seconds",
                "must be a whole number from 0 to 4294967295, and is 4294967296",
            ),
            (
                "seconds = 1.5",
                "seconds",
                "must be a whole number from 0 to 4294967295, and is 1.5",
            ),
            (
                "seconds = [1]",
                "seconds",
                "must be a whole number from 0 to 4294967295, and is a list",
            ),
            (
                "port = 65536",
                "port",
                "must be a whole number from 0 to 65535, and is 65536",
            ),
            (
                "port = true",
                "port",
                "must be a whole number from 0 to 65535, and is true",
            ),
            (
                "at_least_one = 0",
                "at_least_one",
                "must be a whole number from 1 to 4294967295, and is 0",
            ),
            ("signed = \"1\"", "signed", "must be a whole number, and is text"),
            ("share = \"half\"", "share", "must be a number, and is text"),
            ("switch = 1", "switch", "must be true or false, and is 1"),
            ("switch = \"yes\"", "switch", "must be true or false, and is text"),
            ("path = 7", "path", "must be a path in quotes, and is 7"),
            (
                "names = \"a\"",
                "names",
                "must be a list in brackets, such as [\"a\", \"b\"], and is text",
            ),
            ("names = [\"a\", 2]", "names.1", "must be text in quotes, and is 2"),
            ("table = \"a\"", "table", "must be a section with keys, and is text"),
            (
                "choice = \"both\"",
                "choice",
                "must be one of \"repository\", \"announcement\"",
            ),
        ] {
            let said = refusal(&format!("{WHOLE}[kinds]\n\n{line}\n"));
            assert!(
                said.ends_with(&format!("server.toml:6: key `kinds.{key}`: {words}")),
                "{line}: {said}"
            );
        }
        for (text, end) in [
            (
                "id = 5\n[edge]\nlisten = \"a\"\n".to_owned(),
                format!(":3: key `edge.listen`: {address}"),
            ),
            (
                "id = 5\n[edge]\nlisten = \"127.0.0.1:1\"\n".to_owned(),
                ":1: key `id`: must be text in quotes, and is 5".to_owned(),
            ),
            (
                "id = \"a\"\n[edge]\nlisten = 9101\n".to_owned(),
                format!(":3: key `edge.listen`: {address}, and is 9101"),
            ),
            (
                "id = \"a\"\nedge = \"127.0.0.1:1\"\n".to_owned(),
                ":2: key `edge`: must be a section with keys, and is text".to_owned(),
            ),
            (
                format!("{WHOLE}[[place]]\nname = \"a\"\nslice = 1\n[[place]]\nname = \"b\"\nslice = 256\n"),
                ":9: key `place.1.slice`: must be a whole number from 0 to 255, and is 256".to_owned(),
            ),
            (
                format!("{WHOLE}[place]\nname = \"a\"\n"),
                ":4: key `place`: must be a list in brackets, such as [\"a\", \"b\"], and is a section or table"
                    .to_owned(),
            ),
            (
                format!("{WHOLE}[store]\nkind = \"sqlite\"\n"),
                "`: must be one of \"redb\", \"memory-lost-at-exit\"".to_owned(),
            ),
            (
                format!("{WHOLE}[store]\nkind = \"redb\"\npath = 7\n"),
                ":4: key `store`: must be a path in quotes, and is 7".to_owned(),
            ),
            (
                format!("{WHOLE}[store]\npath = \"a\"\n"),
                "server.toml: key `store.kind` is missing; add it".to_owned(),
            ),
        ] {
            let said = refusal(&text);
            assert!(said.ends_with(&end), "{text}: {said}");
        }
    }

    /// Nothing that stands in the file as text is repeated, and no word of the language that this is written in.
    #[test]
    fn refusals_repeat_no_text_and_no_rust() {
        for line in [
            "seconds = \"hunter2\"",
            "switch = \"hunter2\"",
            "names = \"hunter2\"",
            "choice = \"hunter2\"",
            "table = [\"hunter2\"]",
            "choice = [\"hunter2\"]",
            "choice = { announcement = \"hunter2\" }",
            "choice = 7",
            "path = { a = \"hunter2\" }",
        ] {
            let said = refusal(&format!("{WHOLE}[kinds]\n{line}\n"));
            // Not the name of the folder, which is made up.
            let (_, said) = said.split_once("server.toml").expect("the file is named");
            for never in [
                "hunter2", "u32", "enum", "struct", "variant", "Choice", "sequence", "expected", "found", "map",
            ] {
                assert!(!said.contains(never), "{line}: {never}: {said}");
            }
        }
    }
}
