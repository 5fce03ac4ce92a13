//! Whole commands, as a user runs them: the real program on the sandbox, with its exit code, stdout and stderr. What an
//! output looks like stands in `snapshots/`, one file for each story; `INSTA_UPDATE=always` writes them anew.

mod access_entry;
mod apply;
mod authentication_mode;
mod aws_auth;
mod aws_auth_unread;
mod broadening;
mod check_access;
mod check_irsa;
mod command_line;
mod documents;
mod drift;
mod eksctl_lines;
mod exit_codes;
mod export;
mod files;
mod iamserviceaccount;
mod identity_mapping;
mod identity_provider;
mod kubeconfig;
mod migrate;
mod oidc_provider;
mod output;
mod pages;
mod place;
mod pod_identity_association;
mod promises;
mod remedies;
mod rooms;
mod saved_plan;
mod schemas;
mod shared_roles;
mod terminal;
mod views;
mod who_can;
mod whoami;
