//! Objects: written, read, copied, deleted.

use super::bench::{Bench, bytes, refusal, with_bench};
use aws_sdk_s3::Client;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, Delete, MetadataDirective, ObjectIdentifier};

const BUCKET: &str = "artel";

async fn text(client: &Client, key: &str) -> String {
    let got = client.get_object().bucket(BUCKET).key(key).send().await.unwrap();
    String::from_utf8(got.body.collect().await.unwrap().to_vec()).unwrap()
}

async fn put(client: &Client, key: &str, data: &str) {
    client.put_object().bucket(BUCKET).key(key).body(bytes(data)).send().await.unwrap();
}

#[actix_web::test]
async fn an_object_comes_back_as_it_was_written() {
    with_bench(async |bench: Bench| {
        let client = bench.client("writer");
        let key = "папка/a b+c%25/../../x//ü?&=#.txt";
        let put =
            client.put_object().bucket(BUCKET).key(key).content_type("text/x-odd").cache_control("no-store").metadata("colour", "dark red");
        let put = put.body(bytes("0123456789")).send().await.unwrap();
        assert_eq!(put.e_tag(), Some("\"781e5e245d69b566979b86e28d23f2c7\""));
        let head = client.head_object().bucket(BUCKET).key(key).send().await.unwrap();
        assert_eq!((head.content_length(), head.content_type(), head.cache_control()), (Some(10), Some("text/x-odd"), Some("no-store")));
        assert_eq!(head.metadata().unwrap()["colour"], "dark red");
        assert_eq!(head.e_tag(), put.e_tag());
        // the SDK compares the checksum that the server kept with what it reads
        let got = client.get_object().bucket(BUCKET).key(key).checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
        assert!(got.checksum_crc32().is_some());
        assert_eq!(&got.body.collect().await.unwrap().to_vec(), b"0123456789");
        for (range, expected, place) in
            [("bytes=2-4", "234", "bytes 2-4/10"), ("bytes=-3", "789", "bytes 7-9/10"), ("bytes=0-", "0123456789", "bytes 0-9/10")]
        {
            let got = client.get_object().bucket(BUCKET).key(key).range(range).send().await.unwrap();
            assert_eq!(got.content_range(), Some(place));
            assert_eq!(got.body.collect().await.unwrap().to_vec(), expected.as_bytes());
        }
        let outside = client.get_object().bucket(BUCKET).key(key).range("bytes=10-").send().await;
        assert_eq!(refusal(outside), ("InvalidRange".into(), 416));
        let other = client.get_object().bucket(BUCKET).key(key).response_content_type("text/html").send().await.unwrap();
        assert_eq!(other.content_type(), Some("text/html"));
        let empty = client.put_object().bucket(BUCKET).key("empty").send().await.unwrap();
        assert_eq!(empty.e_tag(), Some("\"d41d8cd98f00b204e9800998ecf8427e\""));
        assert_eq!(text(&client, "empty").await, "");
        assert_eq!(refusal(client.get_object().bucket(BUCKET).key("none").send().await), ("NoSuchKey".into(), 404));
        assert_eq!(refusal(client.head_object().bucket(BUCKET).key("none").send().await).1, 404);
        assert_eq!(refusal(client.get_object().bucket("none").key("none").send().await), ("NoSuchBucket".into(), 404));
    })
    .await;
}

#[actix_web::test]
async fn folders_and_files_do_not_stand_in_each_others_way() {
    with_bench(async |bench: Bench| {
        let client = bench.client("writer");
        for key in ["a", "a/", "a/b", "a/b/c", "/a", "//", ".", "../a"] {
            put(&client, key, key).await;
        }
        for key in ["a", "a/", "a/b", "a/b/c", "/a", "//", ".", "../a"] {
            assert_eq!(text(&client, key).await, key);
        }
    })
    .await;
}

#[actix_web::test]
async fn bytes_are_what_was_announced_or_nothing_is_seen() {
    with_bench(async |bench: Bench| {
        let client = bench.client("writer");
        let md5 = "CY9rzUYh03PK3k6DJie09g=="; // of "test"
        let put = |key: &str| client.put_object().bucket(BUCKET).key(key);
        put("md5").content_md5(md5).body(bytes("test")).send().await.unwrap();
        assert_eq!(refusal(put("x").content_md5(md5).body(bytes("tess")).send().await), ("BadDigest".into(), 400));
        assert_eq!(refusal(put("x").content_md5("odd").body(bytes("test")).send().await), ("InvalidDigest".into(), 400));
        assert_eq!(refusal(put("x").checksum_sha256("AAAA").body(bytes("test")).send().await), ("BadDigest".into(), 400));
        assert_eq!(refusal(put("x").checksum_crc32_c("AAAAAA==").body(bytes("test")).send().await), ("BadDigest".into(), 400));
        assert_eq!(refusal(client.get_object().bucket(BUCKET).key("x").send().await), ("NoSuchKey".into(), 404));
        bench.until_files(1).await;
        for (algorithm, expected) in [
            (ChecksumAlgorithm::Crc32, "2H9+DA=="),
            (ChecksumAlgorithm::Crc32C, "hqBywA=="),
            (ChecksumAlgorithm::Sha1, "qUqP5cyxm6YcTAhz05Hph5gvu9M="),
            (ChecksumAlgorithm::Sha256, "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="),
        ] {
            let done = put("sum").checksum_algorithm(algorithm.clone()).body(bytes("test")).send().await.unwrap();
            let all = [done.checksum_crc32(), done.checksum_crc32_c(), done.checksum_sha1(), done.checksum_sha256()];
            assert_eq!(all.into_iter().flatten().collect::<Vec<_>>(), [expected], "{algorithm}");
            let head = client.head_object().bucket(BUCKET).key("sum").checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
            let all = [head.checksum_crc32(), head.checksum_crc32_c(), head.checksum_sha1(), head.checksum_sha256()];
            assert_eq!(all.into_iter().flatten().collect::<Vec<_>>(), [expected], "{algorithm}");
        }
    })
    .await;
}

