//! The client against a small HTTP server in this process: pages, absence, counting, and what is no AWS answer.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::proxy::ProxyConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::http::{client_through, time_limits};
use super::*;
use eksact_core::ports::CallErrorKind;
use eksact_core::ports::aws::{
    CallerIdentityReader, ChangeSetReader, ClusterReader, RoleReader, StackReader,
};

/// What the server answers to a request's form (or path): status, content type, body.
type Answer = (u16, &'static str, String);

const XML: &str = "text/xml";

/// Serves `answer` and keeps what was asked.
async fn serve(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let (answer, seen) = (Arc::new(answer), Arc::clone(&asked));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = stream.read_u8().await else { return };
                    head.push(byte);
                }
                let head = String::from_utf8(head).unwrap();
                let length = head
                    .lines()
                    .find_map(|line| {
                        line.to_ascii_lowercase()
                            .strip_prefix("content-length: ")?
                            .parse()
                            .ok()
                    })
                    .unwrap_or(0);
                let mut body = vec![0; length];
                stream.read_exact(&mut body).await.unwrap();
                let path = head.split(' ').nth(1).unwrap_or_default();
                let request = format!("{path}?{}", String::from_utf8(body).unwrap());
                let (status, content_type, text) = answer(&request);
                seen.lock().unwrap().push(request);
                let length = text.len();
                let head = format!(
                    "HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\
                     Connection: close\r\n\r\n"
                );
                stream.write_all((head + &text).as_bytes()).await.unwrap();
            });
        }
    });
    (url, asked)
}

fn client(url: &str) -> AwsClient {
    let credentials =
        SharedCredentialsProvider::new(Credentials::new("AKIAEXAMPLE", "s3cret", None, None, "test"));
    let configuration = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(client_through(ProxyConfig::disabled(), &TrustRoots::mozilla()))
        .region(Region::new("us-west-2"))
        .endpoint_url(url)
        .credentials_provider(credentials.clone())
        .timeout_config(time_limits())
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(3)
                .with_initial_backoff(Duration::from_millis(1)),
        )
        .sleep_impl(aws_smithy_sleep())
        .build();
    AwsClient::new(
        &configuration,
        "us-west-2",
        credentials,
        NonZeroUsize::new(2).unwrap(),
    )
}

/// The sleep of the SDK's own defaults, which a hand-made configuration does not have.
fn aws_smithy_sleep() -> aws_sdk_iam::config::SharedAsyncSleep {
    #[derive(Debug)]
    struct Sleep;
    impl aws_sdk_iam::config::AsyncSleep for Sleep {
        fn sleep(&self, duration: Duration) -> aws_sdk_iam::config::Sleep {
            aws_sdk_iam::config::Sleep::new(tokio::time::sleep(duration))
        }
    }
    aws_sdk_iam::config::SharedAsyncSleep::new(Sleep)
}

fn stacks_page(names: &[&str], next: Option<&str>) -> Answer {
    let members: Vec<_> = names
        .iter()
        .map(|name| {
            format!(
                "<member><StackName>{name}</StackName><StackId>arn:{name}</StackId>\
                 <StackStatus>CREATE_COMPLETE</StackStatus><CreationTime>2024-05-01T10:00:00.5Z</CreationTime>\
                 <Tags><member><Key>k</Key><Value>v</Value></member></Tags>\
                 <Outputs><member><OutputKey>Role1</OutputKey><OutputValue>arn:r</OutputValue></member></Outputs>\
                 </member>"
            )
        })
        .collect();
    let next = next
        .map(|next| format!("<NextToken>{next}</NextToken>"))
        .unwrap_or_default();
    let body = format!(
        "<DescribeStacksResponse><DescribeStacksResult><Stacks>{}</Stacks>{next}</DescribeStacksResult>\
         </DescribeStacksResponse>",
        members.concat()
    );
    (200, XML, body)
}

fn error(code: &str, message: &str, status: u16) -> Answer {
    let body = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
         <RequestId>1</RequestId></ErrorResponse>"
    );
    (status, XML, body)
}

