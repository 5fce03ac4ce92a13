//! The commands that faults strike. Each run has objects of its own, by a number, so that rows cannot help each other.

use serde_json::json;

use super::super::bed::Bed;

const POLICY: &str = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// A file with a service account, its role and a mapping.
    Plan,
    Apply,
    /// The same as a saved plan.
    ApplySaved,
    /// A file with a role alone.
    ApplyRole,
    CreateAccount,
    DeleteAccount,
    CreateMapping,
    DeleteMapping,
    CreateEntry,
    DeleteEntry,
    Migrate,
    UpdateKubeconfig,
    Token,
    Whoami,
    CheckAccess,
    WhoCan,
    GetMapping,
    Snapshot,
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(ToOwned::to_owned).collect()
}

pub(super) fn role(number: u32) -> String {
    format!("arn:aws:iam::111122223333:role/person-{number}")
}

fn account(number: u32) -> String {
    format!("account-{number}")
}

impl Subject {
    /// As the table names it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Apply => "apply",
            Self::ApplySaved => "apply PLAN",
            Self::ApplyRole => "apply (a role alone)",
            Self::CreateAccount => "create iamserviceaccount",
            Self::DeleteAccount => "delete iamserviceaccount",
            Self::CreateMapping => "create iamidentitymapping",
            Self::DeleteMapping => "delete iamidentitymapping",
            Self::CreateEntry => "create accessentry",
            Self::DeleteEntry => "delete accessentry",
            Self::Migrate => "migrate to-access-entries",
            Self::UpdateKubeconfig => "update-kubeconfig",
            Self::Token => "token",
            Self::Whoami => "whoami",
            Self::CheckAccess => "check access",
            Self::WhoCan => "who-can",
            Self::GetMapping => "get iamidentitymapping",
            Self::Snapshot => "snapshot",
        }
    }

    /// Whether it changes the account or the cluster.
    pub(super) const fn writes(self) -> bool {
        !matches!(
            self,
            Self::Plan
                | Self::UpdateKubeconfig
                | Self::Token
                | Self::Whoami
                | Self::CheckAccess
                | Self::WhoCan
                | Self::GetMapping
                | Self::Snapshot
        )
    }

    /// What brings it to its end: a saved plan that was begun no longer holds, and its file is applied anew.
    pub(super) const fn again(self) -> Self {
        match self {
            Self::ApplySaved => Self::Apply,
            other => other,
        }
    }

    /// Its command line.
    pub(super) fn line(self, bed: &Bed, number: u32) -> Vec<String> {
        let (role, account) = (role(number), account(number));
        let policy = format!("--attach-policy-arn {POLICY}");
        match self {
            Self::Plan => words(&format!("plan -f {}", file(bed, number, false))),
            Self::Apply => words(&format!("apply -f {} --yes", file(bed, number, false))),
            Self::ApplyRole => words(&format!("apply -f {} --yes", file(bed, number, true))),
            Self::ApplySaved => words(&format!("apply plan-{number}.json --yes")),
            Self::CreateAccount => words(&format!(
                "create iamserviceaccount -c bench --namespace app --name {account} {policy} --yes"
            )),
            Self::DeleteAccount => words(&format!(
                "delete iamserviceaccount -c bench --namespace app --name {account} --yes"
            )),
            Self::CreateMapping => words(&format!(
                "create iamidentitymapping -c bench --arn {role} --username person-{number} --group bed-readers --yes"
            )),
            Self::DeleteMapping => words(&format!("delete iamidentitymapping -c bench --arn {role} --yes")),
            Self::CreateEntry => words(&format!(
                "create accessentry -c bench --principal-arn {role} --access-policy AmazonEKSViewPolicy --yes"
            )),
            Self::DeleteEntry => words(&format!(
                "delete accessentry -c bench --principal-arn {role} --yes"
            )),
            Self::Migrate => words("migrate to-access-entries -c bench --yes"),
            Self::UpdateKubeconfig => words("update-kubeconfig --name bench --dry-run"),
            Self::Token => words("token -c bench --token-only --no-cache"),
            Self::Whoami => words("whoami"),
            Self::CheckAccess => words("check access -c bench"),
            Self::WhoCan => words("who-can get pods -c bench"),
            Self::GetMapping => words("get iamidentitymapping -c bench"),
            Self::Snapshot => words("snapshot -c bench -o -"),
        }
    }

    /// Makes what the command takes away or goes by.
    pub(super) fn prepare(self, bed: &Bed, number: u32) {
        let first = match self {
            Self::DeleteAccount => Self::CreateAccount,
            Self::DeleteMapping => Self::CreateMapping,
            Self::Migrate => {
                bed.make_foreign_role(&format!("person-{number}"));
                Self::CreateMapping
            }
            Self::CreateEntry => {
                bed.make_foreign_role(&format!("person-{number}"));
                return;
            }
            Self::DeleteEntry => {
                bed.make_foreign_role(&format!("person-{number}"));
                Self::CreateEntry
            }
            Self::ApplySaved => {
                let file = file(bed, number, false);
                let out = format!("plan-{number}.json");
                bed.run(&["plan", "-f", &file, "--out", &out]).ended(0);
                return;
            }
            _ => return,
        };
        bed.run(&first.line(bed, number)).ended(0);
    }
}

/// A file with one service account, and a mapping unless its role is all.
fn file(bed: &Bed, number: u32, is_role_alone: bool) -> String {
    let mut account =
        json!({"metadata": {"name": account(number), "namespace": "app"}, "attachPolicyARNs": [POLICY]});
    let mut file = json!({
        "apiVersion": "eksctl.io/v1alpha5", "kind": "ClusterConfig",
        "metadata": {"name": "bench", "region": "us-west-2"},
    });
    if is_role_alone {
        account["roleOnly"] = json!(true);
    } else {
        file["iamIdentityMappings"] = json!([{
            "arn": role(number), "username": format!("person-{number}"), "groups": ["bed-readers"]}]);
    }
    file["iam"] = json!({"withOIDC": true, "serviceAccounts": [account]});
    bed.file(&format!("file-{number}.yaml"), &file.to_string())
}
