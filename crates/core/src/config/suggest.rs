//! The nearest known word to a mistaken one, and where a known field belongs. Words only; no tree.

use std::cmp::Reverse;

use super::document::DocumentKind;
use super::fields::{FieldType, ObjectType, is_acted_on, places};
use super::path::FieldPath;
use eksact_message::remedy::Remedy;

/// Longer words get no suggestion: nobody mistypes them, and comparing them costs time.
const LONGEST_WORD: usize = 64;
/// Words that cost more are not alike.
const HIGHEST_COST: usize = 340;
/// The same where the word has a known one in it, and says more.
const HIGHEST_COST_OF_MORE: usize = 700;
/// One letter more, less, other or swapped, or the plural.
const ONE_EDIT: usize = 60;
/// The most words that are offered at once.
const MOST_WORDS: usize = 3;
/// Types with more keys than this are not listed.
const MOST_KEYS: usize = 16;

/// What an unknown key was meant to be.
#[derive(Clone, Debug)]
pub(super) struct Suggestion {
    /// What to do.
    pub(super) help: Remedy,
    /// The path of what was meant, where one thing was.
    pub(super) meant: Option<FieldPath>,
}

/// The candidate that `word` was meant to be.
pub(super) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    alike(word, candidates, HIGHEST_COST).first().copied()
}

/// The candidates that `word` may be meant to be, all as near as one another.
fn alike<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>, highest: usize) -> Vec<&'a str> {
    let wanted = plain(word);
    if wanted.is_empty() || word.len() > LONGEST_WORD {
        return Vec::new();
    }
    let mut best = highest;
    let mut found = Vec::new();
    for candidate in candidates {
        let Some(cost) = cost(&wanted, &plain(candidate)).filter(|cost| *cost <= best) else {
            continue;
        };
        if cost < best {
            found.clear();
        }
        best = cost;
        found.push(candidate);
    }
    found
}

/// A word without what people write otherwise: case, hyphens, underscores, blanks and characters that nobody sees.
fn plain(word: &str) -> String {
    word.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// How far a plain word is from a known one, in thousandths; none where they have nothing to do with each other.
fn cost(one: &str, other: &str) -> Option<usize> {
    if one == other {
        return Some(0);
    }
    if is_plural(one, other) || is_plural(other, one) {
        return Some(ONE_EDIT);
    }
    let (shorter, longer) = (one.len().min(other.len()), one.len().max(other.len()));
    if longer > LONGEST_WORD {
        return None;
    }
    let distance = strsim::damerau_levenshtein(one, other);
    let has_same_start = one.chars().next() == other.chars().next();
    let is_near =
        shorter >= 4 || shorter >= 2 && (has_same_start || shorter < longer) || is_swapped(one, other);
    if distance == 1 && is_near {
        return Some(ONE_EDIT);
    }
    // A part of the word, as `types` of `enableTypes`; or more than the word, as `rolearn` where it is `arn`.
    let part = 500 * (longer - shorter) / longer;
    let is_part = |part: &str, whole: &str| {
        whole.starts_with(part) || whole.ends_with(part) || part.len() > 4 && whole.contains(part)
    };
    let by_part = (one.len() >= 4 && is_part(one, other)).then_some(part);
    let by_more = (other.len() >= 3 && is_part(other, one)).then_some(HIGHEST_COST + 1 + part);
    let by_distance = (shorter >= 4 && distance <= shorter / 3).then(|| 1000 * distance / longer);
    let costs = [by_part, by_more, by_distance];
    costs
        .into_iter()
        .flatten()
        .min()
        .map(|cost| cost.max(ONE_EDIT + 1))
}

fn is_plural(plural: &str, singular: &str) -> bool {
    plural.strip_suffix('s') == Some(singular)
        || plural.strip_suffix("es") == Some(singular)
        || plural
            .strip_suffix("ies")
            .is_some_and(|stem| singular.strip_suffix('y') == Some(stem))
}

fn is_swapped(one: &str, other: &str) -> bool {
    let sorted = |word: &str| {
        let mut letters: Vec<char> = word.chars().collect();
        letters.sort_unstable();
        letters
    };
    sorted(one) == sorted(other)
}

/// What to do about a key that the type does not have: the nearest one of this place, else where it belongs.
pub(super) fn for_unknown_key(
    key: &str,
    kind: DocumentKind,
    object: &ObjectType,
    path: &FieldPath,
) -> Option<Suggestion> {
    let names = || object.fields.iter().map(|field| field.name.as_str());
    if let Some(same) = names().find(|name| name.eq_ignore_ascii_case(key)) {
        return Some(Suggestion {
            help: remedy!("did you mean `{same}`? Keys are case-sensitive"),
            meant: Some(path.key(same)),
        });
    }
    let here = |highest| of_this_place(alike(key, names(), highest), path);
    // What stands among switches is a choice: another word is none of them, wherever else it may belong.
    let of_other_places = |suggestion: fn(&str, DocumentKind, &FieldPath) -> Option<Suggestion>| {
        if is_choice(object) {
            None
        } else {
            suggestion(key, kind, path)
        }
    };
    here(ONE_EDIT)
        .or_else(|| of_other_places(nearby))
        .or_else(|| here(HIGHEST_COST))
        .or_else(|| of_other_places(elsewhere))
        .or_else(|| here(HIGHEST_COST_OF_MORE))
        .or_else(|| of_other_places(like_elsewhere))
        .or_else(|| {
            (1..=MOST_KEYS)
                .contains(&object.fields.len())
                .then(|| Suggestion {
                    help: remedy!("the keys here are {}", list(names())),
                    meant: None,
                })
        })
}

/// Switches beside each other, such as the well-known policies.
fn is_choice(object: &ObjectType) -> bool {
    object.fields.len() > 2
        && object
            .fields
            .iter()
            .all(|field| field.holds == FieldType::Boolean)
}

fn of_this_place(found: Vec<&str>, path: &FieldPath) -> Option<Suggestion> {
    let meant = match found.as_slice() {
        [one] => Some(path.key(one)),
        _ => None,
    };
    (1..=MOST_WORDS).contains(&found.len()).then(|| Suggestion {
        help: did_you_mean(found),
        meant,
    })
}

/// What to do about a word that was to be one of these.
pub(super) fn did_you_mean<'a>(words: impl IntoIterator<Item = &'a str>) -> Remedy {
    remedy!("did you mean {}?", one_of(words))
}

