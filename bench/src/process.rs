//! What the system says of a process: CPU time and resident memory, as Linux tells them under `/proc`.

use std::{fs, time::Duration};

/// Ticks per second in `/proc/<pid>/stat`: `USER_HZ`, which Linux keeps at 100 for every program.
const TICKS: u64 = 100;

/// CPU time of a process so far, in user and kernel mode together; `None` where the system does not tell.
pub(crate) fn cpu_time(pid: u32) -> Option<Duration> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Time of all threads of a process on a CPU so far, to the nanosecond, as the scheduler counts it; `None` where the system does not tell.
/// Threads that have ended are left out.
pub(crate) fn on_cpu(pid: u32) -> Option<Duration> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten();
    let of_threads = threads.filter_map(|thread| fs::read_to_string(thread.path().join("schedstat")).ok());
    let times: Option<Vec<Duration>> = of_threads.map(|text| parse_schedstat(&text)).collect();
    Some(times?.into_iter().sum())
}

/// Resident memory of a process in bytes; `None` where the system does not tell.
pub(crate) fn resident(pid: u32) -> Option<u64> {
    parse_status(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

/// Waits until a process has hardly anything to do: what was asked of it before is done.
pub(crate) async fn until_idle(pid: u32) {
    const LOOK: Duration = Duration::from_millis(500);
    for _ in 0..240 {
        let before = cpu_time(pid);
        tokio::time::sleep(LOOK).await;
        let busy = cpu_time(pid)
            .zip(before)
            .map(|(now, before)| now.saturating_sub(before));
        if busy.is_none_or(|busy| busy <= LOOK / 20) {
            return;
        }
    }
}

fn parse_stat(text: &str) -> Option<Duration> {
    // The name of the program comes second, in brackets, and may hold anything.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis((user + system) * (1000 / TICKS)))
}

fn parse_schedstat(text: &str) -> Option<Duration> {
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

fn parse_status(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_user_and_system_time() {
        let stat = "4711 (ees (old) x) S 1 4711 4711 0 -1 4194560 2410 0 0 0 150 50 7 9 20 0 3 0 99 1 2 3";
        assert_eq!(parse_stat(stat), Some(Duration::from_secs(2)));
        assert_eq!(parse_stat("4711 (ees) S 1"), None);
    }

    #[test]
    fn time_on_a_cpu_is_told_in_nanoseconds() {
        assert_eq!(parse_schedstat("1500000 20 7\n"), Some(Duration::from_micros(1500)));
        assert_eq!(parse_schedstat(""), None);
    }

    #[test]
    fn resident_memory_is_told_in_kibibytes() {
        assert_eq!(
            parse_status("Name:\tees\nVmRSS:\t   12288 kB\nThreads:\t3\n"),
            Some(12 * 1024 * 1024)
        );
        assert_eq!(parse_status("Name:\tees\n"), None);
    }
}
