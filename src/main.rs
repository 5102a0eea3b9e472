//! `artel`: the one binary. Here are the command line and the table of services; everything else is in the crates.

mod assemble;
mod cli;
mod serve;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let command = cli::Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads()).enable_all().thread_name("artel").build();
    let result = match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(command.run());
            // threads that wait on a disk or a name server must not hold up the end
            runtime.shutdown_timeout(std::time::Duration::from_secs(1));
            result
        }
        Err(e) => Err(artel_platform::Error::internal("cannot start threads").because(e)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", error.message);
            if error.code == artel_platform::Code::Internal {
                eprintln!("cause: {}", error.chain());
            }
            ExitCode::FAILURE
        }
    }
}

/// HTTP has a thread of its own for each core, and so do the databases: the rest (gRPC between services, what is done beside
/// requests) has half as many. More would mostly wake each other.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2))
}
