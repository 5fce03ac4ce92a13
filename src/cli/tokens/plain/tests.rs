use std::ffi::OsString;

use clap::CommandFactory as _;
use eksact_core::kubeconfig::{ExecApiVersion, ExecEntry, ExecTool, SignIn};
use proptest::prelude::*;

use super::{VARIABLES, read};
use crate::cli::{Cli, Command, parse_by_clap};

fn line(words: &[&str]) -> Vec<OsString> {
    let start = ["eksact", "token"];
    start.iter().chain(words).map(OsString::from).collect()
}

/// What both make of a line; none where this one leaves it to clap.
fn both(words: &[&str]) -> Option<(String, String)> {
    let words = line(words);
    let (global, command) = read(&words, |_| false)?;
    let by_clap = parse_by_clap(&words).ok()?;
    let command = Command::Token(command);
    Some((format!("{:?}", Cli { global, command }), format!("{by_clap:?}")))
}

#[test]
fn plain_line_is_that_of_kubeconfigs() {
    for tool in [ExecTool::Eksact, ExecTool::AwsIamAuthenticator] {
        let sign_in = SignIn {
            cluster: "prod".to_owned(),
            region: Some("eu-west-1".to_owned()),
            profile: Some("dev".to_owned()),
            role_arn: Some("arn:aws:iam::111122223333:role/dev".to_owned()),
        };
        let entry = ExecEntry::new(tool, "eksact".to_owned(), &sign_in, ExecApiVersion::V1);
        let words: Vec<&str> = entry.arguments[1..].iter().map(String::as_str).collect();
        let (plain, by_clap) = both(&words).unwrap();
        assert_eq!(plain, by_clap, "{words:?}");
    }
}

#[test]
fn plain_line_leaves_to_clap_what_is_not_plain() {
    for words in [
        &[][..],
        &["--cluster"],
        &["--cluster="],
        &["--cluster", " "],
        &["--cluster", "-x"],
        &["-c", "a", "-c", "b"],
        &["-c", "a", "--region", "eu-west-1a"],
        &["-c", "a", "--no-cache=false"],
        &["-c", "a", "--output", "yaml"],
        &["-c", "a", "-v"],
        &["-c", "a", "--sandbox"],
        &["-c", "a", "--", "b"],
        &["-c", "a", "b"],
        &["-c", "a", "--help"],
    ] {
        assert!(read(&line(words), |_| false).is_none(), "{words:?}");
    }
    assert!(read(&line(&["-c", "a"]), |_| false).is_some());
}

#[test]
fn plain_line_is_left_to_clap_where_a_variable_stands_for_a_flag() {
    let root = Cli::command();
    let token = root.find_subcommand("token").unwrap();
    let of_clap = root.get_arguments().chain(token.get_arguments());
    let mut named: Vec<&str> = of_clap
        .filter_map(|argument| argument.get_env()?.to_str())
        .collect();
    named.sort_unstable();
    assert_eq!(named, VARIABLES);
    for variable in VARIABLES {
        assert!(read(&line(&["-c", "a"]), |name| name == variable).is_none());
    }
}

/// Words of a line: mostly what is plain, and now and then what is not.
fn words() -> impl Strategy<Value = Vec<&'static str>> {
    let plain = proptest::sample::select(vec![
        &["-c", "prod"][..],
        &["-i", "prod"],
        &["--cluster-name", "prod"],
        &["--cluster-id=prod"],
        &["-cprod"],
        &["-c=prod"],
        &["--region", "eu-west-1"],
        &["--region=eu-west-1"],
        &["-p", "dev"],
        &["--profile=a b"],
        &["-r", "arn:aws:iam::111122223333:role/dev"],
        &["--role=a=b"],
        &["-rp=x"],
        &["-e", "é"],
        &["--external-id", "="],
        &["-s", "me"],
        &["--session-name=me"],
        &["--forward-session-name"],
        &["--use-fips-endpoint"],
        &["--use-dualstack-endpoint"],
        &["--no-cache"],
        &["--cache"],
        &["--token-only"],
        &["--output", "json"],
        &["--output=json"],
    ]);
    let other = proptest::sample::select(vec![
        &[""][..],
        &[" "],
        &["-"],
        &["--"],
        &["prod"],
        &["-c"],
        &["-c="],
        &["--cluster==x"],
        &["--region="],
        &["--profile=-x"],
        &["--profile", "-x"],
        &["--profile", "--cache"],
        &["-s", " "],
        &["-ec"],
        &["--no-cache=true"],
        &["--no-cache=no"],
        &["--token-only="],
        &["--output", "yaml"],
        &["--clus", "prod"],
        &["--sandbox"],
        &["-v"],
        &["-q"],
        &["-h"],
    ]);
    let pieces = proptest::collection::vec(prop_oneof![9 => plain, 1 => other], 0..5);
    pieces.prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn plain_line_is_read_as_clap_reads_it(words in words()) {
        for words in [words.clone(), [vec!["-c", "prod"], words].concat()] {
            if read(&line(&words), |_| false).is_some() {
                let (plain, by_clap) =
                    both(&words).ok_or_else(|| TestCaseError::fail(format!("clap refuses {words:?}")))?;
                prop_assert_eq!(plain, by_clap, "{:?}", words);
            }
        }
    }
}
