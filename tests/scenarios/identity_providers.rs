//! The OIDC identity providers of the cluster: one after the other, never changed in place, and nothing of others touched.

use std::{collections::BTreeSet, time::Duration};

use eksact_core::{
    engine::{Effect, Plan, Severity, StepFailure},
    kinds::{Request, identity_provider::IdentityProvidersToGo},
    ports::aws::{ClusterUpdateError, IdentityProviderConfig},
};
use eksact_simulator::{Fault, Matching, Rule, Sandbox};
use tokio::time::Instant;

use crate::scenarios::stage::{
    CLUSTER, REGION, apply, assert_settled, carry_out, cluster, fresh_world, human, plan, request, sandbox,
    summary, told_plan,
};

const OKTA: &str = "type: oidc, name: okta, issuerURL: 'https://okta.example.com', clientID: kubernetes";
const DEX: &str = "type: oidc, name: dex, issuerURL: 'https://dex.example.com', clientID: kubernetes, usernameClaim: email, \
                   groupsClaim: groups, groupsPrefix: 'dex:', requiredClaims: {team: platform}, tags: {owner: platform}";

fn wanting(providers: &[&str]) -> Request {
    let mut text = format!(
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: {CLUSTER}, region: {REGION}}}\n\
         identityProviders:"
    );
    text.push_str(if providers.is_empty() { " []\n" } else { "\n" });
    for provider in providers {
        text.push_str("- {");
        text.push_str(provider);
        text.push_str("}\n");
    }
    request(&text)
}

/// A cluster whose updates take five minutes.
fn bed() -> Sandbox {
    let mut world = fresh_world();
    world.update_seconds = 300;
    sandbox(world)
}

fn provider(bed: &Sandbox, name: &str) -> Option<IdentityProviderConfig> {
    let mut world = bed.world().unwrap();
    cluster(&mut world).eks.identity_providers.get(name).cloned()
}

