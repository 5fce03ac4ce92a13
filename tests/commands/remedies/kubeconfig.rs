//! What the commands over kubeconfigs say, done.

use super::{
    case::{Case, Check, case},
    world::cluster,
};

pub(super) const UPDATE: &str =
    "update-kubeconfig --name quickstart --region eu-west-1 --portable --kubeconfig kc.yaml";
const WRITE: &str =
    "utils write-kubeconfig --cluster quickstart --region eu-west-1 --portable --kubeconfig kc.yaml";
const DELETE: &str = "delete kubeconfig --name quickstart --region eu-west-1 --kubeconfig kc.yaml";
pub(super) const ARN: &str = "arn:aws:eks:eu-west-1:111122223333:cluster/quickstart";

/// A kubeconfig with one cluster, context and user of this name, whose user has this body.
pub(super) fn file(name: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- {{name: '{name}', cluster: {{server: 'https://other.example'}}}}\ncontexts:\n- {{name: '{name}', \
         context: {{cluster: '{name}', user: '{name}'}}}}\ncurrent-context: '{name}'\nusers:\n- {{name: '{name}', user: {user}}}\n"
    )
}

/// A user's body as `aws eks update-kubeconfig` writes it.
pub(super) fn signs_in(cluster: &str, more: &str) -> String {
    format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1beta1, command: aws, args: [--region, eu-west-1, eks, get-token, --cluster-name, \
         {cluster}{more}]}}}}"
    )
}

