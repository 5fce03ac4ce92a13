//! A saved plan of a part: applied it changes exactly its part, and it stays a part however late it is applied.

use std::collections::BTreeSet;

use eksact_core::{
    engine::{Plan, Targets},
    kinds::Request,
    saved::{SavedPlan, apply::Standing},
};

use super::{Ended, apply_saved, bed, more, saved};
use crate::scenarios::stage::plan;

fn part_of(request: &Request, target: &str) -> Request {
    let mut request = request.clone();
    request.settings.targets = Targets {
        targets: vec![target.to_owned()],
        excluded: Vec::new(),
    };
    request
}

fn changed(plan: &Plan) -> BTreeSet<String> {
    let addresses = plan.changes.iter().map(|change| change.address.to_string());
    addresses.collect()
}

#[tokio::test(start_paused = true)]
async fn saved_part_is_applied_and_nothing_else() {
    let bed = bed();
    let whole = changed(&plan(&bed, &more()).await);
    let made = saved(&bed, &part_of(&more(), "service-account/other/more")).await;
    let loaded = SavedPlan::load(made.document().as_bytes()).unwrap();
    assert_eq!(loaded.digest(), made.digest());
    assert_eq!(loaded.plan.partial, made.plan.partial);
    let part = changed(&loaded.plan);
    let left_out = &loaded.plan.partial.as_ref().unwrap().left_out;
    let left_out: BTreeSet<String> = left_out.iter().map(ToString::to_string).collect();
    assert!(
        part.contains("service-account/other/more") && part.contains("iam-role/other/more"),
        "{part:?}"
    );
    assert!(left_out.contains("service-account/app/web"), "{left_out:?}");

    let ended = apply_saved(&bed, &loaded, "one").await;
    assert!(ended.is_applied(), "{ended:#?}");
    // What is left to do is what the part left out, no more and no less.
    assert_eq!(changed(&plan(&bed, &more()).await), left_out);
    assert_eq!(&part | &left_out, whole);

    let again = apply_saved(&bed, &loaded, "two").await;
    assert!(matches!(again, Ended::Not(Standing::Done(..))), "{again:#?}");
}
