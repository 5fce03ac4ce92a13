//! Whole commands, as a user runs them: the real program on the sandbox, with its exit code, stdout and stderr. What an
//! output looks like stands in `snapshots/`, one file for each story; `INSTA_UPDATE=always` writes them anew.

#[cfg(test)]
mod apply;
#[cfg(test)]
mod aws_auth;
#[cfg(test)]
mod aws_auth_unread;
#[cfg(test)]
mod check_irsa;
#[cfg(test)]
mod command_line;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod eksctl_lines;
#[cfg(test)]
mod exit_codes;
#[cfg(test)]
mod files;
#[cfg(test)]
mod iamserviceaccount;
#[cfg(test)]
mod identity_mapping;
#[cfg(test)]
#[path = "../support/kept_kubeconfigs.rs"]
#[cfg(test)]
mod kept_kubeconfigs;
#[cfg(test)]
mod kubeconfig;
#[cfg(test)]
mod oidc_provider;
#[cfg(test)]
mod output;
#[cfg(test)]
mod place;
#[cfg(test)]
mod promises;
#[cfg(test)]
mod remedies;
#[cfg(test)]
mod rooms;
#[cfg(test)]
mod shared_roles;
#[cfg(test)]
mod terminal;
#[cfg(test)]
mod whoami;
