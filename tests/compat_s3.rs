//! The published clients of S3 against Artel's endpoint: boto3, DVC, and MLflow with `s3://` artifacts. The scripts assert
//! their results; what they say of times is printed with `--nocapture`.

mod harness;

use harness::{Client, Installation, Shape, project, python_of, run_program};
use std::path::PathBuf;

/// An environment variable and its value.
type Variable = (&'static str, String);

async fn clients() -> PathBuf {
    python_of("tests/compat/s3/requirements.txt").await
}

/// What a client is told: where the server is, and with which key.
struct Access {
    token_id: String,
    variables: Vec<Variable>,
}

impl Access {
    async fn of(artel: &Installation, admin: &Client) -> Self {
        let made = admin.post("/hub/api/users/admin/tokens", serde_json::json!({"note": "s3"})).await;
        let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
        let variables = vec![
            ("AWS_ACCESS_KEY_ID", text(&made["s3"]["access_key_id"])),
            ("AWS_SECRET_ACCESS_KEY", text(&made["s3"]["secret_access_key"])),
            ("AWS_ENDPOINT_URL_S3", format!("{}/s3", artel.url)),
            ("MLFLOW_S3_ENDPOINT_URL", format!("{}/s3", artel.url)),
            ("AWS_DEFAULT_REGION", "us-east-1".into()),
            ("AWS_EC2_METADATA_DISABLED", "true".into()),
            ("MLFLOW_TRACKING_URI", artel.url.clone()),
            ("MLFLOW_TRACKING_TOKEN", text(&made["token"])),
            ("BUCKET", "artel".into()),
            ("SIGNATURES_COUNT", "1".into()),
            ("LARGE_MIB", if std::env::var_os("ARTEL_TEST_LONG").is_some() { "2048" } else { "200" }.into()),
        ];
        Self { token_id: text(&made["id"]), variables }
    }

    async fn run(&self, args: &[&str]) -> String {
        let variables: Vec<(&str, &str)> = self.variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        run_program(&clients().await, args, &variables).await
    }

    async fn script(&self, name: &str, last: &str) {
        let printed = self.run(&[project("tests/compat").join(name).to_str().unwrap()]).await;
        println!("{printed}");
        assert!(printed.contains(last), "{printed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_holds_and_a_revoked_key_does_not() {
    for shape in [Shape::Single, Shape::Split] {
        let Some(artel) = Installation::start(shape).await else { return };
        let admin = artel.admin().await;
        let access = Access::of(&artel, &admin).await;
        access.script("s3/boto3_session.py", "boto3: all held").await;
        let url = format!("/hub/api/users/admin/tokens/{}", access.token_id);
        assert_eq!(admin.send(admin.request(reqwest::Method::DELETE, &url)).await.0, 204);
        access.run(&["-c", REVOKED]).await;
    }
}

/// Asks until the key is refused, at most a quarter of a minute.
const REVOKED: &str = "
import boto3, botocore.exceptions, time
for _ in range(75):
    try:
        boto3.client('s3').list_buckets()
    except botocore.exceptions.ClientError as error:
        assert error.response['Error']['Code'] == 'InvalidAccessKeyId', error
        break
    time.sleep(0.2)
else:
    raise AssertionError('the key of a revoked token is still good')
";

#[tokio::test(flavor = "multi_thread")]
async fn mlflow_keeps_artifacts_in_a_bucket() {
    let artel = Installation::start(Shape::Single).await.expect("the single shape needs no servers");
    Access::of(&artel, &artel.admin().await).await.script("s3/mlflow_s3.py", "mlflow on s3: all held").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dvc_keeps_its_cache_in_a_bucket() {
    let artel = Installation::start(Shape::Single).await.expect("the single shape needs no servers");
    Access::of(&artel, &artel.admin().await).await.script("dvc/s3_remote.py", "dvc on s3: all held").await;
}
