//! Entries that a CloudFormation stack has made: eksctl puts each in a stack of its own, and those of node groups into theirs.
//!
//! Changed by a call they would differ from their template, and the next update of the stack would undo it or fail on it.

use sha1::{Digest as _, Sha1};

use crate::{live::Live, ports::aws::AccessEntry};

/// The tag by which CloudFormation tells whose resource something is.
const STACK_TAG: &str = "aws:cloudformation:stack-name";

/// The name of the stack that an entry belongs to.
pub(super) fn stack_of(entry: &AccessEntry, live: &Live) -> Option<String> {
    if let Some(name) = entry.tags.get(STACK_TAG) {
        return Some(name.clone());
    }
    let name = eksctl_stack(&live.cluster.name, &entry.principal_arn);
    let stack = live
        .known_stacks()
        .iter()
        .find(|stack| stack.name.eq_ignore_ascii_case(&name))?;
    // One whose creation was rolled back has nothing of its own: the entry is somebody else's.
    (stack.status != "ROLLBACK_COMPLETE").then(|| stack.name.clone())
}

/// eksctl's name for the stack of a principal's entry (eksctl 0.231, `pkg/actions/accessentry`).
fn eksctl_stack(cluster: &str, principal_arn: &str) -> String {
    let digest = base32(&Sha1::digest(principal_arn));
    format!("eksctl-{cluster}-accessentry-{digest}")
}

/// Base 32 of RFC 4648, of bytes that need no padding.
fn base32(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits: Vec<u8> = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |place| byte >> place & 1))
        .collect();
    bits.chunks(5)
        .map(|five| five.iter().fold(0, |value, bit| value << 1 | bit))
        .filter_map(|value: u8| LETTERS.get(usize::from(value)))
        .map(|letter| char::from(*letter))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eksctls_stack_of_an_entry() {
        assert_eq!(base32(b"fooba"), "MZXW6YTB");
        assert_eq!(base32(&Sha1::digest("abc")), "VGMT4NSHA2AWVOR6EVYXQUGCNSONBWE5");
    }
}
