//! Host names of STS: the ones that the server of an EKS cluster takes in a token.
//!
//! From a table of our own and never from `AWS_ENDPOINT_URL`: the server refuses every other host, a port and the name of
//! a VPC endpoint. Source: the partition table of the AWS SDKs and the STS endpoint rules (service-2 `endpoint-rule-set`).

use crate::iam::Partition;

/// Which of a region's STS endpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct StsEndpoint {
    /// The endpoint with FIPS 140 validated cryptography.
    pub fips: bool,
    /// The endpoint that is reached over IPv6 as well.
    pub dual_stack: bool,
}

/// There is no such endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "partition {partition} has no dual-stack endpoint of STS; leave the dual-stack endpoint out for region {region}"
)]
pub struct NoDualStack {
    /// The partition.
    pub partition: Partition,
    /// The region.
    pub region: String,
}

impl StsEndpoint {
    /// The host in `region`, without scheme and port. Always a regional one: the global `sts.amazonaws.com` is refused
    /// outside partition `aws`.
    ///
    /// # Errors
    /// When the partition has no such endpoint.
    pub fn host(self, region: &str) -> Result<String, NoDualStack> {
        let partition = Partition::of_region(region);
        let service = match (self.fips, partition) {
            // The plain endpoints of GovCloud are FIPS endpoints already.
            (true, Partition::GovCloud) if !self.dual_stack => "sts",
            (true, _) => "sts-fips",
            (false, _) => "sts",
        };
        let domain = if self.dual_stack {
            dual_stack_domain(partition).ok_or_else(|| NoDualStack {
                partition,
                region: region.to_owned(),
            })?
        } else {
            partition.dns_suffix()
        };
        Ok(format!("{service}.{region}.{domain}"))
    }
}

/// The host that is not a region's: the server takes it in partition `aws` only.
pub const GLOBAL_HOST: &str = "sts.amazonaws.com";

/// The region of a host name that the server takes in a token, in its exact spelling; none for any other host.
pub fn region_of(host: &str) -> Option<&str> {
    let region = host.split('.').nth(1)?;
    let endpoints = [(false, false), (true, false), (false, true), (true, true)];
    endpoints
        .into_iter()
        .map(|(fips, dual_stack)| StsEndpoint { fips, dual_stack })
        .any(|endpoint| endpoint.host(region).is_ok_and(|known| known == host))
        .then_some(region)
        .filter(|_| host != GLOBAL_HOST)
}

/// What dual-stack host names end in.
pub(super) const fn dual_stack_domain(partition: Partition) -> Option<&'static str> {
    match partition {
        Partition::Aws | Partition::GovCloud => Some("api.aws"),
        Partition::China => Some("api.amazonwebservices.com.cn"),
        Partition::EuropeanSovereign => Some("api.amazonwebservices.eu"),
        Partition::Iso | Partition::IsoB | Partition::IsoE | Partition::IsoF => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_those_of_the_sdks() {
        let host = |region: &str, fips: bool, dual_stack: bool| StsEndpoint { fips, dual_stack }.host(region);
        for (region, plain) in [
            ("us-west-2", "sts.us-west-2.amazonaws.com"),
            ("cn-north-1", "sts.cn-north-1.amazonaws.com.cn"),
            ("us-gov-west-1", "sts.us-gov-west-1.amazonaws.com"),
            ("us-iso-east-1", "sts.us-iso-east-1.c2s.ic.gov"),
            ("us-isob-east-1", "sts.us-isob-east-1.sc2s.sgov.gov"),
            ("eu-isoe-west-1", "sts.eu-isoe-west-1.cloud.adc-e.uk"),
            ("us-isof-south-1", "sts.us-isof-south-1.csp.hci.ic.gov"),
            ("eusc-de-east-1", "sts.eusc-de-east-1.amazonaws.eu"),
        ] {
            assert_eq!(host(region, false, false).as_deref(), Ok(plain));
        }
        assert_eq!(
            host("us-west-2", true, false).unwrap(),
            "sts-fips.us-west-2.amazonaws.com"
        );
        assert_eq!(host("us-west-2", false, true).unwrap(), "sts.us-west-2.api.aws");
        assert_eq!(
            host("us-west-2", true, true).unwrap(),
            "sts-fips.us-west-2.api.aws"
        );
        assert_eq!(
            host("us-gov-west-1", true, false).unwrap(),
            "sts.us-gov-west-1.amazonaws.com"
        );
        assert_eq!(
            host("cn-north-1", false, true).unwrap(),
            "sts.cn-north-1.api.amazonwebservices.com.cn"
        );
        assert!(host("us-iso-east-1", false, true).is_err());
    }

    #[test]
    fn hosts_have_a_region_only_if_of_sts() {
        for host in [
            "sts.us-west-2.amazonaws.com",
            "sts-fips.us-west-2.amazonaws.com",
            "sts.us-west-2.api.aws",
        ] {
            assert_eq!(region_of(host), Some("us-west-2"), "{host}");
        }
        assert_eq!(region_of("sts.cn-north-1.amazonaws.com.cn"), Some("cn-north-1"));
        for host in [
            "sts.amazonaws.com",
            "sts.us-west-2.amazonaws.com.cn",
            "sts.cn-north-1.amazonaws.com",
            "STS.us-west-2.amazonaws.com",
            "sts.us-west-2.amazonaws.com:443",
            "vpce-1.sts.us-west-2.vpce.amazonaws.com",
            "sts.us-west-2.amazonaws.com.evil.example",
            "localhost",
            "",
        ] {
            assert_eq!(region_of(host), None, "{host}");
        }
    }
}
