//! Principals of the bed's AWS account and what the real server makes of them: tokens by the real
//! aws-iam-authenticator, answers by the real kubectl.

use std::process::Command;

use serde_json::{Value, json};

use super::bed::{Bed, Ran, until};

/// Where aws-auth is.
const AWS_AUTH: &str = "/api/v1/namespaces/kube-system/configmaps/aws-auth";

/// Credentials of a principal.
pub(crate) struct Keys {
    id: String,
    secret: String,
    session: Option<String>,
}

impl Keys {
    /// Id, secret and session token.
    pub(crate) fn parts(&self) -> Value {
        json!([self.id, self.secret, self.session])
    }
}

/// What `kubectl auth whoami` says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct WhoAmI {
    pub(crate) username: String,
    /// Without `system:authenticated`, which everybody has.
    pub(crate) groups: Vec<String>,
}

impl Bed {
    /// A user with a path, and its keys.
    pub(crate) fn make_user(&self, path: &str, name: &str) -> Keys {
        let user = json!({"UserName": name, "Path": path});
        self.aws("iam", "create_user", &user).unwrap();
        let made = self
            .aws("iam", "create_access_key", &json!({"UserName": name}))
            .unwrap();
        keys(&made["AccessKey"], "AccessKeyId", None)
    }

    /// A role with a path that everybody of the account may assume, and keys of a session.
    pub(crate) fn make_session(&self, path: &str, role: &str, session: &str) -> Keys {
        let account = self.fact("account");
        let trust = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"AWS": format!("arn:aws:iam::{account}:root")},
        }]});
        let made = json!({"RoleName": role, "Path": path, "AssumeRolePolicyDocument": trust.to_string()});
        self.aws("iam", "create_role", &made).unwrap();
        self.assume(&format!("arn:aws:iam::{account}:role{path}{role}"), session)
    }

    /// Keys of a session of a role.
    pub(crate) fn assume(&self, role_arn: &str, session: &str) -> Keys {
        let wanted = json!({"RoleArn": role_arn, "RoleSessionName": session});
        let assumed = self.aws("sts", "assume_role", &wanted).unwrap();
        keys(&assumed["Credentials"], "AccessKeyId", Some("SessionToken"))
    }

    /// A token of these keys, made by the real aws-iam-authenticator.
    pub(crate) fn token(&self, keys: &Keys) -> String {
        let binary = self.facts["binaries"]["aws-iam-authenticator"].as_str().unwrap();
        let mut command = Command::new(binary);
        command
            .env_clear()
            .envs(self.environment())
            .env("HOME", self.home.path())
            .env("AWS_ACCESS_KEY_ID", &keys.id)
            .env("AWS_SECRET_ACCESS_KEY", &keys.secret)
            .args(["token", "-i", self.fact("cluster"), "--token-only"]);
        if let Some(session) = &keys.session {
            command.env("AWS_SESSION_TOKEN", session);
        }
        let told = Ran::from(command.output().unwrap()).ended(0);
        told.stdout.trim().to_owned()
    }

    /// The bed's kubectl with a token and nothing else.
    pub(crate) fn kubectl_with(&self, token: &str, arguments: &[&str]) -> Ran {
        let binary = self.facts["binaries"]["kubectl"].as_str().unwrap();
        let mut command = Command::new(binary);
        command
            .env_clear()
            .env("HOME", self.home.path())
            .env("KUBECONFIG", "/dev/null")
            .args(["--server", self.fact("endpoint")])
            .args(["--certificate-authority", self.fact("ca")])
            .args(["--token", token])
            .args(arguments);
        Ran::from(command.output().unwrap())
    }

    /// Who the server takes the holder of these keys for; none when it does not let it in.
    pub(crate) fn who_am_i(&self, keys: &Keys) -> Option<WhoAmI> {
        let ran = self.kubectl_with(&self.token(keys), &["auth", "whoami", "-o", "json"]);
        if ran.code != Some(0) {
            ran.says("Unauthorized");
            return None;
        }
        let user = ran.json()["status"]["userInfo"].clone();
        let groups = user["groups"].as_array().into_iter().flatten();
        Some(WhoAmI {
            username: user["username"].as_str().unwrap_or_default().to_owned(),
            groups: groups
                .filter_map(|group| group.as_str().map(str::to_owned))
                .filter(|group| group != "system:authenticated")
                .collect(),
        })
    }

    /// Whether the holder of a token may: `kubectl auth can-i`.
    pub(crate) fn can_i(&self, token: &str, question: &[&str]) -> bool {
        let ran = self.kubectl_with(token, &[&["auth", "can-i"], question].concat());
        match ran.stdout.trim() {
            "yes" => true,
            "no" => false,
            _ => panic!("{ran}"),
        }
    }

    /// aws-auth as it is.
    pub(crate) fn aws_auth(&self) -> Value {
        let (status, found) = self.kubernetes("GET", AWS_AUTH, &Value::Null);
        assert_eq!(status, 200, "{found}");
        found
    }

    /// One section of aws-auth.
    pub(crate) fn section(&self, key: &str) -> String {
        self.aws_auth()["data"][key]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Puts these sections in place of all that aws-auth holds, as people do by hand, and waits until the authenticator
    /// goes by them.
    pub(crate) fn put_aws_auth(&self, data: &Value) {
        let mut object = self.aws_auth();
        object["data"] = data.clone();
        let (status, answer) = self.kubernetes("PUT", AWS_AUTH, &object);
        assert_eq!(status, 200, "{answer}");
        let deployer = self.deployer();
        until("the deployer to be let in", || self.who_am_i(&deployer).is_some());
    }

    /// The keys that everything here is done with.
    pub(crate) fn deployer(&self) -> Keys {
        let person = &self.facts["people"]["deployer"];
        let text = |key: &str| person[key].as_str().unwrap().to_owned();
        Keys {
            id: text("access_key_id"),
            secret: text("secret_access_key"),
            session: None,
        }
    }
}

fn keys(told: &Value, id: &str, session: Option<&str>) -> Keys {
    let text = |key: &str| told[key].as_str().unwrap().to_owned();
    Keys {
        id: text(id),
        secret: text("SecretAccessKey"),
        session: session.map(text),
    }
}
