//! Where the cluster is: its name and its region. Files and flags are told the same.

use crate::config::diagnostic::quoted;
use eksact_identity::iam::partition::is_region_name;
use eksact_message::remedy::Remedy;

/// `CreateCluster` of EKS: <https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCluster.html>.
const LONGEST_CLUSTER_NAME: usize = 100;

/// What eksctl puts behind the name and the region of a cluster in its own names (`types.go`, `LogString`).
const EKSCTL_SUFFIX: &str = ".eksctl.io";

/// Why a text cannot be what it is given for, and what to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misplaced {
    /// What it is, or is not: `is not an AWS region`.
    pub is: String,
    /// What to write.
    pub help: Remedy,
}

impl Misplaced {
    /// What is wrong with `text`.
    pub fn message(&self, text: &str) -> String {
        format!("{} {}", quoted(text), self.is)
    }
}

/// Why `text` is not the name of an EKS cluster; none where it can be one.
pub fn not_a_cluster_name(text: &str) -> Option<Misplaced> {
    let fits = text.len() <= LONGEST_CLUSTER_NAME
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if fits {
        return None;
    }
    named_otherwise(text).or_else(|| {
        Some(Misplaced {
            is: "cannot be the name of an EKS cluster".to_owned(),
            help: remedy!(
                "it has 1 to 100 letters, digits, hyphens and underscores, and begins with a letter or digit"
            ),
        })
    })
}

/// The same for what names a cluster by something else than its name: an ARN, eksctl's name with the region. Clusters that
/// are not of EKS may have other names.
pub fn named_otherwise(text: &str) -> Option<Misplaced> {
    let told = |what: &str, help: Remedy| {
        Some(Misplaced {
            is: format!("is {what}, not its name"),
            help,
        })
    };
    if text.starts_with("arn:") {
        return match text.rsplit_once(":cluster/") {
            Some((_, name)) if !name.is_empty() => {
                told("the ARN of a cluster", remedy!("write its name: `{name}`"))
            }
            _ => Some(Misplaced {
                is: "is an ARN, not the name of a cluster".to_owned(),
                help: remedy!("write the name of the EKS cluster"),
            }),
        };
    }
    let (name, region) = text.strip_suffix(EKSCTL_SUFFIX)?.rsplit_once('.')?;
    is_region_name(region).then(|| {
        told(
            "what eksctl calls the cluster",
            remedy!("write its name: `{name}`"),
        )
    })?
}

/// Why `text` is not an AWS region; none where it is written like one.
pub fn not_a_region(text: &str) -> Option<Misplaced> {
    if is_region_name(text) {
        return None;
    }
    let help = match (region_of_zone(text), spelt_as_region(text)) {
        (Some(region), _) => remedy!("this is an availability zone; its region is `{region}`"),
        (None, Some(region)) => remedy!("write `{region}`"),
        (None, None) => remedy!("a region is written like `eu-west-1`"),
    };
    Some(Misplaced {
        is: "is not an AWS region".to_owned(),
        help,
    })
}

/// `us-east-1` of `us-east-1a`, of the local zone `us-east-1-bos-1a` and of the Wavelength zone `us-east-1-wl1-bos-wlz-1`.
fn region_of_zone(text: &str) -> Option<&str> {
    let without_letter = text.strip_suffix(|c: char| c.is_ascii_lowercase());
    let begins = text.match_indices('-').filter_map(|(at, _)| text.get(..at));
    without_letter
        .into_iter()
        .chain(begins)
        .find(|region| is_region_name(region))
}

/// `us-east-1` of `US-EAST-1` and `us_east_1`.
fn spelt_as_region(text: &str) -> Option<String> {
    let region = text.trim().to_ascii_lowercase().replace(['_', ' '], "-");
    is_region_name(&region).then_some(region)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_a_region_is_told_from_a_zone() {
        for (text, help) in [
            ("us-east-1", None),
            ("us-gov-west-1", None),
            (
                "us-east-1a",
                Some("this is an availability zone; its region is `us-east-1`"),
            ),
            (
                "ap-southeast-2c",
                Some("this is an availability zone; its region is `ap-southeast-2`"),
            ),
            (
                "us-west-2-lax-1a",
                Some("this is an availability zone; its region is `us-west-2`"),
            ),
            (
                "us-east-1-wl1-bos-wlz-1",
                Some("this is an availability zone; its region is `us-east-1`"),
            ),
            ("US-EAST-1", Some("write `us-east-1`")),
            ("eu_west_1", Some("write `eu-west-1`")),
            ("eu west 1", Some("write `eu-west-1`")),
            ("Ireland", Some("a region is written like `eu-west-1`")),
            ("us-east", Some("a region is written like `eu-west-1`")),
            ("", Some("a region is written like `eu-west-1`")),
        ] {
            let told = not_a_region(text).map(|told| told.help);
            assert_eq!(told.as_deref(), help, "{text}");
        }
    }

    #[test]
    fn place_a_cluster_is_named_by_its_name() {
        let arn = "arn:aws:eks:eu-west-1:111122223333:cluster/prod";
        for (text, help) in [
            ("prod", None),
            ("Prod_1-a", None),
            (arn, Some("write its name: `prod`")),
            (
                "arn:aws:iam::111122223333:role/x",
                Some("write the name of the EKS cluster"),
            ),
            ("prod.eu-west-1.eksctl.io", Some("write its name: `prod`")),
            (
                "prod.example.com",
                Some(
                    "it has 1 to 100 letters, digits, hyphens and underscores, and begins with a letter or digit",
                ),
            ),
        ] {
            let told = not_a_cluster_name(text).map(|told| told.help);
            assert_eq!(told.as_deref(), help, "{text}");
        }
        assert_eq!(named_otherwise("k8s.example.com"), None);
        assert_eq!(named_otherwise("x.eksctl.io"), None);
    }
}