#[actix_web::test]
async fn conditions_of_readers_and_writers() {
    with_bench(async |bench: Bench| {
        let client = bench.client("writer");
        let put = || client.put_object().bucket(BUCKET).key("k");
        let get = || client.get_object().bucket(BUCKET).key("k");
        assert_eq!(refusal(put().if_match("\"x\"").body(bytes("0")).send().await), ("NoSuchKey".into(), 404));
        let tag = put().if_none_match("*").body(bytes("1")).send().await.unwrap().e_tag().unwrap().to_owned();
        assert_eq!(refusal(put().if_none_match("*").body(bytes("2")).send().await), ("PreconditionFailed".into(), 412));
        assert_eq!(refusal(put().if_match("\"x\"").body(bytes("2")).send().await), ("PreconditionFailed".into(), 412));
        assert_eq!(text(&client, "k").await, "1");
        put().if_match(&tag).body(bytes("2")).send().await.unwrap();
        assert_eq!(text(&client, "k").await, "2");
        assert_eq!(refusal(get().if_match(&tag).send().await), ("PreconditionFailed".into(), 412));
        assert!(get().if_none_match(&tag).send().await.is_ok());
        let now = client.head_object().bucket(BUCKET).key("k").send().await.unwrap();
        assert_eq!(refusal(get().if_none_match(now.e_tag().unwrap()).send().await).1, 304);
        assert_eq!(refusal(get().if_modified_since(*now.last_modified().unwrap()).send().await).1, 304);

        // of many writers at once, one makes the key
        let race = (0..8).map(|i| client.put_object().bucket(BUCKET).key("race").if_none_match("*").body(bytes(i.to_string())).send());
        let won = futures::future::join_all(race).await.into_iter().filter(Result::is_ok).count();
        assert_eq!(won, 1);
    })
    .await;
}

#[actix_web::test]
async fn copies_share_their_bytes_and_outlive_the_source() {
    with_bench(async |bench: Bench| {
        let client = bench.client("writer");
        let from = "from / ü+";
        client.put_object().bucket(BUCKET).key(from).content_type("text/a").metadata("m", "1").body(bytes("copied")).send().await.unwrap();
        let source = format!("{BUCKET}/from%20/%20%C3%BC%2B");
        let copy = |to: &str| client.copy_object().bucket(BUCKET).key(to).copy_source(&source);
        let done = copy("to").send().await.unwrap();
        assert!(done.copy_object_result().unwrap().e_tag().is_some());
        copy("new").metadata_directive(MetadataDirective::Replace).content_type("text/b").send().await.unwrap();
        assert_eq!(bench.files(), 1);
        assert_eq!(refusal(copy(from).send().await), ("InvalidRequest".into(), 400));
        assert_eq!(refusal(copy("x").copy_source_if_match("\"no\"").send().await), ("PreconditionFailed".into(), 412));
        assert_eq!(refusal(client.copy_object().bucket(BUCKET).key("x").copy_source("artel/none").send().await), ("NoSuchKey".into(), 404));

        client.delete_object().bucket(BUCKET).key(from).send().await.unwrap();
        client.delete_object().bucket(BUCKET).key(from).send().await.expect("it is fine when there is none");
        let (to, new) = (
            client.head_object().bucket(BUCKET).key("to").send().await.unwrap(),
            client.head_object().bucket(BUCKET).key("new").send().await.unwrap(),
        );
        assert_eq!((to.content_type(), to.metadata().unwrap().len()), (Some("text/a"), 1));
        assert_eq!((new.content_type(), new.metadata().unwrap().len()), (Some("text/b"), 0));
        bench.after(2, 1).await;
        assert_eq!(text(&client, "to").await, "copied");

        let keys = ["to", "new", "none"].map(|key| ObjectIdentifier::builder().key(key).build().unwrap());
        let delete = Delete::builder().set_objects(Some(keys.to_vec())).build().unwrap();
        let deleted = client.delete_objects().bucket(BUCKET).delete(delete).send().await.unwrap();
        assert_eq!((deleted.deleted().len(), deleted.errors().len()), (3, 0));
        assert_eq!(bench.files(), 2, "readers under way finish");
        bench.after(2, 0).await;
    })
    .await;
}
