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
        token: Option<&str>,
    ) -> Result<Self, Failure> {
        let (root, identity) = (server.root("edge1")?, laboratory.identity(EEC)?);
        let question = question(root, token)?;
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

fn question(root: &str, token: Option<&str>) -> Result<Question, Failure> {
    let question = Question::post(root, bodies::DISCOVERY, bodies::discovery(EEC, 0))?;
    Ok(match token {
        Some(token) => question.bearing(token)?,
        None => question,
    })
}

/// Measures.
pub(crate) async fn run(arguments: &Discovery) -> Result<Report, Failure> {
    if arguments.matches > arguments.eas {
        return Err(format!("--matches {} are more than --eas {}", arguments.matches, arguments.eas).into());
    }
    let laboratory = Laboratory::new(&arguments.common)?;
    let eec = laboratory.eec(EEC)?;
    if arguments.tokens {
        return with_tokens(arguments, &laboratory).await;
    }
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
        Side::new(&laboratory, ees, arguments, length, None).await?,
        Side::new(&laboratory, bare, arguments, length, None).await?,
    );
    let reference = if arguments.gathered { "gathered" } else { "bare" };
    compare(arguments, &ees, &bare, length, reference).await
}

/// An EES that demands tokens, beside one that does not; otherwise they are alike.
async fn with_tokens(arguments: &Discovery, laboratory: &Laboratory) -> Result<Report, Failure> {
    let ecs = laboratory.ecs(EEC).await?;
    let registered = format!("[ecs]\nurl = \"{}\"\n", ecs.root("edge6")?);
    let token_mode = "[authorization]\nmode = \"token\"\nissuer = \"https://ecs.example\"\n";
    let demanding = laboratory
        .ees_with("ees-a", &format!("{registered}{token_mode}"))
        .await?;
    let trusting = laboratory.ees_with("ees-b", &registered).await?;
    let token = laboratory.token(&ecs, EEC).await?;
    let eec = laboratory.identity(EEC)?;
    let mut lengths = Vec::new();
    for (server, token) in [(&demanding, Some(token.as_str())), (&trusting, None)] {
        // One after the other with the same names: their certificates are there already for the second.
        laboratory
            .register_eass(server, arguments.eas, arguments.matches)
            .await?;
        let root = server.root("edge1")?;
        let ok = Expected {
            status: StatusCode::OK,
            length: None,
        };
        let mut connection = laboratory.connect(root, &eec).await?;
        lengths.push(connection.ask(&question(root, token)?, ok).await?.body.len());
    }
    let root = demanding.root("edge1")?;
    let refused = Expected {
        status: StatusCode::UNAUTHORIZED,
        length: None,
    };
    laboratory
        .connect(root, &eec)
        .await?
        .ask(&question(root, None)?, refused)
        .await?;
    let [length, other] = lengths[..] else {
        return Err("there are two sides".into());
    };
    if length != other {
        return Err(format!("the two servers do not answer alike: {length} and {other} bytes").into());
    }
    let (demanding, trusting) = (
        Side::new(laboratory, demanding, arguments, length, Some(&token)).await?,
        Side::new(laboratory, trusting, arguments, length, None).await?,
    );
    compare(arguments, &demanding, &trusting, length, "no tokens").await
}

async fn compare(
    arguments: &Discovery,
    ees: &Side,
    bare: &Side,
    length: usize,
    reference: &'static str,
) -> Result<Report, Failure> {
    let common = &arguments.common;
    say("warming up");
    for side in [ees, bare] {
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
    let with = if arguments.tokens { " with access tokens" } else { "" };
    let title = format!(
        "EAS discovery{with}: {} EASs, {} of which fit, answer of {length} bytes, {} connections x {} streams, rounds of {} s",
        arguments.eas, arguments.matches, common.connections, common.streams, common.seconds
    );
    Ok(Comparison {
        title,
        reference,
        alternations,
    }
    .report())
}

fn without_date(mut headers: HeaderMap) -> HeaderMap {
    headers.remove(header::DATE);
    headers
}