/// A key of what encloses this place, or of what stands one level below it.
fn nearby(key: &str, kind: DocumentKind, path: &FieldPath) -> Option<Suggestion> {
    let place = nearest_place(key, kind, path)?;
    let (up, down) = way(path, place);
    (down == 0 || (up, down) == (0, 1)).then(|| belonging(key, place, path))
}

/// A key of any place of this kind of document. In a section that eksact manages, the same key of such a one is meant, or one
/// that begins or ends so, rather than one of a section that has nothing to do with it.
fn elsewhere(key: &str, kind: DocumentKind, path: &FieldPath) -> Option<Suggestion> {
    let place = nearest_place(key, kind, path)?;
    if path.depth() == 0 || !is_acted_on(kind, path) {
        return Some(belonging(key, place, path));
    }
    if let Some(place) = nearest_managed_place(key, kind, path) {
        return Some(belonging(key, place, path));
    }
    Some(match part_of_managed(key, kind, path) {
        Some((name, place)) => meant_elsewhere(name, place, path),
        None => belonging(key, place, path),
    })
}

/// The nearest key of a section that eksact manages that `key` is but for the case, or else the begin or the end of.
fn part_of_managed(key: &str, kind: DocumentKind, path: &FieldPath) -> Option<(&'static str, &'static str)> {
    let wanted = plain(key);
    places(kind)
        .keys()
        .filter(|name| {
            let name = plain(name);
            wanted.len() >= 4 && (name.starts_with(&wanted) || name.ends_with(&wanted))
        })
        .filter_map(|name| Some((name.as_str(), nearest_managed_place(name, kind, path)?)))
        .min_by_key(|(name, place)| {
            let is_part = plain(name) != wanted;
            (
                is_part,
                way(path, place),
                Reverse(weight(kind, place, path)),
                name.len(),
            )
        })
}

