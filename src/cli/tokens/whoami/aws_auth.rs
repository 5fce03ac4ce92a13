//! `--aws-auth` of `whoami`: the ConfigMap from a file, as whoever may read it in the cluster saved it. What it means is
//! told elsewhere.

use eksact_message::code::Code;
use std::collections::BTreeMap;

use crate::cli::{Failure, texts::file};
use eksact_core::engine::{Finding, Severity};
use eksact_identity::authn::aws_auth_manifest::{Manifest, NAME, NAMESPACE};
use eksact_message::remedy::Remedy;
use eksact_yaml::{self as yaml, Content, DuplicateKeys, Resolved};

/// A ConfigMap that was given as a file.
pub(crate) struct PastedAwsAuth {
    pub(crate) data: BTreeMap<String, String>,
    /// Where it is.
    pub(crate) path: String,
    /// The manifest; none where the file is nothing but data.
    pub(crate) manifest: Option<Manifest>,
    /// What is odd about it.
    pub(crate) finding: Option<Finding>,
}

/// A ConfigMap in a file, or a file that is nothing but its data.
pub(crate) fn read_aws_auth(path: &std::path::Path) -> Result<PastedAwsAuth, Failure> {
    let text = file::read_text(&path.to_string_lossy(), "--aws-auth")?;
    let shown = path.display().to_string();
    pasted_aws_auth(&text, &shown)
        .map_err(|why| Failure::usage(format!("--aws-auth {}: {why}", path.display())).with_help(save_it()))
}

fn save_it() -> Remedy {
    remedy!("Save it with `kubectl -n {NAMESPACE} get configmap {NAME} -o yaml`.")
}

fn pasted_aws_auth(text: &str, path: &str) -> Result<PastedAwsAuth, String> {
    let manifest = match Manifest::read(text) {
        Ok(manifest) => manifest,
        Err(error) => {
            return match bare_data(text) {
                Some(data) => Ok(PastedAwsAuth {
                    data: data?,
                    path: path.to_owned(),
                    manifest: None,
                    finding: None,
                }),
                None => Err(error.to_string()),
            };
        }
    };
    if let Some(value) = manifest.not_texts.first() {
        return Err(not_a_text(&value.key));
    }
    let is_unnamed = manifest.name.is_empty() && manifest.namespace.is_empty();
    let finding = (!is_unnamed && !manifest.is_aws_auth()).then(|| {
        let place = if manifest.namespace.is_empty() {
            manifest.name.clone()
        } else {
            format!("{}/{}", manifest.namespace, manifest.name)
        };
        Finding::new(
            Severity::Warning,
            Code::NotAwsAuth,
            format!("--aws-auth has the ConfigMap {place}, and the server reads only {NAMESPACE}/{NAME}"),
        )
        .with_help(save_it())
    });
    Ok(PastedAwsAuth {
        data: manifest.data.clone(),
        path: path.to_owned(),
        manifest: Some(manifest),
        finding,
    })
}

/// The data of an object without a kind, or of no object at all; none where the text is something else.
fn bare_data(text: &str) -> Option<Result<BTreeMap<String, String>, String>> {
    let document = yaml::read(text, DuplicateKeys::KeepLast).ok()?;
    if document.get("kind").is_some() {
        return None;
    }
    let data = document.get("data").unwrap_or(&document);
    let Content::Mapping(entries) = data.content() else {
        return None;
    };
    let texts = entries.iter().map(|entry| {
        let key = entry.json_key();
        match entry.value.resolved() {
            Some(Resolved::Text(_) | Resolved::Timestamp(_)) => {
                let text = entry.value.text().unwrap_or_default();
                Ok((key.to_owned(), text.to_owned()))
            }
            _ => Err(not_a_text(key)),
        }
    });
    Some(texts.collect())
}

fn not_a_text(key: &str) -> String {
    format!("`{key}` is not a string; the API server accepts only strings there (`{key}: |`)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aws_auth_is_read_from_what_kubectl_prints() {
        let data = |text: &str| pasted_aws_auth(text, "f").map(|pasted| pasted.data);
        let yaml = "apiVersion: v1\nkind: ConfigMap\ndata:\n  mapRoles: |\n    - rolearn: a\n";
        assert_eq!(data(yaml).unwrap()["mapRoles"], "- rolearn: a\n");
        assert!(pasted_aws_auth(yaml, "f").unwrap().finding.is_none());
        assert_eq!(
            data("{\"data\": {\"mapUsers\": \"[]\"}}").unwrap()["mapUsers"],
            "[]"
        );
        assert_eq!(data("mapRoles: |\n  - x\n").unwrap()["mapRoles"], "- x\n");
        let list = "kind: List\nitems:\n- kind: ConfigMap\n  metadata: {name: aws-auth, namespace: kube-system}\n  data: {mapUsers: '[]'}\n";
        assert_eq!(data(list).unwrap()["mapUsers"], "[]");
        for text in [
            "data:\n  mapRoles:\n  - rolearn: a\n",
            "kind: ConfigMap\ndata:\n  mapRoles:\n  - rolearn: a\n",
        ] {
            assert!(data(text).unwrap_err().contains("mapRoles"), "{text}");
        }
        assert!(data("- a").is_err());
        assert!(data("kind: Secret\ndata: {mapRoles: ''}\n").is_err());
    }

    #[test]
    fn another_config_map_is_not_taken_for_aws_auth_without_a_word() {
        let text =
            "kind: ConfigMap\nmetadata: {name: coredns, namespace: kube-system}\ndata: {Corefile: x}\n";
        let finding = pasted_aws_auth(text, "f").unwrap().finding.unwrap();
        assert_eq!(finding.code, "not-aws-auth");
        assert!(finding.message.contains("kube-system/coredns"));
    }
}
