//! What travels to the database together, on both engines.

use artel_platform::db::{Db, Query};
use artel_platform::testkit::on_both_engines;
use artel_platform::{Code, Context, args};
use artel_proto::artel::registry::v1::ModelVersionAliasSet;
use std::time::Duration;

async fn open(cx: &Context) -> Db {
    let db = cx.database("a", &[]).await.unwrap();
    db.execute("CREATE TABLE item (id TEXT PRIMARY KEY, size BIGINT, weight DOUBLE PRECISION)", vec![]).await.unwrap();
    db
}

async fn count(db: &Db) -> i64 {
    db.fetch_one("SELECT COUNT(*) AS n FROM item", vec![]).await.unwrap().get("n").unwrap()
}

#[tokio::test]
async fn what_nobody_waits_for_travels_with_the_commit() {
    on_both_engines(|cx| async move {
        let db = open(&cx).await;
        let insert = "INSERT INTO item (id, size, weight) VALUES ($1, (SELECT COUNT(*) + $2 FROM item WHERE id = $1), $3)";
        let events = async || db.fetch_all("SELECT key FROM outbox", vec![]).await.unwrap().len();
        let mut tx = db.begin().await.unwrap();
        tx.along(insert, args!["one", 1i64, None::<f64>]);
        tx.along(insert, args!["two", 2i64, 0.5]);
        for name in ["m", "n", "o"] {
            tx.emit(&ModelVersionAliasSet { name: name.into(), ..Default::default() });
        }
        tx.along(insert, args!["three", 3i64, None::<f64>]);
        tx.commit().await.unwrap();
        let rows = db.fetch_all("SELECT size FROM item ORDER BY size", vec![]).await.unwrap();
        assert_eq!(rows.iter().map(|r| r.get::<i64>("size").unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(events().await, 3);
        let mut tx = db.begin().await.unwrap();
        tx.along(insert, args!["one", 4i64, None::<f64>]);
        tx.emit(&ModelVersionAliasSet::default());
        let twice = tx.commit().await.unwrap_err();
        assert_eq!(twice.code, Code::AlreadyExists);
        let mut tx = db.begin().await.unwrap();
        tx.along(insert, args!["four", 4i64, None::<f64>]);
        drop(tx);
        assert_eq!((count(&db).await, events().await), (3, 3));
    })
    .await;
}

#[tokio::test]
async fn what_goes_ahead_is_seen_by_the_next_statement() {
    on_both_engines(|cx| async move {
        let db = open(&cx).await;
        let insert = "INSERT INTO item (id, size) VALUES ($1, $2)";
        let size = |id: &str| Query::first("SELECT size FROM item WHERE id = $1", args![id], |row| row.get::<i64>("size"));
        let all = || Query::all("SELECT id FROM item ORDER BY id", vec![], |row| row.get::<String>("id"));
        let number = || Query::one("SELECT COUNT(*) AS n FROM item", vec![], |row| row.get::<i64>("n"));
        let mut tx = db.begin().await.unwrap();
        tx.ahead(insert, args!["one", 1i64]);
        tx.ahead("UPDATE item SET size = size + $1 WHERE id = $2", args![10i64, "one"]);
        assert_eq!(tx.ask((size("one"), all(), number(), size("two"))).await.unwrap(), (Some(11), vec!["one".into()], 1, None));
        tx.ahead("UPDATE item SET size = $1", args![5i64]);
        let rows = vec![args!["two", 2i64], args!["three", 3i64]];
        assert_eq!(tx.insert_many("INSERT INTO item (id, size)", "", rows).await.unwrap(), 2);
        tx.ahead("UPDATE item SET size = size * $2 WHERE id = $1", args!["two", 7i64]);
        assert_eq!(tx.execute("DELETE FROM item WHERE size = $1", args![14i64]).await.unwrap(), 1);
        tx.ahead(insert, args!["four", 4i64]);
        tx.commit().await.unwrap();
        let found = db.ask((size("one"), size("four"), all())).await.unwrap();
        assert_eq!(found, (Some(5), Some(4), vec!["four".into(), "one".into(), "three".into()]));

        // what went ahead and failed, or was given up, takes its transaction along
        let mut tx = db.begin().await.unwrap();
        tx.ahead(insert, args!["one", 1i64]);
        assert_eq!(tx.ask(number()).await.unwrap_err().code, Code::AlreadyExists);
        assert_eq!(tx.commit().await.unwrap_err().code, Code::Unavailable);
        for _ in 0..50 {
            let mut tx = db.begin().await.unwrap();
            tx.execute(insert, args!["five", 5i64]).await.unwrap();
            tx.ahead(insert, args!["six", 6i64]);
            let answered = tokio::time::timeout(Duration::ZERO, tx.ask(number())).await.is_ok();
            let committed = tx.commit().await.is_ok();
            assert!(committed || !answered);
            let both = db.ask((size("five"), size("six"))).await.unwrap();
            assert_eq!(both, if committed { (Some(5), Some(6)) } else { (None, None) });
            db.execute("DELETE FROM item WHERE size IN (5, 6) AND id <> 'one'", vec![]).await.unwrap();
        }
        assert_eq!(count(&db).await, 3);
    })
    .await;
}

#[tokio::test]
async fn packed_rows_are_the_rows() {
    on_both_engines(|cx| async move {
        let db = open(&cx).await;
        let texts = ["", "-", "3:abc", "umläut 🦀", "a\u{1f}b\n"];
        let rows = texts.iter().zip(-2i64..).map(|(text, size)| args![*text, if size == 0 { None } else { Some(size) }]).collect();
        let mut tx = db.begin().await.unwrap();
        tx.insert_many("INSERT INTO item (id, size)", "", rows).await.unwrap();
        let packed = |least: i64| {
            let from = "item WHERE size IS NULL OR size > $1";
            Query::packed(&["id", "size", "id"], from, "size DESC NULLS LAST, id", args![least], |row| {
                Ok((row.text()?, row.opt_int()?, row.opt()?.unwrap_or_default().to_owned()))
            })
        };
        let found = tx.ask(packed(-2)).await.unwrap();
        let expected = [(texts[4], Some(2)), (texts[3], Some(1)), (texts[1], Some(-1)), (texts[2], None)];
        assert_eq!(found, expected.map(|(text, size)| (text.to_owned(), size, text.to_owned())));
        assert_eq!(tx.ask(packed(-3)).await.unwrap().len(), 5);
        tx.execute("DELETE FROM item", vec![]).await.unwrap();
        assert_eq!(tx.ask(packed(0)).await.unwrap(), []);
    })
    .await;
}
