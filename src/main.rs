//! The `skyswitch` binary: everything is in the library's command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    skyswitch_mcp::cli::run(std::env::args_os().collect())
}
