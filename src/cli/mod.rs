//! The command line. Names are stable; `--help` of each command says what it is for and shows an example.

mod dag;
mod gc;
mod inspect;
mod proxy;
mod settings;
mod token;
mod user;
mod worker;

use artel_platform::Result;
use clap::{Parser, Subcommand};

/// Notebooks, experiments, models, pipelines and serving in one program.
#[derive(Parser)]
#[command(name = "artel", version, arg_required_else_help = true, after_help = "Start with `artel serve` and open the address it prints.")]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(crate::serve::Serve),
    Worker(worker::Worker),
    // its flags are many; the others have few
    Proxy(Box<proxy::Proxy>),
    #[command(subcommand)]
    User(user::User),
    #[command(subcommand)]
    Token(token::Token),
    #[command(subcommand)]
    Dag(dag::Dag),
    Gc(gc::Gc),
    Migrate(inspect::Migrate),
    Config(inspect::ShowConfig),
    Openapi(inspect::Openapi),
    Topics(inspect::Topics),
    Doctor(inspect::Doctor),
    /// Print the version.
    Version,
}

impl Cli {
    /// Runs the command to its end.
    pub async fn run(self) -> Result<()> {
        match self.command {
            Command::Serve(serve) => serve.run().await,
            Command::Worker(worker) => worker.run().await,
            Command::Proxy(proxy) => proxy.run().await,
            Command::User(user) => user.run().await,
            Command::Token(token) => token.run().await,
            Command::Dag(dag) => dag.run().await,
            Command::Gc(gc) => gc.run().await,
            Command::Migrate(migrate) => migrate.run().await,
            Command::Config(show) => show.run(),
            Command::Openapi(openapi) => openapi.run(),
            Command::Topics(topics) => topics.run(),
            Command::Doctor(doctor) => doctor.run().await,
            Command::Version => {
                println!("artel {}", env!("CARGO_PKG_VERSION"));
                Ok(())
            }
        }
    }
}

pub use settings::Settings;
