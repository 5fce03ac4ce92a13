//! What a container gets: variables behind its own, and the mount of the token (`addEnvToContainer`).

use super::{Configuration, PodContainer, Webhook};

const ENDPOINTS: &str = "AWS_STS_REGIONAL_ENDPOINTS";
/// Of which it sets neither where a container has one.
const REGIONS: [&str; 2] = ["AWS_DEFAULT_REGION", "AWS_REGION"];

/// A variable that is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Name.
    pub name: &'static str,
    /// Value.
    pub value: String,
}

/// Why a container does not get something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// The pod's annotation names it: it gets nothing.
    InSkipList,
    /// It has credentials, region and endpoints of its own: it gets nothing, not even the mount.
    HasAll,
    /// It has one of the two variables about credentials, this one: it gets neither.
    OwnCredentials(&'static str),
    /// It has a mount of a volume of that name.
    OwnMount,
}

/// What a container gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InjectedContainer {
    /// Its name.
    pub name: String,
    /// Whether it runs before the others.
    pub is_init: bool,
    /// The variables, in their order.
    pub variables: Vec<Variable>,
    /// Whether it gets the mount of the token.
    pub gets_mount: bool,
    /// What it does not get, and why.
    pub kept: Vec<Kept>,
}

impl InjectedContainer {
    pub(super) fn skipped(container: &PodContainer, is_init: bool) -> Self {
        Self::kept(container, is_init, Kept::InSkipList)
    }

    fn kept(container: &PodContainer, is_init: bool, why: Kept) -> Self {
        Self {
            name: container.name.clone(),
            is_init,
            variables: Vec::new(),
            gets_mount: false,
            kept: vec![why],
        }
    }
}

pub(super) fn inject(
    webhook: &Webhook,
    configuration: &Configuration,
    container: &PodContainer,
    is_init: bool,
    is_windows: bool,
) -> InjectedContainer {
    let method = &configuration.method;
    let first_of = |names: [&'static str; 2]| {
        names.into_iter().find(|name| {
            container
                .environment
                .iter()
                .any(|variable| variable.name == *name)
        })
    };
    let own_credentials = first_of(method.variables());
    let has_region = first_of(REGIONS).is_some();
    let has_endpoints = first_of([ENDPOINTS; 2]).is_some();
    if own_credentials.is_some() && has_region && has_endpoints {
        return InjectedContainer::kept(container, is_init, Kept::HasAll);
    }
    let mut variables = Vec::new();
    let mut set = |name, value: &str| {
        let value = value.to_owned();
        variables.push(Variable { name, value });
    };
    if configuration.regional_sts && !has_endpoints {
        set(ENDPOINTS, "regional");
    }
    if let Some(region) = webhook.region.as_deref().filter(|region| !region.is_empty())
        && !has_region
    {
        for name in REGIONS {
            set(name, region);
        }
    }
    let mut kept = Vec::new();
    match own_credentials {
        Some(own) => kept.push(Kept::OwnCredentials(own)),
        None => {
            let [source, file] = method.variables();
            set(source, method.source());
            let path = format!("{}/{}", method.mount_path(), method.token_path());
            // The path of the mount is Unix's all the same.
            let path = if is_windows {
                format!("C:{}", path.replace('/', "\\"))
            } else {
                path
            };
            set(file, &path);
        }
    }
    let gets_mount = !container.mounts.iter().any(|name| name == method.volume_name());
    if !gets_mount {
        kept.push(Kept::OwnMount);
    }
    InjectedContainer {
        name: container.name.clone(),
        is_init,
        variables,
        gets_mount,
        kept,
    }
}