fn codes(plan: &Plan, severity: Severity) -> Vec<&str> {
    let findings = plan.findings_of(severity);
    findings.map(|finding| finding.code.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn providers_are_made_one_after_the_other() {
    let bed = bed();
    let wanted = wanting(&[OKTA, DEX]);
    let begun = Instant::now();
    let planned = apply(&bed, &wanted).await;
    insta::assert_snapshot!(human(&planned));
    assert!(
        begun.elapsed() >= Duration::from_mins(10),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(
        bed.faults().count("AssociateIdentityProviderConfig"),
        2,
        "the second waits for the first, and is not refused"
    );
    let dex = provider(&bed, "dex").unwrap();
    assert_eq!(dex.status, "ACTIVE");
    assert_eq!(dex.tags["owner"], "platform");
    assert!(dex.tags["alpha.eksctl.io/eksctl-version"].ends_with("+eksact"));
    assert_settled(&bed, &wanted, "both are there").await;
}

#[tokio::test(start_paused = true)]
async fn provider_is_replaced_and_its_users_are_out_meanwhile() {
    let bed = bed();
    apply(&bed, &wanting(&[OKTA, DEX])).await;
    let other = OKTA.replace("clientID: kubernetes", "clientID: prod");
    let wanted = wanting(&[&other, DEX]);
    let replaced = plan(&bed, &wanted).await;
    insta::assert_snapshot!(human(&replaced));
    assert_eq!(
        codes(&replaced, Severity::Warning),
        ["identity-provider-replaced"]
    );
    apply(&bed, &wanted).await;
    assert_eq!(provider(&bed, "okta").unwrap().client_id, "prod");
    assert_settled(&bed, &wanted, "with the other client id").await;
}

/// What is asked of tokens besides gives nobody anything, and what stands before groups that there are not is nothing.
#[tokio::test(start_paused = true)]
async fn replacement_is_marked_and_told_by_who_gets_in_afterwards() {
    let bed = bed();
    let required = format!("{OKTA}, requiredClaims: {{team: platform}}");
    let told = async |wanted: &str| {
        let plan = told_plan(&bed, &wanting(&[wanted])).await.unwrap();
        let people = plan.access.unwrap().people;
        let lines = people.iter().flat_map(|holder| {
            let gains = holder.gains.iter().map(|what| format!("+ {what}"));
            gains.chain(holder.loses.iter().map(|what| format!("- {what}")))
        });
        (plan.changes[0].effect, lines.collect::<Vec<_>>())
    };
    let without =
        "getting in, as `https://okta.example.com#` and the claim sub, unless the claim team is platform";
    apply(&bed, &wanting(&[OKTA])).await;
    assert_eq!(
        told(&required).await,
        (Effect::Narrower, vec![format!("- {without}")])
    );
    let prefixed = format!("{OKTA}, groupsPrefix: 'okta:'");
    assert_eq!(told(&prefixed).await, (Effect::Equal, Vec::new()));
    let grouped = format!("{prefixed}, groupsClaim: teams");
    let groups = "+ the groups of `okta:` and the claim teams".to_owned();
    assert_eq!(told(&grouped).await, (Effect::Broader, vec![groups]));
    apply(&bed, &wanting(&[&required])).await;
    assert_eq!(told(OKTA).await, (Effect::Broader, vec![format!("+ {without}")]));
}

#[tokio::test(start_paused = true)]
async fn provider_that_is_as_eks_fills_it_in_is_left_alone() {
    let bed = bed();
    apply(&bed, &wanting(&[OKTA])).await;
    bed.edit(|world| {
        let okta = cluster(world).eks.identity_providers.get_mut("okta").unwrap();
        okta.username_claim = Some("sub".to_owned());
        okta.username_prefix = Some("https://okta.example.com#".to_owned());
        okta.groups_claim = Some(String::new());
        okta.tags
            .insert("aws:cloudformation:stack-name".to_owned(), "x".to_owned());
    })
    .unwrap();
    assert_settled(&bed, &wanting(&[OKTA]), "EKS's defaults").await;
}

#[tokio::test(start_paused = true)]
async fn provider_gets_tags_without_being_replaced() {
    let bed = bed();
    apply(&bed, &wanting(&[OKTA])).await;
    let tagged = format!("{OKTA}, tags: {{owner: security}}");
    let begun = Instant::now();
    let planned = apply(&bed, &wanting(&[&tagged])).await;
    assert_eq!(begun.elapsed(), Duration::ZERO, "{}", summary(&planned));
    assert_eq!(provider(&bed, "okta").unwrap().tags["owner"], "security");
    assert_settled(&bed, &wanting(&[&tagged]), "tagged").await;
    assert_settled(&bed, &wanting(&[OKTA]), "a tag of somebody else").await;
}

#[tokio::test(start_paused = true)]
async fn provider_that_is_being_deleted_is_waited_for() {
    let bed = bed();
    apply(&bed, &wanting(&[OKTA])).await;
    let mut going = request(&format!(
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: {CLUSTER}, region: {REGION}}}\n"
    ));
    going.ask(IdentityProvidersToGo(BTreeSet::from(["okta".to_owned()])));
    let dying = plan(&bed, &going).await;
    let disassociate = Matching::Action("DisassociateIdentityProviderConfig".to_owned());
    bed.faults().add(Rule::once(disassociate, 1, Fault::CrashAfter));
    carry_out(&bed, &dying, &going).await;
    let next = bed.another_process();
    assert_eq!(provider(&next, "okta").unwrap().status, "DELETING");
    let first = provider(&next, "okta").unwrap();
    let wanted = wanting(&[OKTA]);
    let begun = Instant::now();
    apply(&next, &wanted).await;
    assert!(
        begun.elapsed() >= Duration::from_secs(590),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(provider(&next, "okta").unwrap().status, "ACTIVE");
    assert_eq!(first.name, "okta");
    assert_settled(&next, &wanted, "made again").await;
}

#[tokio::test(start_paused = true)]
async fn provider_for_which_there_is_no_room_is_not_begun() {
    let bed = bed();
    bed.edit(|world| cluster(world).cluster.version = Some("1.31".to_owned()))
        .unwrap();
    let found = plan(&bed, &wanting(&[OKTA, DEX])).await;
    assert_eq!(found.changes.len(), 1, "{}", summary(&found));
    assert_eq!(codes(&found, Severity::Error), ["identity-provider-conflict"]);
    let bed = self::bed();
    apply(&bed, &wanting(&[OKTA])).await;
    let renamed = OKTA.replace("name: okta", "name: login");
    let found = plan(&bed, &wanting(&[&renamed])).await;
    assert!(!found.has_changes());
    assert!(
        summary(&found).contains("identity provider okta has the issuer https://okta.example.com already"),
        "{}",
        summary(&found)
    );
}

#[tokio::test(start_paused = true)]
async fn provider_of_somebody_else_is_never_pruned() {
    let bed = bed();
    apply(&bed, &wanting(&[OKTA, DEX])).await;
    bed.edit(|world| {
        let dex = cluster(world).eks.identity_providers.get_mut("dex").unwrap();
        dex.tags.clear();
    })
    .unwrap();
    let mut nothing = wanting(&[]);
    assert_settled(&bed, &nothing, "without prune").await;
    nothing.settings.prune = true;
    let planned = apply(&bed, &nothing).await;
    assert_eq!(summary(&planned).matches("Delete pruned").count(), 1);
    assert!(provider(&bed, "okta").is_none() && provider(&bed, "dex").is_some());
    // A file without the list says nothing of them.
    let mut silent = request(&format!(
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: {CLUSTER}, region: {REGION}}}\n"
    ));
    silent.settings.prune = true;
    assert_settled(&bed, &silent, "no list").await;
}

