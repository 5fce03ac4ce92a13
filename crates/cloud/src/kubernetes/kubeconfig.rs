//! The way to a cluster's API by a context of a kubeconfig, for clusters reached through a tunnel. Files are only read.
//!
//! kube has the types and merges the files. Putting a context together is done here, because kube (5.0.0,
//! `config/file_loader.rs`) asks the environment for a proxy on the way and refuses lists that others take
//! (`NO_PROXY=localhost,`), and because its texts quote the file.

use std::{path::PathBuf, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::Uri;
use kube::config::{AuthInfo, Cluster, Kubeconfig, KubeconfigError};

use super::{
    Transport,
    connect::{connecting, reached},
    error::{Call, Route},
    exec::ExecPlugin,
    network::{NetworkSettings, proxy_url},
    token::{TokenCache, TokenSource},
};
use crate::trust::{TrustRoots, roots_of_pem};
use eksact_core::ports::{CallError, CallErrorKind};

/// A context of a kubeconfig.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KubeconfigContext {
    /// The file; without it `KUBECONFIG` or `~/.kube/config`, as kubectl does.
    pub path: Option<PathBuf>,
    /// Name of the context; without it the current one.
    pub context: Option<String>,
}

/// A context with what it points to.
struct Selected {
    context: String,
    cluster: Cluster,
    user: AuthInfo,
}

impl Transport {
    /// A client for a context of a kubeconfig; runs its exec plugin, if it has one. Errors are of kind `Invalid` (the
    /// file, the context, a proxy, a certificate) or `Credentials` (the plugin).
    pub(super) async fn connect_kubeconfig(
        kubeconfig: &KubeconfigContext,
        network: &NetworkSettings,
    ) -> Result<Self, CallError> {
        let call = connecting(&described(kubeconfig));
        let selected = select(&call, kubeconfig)?;
        Self::connect_selected(&call, selected, None, network).await
    }

    /// A client for the server of a context, with these tokens in place of the context's user.
    pub(super) async fn connect_kubeconfig_with(
        kubeconfig: &KubeconfigContext,
        tokens: Arc<dyn TokenSource>,
        network: &NetworkSettings,
    ) -> Result<Self, CallError> {
        let call = connecting(&described(kubeconfig));
        let mut selected = select(&call, kubeconfig)?;
        selected.user = AuthInfo::default();
        Self::connect_selected(&call, selected, Some(TokenCache::new(tokens)), network).await
    }

    async fn connect_selected(
        call: &Call,
        selected: Selected,
        mut tokens: Option<TokenCache>,
        network: &NetworkSettings,
    ) -> Result<Self, CallError> {
        let Selected {
            context,
            cluster,
            mut user,
        } = selected;

        let server = cluster.server.as_deref().unwrap_or_default();
        let url: Uri = server
            .parse()
            .ok()
            .filter(|url: &Uri| url.scheme().is_some() && url.host().is_some())
            .ok_or_else(|| {
                call.error(
                    CallErrorKind::Invalid,
                    format!("the cluster's server \"{server}\" is not a URL"),
                )
            })?;
        let mut config = kube::Config::new(url);
        config.connect_timeout = Some(network.connect_limit);
        config.root_cert = roots(call, &cluster, network)?;
        config.accept_invalid_certs = cluster.insecure_skip_tls_verify.unwrap_or(false);
        config.tls_server_name.clone_from(&cluster.tls_server_name);
        config.proxy_url = match cluster
            .proxy_url
            .as_deref()
            .filter(|proxy| !proxy.trim().is_empty())
        {
            // What the file names for this cluster holds; NO_PROXY is not asked (as in client-go).
            Some(proxy) => Some(proxy_url(call, "proxy-url of the kubeconfig", proxy)?),
            None => network.proxy_for(call, &config.cluster_url)?,
        };

        if let Some(mut exec) = user.exec.take()
            && !has_static_credentials(&user)
        {
            if exec.provide_cluster_info {
                let information = (&cluster).try_into();
                exec.cluster = Some(information.map_err(|error| unreadable(call, &error))?);
            }
            let plugin = ExecPlugin::new(exec, context.as_str());
            let credential = plugin.run().await?;
            if let (Some(certificate), Some(key)) = (credential.client_certificate, credential.client_key) {
                user.client_certificate_data = Some(STANDARD.encode(certificate));
                user.client_key_data = Some(STANDARD.encode(key).into());
            }
            tokens = credential
                .token
                .map(|token| TokenCache::with_token(Arc::new(plugin), token));
        }
        config.auth_info = user;
        let endpoint = reached(server, config.proxy_url.as_ref());
        Self::build(call, config, tokens, Route::Kubeconfig { endpoint, context })
    }
}

