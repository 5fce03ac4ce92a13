//! Whose a mapping is, and what prune may therefore take; what was before is kept.

use eksact_core::kinds::{
    Request,
    identity_mapping::{AwsAuthScope, Restore},
};

use super::{
    DEVELOPERS, HAND_WRITTEN, aws_auth, backups, deletion, file, hand_written, pruning, text, write,
};
use crate::scenarios::stage::{again, apply, assert_settled, cluster, plan, request, summary};

const PLATFORM: &str = "arn: arn:aws:iam::111122223333:role/platform\nusername: platform:{{SessionName}}\ngroups: [system:masters]";
const NODE: &str = "arn: arn:aws:iam::111122223333:role/node\nusername: system:node:{{EC2PrivateDNSName}}\ngroups: [system:bootstrappers, system:nodes, monitored]";

/// Only what eksact wrote and nobody changed since goes; nodes stay in any case.
#[tokio::test(start_paused = true)]
async fn prune_takes_what_eksact_wrote() {
    let bed = hand_written();
    // What is there as wanted is left as it is, and is not eksact's for that.
    apply(&bed, &request(&file(&[DEVELOPERS, PLATFORM]))).await;
    let nothing = pruning(request(&file(&[])));
    let plan = apply(&bed, &nothing).await;
    assert_eq!(plan.changes.len(), 1, "{}", summary(&plan));
    assert_eq!(text(&bed, "mapRoles"), HAND_WRITTEN);
    assert!(aws_auth(&bed).unwrap().annotations.is_empty());

    // Changed by hand since: no longer eksact's.
    apply(&bed, &request(&file(&[DEVELOPERS]))).await;
    let changed = text(&bed, "mapRoles").replace("- developers", "- testers");
    write(&bed, "mapRoles", Some(&changed));
    apply(&bed, &nothing).await;
    assert_eq!(text(&bed, "mapRoles"), changed);

    // A node's mapping is adopted where the file wants it otherwise, and stays all the same.
    write(&bed, "mapRoles", Some(HAND_WRITTEN));
    let adopted = apply(&bed, &request(&file(&[NODE]))).await;
    assert_eq!(
        adopted.changes[0].reasons.last().unwrap().code,
        "adopted",
        "{}",
        summary(&adopted)
    );
    let kept = apply(&bed, &nothing).await;
    assert!(
        !kept.has_changes() && summary(&kept).contains("prune-protected"),
        "{}",
        summary(&kept)
    );
}

/// Without `--prune` nothing goes that a file no longer has.
#[tokio::test(start_paused = true)]
async fn mapping_stays_without_prune() {
    let bed = hand_written();
    apply(&bed, &request(&file(&[DEVELOPERS]))).await;
    let before = aws_auth(&bed);
    apply(&bed, &request(&file(&["account: \"444455556666\""]))).await;
    assert_eq!(
        aws_auth(&bed).unwrap().data.get("mapRoles"),
        before.unwrap().data.get("mapRoles")
    );
}

fn restoring(name: &str, data: &eksact_core::ports::kubernetes::ConfigMap) -> Request {
    let mut request = request(&file(&[]));
    request.config = request.config.about_service_accounts();
    request.ask(AwsAuthScope::Restore(Restore {
        name: name.to_owned(),
        data: data.data.clone(),
        ownership: data.annotations.get("eksact.dev/identity-mappings").cloned(),
    }));
    request
}

/// Before each write the ConfigMap is kept, ten times at most, and can be taken back.
#[tokio::test(start_paused = true)]
async fn backup_has_what_was_before_and_can_be_restored() {
    let bed = hand_written();
    let original = aws_auth(&bed).unwrap();
    for round in 0..7 {
        apply(&bed, &again(&request(&file(&[DEVELOPERS])), round)).await;
        assert_eq!(
            backups(&bed).len(),
            usize::try_from(round * 2 + 1).unwrap().min(10)
        );
        apply(&bed, &deletion("arn:aws:iam::111122223333:role/dev", false)).await;
    }
    assert_eq!(backups(&bed).len(), 10);

    // A restore repairs what can no longer be edited.
    write(&bed, "mapRoles", Some("- rolearn: {{oops}}\n"));
    let restore = restoring("aws-auth-backup-x", &original);
    let plan = apply(&bed, &restore).await;
    assert_eq!(aws_auth(&bed).unwrap().data, original.data);
    assert_settled(&bed, &restore, "restored").await;
    insta::assert_snapshot!(crate::scenarios::stage::human(&plan));
}

