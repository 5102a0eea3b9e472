//! Multipart uploads.

use super::bench::{Bench, bytes, refusal, with_bench};
use aws_sdk_s3::Client;
use aws_sdk_s3::operation::complete_multipart_upload::{CompleteMultipartUploadError, CompleteMultipartUploadOutput};
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedMultipartUpload, CompletedPart};

const BUCKET: &str = "artel";
const PART: usize = 5 * 1024 * 1024;

type Completed = Result<CompleteMultipartUploadOutput, aws_sdk_s3::error::SdkError<CompleteMultipartUploadError>>;

/// Bytes that differ from each other and from those of another `seed`.
fn data(seed: usize, size: usize) -> Vec<u8> {
    (0..size).map(|i| (i * 31 + i / 251 + seed * 7) as u8).collect()
}

async fn begin(client: &Client, key: &str) -> String {
    let begun = client.create_multipart_upload().bucket(BUCKET).key(key).content_type("text/x").metadata("m", "1").send().await.unwrap();
    begun.upload_id().unwrap().to_owned()
}

async fn part(client: &Client, key: &str, id: &str, number: i32, data: Vec<u8>) -> CompletedPart {
    let done = client.upload_part().bucket(BUCKET).key(key).upload_id(id).part_number(number).body(bytes(data)).send().await.unwrap();
    CompletedPart::builder().part_number(number).e_tag(done.e_tag().unwrap()).build()
}

async fn complete(client: &Client, key: &str, id: &str, parts: &[CompletedPart]) -> Completed {
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.to_vec())).build();
    client.complete_multipart_upload().bucket(BUCKET).key(key).upload_id(id).multipart_upload(parts).send().await
}

#[actix_web::test]
async fn parts_in_any_order_make_one_object() {
    with_bench(async |bench: Bench| {
        let client = bench.client("writer");
        let id = begin(&client, "k").await;
        let three = part(&client, "k", &id, 30, data(3, 1000)).await;
        part(&client, "k", &id, 2, data(9, 10)).await; // written again below
        let (one, two) = (part(&client, "k", &id, 1, data(1, PART)).await, part(&client, "k", &id, 2, data(2, PART + 1)).await);
        part(&client, "k", &id, 31, data(4, 500)).await; // not listed at the end
        assert_eq!(refusal(client.head_object().bucket(BUCKET).key("k").send().await).1, 404);

        let listed = client.list_parts().bucket(BUCKET).key("k").upload_id(&id).max_parts(2).send().await.unwrap();
        assert_eq!(listed.parts().iter().filter_map(|p| p.part_number()).collect::<Vec<_>>(), [1, 2]);
        assert_eq!((listed.is_truncated(), listed.next_part_number_marker()), (Some(true), Some("2")));
        let rest = client.list_parts().bucket(BUCKET).key("k").upload_id(&id).part_number_marker("2").send().await.unwrap();
        assert_eq!(rest.parts().iter().filter_map(|p| p.size()).collect::<Vec<_>>(), [1000, 500]);

        let done = complete(&client, "k", &id, &[one.clone(), two, three]).await.unwrap();
        assert!(done.e_tag().unwrap().ends_with("-3\""));
        let again = complete(&client, "k", &id, &[one]).await.expect("asked again it says the same");
        assert_eq!(again.e_tag(), done.e_tag());
        bench.until_files(3 + 2).await; // the two that were let go stay for the grace time

        let whole = [data(1, PART), data(2, PART + 1), data(3, 1000)].concat();
        let got = client.get_object().bucket(BUCKET).key("k").send().await.unwrap();
        assert_eq!((got.content_type(), got.metadata().unwrap()["m"].as_str()), (Some("text/x"), "1"));
        assert!(got.body.collect().await.unwrap().to_vec() == whole);
        let (from, to) = (PART - 3, 2 * PART + 5);
        let got = client.get_object().bucket(BUCKET).key("k").range(format!("bytes={from}-{to}")).send().await.unwrap();
        assert!(got.body.collect().await.unwrap().to_vec() == whole[from..=to]);
        let second = client.get_object().bucket(BUCKET).key("k").part_number(2).send().await.unwrap();
        assert_eq!((second.parts_count(), second.content_length()), (Some(3), Some(PART as i64 + 1)));
        assert!(second.body.collect().await.unwrap().to_vec() == data(2, PART + 1));
    })
    .await;
}

