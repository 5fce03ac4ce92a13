//! The commands of eksctl (0.231) that eksact does not have, and what to use in their place.

use crate::cli::Failure;
use eksact_message::remedy::Remedy;

/// What to use in place of a command.
type Text = fn() -> Remedy;

/// A kind of object that only eksctl manages.
struct Noun {
    /// Its name, and what else eksctl calls it.
    names: &'static [&'static str],
    /// What eksact or the AWS CLI has for it, by verb; `*` is any verb.
    instead: &'static [(&'static str, Text)],
}

/// The verbs that have objects of several kinds. Those of eksact are here, too: not each of its verbs has each object.
const VERBS: [&str; 15] = [
    "create",
    "get",
    "update",
    "delete",
    "associate",
    "disassociate",
    "scale",
    "drain",
    "upgrade",
    "enable",
    "set",
    "unset",
    "register",
    "deregister",
    "generate",
];

/// Commands without an object.
const ALONE: [(&str, Text); 3] = [
    ("anywhere", || {
        remedy!("EKS Anywhere has no IAM part: use `eksctl anywhere`.")
    }),
    ("info", || {
        remedy!("`eksact version` prints the version of eksact.")
    }),
    ("mcp", || remedy!("Use `eksctl mcp`.")),
];

const NOUNS: [Noun; 11] = [
    Noun {
        names: &["cluster", "clusters"],
        instead: &[],
    },
    Noun {
        names: &["nodegroup", "nodegroups", "ng"],
        instead: &[("create", || {
            remedy!(
                "The role of its nodes gets into the cluster with `eksact create iamidentitymapping`, where EKS does not map it."
            )
        })],
    },
    Noun {
        names: &["addon", "addons"],
        instead: &[("create", || {
            remedy!(
                "Its role is made by `eksact create iamserviceaccount --role-only`; `--service-account-role-arn` of eksctl accepts it."
            )
        })],
    },
    Noun {
        names: &["fargateprofile", "fargateprofiles"],
        instead: &[],
    },
    Noun {
        names: &["capability", "capabilities"],
        instead: &[],
    },
    Noun {
        names: &["labels", "label"],
        instead: &[],
    },
    Noun {
        names: &["podidentityassociation", "podidentityassociations"],
        instead: &[],
    },
    Noun {
        names: &["identityprovider", "identityproviders"],
        instead: &[],
    },
    Noun {
        names: &["iam-oidc-provider", "iamoidcprovider", "oidc-provider"],
        instead: &[
            ("create", || remedy!("Use `eksact associate iam-oidc-provider`.")),
            ("disassociate", || {
                remedy!("Use `eksact delete iam-oidc-provider`.")
            }),
            ("get", || remedy!("Use `aws iam list-open-id-connect-providers`.")),
        ],
    },
    Noun {
        names: &["auto-mode-config", "zonal-shift-config"],
        instead: &[],
    },
    Noun {
        names: &["flux", "profile", "repo"],
        instead: &[],
    },
];

/// What `eksctl utils` can do besides.
const UTILITIES: [(&str, Option<Text>); 20] = [
    ("describe-addon-configuration", None),
    ("describe-addon-versions", None),
    ("describe-cluster-versions", None),
    (
        "describe-stacks",
        Some(|| remedy!("`eksact get iamserviceaccount -o json` names the stack of each service account.")),
    ),
    (
        "detect-drift",
        Some(|| remedy!("`eksact plan` compares the roles with the file.")),
    ),
    ("enable-secrets-encryption", None),
    ("install-vpc-controllers", None),
    ("nodegroup-health", None),
    ("set-public-access-cidrs", None),
    ("update-aws-node", None),
    ("update-cluster-endpoint-access", None),
    ("update-cluster-endpoints", None),
    ("update-cluster-logging", None),
    ("update-cluster-stack", None),
    ("update-cluster-vpc-config", None),
    ("update-control-plane-component-config", None),
    ("update-coredns", None),
    ("update-kube-proxy", None),
    ("update-legacy-subnet-settings", None),
    ("update-zonal-shift-config", None),
];

/// The answer to a command of eksctl's: `word` behind `verbs`, which eksact does not have; `next` is the word behind it.
pub(crate) fn answer(verbs: &[&str], word: &str, next: Option<&str>) -> Option<Failure> {
    match verbs {
        [] if VERBS.contains(&word) => {
            let noun = next.and_then(noun_of);
            let name = noun.map_or_else(|| word.to_owned(), |noun| format!("{word} {}", noun.names[0]));
            Some(failure(&name, noun.and_then(|noun| instead(noun, word))))
        }
        [] => ALONE
            .iter()
            .find(|(name, _)| *name == word)
            .map(|(name, help)| Failure::usage(not_here(name)).with_help(help())),
        ["utils"] => UTILITIES
            .iter()
            .find(|(name, _)| *name == word)
            .map(|(name, help)| failure(&format!("utils {name}"), *help)),
        [verb] => {
            let noun = noun_of(word)?;
            Some(failure(
                &format!("{verb} {}", noun.names.first()?),
                instead(noun, verb),
            ))
        }
        _ => None,
    }
}

fn noun_of(word: &str) -> Option<&'static Noun> {
    NOUNS.iter().find(|noun| noun.names.contains(&word))
}

fn instead(noun: &Noun, verb: &str) -> Option<Text> {
    noun.instead
        .iter()
        .find(|(of, _)| *of == verb)
        .map(|(_, help)| *help)
}

fn failure(name: &str, instead: Option<Text>) -> Failure {
    let failure = Failure::usage(not_here(name));
    let failure = match instead {
        Some(instead) => failure.with_help(instead()),
        None => failure,
    };
    failure.with_help(remedy!(
        "eksact manages who may do what on a cluster; the rest stays with eksctl: `eksctl {name}`."
    ))
}

fn not_here(name: &str) -> String {
    format!("`{name}` is a command of eksctl that eksact does not have")
}
