//! The folder in which a command is run, with secrets in every file that eksact reads.

use std::{
    fmt::Write as _,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use percent_encoding::utf8_percent_encode;

use super::planted::{IN_QUERY, Search, canary, hex_canary, plain_canary};
use crate::commands::place::Place;

/// The addresses of those who answer.
pub(super) struct Servers {
    pub(super) answers: String,
    pub(super) refuses: String,
    pub(super) proxy: String,
}

/// The token of a service account, with a signature of this text.
fn pod_token() -> String {
    let payload = r#"{"iss":"https://oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF","sub":"system:serviceaccount:app:web","aud":["sts.amazonaws.com"],"iat":1700000000,"exp":4070908800}"#;
    [
        URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","kid":"x"}"#),
        URL_SAFE_NO_PAD.encode(payload),
        plain_canary("jwt-signature"),
    ]
    .join(".")
}

/// A token of a cluster, presigned by somebody else.
fn presigned(signature: &str) -> String {
    let session = utf8_percent_encode(&canary("given-session-token"), IN_QUERY).to_string();
    let url = format!(
        "https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&\
         X-Amz-Credential=ASIAIOSFODNN7EXAMPLE%2F20240101%2Feu-west-1%2Fsts%2Faws4_request&X-Amz-Date=20240101T000000Z&\
         X-Amz-Expires=60&X-Amz-Security-Token={session}&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id&X-Amz-Signature={signature}"
    );
    format!("k8s-aws-v1.{}", URL_SAFE_NO_PAD.encode(url))
}

/// A line with the planted secrets in place of their names.
pub(super) fn filled(line: &str) -> Vec<String> {
    let fill = |word: &str| {
        let proxy = |secret: &str| format!("http://nina:{}@127.0.0.1:9", plain_canary(secret));
        word.replace("EXEC_ENV", &plain_canary("exec-env"))
            .replace("OTHER_ENV", &plain_canary("other-env"))
            .replace("PROXY_URL", &proxy("proxy-url"))
            .replace("OTHER_URL", &proxy("other-url"))
            .replace("NOT_A_URL", &plain_canary("not-a-url"))
            .replace("POD_TOKEN", &pod_token())
            .replace("PRESIGNED", &presigned(&hex_canary()))
            .replace("SPOILED", &presigned(&plain_canary("spoiled-signature")))
    };
    line.split_whitespace().map(fill).collect()
}

/// A private key, and a piece of it that must not be quoted.
fn private_key() -> (String, String) {
    let pem = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let piece = pem.lines().nth(1).unwrap()[8..40].to_owned();
    (pem, piece)
}

/// The place of one command, with secrets in every file that eksact reads.
pub(super) struct Planted {
    pub(super) place: Place,
    /// The files and what was planted in them.
    pub(super) files: Vec<(PathBuf, String)>,
    pub(super) search: Search,
}

impl Planted {
    pub(super) fn new(servers: &Servers) -> Self {
        let (key, piece) = private_key();
        let mut planted = Self {
            place: Place::new(),
            files: Vec::new(),
            search: Search::new(&[piece]),
        };
        let home = planted.place.path("");
        let in_home = |name: &str| home.join(name).display().to_string();
        planted.write("cluster.yaml", &cluster("prod"));
        planted.write("other.yaml", &cluster("other"));
        planted.write(
            "broken.yaml",
            "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\niam: 7\n",
        );
        planted.write(
            "pod.yaml",
            &format!(
                "apiVersion: v1\nkind: Pod\nmetadata: {{name: p, namespace: app}}\nspec:\n  serviceAccountName: web\n  containers:\n  - name: c\n    image: i\n    \
                 command: [sh, -c, 'x {0}']\n    env: [{{name: PASSWORD, value: '{0}'}}]\n",
                canary("pod-env")
            ),
        );
        planted.write("session.jwt", &pod_token());
        planted.write("container-token", &canary("container-token-file"));
        planted.write("key.pem", &key);
        planted.write(
            "credentials.sh",
            &format!(
                "echo 'process says {}' >&2\nprintf '%s' '{{\"Version\": 1, \"AccessKeyId\": \"ASIAIOSFODNN7EXAMPLE\", \"SecretAccessKey\": \"{}\", \
                 \"SessionToken\": \"{}\", \"Expiration\": \"2099-01-01T00:00:00Z\"}}'\n",
                canary("process-stderr"),
                canary("process-secret-key"),
                canary("process-session-token")
            ),
        );
        planted.write(
            "refusing.sh",
            &format!(
                "echo '{{\"SecretAccessKey\": \"{}\"'\nexit 3\n",
                canary("process-refused")
            ),
        );
        planted.write(
            ".aws/config",
            &format!(
                "[profile process]\ncredential_process = /bin/sh {}\n[profile refusing]\ncredential_process = /bin/sh {}\n\
                 [profile role]\nrole_arn = arn:aws:iam::111122223333:role/dev\nsource_profile = keys\nexternal_id = {}\n\
                 [profile web]\nrole_arn = arn:aws:iam::111122223333:role/dev\nweb_identity_token_file = {}\n\
                 [profile mfa]\nrole_arn = arn:aws:iam::111122223333:role/dev\nsource_profile = keys\nmfa_serial = arn:aws:iam::111122223333:mfa/nina\n\
                 [profile sso]\nsso_session = s\nsso_account_id = 111122223333\nsso_role_name = Admin\n\
                 [sso-session s]\nsso_start_url = https://example.awsapps.com/start\nsso_region = eu-west-1\n\
                 [profile full]\nrole_arn = arn:aws:iam::111122223333:role/old\naws_secret_access_key = {}\naws_session_token = {}\n\
                 credential_process = /bin/sh -c '{}'\n",
                in_home("credentials.sh"),
                in_home("refusing.sh"),
                "profile-external-id",
                in_home("session.jwt"),
                canary("config-secret-key"),
                canary("config-session-token"),
                canary("config-process"),
            ),
        );
        planted.write(
            ".aws/credentials",
            &format!(
                "[keys]\naws_access_key_id = ASIAIOSFODNN7EXAMPLE\naws_secret_access_key = {}\naws_session_token = {}\n",
                canary("file-secret-key"),
                canary("file-session-token")
            ),
        );
        planted.write(
            "broken-credentials",
            &format!(
                "[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key {}\n[keys\naws_session_token = {}\n",
                canary("broken-secret-key"),
                canary("broken-session-token")
            ),
        );
        // The SHA-1 of `s`.
        planted.write(
            ".aws/sso/cache/a0f1490a20d0211c997b44bc357e1972deab8ae3.json",
            &format!(
                "{{\"startUrl\": \"https://example.awsapps.com/start\", \"region\": \"eu-west-1\", \"accessToken\": \"{}\", \"expiresAt\": \"2099-01-01T00:00:00Z\", \
                 \"clientId\": \"c\", \"clientSecret\": \"{}\", \"refreshToken\": \"{}\", \"registrationExpiresAt\": \"2099-01-01T00:00:00Z\"}}",
                canary("sso-access-token"),
                canary("sso-client-secret"),
                canary("sso-refresh-token")
            ),
        );
        planted.write("token-file", &canary("kubeconfig-token-file"));
        planted.write(
            "kube.yaml",
            &kubeconfig(&servers.answers, &key, &in_home("token-file")),
        );
        planted.write(
            "broken-kube.yaml",
            &format!(
                "apiVersion: v1\nkind: Config\nusers:\n- name: u\n  user: {{token: \"{}}}\n",
                canary("broken-kubeconfig")
            ),
        );
        planted
    }

    fn write(&mut self, name: &str, text: &str) {
        let path = self.place.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        self.files.push((path, text.to_owned()));
    }
}

/// The configuration of a cluster. What a section holds that eksact does not manage is nobody's business.
fn cluster(name: &str) -> String {
    format!(
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: {name}, region: eu-west-1}}\niam:\n  withOIDC: true\n  serviceAccounts:\n  \
         - metadata: {{name: reader, namespace: app}}\n    attachPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess']\n  \
         podIdentityAssociations:\n  - {{namespace: app, serviceAccountName: worker, permissionPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess']}}\n\
         accessConfig:\n  accessEntries:\n  - {{principalARN: 'arn:aws:iam::111122223333:role/ops', kubernetesGroups: [operators]}}\n\
         identityProviders:\n- {{type: oidc, name: okta, issuerURL: 'https://okta.example.com', clientID: kubernetes}}\n\
         nodeGroups:\n- {{name: n, preBootstrapCommands: ['curl -H {}']}}\n---\n\
         apiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\nmetadata: {{name: {name}}}\naccount: {{roleARN: 'arn:aws:iam::111122223333:role/deploy', externalID: '{}'}}\n\
         identityMappings:\n- {{arn: 'arn:aws:iam::111122223333:role/dev', username: dev}}\n",
        canary("bootstrap-command"),
        "file-external-id",
    )
}

