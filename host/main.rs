//! The command line of Callbox; see `callbox --help`.

mod cli;

fn main() -> std::process::ExitCode {
    cli::run().into()
}
