//! EAS discovery beside a bare server that answers the same bytes.

use crate::{
    Failure, Report,
    arguments::Discovery,
    bodies,
    comparison::{Alternation, Comparison, Round},
    laboratory::Laboratory,
    load::{Expected, Load, Question},
    process, say,
};
use eec_sim::world::process::Server;
use http::{HeaderMap, StatusCode, header};
use std::time::Duration;

const EEC: &str = "eec-of-the-bench.example";

/// A server under load.
struct Side {
    server: Server,
    load: Load,
}

impl Side {
    async fn new(
        laboratory: &Laboratory,
        server: Server,
        arguments: &Discovery,
        length: usize,
    ) -> Result<Self, Failure> {
        let (root, identity) = (server.root("edge1")?, laboratory.identity(EEC)?);
        let question = Question::post(root, bodies::DISCOVERY, bodies::discovery(EEC, 0))?;
        let mut lines = Vec::new();
        for _ in 0..arguments.common.connections {
            lines.push((laboratory.connect(root, &identity).await?, question.clone()));
        }
        let expected = Expected {
            status: StatusCode::OK,
            length: Some(length),
        };
        Ok(Self {
            load: Load::new(lines, arguments.common.streams, expected),
            server,
        })
    }

    async fn round(&self, length: Duration) -> Result<Round, Failure> {
        let cpu = || self.server.pid().and_then(process::cpu_time);
        let before = cpu();
        let load = self.load.round(length).await?;
        Ok(Round {
            load,
            cpu: cpu().zip(before).map(|(after, before)| after.saturating_sub(before)),
        })
    }
}

/// Measures.
pub(crate) async fn run(arguments: &Discovery) -> Result<Report, Failure> {
    let common = &arguments.common;
    if arguments.matches > arguments.eas {
        return Err(format!("--matches {} are more than --eas {}", arguments.matches, arguments.eas).into());
    }
    let laboratory = Laboratory::new(common)?;
    let eec = laboratory.eec(EEC)?;
    let ees = laboratory.ees().await?;
    laboratory.register_eass(&ees, arguments.eas, arguments.matches).await?;

    let ok = Expected {
        status: StatusCode::OK,
        length: None,
    };
    let ask = async |server: &Server| -> Result<_, Failure> {
        let root = server.root("edge1")?;
        let question = Question::post(root, bodies::DISCOVERY, bodies::discovery(EEC, 0))?;
        Ok(laboratory.connect(root, &eec).await?.ask(&question, ok).await?)
    };
    let answer = ask(&ees).await?;
    let bare = laboratory.bare(&answer.body, arguments.gathered).await?;
    let same = ask(&bare).await?;
    if same.body != answer.body || without_date(same.headers) != without_date(answer.headers) {
        return Err("the bare server does not answer what the EES answers".into());
    }

    let length = answer.body.len();
    let (ees, bare) = (
        Side::new(&laboratory, ees, arguments, length).await?,
        Side::new(&laboratory, bare, arguments, length).await?,
    );
    say("warming up");
    for side in [&ees, &bare] {
        side.round(common.round().min(Duration::from_secs(2))).await?;
    }
    let mut alternations = Vec::new();
    for number in 1..=common.rounds {
        let both = Alternation {
            ees: ees.round(common.round()).await?,
            reference: bare.round(common.round()).await?,
        };
        say(&format!(
            "alternation {number} of {}: ratio {:.3}",
            common.rounds,
            both.ratio()
        ));
        alternations.push(both);
    }
    let title = format!(
        "EAS discovery: {} EASs, {} of which fit, answer of {length} bytes, {} connections x {} streams, rounds of {} s",
        arguments.eas, arguments.matches, common.connections, common.streams, common.seconds
    );
    Ok(Comparison {
        title,
        reference: if arguments.gathered { "gathered" } else { "bare" },
        alternations,
    }
    .report())
}

fn without_date(mut headers: HeaderMap) -> HeaderMap {
    headers.remove(header::DATE);
    headers
}
