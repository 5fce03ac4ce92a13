//! What STS answers to the request that a token stands for.

use jiff::Timestamp;

use super::aws::CallerIdentity;

/// What STS says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StsVerdict {
    /// Who signed.
    Identity(CallerIdentity),
    /// It does not believe the token.
    Refused {
        /// HTTP status.
        status: u16,
        /// STS's code, such as `SignatureDoesNotMatch`; empty when the answer has none.
        code: String,
        /// Its words.
        message: String,
    },
}

/// The verdict, and STS's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StsAnswer {
    /// What it says.
    pub verdict: StsVerdict,
    /// Its time, from the header `Date`.
    pub time: Option<Timestamp>,
}