/// A key of the other kinds of documents, or one of this kind that is like it.
fn like_elsewhere(key: &str, kind: DocumentKind, path: &FieldPath) -> Option<Suggestion> {
    let names = places(kind).keys().map(String::as_str);
    let like = alike(key, names, HIGHEST_COST)
        .into_iter()
        .filter_map(|name| Some((name, nearest_place(name, kind, path)?)))
        .filter(|(_, place)| way(path, place) != (0, 0))
        .min_by_key(|(_, place)| way(path, place));
    if let Some((name, place)) = like {
        return Some(meant_elsewhere(name, place, path));
    }
    let mut others = DocumentKind::ALL.into_iter().filter(|other| *other != kind);
    let (other, place) = others.find_map(|other| Some((other, places(other).get(key)?.first()?)))?;
    let parent = parent(place).unwrap_or("the root");
    Some(Suggestion {
        help: remedy!("`{key}` belongs to {parent} of a {}", other.name()),
        meant: None,
    })
}

fn meant_elsewhere(name: &str, place: &str, path: &FieldPath) -> Suggestion {
    Suggestion {
        help: remedy!(
            "did you mean `{name}`, which belongs to {}?",
            parent(place).unwrap_or(ROOT)
        ),
        meant: path.at_place(place),
    }
}

fn belonging(key: &str, place: &str, path: &FieldPath) -> Suggestion {
    Suggestion {
        help: remedy!("`{key}` belongs to {}", parent(place).unwrap_or(ROOT)),
        meant: path.at_place(place),
    }
}

const ROOT: &str = "the root of the file";

fn parent(place: &str) -> Option<&str> {
    place.rsplit_once('.').map(|(parent, _)| parent)
}

/// How many levels it is up from here, and then down to where a place's key stands.
fn way(here: &FieldPath, place: &str) -> (usize, usize) {
    let here = generic(&here.to_string());
    let levels = |path: &str| path.split('.').filter(|level| !level.is_empty()).count();
    let common = place
        .split('.')
        .zip(here.split('.'))
        .take_while(|(a, b)| a == b)
        .count();
    (
        levels(&here).saturating_sub(common),
        levels(place).saturating_sub(1).saturating_sub(common),
    )
}

/// How likely a place is meant, among those as near: most of all what most files are about, then what else eksact acts on. The two
/// sections stand here by name: that eksact manages a section does not say how many write it.
fn weight(kind: DocumentKind, place: &str, path: &FieldPath) -> u8 {
    if place.starts_with("iam.serviceAccounts") {
        2
    } else if place.starts_with("metadata") {
        // What stands loose at the root is mostly the cluster's name or region; within a section it is not meant for another.
        1 + u8::from(path.depth() == 0)
    } else {
        u8::from(is_acted_on(kind, &FieldPath::of(place)))
    }
}

/// The place of a field of this name that is nearest to `path`.
fn nearest_place(key: &str, kind: DocumentKind, path: &FieldPath) -> Option<&'static str> {
    nearest_of(key, kind, path, |_| true)
}

/// The same among the places that eksact acts on.
fn nearest_managed_place(key: &str, kind: DocumentKind, path: &FieldPath) -> Option<&'static str> {
    nearest_of(key, kind, path, |place| is_acted_on(kind, &FieldPath::of(place)))
}

fn nearest_of(
    key: &str,
    kind: DocumentKind,
    path: &FieldPath,
    is_wanted: impl Fn(&str) -> bool,
) -> Option<&'static str> {
    // At the root what eksact manages, as every other section is as far; else the nearest, and among places as near as one
    // another what eksact manages; else the first, which is the shortest.
    let is_root = path.to_string().is_empty();
    let rank = |place: &&String| {
        let (up, down) = way(path, place);
        let weight = weight(kind, place, path);
        let is_other = is_root && down > 0 && weight == 0;
        (is_other, up + down, Reverse(weight))
    };
    // What eksctl prints is nobody's to write.
    let places = places(kind)
        .get(key)?
        .iter()
        .filter(|place| !place.contains("status.") && is_wanted(place));
    places.min_by_key(rank).map(String::as_str)
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
    joined(words, "and")
}

/// `a`, `b` or `c`.
pub(super) fn one_of<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    joined(words, "or")
}

fn joined<'a>(words: impl IntoIterator<Item = &'a str>, last_word: &str) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} {last_word} {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests;