/// Contexts with each way to sign in.
pub(super) const CONTEXTS: [&str; 9] = [
    "token",
    "token-file",
    "password",
    "key",
    "bad-key",
    "exec",
    "exec-fails",
    "auth-provider",
    "proxy",
];

fn kubeconfig(server: &str, key: &str, token_file: &str) -> String {
    let certificate = {
        let key = rcgen::KeyPair::from_pem(key).unwrap();
        let parameters = rcgen::CertificateParams::new(vec!["nina".to_owned()]).unwrap();
        parameters.self_signed(&key).unwrap().pem()
    };
    let exec = |script: &str| {
        format!(
            "exec: {{apiVersion: client.authentication.k8s.io/v1, command: /bin/sh, args: [-c, '{script}', '{}'], \
             env: [{{name: TEAM_TOKEN, value: '{}'}}], interactiveMode: Never}}",
            canary("kubeconfig-exec-argument"),
            canary("kubeconfig-exec-env")
        )
    };
    let prints = format!(
        "echo Bearer {0} >&2; printf \"%s\" \"{{\\\"kind\\\": \\\"ExecCredential\\\", \\\"apiVersion\\\": \\\"client.authentication.k8s.io/v1\\\", \
         \\\"status\\\": {{\\\"token\\\": \\\"{0}\\\"}}}}\"",
        plain_canary("exec-token")
    );
    let users = [
        ("token", format!("token: '{}'", canary("kubeconfig-token"))),
        ("token-file", format!("tokenFile: {token_file}")),
        (
            "password",
            format!("username: nina, password: '{}'", canary("kubeconfig-password")),
        ),
        (
            "key",
            format!(
                "client-certificate-data: {}, client-key-data: {}",
                STANDARD.encode(certificate),
                STANDARD.encode(key)
            ),
        ),
        (
            "bad-key",
            format!(
                "client-certificate-data: Q0E=, client-key-data: {}",
                STANDARD.encode(format!(
                    "-----BEGIN PRIVATE KEY-----\n{}\n",
                    canary("kubeconfig-token")
                ))
            ),
        ),
        ("exec", exec(&prints)),
        (
            "exec-fails",
            exec(&format!("echo {}; exit 4", canary("exec-output"))),
        ),
        (
            "auth-provider",
            format!(
                "auth-provider: {{name: oidc, config: {{refresh-token: '{}', client-secret: '{0}'}}}}",
                canary("kubeconfig-auth-provider")
            ),
        ),
    ];
    let mut text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: token\nclusters:\n- {{name: c, cluster: {{server: 'http://{server}'}}}}\n\
         - {{name: p, cluster: {{server: 'https://127.0.0.1:9', proxy-url: 'http://nina:{}@{server}'}}}}\n\
         contexts:\n- {{name: proxy, context: {{cluster: p, user: token}}}}\n",
        canary("kubeconfig-token")
    );
    for (name, _) in &users {
        writeln!(text, "- {{name: {name}, context: {{cluster: c, user: {name}}}}}").unwrap();
    }
    text.push_str("users:\n");
    for (name, user) in &users {
        writeln!(text, "- name: {name}\n  user: {{{user}}}").unwrap();
    }
    text
}

