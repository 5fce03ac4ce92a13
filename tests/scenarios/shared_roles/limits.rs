//! How long a trust policy may be: told before the write.

use eksact_core::engine::Severity;
use eksact_identity::iam::shared_trust;
use serde_json::json;

use super::{ROLE, WEB, by_hand, codes, edit, seen_by, sharing, trust_policy, world};
use crate::scenarios::stage::{again, apply, carry_out, plan, sandbox};

/// The limit is told before the write, from the account's own quota where IAM tells it.
#[tokio::test(start_paused = true)]
async fn shared_role_length_is_told_before_the_write() {
    let padded = |characters: usize| {
        let mut policy = by_hand();
        let room = characters - shared_trust::length(&policy);
        policy["Id"] = json!(format!("made by hand{}", "x".repeat(room)));
        policy
    };
    let own = 460;
    // Length with our statement, the account's quota, whether it may be read; what is said.
    let cases: [(usize, usize, bool, &[&str], &[&str]); 8] = [
        (2_048, 2_048, true, &[], &[]),
        (2_049, 2_048, true, &["trust-policy-too-long"], &[]),
        (4_096, 4_096, true, &[], &[]),
        (4_097, 4_096, true, &["trust-policy-too-long"], &[]),
        (2_048, 2_048, false, &[], &[]),
        (2_049, 4_096, false, &[], &["trust-policy-long"]),
        (8_193, 8_192, false, &["trust-policy-too-long"], &[]),
        (3_000, 4_096, true, &[], &[]),
    ];
    for (characters, quota, readable, errors, warnings) in cases {
        let name = format!("{characters} of {quota}, {readable}");
        let bed = sandbox(world(&["blue"]));
        let blue = seen_by(&bed, "blue");
        edit(&bed, |policy| *policy = padded(characters - own - 1));
        bed.edit(|world| {
            world.quotas.trust_policy_bytes = quota;
            if !readable {
                world.denied.insert("iam:GetAccountSummary".to_owned());
            }
        })
        .unwrap();
        let wanted = sharing("blue", WEB);
        let planned = plan(&blue, &wanted).await;
        assert_eq!(
            codes(&planned, Severity::Error),
            errors,
            "{name}: {:?}",
            planned.findings
        );
        assert_eq!(codes(&planned, Severity::Warning), warnings, "{name}");
        for finding in planned
            .findings
            .iter()
            .filter(|finding| finding.code.as_str().starts_with("trust-policy"))
        {
            assert!(
                finding.message.contains(&format!("{characters} characters")),
                "{name}: {}",
                finding.message
            );
            assert!(
                finding.message.contains("460 of them"),
                "{name}: {}",
                finding.message
            );
            // Beyond what any account has, only a shorter policy helps.
            let help = finding.help.as_ref().unwrap();
            assert_eq!(help.contains("L-C07B4B0D"), characters <= 8_192, "{name}: {help}");
            assert_eq!(
                help.contains("--desired-value 8192"),
                (4_097..=8_192).contains(&characters),
                "{name}: {help}"
            );
        }
        assert_eq!(
            blue.faults().count("GetAccountSummary"),
            usize::from(characters > 2_048),
            "{name}"
        );
        if errors.is_empty() {
            apply(&blue, &again(&wanted, 2)).await;
            assert_eq!(
                shared_trust::length(&trust_policy(&bed, ROLE)),
                characters,
                "{name}"
            );
        }
    }
    // A policy that is longer than what IAM tells proves another quota; and IAM's own refusal is in clear words.
    let bed = sandbox(world(&["blue"]));
    let blue = seen_by(&bed, "blue");
    edit(&bed, |policy| *policy = padded(2_100));
    bed.edit(|world| world.quotas.trust_policy_bytes = 2_048).unwrap();
    let wanted = sharing("blue", WEB);
    let planned = plan(&blue, &wanted).await;
    assert_eq!(codes(&planned, Severity::Warning), ["trust-policy-long"]);
    let report = carry_out(&blue, &planned, &wanted).await;
    let (_, error) = report.failed.first().unwrap();
    assert!(
        error.message.contains("2561 characters") && error.message.contains("ACLSizePerRole: 2048"),
        "{error}"
    );
    assert!(error.help[0].contains("--quota-code L-C07B4B0D"), "{error:?}");
}
