//! The command line of Callbox; see `callbox --help`.

mod allocator;
mod cli;
mod threads;

fn main() -> std::process::ExitCode {
    cli::run().into()
}
