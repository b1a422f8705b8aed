//! What people and machines see of a fleet while it moves.

use super::{crossing::Crossed, fleet::Played};
use crate::statistics::{quantiles, table};
use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::{IsTerminal, Write},
    time::Duration,
};

const STRONG: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// So many failures are shown while it runs.
const SHOWN: usize = 10;

/// Somebody who watches a fleet.
pub trait View {
    /// Something to be said.
    fn say(&mut self, text: &str);
    /// Another part begins; so much is to be done, where that is known.
    fn phase(&mut self, what: &str, total: Option<u64>);
    /// So many are done, so many under way, so many failed.
    fn at(&mut self, done: u64, under_way: usize, failed: u64);
    /// A UE has crossed a border.
    fn crossed(&mut self, name: &str, crossed: &Crossed);
    /// It is over.
    fn end(&mut self, played: &Played);
}

/// Prints a line; a reader that went away is no reason to fail.
macro_rules! println {
    ($($text:tt)*) => {{
        let _ = writeln!(anstream::stdout(), $($text)*);
    }};
}

/// For people: a bar on a terminal, quiet on a pipe.
#[derive(Default)]
pub struct Terminal {
    bar: Option<ProgressBar>,
    failures: usize,
}

impl Terminal {
    fn above(&self, text: &str) {
        match self.bar.as_ref().filter(|bar| !bar.is_hidden()) {
            Some(bar) => bar.suspend(|| println!("{text}")),
            None => println!("{text}"),
        }
    }

    fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl View for Terminal {
    fn say(&mut self, text: &str) {
        self.above(text);
    }

    fn phase(&mut self, what: &str, total: Option<u64>) {
        self.clear();
        if !std::io::stdout().is_terminal() {
            return println!("  · {what}");
        }
        let bar = match total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::new_spinner(),
        };
        let template = match total {
            Some(_) => "  {spinner:.cyan} {prefix} {wide_bar:.cyan} {pos}/{len} {msg} ({elapsed})",
            None => "  {spinner:.cyan} {prefix} {pos} {msg} ({elapsed})",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_prefix(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(100));
        self.bar = Some(bar);
    }

    fn at(&mut self, done: u64, under_way: usize, failed: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
            let failed = match failed {
                0 => String::new(),
                failed => format!(", {BAD}{failed} failed{BAD:#}"),
            };
            bar.set_message(format!("{under_way} under way{failed}"));
        }
    }

    fn crossed(&mut self, _: &str, crossed: &Crossed) {
        if crossed.held() {
            return;
        }
        self.failures += 1;
        if self.failures <= SHOWN {
            let why = why(crossed);
            let (from, to) = (crossed.from + 1, crossed.to + 1);
            self.above(&format!(
                "    {BAD}✗{BAD:#} {}, site {from} to {to}: {why}",
                crossed.id()
            ));
        }
    }

    fn end(&mut self, played: &Played) {
        self.clear();
        println!("\n{STRONG}{} relocations{STRONG:#}", played.relocations);
        for line in table(&quantiles(&played.derived)) {
            println!("  {line}");
        }
        println!();
        for (phase, cost) in &played.costs {
            println!("  {phase:<12} {}", cost.words());
        }
        if let Some(cost) = played
            .moving()
            .and_then(|cost| cost.of_the_servers_per(played.relocations))
        {
            println!("  {:<12} {cost:.2} ms of CPU of all servers", "a crossing");
        }
        if let Some(peak) = played.peak {
            println!("  {:<12} {} MiB at most", "memory", peak / 1024 / 1024);
        }
        println!(
            "  {:<12} {:.1} ms behind the time table at most\n",
            "pace",
            played.latest.as_secs_f64() * 1000.0
        );
        let (style, word) = if played.held() { (GOOD, "good") } else { (BAD, "failed") };
        let held = played.assertions.iter().filter(|assertion| assertion.held).count();
        let (name, all) = (&played.name, played.assertions.len());
        println!("{style}{word:>6}{style:#}  {name}: {held} of {all} assertions held");
        for assertion in &played.assertions {
            let (style, mark) = if assertion.held { (GOOD, "✓") } else { (BAD, "✗") };
            println!(
                "  {style}{mark}{style:#} {}  {FAINT}{}{FAINT:#}",
                assertion.text, assertion.seen
            );
        }
    }
}