#[tokio::test]
async fn stacks_are_read_to_the_last_page_with_the_marker_of_the_page_before() {
    let (url, asked) = serve(|request| match request {
        request if request.contains("NextToken=two") => stacks_page(&["c"], None),
        _ => stacks_page(&["a", "b"], Some("two")),
    })
    .await;
    let client = client(&url);
    let stacks = client.stacks().await.unwrap();
    assert_eq!(
        stacks.iter().map(|stack| stack.name.as_str()).collect::<Vec<_>>(),
        ["a", "b", "c"]
    );
    assert_eq!(stacks[0].outputs["Role1"], "arn:r");
    assert_eq!(stacks[0].tags["k"], "v");
    assert_eq!(stacks[0].created.unwrap().to_string(), "2024-05-01T10:00:00.5Z");
    assert_eq!(client.calls(), 2);
    assert_eq!(asked.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn repeated_marker_ends_the_list_with_an_error() {
    let (url, _) = serve(|_| stacks_page(&["a"], Some("again"))).await;
    let error = client(&url).stacks().await.unwrap_err();
    assert!(error.to_string().contains("same page marker twice"), "{error}");
}

#[tokio::test]
async fn list_fails_with_one_failed_page() {
    let (url, _) = serve(|request| match request {
        request if request.contains("NextToken=two") => error("AccessDenied", "no", 403),
        _ => stacks_page(&["a"], Some("two")),
    })
    .await;
    let failure = client(&url).stacks().await.unwrap_err();
    assert_eq!(
        failure.missing_permission().as_deref(),
        Some("cloudformation:DescribeStacks")
    );
}

#[tokio::test]
async fn change_set_is_read_to_its_last_page() {
    fn page(changes: &str, next: &str) -> Answer {
        let body = format!(
            "<DescribeChangeSetResponse><DescribeChangeSetResult><ChangeSetId>arn:c</ChangeSetId>\
             <Status>CREATE_COMPLETE</Status><ExecutionStatus>AVAILABLE</ExecutionStatus>\
             <Changes>{changes}</Changes>{next}</DescribeChangeSetResult></DescribeChangeSetResponse>"
        );
        (200, XML, body)
    }
    let (url, _) = serve(|request| match request {
        request if request.contains("NextToken=two") => page(
            "<member><Type>Resource</Type><ResourceChange><Action>Add</Action>\
             <LogicalResourceId>Policy2</LogicalResourceId><ResourceType>AWS::IAM::Policy</ResourceType>\
             </ResourceChange></member>",
            "",
        ),
        _ => page(
            "<member><Type>Resource</Type><ResourceChange><Action>Modify</Action>\
             <LogicalResourceId>Role1</LogicalResourceId><PhysicalResourceId>old</PhysicalResourceId>\
             <ResourceType>AWS::IAM::Role</ResourceType><Replacement>True</Replacement></ResourceChange></member>",
            "<NextToken>two</NextToken>",
        ),
    })
    .await;
    let change_set = client(&url).change_set("arn:c").await.unwrap();
    assert_eq!(change_set.status, "CREATE_COMPLETE");
    let told: Vec<_> = change_set
        .changes
        .iter()
        .map(|change| {
            (
                change.action.as_str(),
                change.logical_id.as_str(),
                change.physical_id.as_deref(),
                change.replacement.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("Modify", "Role1", Some("old"), Some("True")),
            ("Add", "Policy2", None, None)
        ]
    );
}

#[tokio::test]
async fn missing_stack_is_none() {
    let (url, _) = serve(|_| error("ValidationError", "Stack with id x does not exist", 400)).await;
    assert_eq!(client(&url).stack("x").await.unwrap(), None);
}

#[tokio::test]
async fn role_is_put_together_from_its_four_calls() {
    let (url, asked) = serve(|request| {
        let body = if request.contains("Action=GetRolePolicy") {
            "<GetRolePolicyResponse><GetRolePolicyResult><RoleName>app</RoleName><PolicyName>one</PolicyName>\
             <PolicyDocument>%7B%22Version%22%3A%222012-10-17%22%7D</PolicyDocument></GetRolePolicyResult>\
             </GetRolePolicyResponse>"
        } else if request.contains("Action=ListRolePolicies") {
            "<ListRolePoliciesResponse><ListRolePoliciesResult><PolicyNames><member>one</member></PolicyNames>\
             <IsTruncated>false</IsTruncated></ListRolePoliciesResult></ListRolePoliciesResponse>"
        } else if request.contains("Marker=more") {
            "<ListAttachedRolePoliciesResponse><ListAttachedRolePoliciesResult><AttachedPolicies><member>\
             <PolicyArn>arn:b</PolicyArn></member></AttachedPolicies><IsTruncated>false</IsTruncated>\
             </ListAttachedRolePoliciesResult></ListAttachedRolePoliciesResponse>"
        } else if request.contains("Action=ListAttachedRolePolicies") {
            "<ListAttachedRolePoliciesResponse><ListAttachedRolePoliciesResult><AttachedPolicies><member>\
             <PolicyArn>arn:a</PolicyArn></member></AttachedPolicies><IsTruncated>true</IsTruncated>\
             <Marker>more</Marker></ListAttachedRolePoliciesResult></ListAttachedRolePoliciesResponse>"
        } else {
            "<GetRoleResponse><GetRoleResult><Role><Path>/</Path><RoleName>app</RoleName><RoleId>AROA1</RoleId>\
             <Arn>arn:aws:iam::111122223333:role/app</Arn><CreateDate>2024-05-01T10:00:00Z</CreateDate>\
             <AssumeRolePolicyDocument>%7B%22Statement%22%3A%5B%5D%7D</AssumeRolePolicyDocument>\
             <PermissionsBoundary><PermissionsBoundaryType>Policy</PermissionsBoundaryType>\
             <PermissionsBoundaryArn>arn:boundary</PermissionsBoundaryArn></PermissionsBoundary>\
             </Role></GetRoleResult></GetRoleResponse>"
        };
        (200, XML, body.to_owned())
    })
    .await;
    let role = client(&url).role("app").await.unwrap().unwrap();
    assert_eq!(role.managed_policy_arns, ["arn:a", "arn:b"]);
    assert_eq!(
        role.inline_policies["one"],
        serde_json::json!({"Version": "2012-10-17"})
    );
    assert_eq!(role.trust_policy, serde_json::json!({"Statement": []}));
    assert_eq!(role.permissions_boundary.as_deref(), Some("arn:boundary"));
    assert_eq!(asked.lock().unwrap().len(), 5);
}

#[tokio::test]
async fn missing_role_is_none() {
    let (url, _) = serve(|_| error("NoSuchEntity", "The role with name x cannot be found.", 404)).await;
    assert_eq!(client(&url).role("x").await.unwrap(), None);
}

/// Three kinds: in the cloud, on an Outpost with an extended control plane's etcd, and local to an Outpost.
#[tokio::test]
async fn token_has_the_id_of_a_cluster_only_if_local_to_an_outpost() {
    const ID: &str = "2f2c7a4e-8d1c-4bd6-a1d0-5b4ab0f7a1e3";
    for (more, in_tokens) in [
        (String::new(), "edge"),
        (
            format!(
                r#","id":"{ID}","outpostConfig":{{"outpostArns":["o"],"controlPlaneInstanceType":"m5.large"}}"#
            ),
            ID,
        ),
        (
            format!(
                r#","id":"{ID}","outpostConfig":{{"outpostArns":["o"],"controlPlaneInstanceType":"m5.large","etcdInstanceType":"m5.large"}}"#
            ),
            "edge",
        ),
    ] {
        let (url, _) = serve(move |_| {
            let cluster = format!(
                r#"{{"cluster":{{"name":"edge","arn":"arn:aws:eks:us-west-2:111122223333:cluster/edge","status":"ACTIVE"{more}}}}}"#
            );
            (200, "application/json", cluster)
        })
        .await;
        assert_eq!(
            client(&url).cluster("edge").await.unwrap().name_in_tokens(),
            in_tokens
        );
    }
}

#[tokio::test]
async fn proxys_own_404_page_is_not_a_missing_object() {
    let (url, _) = serve(|_| (404, "text/html", "<html><body>Not Found</body></html>".to_owned())).await;
    let client = client(&url);
    for failure in [
        client.cluster("x").await.unwrap_err(),
        client.role("x").await.unwrap_err(),
        client.stack("x").await.unwrap_err(),
    ] {
        assert_eq!(failure.kind, CallErrorKind::Other, "{failure}");
        assert!(failure.to_string().contains("HTTP 404"), "{failure}");
        assert!(!failure.to_string().contains("s3cret"), "{failure}");
    }
}

#[tokio::test]
async fn throttling_is_retried_and_counts_as_one_call() {
    let attempts = std::sync::atomic::AtomicUsize::new(0);
    let (url, asked) = serve(move |_| {
        if attempts.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 2 {
            error("Throttling", "Rate exceeded", 400)
        } else {
            stacks_page(&["a"], None)
        }
    })
    .await;
    let client = client(&url);
    assert_eq!(client.stacks().await.unwrap().len(), 1);
    assert_eq!((client.calls(), asked.lock().unwrap().len()), (1, 3));
}

#[tokio::test]
async fn closed_port_fails_at_once_and_says_what_to_check() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let failure = client(&url).caller_identity().await.unwrap_err();
    assert_eq!(failure.kind, CallErrorKind::Unreachable);
    let text = failure.to_string();
    assert!(text.contains("refused") && text.contains("HTTPS_PROXY"), "{text}");
}
