//! The attributes of a change for people: plain values before and after, values that are not known yet with where they
//! come from, documents statement by statement.

use serde_json::Value;

use super::{
    page::{Page, Span},
    style::Label,
    text::cells,
};
use crate::engine::{Action, AttributeChange, Change, Difference, DifferenceSign, Effect};
use eksact_identity::iam::{policy, trust};

/// Where attributes begin.
pub(super) const ATTRIBUTE_INDENT: usize = 6;
/// Where the lines of a document begin, and values that do not fit beside their name.
const BELOW_INDENT: usize = ATTRIBUTE_INDENT + 4;
/// Names longer than this do not push the values of the others aside.
const LONGEST_ALIGNED_NAME: usize = 24;

/// Writes the attributes of `change`, values in one column.
pub(super) fn write_attributes(change: &Change, page: &mut Page) {
    let stack = stack_name(change);
    let rows: Vec<Row<'_>> = change
        .attributes
        .iter()
        .map(|attribute| Row::new(attribute, change.action, stack))
        .collect();
    let column = rows
        .iter()
        .filter(|row| !matches!(row.value, Shown::Document(_)))
        .map(|row| cells(&row.name))
        .filter(|width| *width <= LONGEST_ALIGNED_NAME)
        .max()
        .unwrap_or(0);
    for row in rows {
        row.write(column, page);
    }
}

/// The name of the stack that a change makes, where it makes one.
pub(super) fn stack_name(change: &Change) -> Option<&str> {
    let stack = change
        .attributes
        .iter()
        .find(|attribute| attribute.name == "stack")?;
    stack.after.as_ref()?.as_str()
}

/// One attribute as it is going to be written.
struct Row<'plan> {
    attribute: &'plan AttributeChange,
    name: String,
    action: Action,
    value: Shown<'plan>,
}

enum Shown<'plan> {
    /// One value: what is new, what goes, or what stays.
    One(Span),
    /// A value that becomes another.
    Two(Span, Span),
    /// Line by line.
    Document(&'plan [Difference]),
}

impl<'plan> Row<'plan> {
    fn new(attribute: &'plan AttributeChange, action: Action, stack: Option<&str>) -> Self {
        let after = match (&attribute.after, &attribute.after_unknown) {
            (_, Some(unknown)) => Some(Span::new(
                Label::Note,
                format!("({unknown}, known after it is created)"),
            )),
            (Some(value), None) => Some(Span::plain(shown(value))),
            (None, None) => None,
        };
        let trust = attribute
            .after
            .as_ref()
            .filter(|_| attribute.before.is_none())
            .and_then(usual_trust);
        let value = match (&attribute.before, after) {
            (None, _) if trust.is_some() => Shown::One(Span::plain(trust.unwrap_or_default())),
            _ if !attribute.differences.is_empty() => Shown::Document(&attribute.differences),
            (Some(before), Some(after)) if attribute.before != attribute.after => {
                Shown::Two(Span::plain(shown(before)), after)
            }
            (Some(value), _) => Shown::One(Span::plain(shown(value))),
            (None, Some(after)) => Shown::One(after),
            (None, None) => Shown::One(Span::plain("")),
        };
        // CloudFormation puts the stack's name before an inline policy's; it stands above already, and is long.
        let name = match stack {
            Some(stack) => attribute.name.replacen(&format!(" {stack}-"), " …-", 1),
            None => attribute.name.clone(),
        };
        Self {
            attribute,
            name,
            action,
            value,
        }
    }

    fn lead(&self, name: &str) -> [Span; 3] {
        let AttributeChange {
            before,
            after,
            after_unknown,
            ..
        } = self.attribute;
        let (sign, label) = match (before, after, after_unknown) {
            (None, Some(_), _) | (None, _, Some(_)) => ("+", Label::Create),
            (Some(_), None, None) => ("-", Label::Delete),
            // It is named for what is done to it, and stays the same: the name of a stack that is made again.
            (Some(_), Some(_), None) if matches!(self.value, Shown::One(_)) => (" ", Label::Plain),
            _ => ("~", Label::Update),
        };
        [
            Span::plain(" ".repeat(ATTRIBUTE_INDENT)),
            Span::new(label, sign),
            Span::plain(format!(" {name}")),
        ]
    }

    fn write(&self, column: usize, page: &mut Page) {
        let name = &self.name;
        let lead = self.lead(&format!(
            "{name}{}  ",
            " ".repeat(column.saturating_sub(cells(name)))
        ));
        match &self.value {
            Shown::One(value) => {
                let mut body = vec![value.clone()];
                body.extend(self.trailing());
                page.line(&lead, &body);
            }
            Shown::Two(before, after) => {
                let mut whole = vec![before.clone(), Span::plain(" → "), after.clone()];
                whole.extend(self.trailing());
                let beside: usize = lead.iter().map(Span::cells).sum();
                if page.fits(beside, &whole) {
                    page.line(&lead, &whole);
                    return;
                }
                // One below the other: what differs in two long ARNs is seen best that way.
                let both = [before.clone(), Span::plain(" "), after.clone()];
                let indent = if page.keeps_words(beside, &both) {
                    page.line(&lead, std::slice::from_ref(before));
                    beside
                } else {
                    page.line(&self.lead(name), &[]);
                    page.indented(BELOW_INDENT + 2, std::slice::from_ref(before));
                    BELOW_INDENT + 2
                };
                let mut body = vec![after.clone()];
                body.extend(self.trailing());
                page.line(&[Span::plain(format!("{}→ ", " ".repeat(indent - 2)))], &body);
            }
            Shown::Document(lines) => {
                let [indent, sign, _] = self.lead("");
                let mut body = vec![Span::plain(name)];
                body.extend(self.trailing());
                page.line(&[indent, sign, Span::plain(" ")], &body);
                for line in *lines {
                    write_difference(line, self.action, page);
                }
            }
        }
    }