#[actix_web::test]
async fn what_does_not_fit_together_is_refused() {
    with_bench(async |bench: Bench| {
        let client = bench.client("writer");
        let id = begin(&client, "k").await;
        let (one, two) = (part(&client, "k", &id, 1, data(1, 100)).await, part(&client, "k", &id, 2, data(2, 100)).await);
        assert_eq!(refusal(complete(&client, "k", &id, &[one.clone(), two.clone()]).await), ("EntityTooSmall".into(), 400));
        assert_eq!(refusal(complete(&client, "k", &id, &[two.clone(), one.clone()]).await), ("InvalidPartOrder".into(), 400));
        assert_eq!(refusal(complete(&client, "k", &id, &[]).await), ("MalformedXML".into(), 400));
        let odd = CompletedPart::builder().part_number(1).e_tag(two.e_tag().unwrap()).build();
        assert_eq!(refusal(complete(&client, "k", &id, &[odd]).await), ("InvalidPart".into(), 400));
        let none = CompletedPart::builder().part_number(9).e_tag("\"x\"").build();
        assert_eq!(refusal(complete(&client, "k", &id, &[none]).await), ("InvalidPart".into(), 400));
        assert_eq!(refusal(complete(&client, "other", &id, std::slice::from_ref(&one)).await), ("NoSuchUpload".into(), 404));
        let zero = client.upload_part().bucket(BUCKET).key("k").upload_id(&id).part_number(0).body(bytes("x")).send().await;
        assert_eq!(refusal(zero), ("InvalidArgument".into(), 400));
        complete(&client, "k", &id, &[one]).await.expect("the last part may be small");
        let late = client.upload_part().bucket(BUCKET).key("k").upload_id(&id).part_number(2).body(bytes("x")).send().await;
        assert_eq!(refusal(late), ("NoSuchUpload".into(), 404));
    })
    .await;
}

#[actix_web::test]
async fn uploads_are_listed_and_given_up() {
    with_bench(async |bench: Bench| {
        let client = bench.client("writer");
        let (b, a, a2) = (begin(&client, "b").await, begin(&client, "a").await, begin(&client, "a").await);
        part(&client, "a", &a, 1, data(1, 50)).await;
        part(&client, "b", &b, 1, data(2, 50)).await;
        let (mut seen, mut key, mut id) = (Vec::new(), None, None);
        loop {
            let list = client.list_multipart_uploads().bucket(BUCKET).max_uploads(1).set_key_marker(key).set_upload_id_marker(id);
            let page = list.send().await.unwrap();
            seen.extend(page.uploads().iter().map(|u| u.upload_id().unwrap().to_owned()));
            (key, id) = (page.next_key_marker().map(Into::into), page.next_upload_id_marker().map(Into::into));
            if key.is_none() {
                break;
            }
        }
        assert_eq!(seen, [a.clone(), a2.clone(), b.clone()]);

        client.abort_multipart_upload().bucket(BUCKET).key("a").upload_id(&a).send().await.unwrap();
        let again = client.abort_multipart_upload().bucket(BUCKET).key("a").upload_id(&a).send().await;
        assert_eq!(refusal(again), ("NoSuchUpload".into(), 404));
        assert_eq!(client.list_multipart_uploads().bucket(BUCKET).prefix("a").send().await.unwrap().uploads().len(), 1);
    })
    .await;
}

