//! AWS partitions: their names, DNS suffixes and the regions that belong to them.
//!
//! Source: `partitions.json` of the AWS SDKs (botocore `data/partitions.json`). No list of regions is kept: a region
//! belongs to a partition by its prefix, so that a new region needs no new release.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One of the eight AWS partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Partition {
    /// The commercial regions.
    #[serde(rename = "aws")]
    Aws,
    /// The regions in China.
    #[serde(rename = "aws-cn")]
    China,
    /// AWS `GovCloud` (US).
    #[serde(rename = "aws-us-gov")]
    GovCloud,
    /// AWS ISO (US).
    #[serde(rename = "aws-iso")]
    Iso,
    /// AWS ISOB (US).
    #[serde(rename = "aws-iso-b")]
    IsoB,
    /// AWS ISOE (Europe).
    #[serde(rename = "aws-iso-e")]
    IsoE,
    /// AWS ISOF.
    #[serde(rename = "aws-iso-f")]
    IsoF,
    /// AWS European Sovereign Cloud.
    #[serde(rename = "aws-eusc")]
    EuropeanSovereign,
}

/// A name that is not one of the AWS partitions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an AWS partition; the partitions are aws, aws-cn, aws-us-gov, aws-iso, aws-iso-b, aws-iso-e, aws-iso-f and aws-eusc"
)]
pub struct UnknownPartition(pub String);

impl Partition {
    /// Every partition.
    pub const ALL: [Self; 8] = [
        Self::Aws,
        Self::China,
        Self::GovCloud,
        Self::Iso,
        Self::IsoB,
        Self::IsoE,
        Self::IsoF,
        Self::EuropeanSovereign,
    ];

    /// The partition's name as it stands in ARNs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::China => "aws-cn",
            Self::GovCloud => "aws-us-gov",
            Self::Iso => "aws-iso",
            Self::IsoB => "aws-iso-b",
            Self::IsoE => "aws-iso-e",
            Self::IsoF => "aws-iso-f",
            Self::EuropeanSovereign => "aws-eusc",
        }
    }

    /// What the host names of its services end in, and what `AWS::URLSuffix` stands for.
    pub fn dns_suffix(self) -> &'static str {
        match self {
            Self::Aws | Self::GovCloud => "amazonaws.com",
            Self::China => "amazonaws.com.cn",
            Self::Iso => "c2s.ic.gov",
            Self::IsoB => "sc2s.sgov.gov",
            Self::IsoE => "cloud.adc-e.uk",
            Self::IsoF => "csp.hci.ic.gov",
            Self::EuropeanSovereign => "amazonaws.eu",
        }
    }

    /// The partition of a region. A region with no prefix of its own, a new one too, is in `aws`.
    pub fn of_region(region: &str) -> Self {
        const PREFIXES: [(&str, Partition); 7] = [
            ("cn-", Partition::China),
            ("us-gov-", Partition::GovCloud),
            ("us-iso-", Partition::Iso),
            ("us-isob-", Partition::IsoB),
            ("eu-isoe-", Partition::IsoE),
            ("us-isof-", Partition::IsoF),
            ("eusc-", Partition::EuropeanSovereign),
        ];
        PREFIXES
            .iter()
            .find(|(prefix, _)| region.starts_with(prefix))
            .map_or(Self::Aws, |(_, partition)| *partition)
    }
}

/// Whether a text is written like a region: lower-case words and a number, joined by hyphens (`eu-central-1`,
/// `us-gov-west-1`). It does not say that the region exists.
pub fn is_region_name(region: &str) -> bool {
    let mut words: Vec<&str> = region.split('-').collect();
    let Some(number) = words.pop() else { return false };
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number
        && words.len() >= 2
        && words
            .iter()
            .all(|word| word.len() >= 2 && word.bytes().all(|byte| byte.is_ascii_lowercase()))
}

impl fmt::Display for Partition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Partition {
    type Err = UnknownPartition;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|partition| partition.as_str() == name)
            .ok_or_else(|| UnknownPartition(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn region_tells_its_partition_and_an_unknown_one_is_commercial() {
        for (region, name, suffix) in [
            ("us-west-2", "aws", "amazonaws.com"),
            ("mx-central-1", "aws", "amazonaws.com"),
            ("zz-northwest-7", "aws", "amazonaws.com"),
            ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
            ("us-gov-east-1", "aws-us-gov", "amazonaws.com"),
            ("us-iso-east-1", "aws-iso", "c2s.ic.gov"),
            ("us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov"),
            ("eu-isoe-west-1", "aws-iso-e", "cloud.adc-e.uk"),
            ("us-isof-south-1", "aws-iso-f", "csp.hci.ic.gov"),
            ("eusc-de-east-1", "aws-eusc", "amazonaws.eu"),
        ] {
            let partition = Partition::of_region(region);
            assert_eq!(
                (partition.as_str(), partition.dns_suffix()),
                (name, suffix),
                "{region}"
            );
            assert_eq!(name.parse(), Ok(partition));
            assert_eq!(serde_json::to_value(partition).unwrap(), name);
            assert!(is_region_name(region), "{region}");
        }
        assert_eq!(
            "aws-moon".parse::<Partition>(),
            Err(UnknownPartition("aws-moon".into()))
        );
    }

    #[test]
    fn region_that_is_not_written_like_one_is_told() {
        for text in [
            "",
            "us-west",
            "us_west_2",
            "US-WEST-2",
            "us-west-2a",
            "west-2",
            "us--west-2",
            "-1",
        ] {
            assert!(!is_region_name(text), "{text}");
        }
    }
}
