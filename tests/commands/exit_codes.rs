//! The table of exit codes in the help: every code is reached by a command.

use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
};

use eksact::cli::ExitCode;

use crate::commands::place::{Ended, Place, READ_ONLY};

#[test]
fn exit_codes_are_all_reached() {
    let place = Place::quickstart();
    place.edit("quickstart", |world| world.any_policy = false);
    let account = |name: &str, more: &str| {
        format!("{{metadata: {{name: {name}, namespace: app}}, attachPolicyARNs: [{READ_ONLY}]{more}}}")
    };
    place.write_accounts(
        "partial.yaml",
        &[
            &account("fine", ""),
            &account(
                "bounded",
                ", permissionsBoundary: 'arn:aws:iam::111122223333:policy/not-there'",
            ),
        ],
    );
    place.write("broken.yaml", "iam: 7\n");
    let plan = ["plan", "-f", "quickstart.yaml", "--detailed-exitcode"];
    let delete_provider = ["delete", "iam-oidc-provider", "--cluster", "quickstart", "--yes"];
    let story: [(&[&str], ExitCode); 9] = [
        (&plan, ExitCode::Changes),
        (&["apply", "-f", "quickstart.yaml"], ExitCode::NotApproved),
        (&["apply", "-f", "quickstart.yaml", "--yes"], ExitCode::Success),
        (&plan, ExitCode::Success),
        (&delete_provider, ExitCode::Refused),
        (&["apply", "-f", "partial.yaml", "--yes"], ExitCode::Partial),
        (
            &[
                "update",
                "iamserviceaccount",
                "--cluster",
                "quickstart",
                "--name",
                "gone",
                "--tags",
                "a=b",
                "--yes",
            ],
            ExitCode::Error,
        ),
        (&["plan", "-f", "broken.yaml"], ExitCode::Configuration),
        (&["plan", "-f"], ExitCode::Usage),
    ];
    let mut reached = BTreeSet::new();
    for (arguments, code) in story {
        let ended = place.run(arguments);
        assert_eq!(
            ended.code,
            i32::from(code.code()),
            "{arguments:?}\n{}",
            ended.stderr
        );
        reached.insert(code.code());
    }
    place.edit("quickstart", |world| {
        let cluster = world.clusters.values_mut().next().unwrap();
        cluster.service_accounts.remove("app/report-reader");
    });
    let drift = place.run(&["plan", "-f", "quickstart.yaml", "--drift-only"]);
    assert_eq!(drift.code, i32::from(ExitCode::Drift.code()), "{}", drift.stderr);
    reached.insert(ExitCode::Drift.code());
    // `Interrupted` is reached in `terminal`; `Stale` beside the flow, where the world can be moved in time.
    reached.extend([ExitCode::Interrupted.code(), ExitCode::Stale.code()]);
    assert_eq!(reached, ExitCode::ALL.into_iter().map(ExitCode::code).collect());
}

/// An AWS that has no cluster: every call about one is answered as EKS answers, every other with an empty list.
#[test]
fn missing_cluster_is_an_error_and_no_empty_list() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || {
                let mut stream = stream.unwrap();
                let mut request = [0; 16384];
                let read = stream.read(&mut request).unwrap();
                let (status, kind, body) = if request[..read].starts_with(b"GET /clusters") {
                    (
                        "404 Not Found",
                        "x-amzn-errortype: ResourceNotFoundException\r\n",
                        r#"{"message":"No cluster found for name: nosuch."}"#,
                    )
                } else {
                    (
                        "200 OK",
                        "",
                        "<DescribeStacksResponse><DescribeStacksResult><Stacks/></DescribeStacksResult></DescribeStacksResponse>",
                    )
                };
                let answer = format!(
                    "HTTP/1.1 {status}\r\n{kind}content-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                stream.write_all(answer.as_bytes()).unwrap();
            });
        }
    });
    let place = Place::quickstart();
    let named = ["--cluster", "nosuch", "--region", "eu-west-1"];
    for arguments in [
        [&["get", "iamserviceaccount"], named.as_slice()].concat(),
        [
            &["delete", "iamserviceaccount", "--name", "x", "--yes"],
            named.as_slice(),
        ]
        .concat(),
        vec!["plan", "-f", "quickstart.yaml"],
    ] {
        let output = place
            .command(&arguments)
            .env_remove("EKSACT_SANDBOX")
            .env("AWS_ENDPOINT_URL", &endpoint)
            .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "example")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .output()
            .unwrap();
        let ended = Ended::of(output);
        assert_eq!(ended.code, 1, "{arguments:?}\n{}", ended.stderr);
        assert!(
            ended.stderr.starts_with("error: there is no cluster "),
            "{arguments:?}\n{}",
            ended.stderr
        );
    }
}
