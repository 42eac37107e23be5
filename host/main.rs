//! The command line of Callbox; see `callbox --help`.

mod allocator;
mod cli;

fn main() -> std::process::ExitCode {
    cli::run().into()
}
