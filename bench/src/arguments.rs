//! The command line.

use clap::{Args, Parser, Subcommand, value_parser};
use std::{path::PathBuf, time::Duration};

/// Compares an EES with a bare reference, both in one run.
#[derive(Parser)]
#[command(name = "edgeapp-bench", version)]
pub(crate) struct Arguments {
    /// What to measure.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to measure.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// EAS discovery over EDGE-1, beside a bare server that answers the same bytes over the same TLS.
    Discovery(Discovery),
    /// EEC registration over EDGE-1, beside the bare commit of the same bytes to the same kind of store.
    Registration(Registration),
    /// Notifications to many subscribers of whom some are dead, beside the same without the dead ones.
    Notify(Notify),
    /// Finding whom one event concerns among many subscriptions, beside the same among few.
    Subscriptions(Subscriptions),
    /// Applications that follow their UEs over a border: how long it takes, or what one relocation costs among many UEs and few.
    Continuity(Continuity),
    /// A CAPIF core function: discovery among many published APIs beside a bare server that answers the same bytes; with `--tokens`, the
    /// issue of tokens beside a loop that only signs ES256.
    Capif(Capif),
    /// TLS handshakes with client certificates over EDGE-1, beside a bare rustls acceptor that demands client certificates too.
    Tls(Tls),
    /// EAS discovery by name over TLS, beside unbound (`apt-get install unbound`) with the same names as local data.
    Dot(Dot),
    /// The bare acceptor of `tls`; a run starts it by itself.
    #[command(hide = true)]
    Accept {
        /// Its configuration.
        #[arg(long)]
        config: PathBuf,
    },
    /// The bare server of `discovery`; a run starts it by itself.
    #[command(hide = true)]
    Serve {
        /// Its configuration.
        #[arg(long)]
        config: PathBuf,
    },
}

/// Arguments of `discovery`.
#[derive(Args)]
pub(crate) struct Discovery {
    /// EASs that are registered.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub(crate) eas: u32,
    /// The bare server gathers answers for one write as the EES does: what remains between them is the work for the request itself.
    #[arg(long)]
    pub(crate) gathered: bool,
    /// Compare an EES that demands access tokens, with one in each request, to one that does not, instead of with a bare server.
    #[arg(long, conflicts_with = "gathered")]
    pub(crate) tokens: bool,
    /// EASs that fit the request; not more than are registered.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u32).range(1..=10_000))]
    pub(crate) matches: u32,
    /// What both measurements take.
    #[command(flatten)]
    pub(crate) common: Common,
}

/// Arguments of `capif`.
#[derive(Args)]
pub(crate) struct Capif {
    /// APIs that are published.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub(crate) apis: u32,
    /// Measure the issue of tokens instead of discovery.
    #[arg(long)]
    pub(crate) tokens: bool,
    /// What all measurements take.
    #[command(flatten)]
    pub(crate) common: Common,
}

/// Arguments of `tls`.
#[derive(Args)]
pub(crate) struct Tls {
    /// Handshakes at a time.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = value_parser!(u16).range(1..=512))]
    pub(crate) at_a_time: u16,
    /// Length of one round.
    #[arg(long, value_name = "S", default_value_t = 4, value_parser = value_parser!(u16).range(1..=600))]
    pub(crate) seconds: u16,
    /// Alternations: in each, a round of the EES and one of the reference.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = value_parser!(u16).range(1..=1000))]
    pub(crate) rounds: u16,
    /// Where certificates and state go while it runs; by default the system's folder for temporary files.
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// Print one line of JSON instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `dot`.
#[derive(Args)]
pub(crate) struct Dot {
    /// Names, each of an application with one EAS.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = value_parser!(u32).range(1..=10_000))]
    pub(crate) names: u32,
    /// Connections to a server.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = value_parser!(u16).range(1..=512))]
    pub(crate) connections: u16,
    /// Queries at a time on each connection.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = value_parser!(u16).range(1..=60))]
    pub(crate) at_a_time: u16,
    /// Connections that are idle while memory is measured; each takes an open file.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = value_parser!(u32).range(10..=10_000))]
    pub(crate) idle: u32,
    /// Length of one round.
    #[arg(long, value_name = "S", default_value_t = 4, value_parser = value_parser!(u16).range(1..=600))]
    pub(crate) seconds: u16,
    /// Alternations: in each, a round of the EES and one of the reference.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = value_parser!(u16).range(1..=1000))]
    pub(crate) rounds: u16,
    /// Where certificates and state go while it runs; by default the system's folder for temporary files.
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// Print one line of JSON instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `registration`.
#[derive(Args)]
pub(crate) struct Registration {
    /// EASs that are registered, among them those the application clients ask for.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub(crate) eas: u32,
    /// EECs that are registered; among them those that register anew again and again.
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = value_parser!(u32).range(2000..=10_000_000))]
    pub(crate) eecs: u32,
    /// Measure resident memory per registration instead of rates.
    #[arg(long)]
    pub(crate) memory: bool,
    /// What both measurements take.
    #[command(flatten)]
    pub(crate) common: Common,
}