fn described(kubeconfig: &KubeconfigContext) -> String {
    let context = kubeconfig.context.as_deref().unwrap_or("(the current one)");
    match &kubeconfig.path {
        Some(path) => format!("context {context} of {}", path.display()),
        None => format!("context {context} of the kubeconfig"),
    }
}

fn select(call: &Call, kubeconfig: &KubeconfigContext) -> Result<Selected, CallError> {
    let invalid = |message: String| call.error(CallErrorKind::Invalid, message);
    let file = match &kubeconfig.path {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    }
    .map_err(|error| unreadable(call, &error))?;
    let name = kubeconfig
        .context
        .clone()
        .or(file.current_context)
        .filter(|name| !name.is_empty())
        .ok_or_else(|| invalid("it has no current context; name one with --context".to_owned()))?;
    let known = || {
        let names: Vec<_> = file.contexts.iter().map(|named| named.name.as_str()).collect();
        names.join(", ")
    };
    let context = file
        .contexts
        .iter()
        .find(|named| named.name == name)
        .and_then(|named| named.context.clone())
        .ok_or_else(|| invalid(format!("there is no context \"{name}\"; there are: {}", known())))?;
    let cluster = file
        .clusters
        .into_iter()
        .find(|named| named.name == context.cluster)
        .and_then(|named| named.cluster)
        .ok_or_else(|| invalid(format!("its cluster \"{}\" is not in the file", context.cluster)))?;
    // A context without user is legal: what stands at the other end may need none (`kubectl proxy`).
    let user = file
        .auth_infos
        .into_iter()
        .find(|named| Some(&named.name) == context.user.as_ref())
        .and_then(|named| named.auth_info)
        .unwrap_or_default();
    Ok(Selected {
        context: name,
        cluster,
        user,
    })
}

/// client-go's order: what stands in the file goes before a plugin.
fn has_static_credentials(user: &AuthInfo) -> bool {
    user.token.is_some() || user.token_file.is_some() || user.username.is_some()
}

/// The cluster's certificate authority and the extra roots. Where the file names none the system's are meant, and kube
/// knows them; only when there are extra ones must they be listed.
fn roots(
    call: &Call,
    cluster: &Cluster,
    network: &NetworkSettings,
) -> Result<Option<Vec<Vec<u8>>>, CallError> {
    let invalid = |message: String| call.error(CallErrorKind::Invalid, message);
    let pem = match (
        &cluster.certificate_authority_data,
        &cluster.certificate_authority,
    ) {
        // The data win over the file, as in client-go.
        (Some(data), _) => Some(STANDARD.decode(data.trim()).map_err(|error| {
            invalid(format!(
                "the cluster's certificate-authority-data is not base64: {error}"
            ))
        })?),
        (None, Some(path)) => Some(fs_err::read(path).map_err(|error| {
            invalid(format!(
                "the cluster's certificate-authority cannot be read: {error}"
            ))
        })?),
        (None, None) => None,
    };
    let own = match pem {
        Some(pem) => Some(roots_of_pem(&pem).ok_or_else(|| {
            invalid("the cluster's certificate authority contains no certificate in PEM format".to_owned())
        })?),
        None => None,
    };
    let extra = network.extra_roots();
    if extra.is_empty() {
        return Ok(own);
    }
    let mut roots = own.unwrap_or_else(|| TrustRoots::system().der());
    roots.extend(extra);
    Ok(Some(roots))
}

/// kube's words on a file, except for YAML errors, which quote the file's lines and with them its secrets.
fn unreadable(call: &Call, error: &KubeconfigError) -> CallError {
    let message = match error {
        KubeconfigError::Parse(_) => "the file is not a kubeconfig: its YAML cannot be read".to_owned(),
        KubeconfigError::ReadConfig(error, path) => format!("{} cannot be read: {error}", path.display()),
        other => other.to_string(),
    };
    call.error(CallErrorKind::Invalid, message)
}
