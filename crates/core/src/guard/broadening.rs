//! What a pipeline may do by itself (`--allow-broadening`): a plan that gives more access is refused, or applied only where its
//! digest was approved. No `--allow` passes this, as it is there to bind who writes the command line.

use eksact_message::code::Code;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    config::{Located, cluster_access::AllowBroadening},
    engine::{
        AttributeChange, Change, Difference, DifferenceSign, Effect, Finding, Plan, PlanDraft, Severity,
    },
};

/// How many lines of one attribute a message quotes.
const QUOTED: usize = 3;

/// What may be done, and who says so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BroadeningRule {
    allow: AllowBroadening,
    set_by: String,
}

impl BroadeningRule {
    /// The rule that `set_by` sets, as a command line or file writes it: `--allow-broadening never`.
    pub fn new(allow: AllowBroadening, set_by: impl Into<String>) -> Self {
        Self {
            allow,
            set_by: set_by.into(),
        }
    }

    /// The rule of a file.
    pub fn of_file(setting: &Located<AllowBroadening>) -> Self {
        let words = format!("`allowBroadening: {}`", setting.value.as_str());
        Self::new(
            setting.value,
            match &setting.location {
                Some(place) => format!("{words} of {}:{}", place.file, place.line),
                None => words,
            },
        )
    }

    /// The stricter of the two.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        if other.allow > self.allow { other } else { self }
    }

    /// Whether more access may be given; `approved` says that the plan is a saved one whose digest somebody approved.
    pub fn permits(&self, approved: bool) -> bool {
        match self.allow {
            AllowBroadening::Always => true,
            AllowBroadening::Approved => approved,
            AllowBroadening::Never => false,
        }
    }

    /// What refuses these changes: a finding for each that gives more access, or may.
    fn refusals<'change>(
        &self,
        changes: impl Iterator<Item = &'change Change>,
        approved: bool,
    ) -> Vec<Finding> {
        if self.permits(approved) {
            return Vec::new();
        }
        let mut broadening: Vec<&Change> = changes.filter(|change| change.effect.broadens()).collect();
        broadening.sort_by_key(|change| &change.address);
        let mut refusals: Vec<Finding> = broadening
            .into_iter()
            .map(|change| {
                Finding::new(
                    Severity::Refusal,
                    Code::AccessBroadened,
                    format!("{}; {} refuses it", what_broadens(change), self.set_by),
                )
                .about(&change.address)
                .at(change.source.as_ref())
            })
            .collect();
        // Once is enough: it is the same for all.
        if let Some(last) = refusals.pop() {
            refusals.push(last.with_help(match self.allow {
                AllowBroadening::Approved => remedy!(
                    "If this access is wanted, save the plan, `eksact plan -f FILE --out PLAN` or the same command with --out PLAN, have it \
                     approved, and apply it with --expect and its digest."
                ),
                _ => remedy!(
                    "If this access is wanted, review it and run again without {}.",
                    self.set_by
                ),
            }));
        }
        refusals
    }
}

/// Adds what the rule refuses of every plan, however it is applied: a plan that is only shown may be approved later.
pub(crate) fn check(rule: &BroadeningRule, draft: &mut PlanDraft) {
    for refusal in rule.refusals(draft.changes().iter(), true) {
        draft.add_finding(refusal);
    }
}

/// The plan with what the rule refuses when it is applied; `approved` as for [`BroadeningRule::permits`].
#[must_use]
pub fn when_applied(mut plan: Plan, rule: &BroadeningRule, approved: bool) -> Plan {
    let already = plan
        .findings_of(Severity::Refusal)
        .any(|finding| finding.code == Code::AccessBroadened);
    if !already {
        let refusals = rule.refusals(plan.changes.iter(), approved);
        // Behind the errors, where the plan has its refusals.
        let place = plan
            .findings
            .partition_point(|finding| finding.severity >= Severity::Refusal);
        plan.findings.splice(place..place, refusals);
    }
    plan
}

/// What of a change gives more access, in one line.
fn what_broadens(change: &Change) -> String {
    let parts: Vec<String> = change
        .attributes
        .iter()
        .filter(|attribute| attribute.effect.is_some_and(Effect::broadens))
        .map(in_words)
        .collect();
    let verb = match change.effect {
        Effect::Incomparable => "may give more access",
        _ => "gives more access",
    };
    if parts.is_empty() {
        verb.to_owned()
    } else {
        format!("{verb}: {}", parts.join("; "))
    }
}

/// The attribute with what it gives: the lines of its difference that do, else its value.
fn in_words(attribute: &AttributeChange) -> String {
    let lines = quoted(&attribute.differences);
    let name = &attribute.name;
    if let Some(Value::String(value)) = attribute.after.as_ref().filter(|_| lines.is_empty()) {
        return format!("{name} {value}");
    }
    match lines.len() {
        0 => name.clone(),
        count if count > QUOTED => {
            format!(
                "{name}: {}, and {} more lines",
                lines[..QUOTED].join(", "),
                count - QUOTED
            )
        }
        _ => format!("{name}: {}", lines.join(", ")),
    }
}

/// The lines that give more access. One that stays says what the lines below it belong to, and is quoted with them.
fn quoted(differences: &[Difference]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut within: Option<u8> = None;
    for line in differences {
        if within.is_some_and(|indent| line.indent > indent) {
            let sign = match line.sign {
                DifferenceSign::Added => "+",
                DifferenceSign::Removed => "-",
                DifferenceSign::Context => continue,
            };
            if let Some(last) = found.last_mut() {
                *last = format!("{last} {sign} {}", line.text);
            }
            continue;
        }
        within = None;
        if line.effect.is_some_and(Effect::broadens) {
            within = (line.sign == DifferenceSign::Context).then_some(line.indent);
            found.push(line.text.clone());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_permits_what_its_table_says() {
        use AllowBroadening::{Always, Approved, Never};
        for (allow, unapproved, approved) in [
            (Always, true, true),
            (Approved, false, true),
            (Never, false, false),
        ] {
            let rule = BroadeningRule::new(allow, "it");
            assert_eq!(
                (rule.permits(false), rule.permits(true)),
                (unapproved, approved),
                "{allow:?}"
            );
        }
    }

    #[test]
    fn stricter_rule_wins_whichever_comes_first() {
        for first in AllowBroadening::ALL {
            for second in AllowBroadening::ALL {
                let both = BroadeningRule::new(first, "first").and(BroadeningRule::new(second, "second"));
                let by = if second > first { "second" } else { "first" };
                assert_eq!(both, BroadeningRule::new(first.max(second), by));
            }
        }
    }
}
