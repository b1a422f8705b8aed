//! The trace table, `docs/security-trace.md`: which test proves what. A test says so itself, in its documentation:
//!
//! ```text
//! /// Proves: WP-05, T-21
//! ```
//!
//! A step of `.ci/run` does so in a comment above it. The rows of the corpus say it by their numbers.

mod ids;

use crate::corpus;
use ids::{Demand, Mark, NAMES, OPEN, T, WP};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

const PAGE: &str = "docs/security-trace.md";
const RENEW: &str = "RENEW=1 cargo test -p edgeapp-system-tests --test system trace";
/// Where the rows of the corpus are sent from.
const CORPUS: &str = "tests/system/corpus/mod.rs";

const BEGINNING: &str = "\
# Security: what is proved where

Made from the tests; renew it with `RENEW=1 cargo test -p edgeapp-system-tests --test system trace`. A test names what it proves in a line
`Proves:` of its documentation. The numbers are this project's own:

- **WP-nn**: what ETSI White Paper 46 (MEC security, second edition) asks of software, one demand after the other;
- **T-nn**: threats, each with the attack that its tests try;
- **DNS-…-nn**: EAS discovery by name: the wire (D), DNS (N), the choice of an EAS (S), client subnets (E), load (L);
- **H-nn**: rows of the corpus of bad input (`tests/system/corpus`), each sent to the real programs without a certificate, with that of
  another role and with the right one.

*Later* is planned and may have tests already; *outside* cannot be done by this software alone.
";

/// A demand and the tests that prove it.
type Proofs = BTreeMap<String, BTreeSet<(String, String)>>;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All files below a folder with this ending, but for what is built.
fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                files(&path, ending, found);
            }
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
}

/// The tests of a file with what they prove: name and numbers.
fn proved_in(text: &str) -> Vec<(String, Vec<String>)> {
    let mut proved = Vec::new();
    let mut claimed: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim) {
        let claim = line.strip_prefix("/// Proves:").or(line.strip_prefix("# Proves:"));
        if let Some(ids) = claim {
            claimed.extend(ids.split(',').map(|id| id.trim().to_owned()));
            continue;
        }
        let function = line
            .trim_start_matches("pub ")
            .trim_start_matches("async ")
            .strip_prefix("fn ");
        let step = line.strip_prefix("step \"").and_then(|rest| rest.strip_suffix('"'));
        let name = function.and_then(|rest| rest.split(['(', '<']).next()).or(step);
        if let Some(name) = name
            && !claimed.is_empty()
        {
            proved.push((name.to_owned(), std::mem::take(&mut claimed)));
        }
    }
    assert!(
        claimed.is_empty(),
        "{claimed:?} are proved by nothing: no function follows"
    );
    proved
}

fn proofs() -> Proofs {
    let mut sources = vec![root().join(".ci/run")];
    files(&root(), ".rs", &mut sources);
    let mut proofs = Proofs::new();
    for file in sources {
        let text = fs::read_to_string(&file).unwrap();
        let file = file.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        for (test, ids) in proved_in(&text) {
            for id in ids {
                proofs.entry(id).or_default().insert((file.clone(), test.clone()));
            }
        }
    }
    for row in corpus::rows() {
        let id = format!("H-{:02}", row.number);
        let test = (CORPUS.to_owned(), row.ground.test().to_owned());
        proofs.entry(id).or_default().insert(test);
    }
    proofs
}

fn named(kind: &str, demands: &[Demand]) -> Vec<(String, Mark, String)> {
    let named = demands
        .iter()
        .map(|(number, mark, what)| (format!("{kind}-{number:02}"), *mark, (*what).to_owned()));
    named.collect()
}

fn of_names() -> Vec<(String, Mark, String)> {
    NAMES.iter().flat_map(|(kind, demands)| named(kind, demands)).collect()
}

