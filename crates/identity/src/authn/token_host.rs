//! Which hosts of STS the server takes in a token: `verifySTSHostnameFormat` of aws-iam-authenticator 0.7.18.

use super::sts_endpoint::{GLOBAL_HOST, dual_stack_domain};
use super::token_check::{Expectations, TokenFault};
use super::token_decode::shown;
use crate::iam::Partition;

/// Whether a domain is one that STS has in a partition: the usual one, or the one for IPv6.
fn is_domain_of(partition: Partition, domain: &str) -> bool {
    domain == partition.dns_suffix() || Some(domain) == dual_stack_domain(partition)
}

/// Whether the host is one of STS that the server takes; without expectations, one that a server of its own partition takes.
pub(super) fn check_host(host: &str, expectations: Option<&Expectations<'_>>) -> Result<(), TokenFault> {
    let mut labels = host.splitn(3, '.');
    let (Some(service), Some(region), Some(domain)) = (labels.next(), labels.next(), labels.next()) else {
        return Err(TokenFault::HostFormat { host: shown(host) });
    };
    let partition = expectations.map(|expectations| expectations.partition);
    if host == GLOBAL_HOST {
        return match partition {
            None | Some(Partition::Aws) => Ok(()),
            Some(partition) => Err(TokenFault::GlobalHost { partition }),
        };
    }
    if !is_region(region) {
        return Err(TokenFault::HostRegion {
            region: shown(region),
        });
    }
    let is_known =
        matches!(service, "sts" | "sts-fips") && is_domain_of(Partition::of_region(region), domain);
    let is_expected = partition.is_none_or(|partition| is_domain_of(partition, domain));
    // For regions that are newer than the server: its own region, in the form of its partition.
    let is_own = || {
        expectations.is_some_and(|expectations| {
            service == "sts" && region == expectations.region && is_domain_of(expectations.partition, domain)
        })
    };
    match partition {
        _ if is_known && is_expected => Ok(()),
        Some(partition) if is_known => Err(TokenFault::HostPartition {
            host: shown(host),
            partition,
        }),
        _ if is_own() => Ok(()),
        _ => Err(TokenFault::Host { host: shown(host) }),
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
