//! The wildcards of IAM as languages: `*` is any text, `?` any one character, `${name}` a policy variable. Answers
//! whether one pattern's texts are all among another's, and whether two patterns have none in common.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html> and
//! `reference_policies_variables.html` of the same guide.

use std::collections::{BTreeSet, HashSet};

/// How many steps an answer may take before it is the cautious one. Patterns made to be hard (many `?` after many
/// `*`) would take exponential time; real ones take a few thousand steps.
const MAX_STEPS: usize = 200_000;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Token {
    Literal(char),
    /// `?`
    One,
    /// `*`
    Any,
    /// `${name}`: a text that is known only when the request is made. It is never taken apart.
    Variable(String),
}

/// A text with wildcards, in a form in which `*?` and `?*` are one.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    tokens: Vec<Token>,
    /// Of an ARN with a wildcard before its last part, the parts: there a wildcard does not reach over a colon.
    parts: Option<Vec<Pattern>>,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.tokens == other.tokens
    }
}

impl Pattern {
    /// Reads a text in which `*` and `?` are wildcards. `variables` says whether `${…}` is a variable, which it is
    /// from policy version 2012-10-17 on.
    pub(super) fn new(text: &str, variables: bool) -> Self {
        Self::read(text, variables, true)
    }

    /// Reads a text in which `*` and `?` stand for themselves, as in `StringEquals`.
    pub(super) fn literal(text: &str, variables: bool) -> Self {
        Self::read(text, variables, false)
    }

