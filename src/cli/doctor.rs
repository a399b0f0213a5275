//! `skyswitch doctor`: the checks, a sample of the service's answers, and the
//! trial of how it stores VIP rules.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use serde_json::json;

use super::ask::{self, Person};
use super::command::{DoctorArgs, Global};
use super::exit::Exit;
use super::output::Output;
use super::private_file::{new_private_file, unusable};
use super::{tables, with_upstream};
use crate::app::App;
use crate::config::Settings;
use crate::ops::{self, WriteProbe, WriteProbeOutcome, WriteProbeStatus};
use crate::sentences;
use skyswitch_domain::CustomerKey;
use skyswitch_domain::error::{Error, Result};

/// Does what the arguments ask for.
pub(super) async fn doctor(global: &Global, args: DoctorArgs, output: &Output) -> Result<Exit> {
    let settings = Settings::of_process(&global.flags());
    let settings = match settings {
        Ok(settings) => settings,
        Err(error) if args.sample.is_some() || args.write_probe => return Err(error),
        Err(error) => return check(&ops::doctor_without_settings(&error), output),
    };
    let (app, _sandbox) = with_upstream(settings, global.sandbox).await?;
    match args {
        DoctorArgs {
            sample: Some(file),
            domain,
            ..
        } => sample(&app, &file, domain.as_ref(), output).await,
        DoctorArgs {
            write_probe: true,
            domain: Some(domain),
            destination: Some(destination),
            ..
        } => {
            let probe = WriteProbe {
                domain,
                destination,
            };
            write_probe(&app, &probe, output).await
        }
        _ => check(&ops::doctor(&app).await, output),
    }
}

fn check(diagnosis: &ops::Diagnosis, output: &Output) -> Result<Exit> {
    output.result(diagnosis, || tables::diagnosis(diagnosis))?;
    Ok(diagnosis.first_failure.map_or(Exit::Done, Exit::of))
}

/// Writes the forms of the service's answers into a new private file.
async fn sample(
    app: &App,
    path: &Path,
    domain: Option<&CustomerKey>,
    output: &Output,
) -> Result<Exit> {
    if path == Path::new("-") {
        return Err(Error::invalid(
            "sample",
            "`-` would be a file of that name: a sample is written into a private file, not to the standard output",
            "Give a file that does not exist yet, for example `sample.json`.",
        ));
    }
    // A file that cannot be written is found out before anything is asked.
    let file = new_private_file(path).map_err(|error| unusable("sample", path, &error))?;
    let written = write_sample(app, path, file, domain).await;
    if written.is_err() {
        // It holds nothing; where it stays, the next run refuses to overwrite it.
        let _ = std::fs::remove_file(path);
    }
    let sample = written?;
    let (answers, refused) = (sample.answers.len(), sample.refused());
    let file = path.display().to_string();
    let summary = json!({ "file": file, "answers": answers, "refused": refused });
    output.result(&summary, || {
        format!(
            "{} of the service, {refused} of them refused or missing, told by their forms in {}. The file holds no name, \
             number or secret, and was sent nowhere. Look through it before you pass it on.",
            sentences::counted(answers, "answer"),
            file
        )
    })
}

async fn write_sample(
    app: &App,
    path: &Path,
    mut file: File,
    domain: Option<&CustomerKey>,
) -> Result<ops::Sample> {
    let sample = ops::sample(app, domain).await?;
    let text = serde_json::to_string_pretty(&sample).unwrap_or_default();
    let written = writeln!(file, "{text}").and_then(|()| file.sync_all());
    written.map_err(|error| unusable("sample", path, &error))?;
    Ok(sample)
}

/// Tries how the service stores VIP rules. The person sees at the terminal what
/// is tried; there is no flag for it.
async fn write_probe(app: &App, args: &WriteProbe, output: &Output) -> Result<Exit> {
    let person = Person::at_terminal("Run the command in a terminal; nothing was sent.");
    let app = app.asked_by("skyswitch doctor --write-probe (command line)");
    let app = ask::commanded(&app, output);
    let probed = ops::write_probe(&app, args, &person.channel()).await?;
    let exit = |outcome: &WriteProbeOutcome| match outcome.status {
        WriteProbeStatus::Probed => Exit::Done,
        WriteProbeStatus::Incomplete => Exit::Failed,
        _ => Exit::NotConfirmed,
    };
    person.settle(probed, output, tables::probed, exit)
}
