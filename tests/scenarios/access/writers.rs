//! Others who write aws-auth at the same time: what they do is kept, and what was planned is what is written.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use eksact_core::engine::Report;
use eksact_simulator::Sandbox;
use futures::future::join_all;

use super::{DEVELOPERS, HAND_WRITTEN, aws_auth, deletion, file, hand_written, text, write};
use crate::scenarios::stage::{
    again, apply, assert_settled, attempt, carry_out, cluster, fresh_world, plan, request, sandbox,
};

/// Twenty processes, each with a mapping of its own: every mapping is there, whatever the order of their calls.
#[tokio::test(start_paused = true)]
async fn aws_auth_of_twenty_writers_at_once_loses_nothing() {
    for seed in 0..5 {
        let mut world = fresh_world();
        if seed == 0 {
            // All of them find no ConfigMap.
            cluster(&mut world).config_maps.clear();
        }
        let bed = sandbox(world);
        let runs = (0..20).map(|number| {
            let process = bed.another_process();
            process.faults().schedule(seed * 100 + number);
            async move {
                let mapping = format!(
                    "arn: arn:aws:iam::111122223333:role/team-{number}\nusername: team-{number}\ngroups: [developers]"
                );
                let request = request(&file(&[&mapping]));
                attempt(&process, &request).await.unwrap()
            }
        });
        for report in join_all(runs).await {
            assert!(report.succeeded(), "seed {seed}: {report:#?}");
        }
        let roles = text(&bed, "mapRoles");
        for number in 0..20 {
            assert_eq!(
                roles.matches(&format!("role/team-{number}\n")).count(),
                1,
                "seed {seed}\n{roles}"
            );
        }
        let digests = aws_auth(&bed).unwrap().annotations["eksact.dev/identity-mappings"].clone();
        assert_eq!(digests.split(',').count(), 20, "all of them are recorded");
        assert!(super::backups(&bed).len() <= 30);
    }
}

/// A plan for the developers' mapping, carried out after somebody else wrote mapRoles (or did something else to it).
async fn after(meddle: impl FnOnce(&Sandbox)) -> (Sandbox, Report) {
    let bed = hand_written();
    let request = request(&file(&[DEVELOPERS]));
    let planned = plan(&bed, &request).await;
    meddle(&bed);
    let report = carry_out(&bed, &planned, &request).await;
    (bed, report)
}

fn reason(report: &Report) -> &str {
    report
        .failed
        .first()
        .map_or("", |(_, error)| error.message.as_str())
}

#[tokio::test(start_paused = true)]
async fn aws_auth_edits_of_others_are_kept_under_ours() {
    let theirs = format!(
        "{HAND_WRITTEN}# a newcomer\n- rolearn: arn:aws:iam::111122223333:role/new\n  username: new\n"
    );
    let (bed, report) = after(|bed| write(bed, "mapRoles", Some(&theirs))).await;
    assert!(report.succeeded(), "{report:#?}");
    let roles = text(&bed, "mapRoles");
    assert!(
        roles.starts_with(&theirs) && roles.contains("role/dev"),
        "{roles}"
    );
}

#[tokio::test(start_paused = true)]
async fn aws_auth_edit_that_others_made_for_us_is_not_repeated() {
    let theirs = format!(
        "{HAND_WRITTEN}- rolearn: arn:aws:iam::111122223333:role/dev\n  username: dev:{{{{SessionName}}}}\n  groups: [developers]\n"
    );
    let (bed, report) = after(|bed| write(bed, "mapRoles", Some(&theirs))).await;
    assert!(report.succeeded(), "{report:#?}");
    assert_eq!(text(&bed, "mapRoles"), theirs);
    assert!(super::backups(&bed).is_empty());
}

#[tokio::test(start_paused = true)]
async fn change_other_than_the_planned_one_is_not_made() {
    // Created was planned; now it would be somebody's entry that changes.
    let theirs = format!("{HAND_WRITTEN}- rolearn: arn:aws:iam::111122223333:role/dev\n  username: theirs\n");
    let (bed, report) = after(|bed| write(bed, "mapRoles", Some(&theirs))).await;
    assert!(
        reason(&report).contains("would change differently than planned"),
        "{report:#?}"
    );
    assert_eq!(text(&bed, "mapRoles"), theirs);
}

#[tokio::test(start_paused = true)]
async fn guard_that_refuses_by_now_stops_the_write() {
    let (bed, report) = after(|bed| write(bed, "mapUsers", Some("- {oops"))).await;
    assert!(
        reason(&report).contains("aws-auth-section-dropped"),
        "{report:#?}"
    );
    assert_eq!(text(&bed, "mapRoles"), HAND_WRITTEN);

    // The last administrator but one goes meanwhile: the deletion that was harmless is not any more.
    let admins =
        "- rolearn: arn:aws:iam::111122223333:role/second\n  username: b\n  groups: [system:masters]\n";
    let bed = hand_written();
    bed.edit(|world| cluster(world).eks.access_entries.clear())
        .unwrap();
    bed.edit(|world| cluster(world).cluster.authentication_mode = Some("CONFIG_MAP".to_owned()))
        .unwrap();
    write(&bed, "mapRoles", Some(&format!("{HAND_WRITTEN}{admins}")));
    let deletion = deletion("arn:aws:iam::111122223333:role/second", false);
    let planned = plan(&bed, &deletion).await;
    assert!(planned.may_be_applied(), "{:#?}", planned.findings);
    write(&bed, "mapRoles", Some(admins));
    let report = carry_out(&bed, &planned, &deletion).await;
    assert!(reason(&report).contains("last-admin-lost"), "{report:#?}");
    assert_eq!(text(&bed, "mapRoles"), admins);
}

/// Somebody who never stops: the run ends when its time is up, and has written nothing.
#[tokio::test(start_paused = true)]
async fn run_gives_up_when_its_time_is_up() {
    let bed = hand_written();
    let writes = Arc::new(AtomicUsize::new(0));
    let (world, count) = (bed.clone(), Arc::clone(&writes));
    bed.faults().before_each_write(move |call| {
        if call.action.starts_with("patch") {
            let number = count.fetch_add(1, Ordering::Relaxed);
            write(&world, "note", Some(&number.to_string()));
        }
    });
    let mut request = request(&file(&[DEVELOPERS]));
    request.settings.timeout = std::time::Duration::from_mins(1);
    let report = attempt(&bed, &request).await.unwrap();
    assert!(reason(&report).contains("within 1 min"), "{report:#?}");
    assert_eq!(text(&bed, "mapRoles"), HAND_WRITTEN);
    assert!(writes.load(Ordering::Relaxed) > 20, "it did not give up early");
    // Once there is peace, it works.
    let peace = bed.another_process();
    apply(&peace, &again(&request, 2)).await;
    assert_settled(&peace, &request, "at last").await;
}
