//! Start and exit code; nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    eksact::crash::prepare();
    eksact::cli::main(std::env::args_os())
}