/// Where credentials come from, as an environment.
pub(super) fn sources(home: &Path, server: &str) -> Vec<(&'static str, Vec<(&'static str, String)>)> {
    let path = |name: &str| home.join(name).display().to_string();
    let profile = |name: &str| vec![("AWS_PROFILE", name.to_owned())];
    let container = format!("http://{server}/container");
    vec![
        ("profile with keys", profile("keys")),
        ("process", profile("process")),
        ("process that fails", profile("refusing")),
        ("role", profile("role")),
        ("role by web identity", profile("web")),
        ("SSO", profile("sso")),
        (
            "web identity",
            vec![
                ("AWS_WEB_IDENTITY_TOKEN_FILE", path("session.jwt")),
                ("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/dev".to_owned()),
            ],
        ),
        (
            "container",
            vec![
                ("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.clone()),
                ("AWS_CONTAINER_AUTHORIZATION_TOKEN", canary("container-token")),
            ],
        ),
        (
            "container with a token file",
            vec![
                ("AWS_CONTAINER_CREDENTIALS_FULL_URI", container),
                ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path("container-token")),
            ],
        ),
        (
            "broken file",
            vec![
                ("AWS_SHARED_CREDENTIALS_FILE", path("broken-credentials")),
                ("AWS_PROFILE", "keys".to_owned()),
            ],
        ),
        (
            "bundle with a key",
            vec![
                ("AWS_PROFILE", "keys".to_owned()),
                ("AWS_CA_BUNDLE", path("key.pem")),
            ],
        ),
    ]
}

/// Keys in the environment.
pub(super) fn keys() -> Vec<(&'static str, String)> {
    vec![
        ("AWS_ACCESS_KEY_ID", "ASIAIOSFODNN7EXAMPLE".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", canary("secret-key")),
        ("AWS_SESSION_TOKEN", canary("session-token")),
    ]
}
