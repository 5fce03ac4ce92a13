//! Any bytes as a kubeconfig: an update and a removal give a file that can be read again, or an error; nothing panics, and a
//! second update finds nothing to do.
#![no_main]

use eksact_core::kubeconfig::{
    Document, ExecApiVersion, ExecEntry, ExecTool, Names, NamingStyle, Selection, SignIn, Wanted, merge,
    remove,
};
use libfuzzer_sys::fuzz_target;

const ARN: &str = "arn:aws:eks:us-west-2:111122223333:cluster/bench";

fuzz_target!(|bytes: &[u8]| {
    let Ok(document) = Document::read("fuzz", bytes) else {
        return;
    };
    let selection = Selection {
        cluster: "bench".to_owned(),
        ..Selection::default()
    };
    if let Ok(removal) = remove(document.entries(), &selection)
        && let Ok(text) = document.edited(&removal.edits)
    {
        Document::read("fuzz", text.as_bytes()).expect("a removal leaves a kubeconfig");
    }
    for force in [false, true] {
        let wanted = wanted(force);
        let Ok(merged) = merge(document.entries(), &wanted) else {
            continue;
        };
        let Ok(text) = document.edited(&merged.edits) else {
            continue;
        };
        let after = Document::read("fuzz", text.as_bytes()).expect("an update leaves a kubeconfig");
        let again = merge(after.entries(), &wanted).expect("what was written is ours");
        assert_eq!(again.edits, [], "a second update finds nothing to do");
    }
});

fn wanted(force: bool) -> Wanted {
    let sign_in = SignIn {
        cluster: "bench".to_owned(),
        region: Some("us-west-2".to_owned()),
        role_arn: None,
        profile: Some("dev".to_owned()),
    };
    Wanted {
        names: Names::new(&NamingStyle::ClusterArn, ARN, &sign_in, Some("a"), None),
        server: "https://example.com".to_owned(),
        certificate_authority_data: Some("Q0EK".to_owned()),
        proxy_url: None,
        namespace: Some("app".to_owned()),
        exec: ExecEntry::new(
            ExecTool::Eksact,
            "eksact".to_owned(),
            &sign_in,
            ExecApiVersion::V1,
        ),
        sign_in,
        set_current: true,
        force,
    }
}
