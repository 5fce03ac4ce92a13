//! As whom kubectl would sign in by a context of a kubeconfig: so that `whoami` does not explain another caller than the one
//! that kubectl meets the server with.

use crate::{
    engine::{Finding, Severity},
    kubeconfig::{Entries, SignIn, entries::sign_in_of, value::Section},
};

/// What the caller has asked for with flags and environment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AskedFor<'a> {
    pub(crate) cluster: &'a str,
    /// The id that it goes by in tokens, of a local cluster on an Outpost.
    pub(crate) local_id: Option<&'a str>,
    pub(crate) region: &'a str,
    /// `--profile`.
    pub(crate) profile: Option<&'a str>,
    /// The profile that kubectl's plugin would inherit: `AWS_PROFILE`.
    pub(crate) inherited_profile: Option<&'a str>,
    pub(crate) role_arn: Option<&'a str>,
}

/// As whom a context signs in, of files in kubectl's order: each entry counts where it is first.
pub(crate) fn sign_in_of_context(files: &[Entries], context: Option<&str>) -> Option<SignIn> {
    let first = |section, name: &str| {
        files
            .iter()
            .find_map(|file| file.find(section, name))
            .map(|(_, entry)| &entry.body)
    };
    let current = || files.iter().find_map(|file| file.current_context.as_deref());
    let context = first(Section::Contexts, context.or_else(current)?)?;
    let user = context.text_at(&["user"])?;
    sign_in_of(first(Section::Users, user)?)
}

/// That kubectl signs in otherwise than was asked for.
pub(crate) fn difference(sign_in: &SignIn, asked: &AskedFor<'_>) -> Option<Finding> {
    if sign_in.cluster != asked.cluster && Some(sign_in.cluster.as_str()) != asked.local_id {
        let message = format!(
            "the kubeconfig's context signs in to cluster {}, and {} was asked about",
            sign_in.cluster, asked.cluster
        );
        return Some(
            Finding::new(Severity::Warning, "other-cluster", message)
                .with_help("Check --kubeconfig, --context and --cluster; upper and lower case count."),
        );
    }
    let has = |wanted: &Option<String>, given: Option<&str>| match wanted {
        Some(wanted) => Some(wanted.as_str()) == given,
        None => given.is_none(),
    };
    let profile = match (&sign_in.profile, asked.profile) {
        (Some(_), None) => asked.inherited_profile,
        (_, flag) => flag,
    };
    let same_region = sign_in
        .region
        .as_deref()
        .is_none_or(|region| region == asked.region);
    if has(&sign_in.profile, profile) && has(&sign_in.role_arn, asked.role_arn) && same_region {
        return None;
    }
    let flags = [
        ("--profile", sign_in.profile.as_deref()),
        ("--role-arn", sign_in.role_arn.as_deref()),
        ("--region", sign_in.region.as_deref()),
    ];
    let (mut words, mut by) = (Vec::new(), Vec::new());
    for (flag, value) in flags {
        let what = flag.trim_start_matches('-').replace("-arn", "");
        match value {
            Some(value) => {
                words.push(format!("{flag} {value}"));
                by.push(format!("{what} {value}"));
            }
            None => by.push(format!("no {what} of its own")),
        }
    }
    let help = if words.is_empty() {
        "Leave out --profile and --role-arn to see what kubectl meets.".to_owned()
    } else {
        format!(
            "To see what kubectl meets: {}, and no other of these flags.",
            words.join(" ")
        )
    };
    let message = format!(
        "kubectl signs in otherwise by the kubeconfig's context: {}",
        by.join(", ")
    );
    Some(Finding::new(Severity::Note, "other-sign-in", message).with_help(help))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubeconfig::Document;

    const FILE: &str = "apiVersion: v1\nkind: Config\ncurrent-context: prod\n\
        contexts:\n- name: prod\n  context: {cluster: c, user: nina}\n- name: admin\n  context: {cluster: c, user: certificate}\n\
        users:\n- name: nina\n  user:\n    exec:\n      command: /usr/bin/eksact\n      \
        args: [token, --cluster, prod, --region, eu-west-1, --profile, dev, --role-arn, 'arn:aws:iam::111122223333:role/r']\n\
        - name: certificate\n  user: {client-certificate: a, client-key: b}\n";

    fn files() -> Vec<Entries> {
        vec![
            Entries::default(),
            Document::read("f", FILE.as_bytes()).unwrap().entries().clone(),
        ]
    }

    #[test]
    fn the_context_says_as_whom_kubectl_signs_in() {
        let found = sign_in_of_context(&files(), None).unwrap();
        assert_eq!(
            (
                found.cluster.as_str(),
                found.region.as_deref(),
                found.profile.as_deref()
            ),
            ("prod", Some("eu-west-1"), Some("dev"))
        );
        assert_eq!(sign_in_of_context(&files(), Some("admin")), None);
        assert_eq!(sign_in_of_context(&files(), Some("none")), None);
    }

    #[test]
    fn another_sign_in_is_told() {
        let found = sign_in_of_context(&files(), None).unwrap();
        let same = AskedFor {
            cluster: "prod",
            local_id: None,
            region: "eu-west-1",
            profile: Some("dev"),
            inherited_profile: None,
            role_arn: Some("arn:aws:iam::111122223333:role/r"),
        };
        let code = |asked: AskedFor<'_>| difference(&found, &asked).map(|finding| finding.code);
        assert_eq!(code(same), None);
        let inherited = AskedFor {
            profile: None,
            inherited_profile: Some("dev"),
            ..same
        };
        assert_eq!(code(inherited), None);
        for other in [
            AskedFor {
                profile: None,
                ..same
            },
            AskedFor {
                role_arn: None,
                ..same
            },
            AskedFor {
                region: "eu-west-2",
                ..same
            },
        ] {
            assert_eq!(code(other).as_deref(), Some("other-sign-in"), "{other:?}");
        }
        assert_eq!(
            code(AskedFor {
                cluster: "Prod",
                ..same
            })
            .as_deref(),
            Some("other-cluster")
        );
        let local = AskedFor {
            cluster: "edge",
            local_id: Some("prod"),
            ..same
        };
        assert_eq!(code(local), None);
        let plain = SignIn {
            cluster: "prod".to_owned(),
            ..SignIn::default()
        };
        let ambient = AskedFor {
            profile: None,
            inherited_profile: Some("dev"),
            role_arn: None,
            ..same
        };
        assert_eq!(
            difference(&plain, &ambient),
            None,
            "the plugin inherits AWS_PROFILE"
        );
        assert!(
            difference(
                &plain,
                &AskedFor {
                    profile: Some("x"),
                    ..ambient
                }
            )
            .is_some()
        );
    }
}
