//! The `plimsoll` binary: hands the command line to `app` and ends with its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    match plimsoll::cli::parse(std::env::args_os()) {
        Ok(cli) => ExitCode::from(plimsoll::app::run(&cli).code()),
        Err(usage) => {
            // Nobody is left to tell when the output is closed.
            drop(usage.print());
            ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(2))
        }
    }
}
