//! Our reading of aws-auth against the authenticator's own, which the test bed builds from the module that it pins.

mod corpus;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};

use eksact_identity::authn::aws_auth::{AwsAuth, Entry, Identity, Mapping, map, parse};
use serde_json::{Value, json};

use crate::support::program;

/// How many of them; `EKSACT_AGREEMENT_CASES` asks for more.
const CASES: usize = 20_000;

fn mappings(entries: &[Entry<Mapping>]) -> Value {
    let one = |entry: &Entry<Mapping>| {
        let mapping = &entry.value;
        let sso = mapping.sso.as_ref().map(|sso| {
            let mut object =
                json!({"permissionSetName": sso.permission_set_name, "accountID": sso.account_id});
            if !sso.partition.is_empty() {
                object["partition"] = json!(sso.partition);
            }
            object
        });
        json!({"arn": mapping.arn, "username": mapping.username, "groups": mapping.groups, "user_id": mapping.user_id, "sso": sso})
    };
    Value::Array(entries.iter().map(one).collect())
}

fn has_error(aws_auth: &AwsAuth) -> bool {
    let (roles, users, accounts) = (&aws_auth.roles, &aws_auth.users, &aws_auth.accounts);
    aws_auth.dropped().next().is_some()
        || [&roles.faults, &users.faults, &accounts.faults]
            .iter()
            .any(|faults| !faults.is_empty())
        || [&roles.refused, &users.refused]
            .iter()
            .any(|refused| !refused.is_empty())
}

/// Our answer in the words of the authenticator's program, without the verdicts.
fn reading(aws_auth: &AwsAuth) -> Value {
    let accounts = aws_auth.accounts.entries.iter().map(|entry| entry.value.as_str());
    json!({
        "roles": mappings(&aws_auth.roles.entries),
        "users": mappings(&aws_auth.users.entries),
        "accounts": accounts.filter(|account| !account.is_empty()).collect::<Vec<_>>(),
        "error": has_error(aws_auth),
    })
}

/// Its answer, with what Go writes in two ways written in one.
fn their_reading(answer: &Value) -> Value {
    let list = |value: &Value| {
        let mut list = value.as_array().cloned().unwrap_or_default();
        for item in &mut list {
            if item["groups"].is_null() && item.is_object() {
                item["groups"] = json!([]);
            }
        }
        list
    };
    let mut accounts = list(&answer["accounts"]);
    accounts.retain(|account| account != "");
    json!({
        "roles": list(&answer["roles"]),
        "users": list(&answer["users"]),
        "accounts": accounts,
        "error": answer["error"] != "",
    })
}

/// Our verdict on one caller; nothing where the server throws dice, or asks EC2.
fn verdict(aws_auth: &AwsAuth, (arn, account, user_id): (&str, &str, &str)) -> Option<Value> {
    let identity = match Identity::from_caller(arn, account, user_id, "AKIAX") {
        Ok(identity) => identity,
        Err(error) => return Some(json!({"denied": error.to_string()})),
    };
    // Users whose ARNs differ in case only: their program throws dice, whatever ours says.
    let canonical = identity.canonical.arn.to_lowercase();
    let users = aws_auth
        .users
        .entries
        .iter()
        .map(|entry| entry.value.arn.as_str());
    let matching: BTreeSet<&str> = users.filter(|arn| arn.to_lowercase() == canonical).collect();
    if matching.len() > 1 {
        return None;
    }
    match map(aws_auth, &identity) {
        Ok(mapped) => {
            let unknown = |text: &String| text.contains("{{EC2PrivateDNSName}}");
            let asks = unknown(&mapped.username) || mapped.groups.iter().any(unknown);
            (!asks).then(|| json!({"username": mapped.username, "groups": mapped.groups}))
        }
        Err(denied) => Some(json!({"denied": denied.to_string()})),
    }
}

fn their_verdict(verdict: &Value) -> Value {
    let denied = verdict["denied"].as_str().unwrap_or_default();
    if denied.is_empty() {
        return json!({"username": verdict["username"], "groups": verdict["groups"]});
    }
    // Their text is wrapped once more than ours.
    match denied.split_once("SessionName did not contain") {
        Some(_) => json!({"denied": "no instance"}),
        None => json!({"denied": denied}),
    }
}

fn our_verdict(verdict: Value) -> Value {
    let denied = verdict["denied"].as_str().unwrap_or_default();
    if denied.contains("SessionName did not contain") {
        json!({"denied": "no instance"})
    } else {
        verdict
    }
}

