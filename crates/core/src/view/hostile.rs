//! Plans whose texts try to break out of a view.

use eksact_message::code::Code;
use serde_json::json;

use super::samples;
use crate::engine::{
    AccessDelta, Action, Address, AttributeChange, DifferenceSign, Effect, Finding, HolderDelta, HolderKind,
    Plan, Severity,
};

/// What breaks out of other views.
pub(super) const HOSTILE: [&str; 24] = [
    "`",
    "``` ",
    "````diff",
    "~~~",
    "</details>",
    "</summary></details>",
    "@team",
    "@org/team",
    "|",
    "\n",
    "\r\n\r\n",
    "<script>alert(1)</script>",
    "<!--",
    "-->",
    "<img src=x onerror=alert(1)>",
    "\u{202e}evil",
    "\u{200b}",
    "#12",
    "[x](javascript:alert(1))",
    "![x](http://x)",
    "http://evil.example",
    "**",
    "&lt;",
    "\\",
];

/// A plan of `count` changes in which every text is one of `texts`.
pub(super) fn plan_of(count: usize, texts: &[String]) -> Plan {
    let mut draft = samples::draft();
    let text = |at: usize| texts[at % texts.len()].as_str();
    draft.set_target("cluster", text(0));
    for index in 0..count {
        let address = Address::new("iam-role", format!("{index}/{}", text(index)));
        let action = Action::ALL[index % Action::ALL.len()];
        let effect = (index % 5 == 0).then_some(Effect::Broader);
        let mut attributes = vec![AttributeChange::plain(
            format!("label {}", text(index + 1)),
            (index % 2 == 0).then(|| json!(text(index + 2))),
            (index % 3 != 1).then(|| json!([text(index + 3)])),
        )];
        if let Some(effect) = effect {
            attributes.push(
                AttributeChange::plain(
                    text(index + 4),
                    None,
                    Some(json!({text(index): [text(index + 1)]})),
                )
                .with_effect(effect)
                .with_remark(text(index + 5))
                .with_differences(vec![
                    samples::difference(DifferenceSign::Added, 0, text(index + 6), Some(effect)),
                    samples::difference(DifferenceSign::Context, 1, text(index + 7), None),
                    samples::difference(DifferenceSign::Removed, 9, text(index + 8), None),
                ]),
            );
        }
        samples::add(
            &mut draft,
            (action, &address),
            &[("x", text(index + 9))],
            attributes,
            &[text(index + 10), "two"],
            Some(1),
            &[text(index + 11)],
        );
        if index % 50 == 0 {
            for severity in [
                Severity::Note,
                Severity::Warning,
                Severity::Error,
                Severity::Refusal,
            ] {
                draft.add_finding(
                    Finding::new(severity, Code::NoPolicy, text(index + 12))
                        .about(&address)
                        .with_help(text(index + 13)),
                );
            }
        }
    }
    let mut plan = draft.finish(text(14)).unwrap();
    plan.access = Some(AccessDelta {
        complete: false,
        people: (0..count)
            .map(|index| HolderDelta {
                kind: HolderKind::ServiceAccount,
                who: text(index).to_owned(),
                gains: vec![text(index + 1).to_owned()],
                loses: vec![text(index + 2).to_owned()],
            })
            .collect(),
        unread: vec![text(15).to_owned()],
    });
    plan
}
