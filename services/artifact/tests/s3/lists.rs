//! Lists, and buckets.

use super::bench::{Bench, bytes, refusal, with_bench};
use aws_sdk_s3::types::EncodingType;

const KEYS: &[&str] = &["a", "a/1", "a/2", "a/b/3", "b", "c//x", "c/y", "ä/ü", "з/и", "\u{1F600}"];

async fn filled(bench: &Bench) -> aws_sdk_s3::Client {
    let client = bench.client("writer");
    for key in KEYS.iter().rev() {
        client.put_object().bucket("artel").key(*key).body(bytes(*key)).send().await.unwrap();
    }
    client
}

/// Keys, common prefixes with `…/*`, page by page.
async fn second(client: &aws_sdk_s3::Client, prefix: &str, delimiter: Option<&str>, most: i32) -> Vec<Vec<String>> {
    let (mut pages, mut token) = (Vec::new(), None);
    loop {
        let list = client.list_objects_v2().bucket("artel").prefix(prefix).set_delimiter(delimiter.map(Into::into)).max_keys(most);
        let page = list.set_continuation_token(token).send().await.unwrap();
        let mut names: Vec<String> = page.contents().iter().map(|o| o.key().unwrap().to_owned()).collect();
        names.extend(page.common_prefixes().iter().map(|p| format!("{}*", p.prefix().unwrap())));
        assert_eq!(page.key_count(), Some(names.len() as i32));
        names.sort();
        pages.push(names);
        token = page.next_continuation_token().map(Into::into);
        assert_eq!(page.is_truncated(), Some(token.is_some()));
        if token.is_none() {
            return pages;
        }
    }
}

#[actix_web::test]
async fn keys_come_in_the_order_of_their_bytes() {
    with_bench(async |bench: Bench| {
        let client = filled(&bench).await;
        assert_eq!(second(&client, "", None, 1000).await, [KEYS]);
        assert_eq!(second(&client, "", None, 3).await.concat(), KEYS);
        assert_eq!(second(&client, "a/", None, 1000).await, [["a/1", "a/2", "a/b/3"]]);
        assert_eq!(second(&client, "", Some("/"), 1000).await, [["a", "a/*", "b", "c/*", "ä/*", "з/*", "\u{1F600}"]]);
        for most in 1..5 {
            let pages = second(&client, "", Some("/"), most).await;
            assert!(pages.iter().all(|page| page.len() <= most as usize));
            assert_eq!(pages.concat(), ["a", "a/*", "b", "c/*", "ä/*", "з/*", "\u{1F600}"], "{most} at a time");
        }
        assert_eq!(second(&client, "a", Some("/"), 1000).await, [["a", "a/*"]]);
        assert_eq!(second(&client, "c/", Some("/"), 1).await, [["c//*"], ["c/y"]]);
        assert_eq!(second(&client, "", Some("/y"), 1000).await.concat().len(), KEYS.len());
        assert_eq!(second(&client, "nothing", Some("/"), 1000).await, [Vec::<String>::new()]);
        assert_eq!(second(&client, "", None, 0).await, [Vec::<String>::new()]);

        let list = client.list_objects_v2().bucket("artel").start_after("a/2").max_keys(2).send().await.unwrap();
        assert_eq!(list.contents().iter().filter_map(|o| o.key()).collect::<Vec<_>>(), ["a/b/3", "b"]);
        let first = &list.contents()[0];
        assert_eq!((first.size(), first.e_tag().map(str::len)), (Some(5), Some(34)));
        let wrong = client.list_objects_v2().bucket("artel").continuation_token("?").send().await;
        assert_eq!(refusal(wrong), ("InvalidArgument".into(), 400));
        let url = client.list_objects_v2().bucket("artel").prefix("з").encoding_type(EncodingType::Url).send().await.unwrap();
        assert_eq!(url.contents()[0].key(), Some("%D0%B7/%D0%B8"));
    })
    .await;
}

#[actix_web::test]
async fn the_first_version_goes_on_after_a_name() {
    with_bench(async |bench: Bench| {
        let client = filled(&bench).await;
        for most in 1..4 {
            let (mut names, mut marker) = (Vec::new(), None::<String>);
            loop {
                let page = client.list_objects().bucket("artel").delimiter("/").max_keys(most).set_marker(marker).send().await.unwrap();
                let mut page_names: Vec<String> = page.contents().iter().map(|o| o.key().unwrap().to_owned()).collect();
                page_names.extend(page.common_prefixes().iter().map(|p| p.prefix().unwrap().to_owned()));
                page_names.sort();
                names.extend(page_names);
                marker = page.next_marker().map(Into::into);
                if marker.is_none() {
                    break;
                }
            }
            assert_eq!(names, ["a", "a/", "b", "c/", "ä/", "з/", "\u{1F600}"], "{most} at a time");
        }
    })
    .await;
}

#[actix_web::test]
async fn buckets_are_made_listed_and_removed() {
    with_bench(async |bench: Bench| {
        let client = bench.client("writer");
        client.create_bucket().bucket("my-data").send().await.unwrap();
        assert_eq!(refusal(client.create_bucket().bucket("my-data").send().await), ("BucketAlreadyOwnedByYou".into(), 409));
        assert_eq!(refusal(client.create_bucket().bucket("No").send().await), ("InvalidBucketName".into(), 400));
        let listed = client.list_buckets().send().await.unwrap();
        assert_eq!(listed.buckets().iter().filter_map(|b| b.name()).collect::<Vec<_>>(), ["artel", "my-data"]);
        assert!(listed.buckets()[1].creation_date().is_some());
        client.head_bucket().bucket("my-data").send().await.unwrap();
        assert_eq!(refusal(client.head_bucket().bucket("none").send().await).1, 404);
        assert!(
            client
                .get_bucket_location()
                .bucket("my-data")
                .send()
                .await
                .unwrap()
                .location_constraint()
                .is_none_or(|l| l.as_str().is_empty())
        );
        assert!(client.get_bucket_versioning().bucket("my-data").send().await.unwrap().status().is_none());
        assert_eq!(refusal(client.get_bucket_policy().bucket("my-data").send().await), ("NoSuchBucketPolicy".into(), 404));
        assert_eq!(refusal(client.get_bucket_acl().bucket("my-data").send().await), ("NotImplemented".into(), 501));

        client.put_object().bucket("my-data").key("k").body(bytes("1")).send().await.unwrap();
        client.create_multipart_upload().bucket("my-data").key("begun").send().await.unwrap();
        assert_eq!(refusal(client.delete_bucket().bucket("my-data").send().await), ("BucketNotEmpty".into(), 409));
        client.delete_object().bucket("my-data").key("k").send().await.unwrap();
        client.delete_bucket().bucket("my-data").send().await.unwrap();
        assert_eq!(refusal(client.delete_bucket().bucket("my-data").send().await), ("NoSuchBucket".into(), 404));
    })
    .await;
}
