//! Parts of plans: `--target` and `--exclude-target` over worlds, and what holds for every part.

use std::collections::BTreeSet;

use eksact_core::{
    engine::{Address, Plan, TargetError, Targets},
    kinds::{self, PlanError, Request},
    live::LiveReader,
};
use eksact_simulator::Sandbox;
use proptest::prelude::*;

use eksact_simulation::{
    normal_form::{differences, normal_form},
    service_accounts::{edits, files},
};

use crate::scenarios::{
    access,
    laws::{applied, config, overriding, run, wanted, world_of},
    stage::{again, fresh_world, plan, pruning, sandbox, summary},
};

fn part(request: &Request, targets: &[&str], excluded: &[&str]) -> Request {
    let texts = |globs: &[&str]| globs.iter().map(|glob| (*glob).to_owned()).collect();
    let mut request = request.clone();
    request.settings.targets = Targets {
        targets: texts(targets),
        excluded: texts(excluded),
    };
    request
}

fn addresses(plan: &Plan) -> BTreeSet<String> {
    plan.changes
        .iter()
        .map(|change| change.address.to_string())
        .collect()
}

fn left_out(plan: &Plan) -> BTreeSet<String> {
    let partial = plan.partial.as_ref().unwrap();
    partial.left_out.iter().map(ToString::to_string).collect()
}

