//! Laws over random ConfigMaps: after an apply there is nothing left to plan, and nothing else has changed.

use std::fmt::Write as _;

use proptest::{prelude::*, sample::select, test_runner::TestCaseError};

use super::{backups, deletion, file, hand_written, pruning, text, write};
use crate::scenarios::stage::{again, apply, plan, request, summary};

/// One entry of mapRoles, in one of the ways in which people write them, of a role of this number.
fn entry(number: usize, style: usize, groups: &[&str]) -> String {
    let arn = format!("arn:aws:iam::111122223333:role/team-{number}");
    let list = groups.join(", ");
    let mut block = String::new();
    for group in groups {
        write!(block, "\n    - {group}").unwrap();
    }
    match style {
        0 => format!("- rolearn: {arn}\n  username: team-{number}\n  groups: [{list}]\n"),
        1 if !groups.is_empty() => {
            format!("- groups:{block}\n  rolearn: {arn}   # of team {number}\n  username: 'team-{number}'\n")
        }
        2 => format!("- {{rolearn: \"{arn}\", username: team-{number}, groups: [{list}]}}\n"),
        3 => {
            format!("# team {number}\n- \"rolearn\": {arn}\n  owner: somebody\n  username: team-{number}\n\n")
        }
        4 => format!("-\n  username: team-{number}\n  rolearn: {arn}\n"),
        _ => format!("- rolearn: {arn}\n  username: 7\n  groups: {list}\n"),
    }
}

fn groups() -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(select(vec!["developers", "readers", "system:masters"]), 0..3)
}

prop_compose! {
    fn config_map()(
        entries in prop::collection::vec((0usize..6, 0usize..6, groups()), 0..8),
        head in select(vec!["", "# by hand\n", "\n\n"]),
        final_newline in any::<bool>(),
    ) -> String {
        let mut text = head.to_owned();
        for (number, style, groups) in entries {
            text.push_str(&entry(number, style, &groups));
        }
        if !final_newline {
            text.truncate(text.trim_end().len());
        }
        text
    }
}

fn mapping(number: usize, groups: &[&str]) -> String {
    format!(
        "arn: arn:aws:iam::111122223333:role/team-{number}\nusername: team-{number}\ngroups: [{}]",
        groups.join(", ")
    )
}

/// Every line of `before` that does not belong to the entry of one of these roles stands in `after`, in its order.
fn foreign_lines_stay(before: &str, after: &str, touched: &[usize]) -> Result<(), TestCaseError> {
    let is_touched = |line: &str| {
        // The comment directly above an entry is about that entry, and goes when it goes.
        touched
            .iter()
            .any(|number| line.contains(&format!("team-{number}")) || line == format!("# team {number}"))
    };
    let mut left = after.lines();
    for line in before.lines() {
        // Lines of groups may belong to a touched entry; ARNs, names, comments and owners say whose they are.
        let says_whose = line.contains("team-") || line.trim_start().starts_with('#');
        if says_whose && !is_touched(line) {
            prop_assert!(
                left.any(|other| other == line),
                "lost: {line}\n--- before\n{before}\n--- after\n{after}"
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn apply_settles_mappings_and_touches_nothing_else(
        before in config_map(),
        wanted in prop::collection::btree_map(0usize..8, groups(), 0..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let bed = hand_written();
            write(&bed, "mapRoles", Some(&before));
            let mappings: Vec<String> = wanted.iter().map(|(number, groups)| mapping(*number, groups)).collect();
            let mappings: Vec<&str> = mappings.iter().map(String::as_str).collect();
            let asked = request(&file(&mappings));
            let planned = plan(&bed, &asked).await;
            prop_assume!(planned.may_be_applied());
            let applied = apply(&bed, &asked).await;
            let again_planned = plan(&bed, &again(&asked, 2)).await;
            prop_assert!(!again_planned.has_changes(), "{}\n{}", summary(&again_planned), text(&bed, "mapRoles"));
            let touched: Vec<usize> = wanted.keys().copied().collect();
            foreign_lines_stay(&before, &text(&bed, "mapRoles"), &touched)?;
            prop_assert_eq!(backups(&bed).len(), usize::from(applied.has_changes()));

            // What was added is what prune takes, and then all is as before, where nothing was adopted.
            let only_added = applied.changes.iter().all(|change| change.action == eksact_core::engine::Action::Create);
            if only_added && before.ends_with('\n') && before.contains("- ") {
                let mut nothing = pruning(request(&file(&[])));
                nothing.settings.allow = eksact_core::guard::Guard::ALL.into();
                apply(&bed, &nothing).await;
                prop_assert_eq!(text(&bed, "mapRoles"), before);
            }
            Ok(())
        })?;
    }

    #[test]
    fn deletion_takes_one_principal_and_no_more(before in config_map(), number in 0usize..6) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let bed = hand_written();
            write(&bed, "mapRoles", Some(&before));
            let asked = deletion(&format!("arn:aws:iam::111122223333:role/team-{number}"), true);
            let planned = plan(&bed, &asked).await;
            prop_assume!(planned.may_be_applied());
            apply(&bed, &asked).await;
            let after = text(&bed, "mapRoles");
            let left = format!("role/team-{number}");
            prop_assert!(!after.contains(&left), "{}", after);
            foreign_lines_stay(&before, &after, &[number])
        })?;
    }
}