    /// What stands behind the value: its meaning for access, unless the lines below tell it, and the remark.
    fn trailing(&self) -> Vec<Span> {
        let told_below =
            matches!(self.value, Shown::Document(lines) if lines.iter().any(|line| line.effect.is_some()));
        let effect = self.attribute.effect.filter(|_| !told_below);
        let remark = self.attribute.remark.as_ref();
        effect_mark(effect, self.action)
            .into_iter()
            .chain(remark.map(|remark| Span::new(Label::Dim, format!("  ({remark})"))))
            .collect()
    }
}

fn write_difference(line: &Difference, action: Action, page: &mut Page) {
    let (sign, label) = match line.sign {
        DifferenceSign::Added => ("+ ", Label::Create),
        DifferenceSign::Removed => ("- ", Label::Delete),
        DifferenceSign::Context => ("  ", Label::Plain),
    };
    // A line may bring an indentation of its own: a list below its statement.
    let text = line.text.trim_start_matches(' ');
    let own = line.text.len() - text.len();
    let indent = BELOW_INDENT + 2 * usize::from(line.indent).min(8) + own.min(16);
    let mut body = vec![Span::plain(text)];
    body.extend(effect_mark(line.effect, action));
    page.line(&[Span::plain(" ".repeat(indent)), Span::new(label, sign)], &body);
}

/// What it means for access, in words. What is new as a whole gives access by its nature, and what goes takes it: there
/// only the opposite is worth a word.
pub(super) fn effect_words(effect: Effect, action: Action) -> Option<&'static str> {
    match (effect, action) {
        (Effect::Equal, _)
        | (Effect::Broader | Effect::Incomparable, Action::Create)
        | (Effect::Narrower, Action::Delete) => None,
        (Effect::Broader, _) => Some("BROADER"),
        (Effect::Incomparable, _) => Some("BROADER?"),
        (Effect::Narrower, _) => Some("narrower"),
    }
}

fn effect_mark(effect: Option<Effect>, action: Action) -> Option<Span> {
    let effect = effect?;
    let words = effect_words(effect, action)?;
    Some(Span::new(effect.into(), format!("  {words}")))
}

/// A value as people write it: text without quotes, lists with commas, the rest as JSON.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items)
            if !items.is_empty() && items.iter().all(|item| !item.is_object() && !item.is_array()) =>
        {
            items.iter().map(shown).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// Whom a new trust policy lets in, in one line, if it is exactly what eksctl and eksact write for a service account:
/// every such role has one, and written out it hides what is special about the others.
pub(super) fn usual_trust(document: &Value) -> Option<String> {
    let statement = document.get("Statement")?.get(0)?;
    let provider = statement.get("Principal")?.get("Federated")?.as_str()?;
    let (_, issuer) = provider.split_once(":oidc-provider/")?;
    let subject = |operator: &str| {
        let subject = statement
            .get("Condition")?
            .get(operator)?
            .get(format!("{issuer}:sub"))?
            .as_str()?;
        subject.strip_prefix("system:serviceaccount:")?.split_once(':')
    };
    let exact = subject("StringEquals");
    let (namespace, name) = exact.or_else(|| subject("StringLike"))?;
    let pattern = exact.is_none().then_some(name);
    let usual = trust::irsa_trust_policy(provider, issuer, namespace, name, pattern);
    let accounts = if pattern.is_some() {
        "service accounts"
    } else {
        "service account"
    };
    policy::equal(document, &usual).then(|| format!("{accounts} {namespace}/{name} of {issuer}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn trust_policy_is_told_in_short_only_if_usual() {
        let provider = "arn:aws:iam::111122223333:oidc-provider/oidc.example/id/1";
        let exact = trust::irsa_trust_policy(provider, "oidc.example/id/1", "app", "reader", None);
        assert_eq!(
            usual_trust(&exact).as_deref(),
            Some("service account app/reader of oidc.example/id/1")
        );
        let pattern = trust::irsa_trust_policy(provider, "oidc.example/id/1", "app", "x", Some("job-*"));
        assert_eq!(
            usual_trust(&pattern).as_deref(),
            Some("service accounts app/job-* of oidc.example/id/1")
        );

        let with = |change: fn(&mut Value)| {
            let mut document = exact.clone();
            change(&mut document);
            usual_trust(&document)
        };
        assert_eq!(
            with(|document| document["Statement"][0]["Principal"]["AWS"] = json!("*")),
            None
        );
        assert_eq!(
            with(|document| document["Statement"][0]["Action"] = json!("sts:*")),
            None
        );
        let second = |document: &mut Value| {
            let statement = document["Statement"][0].clone();
            document["Statement"] = json!([statement, {"Effect": "Allow", "Action": "*", "Principal": "*"}]);
        };
        assert_eq!(with(second), None);
        assert_eq!(usual_trust(&json!({"Statement": []})), None);
    }

    #[test]
    fn values_as_people_write_them() {
        assert_eq!(shown(&json!("")), "\"\"");
        assert_eq!(shown(&json!(["a", "b"])), "a, b");
        assert_eq!(shown(&json!({"a": [1]})), "{\"a\":[1]}");
        assert_eq!(shown(&json!(true)), "true");
    }
}
