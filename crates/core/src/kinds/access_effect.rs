//! From the difference of two policy documents to the lines and effects of a plan.

use serde_json::Value;

use crate::engine::{AttributeChange, Difference, DifferenceSign, Effect};
use eksact_identity::iam::policy::{self, AccessEffect, LineSign, StatementSign};

/// An attribute that is a policy document, with its difference statement by statement.
pub fn document_change(
    name: impl Into<String>,
    before: Option<&Value>,
    after: Option<&Value>,
) -> AttributeChange {
    let difference = policy::difference(before, after);
    let mut lines: Vec<Difference> = difference
        .document
        .iter()
        .map(|line| Difference {
            sign: sign_of(line.sign),
            indent: 0,
            text: line.text.clone(),
            effect: None,
        })
        .collect();
    for statement in &difference.statements {
        let head_sign = match statement.sign {
            StatementSign::Added => DifferenceSign::Added,
            StatementSign::Removed => DifferenceSign::Removed,
            StatementSign::Changed => DifferenceSign::Context,
        };
        for (index, line) in statement.lines.iter().enumerate() {
            lines.push(Difference {
                sign: if index == 0 { head_sign } else { sign_of(line.sign) },
                indent: u8::from(index > 0),
                text: line.text.clone(),
                effect: (index == 0).then(|| effect_of(statement.access)),
            });
        }
    }
    AttributeChange::plain(name, before.cloned(), after.cloned())
        .with_differences(lines)
        .with_effect(effect_of(difference.access))
}

/// The plan's word for what the policy room found.
pub fn effect_of(access: AccessEffect) -> Effect {
    match access {
        AccessEffect::Broader => Effect::Broader,
        AccessEffect::Narrower => Effect::Narrower,
        AccessEffect::Equal => Effect::Equal,
        AccessEffect::Incomparable => Effect::Incomparable,
    }
}

fn sign_of(sign: LineSign) -> DifferenceSign {
    match sign {
        LineSign::Plus => DifferenceSign::Added,
        LineSign::Minus => DifferenceSign::Removed,
        LineSign::Context => DifferenceSign::Context,
    }
}
