//! Which hosts of STS the server takes in a token: `verifySTSHostnameFormat` of aws-iam-authenticator 0.7.18.

use super::token_check::{Expectations, TokenFault};

/// The domains that STS has in a partition: the usual one, and the one for IPv6 if there is one.
fn domains(partition: &str) -> Option<(&'static str, Option<&'static str>)> {
    Some(match partition {
        "aws" | "aws-us-gov" => ("amazonaws.com", Some("api.aws")),
        "aws-cn" => ("amazonaws.com.cn", Some("api.amazonwebservices.com.cn")),
        "aws-iso" => ("c2s.ic.gov", None),
        "aws-iso-b" => ("sc2s.sgov.gov", None),
        "aws-iso-e" => ("cloud.adc-e.uk", None),
        "aws-iso-f" => ("csp.hci.ic.gov", None),
        "aws-eusc" => ("amazonaws.eu", Some("api.amazonwebservices.eu")),
        _ => return None,
    })
}

/// The partition that the SDK's endpoint rules put a region into; everything unknown goes into `aws`.
fn partition_of(region: &str) -> &'static str {
    [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-isof-", "aws-iso-f"),
        ("eusc-", "aws-eusc"),
    ]
    .into_iter()
    .find(|(prefix, _)| region.starts_with(prefix))
    .map_or("aws", |(_, partition)| partition)
}

/// Whether the host is one of STS that the server takes; gives the region.
pub(super) fn check_host(host: &str, expectations: &Expectations<'_>) -> Result<String, TokenFault> {
    let partition = expectations.partition;
    let mut labels = host.splitn(3, '.');
    let (Some(service), Some(region), Some(domain)) = (labels.next(), labels.next(), labels.next()) else {
        return Err(TokenFault::HostFormat {
            host: host.to_owned(),
        });
    };
    if host == "sts.amazonaws.com" {
        return if partition == "aws" {
            Ok("global".to_owned())
        } else {
            Err(TokenFault::GlobalHost {
                partition: partition.to_owned(),
            })
        };
    }
    if !is_region(region) {
        return Err(TokenFault::HostRegion {
            region: region.to_owned(),
        });
    }
    let known = domains(partition_of(region)).is_some_and(|(usual, dual)| {
        matches!(service, "sts" | "sts-fips") && (domain == usual || Some(domain) == dual)
    });
    let expected = domains(partition);
    if !known {
        // For regions that are newer than the server: its own region, in the form of its partition.
        let own = expected.is_some_and(|(usual, dual)| {
            service == "sts"
                && region == expectations.region
                && is_region(expectations.region)
                && (domain == usual || Some(domain) == dual)
        });
        return if own {
            Ok(region.to_owned())
        } else {
            Err(TokenFault::Host {
                host: host.to_owned(),
            })
        };
    }
    if expected.is_some_and(|(usual, dual)| domain == usual || Some(domain) == dual) {
        Ok(region.to_owned())
    } else {
        Err(TokenFault::HostPartition {
            host: host.to_owned(),
            partition: partition.to_owned(),
        })
    }
}

/// `^[[:alnum:]]([[:alnum:]\-]*[[:alnum:]])?$`.
fn is_region(label: &str) -> bool {
    let alphanumeric = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = label.as_bytes();
    alphanumeric(bytes.first())
        && alphanumeric(bytes.last())
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}
