//! The rights that a run over a file needs.

use crate::commands::place::{Place, READ_ONLY};

#[test]
fn permissions_say_when_their_policy_is_too_long_for_iam() {
    let place = Place::new();
    let file = |count: usize| {
        let accounts: Vec<String> = (0..count)
            .map(|number| {
                format!(
                    "{{metadata: {{name: account-{number:02}, namespace: app}}, attachPolicyARNs: [{READ_ONLY}]}}"
                )
            })
            .collect();
        let accounts: Vec<&str> = accounts.iter().map(String::as_str).collect();
        place.write_accounts("many.yaml", &accounts);
    };
    for (count, run, is_long) in [(5, "apply", false), (40, "plan", false), (40, "apply", true)] {
        file(count);
        let ended = place.run(&["permissions", "--for", run, "-f", "many.yaml", "-o", "json"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let told = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(
            told.contains("divide its statements among several managed policies"),
            is_long,
            "{count} {run}: {told}"
        );
    }
}
