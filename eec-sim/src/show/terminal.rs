//! For people: what happens while it happens, and at the end milestones, derived values and assertions.

use super::Show;
use crate::{
    milestone::{Milestone, between},
    record::{News, Watcher},
    run::{Play, Run, verdict::Assertion},
    scenario::Ending,
    statistics::{quantiles, table},
};
use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    io::{IsTerminal, Write},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

const STRONG: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const NEWS: Style = AnsiColor::Cyan.on_default();

/// Width of the bars in the timeline.
const WIDTH: usize = 34;

/// So many relocations of a scenario are shown in full.
const MANY: usize = 4;

/// Shows a run to people.
#[derive(Default)]
pub struct Terminal {
    bar: Option<ProgressBar>,
}

struct Live {
    bar: ProgressBar,
    last: Mutex<String>,
}

/// Prints a line; a reader that went away is no reason to fail.
macro_rules! println {
    ($($text:tt)*) => {{
        let _ = writeln!(anstream::stdout(), $($text)*);
    }};
}

/// A line above the spinner, or just a line where there is none.
fn above(bar: &ProgressBar, text: &str) {
    if bar.is_hidden() {
        println!("{text}");
    } else {
        bar.suspend(|| println!("{text}"));
    }
}

impl Watcher for Live {
    fn hear(&self, news: &News<'_>) {
        match news {
            News::Step(text) => {
                let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
                if *last != *text {
                    (*text).clone_into(&mut last);
                    above(&self.bar, &format!("  {FAINT}·{FAINT:#} {text}"));
                }
            }
            News::Milestone(milestone, since) => {
                let since = since.map(|since| format!("{since:+9.1} ms")).unwrap_or_default();
                let (id, plain) = (milestone.id(), milestone.plain());
                above(&self.bar, &format!("    {NEWS}{id:>3}{NEWS:#} {since}  {plain}"));
            }
            News::Message(message) => {
                if let Some(error) = &message.error {
                    let (from, to, operation) = (message.from, message.to, &message.operation);
                    above(
                        &self.bar,
                        &format!("    {BAD}✗{BAD:#} {operation}, {from} to {to}: {error}"),
                    );
                }
            }
        }
    }
}

impl Show for Terminal {
    fn begin(&mut self, name: &str, title: &str, acr: &str) -> Arc<dyn Watcher> {
        println!("\n{STRONG}▶ {title}{STRONG:#}  {FAINT}{name}, {acr}{FAINT:#}");
        let bar = if std::io::stdout().is_terminal() {
            ProgressBar::new_spinner()
        } else {
            ProgressBar::hidden()
        };
        if let Ok(style) = ProgressStyle::with_template("  {spinner:.cyan} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        bar.set_message(format!("playing {name}"));
        bar.enable_steady_tick(Duration::from_millis(100));
        self.bar = Some(bar.clone());
        Arc::new(Live {
            bar,
            last: Mutex::default(),
        })
    }

    fn end(&mut self, play: &Play) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        for run in &play.runs {
            if play.runs.len() > 1 {
                println!("\n  {STRONG}{}{STRONG:#}", run.id());
            } else {
                println!();
            }
            // Of many only those are shown in full that went wrong.
            if play.runs.len() <= MANY || !run.held() {
                whole(run);
            }
        }
        if !play.whole.is_empty() {
            println!("\n  {FAINT}on the whole{FAINT:#}");
            play.whole.iter().for_each(judged);
        }
    }

    fn say(&mut self, text: &str) {
        println!("{text}");
    }

    fn summary(&mut self, plays: &[Play]) {
        println!();
        let complete = plays
            .iter()
            .flat_map(|play| &play.runs)
            .filter(|run| run.ending == Ending::Complete);
        let complete: Vec<_> = complete.map(|run| &run.derived).collect();
        if complete.len() > 1 {
            println!("{STRONG}{} relocations{STRONG:#}", complete.len());
            for line in table(&quantiles(complete.iter().copied())) {
                println!("  {line}");
            }
            println!();
        }
        for play in plays {
            let (style, word) = if play.held() { (GOOD, "good") } else { (BAD, "failed") };
            let held = play.assertions().filter(|assertion| assertion.held).count();
            let (all, name) = (play.assertions().count(), &play.scenario.name);
            println!("{style}{word:>6}{style:#}  {name}: {held} of {all} assertions held");
            // Failures again, where they are seen.
            play.assertions().filter(|assertion| !assertion.held).for_each(judged);
        }
    }
}

fn judged(assertion: &Assertion) {
    let (style, mark) = if assertion.held { (GOOD, "✓") } else { (BAD, "✗") };
    println!(
        "  {style}{mark}{style:#} {}  {FAINT}{}{FAINT:#}",
        assertion.text, assertion.seen
    );
}

/// One relocation from its milestones to its assertions.
fn whole(run: &Run) {
    for line in timeline(run) {
        println!("{line}");
    }
    println!();
    for (name, value, meaning) in run.derived.rows() {
        println!("  {name:<21} {STRONG}{value:>12}{STRONG:#}  {FAINT}{meaning}{FAINT:#}");
    }
    println!();
    run.assertions.iter().for_each(judged);
}

/// The milestones from the move on, each with its time and a mark at its place.
fn timeline(run: &Run) -> Vec<String> {
    let since = |milestone| between(&run.milestones, Milestone::Move, milestone);
    let last = run
        .milestones
        .keys()
        .filter_map(|milestone| since(*milestone))
        .fold(1.0, f64::max);
    let mut reached: Vec<_> = run
        .milestones
        .keys()
        .filter_map(|milestone| since(*milestone).map(|since| (since, *milestone)))
        .collect();
    reached.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    reached
        .into_iter()
        .map(|(since, milestone)| {
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "a column"
            )]
            let place = ((since.max(0.0) / last) * (WIDTH - 1) as f64).round() as usize;
            let bar: String = (0..WIDTH).map(|at| if at == place { '●' } else { '─' }).collect();
            let (id, plain) = (milestone.id(), milestone.plain());
            format!("  {NEWS}{id:>3}{NEWS:#} {STRONG}{since:>8.1} ms{STRONG:#}  {FAINT}{bar}{FAINT:#}  {plain}")
        })
        .collect()
}