/// The rows, each with what all entries of its number try.
fn of_rows() -> Vec<(String, Mark, String)> {
    let mut rows: BTreeMap<u8, Vec<String>> = BTreeMap::new();
    for row in corpus::rows() {
        let differs = row.differs.map(|reason| format!(" ({reason})")).unwrap_or_default();
        rows.entry(row.number)
            .or_default()
            .push(format!("{}{differs}", row.tries));
    }
    let demand = |(number, tries): (u8, Vec<String>)| (format!("H-{number:02}"), Mark::Core, tries.join("; "));
    rows.into_iter().map(demand).collect()
}

fn page(proofs: &Proofs) -> String {
    let mut page = BEGINNING.to_owned();
    let _ = writeln!(page, "\n## Still open\n\n| id | missing |\n|---|---|");
    for (id, missing) in OPEN {
        let _ = writeln!(page, "| {id} | {missing} |");
    }
    for (title, demands) in [
        ("Demands", named("WP", WP)),
        ("Threats", named("T", T)),
        ("EAS discovery by name", of_names()),
        ("Rows of the corpus", of_rows()),
    ] {
        let _ = writeln!(page, "\n## {title}\n\n| id | what | proved by |\n|---|---|---|");
        for (id, mark, what) in demands {
            let mark = match mark {
                Mark::Core => "",
                Mark::Later => "*Later:* ",
                Mark::Outside => "*Outside:* ",
            };
            let tests = proofs.get(&id).into_iter().flatten();
            let tests: Vec<_> = tests.map(|(file, test)| format!("[{test}](../{file})")).collect();
            let _ = writeln!(
                page,
                "| {id} | {mark}{} | {} |",
                what.replace('|', "\\|"),
                tests.join(", ")
            );
        }
    }
    page
}

/// Proves: WP-66
#[test]
fn the_page_of_proofs_is_fresh() {
    let page = page(&proofs());
    let file = root().join(PAGE);
    if fs::read_to_string(&file).is_ok_and(|found| found == page) {
        return;
    }
    assert!(
        std::env::var_os("RENEW").is_some(),
        "{PAGE} is stale; renew it with: {RENEW}"
    );
    fs::write(&file, page).unwrap();
}

/// What has to be there has a test, or stands among what is open; nothing else is claimed.
///
/// Proves: WP-66
#[test]
fn every_demand_is_proved_or_open() {
    let proofs = proofs();
    let demands: Vec<_> = [named("WP", WP), named("T", T), of_names(), of_rows()].concat();
    let known: BTreeSet<_> = demands.iter().map(|(id, ..)| id.as_str()).collect();
    let unknown: Vec<_> = proofs.iter().filter(|(id, _)| !known.contains(id.as_str())).collect();
    assert!(unknown.is_empty(), "nobody asks for these: {unknown:?}");
    let open: BTreeSet<_> = OPEN.iter().map(|(id, _)| *id).collect();
    let strange: Vec<_> = open.difference(&known).collect();
    assert!(strange.is_empty(), "open, and nobody asks for it: {strange:?}");
    let unproved: Vec<_> = demands
        .iter()
        .filter(|(id, mark, _)| *mark == Mark::Core && !proofs.contains_key(id) && !open.contains(id.as_str()))
        .map(|(id, ..)| id)
        .collect();
    assert!(
        unproved.is_empty(),
        "without a test, and not said to be open: {unproved:?}"
    );
}

#[test]
fn claims_belong_to_the_function_that_follows() {
    let text = "/// Whether.\n///\n/// Proves: T-01, H-02\n#[tokio::test]\nasync fn one() {}\nfn helper() {}\n\n    /// Proves: T-03\n    fn two<T>() {}\n";
    let of = |name: &str, ids: &[&str]| {
        (
            name.to_owned(),
            ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>(),
        )
    };
    assert_eq!(proved_in(text), [of("one", &["T-01", "H-02"]), of("two", &["T-03"])]);
    assert_eq!(proved_in("# Proves: T-37\nstep \"bans\"\n"), [of("bans", &["T-37"])]);
}
