//! `nef`: runs a simulated NEF until it is told to stop.

use super::{CommandError, Outcome};
use crate::world::nef::{
    configuration::{BadNef, Configuration},
    log::{Entry, Kind, Listener},
    model::Ue,
    server::{self, Running},
};
use anstream::println;
use anstyle::{AnsiColor, Style};
use edgeapp_core::clock::SystemClock;
use std::{
    io::{IsTerminal, Write},
    path::Path,
    sync::Arc,
    time::Duration,
};

/// How often reports that wait are looked at.
const TICK: Duration = Duration::from_millis(200);

/// `nef`: serves as the file says; UEs with a route walk it, `speed` times as fast as it says.
///
/// # Errors
/// When the configuration cannot be used.
pub async fn nef(config: &Path, speed: f64, json: bool) -> Result<Outcome, CommandError> {
    if !(speed.is_finite() && speed > 0.0) {
        return Err(CommandError::Usage("--speed must be greater than 0".to_owned()));
    }
    let bad = |error: BadNef| CommandError::Usage(error.to_string());
    let configuration = Configuration::read(config).map_err(|error| bad(error.into()))?;
    let terminal = std::io::stdout().is_terminal();
    let running = server::start(&configuration, Arc::new(SystemClock::default()), viewer(json, terminal))
        .await
        .map_err(bad)?;
    let Running { nef, root, control, .. } = &running;
    if json {
        println!(
            "{}",
            serde_json::json!({"type": "ready", "apis": root, "control": control})
        );
    } else {
        println!("listening apis {root}\nlistening control {control}\nready");
    }
    for ue in configuration.ues.iter().filter(|ue| !ue.route.is_empty()) {
        tokio::spawn(walk(nef.clone(), ue.clone(), speed));
    }
    let mut ticks = tokio::time::interval(TICK);
    loop {
        ticks.tick().await;
        nef.tick().await;
    }
}

async fn walk(nef: Arc<crate::world::nef::Nef>, ue: Ue, speed: f64) {
    loop {
        for step in &ue.route {
            if let Err(error) = nef.move_ue(ue.gpsi.as_str(), Some(&step.cell)).await {
                return tracing::error!(gpsi = %ue.gpsi, %error, "a UE cannot walk on");
            }
            // Never nothing: a route without time would leave no time for others.
            let seconds = (f64::from(step.seconds) / speed).max(0.001);
            tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
        }
        if !ue.again {
            return;
        }
    }
}

/// Shows entries: JSON lines, a line each on a terminal, nothing on a pipe.
fn viewer(json: bool, terminal: bool) -> Listener {
    Box::new(move |entry| {
        if json {
            let mut out = std::io::stdout().lock();
            // A reader that went away is no reason to fail.
            let _ = writeln!(out, "{}", serde_json::to_string(entry).unwrap_or_default());
        } else if terminal {
            println!("{}", line(entry));
        }
    })
}

fn line(entry: &Entry) -> String {
    let (mark, colour) = match entry.kind {
        Kind::Request => ("→", AnsiColor::Cyan),
        Kind::Callback => ("←", AnsiColor::Magenta),
        Kind::Network => ("·", AnsiColor::White),
    };
    let good = entry.error.is_none();
    let colour = Style::new().fg_color(Some(if good { colour } else { AnsiColor::Red }.into()));
    let at = entry.at.0.strftime("%H:%M:%S%.3f");
    let status = entry.status.map(|status| format!(" {status}")).unwrap_or_default();
    let error = entry
        .error
        .as_ref()
        .map(|error| format!(": {error}"))
        .unwrap_or_default();
    format!("{at} {colour}{mark}{status}{colour:#} {}{error}", entry.what)
}