    fn read(text: &str, variables: bool, wildcards: bool) -> Self {
        let mut tokens = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            if variables
                && let Some(body) = rest.strip_prefix("${")
                && let Some((name, after)) = body.split_once('}')
            {
                tokens.push(match name {
                    "*" => Token::Literal('*'),
                    "?" => Token::Literal('?'),
                    "$" => Token::Literal('$'),
                    _ => Token::Variable(name.to_owned()),
                });
                rest = after;
                continue;
            }
            tokens.push(match character {
                '*' if wildcards => Token::Any,
                '?' if wildcards => Token::One,
                _ => Token::Literal(character),
            });
            rest = rest.get(character.len_utf8()..).unwrap_or_default();
        }
        Self {
            tokens: in_order(tokens),
            parts: None,
        }
    }

    /// Reads an ARN with wildcards. Whether `*` reaches over a colon in it, the guide leaves open ("you can use wildcards
    /// within any ARN segment"), so such a pattern contains only what it contains either way.
    pub(super) fn arn(text: &str, variables: bool) -> Self {
        let mut pattern = Self::new(text, variables);
        if !pattern.is_everything() {
            pattern.parts = arn_parts(&pattern).filter(|parts| {
                let [before @ .., _] = parts.as_slice() else {
                    return false;
                };
                !before.iter().all(Self::is_one_text)
            });
        }
        pattern
    }

    /// Whether a text is among its own. A variable is no text here: it is replaced before.
    pub(super) fn matches(&self, text: &str) -> bool {
        // Where the last `*` was, and up to where it reaches.
        let mut retry: Option<(usize, usize)> = None;
        let letters: Vec<char> = text.chars().collect();
        let (mut position, mut read) = (0, 0);
        while read < letters.len() {
            match self.tokens.get(position) {
                Some(Token::Any) => {
                    position += 1;
                    retry = Some((position, read));
                }
                Some(Token::One) => {
                    position += 1;
                    read += 1;
                }
                Some(Token::Literal(own)) if letters.get(read) == Some(own) => {
                    position += 1;
                    read += 1;
                }
                _ => {
                    let Some((after, reached)) = retry else {
                        return false;
                    };
                    (position, read) = (after, reached + 1);
                    retry = Some((after, reached + 1));
                }
            }
        }
        self.tokens
            .get(position..)
            .is_some_and(|rest| rest.iter().all(|token| *token == Token::Any))
    }

    /// Whether a text is among its own, where a wildcard does not reach over a colon before the last part of an ARN.
    pub(super) fn matches_by_parts(&self, text: &str) -> bool {
        let Some(own) = &self.parts else {
            return self.matches(text);
        };
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        own.len() == parts.len() && own.iter().zip(parts).all(|(own, part)| own.matches(part))
    }

    /// Whether no wildcard and no variable is before the last part of an ARN.
    pub(super) fn is_certain(&self) -> bool {
        self.parts.is_none()
    }

    /// Whether every text is among its own: it is `*`.
    pub(super) fn is_everything(&self) -> bool {
        self.tokens == [Token::Any]
    }

    /// Whether it is one text: no wildcard, no variable.
    fn is_one_text(&self) -> bool {
        self.tokens.iter().all(|token| matches!(token, Token::Literal(_)))
    }

    /// Whether it has a variable.
    pub(super) fn has_variable(&self) -> bool {
        self.tokens
            .iter()
            .any(|token| matches!(token, Token::Variable(_)))
    }

    /// The same in lower case.
    pub(super) fn to_lowercase(&self) -> Self {
        let lower = |token: &Token| match token {
            Token::Literal(character) => character.to_lowercase().map(Token::Literal).collect(),
            other => vec![other.clone()],
        };
        Self {
            tokens: self.tokens.iter().flat_map(lower).collect(),
            parts: None,
        }
    }

    /// The same with `*` for each variable: every text that it may come to mean.
    pub(super) fn whatever_the_variables_are(&self) -> Self {
        let any = |token: &Token| match token {
            Token::Variable(_) => Token::Any,
            other => other.clone(),
        };
        Self {
            tokens: in_order(self.tokens.iter().map(any).collect()),
            parts: None,
        }
    }

    /// Whether every text of `narrow` is also a text of this pattern. When that would take too long to say, no.
    pub(super) fn contains(&self, narrow: &Self) -> bool {
        if self == narrow || self.is_everything() {
            return true;
        }
        if self.is_one_text() {
            return false;
        }
        if let Some(own) = &self.parts {
            let among = |parts: &[Self]| {
                own.len() == parts.len() && own.iter().zip(parts).all(|(own, part)| own.contains(part))
            };
            if !arn_parts(narrow).is_some_and(|parts| among(&parts)) {
                return false;
            }
        }
        narrow.is_without_text(&[], &[self])
    }

    /// Whether each of its texts misses one of the lists in `among`, or is a text of a pattern in `outside`. When that
    /// would take too long to say, no. A variable in `among` may be any text.
    pub(super) fn is_without_text(&self, among: &[Vec<Self>], outside: &[&Self]) -> bool {
        let patterns: Vec<&Self> = outside.iter().copied().chain(among.iter().flatten()).collect();
        // Any letter that no pattern names is like any other such letter.
        let mut letters: BTreeSet<Letter<'_>> = BTreeSet::from([Letter::Other]);
        for token in patterns.iter().flat_map(|pattern| &pattern.tokens) {
            if let Token::Literal(character) = token {
                letters.insert(Letter::Character(*character));
            }
        }
        let step = |reached: &[Vec<usize>], letter: Letter<'_>| -> Vec<Vec<usize>> {
            let each = reached.iter().zip(&patterns).enumerate();
            each.map(|(which, (reached, pattern))| match (letter, reached.first()) {
                // What a variable means may take such a pattern anywhere further on.
                (Letter::Variable(_), Some(first)) if which >= outside.len() => {
                    (*first..=pattern.tokens.len()).collect()
                }
                _ => pattern.step(reached, letter),
            })
            .collect()
        };
        let is_at_end =
            |which: usize, reached: &[Vec<usize>]| reached[which].contains(&patterns[which].tokens.len());
        let every_list = |reached: &[Vec<usize>], holds: &dyn Fn(usize) -> bool| {
            let mut start = outside.len();
            among.iter().all(|list| {
                let members = start..start + list.len();
                start = members.end;
                members
                    .into_iter()
                    .any(|which| !reached[which].is_empty() && holds(which))
            })
        };
        let mut seen = HashSet::new();
        let mut steps = 0;
        let begin: Vec<Vec<usize>> = patterns.iter().map(|pattern| pattern.closure(&[0])).collect();
        let mut open = vec![(0, begin)];
        while let Some((position, reached)) = open.pop() {
            let is_lost = !every_list(&reached, &|_| true)
                // A last `*` takes whatever comes.
                || (0..outside.len()).any(|which| {
                    let end = patterns[which].tokens.len();
                    end > 0 && patterns[which].tokens[end - 1] == Token::Any && reached[which].contains(&(end - 1))
                });
            if is_lost || !seen.insert((position, reached.clone())) {
                continue;
            }
            steps += letters.len() * reached.iter().map(|reached| reached.len() + 1).sum::<usize>();
            if steps > MAX_STEPS {
                return false;
            }
            match self.tokens.get(position) {
                None => {
                    let is_outside = (0..outside.len()).any(|which| is_at_end(which, &reached));
                    if !is_outside && every_list(&reached, &|which| is_at_end(which, &reached)) {
                        return false;
                    }
                }
                Some(Token::Literal(character)) => {
                    open.push((position + 1, step(&reached, Letter::Character(*character))));
                }
                Some(Token::Variable(name)) => {
                    open.push((position + 1, step(&reached, Letter::Variable(name))));
                }
                Some(Token::One) => {
                    open.extend(
                        letters
                            .iter()
                            .map(|letter| (position + 1, step(&reached, *letter))),
                    );
                }
                Some(Token::Any) => {
                    open.extend(letters.iter().map(|letter| (position, step(&reached, *letter))));
                    open.push((position + 1, reached));
                }
            }
        }
        true
    }

    /// Whether no text is among both. A variable may be any text. When that would take too long to say, no.
    pub(super) fn is_disjoint(&self, other: &Self) -> bool {
        let mut seen = HashSet::new();
        let mut open = vec![(0, 0)];
        while let Some((left, right)) = open.pop() {
            if !seen.insert((left, right)) {
                continue;
            }
            if seen.len() > MAX_STEPS {
                return false;
            }
            let (here, there) = (self.tokens.get(left), other.tokens.get(right));
            if here.is_none() && there.is_none() {
                return false;
            }
            let is_run = |token: Option<&Token>| matches!(token, Some(Token::Any | Token::Variable(_)));
            if is_run(here) {
                open.push((left + 1, right));
            }
            if is_run(there) {
                open.push((left, right + 1));
            }
            if let (Some(mine), Some(theirs)) = (here, there) {
                let agree = match (mine, theirs) {
                    (Token::Literal(mine), Token::Literal(theirs)) => mine == theirs,
                    _ => true,
                };
                if agree {
                    open.push((
                        left + usize::from(!is_run(here)),
                        right + usize::from(!is_run(there)),
                    ));
                }
            }
        }
        true
    }

    /// The positions after one more letter.
    fn step(&self, reached: &[usize], letter: Letter<'_>) -> Vec<usize> {
        let next: Vec<usize> = reached
            .iter()
            .filter_map(|&position| match (self.tokens.get(position)?, letter) {
                (Token::Any, _) => Some(position),
                (Token::One, Letter::Character(_) | Letter::Other) => Some(position + 1),
                (Token::Literal(own), Letter::Character(read)) if *own == read => Some(position + 1),
                (Token::Variable(own), Letter::Variable(read)) if own == read => Some(position + 1),
                _ => None,
            })
            .collect();
        self.closure(&next)
    }

    /// The positions and those that a `*` lets one reach without a letter; sorted, each once.
    fn closure(&self, positions: &[usize]) -> Vec<usize> {
        let mut closed: BTreeSet<usize> = positions.iter().copied().collect();
        for &position in positions {
            if self.tokens.get(position) == Some(&Token::Any) {
                closed.insert(position + 1);
            }
        }
        closed.into_iter().collect()
    }
}