fn set(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

async fn refusal(bed: &Sandbox, request: &Request) -> TargetError {
    let reader = LiveReader::begin(bed.readers(), &request.config.metadata.name.value)
        .await
        .unwrap();
    let live = kinds::read(request, &reader).await;
    match kinds::plan(request, &live) {
        Err(PlanError::Targets(error)) => error,
        other => panic!("{other:?}"),
    }
}

const TWO: [&str; 2] = [
    "metadata: {name: web, namespace: app}\nattachPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess']",
    "metadata: {name: job, namespace: app}\nattachPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess']",
];

fn two_accounts() -> Request {
    crate::scenarios::stage::request(&crate::scenarios::stage::file(&TWO))
}

#[tokio::test(start_paused = true)]
async fn target_brings_what_it_needs_and_leaves_the_rest() {
    let bed = sandbox(fresh_world());
    let planned = plan(&bed, &part(&two_accounts(), &["service-account/app/web"], &[])).await;
    let needed = [
        "iam-role/app/web",
        "namespace/app",
        "oidc-provider/prod",
        "service-account/app/web",
    ];
    assert_eq!(addresses(&planned), set(&needed));
    assert_eq!(
        left_out(&planned),
        set(&["iam-role/app/job", "service-account/app/job"])
    );
    let brought = &planned.partial.as_ref().unwrap().brought_along;
    assert_eq!(brought.len(), 3, "{brought:?}");
    // A role without the annotation of its service account is whole; the annotation is among what is left out.
    let role = plan(&bed, &part(&two_accounts(), &["iam-role/*/web"], &[])).await;
    assert_eq!(addresses(&role), set(&["iam-role/app/web", "oidc-provider/prod"]));
    assert!(left_out(&role).contains("service-account/app/web"));
}

#[tokio::test(start_paused = true)]
async fn object_that_needs_an_excluded_one_is_left_out_as_well() {
    let bed = sandbox(fresh_world());
    let planned = plan(&bed, &part(&two_accounts(), &[], &["iam-role/app/web"])).await;
    assert_eq!(
        left_out(&planned),
        set(&["iam-role/app/web", "service-account/app/web"])
    );
    // Targeted, but it needs what is excluded.
    let none = plan(
        &bed,
        &part(&two_accounts(), &["service-account/app/*"], &["oidc-provider/*"]),
    )
    .await;
    assert!(!none.has_changes(), "{}", summary(&none));
    assert!(none.steps.is_empty());
}

#[tokio::test(start_paused = true)]
async fn glob_that_matches_nothing_is_an_error_that_names_near_ones() {
    let bed = sandbox(fresh_world());
    let slip = refusal(&bed, &part(&two_accounts(), &["iam-role/app/wbe"], &[])).await;
    assert_eq!(
        slip.to_string(),
        "--target iam-role/app/wbe matches no object of the plan; near ones: iam-role/app/web, iam-role/app/job"
    );
    let slip = refusal(&bed, &part(&two_accounts(), &[], &["nothing/*"])).await;
    assert_eq!(
        slip.to_string(),
        "--exclude-target nothing/* matches no object of the plan"
    );
    assert!(matches!(
        refusal(&bed, &part(&two_accounts(), &["iam-role/["], &[])).await,
        TargetError::NotAGlob { .. }
    ));
}

/// All mappings are one write. The write is made of those alone that are asked for.
#[tokio::test(start_paused = true)]
async fn targeted_mapping_is_written_without_the_others() {
    let bed = access::hand_written();
    let mapping = |name: &str| {
        format!("arn: arn:aws:iam::111122223333:role/{name}\nusername: {name}\ngroups: [viewers]")
    };
    let (one, two) = (mapping("one"), mapping("two"));
    let whole = crate::scenarios::stage::request(&access::file(&[&one, &two]));
    let before = access::text(&bed, "mapRoles");
    let target = "identity-mapping/arn:aws:iam::111122223333:role/one";
    applied(&bed, &part(&whole, &[target], &[])).await;
    let after = access::text(&bed, "mapRoles");
    assert!(after.starts_with(&before), "{after}");
    assert!(
        after.contains("role/one") && !after.contains("role/two"),
        "{after}"
    );
    let rest = plan(&bed, &part(&again(&whole, 1), &[], &[target])).await;
    assert_eq!(
        addresses(&rest),
        set(&["identity-mapping/arn:aws:iam::111122223333:role/two"])
    );
}

proptest! {
    #![proptest_config(config(60))]

    #[test]
    fn part_is_closed_and_of_the_whole(
        before in files(), hands in edits(), after in files(), prune in any::<bool>(),
        chosen in prop::collection::vec(any::<prop::sample::Index>(), 1..3), exclude in any::<bool>(),
    ) {
        run(async {
            let bed = world_of(&before, &hands).await;
            let mut request = overriding(wanted(&after), true);
            if prune {
                request = pruning(request);
            }
            let whole = plan(&bed, &request).await;
            if !whole.has_changes() {
                return;
            }
            let globs: Vec<String> = chosen
                .iter()
                .map(|index| index.get(&whole.changes).address.to_string())
                .collect();
            let globs: Vec<&str> = globs.iter().map(String::as_str).collect();
            let (targets, excluded) = if exclude { (&[][..], &globs[..]) } else { (&globs[..], &[][..]) };
            let part = plan(&bed, &part(&request, targets, excluded)).await;
            for step in &part.steps {
                let same = whole.steps.iter().find(|other| other.id == step.id).unwrap();
                assert_eq!(same, step, "a step of the part is that of the whole");
            }
            let kept: BTreeSet<&Address> = part.changes.iter().map(|change| &change.address).collect();
            let changed: BTreeSet<&Address> = whole.changes.iter().map(|change| &change.address).collect();
            for change in &part.changes {
                for needed in change.depends_on.iter().filter(|needed| changed.contains(needed)) {
                    assert!(kept.contains(needed), "{} without {needed}", change.address);
                }
                for step in &change.steps {
                    assert!(part.steps.iter().any(|other| other.id == *step), "{} is half", change.address);
                }
            }
            for glob in globs {
                assert_eq!(kept.iter().any(|address| address.to_string() == glob), !exclude, "{glob}");
            }
            let left_out = &part.partial.as_ref().unwrap().left_out;
            for address in changed {
                assert_ne!(kept.contains(address), left_out.contains(address), "{address} is in one of the two");
            }
        });
    }

    #[test]
    fn targets_one_after_the_other_end_as_the_whole(
        before in files(), hands in edits(), after in files(), prune in any::<bool>(),
        order in prop::collection::vec(any::<prop::sample::Index>(), 40),
    ) {
        run(async {
            let mut request = overriding(wanted(&after), true);
            if prune {
                request = pruning(request);
            }
            let at_once = world_of(&before, &hands).await;
            applied(&at_once, &again(&request, 1)).await;
            let bed = world_of(&before, &hands).await;
            let mut count = 0;
            for (number, index) in order.iter().enumerate() {
                let rest = plan(&bed, &request).await;
                if !rest.has_changes() {
                    break;
                }
                let target = index.get(&rest.changes).address.to_string();
                let run = u32::try_from(number).unwrap() + 2;
                let part = applied(&bed, &part(&again(&request, run), &[&target], &[])).await;
                assert!(part.has_changes(), "{target} is a change of the whole");
                count += 1;
            }
            let rest = plan(&bed, &request).await;
            assert!(!rest.has_changes(), "after {count} parts: {}", summary(&rest));
            let (expected, found) = (at_once.world().unwrap(), bed.world().unwrap());
            let differences = differences(&normal_form(&expected), &normal_form(&found));
            assert!(differences.is_empty(), "{}", differences.join("\n"));
        });
    }
}
