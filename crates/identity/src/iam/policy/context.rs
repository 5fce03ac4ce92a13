//! What is known of a request's condition keys before it is made: some have a value, some are certainly not there, and
//! of the others nothing is known.

use std::collections::BTreeMap;

/// What is known of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyValue<'context> {
    /// The request has it with these values.
    Present(&'context [String]),
    /// The request does not have it.
    Absent,
    /// Whether the request has it, and with which value, only the request itself shows.
    Unknown,
}

/// The condition keys of a request, as far as they are known. Names of keys ignore case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestContext {
    present: BTreeMap<String, Vec<String>>,
    absent: Vec<String>,
    provider: Option<String>,
    is_complete: bool,
    unknown: Vec<String>,
}

impl RequestContext {
    /// The same with a key of one value.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.present.insert(key.to_ascii_lowercase(), vec![value.into()]);
        self
    }

    /// The same with a key of several values.
    #[must_use]
    pub fn with_values(mut self, key: &str, values: Vec<String>) -> Self {
        self.present.insert(key.to_ascii_lowercase(), values);
        self
    }

    /// The same, where every key that was not named is absent.
    #[must_use]
    pub fn and_no_other(mut self) -> Self {
        self.is_complete = true;
        self
    }

    /// The same, where nothing is known of a key.
    #[must_use]
    pub fn not_knowing(mut self, key: &str) -> Self {
        let key = key.to_ascii_lowercase();
        self.present.remove(&key);
        self.unknown.push(key);
        self
    }

    /// The same without a key; for one that ends in `/`, without every key that begins with it.
    #[must_use]
    pub fn without(mut self, key: &str) -> Self {
        self.absent.push(key.to_ascii_lowercase());
        self
    }

    /// The same for a caller of this web identity provider (host and path): the keys of all others are absent.
    #[must_use]
    pub fn of_provider(mut self, provider: &str) -> Self {
        self.provider = Some(provider.to_ascii_lowercase());
        self
    }

    /// What is known of a key.
    pub(super) fn get(&self, key: &str) -> KeyValue<'_> {
        let key = key.to_ascii_lowercase();
        if let Some(values) = self.present.get(&key) {
            return KeyValue::Present(values);
        }
        if self.unknown.contains(&key) {
            return KeyValue::Unknown;
        }
        let is_named =
            |absent: &String| *absent == key || absent.ends_with('/') && key.starts_with(absent.as_str());
        if self.absent.iter().any(is_named) || self.is_complete || self.is_of_other_provider(&key) {
            KeyValue::Absent
        } else {
            KeyValue::Unknown
        }
    }

    /// Keys of providers begin with a host (`accounts.google.com:sub`), those of AWS with the name of a service. What is no
    /// key at all, because it begins with an ARN or a URL or is a placeholder, is in no request either.
    fn is_of_other_provider(&self, key: &str) -> bool {
        let Some(own) = &self.provider else {
            return false;
        };
        let Some((first, _)) = key.split_once(':') else {
            return true;
        };
        let is_own = key.strip_prefix(own).is_some_and(|claim| claim.starts_with(':'));
        !is_own && (first.contains(['.', '$', '{', '<']) || ["arn", "https", "http"].contains(&first))
    }
}
