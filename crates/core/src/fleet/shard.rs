//! Shares of a list of files, one for each of several machines: every file is in exactly one share, a share differs from the
//! next by one file at most, and the same list always has the same shares.

/// Which share of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    of: usize,
}

/// Why there is no such share.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    /// No shares at all.
    #[error("there is no share of 0: the number of shares is at least 1")]
    NoShares,
    /// An index behind the last share.
    #[error("there is no share {index} of {of}: shares are counted from 0, so the last is {}", of - 1)]
    Behind {
        /// The index.
        index: usize,
        /// How many shares there are.
        of: usize,
    },
}

impl Shard {
    /// Share `index`, counted from 0, of `of` shares.
    ///
    /// # Errors
    /// When there is none.
    pub fn new(index: usize, of: usize) -> Result<Self, ShardError> {
        match of {
            0 => Err(ShardError::NoShares),
            _ if index >= of => Err(ShardError::Behind { index, of }),
            _ => Ok(Self { index, of }),
        }
    }

    /// The items of this share: every so-manieth of the sorted ones, however they were listed.
    pub fn of<Item: Ord>(self, items: impl IntoIterator<Item = Item>) -> Vec<Item> {
        let mut items: Vec<Item> = items.into_iter().collect();
        items.sort();
        items.into_iter().skip(self.index).step_by(self.of).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn share_that_there_is_not_is_refused() {
        assert_eq!(Shard::new(0, 0), Err(ShardError::NoShares));
        assert_eq!(
            Shard::new(3, 3).unwrap_err().to_string(),
            "there is no share 3 of 3: shares are counted from 0, so the last is 2"
        );
        assert!(Shard::new(2, 3).is_ok());
    }

    proptest! {
        /// Disjoint and complete, balanced, and the same in whatever order the files are found.
        #[test]
        fn shares_have_every_file_once_and_are_balanced(
            files in prop::collection::btree_set("[a-z]{1,6}", 0..60),
            of in 1_usize..20,
        ) {
            let shares: Vec<Vec<String>> = (0..of)
                .map(|index| Shard::new(index, of).unwrap().of(files.iter().cloned()))
                .collect();
            let all: Vec<String> = shares.iter().flatten().cloned().collect();
            prop_assert_eq!(all.len(), files.len());
            prop_assert_eq!(all.into_iter().collect::<BTreeSet<_>>(), files.clone());
            let sizes: Vec<usize> = shares.iter().map(Vec::len).collect();
            let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
            prop_assert!(most - least <= 1, "{:?}", sizes);
            for (index, share) in shares.iter().enumerate() {
                let reversed = Shard::new(index, of).unwrap().of(files.iter().rev().cloned());
                prop_assert_eq!(&reversed, share);
            }
        }
    }
}