/// Arguments of `notify`.
#[derive(Args)]
pub(crate) struct Notify {
    /// Subscribers; each takes three open files.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = value_parser!(u32).range(2..=5000))]
    pub(crate) subscribers: u32,
    /// How many of them are dead: silent, mute and away in turn.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = value_parser!(u32).range(1..=1000))]
    pub(crate) dead: u32,
    /// Notifications to each.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = value_parser!(u32).range(1..=1000))]
    pub(crate) each: u32,
    /// Alternations: in each, a round with the dead ones and one without.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = value_parser!(u16).range(1..=1000))]
    pub(crate) rounds: u16,
    /// Where state and certificates go while it runs; by default the system's folder for temporary files. Choose one on a disk.
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// Print one line of JSON instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `subscriptions`.
#[derive(Args)]
pub(crate) struct Subscriptions {
    /// Subscriptions of each kind on one side.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub(crate) few: u32,
    /// Subscriptions of each kind on the other side.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub(crate) many: u32,
    /// How many of them match the event, on both sides.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = value_parser!(u32).range(1..=10_000))]
    pub(crate) matches: u32,
    /// Alternations: in each, a round of both sides.
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = value_parser!(u16).range(1..=1000))]
    pub(crate) rounds: u16,
    /// Length of one round.
    #[arg(long, value_name = "MS", default_value_t = 500, value_parser = value_parser!(u16).range(1..=60_000))]
    pub(crate) milliseconds: u16,
    /// Where state goes while it runs; by default the system's folder for temporary files.
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// Print one line of JSON instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `continuity`.
#[derive(Args)]
pub(crate) struct Continuity {
    /// UEs that cross a border.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = value_parser!(u32).range(1..=100_000))]
    pub(crate) ues: u32,
    /// Within how many seconds they do.
    #[arg(long, value_name = "S", default_value_t = 10, value_parser = value_parser!(u16).range(1..=3600))]
    pub(crate) within: u16,
    /// Sites.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = value_parser!(u16).range(2..=100))]
    pub(crate) edns: u16,
    /// Measure what a relocation costs the servers, among many registered UEs and among few, instead of how long it takes.
    #[arg(long)]
    pub(crate) cost: bool,
    /// With `--cost`: registered UEs on one side, among them those that cross.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub(crate) few: u32,
    /// With `--cost`: registered UEs on the other side.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub(crate) many: u32,
    /// With `--cost`: alternations, in each a round of both sides.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = value_parser!(u16).range(1..=1000))]
    pub(crate) rounds: u16,
    /// The seed of when each UE crosses, and where to.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Where state and certificates go while it runs; by default the system's folder for temporary files. Choose one on a disk.
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// Print one line of JSON instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What all measurements take.
#[derive(Args)]
pub(crate) struct Common {
    /// Connections to a server.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = value_parser!(u16).range(1..=512))]
    pub(crate) connections: u16,
    /// Requests at a time on each connection.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = value_parser!(u16).range(1..=128))]
    pub(crate) streams: u16,
    /// Length of one round.
    #[arg(long, value_name = "S", default_value_t = 4, value_parser = value_parser!(u16).range(1..=600))]
    pub(crate) seconds: u16,
    /// Alternations: in each, a round of the EES and one of the reference.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = value_parser!(u16).range(1..=1000))]
    pub(crate) rounds: u16,
    /// Where state and certificates go while it runs; by default the system's folder for temporary files. Choose one on a disk.
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// Print one line of JSON instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Common {
    /// Requests at a time, over all connections.
    pub(crate) fn concurrency(&self) -> usize {
        usize::from(self.connections) * usize::from(self.streams)
    }

    /// Length of one round.
    pub(crate) fn round(&self) -> Duration {
        Duration::from_secs(u64::from(self.seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, clap::Error> {
        Arguments::try_parse_from(line.split(' ')).map(|arguments| arguments.command)
    }

    #[test]
    fn defaults_are_those_of_the_documentation() {
        let Ok(Command::Discovery(discovery)) = parse("bench discovery") else {
            panic!("not understood")
        };
        assert_eq!((discovery.eas, discovery.matches), (1000, 1));
        let common = &discovery.common;
        assert_eq!(
            (common.connections, common.streams, common.rounds, common.json),
            (8, 16, 5, false)
        );
        assert_eq!(common.concurrency(), 128);
    }

    #[test]
    fn numbers_out_of_bounds_are_refused() {
        for line in [
            "bench discovery --eas 0",
            "bench discovery --streams 129",
            "bench discovery --connections 0",
            "bench discovery --rounds 0",
            "bench registration --memory --eecs 10",
            "bench registration --seconds 0",
            "bench subscriptions --few 0",
            "bench subscriptions --rounds 0",
            "bench tls --at-a-time 0",
            "bench dot --names 0",
            "bench continuity --edns 1",
            "bench continuity --cost --many 0",
            "bench nothing",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
        assert!(parse("bench registration --memory --eecs 20000 --json").is_ok());
    }
}