/// The six parts of an ARN; parts that are not written are `*`.
fn arn_parts(pattern: &Pattern) -> Option<Vec<Pattern>> {
    let mut parts: Vec<Vec<Token>> = vec![Vec::new()];
    for token in &pattern.tokens {
        let full = parts.len() == 6;
        match (token, parts.last_mut()) {
            (Token::Literal(':'), _) if !full => parts.push(Vec::new()),
            (_, Some(last)) => last.push(token.clone()),
            (_, None) => return None,
        }
    }
    if parts.len() == 1 {
        return None;
    }
    parts.resize(6, vec![Token::Any]);
    let part = |tokens| Pattern { tokens, parts: None };
    Some(parts.into_iter().map(part).collect())
}

/// What a text is made of, seen from a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Letter<'a> {
    Character(char),
    Other,
    Variable(&'a str),
}

/// Puts the `?` of every run of wildcards before one single `*`.
fn in_order(tokens: Vec<Token>) -> Vec<Token> {
    let mut ordered = Vec::with_capacity(tokens.len());
    let mut pending_any = false;
    for token in tokens {
        match token {
            Token::Any => pending_any = true,
            Token::One => ordered.push(Token::One),
            other => {
                if std::mem::take(&mut pending_any) {
                    ordered.push(Token::Any);
                }
                ordered.push(other);
            }
        }
    }
    if pending_any {
        ordered.push(Token::Any);
    }
    ordered
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn contains(wide: &str, narrow: &str) -> bool {
        Pattern::new(wide, true).contains(&Pattern::new(narrow, true))
    }

    #[test]
    fn wildcards_cover_what_they_can_be() {
        assert!(contains("s3:*", "s3:GetObject") && contains("s3:Get*", "s3:Get?bject"));
        assert!(contains("?*", "*?") && contains("*?", "*a") && contains("*a*", "*aa*"));
        assert!(!contains("s3:Get*", "s3:*") && !contains("?", "*") && !contains("*a", "*"));
        assert!(!contains("arn:aws:s3:::data", "arn:aws:s3:::data/*"));
    }

    #[test]
    fn variable_is_covered_by_itself_and_by_any_text_only() {
        assert!(contains("home/*", "home/${aws:username}/*"));
        assert!(contains("home/${aws:username}/*", "home/${aws:username}/a"));
        assert!(!contains("home/${aws:username}", "home/*"));
        assert!(
            !contains("home/?", "home/${aws:username}"),
            "nobody knows its length"
        );
        assert!(!contains("home/${aws:userid}", "home/${aws:username}"));
        assert!(
            contains("a${*}b", "a${*}b") && !contains("a${*}b", "a*b"),
            "an escaped star is a star"
        );
        assert!(
            Pattern::new("${?}", false).contains(&Pattern::new("${x}", false)),
            "no variables before 2012"
        );
    }

    #[test]
    fn pattern_made_to_be_hard_ends_with_no() {
        // It is contained, but to see that takes every subset of the last forty positions.
        let any_after = "?".repeat(40);
        assert!(!contains(&format!("*a{any_after}"), &format!("*ba{any_after}")));
        assert!(contains("*a????", "*ba????"), "as a short one shows");
    }

    /// All texts over a, b and c (which patterns below never name) up to a length that tells them apart.
    fn texts() -> Vec<String> {
        let mut all = vec![String::new()];
        let mut longest = all.clone();
        for _ in 0..6 {
            longest = longest
                .iter()
                .flat_map(|text| ["a", "b", "c"].map(|letter| format!("{text}{letter}")))
                .collect();
            all.extend(longest.iter().cloned());
        }
        all
    }

    /// Matching by definition, apart from the code under test.
    fn matches(pattern: &[u8], text: &[u8]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some((b'*', rest)) => (0..=text.len()).any(|length| matches(rest, &text[length..])),
            Some((first, rest)) => text
                .split_first()
                .is_some_and(|(letter, tail)| (*first == b'?' || first == letter) && matches(rest, tail)),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn containment_and_disjointness_agree_with_matching_every_text(wide in "[ab?*]{0,4}", narrow in "[ab?*]{0,4}") {
            let texts = texts();
            let among = |pattern: &str| -> Vec<bool> {
                texts.iter().map(|text| matches(pattern.as_bytes(), text.as_bytes())).collect()
            };
            let (in_wide, in_narrow) = (among(&wide), among(&narrow));
            let contained = in_narrow.iter().zip(&in_wide).all(|(narrow, wide)| !narrow || *wide);
            let disjoint = in_narrow.iter().zip(&in_wide).all(|(narrow, wide)| !(*narrow && *wide));
            let (wide, narrow) = (Pattern::new(&wide, true), Pattern::new(&narrow, true));
            prop_assert_eq!(wide.contains(&narrow), contained);
            prop_assert_eq!(wide.is_disjoint(&narrow), disjoint);
            prop_assert_eq!(narrow.is_disjoint(&wide), disjoint);
        }
    }
}
