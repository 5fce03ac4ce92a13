//! `metadata`: which cluster a ClusterConfig is about.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::config::finding::{Finding, Findings};
use crate::config::location::Located;
use crate::config::path::FieldPath;
use crate::config::reader::{Reader, text_map};
use crate::config::validate::{place, tags};
use eksact_message::code::Code;
use eksact_yaml::Node;

/// Which cluster the configuration is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// The name of the EKS cluster.
    pub name: Located<String>,
    /// Its AWS region.
    pub region: Located<String>,
    /// The Kubernetes version as written (`1.30` stays `1.30`).
    pub version: Option<String>,
    /// Tags for every stack that is made from this configuration.
    pub tags: BTreeMap<String, String>,
}

pub(super) fn decode(root: &Node, reader: &Reader<'_>) -> Metadata {
    let Some(node) = root.get("metadata") else {
        return Metadata::default();
    };
    Metadata {
        name: reader.text(node, "name").unwrap_or_default(),
        region: reader.text(node, "region").unwrap_or_default(),
        version: reader.text(node, "version").map(|version| version.value),
        tags: text_map(node, "tags"),
    }
}

pub(super) fn check(metadata: &Metadata, findings: &mut Findings) {
    let (name, region) = (&metadata.name, &metadata.region);
    let misplaced: [(_, _, _, fn(&str) -> Option<place::Misplaced>); 2] = [
        (
            Code::ClusterName,
            "metadata.name",
            name,
            place::not_a_cluster_name,
        ),
        (Code::Region, "metadata.region", region, place::not_a_region),
    ];
    for (code, path, text, check) in misplaced {
        // What is not there is reported as that.
        if let Some(told) = check(&text.value).filter(|_| !text.value.is_empty()) {
            findings.push(
                Finding::error(code, FieldPath::of(path), told.message(&text.value))
                    .help(told.help)
                    .located(text.location.as_ref()),
            );
        }
    }
    tags::check(&metadata.tags, &FieldPath::of("metadata.tags"), findings);
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use crate::config::tests::said;

    #[test]
    fn cluster_name_and_region() {
        let file = |name: &str, region: &str| {
            said(&format!(
                "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: '{name}', region: '{region}'}}\n"
            ))
        };
        assert_snapshot!(file("-prod", "us-west-2a"), @r#"
        3:18: error: `-prod` cannot be the name of an EKS cluster
            help: it has 1 to 100 letters, digits, hyphens and underscores, and begins with a letter or digit
        3:35: error: `us-west-2a` is not an AWS region
            help: this is an availability zone; its region is `us-west-2`
        "#);
        assert_snapshot!(file("prod.one", "Ireland"), @r#"
        3:18: error: `prod.one` cannot be the name of an EKS cluster
            help: it has 1 to 100 letters, digits, hyphens and underscores, and begins with a letter or digit
        3:38: error: `Ireland` is not an AWS region
            help: a region is written like `eu-west-1`
        "#);
        for region in [
            "eu-west-1",
            "us-gov-west-1",
            "eusc-de-east-1",
            "us-isob-east-1",
            "xy-newplace-12",
        ] {
            assert_eq!(file("my_prod-1", region), "", "{region}");
        }
    }
}
