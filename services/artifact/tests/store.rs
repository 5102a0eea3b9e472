//! Objects and contents on both engines.

use artel_artifact::{ArtifactPath, Artifacts, Entry, MIGRATIONS, SmallFile};
use artel_platform::clock::Clock;
use artel_platform::db::Db;
use artel_platform::testkit::on_both_engines;
use artel_platform::{Code, Context, Error, Result, args};
use artel_proto::artel::artifact::v1::ArtifactWritten;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use std::sync::Arc;

const GRACE: i64 = 3600 * 1000;

struct Bench {
    artifacts: Arc<Artifacts>,
    db: Db,
    clock: Clock,
    folder: std::path::PathBuf,
}

async fn bench(mut cx: Context) -> Bench {
    cx.clock = Clock::fixed(1_000_000_000_000);
    let db = cx.database("artifact", MIGRATIONS).await.unwrap();
    let folder = cx.config.artifacts.strip_prefix("file://").unwrap().into();
    Bench { artifacts: Arc::new(Artifacts::new(&cx, db.clone()).unwrap()), db, clock: cx.clock, folder }
}

impl Bench {
    async fn put(&self, path: &str, text: &'static str) -> Result<Entry> {
        let data = stream::iter([Ok(Bytes::from_static(text.as_bytes()))]);
        self.artifacts.put("default", &at(path), "text/plain", data).await
    }

