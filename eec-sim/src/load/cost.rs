//! What a process costs, as Linux tells it under `/proc`. Elsewhere nothing is known, and nothing is said.

use crate::milestone::milliseconds;
use serde_json::{Value, json};
use std::{fs, time::Duration};

/// Milliseconds per tick in `/proc/<pid>/stat`: `USER_HZ` is 100 for every program.
const TICK: u64 = 10;

/// What processes used up to an instant.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// The simulator.
    pub simulator: Option<Duration>,
    /// The servers together; `None` where somebody else runs them.
    pub servers: Option<Duration>,
}

/// What was used between two readings.
#[derive(Clone, Debug, Default)]
pub struct Cost {
    /// How long it took.
    pub took: Duration,
    /// CPU time of the simulator.
    pub simulator: Option<Duration>,
    /// CPU time of the servers together.
    pub servers: Option<Duration>,
}

impl Reading {
    /// Now; `servers` are their processes.
    pub fn now(servers: &[u32]) -> Self {
        let of: Option<Vec<Duration>> = servers.iter().map(|pid| cpu(&pid.to_string())).collect();
        Self {
            simulator: cpu("self"),
            servers: of.filter(|of| !of.is_empty()).map(|of| of.iter().sum()),
        }
    }

    /// What was used since, in so much time.
    pub fn until(&self, later: &Self, took: Duration) -> Cost {
        let between = |from: Option<Duration>, to: Option<Duration>| Some(to?.saturating_sub(from?));
        Cost {
            took,
            simulator: between(self.simulator, later.simulator),
            servers: between(self.servers, later.servers),
        }
    }
}

impl Cost {
    /// For machines.
    pub fn json(&self) -> Value {
        let ms = |time: Option<Duration>| time.map(milliseconds);
        json!({"took_ms": milliseconds(self.took), "simulator_cpu_ms": ms(self.simulator), "servers_cpu_ms": ms(self.servers)})
    }

    /// For people.
    pub fn words(&self) -> String {
        let seconds =
            |time: Option<Duration>| time.map_or("unknown".to_owned(), |time| format!("{:.2} s", time.as_secs_f64()));
        format!(
            "{:.2} s; CPU of the servers {}, of the simulator {}",
            self.took.as_secs_f64(),
            seconds(self.servers),
            seconds(self.simulator)
        )
    }

    /// CPU time of the servers for one of so many, in milliseconds.
    pub fn of_the_servers_per(&self, count: u64) -> Option<f64> {
        #[allow(clippy::cast_precision_loss, reason = "crossings are far fewer than 2^52")]
        let count = (count > 0).then_some(count as f64)?;
        Some(self.servers?.as_secs_f64() * 1000.0 / count)
    }
}

/// CPU time of a process so far, in user and kernel mode together.
fn cpu(pid: &str) -> Option<Duration> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn parse_stat(text: &str) -> Option<Duration> {
    // The name of the program comes second, in brackets, and may hold anything.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis((user + system) * TICK))
}

/// The most memory that this process had at a time, in bytes.
pub fn peak_memory() -> Option<u64> {
    parse_peak(&fs::read_to_string("/proc/self/status").ok()?)
}

fn parse_peak(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_tells_is_understood() {
        let stat = "4711 (ees (old) x) S 1 4711 4711 0 -1 4194560 2410 0 0 0 150 50 7 9 20 0 3 0 99 1 2 3";
        assert_eq!(parse_stat(stat), Some(Duration::from_secs(2)));
        assert_eq!(parse_stat("4711 (ees) S 1"), None);
        assert_eq!(parse_peak("Name:\tx\nVmHWM:\t   12288 kB\n"), Some(12 * 1024 * 1024));
        assert_eq!(parse_peak("Name:\tx\n"), None);
    }

    #[test]
    fn a_cost_is_what_lies_between_two_readings() {
        let seconds = |simulator, servers| Reading {
            simulator: Some(Duration::from_secs(simulator)),
            servers: Some(Duration::from_secs(servers)),
        };
        let cost = seconds(1, 2).until(&seconds(3, 6), Duration::from_secs(2));
        assert_eq!(
            (cost.simulator, cost.servers),
            (Some(Duration::from_secs(2)), Some(Duration::from_secs(4)))
        );
        assert_eq!(cost.of_the_servers_per(100), Some(40.0));
        assert_eq!(cost.of_the_servers_per(0), None);
        assert_eq!(Reading::now(&[]).servers, None, "nobody's servers");
    }
}
