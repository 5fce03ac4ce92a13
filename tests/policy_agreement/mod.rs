//! What a change of a policy does to access, as we say it, against an evaluator of requests that is not ours: the program of the
//! test bed around `@cloud-copilot/iam-simulate`. What we call narrower or equal allows nothing new, in no request.

pub(crate) mod corpus;
mod requests;

use eksact_identity::iam::policy::{AccessEffect, difference};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::program;

/// How many pairs; `EKSACT_AGREEMENT_CASES` asks for more.
const CASES: usize = 2_000;
/// How many requests are asked about each pair.
const REQUESTS: usize = 40;

struct Pair {
    before: Value,
    after: Value,
    requests: Vec<Value>,
    trust: bool,
}

#[derive(Debug, Deserialize)]
struct Answer {
    /// For each policy a digit for each request.
    allowed: Vec<String>,
    /// What the evaluator's validator says of the policies.
    invalid: Vec<String>,
}

/// Pairs by what we say of them and what the evaluator sees.
#[derive(Debug, Default)]
struct Count {
    pairs: usize,
    /// The evaluator sees nothing new allowed.
    no_widening: usize,
    /// Of those, we say incomparable.
    incomparable: usize,
    /// Of those, we say broader.
    broader: usize,
    wrong: Vec<String>,
    cautious: Vec<String>,
}

#[test]
fn policy_changes_called_narrower_allow_nothing_new() {
    let cases = std::env::var("EKSACT_AGREEMENT_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(CASES);
    let mut dice = corpus::Dice(0x9e37_79b9_7f4a_7c15);
    let mut count = Count::default();
    ask((0..cases).map(move |_| pair(&mut dice)), |pair, answer| {
        count.add(pair, answer);
    });
    let summary = format!(
        "{} pairs: {} wrong; of {} without widening, {} called incomparable and {} broader",
        count.pairs,
        count.wrong.len(),
        count.no_widening,
        count.incomparable,
        count.broader
    );
    let shown = |texts: &[String]| texts.iter().take(10).cloned().collect::<Vec<_>>().join("\n");
    assert!(count.wrong.is_empty(), "{summary}\n{}", shown(&count.wrong));
    assert!(
        count.incomparable * 10 <= count.no_widening,
        "{summary}\n{}",
        shown(&count.cautious)
    );
    // The corpus must be worth something: a good part of each.
    assert!(
        count.pairs == cases && count.no_widening > cases / 4 && count.no_widening < cases * 3 / 4,
        "{summary}"
    );
}

fn pair(dice: &mut corpus::Dice) -> Pair {
    let (before, after) = corpus::pair(dice);
    Pair {
        requests: requests::about(dice, &before, &after, REQUESTS),
        trust: before.trust,
        before: before.document(dice),
        after: after.document(dice),
    }
}

impl Count {
    fn add(&mut self, pair: &Pair, answer: &Answer) {
        assert!(
            answer.invalid.is_empty(),
            "{:?}\n{}\n{}",
            answer.invalid,
            pair.before,
            pair.after
        );
        self.pairs += 1;
        let said = difference(Some(&pair.before), Some(&pair.after)).access;
        let gained = |one: usize, other: usize| {
            let digits = answer.allowed[one].bytes().zip(answer.allowed[other].bytes());
            digits
                .into_iter()
                .position(|(old, new)| old == b'0' && new == b'1')
        };
        let (gain, loss) = (gained(0, 1), gained(1, 0));
        let show = |said: &str, request: Option<usize>| {
            let request = request.map_or(Value::Null, |which| pair.requests[which].clone());
            format!(
                "{said}\n  before  {}\n  after   {}\n  request {request}",
                pair.before, pair.after
            )
        };
        if let Some(gain) = gain
            && !said.broadens()
        {
            self.wrong
                .push(show("called narrower, and allows more", Some(gain)));
        }
        if let Some(loss) = loss
            && matches!(said, AccessEffect::Broader | AccessEffect::Equal)
        {
            self.wrong
                .push(show("called broader, and allows less", Some(loss)));
        }
        if gain.is_none() {
            self.no_widening += 1;
            match said {
                AccessEffect::Incomparable => self.incomparable += 1,
                AccessEffect::Broader => self.broader += 1,
                _ => return,
            }
            self.cautious
                .push(show(&format!("called {said:?} without need"), None));
        }
    }
}

/// The evaluator's answers, in one run, each looked at when it comes.
fn ask(pairs: impl Iterator<Item = Pair> + Send, look: impl FnMut(&Pair, &Answer)) {
    let question = |pair: &Pair| {
        json!({"trust": pair.trust, "policies": [pair.before, pair.after], "requests": pair.requests})
            .to_string()
    };
    program::ask("policy-judge", pairs, question, look);
}
