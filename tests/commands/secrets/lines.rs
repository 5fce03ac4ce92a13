//! What of every command is run: lines that do its work, and lines at which it fails.

/// The lines of a command, each without the command's own words. A new command needs an entry; without one the test fails.
pub(in crate::commands) fn lines(command: &str) -> Option<&'static [&'static str]> {
    Some(match command {
        "plan" => &[
            "-f cluster.yaml",
            "-f cluster.yaml --prune -o json --out plan.json",
            "-f cluster.yaml -o ndjson --json-into p.json --markdown-into p.md --html-into p.html --sarif-into p.sarif",
            "-f cluster.yaml -f other.yaml --metrics-into m.txt",
            "-f broken.yaml",
        ],
        "apply" => &[
            "-f cluster.yaml --yes",
            "-f cluster.yaml --yes -o json --json-into a.json",
            "saved.json --yes",
            "-f cluster.yaml -f other.yaml --yes -o ndjson",
            "-f broken.yaml --yes",
        ],
        "show" => &["saved.json", "saved.json -o json", "broken.yaml"],
        "create iamserviceaccount" => &[
            "--cluster prod --name made --namespace app --attach-policy-arn arn:aws:iam::aws:policy/ReadOnlyAccess --yes",
            "--cluster prod --name made --attach-policy missing.json --yes",
        ],
        "create iamidentitymapping" => &[
            "--cluster prod --arn arn:aws:iam::111122223333:role/made --username made --yes",
            "--cluster prod --arn nonsense --username made --yes",
        ],
        "create accessentry" => &["--cluster prod --principal-arn arn:aws:iam::111122223333:role/made --yes"],
        "create podidentityassociation" => &[
            "--cluster prod --namespace app --service-account-name made --create-service-account \
             --permission-policy-arns arn:aws:iam::aws:policy/ReadOnlyAccess --yes",
            "--cluster prod --namespace app --service-account-name web --role-arn nonsense --yes",
        ],
        "get iamserviceaccount"
        | "get iamidentitymapping"
        | "get accessentry"
        | "get podidentityassociation"
        | "get identityprovider"
        | "get cluster" => &[
            "--cluster prod",
            "--cluster prod -o json",
            "-f cluster.yaml -o yaml",
        ],
        "update iamserviceaccount" => &[
            "--cluster prod --namespace app --name reader --tags a=b --yes",
            "--cluster prod --namespace app --name missing --tags a=b --yes",
        ],
        "update accessentry" => &[
            "--cluster prod --principal-arn arn:aws:iam::111122223333:role/ops --kubernetes-groups ops --yes",
            "--cluster prod --principal-arn arn:aws:iam::111122223333:role/missing --kubernetes-groups ops --yes",
        ],
        "update podidentityassociation" => {
            &["--cluster prod --namespace app --service-account-name worker --no-target-role --yes"]
        }
        "update-kubeconfig" => &[
            "--name prod --kubeconfig kube.yaml --exec-env TEAM_TOKEN=EXEC_ENV --dry-run",
            "--name prod --kubeconfig kube.yaml --exec-env TEAM_TOKEN=EXEC_ENV --proxy-url PROXY_URL --diff-only",
            "--name prod --kubeconfig kube.yaml --exec-env TEAM_TOKEN=EXEC_ENV --proxy-url PROXY_URL -o json",
            "--name prod --kubeconfig kube.yaml --exec-env TEAM_TOKEN=OTHER_ENV --proxy-url OTHER_URL",
            "--name prod --kubeconfig kube.yaml --no-proxy-url --diff-only",
            "--name prod --kubeconfig broken-kube.yaml",
            "--name prod --kubeconfig kube.yaml --proxy-url http://nina:NOT_A_URL@:x",
            "--name prod --kubeconfig kube.yaml --exec-env EXEC_ENV",
            "--name prod --kubeconfig kube.yaml --assume-role arn:aws:iam::444455556666:role/dev --write-aws-profile full --source-profile keys",
            "--name prod --kubeconfig kube.yaml --assume-role arn:aws:iam::444455556666:role/dev --write-aws-profile full --source-profile keys --force --diff-only",
            "--name prod --kubeconfig kube.yaml --assume-role arn:aws:iam::444455556666:role/dev --write-aws-profile full --source-profile keys --force -o json",
        ],
        "delete iamserviceaccount" => &[
            "--cluster prod --namespace app --name reader --yes",
            "-f cluster.yaml --yes",
        ],
        "delete iamidentitymapping" => &[
            "--cluster prod --arn arn:aws:iam::111122223333:role/dev --yes",
            "--cluster prod --arn arn:aws:iam::111122223333:role/missing --yes",
        ],
        "delete accessentry" => &["--cluster prod --principal-arn arn:aws:iam::111122223333:role/ops --yes"],
        "delete iam-oidc-provider" => &[
            "--cluster prod --yes --allow oidc-provider-in-use",
            "--cluster prod --yes",
        ],
        "delete podidentityassociation" => {
            &["--cluster prod --namespace app --service-account-name worker --yes"]
        }
        "delete kubeconfig" => &[
            "--name prod --kubeconfig kube.yaml --dry-run",
            "--name prod --kubeconfig kube.yaml --diff-only",
            "--name prod --kubeconfig kube.yaml -o json",
            "--name prod --kubeconfig broken-kube.yaml",
        ],
        "check access" => &["--cluster prod", "--cluster prod -o json", "-f cluster.yaml"],
        "check aws-auth" => &["--cluster prod", "-f cluster.yaml"],
        "check irsa" => &[
            "--cluster prod app/reader",
            "--cluster prod app/web --try -o json",
            "--cluster prod app/web --token POD_TOKEN",
            "--cluster prod app/web --token POD_TOKEN --try",
        ],
        "can-i" | "explain access" => &[
            "get pods --cluster prod",
            "s3:GetObject arn:aws:s3:::bucket/key --cluster prod -o json",
            "get pods --snapshot missing.json",
        ],
        "who-can" => &[
            "get secrets --cluster prod",
            "s3:GetObject --cluster prod --via -o json",
            "get pods --snapshot missing.json",
        ],
        "map" => &[
            "--cluster prod",
            "--snapshot taken.json",
            "--snapshot missing.json",
        ],
        "diff-access" => &[
            "--from missing.json --cluster prod",
            "--from taken.json --cluster prod",
        ],
        "explain pod" => &[
            "--cluster prod --service-account reader --namespace app",
            "--cluster prod --pod pod.yaml --service-account web --namespace app",
            "--cluster prod --pod pod.yaml -o json",
            "--cluster prod --pod broken.yaml",
        ],
        "fleet shard" => &[
            "--index 0 --of 1 -f cluster.yaml",
            "--index 0 --of 1 -f missing.yaml",
        ],
        "snapshot" => &["--cluster prod --out s.json", "--cluster prod"],
        "export" => &["--cluster prod", "--cluster prod -o exported.yaml"],
        "permissions" => &["--for apply -f cluster.yaml", "-f broken.yaml"],
        "restore aws-auth" => &["--cluster prod --list", "--cluster prod --to missing --yes"],
        "migrate to-access-entries"
        | "migrate to-pod-identity"
        | "utils migrate-to-access-entry"
        | "utils migrate-to-pod-identity" => &["--cluster prod", "-f cluster.yaml --yes"],
        "associate iam-oidc-provider" | "utils associate-iam-oidc-provider" => &[
            "--cluster prod --thumbprint iam --yes",
            "--cluster prod --thumbprint iam --check-thumbprint --yes",
        ],
        "associate identityprovider" => &["-f cluster.yaml --yes", "-f broken.yaml"],
        "disassociate identityprovider" => &[
            "--cluster prod --name okta --type oidc --yes",
            "-f cluster.yaml --yes",
        ],
        "utils update-authentication-mode" => {
            &["--cluster prod --authentication-mode API_AND_CONFIG_MAP --yes"]
        }
        "utils write-kubeconfig" => &[
            "--cluster prod --kubeconfig kube.yaml --exec-env TEAM_TOKEN=EXEC_ENV --dry-run",
            "--cluster prod --kubeconfig kube.yaml --exec-env TEAM_TOKEN=EXEC_ENV",
            "--cluster prod --kubeconfig broken-kube.yaml",
        ],
        "utils schema" | "schema" => &["--kind ClusterAccess", "--kind nonsense"],
        "token" => &[
            "--cluster prod",
            "--cluster prod --token-only",
            "--cluster prod --role-arn arn:aws:iam::111122223333:role/dev --external-id an-external-id",
            "--cluster prod --forward-session-name --role-arn arn:aws:iam::111122223333:role/dev",
        ],
        "decode token" => &[
            "PRESIGNED",
            "PRESIGNED -o json",
            "POD_TOKEN",
            "POD_TOKEN -o json",
            "SPOILED",
        ],
        "verify token" => &[
            "--cluster prod",
            "--cluster prod PRESIGNED",
            "--cluster prod -t SPOILED -o json",
            "--cluster prod -t POD_TOKEN",
            "--cluster prod --role-arn arn:aws:iam::111122223333:role/dev --external-id an-external-id",
        ],
        "whoami" => &[
            "",
            "--cluster prod",
            "--cluster prod -o json",
            "--cluster prod --role-arn arn:aws:iam::111122223333:role/dev --external-id an-external-id",
        ],
        "completion" => &["bash", "nonsense"],
        "man" => &["pages", "cluster.yaml/pages"],
        "version" => &["", "-o json"],
        _ => return None,
    })
}
