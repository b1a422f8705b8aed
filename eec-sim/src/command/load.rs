//! `load`: many UEs at once, in fresh servers or in given ones.

use super::{CommandError, Given, Outcome, Output};
use crate::{
    load::{
        Ground, NoGround, Wish,
        report::Writing,
        show::{JsonLines, Terminal, View},
    },
    world::programs,
};
use std::fs;

/// `load`: many UEs register, move between sites and leave.
///
/// # Errors
/// When the wish cannot be meant, or the servers cannot be had or are not as they have to be.
pub async fn load(wish: Wish, given: Option<&Given>, output: &Output) -> Result<Outcome, CommandError> {
    let wish = wish.checked().map_err(CommandError::Usage)?;
    let temporary = tempfile::Builder::new().prefix("eec-sim-").tempdir();
    let temporary = temporary.map_err(|error| CommandError::File(std::env::temp_dir(), error))?;
    let mut shown: Box<dyn View> = match output.json {
        true => Box::new(JsonLines),
        false => Box::new(Terminal::default()),
    };
    let logs = match &output.report {
        Some(report) => {
            fs::create_dir_all(report).map_err(|error| CommandError::File(report.clone(), error))?;
            report.join("logs")
        }
        None => temporary.path().join("logs"),
    };
    let ground = match given {
        Some(given) => Ground::given(&wish, &given.ecs, &given.pki),
        None => {
            let say = |text: &str| {
                if !output.json {
                    anstream::eprintln!("{text}");
                }
            };
            let programs = programs::find(say).map_err(|error| CommandError::Failed(error.to_string()))?;
            let eess = wish.edns;
            shown.say(&format!(
                "Starting one ECS and {eess} EESs as processes of their own, with fresh certificates and without rates per caller."
            ));
            Ground::start(&wish, &programs, &temporary.path().join("world"), &logs).await
        }
    };
    let ground = ground.map_err(|error| match error {
        NoGround::NotStarted(error) => CommandError::Failed(error.to_string()),
        error => CommandError::Usage(error.to_string()),
    })?;
    let failed = |error: crate::load::fleet::NoFleet| CommandError::Failed(error.to_string());
    let played = match &output.report {
        None => {
            let played = crate::load::play(&wish, &ground, shown.as_mut())
                .await
                .map_err(failed)?;
            shown.end(&played);
            played
        }
        Some(folder) => {
            let file = |error| CommandError::File(folder.clone(), error);
            let mut view = Writing::begin(folder, shown.as_mut()).map_err(file)?;
            let played = crate::load::play(&wish, &ground, &mut view).await.map_err(failed)?;
            view.end(&played);
            view.finish(folder, &played, &ground.logs()).map_err(file)?;
            shown.say(&format!("\nThe report: {}", folder.join("index.html").display()));
            played
        }
    };
    Ok(if played.held() { Outcome::Good } else { Outcome::Failed })
}