/// Pure: what was wrong with a crossing.
pub(crate) fn why(crossed: &Crossed) -> String {
    let mut reasons: Vec<String> = crossed.failed.iter().cloned().collect();
    if crossed.derived.lost_requests > 0 {
        reasons.push(format!("{} request(s) lost", crossed.derived.lost_requests));
    }
    if !crossed.whole {
        reasons.push("the state has a gap".to_owned());
    }
    if crossed.failed.is_none() && !crossed.clean {
        reasons.push("something was left at the old site".to_owned());
    }
    reasons.join("; ")
}

/// For machines: JSON lines on standard output, and nothing else there.
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonLines;

fn print(line: &Value) {
    let mut out = std::io::stdout().lock();
    // A reader that went away is no reason to fail.
    let _ = writeln!(out, "{line}");
}

/// The line about a crossing, as reports of scenarios have one about a relocation.
pub(super) fn line(name: &str, crossed: &Crossed) -> Value {
    let mut line = json!({"type": "relocation", "scenario": name});
    if let (Value::Object(line), Value::Object(of)) = (&mut line, crossed.json()) {
        line.extend(of);
    }
    line
}

/// The lines about the whole.
pub(super) fn whole(played: &Played) -> Vec<Value> {
    let assertion = |assertion| {
        let mut line = json!({"type": "assertion", "scenario": played.name});
        if let (Value::Object(line), Ok(Value::Object(of))) = (&mut line, serde_json::to_value(assertion)) {
            line.extend(of);
        }
        line
    };
    let mut lines: Vec<Value> = played.assertions.iter().map(assertion).collect();
    let held = played.assertions.iter().filter(|assertion| assertion.held).count();
    let costs: BTreeMap<_, _> = played.costs.iter().map(|(phase, cost)| (*phase, cost.json())).collect();
    lines.push(json!({
        "type": "summary", "scenario": played.name, "relocations": played.relocations, "ues": played.ues,
        "set_out": played.set_out, "failed": played.failed, "given_up": played.given_up, "requests": played.requests, "lost_requests": played.lost,
        "messages": played.messages, "late_ms": played.latest.as_secs_f64() * 1000.0, "peak_memory_bytes": played.peak, "costs": costs,
        "servers_cpu_ms_per_crossing": played.moving().and_then(|cost| cost.of_the_servers_per(played.relocations)),
        "quantiles": quantiles(&played.derived).into_iter().collect::<BTreeMap<_, _>>(),
        "assertions": played.assertions.len(), "held": held, "result": if played.held() { "good" } else { "failed" },
    }));
    lines
}

impl View for JsonLines {
    fn say(&mut self, _: &str) {}

    fn phase(&mut self, what: &str, total: Option<u64>) {
        print(&json!({"type": "phase", "what": what, "total": total}));
    }

    fn at(&mut self, _: u64, _: usize, _: u64) {}

    fn crossed(&mut self, name: &str, crossed: &Crossed) {
        print(&line(name, crossed));
    }

    fn end(&mut self, played: &Played) {
        whole(played).iter().for_each(print);
    }
}

/// Nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl View for Unwatched {
    fn say(&mut self, _: &str) {}
    fn phase(&mut self, _: &str, _: Option<u64>) {}
    fn at(&mut self, _: u64, _: usize, _: u64) {}
    fn crossed(&mut self, _: &str, _: &Crossed) {}
    fn end(&mut self, _: &Played) {}
}
