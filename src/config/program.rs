//! Programs that give secrets out, run without a shell.

use std::io::ErrorKind;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

use skyswitch_domain::redact::{Secret, shown};

/// How long a program may take that gives out a secret.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// What a program prints, without the line break at its end; or why there is
/// nothing. What it complains of is not shown to anybody: it may hold the secret.
pub(super) async fn output(
    words: &[String],
    input: Option<&Secret>,
    patience: Duration,
) -> Result<String, String> {
    let [program, arguments @ ..] = words else {
        return Err("it names no program".to_owned());
    };
    let name = shown(program, 80);
    let spawned = Command::new(program)
        .args(arguments)
        .stdin(match input {
            Some(_) => Stdio::piped(),
            None => Stdio::null(),
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    let mut child = spawned.map_err(|error| match error.kind() {
        ErrorKind::NotFound => format!("there is no program `{name}`"),
        kind => format!("`{name}` cannot be run: {kind}"),
    })?;
    let work = async {
        if let (Some(mut pipe), Some(input)) = (child.stdin.take(), input) {
            // A program that does not want it says so by how it ends.
            let _ = pipe.write_all(input.expose().as_bytes()).await;
        }
        child.wait_with_output().await
    };
    let output = timeout(patience, work)
        .await
        .map_err(|_| format!("`{name}` did not end within {} seconds", patience.as_secs()))?
        .map_err(|error| format!("`{name}` cannot be read: {}", error.kind()))?;
    if !output.status.success() {
        return Err(match output.status.code() {
            Some(code) => format!("`{name}` failed with exit code {code}"),
            None => format!("`{name}` was killed"),
        });
    }
    let text = String::from_utf8(output.stdout)
        .map_err(|_| format!("`{name}` printed something else than text"))?;
    Ok(without_line_break(&text).to_owned())
}

/// A text without the one line break at its end that editors and programs add.
pub(super) fn without_line_break(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}