#[test]
fn reading_is_that_of_the_authenticator() {
    let cases = std::env::var("EKSACT_AGREEMENT_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok());
    let mut dice = corpus::Dice(0x9e37_79b9_7f4a_7c15);
    let corpus: Vec<_> = (0..cases.unwrap_or(CASES))
        .map(|_| corpus::config_map(&mut dice))
        .collect();
    let answers = ask(&corpus);
    assert_eq!(answers.len(), corpus.len());

    let mut wrong = Vec::new();
    let (mut with_entries, mut with_errors, mut let_in) = (0, 0, 0);
    for (data, answer) in corpus.iter().zip(&answers) {
        let aws_auth = parse(data);
        let (ours, theirs) = (reading(&aws_auth), their_reading(answer));
        if ours != theirs {
            wrong.push(format!(
                "{data:?}\n  ours   {ours}\n  theirs {theirs}\n  error  {}",
                answer["error"]
            ));
            continue;
        }
        with_errors += usize::from(has_error(&aws_auth));
        with_entries += usize::from(!aws_auth.roles.entries.is_empty());
        for (caller, theirs) in corpus::CALLERS.iter().zip(answer["verdicts"].as_array().unwrap()) {
            let Some(ours) = verdict(&aws_auth, *caller) else {
                continue;
            };
            let (ours, theirs) = (our_verdict(ours), their_verdict(theirs));
            let_in += usize::from(ours["denied"].is_null());
            if ours != theirs {
                wrong.push(format!(
                    "{data:?}\n  {caller:?}\n  ours   {ours}\n  theirs {theirs}"
                ));
            }
        }
    }
    let shown: Vec<_> = wrong.iter().take(15).map(String::as_str).collect();
    assert!(
        wrong.is_empty(),
        "{} of {} differ:\n{}",
        wrong.len(),
        corpus.len(),
        shown.join("\n")
    );
    // The corpus must be worth something: a good part of each.
    let tenth = corpus.len() / 10;
    let clean = corpus.len() - with_errors;
    assert!(
        with_entries > 2 * tenth && with_errors > 3 * tenth && clean > tenth && let_in > tenth,
        "{with_entries} {with_errors} {clean} {let_in}"
    );
}

/// An entry of `mapRoles` or `mapUsers`, whole or with lines left out.
struct Variant {
    users: bool,
    text: String,
}

impl Variant {
    fn of(users: bool, lines: &[corpus::Line], is_left_out: &dyn Fn(usize) -> bool) -> Self {
        let lines = lines.iter().enumerate().filter(|(index, _)| !is_left_out(*index));
        Self {
            users,
            text: lines.map(|(_, (text, _))| text.as_str()).collect(),
        }
    }

    fn data(&self) -> BTreeMap<String, String> {
        let key = if self.users { "mapUsers" } else { "mapRoles" };
        BTreeMap::from([(key.to_owned(), self.text.clone())])
    }
}

/// Whom the authenticator lets in and as whom, groups being a set and a nameless one nothing; none where it drops the section.
fn lets_in(answer: &Value) -> Option<Vec<(String, String, BTreeSet<String>)>> {
    let list = |key: &str| answer[key].as_array().cloned().unwrap_or_default();
    let entries: Vec<_> = list("roles").into_iter().chain(list("users")).collect();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let one = |entry: &Value| {
        let groups = entry["groups"].as_array().cloned().unwrap_or_default();
        let groups = groups.iter().map(text).filter(|group| !group.is_empty());
        (text(&entry["arn"]), text(&entry["username"]), groups.collect())
    };
    (!entries.is_empty()).then(|| entries.iter().map(one).collect())
}

/// What we say makes no difference makes none to the authenticator's own parser, all of it together; and whatever else is
/// taken out does.
#[test]
fn indifferent_spelling_is_indifferent_to_the_authenticator() {
    let mut dice = corpus::Dice(0x51ed_270b_0a3c_9d11);
    let mut cases = Vec::new();
    let mut variants = Vec::new();
    let mut named_lines = 0;
    for case in 0..2_000 {
        let users = case % 3 == 0;
        let lines = corpus::entry_by_lines(&mut dice, users);
        let whole = Variant::of(users, &lines, &|_| false);
        let read = parse(&whole.data());
        let section = if users { &read.users } else { &read.roles };
        let is_below = |head: usize, index: usize| index > head && index <= head + lines[head].1;
        let named: BTreeSet<usize> = section.unread.iter().map(|unread| unread.line - 1).collect();
        let is_hollow = |head: usize| {
            lines[head].1 > 0 && (head + 1..=head + lines[head].1).all(|item| named.contains(&item))
        };
        let gone = |index: usize| {
            named.iter().any(|head| *head == index || is_below(*head, index)) || is_hollow(index)
        };
        named_lines += named.len();
        let first = variants.len();
        let without = Variant::of(users, &lines, &gone);
        variants.extend([whole, without]);
        // The first line has the `-`, which the entry needs.
        for index in (1..lines.len()).filter(|index| !gone(*index)) {
            variants.push(Variant::of(users, &lines, &|other| {
                gone(other) || other == index || is_below(index, other)
            }));
        }
        cases.push(first..variants.len());
    }
    let questions: Vec<_> = variants.iter().map(Variant::data).collect();
    let answers: Vec<_> = ask(&questions).iter().map(lets_in).collect();
    let mut wrong = Vec::new();
    let mut judged = 0;
    for case in cases {
        let [full, without, less @ ..] = &answers[case.clone()] else {
            continue;
        };
        let texts = &variants[case];
        if full.is_none() {
            continue;
        }
        judged += 1;
        if without != full {
            wrong.push(format!(
                "makes a difference:\n{}to\n{}",
                texts[0].text, texts[1].text
            ));
        }
        for (index, _) in less.iter().enumerate().filter(|(_, less)| *less == full) {
            wrong.push(format!(
                "is not told:\n{}to\n{}",
                texts[0].text,
                texts[index + 2].text
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.iter().take(8).cloned().collect::<Vec<_>>().join("\n")
    );
    assert!(judged > 1_500 && named_lines > 2_000, "{judged} {named_lines}");
}

/// The authenticator's answers, in one run.
fn ask(corpus: &[BTreeMap<String, String>]) -> Vec<Value> {
    let callers: Vec<_> = corpus::CALLERS
        .iter()
        .map(|(arn, account, user_id)| json!({"arn": arn, "account": account, "user_id": user_id, "access_key_id": "AKIAX"}))
        .collect();
    let mut child = Command::new(program::path("aws-auth-mapper"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let questions: String = corpus
        .iter()
        .flat_map(|data| {
            [
                json!({"data": data, "callers": callers}).to_string(),
                "\n".to_owned(),
            ]
        })
        .collect();
    let writer = std::thread::spawn(move || stdin.write_all(questions.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
