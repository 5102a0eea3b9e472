//! What tests of the services use. Compiled only with the feature `testkit`.

use crate::clock::{Clock, Ids};
use crate::config::Config;
use crate::identity::{Identity, Keys};
use crate::service::Context;
use crate::{blob::Blobs, bus::Bus, python::Environments, rpc::Peers};
use std::sync::Arc;

/// A context in a folder of its own that is removed with it.
pub struct Fixture {
    /// For the service under test.
    pub cx: Context,
    _folder: tempfile::TempDir,
}

/// On SQLite, with every service local (provide those that are asked), or on the PostgreSQL that
/// `ARTEL_TEST_POSTGRES` names, in a database of its own.
pub async fn fixture(engine: Engine) -> Option<Fixture> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut flags = toml::Table::new();
    flags.insert("data".into(), folder.path().display().to_string().into());
    if engine == Engine::Postgres {
        flags.insert("database".into(), fresh_postgres().await?.into());
    }
    let config = Config::load(None, &flags).expect("the built-in settings load");
    let keys = Keys::derive(b"test").expect("keys");
    let cx = Context {
        bus: Bus::open("local").expect("a local bus"),
        blobs: Blobs::open(&config.artifacts, &config.s3).await.expect("a folder store"),
        peers: Peers::new(&config, crate::rpc::SERVICES, &keys).expect("peers"),
        python: Environments::open(&config).expect("the Python files"),
        keys,
        clock: Clock::system(),
        ids: Ids::random(),
        stop: Default::default(),
        tasks: Default::default(),
        config: Arc::new(config),
    };
    Some(Fixture { cx, _folder: folder })
}

/// Which database a store suite runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Always there.
    Sqlite,
    /// Where `ARTEL_TEST_POSTGRES` is set, as `make test` does.
    Postgres,
}

/// Runs `test` on SQLite and, where there is one, on PostgreSQL.
pub async fn on_both_engines<F: Future<Output = ()>>(test: impl Fn(Context) -> F) {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        if let Some(fixture) = fixture(engine).await {
            test(fixture.cx.clone()).await;
        }
    }
}

/// Creates a database with a random name on the test server.
async fn fresh_postgres() -> Option<String> {
    use sqlx::{ConnectOptions, Connection, Executor};
    let server = std::env::var("ARTEL_TEST_POSTGRES").ok()?;
    let name = format!("t{}", uuid::Uuid::new_v4().simple());
    let options: sqlx::postgres::PgConnectOptions = server.parse().expect("ARTEL_TEST_POSTGRES is a URL");
    let mut connection = options.connect().await.expect("the test PostgreSQL answers");
    connection.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.expect("a new database");
    let _ = connection.close().await;
    let mut url = url::Url::parse(&server).expect("ARTEL_TEST_POSTGRES is a URL");
    url.set_path(&name);
    Some(url.into())
}

/// Who makes the request in tests of REST handlers (`request.extensions_mut().insert(admin())`).
pub fn admin() -> Identity {
    Identity::anonymous_admin()
}
