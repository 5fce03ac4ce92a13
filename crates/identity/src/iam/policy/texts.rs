//! Texts that are in every one of some lists of patterns, and in no pattern of others: whether there are none.
//!
//! A "yes" is certain, a "no" may only mean that it was not seen.

use super::pattern::Pattern;

/// A set of texts, as what it is cut out of and what is cut out of it.
#[derive(Default)]
pub(super) struct Texts<'p> {
    within: Vec<&'p [Pattern]>,
    /// As `within`, but nothing is known where a variable has no value.
    loosely_within: Vec<&'p [Pattern]>,
    outside: Vec<&'p Pattern>,
}

impl<'p> Texts<'p> {
    /// Leaves those that are a text of one of these. Where a variable has no value, its pattern has no text.
    pub(super) fn keep(&mut self, patterns: &'p [Pattern]) {
        self.within.push(patterns);
    }

    /// The same for patterns that may mean anything where a variable has no value.
    pub(super) fn keep_loosely(&mut self, patterns: &'p [Pattern]) {
        self.loosely_within.push(patterns);
    }

    /// Takes the texts of all of these out.
    pub(super) fn drop(&mut self, patterns: &'p [Pattern]) {
        self.outside.extend(patterns);
    }

    /// Whether none is left.
    pub(super) fn is_empty(&self) -> bool {
        let is_narrow = |list: &&&[Pattern]| !list.iter().any(Pattern::is_everything);
        let narrow: Vec<&[Pattern]> = self.within.iter().filter(is_narrow).copied().collect();
        if narrow.is_empty() {
            return self.has_none_led_by(&[Pattern::new("*", false)], None);
        }
        // Variables are understood in one list; in the others they may be anything. So each list is tried where there are any.
        let with_variables = narrow
            .iter()
            .filter(|list| list.iter().any(Pattern::has_variable))
            .count();
        let tried = if with_variables == 0 { 1 } else { narrow.len() };
        (0..tried).any(|which| self.has_none_led_by(narrow[which], Some(which)))
    }

    /// Whether none is left, seen from the texts of `leading`, which is the list of that number among the narrow ones.
    fn has_none_led_by(&self, leading: &[Pattern], number: Option<usize>) -> bool {
        let is_narrow = |list: &&&[Pattern]| !list.iter().any(Pattern::is_everything);
        let others: Vec<Vec<Pattern>> = self
            .within
            .iter()
            .filter(is_narrow)
            .enumerate()
            .filter(|(which, _)| Some(*which) != number)
            .map(|(_, list)| list)
            .chain(self.loosely_within.iter().filter(is_narrow))
            .map(|list| list.iter().map(Pattern::whatever_the_variables_are).collect())
            .collect();
        leading.iter().all(|pattern| self.has_none_of(pattern, &others))
    }

    /// Whether no text of `pattern` is left, where `others` are the lists besides the one that it is from.
    fn has_none_of(&self, pattern: &Pattern, others: &[Vec<Pattern>]) -> bool {
        if self.outside.iter().any(|outside| outside.contains(pattern)) {
            return true;
        }
        let meets = |other: &Pattern| !other.is_disjoint(pattern);
        let among: Vec<Vec<Pattern>> = others
            .iter()
            .filter(|list| !list.iter().any(|other| other.contains(pattern)))
            .map(|list| list.iter().filter(|other| meets(other)).cloned().collect())
            .collect();
        if among.iter().any(Vec::is_empty) {
            return true;
        }
        let outside: Vec<&Pattern> = self
            .outside
            .iter()
            .copied()
            .filter(|outside| outside.is_certain() && meets(outside))
            .collect();
        // What one pattern outside does not contain, several may contain together, or what is left of it elsewhere.
        let is_settled = among.is_empty() && outside.len() < 2 || outside.is_empty() && among.len() < 2;
        !is_settled && pattern.is_without_text(&among, &outside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_empty(within: &[&[&str]], outside: &[&str]) -> bool {
        let read = |texts: &[&str]| {
            texts
                .iter()
                .map(|text| Pattern::new(text, true))
                .collect::<Vec<_>>()
        };
        let (within, outside): (Vec<_>, _) =
            (within.iter().map(|texts| read(texts)).collect(), read(outside));
        let mut texts = Texts::default();
        for list in &within {
            texts.keep(list);
        }
        texts.drop(&outside);
        texts.is_empty()
    }

    #[test]
    fn texts_are_none_where_several_patterns_take_them_together() {
        assert!(is_empty(&[&["a?"]], &["a?", "b"]) && is_empty(&[&["a*"]], &["a", "a?*"]));
        assert!(is_empty(&[&["a*"], &["b*"]], &[]) && is_empty(&[&["a*"], &["*b"]], &["a*b"]));
        assert!(!is_empty(&[&["a*"]], &["a?*"]) && !is_empty(&[&["a*"], &["*b"]], &["a?*b"]));
        assert!(is_empty(&[&[]], &[]) && !is_empty(&[], &["a*"]) && is_empty(&[], &["*"]));
    }

    #[test]
    fn texts_with_a_variable_may_be_any() {
        assert!(!is_empty(&[&["home/${u}"], &["home/bob"]], &[]));
        assert!(!is_empty(&[&["home/${u}"], &["home/b*"]], &["home/bob"]));
        assert!(is_empty(&[&["home/${u}"], &["home/*"]], &["home/${u}"]));
        assert!(!is_empty(&[&["home/${u}"], &["home/*"]], &["home/${v}"]));
        assert!(is_empty(&[&["home/${u}/a"], &["data/*"]], &[]));
    }
}