#[actix_web::test]
async fn a_part_may_be_copied() {
    with_bench(async |bench: Bench| {
        let client = bench.client("writer");
        let source = data(5, PART + 100);
        client.put_object().bucket(BUCKET).key("source").body(bytes(source.clone())).send().await.unwrap();
        let id = begin(&client, "k").await;
        let copy = |number: i32, range: &str| {
            client
                .upload_part_copy()
                .bucket(BUCKET)
                .key("k")
                .upload_id(&id)
                .part_number(number)
                .copy_source("artel/source")
                .copy_source_range(range)
        };
        assert_eq!(refusal(copy(1, &format!("bytes=0-{}", PART + 100)).send().await), ("InvalidArgument".into(), 400));
        let mut parts = Vec::new();
        for (number, range) in [(1, format!("bytes=100-{}", PART + 99)), (2, "bytes=0-99".into())] {
            let done = copy(number, &range).send().await.unwrap();
            let tag = done.copy_part_result().unwrap().e_tag().unwrap().to_owned();
            parts.push(CompletedPart::builder().part_number(number).e_tag(tag).build());
        }
        complete(&client, "k", &id, &parts).await.unwrap();
        let got = client.get_object().bucket(BUCKET).key("k").send().await.unwrap().body.collect().await.unwrap().to_vec();
        assert!(got == [&source[100..], &source[..100]].concat());
    })
    .await;
}

#[actix_web::test]
async fn checksums_of_parts_become_the_objects() {
    with_bench(async |bench: Bench| {
        let client = bench.client("writer");
        for (algorithm, kind) in [
            (ChecksumAlgorithm::Crc32, ChecksumType::FullObject),
            (ChecksumAlgorithm::Crc32, ChecksumType::Composite),
            (ChecksumAlgorithm::Crc64Nvme, ChecksumType::FullObject),
        ] {
            let begin =
                client.create_multipart_upload().bucket(BUCKET).key("k").checksum_algorithm(algorithm.clone()).checksum_type(kind.clone());
            let begun = begin.send().await.unwrap();
            assert_eq!((begun.checksum_algorithm(), begun.checksum_type()), (Some(&algorithm), Some(&kind)));
            let id = begun.upload_id().unwrap();
            let mut parts = Vec::new();
            for (number, data) in [(1, data(1, PART)), (2, data(2, 77))] {
                let send =
                    client.upload_part().bucket(BUCKET).key("k").upload_id(id).part_number(number).checksum_algorithm(algorithm.clone());
                let done = send.body(bytes(data)).send().await.unwrap();
                parts.push(
                    CompletedPart::builder()
                        .part_number(number)
                        .e_tag(done.e_tag().unwrap())
                        .set_checksum_crc32(done.checksum_crc32().map(Into::into))
                        .build(),
                );
            }
            let done = complete(&client, "k", id, &parts).await.unwrap();
            assert_eq!(done.checksum_type(), Some(&kind));
            assert_eq!(done.checksum_crc32().or(done.checksum_crc64_nvme()).unwrap().ends_with("-2"), kind == ChecksumType::Composite);
            // of a full object's the SDK checks it while it reads
            let got = client.get_object().bucket(BUCKET).key("k").checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
            assert!(got.body.collect().await.unwrap().to_vec() == [data(1, PART), data(2, 77)].concat());
        }
        let hash = client
            .create_multipart_upload()
            .bucket(BUCKET)
            .key("k")
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .checksum_type(ChecksumType::FullObject);
        assert_eq!(refusal(hash.send().await), ("InvalidRequest".into(), 400));
    })
    .await;
}

#[actix_web::test]
async fn the_sweep_gives_up_what_nobody_continues() {
    with_bench(async |bench: Bench| {
        let client = bench.client("writer");
        let id = begin(&client, "k").await;
        part(&client, "k", &id, 1, data(1, 50)).await;
        assert_eq!(bench.files(), 1);
        bench.after(23, 1).await;
        // given up after a day without a part, and its bytes after their grace time
        bench.after(25, 0).await;
        let late = client.list_parts().bucket(BUCKET).key("k").upload_id(&id).send().await;
        assert_eq!(refusal(late), ("NoSuchUpload".into(), 404));
    })
    .await;
}
