//! `artel user`: accounts, also while the suite runs.

use super::Settings;
use crate::assemble;
use artel_hub::Hub;
use artel_platform::{Error, Result};
use clap::Subcommand;
use std::io::{BufRead, IsTerminal, Write};

/// Manage accounts: add, list, set a password, remove. Works while Artel runs.
#[derive(Subcommand)]
pub enum User {
    /// Add an account; asks for its password (or reads it from standard input)
    Add {
        #[command(flatten)]
        settings: Settings,
        /// The account's name
        name: String,
        /// May do everything
        #[arg(long)]
        admin: bool,
    },
    /// List the accounts
    List {
        #[command(flatten)]
        settings: Settings,
    },
    /// Set an account's password; asks for it (or reads it from standard input) and ends its sessions
    Password {
        #[command(flatten)]
        settings: Settings,
        /// The account's name
        name: String,
    },
    /// Remove an account with its tokens and sessions
    Remove {
        #[command(flatten)]
        settings: Settings,
        /// The account's name
        name: String,
    },
}

/// The hub's accounts on the database that `settings` name.
pub(super) async fn hub(settings: &Settings) -> Result<Hub> {
    let config = settings.load(&[])?;
    Hub::open(&assemble::context(config, &[], Default::default()).await?).await
}

impl User {
    pub(super) async fn run(self) -> Result<()> {
        match self {
            Self::Add { settings, name, admin } => {
                let hub = hub(&settings).await?;
                let password = ask_password(&name)?;
                hub.add_user(&name, admin, Some(&password)).await?;
                println!("{name} was added");
            }
            Self::List { settings } => {
                for user in hub(&settings).await?.list_users().await? {
                    let role = if user.admin { "admin" } else { "user" };
                    println!("{:24} {role:6} {}", user.name, if user.has_password { "" } else { "no password" });
                }
            }
            Self::Password { settings, name } => {
                let hub = hub(&settings).await?;
                let password = ask_password(&name)?;
                hub.set_password(&name, &password).await?;
                println!("the password of {name} was changed");
            }
            Self::Remove { settings, name } => {
                hub(&settings).await?.remove_user(&name).await?;
                println!("{name} was removed");
            }
        }
        Ok(())
    }
}

/// One line from standard input; on a terminal it is asked for and not shown.
fn ask_password(name: &str) -> Result<String> {
    let terminal = std::io::stdin().is_terminal();
    let _hidden = if terminal {
        eprint!("password of {name}: ");
        let _ = std::io::stderr().flush();
        Hidden::on()
    } else {
        None
    };
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    if terminal {
        eprintln!();
    }
    let password = line.trim_end_matches(['\r', '\n']).to_owned();
    if password.is_empty() { Err(Error::invalid("no password was given; type one, or send it on standard input")) } else { Ok(password) }
}

/// While it lives the terminal shows nothing of what is typed.
struct Hidden(rustix::termios::Termios);

impl Hidden {
    fn on() -> Option<Self> {
        let before = rustix::termios::tcgetattr(std::io::stdin()).ok()?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(rustix::termios::LocalModes::ECHO);
        rustix::termios::tcsetattr(std::io::stdin(), rustix::termios::OptionalActions::Now, &quiet).ok()?;
        Some(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let _ = rustix::termios::tcsetattr(std::io::stdin(), rustix::termios::OptionalActions::Now, &self.0);
    }
}