#[tokio::test(start_paused = true)]
async fn provider_that_is_named_goes_and_one_that_is_not_there_is_told() {
    let bed = bed();
    apply(&bed, &wanting(&[OKTA])).await;
    let mut asked = Request::ensure(wanting(&[]).config.cluster_only(), wanting(&[]).settings);
    asked.ask(IdentityProvidersToGo(
        ["okta", "auth0"].into_iter().map(ToOwned::to_owned).collect(),
    ));
    let planned = apply(&bed, &asked).await;
    assert_eq!(codes(&planned, Severity::Note), ["identity-provider-missing"]);
    assert!(provider(&bed, "okta").is_none());
    assert_settled(&bed, &asked, "gone").await;
}

#[tokio::test(start_paused = true)]
async fn provider_that_moved_since_the_plan_stops_the_step() {
    let bed = bed();
    let wanted = wanting(&[OKTA]);
    let planned = plan(&bed, &wanted).await;
    apply(
        &bed,
        &wanting(&[&OKTA.replace("clientID: kubernetes", "clientID: theirs")]),
    )
    .await;
    let report = carry_out(&bed, &planned, &wanted).await;
    assert_eq!(report.failed[0].1.cause, StepFailure::Moved, "{report:#?}");
    assert_eq!(provider(&bed, "okta").unwrap().client_id, "theirs");
}

#[tokio::test(start_paused = true)]
async fn provider_that_eks_cannot_make_is_told_and_the_next_run_makes_it() {
    let bed = bed();
    bed.edit(|world| {
        cluster(world).eks.updates.fails = Some(ClusterUpdateError {
            code: "ClusterUnreachable".to_owned(),
            message: "the issuer does not answer".to_owned(),
            resource_ids: Vec::new(),
        });
    })
    .unwrap();
    let wanted = wanting(&[OKTA, DEX]);
    let planned = plan(&bed, &wanted).await;
    let report = carry_out(&bed, &planned, &wanted).await;
    assert_eq!((report.failed.len(), report.not_tried.len()), (1, 1));
    assert!(
        report.failed[0]
            .1
            .message
            .contains("ClusterUnreachable: the issuer does not answer"),
        "{report:#?}"
    );
    apply(&bed, &wanted).await;
    assert_settled(&bed, &wanted, "the next time").await;
}

#[tokio::test(start_paused = true)]
async fn provider_whose_answer_is_lost_is_not_made_twice() {
    let bed = bed();
    let associate = Matching::Action("AssociateIdentityProviderConfig".to_owned());
    bed.faults().add(Rule::once(associate, 1, Fault::ErrorAfter));
    let wanted = wanting(&[OKTA]);
    apply(&bed, &wanted).await;
    assert_eq!(bed.faults().count("AssociateIdentityProviderConfig"), 1);
    assert_settled(&bed, &wanted, "made once").await;
}

/// The API server puts the issuer before no address of mail: a prefix that says so is not what it does by itself.
#[tokio::test(start_paused = true)]
async fn provider_of_addresses_of_mail_has_no_prefix_by_itself() {
    let bed = bed();
    let prefixed = format!("{DEX}, usernamePrefix: 'https://dex.example.com#'");
    apply(&bed, &wanting(&[&prefixed])).await;
    assert_settled(&bed, &wanting(&[&prefixed]), "with the prefix").await;
    let bare = plan(&bed, &wanting(&[DEX])).await;
    assert_eq!(
        bare.changes[0].attributes[0].name,
        "usernamePrefix",
        "{}",
        summary(&bare)
    );
    // Of any other claim it is.
    let of_names = |provider: &str| provider.replace("usernameClaim: email", "usernameClaim: name");
    let bed = self::bed();
    apply(&bed, &wanting(&[&of_names(&prefixed)])).await;
    assert_settled(&bed, &wanting(&[&of_names(DEX)]), "the default").await;
}
