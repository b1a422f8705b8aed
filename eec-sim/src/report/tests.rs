use super::*;
use crate::run::{Run, sample};
use std::collections::BTreeMap;

fn played(runs: impl IntoIterator<Item = Run>) -> Vec<Play> {
    let play = |run: Run| Play {
        scenario: run.scenario.clone(),
        runs: vec![run],
        whole: vec![crate::run::verdict::nothing_left(&[])],
    };
    runs.into_iter().map(play).collect()
}

/// How often each element begins and ends.
fn elements(page: &str) -> BTreeMap<String, i64> {
    let mut open = BTreeMap::new();
    for part in page.split('<').skip(1) {
        let (tag, _) = part.split_once('>').unwrap_or((part, ""));
        let name: String = tag
            .trim_start_matches('/')
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        if !tag.ends_with('/') && !tag.starts_with('!') && name != "meta" {
            *open.entry(name).or_default() += if tag.starts_with('/') { -1 } else { 1 };
        }
    }
    open
}

#[test]
fn the_page_stands_alone_and_is_whole() {
    let runs = [sample::good(0), sample::good(1)];
    let page = page::page(&played(runs), &[("ees-a".to_owned(), "logs/ees-a.log".to_owned())]);
    for (name, open) in elements(&page) {
        assert_eq!(open, 0, "<{name}>");
    }
    for reference in ["src=", "@import", "url(http", "<script", "<link"] {
        assert!(!page.contains(reference), "{reference}");
    }
    assert!(page.contains("34 of 34 assertions") && page.contains(r#"href="logs/ees-a.log""#));
    assert!(!page.contains("NaN") && !page.contains("inf\""));
}

#[test]
fn what_was_not_seen_is_not_shown_as_seen() {
    let page = page::page(&played([sample::good(1)]), &[]);
    assert!(page.contains("EEC context push") && page.contains("EDGE-9 · seen in its effect"));
    assert!(page.contains("EDGE-3 · 204 · 2.0 ms"));
}

#[test]
fn hostile_names_stay_text() {
    let mut run = sample::good(0);
    let mut scenario = (*run.scenario).clone();
    scenario.title = "<script>alert(1)</script>".to_owned();
    scenario.edn[0].site = "\"><img src=x>".to_owned();
    run.scenario = std::sync::Arc::new(scenario);
    run.broken = Some("<b>".to_owned());
    let page = page::page(&played([run]), &[]);
    assert!(!page.contains("<script>") && !page.contains("<img") && !page.contains("<b>:"));
}

#[test]
fn a_run_that_broke_early_is_still_a_page() {
    let mut run = sample::good(0);
    run.milestones.clear();
    run.replies.clear();
    run.messages.clear();
    run.broken = Some("the ECS named no EES".to_owned());
    run.assertions = crate::run::verdict::judge(&run);
    let page = page::page(&played([run]), &[]);
    assert!(page.contains("assertions did not hold") && page.contains("the ECS named no EES"));
    assert!(page.contains("The device never crossed the border."));
}

#[test]
fn the_story_is_told_in_order() {
    let told: Vec<_> = words::story(&sample::good(1))
        .into_iter()
        .map(|told| (told.when, told.what))
        .collect();
    assert!(told.windows(2).all(|pair| pair[0].0 <= pair[1].0), "{told:?}");
    assert_eq!(
        told[2],
        (
            Some(0.0),
            "The device crossed the border: Harbour no longer serves it.".to_owned()
        )
    );
    assert!(
        told.iter()
            .any(|(when, what)| *when == Some(81.0) && what.starts_with("The first answer came from Old town"))
    );
}

#[test]
fn the_folder_holds_page_and_lines() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        &played([sample::good(0)]),
        &[("ecs".to_owned(), folder.path().join("logs/ecs.log"))],
    )
    .unwrap();
    assert!(
        fs::read_to_string(folder.path().join("index.html"))
            .unwrap()
            .contains(r#"href="logs/ecs.log""#)
    );
    let lines = fs::read_to_string(folder.path().join("messages.jsonl")).unwrap();
    let kinds: Vec<String> = lines
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["type"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    for kind in ["message", "reply", "assertion", "relocation"] {
        assert!(kinds.iter().any(|other| other == kind), "{kind}");
    }
}