pub(super) fn cases() -> Vec<Check> {
    let on = |command: &str, text: String| -> Case {
        case(command).file("kc.yaml", text).first("chmod 600 kc.yaml")
    };
    let role = ", --role-arn, 'arn:aws:iam::111122223333:role/ops'";
    let two_files = |command: &str| case(command).variable("KUBECONFIG", "$PLACEfirst.yaml:$PLACEkc.yaml");
    vec![
        // Names that are somebody else's.
        on(&format!("{UPDATE} --alias other"), file("other", "{token: abc}"))
            .says("Choose another name with --alias, or replace it with --force.")
            .instead(format!("{UPDATE} --alias mine"))
            .check(),
        on(&format!("{UPDATE} --alias other"), file("other", "{token: abc}"))
            .says("Choose another name with --alias, or replace it with --force.")
            .instead(format!("{UPDATE} --alias other --force"))
            .check(),
        on(
            WRITE,
            file("quickstart.eu-west-1.eksctl.io", &signs_in("quickstart", "")).replace(
                "https://other.example",
                "https://AAAA.gr7.eu-west-1.eks.amazonaws.com",
            ),
        )
        .says("update-kubeconfig names the ARN.")
        .instead(UPDATE)
        .check(),
        on(
            &format!("{UPDATE} --alias mine"),
            file(ARN, &signs_in("quickstart", role)),
        )
        .says("--force replaces it, for every context that uses it.")
        .instead(format!("{UPDATE} --alias mine --user-alias {ARN} --force"))
        .leaves("kubeconfig-user-replaced")
        .check(),
        on(
            &format!("{UPDATE} --alias mine"),
            file(ARN, &signs_in("quickstart", "")),
        )
        .says("--user-alias NAME makes a user of its own.")
        .instead(format!("{UPDATE} --alias mine --user-alias own"))
        .check(),
        case(UPDATE)
            .variable("AWS_PROFILE", "work")
            .says("--profile work writes it; --no-profile confirms that no profile is intended.")
            .instead(format!("{UPDATE} --no-profile"))
            .check(),
        case(UPDATE)
            .variable("AWS_PROFILE", "work")
            .says("--profile work writes it; --no-profile confirms that no profile is intended.")
            .instead(format!("{UPDATE} --profile work --force"))
            .check(),
        case(UPDATE)
            .world(|world| "CREATING".clone_into(&mut cluster(world).cluster.status))
            .says("Run this again once the cluster is ACTIVE.")
            .change(|world| "ACTIVE".clone_into(&mut cluster(world).cluster.status))
            .check(),
        case("update-kubeconfig --name quickstart --region eu-west-1")
            .says("Name a file to write to in KUBECONFIG, or with the --kubeconfig of update-kubeconfig.")
            .instead(UPDATE)
            .check(),
        case("update-kubeconfig --name quickstart --region eu-west-1")
            .says("Name a file to write to in KUBECONFIG, or with the --kubeconfig of update-kubeconfig.")
            .set("KUBECONFIG", "$PLACEkc.yaml")
            .check(),
        case(format!("{UPDATE} --exec-env AWS_PROFILE=a --profile b"))
            .says("Leave AWS_PROFILE out.")
            .instead(format!("{UPDATE} --profile b"))
            .check(),
        case(format!("{UPDATE} --proxy-url proxy.example:3128"))
            .says("For example --proxy-url http://proxy.example:3128.")
            .instead(format!("{UPDATE} --proxy-url http://proxy.example:3128"))
            .check(),
        // Lists of files.
        two_files("update-kubeconfig --name quickstart --region eu-west-1 --portable")
            .file("kc.yaml", "clusters: [")
            .file("first.yaml", file("other", "{token: abc}"))
            .first("chmod 600 first.yaml")
            .first("chmod 600 kc.yaml")
            .says("or remove it from KUBECONFIG.")
            .set("KUBECONFIG", "$PLACEfirst.yaml")
            .check(),
        two_files("update-kubeconfig --name quickstart --region eu-west-1 --portable")
            .file("first.yaml", file("other", "{token: abc}"))
            .first(format!("eksact {UPDATE}"))
            .first("chmod 600 first.yaml")
            .says("`kubectl config use-context` changes it there.")
            .replace(
                "first.yaml",
                "current-context: 'other'",
                format!("current-context: '{ARN}'"),
            )
            .check(),
        case(UPDATE)
            .file("kc.yaml", file("other", "{token: abc}"))
            .first("chmod 644 kc.yaml")
            .says("chmod 600")
            .printed(&[])
            .check(),
        // Removal.
        on(DELETE, file(ARN, "{token: abc}"))
            .says("kubectl config delete-context")
            .printed(&[])
            .leaves("note[nothing-to-delete]")
            .check(),
        on(
            "delete kubeconfig --name quickstart --kubeconfig kc.yaml",
            String::new(),
        )
        .first(format!("eksact {UPDATE}"))
        .first(format!("eksact {}", UPDATE.replace("eu-west-1", "eu-central-1")))
        .says("Name its region with --region, give its ARN as --name, or one context with --context.")
        .instead(DELETE)
        .check(),
        two_files("delete kubeconfig --name quickstart --region eu-west-1")
            .first(format!("eksact {UPDATE}"))
            .first(format!("eksact {}", UPDATE.replace("kc.yaml", "first.yaml")))
            .says("Run this again for that file, or name it with --kubeconfig.")
            .again()
            .check(),
        two_files("delete kubeconfig --name quickstart --region eu-west-1")
            .file(
                "first.yaml",
                format!("apiVersion: v1\nkind: Config\ncurrent-context: '{ARN}'\n"),
            )
            .first("chmod 600 first.yaml")
            .first(format!("eksact {UPDATE}"))
            .says("`kubectl config use-context` sets another")
            .replace(
                "first.yaml",
                format!("current-context: '{ARN}'"),
                "current-context: ''",
            )
            .leaves("note[nothing-to-delete]")
            .check(),
        on(&format!("{DELETE} --context nothing"), String::new())
            .first(format!("eksact {UPDATE}"))
            .says("`kubectl config get-contexts` lists those that exist.")
            .printed(&[])
            .instead(format!("{DELETE} --context {ARN}"))
            .check(),
    ]
}
