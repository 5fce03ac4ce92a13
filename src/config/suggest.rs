//! The nearest known word to a mistaken one, and where a known field belongs. Words only; no tree.

use super::document::DocumentKind;
use super::fields::{ObjectType, places};
use super::path::FieldPath;
use crate::remedy::Remedy;

/// Longer words get no suggestion: nobody mistypes them, and comparing them costs time.
const LONGEST_WORD: usize = 64;

/// The candidate that `word` was meant to be: equal but for case, or a few edits away.
pub(super) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<&'a str> {
    if word.is_empty() || word.len() > LONGEST_WORD {
        return None;
    }
    let plain = |text: &str| text.replace(['-', '_'], "").to_lowercase();
    let wanted = plain(word);
    if let Some(same) = candidates
        .clone()
        .into_iter()
        .find(|candidate| plain(candidate) == wanted)
    {
        return Some(same);
    }
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &plain(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len().min(word.len()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// What to do about a key that the type does not have.
pub(super) fn for_unknown_key(
    key: &str,
    kind: DocumentKind,
    object: &ObjectType,
    path: &FieldPath,
) -> Option<Remedy> {
    let names = || object.fields.iter().map(|field| field.name.as_str());
    if let Some(same) = names().find(|name| name.eq_ignore_ascii_case(key)) {
        return Some(remedy!("did you mean `{same}`? Keys are case-sensitive"));
    }
    if let Some(place) = nearest_place(key, kind, path) {
        return Some(remedy!("`{key}` belongs to {place}"));
    }
    if let Some(name) = nearest(key, names()) {
        return Some(remedy!("did you mean `{name}`?"));
    }
    let mut others = DocumentKind::ALL.into_iter().filter(|other| *other != kind);
    if let Some((other, place)) = others.find_map(|other| Some((other, places(other).get(key)?.first()?))) {
        let parent = place.rsplit_once('.').map_or("the root", |(parent, _)| parent);
        return Some(remedy!("`{key}` belongs to {parent} of a {}", other.name()));
    }
    match object.fields.len() {
        1..=14 => Some(remedy!("the keys here are {}", list(names()))),
        _ => None,
    }
}

/// The place of a field of this name that is nearest to `path`.
fn nearest_place(key: &str, kind: DocumentKind, path: &FieldPath) -> Option<String> {
    let here = generic(&path.to_string());
    let common = |place: &str| {
        place
            .split('.')
            .zip(here.split('.'))
            .take_while(|(a, b)| a == b)
            .count()
    };
    // Where much of the way is shared; else among what eksact manages; else the first, which is the shortest.
    let managed = |place: &str| match place.split(['.', '[']).next() {
        Some("iam") if place.starts_with("iam.serviceAccounts") => 2,
        Some("iam" | "metadata" | "iamIdentityMappings") => 1,
        _ => 0,
    };
    let places = places(kind).get(key)?;
    let best = places
        .iter()
        .rev()
        .max_by_key(|place| (common(place), managed(place)))?;
    let (parent, _) = best.rsplit_once('.').unwrap_or(("the root of the file", ""));
    Some(parent.to_owned())
}

/// `iam.serviceAccounts[3].metadata` as `iam.serviceAccounts[].metadata`.
fn generic(path: &str) -> String {
    let mut text = String::new();
    let mut in_index = false;
    for character in path.chars() {
        in_index = in_index && character != ']';
        if !in_index {
            text.push(character);
        }
        in_index = in_index || character == '[';
    }
    text
}

/// `a`, `b` and `c`.
pub(super) fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::fields::types;

    fn help(key: &str, type_name: &str, path: &str) -> String {
        let kind = DocumentKind::ClusterConfig;
        let found = for_unknown_key(key, kind, &types(kind)[type_name], &FieldPath::of(path));
        found.map(|help| help.to_string()).unwrap_or_default()
    }

    #[test]
    fn finds_what_was_meant() {
        assert_eq!(
            help("attachPolicyArns", "ClusterIAMServiceAccount", "iam"),
            "did you mean `attachPolicyARNs`? Keys are case-sensitive"
        );
        assert_eq!(
            help("attachPolicyARN", "ClusterIAMServiceAccount", "iam"),
            "did you mean `attachPolicyARNs`?"
        );
        assert_eq!(
            help("service-accounts", "ClusterIAM", "iam"),
            "did you mean `serviceAccounts`?"
        );
        assert_eq!(
            help("roleName", "ClusterMeta", "metadata"),
            "`roleName` belongs to iam.serviceAccounts[]"
        );
        assert_eq!(
            help("labels", "ClusterIAMServiceAccount", "iam.serviceAccounts"),
            "`labels` belongs to iam.serviceAccounts[].metadata"
        );
        assert_eq!(help("withOIDC", "ClusterConfig", ""), "`withOIDC` belongs to iam");
        assert_eq!(
            help("apiVersion", "ClusterMeta", "metadata"),
            "`apiVersion` belongs to the root of the file"
        );
        assert_eq!(help("zzz", "ClusterConfig", ""), "");
    }

    #[test]
    fn a_long_word_costs_nothing() {
        assert_eq!(nearest(&"a".repeat(1_000_000), ["aaa"]), None);
    }
}