    async fn put_many(&self, files: &[(&str, &'static str)]) -> Result<()> {
        let file = |(path, text): &(&str, &'static str)| SmallFile {
            path: at(path),
            content_type: "text/plain".into(),
            data: Bytes::from_static(text.as_bytes()),
        };
        self.artifacts.put_many("default", files.iter().map(file).collect()).await
    }

    async fn text(&self, path: &str) -> Result<String> {
        let content = self.artifacts.content("default", &at(path)).await?;
        let bytes: Vec<Bytes> = self.artifacts.read(&content, 0, None).await?.try_collect().await?;
        Ok(String::from_utf8(bytes.concat()).unwrap())
    }

    async fn names(&self, path: &str) -> Vec<String> {
        let entries = self.artifacts.list("default", &at(path)).await.unwrap();
        entries.into_iter().map(|e| if e.is_dir { format!("{}/", e.path) } else { e.path }).collect()
    }

    async fn count(&self, table: &str) -> i64 {
        let sql = artel_platform::db::AssertSqlSafe(format!("SELECT COUNT(*) AS n FROM {table}"));
        self.db.fetch_one(sql, args![]).await.unwrap().get("n").unwrap()
    }

    /// Files that really lie in the object store.
    fn files(&self) -> usize {
        fn count(folder: &std::path::Path) -> usize {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            entries.map(|e| if e.path().is_dir() { count(&e.path()) } else { 1 }).sum()
        }
        count(&self.folder)
    }
}

fn at(path: &str) -> ArtifactPath {
    ArtifactPath::new(path).unwrap()
}

#[tokio::test]
async fn many_small_files_are_written_together() {
    on_both_engines(async |cx| {
        let b = bench(cx).await;
        b.put("logs/1/a", "known").await.unwrap();
        b.put_many(&[("logs/1/b", "known"), ("logs/1/c", "new"), ("logs/2/d", "new"), ("e", "")]).await.unwrap();
        assert_eq!(b.names("logs/1").await, ["logs/1/a", "logs/1/b", "logs/1/c"]);
        assert_eq!((b.text("logs/1/b").await.unwrap(), b.text("logs/2/d").await.unwrap()), ("known".into(), "new".into()));
        b.artifacts.sweep().await.unwrap();
        assert_eq!((b.count("blobs").await, b.count("objects").await, b.count("orphans").await, b.files()), (3, 5, 0, 3));
        assert_eq!(b.db.fetch_one("SELECT CAST(SUM(refs) AS BIGINT) AS n FROM blobs", args![]).await.unwrap().get::<i64>("n").unwrap(), 5);

        // a path that is taken is written over, and the others are new
        b.put_many(&[("logs/1/c", "changed"), ("f", "six")]).await.unwrap();
        assert_eq!((b.text("logs/1/c").await.unwrap(), b.text("f").await.unwrap()), ("changed".into(), "six".into()));

        // what cannot be is named, and frees its bytes
        for wrong in [[("g", "7"), ("g", "8")], [("g", "7"), ("", "8")], [("f/g", "7"), ("h", "8")], [("logs/1", "7"), ("h", "8")]] {
            let error = b.put_many(&wrong).await.unwrap_err();
            assert_eq!(error.code, Code::InvalidArgument, "{wrong:?}");
        }
        let within = b.put_many(&[("i", "9"), ("i/j", "10")]).await.unwrap_err();
        assert!(within.message.contains("'i/j'"), "{}", within.message);
        b.put_many(&[]).await.unwrap();
        b.artifacts.sweep().await.unwrap();
        assert_eq!((b.names("").await, b.count("orphans").await), (vec!["e".into(), "f".into(), "i".into(), "logs/".into()], 0));
    })
    .await;
}

#[tokio::test]
async fn equal_bytes_are_stored_once_and_freed_after_the_last_path() {
    on_both_engines(async |cx| {
        let b = bench(cx).await;
        b.put("1/a.txt", "same").await.unwrap();
        b.put("1/b.txt", "same").await.unwrap();
        b.put("1/a.txt", "same").await.unwrap();
        b.artifacts.sweep().await.unwrap();
        assert_eq!((b.count("blobs").await, b.count("objects").await, b.count("orphans").await, b.files()), (1, 2, 0, 1));

        b.put("1/a.txt", "other").await.unwrap();
        assert_eq!(b.text("1/a.txt").await.unwrap(), "other");
        assert_eq!(b.text("1/b.txt").await.unwrap(), "same");
        assert_eq!(b.artifacts.delete("default", &at("1/b.txt"), false).await.unwrap(), 1);

        b.clock.advance(GRACE - 1);
        b.artifacts.sweep().await.unwrap();
        assert_eq!((b.count("blobs").await, b.files()), (2, 2), "kept in its grace time");
        b.clock.advance(1);
        b.artifacts.sweep().await.unwrap();
        assert_eq!((b.count("blobs").await, b.count("orphans").await, b.files()), (1, 0, 1));
        assert_eq!(b.text("1/a.txt").await.unwrap(), "other");
    })
    .await;
}

#[tokio::test]
async fn bytes_that_come_back_in_their_grace_time_stay() {
    on_both_engines(async |cx| {
        let b = bench(cx).await;
        b.put("a", "text").await.unwrap();
        b.artifacts.delete("default", &at("a"), false).await.unwrap();
        b.put("b", "text").await.unwrap();
        b.clock.advance(2 * GRACE);
        b.artifacts.sweep().await.unwrap();
        assert_eq!(b.text("b").await.unwrap(), "text");
        assert_eq!((b.count("blobs").await, b.files()), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn an_upload_that_breaks_off_shows_nothing_and_is_cleaned_up() {
    on_both_engines(async |cx| {
        let b = bench(cx).await;
        b.put("kept", "before").await.unwrap();
        let broken = stream::iter([Ok(Bytes::from_static(b"half")), Err(Error::invalid("the upload broke off"))]);
        assert!(b.artifacts.put("default", &at("kept"), "", broken).await.is_err());
        assert_eq!(b.text("kept").await.unwrap(), "before");
        assert_eq!((b.count("objects").await, b.files()), (1, 1));

        // a process that dies leaves the note of its upload and what it had written, which is freed when it is long over
        let never = stream::iter([Ok(Bytes::from_static(b"half"))]).chain(stream::pending());
        let path = at("never");
        let upload = b.artifacts.put("default", &path, "", never);
        assert!(tokio::time::timeout(std::time::Duration::from_millis(50), upload).await.is_err());
        assert_eq!(b.count("orphans").await, 2);
        let note = b.db.fetch_one("SELECT location FROM orphans ORDER BY due DESC, location LIMIT 1", args![]).await.unwrap();
        let part = b.folder.join(format!("{}.part", note.get::<String>("location").unwrap()));
        std::fs::create_dir_all(part.parent().unwrap()).unwrap();
        std::fs::write(&part, "half").unwrap();
        b.artifacts.sweep().await.unwrap();
        assert_eq!((b.count("orphans").await, b.files()), (2, 2), "it may still be under way");
        b.clock.advance(25 * 3600 * 1000);
        b.artifacts.sweep().await.unwrap();
        assert_eq!((b.count("orphans").await, b.files()), (0, 1));
        assert_eq!(b.artifacts.content("default", &path).await.unwrap_err().code, Code::NotFound);
    })
    .await;
}

#[tokio::test]
async fn bytes_that_nobody_has_read_take_the_place_of_their_stand_in() {
    on_both_engines(async |cx| {
        let b = bench(cx).await;
        b.put("here", "same").await.unwrap();
        // what a direct upload leaves: bytes in the store, and paths to them under a stand-in
        for (name, text) in [("copy", "same"), ("new", "other")] {
            let location = format!("objects/00/{name}");
            std::fs::create_dir_all(b.folder.join("objects/00")).unwrap();
            std::fs::write(b.folder.join(&location), text).unwrap();
            let stand_in = format!("unread:{name}");
            let mut tx = b.db.begin().await.unwrap();
            let sql = "INSERT INTO blobs (sha256, location, size, refs, created_at) VALUES ($1, $2, $3, 2, 0)";
            tx.execute(sql, args![stand_in.as_str(), location, text.len()]).await.unwrap();
            for path in ["x", "y"] {
                let sql =
                    "INSERT INTO objects (workspace, path, sha256, size, content_type, created_at) VALUES ('default', $1, $2, $3, '', 0)";
                tx.execute(sql, args![format!("{name}/{path}"), stand_in.as_str(), text.len()]).await.unwrap();
            }
            tx.commit().await.unwrap();
        }
        assert_eq!(b.text("copy/x").await.unwrap(), "same");
        b.artifacts.delete("default", &at("new/y"), false).await.unwrap();
        assert_eq!(b.artifacts.read_unread().await.unwrap(), 2);
        let same = b.artifacts.stat("default", &at("here")).await.unwrap().sha256;
        assert_eq!(b.artifacts.stat("default", &at("copy/y")).await.unwrap().sha256, same);
        assert_eq!(b.artifacts.stat("default", &at("new/x")).await.unwrap().sha256.len(), 64);
        b.clock.advance(GRACE);
        b.artifacts.sweep().await.unwrap();
        assert_eq!((b.count("blobs").await, b.count("orphans").await, b.files()), (2, 0, 2), "the copy was freed");
        for (path, text) in [("here", "same"), ("copy/x", "same"), ("copy/y", "same"), ("new/x", "other")] {
            assert_eq!(b.text(path).await.unwrap(), text, "{path}");
        }
        for path in ["here", "copy", "new"] {
            b.artifacts.delete("default", &at(path), true).await.unwrap();
        }
        b.clock.advance(GRACE);
        b.artifacts.sweep().await.unwrap();
        assert_eq!((b.count("blobs").await, b.files()), (0, 0), "every reference was counted");
    })
    .await;
}

#[tokio::test]
async fn folders_are_listed_by_bytes_without_reading_what_is_in_them() {
    on_both_engines(async |cx| {
        let b = bench(cx).await;
        for path in ["d/b.txt", "d/B.txt", "d/a/1", "d/a/2", "d/a-1", "d/a.txt", "d/é", "d/a/x/y", "e", "d/z/deep/er"] {
            b.put(path, "x").await.unwrap();
        }
        assert_eq!(b.names("").await, ["d/", "e"]);
        assert_eq!(b.names("d").await, ["d/B.txt", "d/a/", "d/a-1", "d/a.txt", "d/b.txt", "d/z/", "d/é"]);
        assert_eq!(b.names("d/a").await, ["d/a/1", "d/a/2", "d/a/x/"]);
        assert!(b.names("e").await.is_empty() && b.names("nothing").await.is_empty());
        let walked = b.artifacts.walk("default", &at("d/a")).await.unwrap();
        assert_eq!(walked.iter().map(|e| e.path.as_str()).collect::<Vec<_>>(), ["d/a/1", "d/a/2", "d/a/x/y"]);
        assert!(b.artifacts.list("other", &at("d")).await.unwrap().is_empty(), "workspaces are apart");

        assert!(b.artifacts.stat("default", &at("d/a")).await.unwrap().is_dir);
        assert_eq!(b.artifacts.stat("default", &at("d/a/1")).await.unwrap().size, 1);
        assert_eq!(b.artifacts.stat("default", &at("d/q")).await.unwrap_err().code, Code::NotFound);
        assert_eq!(b.artifacts.content("default", &at("d/a")).await.unwrap_err().code, Code::InvalidArgument);

        assert_eq!(b.artifacts.delete("default", &at("d/a"), true).await.unwrap(), 3);
        assert_eq!(b.names("d").await, ["d/B.txt", "d/a-1", "d/a.txt", "d/b.txt", "d/z/", "d/é"]);
    })
    .await;
}

#[tokio::test]
async fn large_folders_are_listed_whole() {
    on_both_engines(async |cx| {
        let b = bench(cx).await;
        let mut tx = b.db.begin().await.unwrap();
        tx.execute("INSERT INTO blobs (sha256, location, size, refs, created_at) VALUES ('s', 'l', 1, 2100, 0)", args![]).await.unwrap();
        let row = |path: String| args!["default", path, "s", 1i64, "", 0i64];
        let rows = (0..700).flat_map(|n| [row(format!("many/f{n:04}")), row(format!("many/g/{n}")), row(format!("many/h{n:04}/x"))]);
        tx.insert_many("INSERT INTO objects (workspace, path, sha256, size, content_type, created_at)", "", rows.collect()).await.unwrap();
        tx.commit().await.unwrap();
        let listed = b.artifacts.list("default", &at("many")).await.unwrap();
        assert_eq!((listed.len(), listed.iter().filter(|e| e.is_dir).count()), (1401, 701));
        assert_eq!(b.artifacts.walk("default", &at("many")).await.unwrap().len(), 2100);
        assert_eq!(b.artifacts.delete("default", &at("many"), true).await.unwrap(), 2100);
        b.clock.advance(GRACE);
        b.artifacts.sweep().await.unwrap();
        assert_eq!((b.count("objects").await, b.count("blobs").await), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn a_name_is_a_file_or_a_folder() {
    on_both_engines(async |cx| {
        let b = bench(cx).await;
        b.put("a/b", "x").await.unwrap();
        for path in ["a", "a/b/c", "a/b/c/d"] {
            assert_eq!(b.put(path, "y").await.unwrap_err().code, Code::InvalidArgument, "{path}");
        }
        b.put("a/bc", "y").await.unwrap();
        b.artifacts.sweep().await.unwrap();
        assert_eq!((b.files(), b.count("orphans").await), (2, 0));
        assert!(b.artifacts.delete("default", &at(""), true).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn writers_of_one_path_and_one_content_do_not_lose_count() {
    on_both_engines(async |cx| {
        let b = bench(cx).await;
        let texts = ["one", "two", "three"];
        let puts = (0..24).map(|n| b.put(["p", "q", "r"][n % 3], texts[n / 3 % 3]));
        for done in futures::future::join_all(puts).await {
            done.unwrap();
        }
        let rows =
            b.db.fetch_all("SELECT b.refs AS refs, (SELECT COUNT(*) FROM objects o WHERE o.sha256 = b.sha256) AS n FROM blobs b", args![])
                .await
                .unwrap();
        for row in rows {
            assert_eq!(row.get::<i64>("refs").unwrap(), row.get::<i64>("n").unwrap());
        }
        b.clock.advance(2 * GRACE);
        b.artifacts.sweep().await.unwrap();
        for path in ["p", "q", "r"] {
            assert!(texts.contains(&b.text(path).await.unwrap().as_str()));
        }
        assert_eq!(b.files() as i64, b.count("blobs").await);
    })
    .await;
}

#[tokio::test]
async fn every_write_is_told_with_it() {
    on_both_engines(async |cx| {
        let b = bench(cx).await;
        b.put("1/run/model/MLmodel", "flavors").await.unwrap();
        let row = b.db.fetch_one("SELECT topic, type, key, payload FROM outbox", args![]).await.unwrap();
        assert_eq!(row.get::<String>("topic").unwrap(), "artifact.artifacts");
        assert_eq!(row.get::<String>("key").unwrap(), "1/run/model/MLmodel");
        let event: ArtifactWritten = prost::Message::decode(row.get::<Vec<u8>>("payload").unwrap().as_slice()).unwrap();
        assert_eq!((event.size, event.workspace.as_str(), event.sha256.len()), (7, "default", 64));
    })
    .await;
}
