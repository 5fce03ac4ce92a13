//! What kubectl says of kubeconfigs: ours of many, against client-go's own, which the test bed builds; and the real kubectl
//! over every file that the tests made eksact write.

mod corpus;

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use eksact_core::kubeconfig::{
    Document, ExecApiVersion, ExecEntry, ExecTool, Names, NamingStyle, SignIn, Wanted, merge,
    value::{Section, Value},
};
use serde_json::json;

use crate::support::{kept_kubeconfigs, program};

/// How many kubeconfigs are compared; `EKSACT_AGREEMENT_CASES` asks for more.
const CASES: usize = 5_000;

/// client-go's answers, in one run.
fn ask(files: &[String]) -> Vec<serde_json::Value> {
    let mut child = Command::new(program::path("kubeconfig-loader"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let questions: Vec<String> = files
        .iter()
        .map(|text| json!({"content": STANDARD.encode(text)}).to_string())
        .collect();
    let questions = questions.join("\n");
    let writer = std::thread::spawn(move || stdin.write_all(questions.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    let answers = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<_> = answers
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), files.len());
    answers
}

/// What we say of a context; none where that rests on more than the file.
fn is_usable(document: &Document, name: &str) -> Option<bool> {
    let entries = document.entries();
    let context = &entries.find(Section::Contexts, name)?.1.body;
    let mut used = vec![(Section::Contexts, name)];
    for section in [Section::Clusters, Section::Users] {
        // Another file of KUBECONFIG may have it.
        let Some(used_name) = context
            .text_at(&[section.entry_key()])
            .filter(|name| !name.is_empty())
        else {
            continue;
        };
        let body = &entries.find(section, used_name)?.1.body;
        for key in ["certificate-authority", "client-certificate", "client-key"] {
            let is_elsewhere = |file: &str| !file.is_empty() && file != "/dev/null";
            if body.text_at(&[key]).is_some_and(is_elsewhere) {
                return None;
            }
        }
        used.push((section, used_name));
    }
    let faults = document.unusable_after(&[]);
    let counts = |fault: &&eksact_core::kubeconfig::Unusable| {
        used.contains(&(fault.section, fault.name.as_str()))
            // That is found out when the program is run.
            && !fault.problem.contains("do not support")
    };
    Some(!faults.iter().any(|fault| counts(&fault)))
}

fn wanted(api_version: ExecApiVersion, alias: Option<&str>) -> Wanted {
    let sign_in = SignIn {
        cluster: "bench".to_owned(),
        region: Some("us-west-2".to_owned()),
        role_arn: None,
        profile: None,
    };
    let arn = "arn:aws:eks:us-west-2:111122223333:cluster/bench";
    Wanted {
        names: Names::new(&NamingStyle::ClusterArn, arn, &sign_in, alias, None),
        server: "https://127.0.0.1:9".to_owned(),
        certificate_authority_data: Some("Q0EK".to_owned()),
        proxy_url: None,
        namespace: None,
        exec: ExecEntry::new(ExecTool::Eksact, "eksact".to_owned(), &sign_in, api_version),
        sign_in,
        set_current: true,
        force: true,
    }
}

#[test]
fn verdict_is_that_of_client_go_which_uses_what_we_write() {
    let cases = std::env::var("EKSACT_AGREEMENT_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(CASES);
    let mut dice = corpus::Dice(0x9e37_79b9_7f4a_7c15);
    let mut files: Vec<String> = corpus::BY_HAND.iter().map(|text| (*text).to_owned()).collect();
    files.extend((0..cases).map(|_| corpus::kubeconfig(&mut dice)));
    let mut wrong = Vec::new();
    let (mut loaded, mut refused, mut usable, mut unusable) = (0, 0, 0, 0);
    let mut written = Vec::new();
    for (text, answer) in files.iter().zip(ask(&files)) {
        let ours = Document::read("f", text.as_bytes());
        let error = answer["error"].as_str().unwrap();
        if ours.is_ok() != error.is_empty() {
            let ours = ours.err().map(|error| error.to_string());
            wrong.push(format!("{text}\n  ours   {ours:?}\n  theirs {error}"));
            continue;
        }
        let Ok(document) = ours else {
            refused += 1;
            continue;
        };
        loaded += 1;
        for (name, theirs) in answer["contexts"].as_object().unwrap() {
            let theirs = theirs.as_str().unwrap();
            let Some(ours) = is_usable(&document, name).filter(|_| !name.is_empty()) else {
                continue;
            };
            *(if ours { &mut usable } else { &mut unusable }) += 1;
            if ours != theirs.is_empty() {
                let faults = document.unusable_after(&[]);
                wrong.push(format!(
                    "{text}\n  context {name}: ours {faults:?}\n  theirs {theirs}"
                ));
            }
        }
        // Editing takes longer than reading: of some only.
        if loaded % 8 != 0 {
            continue;
        }
        for (api_version, alias) in [
            (ExecApiVersion::V1, Some("prod")),
            (ExecApiVersion::V1Beta1, None),
        ] {
            let merged = merge(document.entries(), &wanted(api_version, alias)).unwrap();
            if let Ok(text) = document.edited(&merged.edits) {
                written.push((text, merged.context.name));
            }
        }
    }
    let texts: Vec<String> = written.iter().map(|(text, _)| text.clone()).collect();
    for ((text, context), answer) in written.iter().zip(ask(&texts)) {
        if answer["error"] != "" || answer["contexts"][context] != "" {
            wrong.push(format!("written, {context}: {answer}\n{text}"));
        }
    }
    let shown: Vec<_> = wrong.iter().take(10).map(String::as_str).collect();
    assert!(
        wrong.is_empty(),
        "{} of {} differ:\n{}",
        wrong.len(),
        files.len(),
        shown.join("\n\n")
    );
    // The corpus must be worth something: a good part of each.
    let tenth = files.len() / 10;
    assert!(
        loaded > 2 * tenth
            && refused > 2 * tenth
            && usable > tenth
            && unusable > tenth / 2
            && written.len() > tenth,
        "{loaded} {refused} {usable} {unusable} {}",
        written.len()
    );
}

/// The real kubectl, the newest and the oldest, over files that the commands under test wrote, and over some that are made
/// here, so that there are any.
#[test]
fn kubectl_loads_every_file_that_eksact_writes() {
    let mut files: Vec<(String, String)> = kept_kubeconfigs::all();
    for text in corpus::BY_HAND {
        let Ok(document) = Document::read("f", text.as_bytes()) else {
            continue;
        };
        let merged = merge(document.entries(), &wanted(ExecApiVersion::V1, Some("prod"))).unwrap();
        if let Ok(text) = document.edited(&merged.edits) {
            files.push(("made here".to_owned(), text));
        }
    }
    assert!(files.len() > 10, "{}", files.len());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    for binary in ["kubectl", "kubectl-1.24"].map(program::path) {
        for (origin, text) in &files {
            std::fs::write(&path, text).unwrap();
            let run = |arguments: &[&str]| {
                let output = Command::new(&binary)
                    .env_clear()
                    .env("HOME", folder.path())
                    .arg("--kubeconfig")
                    .arg(&path)
                    .args(arguments)
                    .stdin(Stdio::null())
                    .output()
                    .unwrap();
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                (output.status.success(), said)
            };
            for arguments in [&["config", "view", "--raw"][..], &["config", "get-contexts"]] {
                let (success, said) = run(arguments);
                assert!(success, "{binary} {arguments:?} {origin}: {said}\n{text}");
            }
            // There is no server, nor the program that gives the token: what is told must be that.
            let document = Document::read("f", text.as_bytes()).unwrap();
            if let Some(context) = ours(&document) {
                let (_, said) = run(&["--context", &context, "get", "--raw", "/", "--request-timeout=1s"]);
                let refusals = [
                    "invalid configuration",
                    "must be specified",
                    "exec plugin: invalid apiVersion",
                ];
                assert!(
                    !refusals.iter().any(|words| said.contains(words)),
                    "{binary} {origin}: {said}\n{text}"
                );
            }
        }
    }
}

/// A context whose user eksact wrote.
fn ours(document: &Document) -> Option<String> {
    let entries = document.entries();
    let hint = |name: &str| {
        let user = entries.find(Section::Users, name)?.1;
        user.body.text_at(&["exec", "installHint"]).map(|_| ())
    };
    let context = entries.contexts.iter().find(|context| {
        let user = context.body.text_at(&["user"]);
        let server = context.body.text_at(&["cluster"]);
        let has_server = server.is_some_and(|name| entries.find(Section::Clusters, name).is_some());
        has_server && user.and_then(hint).is_some()
    })?;
    debug_assert!(matches!(context.body, Value::Map(_)));
    context.name.clone()
}
