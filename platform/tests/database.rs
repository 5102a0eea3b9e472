//! The database facade and the local bus, on both engines.

use artel_platform::bus::{Bus, Handler, on};
use artel_platform::db::{Db, Value};
use artel_platform::testkit::on_both_engines;
use artel_platform::{Code, Context, args};
use artel_proto::artel::registry::v1::{ModelVersionAliasSet, RegisteredModelChanged};
use std::time::{Duration, Instant};

async fn open(cx: &Context, name: &str) -> Db {
    let db = cx.database(name, &[]).await.unwrap();
    db.execute("CREATE TABLE item (id TEXT PRIMARY KEY, size BIGINT, weight DOUBLE PRECISION, data BYTEA)", vec![]).await.unwrap();
    db
}

async fn count(db: &Db) -> i64 {
    db.fetch_one("SELECT COUNT(*) AS n FROM item", vec![]).await.unwrap().get("n").unwrap()
}

/// Waits for a condition, at most ten seconds.
async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < Duration::from_secs(10), "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn every_kind_of_value_comes_back() {
    on_both_engines(|cx| async move {
        let db = open(&cx, "a").await;
        let sql = "INSERT INTO item (id, size, weight, data) VALUES ($1, $2, $3, $4)";
        db.execute(sql, args!["x", 7i64, 0.5, vec![1u8, 2]]).await.unwrap();
        db.execute(sql, args!["nothing", None::<i64>, None::<f64>, None::<Vec<u8>>]).await.unwrap();
        let rows = db.fetch_all("SELECT * FROM item ORDER BY id", vec![]).await.unwrap();
        assert_eq!(rows[0].opt::<i64>("size").unwrap(), None);
        assert_eq!(rows[1].get::<i64>("size").unwrap(), 7);
        assert_eq!(rows[1].get::<f64>("weight").unwrap(), 0.5);
        assert_eq!(rows[1].get::<Vec<u8>>("data").unwrap(), [1, 2]);
        let twice = db.execute(sql, args!["x", 8i64, Value::Null, Value::Null]).await.unwrap_err();
        assert_eq!(twice.code, Code::AlreadyExists);
        let like = db.fetch_all("SELECT id FROM item WHERE id LIKE $1", args!["X%"]).await.unwrap();
        assert!(like.is_empty(), "LIKE is case-sensitive on both engines");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_file_may_be_open_twice() {
    let work = (0..4).map(|_| async {
        let fixture = artel_platform::testkit::fixture(artel_platform::testkit::Engine::Sqlite).await.unwrap();
        let first = open(&fixture.cx, "twice").await;
        let second = fixture.cx.database("twice", &[]).await.unwrap();
        // just before both prepare the log for what is to come, and until they have
        tokio::time::sleep(Duration::from_millis(450)).await;
        let write = async |db: &Db, which: &str| {
            let (began, mut written) = (Instant::now(), 0);
            while began.elapsed() < Duration::from_millis(300) {
                let row = args![format!("{which} {written}"), written, 0.5, vec![7_u8; 3000]];
                db.execute("INSERT INTO item (id, size, weight, data) VALUES ($1, $2, $3, $4)", row).await.unwrap();
                written += 1;
            }
            written
        };
        let (one, other) = tokio::join!(write(&first, "first"), write(&second, "second"));
        let written = one + other;
        for db in [&first, &second] {
            assert_eq!(count(db).await, written);
            let check = db.fetch_one("PRAGMA integrity_check", vec![]).await.unwrap();
            assert_eq!(check.get::<String>("integrity_check").unwrap(), "ok");
        }
    });
    futures::future::join_all(work).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runtime_that_ends_takes_no_connection_with_it() {
    on_both_engines(|cx| async move {
        let db = open(&cx, "shared").await;
        let (elsewhere, inside) = (db.clone(), db.clone());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            // several at once, so that new ones are opened here
            let read = async || inside.fetch_one("SELECT COUNT(*) AS n FROM item", vec![]).await.unwrap();
            runtime.block_on(async { tokio::join!(read(), read(), read(), read()) });
            runtime.block_on(async { elsewhere.execute("INSERT INTO item (id) VALUES ('there')", vec![]).await }).unwrap();
        });
        tokio::task::spawn_blocking(|| thread.join().unwrap()).await.unwrap();
        let reads = futures::future::join_all((0..8).map(|_| count(&db))).await;
        assert_eq!(reads, [1; 8]);
    })
    .await;
}

/// Polls `work` so many times, unless it ends before, and drops it.
async fn give_up_after(polls: usize, work: impl Future) {
    let (mut work, mut left) = (Box::pin(work), polls);
    std::future::poll_fn(|cx| {
        left -= 1;
        match work.as_mut().poll(cx) {
            std::task::Poll::Pending if left > 0 => std::task::Poll::Pending,
            _ => std::task::Poll::Ready(()),
        }
    })
    .await;
}

#[tokio::test]
async fn a_writer_that_gives_up_half_way_leaves_the_connection_usable() {
    on_both_engines(|cx| async move {
        let db = open(&cx, "a").await;
        for polls in 1..40 {
            let given_up = db.execute("INSERT INTO item (id) VALUES ($1)", args![format!("maybe{polls}")]);
            give_up_after(polls, given_up).await;
            let next = db.execute("INSERT INTO item (id) VALUES ($1)", args![format!("sure{polls}")]);
            tokio::time::timeout(Duration::from_secs(10), next).await.expect("the writer is free").unwrap();
        }
        let sure = db.fetch_one("SELECT COUNT(*) AS n FROM item WHERE id LIKE 'sure%'", vec![]).await.unwrap();
        assert_eq!(sure.get::<i64>("n").unwrap(), 39);
    })
    .await;
}

#[tokio::test]
async fn a_transaction_that_is_given_up_half_way_is_there_whole_or_not_at_all() {
    on_both_engines(|cx| async move {
        let db = open(&cx, "a").await;
        let insert = "INSERT INTO item (id) VALUES ($1)";
        for polls in 1..60 {
            let name = |what: &str| format!("{what}{polls}");
            let given_up = async {
                let mut tx = db.begin().await?;
                tx.execute(insert, args![name("first")]).await?;
                tx.along(insert, args![name("along")]);
                tx.fetch_all("SELECT id FROM item", vec![]).await?;
                tx.commit().await
            };
            let neighbour = tokio::spawn({
                let (db, name) = (db.clone(), name("neighbour"));
                async move {
                    let mut tx = db.begin().await?;
                    tx.execute(insert, args![name]).await?;
                    tx.commit().await
                }
            });
            give_up_after(polls, given_up).await;
            tokio::time::timeout(Duration::from_secs(10), neighbour).await.expect("the writer is free").unwrap().unwrap();
        }
        // a commit that was given up goes on to its end
        let mut last = db.begin().await.unwrap();
        last.execute(insert, args!["last"]).await.unwrap();
        last.commit().await.unwrap();
        let like = async |what: &str| {
            let n = db.fetch_one("SELECT COUNT(*) AS n FROM item WHERE id LIKE $1", args![format!("{what}%")]).await.unwrap();
            n.get::<i64>("n").unwrap()
        };
        assert_eq!(like("neighbour").await, 59);
        assert_eq!(like("first").await, like("along").await);
    })
    .await;
}

#[tokio::test]
async fn a_first_statement_that_fails_takes_only_its_transaction_along() {
    on_both_engines(|cx| async move {
        let db = open(&cx, "a").await;
        let insert = "INSERT INTO item (id) VALUES ($1)";
        db.execute(insert, args!["there"]).await.unwrap();
        let writers = (0..40).map(|i| {
            let db = db.clone();
            async move {
                let mut tx = db.begin().await.unwrap();
                let name = if i % 3 == 0 { "there".to_owned() } else { format!("new{i}") };
                match tx.execute(insert, args![name]).await {
                    Ok(changed) => assert_eq!(changed, 1),
                    Err(error) => return assert_eq!((error.code, i % 3), (Code::AlreadyExists, 0)),
                }
                assert_eq!(tx.execute("DELETE FROM item WHERE id = 'nobody'", vec![]).await.unwrap(), 0);
                tx.commit().await.unwrap();
            }
        });
        futures::future::join_all(writers).await;
        assert_eq!(count(&db).await, 1 + 26);
        db.begin().await.unwrap().commit().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_dropped_transaction_is_undone_and_harms_no_neighbour() {
    on_both_engines(|cx| async move {
        let db = open(&cx, "a").await;
        let writers = (0..40).map(|i| {
            let db = db.clone();
            async move {
                let mut tx = db.begin().await.unwrap();
                tx.execute("INSERT INTO item (id) VALUES ($1)", args![format!("i{i:02}")]).await.unwrap();
                if i % 4 == 0 {
                    drop(tx);
                } else {
                    tx.commit().await.unwrap();
                }
            }
        });
        futures::future::join_all(writers).await;
        assert_eq!(count(&db).await, 30);
        let mut tx = db.begin().await.unwrap();
        let rows = (0..1200).map(|i| args![format!("m{i}"), i]).collect();
        assert_eq!(tx.insert_many("INSERT INTO item (id, size)", "", rows).await.unwrap(), 1200);
        tx.commit().await.unwrap();
        assert_eq!(count(&db).await, 1230);
    })
    .await;
}

#[tokio::test]
async fn a_waiter_that_gives_up_does_not_hold_others() {
    on_both_engines(|cx| async move {
        let db = open(&cx, "a").await;
        let mut first = db.begin().await.unwrap();
        first.execute("INSERT INTO item (id) VALUES ('first')", vec![]).await.unwrap();
        let waiting = tokio::spawn({
            let db = db.clone();
            async move { db.begin().await.map(drop) }
        });
        tokio::task::yield_now().await;
        let committed = tokio::spawn(first.commit());
        waiting.abort();
        tokio::time::timeout(Duration::from_secs(5), committed).await.expect("the commit returns").unwrap().unwrap();
        assert_eq!(count(&db).await, 1);
    })
    .await;
}

fn note_alias() -> Handler {
    on::<ModelVersionAliasSet, _>(|event, tx| {
        Box::pin(async move {
            if event.alias == "poison" {
                return Err(artel_platform::Error::invalid("poison"));
            }
            tx.execute("INSERT INTO item (id, size) VALUES ($1, $2)", args![event.alias, event.version]).await.map(drop)
        })
    })
}

async fn emit(db: &Db, alias: &str, version: i64) {
    let mut tx = db.begin().await.unwrap();
    tx.emit(&ModelVersionAliasSet { workspace: "default".into(), name: "wine".into(), alias: alias.into(), version });
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn events_reach_every_group_once_and_survive_a_restart() {
    on_both_engines(|cx| async move {
        let (source, one, two) = (open(&cx, "source").await, open(&cx, "one").await, open(&cx, "two").await);
        // written while nobody listens, as before a crash
        emit(&source, "before", 1).await;
        cx.bus.consume("one", &one, vec![note_alias()]);
        cx.bus.consume("two", &two, vec![note_alias()]);
        cx.bus.run(&cx.tasks, &cx.stop, false);
        emit(&source, "after", 2).await;
        for db in [&one, &two] {
            eventually("both events", async || count(db).await == 2).await;
        }
        eventually("an empty outbox", async || source.fetch_one("SELECT COUNT(*) AS n FROM outbox", vec![]).await.unwrap().get::<i64>("n").unwrap() == 0).await;
        // the same event once more, as after a crash between handling and marking
        let id: String = one.fetch_one("SELECT MIN(id) AS id FROM inbox", vec![]).await.unwrap().get("id").unwrap();
        let again = "INSERT INTO outbox (id, topic, type, key, payload, time) VALUES ($1, 'registry.registered_models', 'ModelVersionAliasSet', 'wine', $2, 1)";
        let payload = prost::Message::encode_to_vec(&ModelVersionAliasSet { alias: "again".into(), ..Default::default() });
        source.execute(again, args![id, payload]).await.unwrap();
        emit(&source, "last", 3).await;
        eventually("the last event", async || count(&one).await == 3).await;
        assert!(one.fetch_optional("SELECT id FROM item WHERE id = 'again'", vec![]).await.unwrap().is_none());
        cx.stop.cancel();
    })
    .await;
}

#[tokio::test]
async fn what_no_consumer_waits_for_is_told_but_not_kept() {
    on_both_engines(|cx| async move {
        let (source, one) = (open(&cx, "source").await, open(&cx, "one").await);
        let mut live = cx.bus.live();
        cx.bus.consume("one", &one, vec![note_alias()]);
        cx.bus.run(&cx.tasks, &cx.stop, false);
        let mut tx = source.begin().await.unwrap();
        tx.emit(&RegisteredModelChanged { name: "wine".into(), ..Default::default() });
        tx.commit().await.unwrap();
        assert_eq!(source.fetch_one("SELECT COUNT(*) AS n FROM outbox", vec![]).await.unwrap().get::<i64>("n").unwrap(), 0);
        emit(&source, "champion", 1).await;
        for expected in ["RegisteredModelChanged", "ModelVersionAliasSet"] {
            assert_eq!(live.recv().await.unwrap().kind, expected);
        }
        eventually("the alias", async || count(&one).await == 1).await;
        cx.stop.cancel();
    })
    .await;
}

#[tokio::test]
async fn an_undone_transaction_emits_nothing() {
    on_both_engines(|cx| async move {
        let db = open(&cx, "source").await;
        let mut live = cx.bus.live();
        let mut tx = db.begin().await.unwrap();
        tx.emit(&ModelVersionAliasSet::default());
        drop(tx);
        emit(&db, "kept", 1).await;
        let seen = tokio::time::timeout(Duration::from_secs(5), live.recv()).await.unwrap().unwrap();
        assert_eq!(seen.json().unwrap()["alias"], "kept");
        assert_eq!(db.fetch_one("SELECT COUNT(*) AS n FROM outbox", vec![]).await.unwrap().get::<i64>("n").unwrap(), 1);
    })
    .await;
}

#[test]
fn a_bus_that_is_not_understood_says_so() {
    let error = Bus::open("rabbit://x").err().unwrap();
    assert!(error.message.contains("kafka://HOST:PORT"), "{}", error.message);
}

#[tokio::test]
async fn a_log_at_its_full_length_is_read_like_any_other() {
    let (folder, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let url = |folder: &tempfile::TempDir| format!("sqlite://{}", folder.path().display());
    let db = Db::open(&url(&folder), "a", &[]).await.unwrap();
    db.execute("CREATE TABLE item (id TEXT PRIMARY KEY)", vec![]).await.unwrap();
    db.execute("INSERT INTO item (id) VALUES ('before')", vec![]).await.unwrap();
    let log = folder.path().join("a.db-wal");
    eventually("the log is long", async || std::fs::metadata(&log).unwrap().len() > 4_000_000).await;
    db.execute("INSERT INTO item (id) VALUES ('after')", vec![]).await.unwrap();
    // what a crash leaves on disk
    for name in ["a.db", "a.db-wal"] {
        std::fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
    }
    let found = Db::open(&url(&copy), "a", &[]).await.unwrap();
    assert_eq!(count(&found).await, 2);
}
