//! A digest over named pieces: the key of what is kept in the cache.
//!
//! Equal keys mean equal inputs, and no input can be read back from a key: pieces are secrets at times.

use sha2::{Digest as _, Sha256};

/// A digest that pieces can be added to.
#[derive(Clone)]
pub struct Fingerprint {
    digest: Sha256,
}

impl Fingerprint {
    /// An empty one. Two that begin with another `purpose` are never equal.
    pub fn of(purpose: &str) -> Self {
        let mut fingerprint = Self {
            digest: Sha256::new(),
        };
        fingerprint.add(purpose.as_bytes());
        fingerprint
    }

    /// Adds one piece. Its length goes before it, so that no two lists of pieces are one text.
    pub fn add(&mut self, piece: &[u8]) {
        self.digest
            .update(u64::try_from(piece.len()).unwrap_or(u64::MAX).to_be_bytes());
        self.digest.update(piece);
    }

    /// The same with a text; none is another piece than an empty text.
    pub fn add_text(&mut self, text: Option<&str>) {
        self.add(&[u8::from(text.is_some())]);
        self.add(text.unwrap_or_default().as_bytes());
    }

    /// The same with what another one has taken in.
    pub fn add_fingerprint(&mut self, other: &Self) {
        self.add(&other.digest.clone().finalize());
    }

    /// The digest in hexadecimal: 64 characters, fit for a file's name.
    pub fn hex(&self) -> String {
        hex::encode(self.digest.clone().finalize())
    }
}

impl std::fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.hex())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_do_not_run_into_one_another() {
        let key = |pieces: &[&str]| {
            let mut fingerprint = Fingerprint::of("test");
            for piece in pieces {
                fingerprint.add(piece.as_bytes());
            }
            fingerprint.hex()
        };
        assert_eq!(key(&["a", "bc"]), key(&["a", "bc"]));
        assert_ne!(key(&["a", "bc"]), key(&["ab", "c"]));
        assert_ne!(key(&["a", ""]), key(&["a"]));
        let text = |text: Option<&str>| {
            let mut fingerprint = Fingerprint::of("test");
            fingerprint.add_text(text);
            fingerprint.hex()
        };
        assert_ne!(text(None), text(Some("")));
    }
}
