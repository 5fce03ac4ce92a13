//! What a request to AWS may, as we say it, against an evaluator that is not ours: the program of the test bed around
//! `@cloud-copilot/iam-simulate`. Asked about everything, we say the same or that it depends; asked without knowing it all, we
//! never say what turns out otherwise.

mod corpus;

use std::collections::BTreeMap;

use eksact_identity::iam::policy::{
    RequestContext,
    authorization::{
        Answer, Caller, Decision, Policies, Policy, Request, ResourcePolicy, Sharing, decide, sharing,
    },
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{policy_agreement::corpus::Dice, support::program};
use corpus::Case;

/// How many requests; `EKSACT_IAM_CASES` asks for more.
const CASES: usize = 3_000;

#[derive(Debug, Deserialize)]
struct Judged {
    result: String,
    invalid: Vec<String>,
}

/// A case, and with what of it unknown it is asked as well.
struct Asked {
    case: Case,
    hidden: Option<String>,
    /// All resources of which that of the case is one.
    pattern: Option<String>,
}

#[derive(Debug, Default)]
struct Count {
    requests: usize,
    allowed: usize,
    depends: usize,
    partly_known: usize,
    partly_depends: usize,
    explained: BTreeMap<&'static str, usize>,
    wrong: Vec<String>,
    cautious: Vec<String>,
}

#[test]
fn iam_decisions_are_those_of_another_evaluator() {
    let cases = std::env::var("EKSACT_IAM_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(CASES);
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    let mut count = Count::default();
    let all = (0..cases).map(move |_| asked(&mut dice));
    program::ask("policy-judge", all, question, |asked: &Asked, judged: &Judged| {
        count.add(asked, judged);
    });
    let summary = format!(
        "{} requests, {} allowed: {} wrong, {} depend; explained {:?}; of {} partly known ones {} depend",
        count.requests,
        count.allowed,
        count.wrong.len(),
        count.depends,
        count.explained,
        count.partly_known,
        count.partly_depends
    );
    eprintln!("{summary}");
    let shown = |texts: &[String]| texts.iter().take(10).cloned().collect::<Vec<_>>().join("\n");
    assert!(count.wrong.is_empty(), "{summary}\n{}", shown(&count.wrong));
    assert!(
        count.depends * 20 <= count.requests,
        "{summary}\n{}",
        shown(&count.cautious)
    );
    // The corpus must be worth something: a good part of each answer, and of what is not known all the same.
    assert!(
        count.requests == cases
            && count.allowed * 6 > cases
            && count.allowed * 2 < cases
            && count.partly_depends * 2 < count.partly_known
            && count.explained.values().sum::<usize>() * 50 < cases,
        "{summary}"
    );
}

fn asked(dice: &mut Dice) -> Asked {
    let case = corpus::case(dice);
    let keys: Vec<&String> = case.context.keys().collect();
    let hidden = (!keys.is_empty() && dice.in_hundred(50)).then(|| (*dice.one(&keys)).clone());
    let pattern = (case.resource.starts_with("arn:aws:s3:::") && dice.in_hundred(30)).then(|| {
        let cut = case.resource.rfind('/').unwrap_or(case.resource.len());
        format!("{}/*", &case.resource[..cut])
    });
    Asked {
        case,
        hidden,
        pattern,
    }
}

fn question(asked: &Asked) -> String {
    let case = &asked.case;
    json!({
        "decide": {
            "principal": case.signs_as,
            "action": case.action,
            "resource": case.resource,
            "account": case.account,
            "context": case.context,
        },
        "identity": case.identity,
        "boundary": case.boundary,
        "session": case.session,
        "of_resource": case.of_resource,
    })
    .to_string()
}

/// What we say, of this caller and resource, with these keys known.
fn ours(case: &Case, caller: &Caller, resource: &str, context: &RequestContext) -> Decision {
    let read = |name: &str, document: &Value| Policy::read(name, document);
    let identity: Vec<Policy> = case
        .identity
        .iter()
        .map(|document| read("policy", document))
        .collect();
    let boundary = case.boundary.as_ref().map(|document| read("boundary", document));
    let session = case
        .session
        .as_ref()
        .map(|document| read("session policy", document));
    let of_resource = case
        .of_resource
        .as_ref()
        .map(|document| read("policy of the resource", document));
    let request = Request {
        caller,
        action: &case.action,
        resource: Some(resource),
        resource_account: Some(case.account),
        context,
    };
    let policies = Policies {
        identity: identity.iter().collect(),
        boundary: boundary.as_ref(),
        session: session.as_ref().map(|policy| vec![policy]),
        resource: match (&of_resource, sharing(&case.action)) {
            (None, _) => ResourcePolicy::None,
            (Some(policy), Sharing::Gate) => ResourcePolicy::Gate(policy),
            (Some(policy), _) => ResourcePolicy::Beside(policy),
        },
    };
    decide(&request, &policies)
}

impl Count {
    fn add(&mut self, asked: &Asked, judged: &Judged) {
        let case = &asked.case;
        assert!(
            judged.invalid.is_empty(),
            "{:?}\n{}",
            judged.invalid,
            question(asked)
        );
        let expected = if judged.result == "Allowed" {
            Answer::Yes
        } else {
            Answer::No
        };
        self.requests += 1;
        self.allowed += usize::from(expected == Answer::Yes);
        let whole = corpus::known(&case.context);
        let said = ours(case, &case.caller, &case.resource, &whole);
        let show = |what: &str, said: &Decision| {
            format!(
                "{what}: {} by the evaluator, we say {said:?}\n  {}",
                judged.result,
                question(asked)
            )
        };
        if said.answer == Answer::Depends {
            self.depends += 1;
            self.cautious.push(show("whole", &said));
        } else if said.answer != expected {
            match explained(case, &said, expected) {
                Some(why) => *self.explained.entry(why).or_default() += 1,
                None => self.wrong.push(show("whole", &said)),
            }
            return;
        }
        let mut partly = Vec::new();
        if let Some(key) = &asked.hidden {
            let context = whole.clone().not_knowing(key);
            partly.push((
                format!("without {key}"),
                ours(case, &case.caller, &case.resource, &context),
            ));
        }
        if let Some(pattern) = &asked.pattern {
            partly.push((
                format!("for {pattern}"),
                ours(case, &case.caller, pattern, &whole),
            ));
        }
        if let Caller::Role { arn, .. } = &case.caller {
            let any = Caller::Role {
                arn: arn.clone(),
                session: None,
            };
            partly.push((
                "for any session".to_owned(),
                ours(case, &any, &case.resource, &whole),
            ));
        }
        for (what, said) in partly {
            self.partly_known += 1;
            self.partly_depends += usize::from(said.answer == Answer::Depends);
            if said.answer != Answer::Depends && said.answer != expected {
                self.wrong.push(show(&what, &said));
            }
        }
    }
}

/// Where the evaluator reads the guide in another way; see docs/iam-decisions.md.
fn explained(case: &Case, said: &Decision, expected: Answer) -> Option<&'static str> {
    let names_session = |document: &Value| document.to_string().contains(&case.signs_as);
    let is_by_session = case.signs_as.contains(":assumed-role/")
        && case.session.is_some()
        && case.of_resource.as_ref().is_some_and(names_session);
    (is_by_session && said.answer == Answer::Yes && expected == Answer::No)
        .then_some("a session that is named")
}
