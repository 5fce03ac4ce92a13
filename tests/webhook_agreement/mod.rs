//! What we say the pod identity webhook does to a pod against what it does itself: the test bed builds its module.

mod corpus;

use std::collections::BTreeMap;

use eksact_identity::authn::pod_identity_webhook::{Expiration, Injection, Kept, Method, Pod, Webhook};
use proptest::{
    strategy::{Strategy as _, ValueTree as _},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::program;
use corpus::{Case, NAME};

/// How many of them; `EKSACT_AGREEMENT_CASES` asks for more.
const CASES: usize = 2_000;

/// Their answer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Theirs {
    /// The pod as an API server hands it to a webhook.
    pod: Value,
    /// The patch of that, and of the pod that was asked about.
    patch: Value,
    asked_for: Value,
}

/// The same question for their program: one namespace each, as all are in one cluster there.
fn line(number: usize, case: &Case) -> String {
    let namespace = format!("n{number}");
    let account = case.annotations.as_ref().map(
        |annotations| json!({"metadata": {"name": NAME, "namespace": namespace, "annotations": annotations}}),
    );
    json!({
        "settings": case.settings, "namespace": namespace, "serviceAccount": account,
        "associated": case.associated, "pod": case.pod,
    })
    .to_string()
}

/// What we say is put into the pod; none where it is left as it is.
fn ours(case: &Case, pod: &Pod) -> Option<Injection> {
    let text = |key: &str| case.settings[key].as_str().unwrap_or_default();
    let webhook = Webhook {
        audience: text("tokenAudience").to_owned(),
        regional_sts: case.settings["stsRegionalEndpoint"] == true,
        region: Some(text("awsDefaultRegion").to_owned()),
        token_expiration: case.settings["tokenExpiration"].as_i64().unwrap(),
    };
    let account = pod.service_account.as_deref().unwrap_or_default();
    let annotations: Option<BTreeMap<String, String>> = case
        .annotations
        .as_ref()
        .filter(|_| account == NAME)
        .map(|annotations| serde_json::from_value(json!(annotations)).unwrap());
    let has_association = !account.is_empty() && account == case.associated;
    let configuration = webhook.configuration(annotations.as_ref(), has_association)?;
    Some(webhook.injection(&configuration, pod))
}

/// Their patch with the most that a random expiration can be in the place of what it is, which must be within its bounds.
fn settled(patch: &Value, expiration: Expiration) -> Value {
    let Expiration::Between(least, most) = expiration else {
        return patch.clone();
    };
    let mut patch = patch.clone();
    for operation in patch.as_array_mut().into_iter().flatten() {
        let at = match operation["path"].as_str() {
            Some("/spec/volumes") => "/value/0/projected/sources/0/serviceAccountToken/expirationSeconds",
            Some("/spec/volumes/0") => "/value/projected/sources/0/serviceAccountToken/expirationSeconds",
            _ => continue,
        };
        let seconds = operation.pointer_mut(at).unwrap();
        if seconds
            .as_i64()
            .is_some_and(|seconds| (least..=most).contains(&seconds))
        {
            *seconds = json!(most);
        }
    }
    patch
}

/// How often something of the rules came up.
#[derive(Debug, Default)]
struct Seen {
    left: usize,
    by_token: usize,
    by_association: usize,
    windows: usize,
    skipped: usize,
    half_set: usize,
    complete: usize,
    volume_there: usize,
}

impl Seen {
    fn count(&mut self, pod: &Pod, injection: Option<&Injection>) {
        let Some(injection) = injection else {
            self.left += 1;
            return;
        };
        match injection.method {
            Method::WebIdentity { .. } => self.by_token += 1,
            Method::Association => self.by_association += 1,
        }
        let has = |kept: &dyn Fn(&Kept) -> bool| {
            let mut all = injection.containers.iter().flat_map(|container| &container.kept);
            usize::from(all.any(kept))
        };
        self.windows += usize::from(pod.is_windows());
        self.skipped += has(&|kept| *kept == Kept::InSkipList);
        self.half_set += has(&|kept| matches!(kept, Kept::OwnCredentials(_)));
        self.complete += has(&|kept| *kept == Kept::HasAll);
        self.volume_there += usize::from(injection.volume_is_there);
    }

    fn is_worth_something(&self) -> bool {
        let Self {
            left,
            by_token,
            by_association,
            windows,
            skipped,
            half_set,
            complete,
            volume_there,
        } = *self;
        left.min(by_token).min(by_association) > CASES / 10
            && windows.min(skipped).min(half_set).min(volume_there) > CASES / 20
            && complete > CASES / 100
    }
}

#[test]
fn patches_are_those_of_the_webhook() {
    let cases = std::env::var("EKSACT_AGREEMENT_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, b"pods, and what is put into them.");
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = corpus::case();
    let all: Vec<(usize, Case)> = (0..cases.unwrap_or(CASES))
        .map(|number| (number, strategy.new_tree(&mut runner).unwrap().current()))
        .collect();
    let mut wrong = Vec::new();
    let mut seen = Seen::default();
    program::ask(
        "pod-mutator",
        all.into_iter(),
        |(number, case)| line(*number, case),
        |(_, case), theirs: &Theirs| {
            for (pod, patch) in [(&theirs.pod, &theirs.patch), (&case.pod, &theirs.asked_for)] {
                let read = Pod::read(pod).unwrap();
                let injection = ours(case, &read);
                let (ours, theirs) = match &injection {
                    None => (Value::Null, patch.clone()),
                    Some(injection) => (
                        json!(injection.patch(&read)),
                        settled(patch, injection.expiration),
                    ),
                };
                if ours != theirs {
                    wrong.push(format!(
                        "{case:?}\n  pod    {pod}\n  ours   {ours}\n  theirs {theirs}"
                    ));
                }
                seen.count(&read, injection.as_ref());
            }
        },
    );
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(3)].join("\n")
    );
    assert!(seen.is_worth_something(), "{seen:?}");
}
