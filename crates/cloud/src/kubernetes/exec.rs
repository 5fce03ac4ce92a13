//! Exec credential plugins of a kubeconfig (`aws eks get-token`, `aws-iam-authenticator token`), run as kubectl runs
//! them (`client.authentication.k8s.io`, client-go `plugin/pkg/client/auth/exec`).
//!
//! kube could run them too, but (5.0.0) does so up to three times per connection, blocks the runtime, prints the
//! plugin's output, tokens included, in its errors, and does not run it again after a 401.

use std::{
    io::IsTerminal,
    process::{Command, Stdio},
};

use async_trait::async_trait;
use jiff::Timestamp;
use kube::config::{ExecConfig, ExecInteractiveMode};
use serde::Deserialize;
use serde_json::json;

use super::{
    error::Call,
    token::{BearerToken, TokenSource},
};
use crate::causes::excerpt;
use eksact_core::ports::{CallError, CallErrorKind};

/// What kubectl assumes for a plugin of which the kubeconfig names no version.
const DEFAULT_API_VERSION: &str = "client.authentication.k8s.io/v1beta1";

/// A plugin of one kubeconfig user.
pub(super) struct ExecPlugin {
    config: ExecConfig,
    context: String,
}

/// What a plugin gave: a token, a client certificate, or both.
pub(super) struct ExecCredential {
    pub(super) token: Option<BearerToken>,
    /// PEM.
    pub(super) client_certificate: Option<String>,
    /// PEM; never shown.
    pub(super) client_key: Option<String>,
}