/// What moved since the plan of a restore is not overwritten.
#[tokio::test(start_paused = true)]
async fn restore_does_not_overwrite_what_it_did_not_see() {
    let bed = hand_written();
    let original = aws_auth(&bed).unwrap();
    apply(&bed, &request(&file(&[DEVELOPERS]))).await;
    let restore = restoring("aws-auth-backup-x", &original);
    let planned = plan(&bed, &restore).await;
    write(&bed, "mapAccounts", Some("- \"444455556666\"\n"));
    let report = crate::scenarios::stage::carry_out(&bed, &planned, &restore).await;
    assert!(
        report.failed[0]
            .1
            .message
            .contains("changed since the plan was made"),
        "{report:#?}"
    );
    assert!(text(&bed, "mapRoles").contains("role/dev"));
}

/// Where the cluster refuses a backup, a file has it; where there is no place for one either, nothing is written.
#[tokio::test(start_paused = true)]
async fn backup_that_the_cluster_refuses_is_a_file() {
    use eksact_core::{
        engine::{ExecutionOptions, Interrupt, execute},
        kinds::Runner,
    };
    let bed = hand_written();
    bed.edit(|world| {
        cluster(world)
            .denied
            .insert("create configmaps in kube-system".to_owned())
    })
    .unwrap();
    let request = request(&file(&[DEVELOPERS]));
    let planned = plan(&bed, &request).await;
    let refused = crate::scenarios::stage::carry_out(&bed, &planned, &request).await;
    assert!(refused.failed[0].1.message.contains("no backup"), "{refused:#?}");
    assert_eq!(text(&bed, "mapRoles"), HAND_WRITTEN);

    let folder = tempfile::tempdir().unwrap();
    let runner = Runner::new(bed.readers(), bed.writers(), request.settings.timeout)
        .with_state_folder(Some(folder.path().to_owned()));
    let (_sender, interrupt) = tokio::sync::watch::channel(Interrupt::None);
    let notes = std::sync::Mutex::new(Vec::new());
    let tell = |event: eksact_core::engine::Event| {
        if let eksact_core::engine::EventKind::StepFinished { notes: told, .. } = event.kind {
            notes.lock().unwrap().extend(told);
        }
    };
    let report = execute(&planned, &runner, ExecutionOptions::default(), &tell, interrupt).await;
    assert!(report.succeeded(), "{report:#?}");
    let kept = std::fs::read_dir(folder.path().join("aws-auth-backups"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&std::fs::read(kept.path()).unwrap()).unwrap();
    assert_eq!(manifest["data"]["mapRoles"], HAND_WRITTEN);
    assert!(
        notes.lock().unwrap()[0].contains(&kept.path().display().to_string()),
        "{notes:?}"
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(kept.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    // It is this cluster's, also for somebody who may not list those in it; another account's of the same name has none.
    let found = async |arn: String| {
        let readers = bed.readers();
        eksact_core::kinds::identity_mapping::all_backups(&*readers.kubernetes, Some(folder.path()), &arn)
            .await
    };
    let arn = bed
        .world()
        .map(|mut world| cluster(&mut world).cluster.arn.clone())
        .unwrap();
    let own = found(arn.clone()).await.unwrap();
    assert_eq!((own.found.len(), own.unread.len()), (1, 0));
    let others = found(arn.replace("111122223333", "444455556666")).await.unwrap();
    assert_eq!(others.found, []);
    bed.edit(|world| {
        cluster(world)
            .denied
            .insert("list configmaps in kube-system".to_owned())
    })
    .unwrap();
    let own = found(arn.clone()).await.unwrap();
    assert_eq!((own.found.len(), own.unread.len()), (1, 1));
    assert!(found(arn.replace("prod", "other")).await.is_err());
}