/// The plugin's answer on stdout.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    api_version: Option<String>,
    status: Option<AnswerStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnswerStatus {
    expiration_timestamp: Option<Timestamp>,
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

impl ExecPlugin {
    pub(super) fn new(config: ExecConfig, context: impl Into<String>) -> Self {
        Self {
            config,
            context: context.into(),
        }
    }

    /// Runs the plugin to its end on a thread of its own: it may ask people for a second factor.
    pub(super) async fn run(&self) -> Result<ExecCredential, CallError> {
        let config = self.config.clone();
        let call = self.call();
        tokio::task::spawn_blocking(move || run(&config, &call))
            .await
            .unwrap_or_else(|error| {
                Err(self
                    .call()
                    .error(CallErrorKind::Credentials, format!("its thread ended: {error}")))
            })
    }

    fn call(&self) -> Call {
        let command = self.config.command.as_deref().unwrap_or("none");
        Call::new(
            "run",
            &format!("exec plugin \"{command}\""),
            format!("context {}", self.context),
        )
    }
}

#[async_trait]
impl TokenSource for ExecPlugin {
    async fn token(&self) -> Result<BearerToken, CallError> {
        self.run().await?.token.ok_or_else(|| {
            self.call()
                .error(CallErrorKind::Credentials, "it returned no token this time")
        })
    }
}

fn run(config: &ExecConfig, call: &Call) -> Result<ExecCredential, CallError> {
    let failed = |message: String| call.error(CallErrorKind::Credentials, message);
    let Some(program) = &config.command else {
        return Err(failed(
            "the kubeconfig's user has an exec section without a command".to_owned(),
        ));
    };
    let terminal = std::io::stdin().is_terminal();
    let interactive = match config.interactive_mode {
        Some(ExecInteractiveMode::Never) => false,
        Some(ExecInteractiveMode::Always) if !terminal => {
            return Err(failed(
                "it needs a terminal (interactiveMode: Always), and there is none".to_owned(),
            ));
        }
        _ => terminal,
    };
    let mut spec = json!({ "interactive": interactive });
    if let Some(cluster) = config.cluster.as_ref().filter(|_| config.provide_cluster_info)
        && let Some(spec) = spec.as_object_mut()
    {
        let cluster = serde_json::to_value(cluster).map_err(|error| failed(error.to_string()))?;
        spec.insert("cluster".to_owned(), cluster);
    }
    let api_version = config.api_version.as_deref().unwrap_or(DEFAULT_API_VERSION);
    let information = json!({"kind": "ExecCredential", "apiVersion": api_version, "spec": spec});

    let mut command = Command::new(program);
    command.args(config.args.iter().flatten());
    for variable in config.env.iter().flatten() {
        if let (Some(name), Some(value)) = (variable.get("name"), variable.get("value")) {
            command.env(name, value);
        }
    }
    command.env("KUBERNETES_EXEC_INFO", information.to_string());
    // Who can be asked must see the question; else the plugin's words belong into the error.
    if interactive {
        command.stdin(Stdio::inherit()).stderr(Stdio::inherit());
    } else {
        command.stdin(Stdio::null()).stderr(Stdio::piped());
    }
    let output = command.output().map_err(|error| {
        let hint = config.install_hint.as_deref().map(excerpt).unwrap_or_default();
        failed(
            format!("it cannot be started: {error}. {hint}")
                .trim_end()
                .to_owned(),
        )
    })?;
    let said = excerpt(&String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        return Err(failed(
            format!("{}: {said}", output.status)
                .trim_end_matches(": ")
                .to_owned(),
        ));
    }
    if !said.is_empty() {
        tracing::warn!(plugin = program, "{said}");
    }
    credential(&output.stdout, api_version).map_err(failed)
}

/// Reads the plugin's answer. Texts do not quote it.
fn credential(stdout: &[u8], api_version: &str) -> Result<ExecCredential, String> {
    let answer: Answer = serde_json::from_slice(stdout)
        .map_err(|_| "it did not print an ExecCredential in JSON; is its output set to text?".to_owned())?;
    let answered = answer.api_version.as_deref().unwrap_or_default();
    if answered != api_version {
        return Err(format!(
            "it answered in version \"{}\", the kubeconfig asks for \"{api_version}\"; update one of them",
            excerpt(answered)
        ));
    }
    let status = answer
        .status
        .ok_or_else(|| "its ExecCredential has no status".to_owned())?;
    let credential = ExecCredential {
        token: status
            .token
            .filter(|token| !token.is_empty())
            .map(|token| BearerToken::new(token, status.expiration_timestamp)),
        client_certificate: status.client_certificate_data.filter(|pem| !pem.is_empty()),
        client_key: status.client_key_data.filter(|pem| !pem.is_empty()),
    };
    let certificate = (&credential.client_certificate, &credential.client_key);
    match (&credential.token, certificate) {
        (_, (Some(_), None) | (None, Some(_))) => {
            Err("it returned a client certificate or key without the other".to_owned())
        }
        (None, (None, None)) => Err("it returned neither a token nor a client certificate".to_owned()),
        _ => Ok(credential),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn plugin(script: &str) -> ExecPlugin {
        let variable =
            [("name", "ROLE"), ("value", "deployer")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        let config = ExecConfig {
            api_version: Some("client.authentication.k8s.io/v1".to_owned()),
            command: Some("sh".to_owned()),
            args: Some(vec!["-c".to_owned(), script.to_owned()]),
            env: Some(vec![HashMap::from(variable)]),
            interactive_mode: Some(ExecInteractiveMode::Never),
            install_hint: Some("Install it from your package manager.".to_owned()),
            ..ExecConfig::default()
        };
        ExecPlugin::new(config, "prod")
    }

    async fn refusal(script: &str) -> String {
        let Err(error) = plugin(script).run().await else {
            panic!("accepted: {script}");
        };
        assert_eq!(error.kind, CallErrorKind::Credentials);
        error.to_string()
    }

    #[tokio::test]
    async fn plugin_is_told_what_is_wanted_and_gives_a_token() {
        // The token is what the plugin was given, so that it can be looked at.
        let script = r#"
            token=$(printf '%s %s' "$ROLE" "$KUBERNETES_EXEC_INFO" | tr -d '"')
            printf '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{},
                "status":{"expirationTimestamp":"2030-01-02T03:04:05Z","token":"%s"}}' "$token""#;
        let token = plugin(script).token().await.unwrap();
        assert_eq!(token.expires, Some("2030-01-02T03:04:05Z".parse().unwrap()));
        let header = token.header().unwrap();
        let text = header.to_str().unwrap();
        assert!(text.starts_with("Bearer deployer {"), "{text}");
        assert!(
            text.contains("apiVersion:client.authentication.k8s.io/v1"),
            "{text}"
        );
        assert!(text.contains("interactive:false"), "{text}");
    }

    #[tokio::test]
    async fn failing_plugin_is_quoted_but_its_output_is_not() {
        let text =
            refusal("echo '{\"token\": \"secret-1\"'; echo 'Unable to locate credentials' >&2; exit 253")
                .await;
        assert!(
            text.contains("Unable to locate credentials") && text.contains("253"),
            "{text}"
        );
        assert!(text.contains("context prod"), "{text}");
        assert!(!text.contains("secret-1"), "{text}");
        let text = refusal("echo 'token: secret-2'").await;
        assert!(
            text.contains("ExecCredential") && !text.contains("secret-2"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn answer_that_cannot_be_used_says_why() {
        let v1 = "client.authentication.k8s.io/v1";
        for (answer, expected) in [
            (
                r#"{"apiVersion":"client.authentication.k8s.io/v1beta1","status":{"token":"t"}}"#.to_owned(),
                "update one of them",
            ),
            (format!(r#"{{"apiVersion":"{v1}"}}"#), "no status"),
            (
                format!(r#"{{"apiVersion":"{v1}","status":{{"token":""}}}}"#),
                "neither a token nor",
            ),
            (
                format!(r#"{{"apiVersion":"{v1}","status":{{"clientKeyData":"k"}}}}"#),
                "without the other",
            ),
        ] {
            let text = refusal(&format!("echo '{answer}'")).await;
            assert!(text.contains(expected), "{text}");
        }
    }

    #[tokio::test]
    async fn missing_plugin_comes_with_its_install_hint() {
        let mut plugin = plugin("");
        plugin.config.command = Some("/nonexistent/get-token".to_owned());
        let text = plugin.token().await.unwrap_err().to_string();
        assert!(
            text.contains("/nonexistent/get-token") && text.contains("package manager"),
            "{text}"
        );
    }
}
