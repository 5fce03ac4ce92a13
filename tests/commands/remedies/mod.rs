//! The table "remedy → executed → complaint gone", for every remedy text in the tree.
//!
//! A case makes a situation, runs a command that complains in it, does what the complaint's `help:` says — the command in
//! its back quotes runs as it is printed —, and runs the command again: the complaint is gone, and no other has come.
//! Which remedies there are is read from the source: [`templates`] finds each `remedy!(…)`, and nothing else makes one. A
//! remedy without a case fails the test; so does one that no situation prints any more, as its case fails.
//!
//! `REMEDIES=word` runs the cases that have the word in their name or their help, and looks for no missing ones.

mod access;
mod access_entries;
mod accounts;
mod amazon;
mod aws_auth;
mod aws_profile;
mod callers;
mod case;
mod check_access;
mod complaint;
mod config;
mod entries;
mod explain_pod;
mod faults;
mod flags;
mod irsa;
mod kubeconfig;
mod kubeconfig_entries;
mod kubectl_config;
mod mappings;
mod meanwhile;
mod migration;
mod modes;
mod people;
mod pod_identity;
mod preflight;
mod roles;
mod roles_and_policies;
mod saved_plans;
mod shared_roles;
mod shell;
mod stage;
mod sts;
mod syntax;
mod templates;
mod tokens;
mod tools;
mod trust;
mod values;
mod who_can;
mod world;

use std::sync::Mutex;

use case::Check;
use templates::Templates;

/// What every room of the table has to offer.
fn table() -> Vec<Check> {
    [
        config::cases(),
        syntax::cases(),
        values::cases(),
        accounts::cases(),
        shared_roles::cases(),
        mappings::cases(),
        aws_auth::cases(),
        aws_auth::unread(),
        roles::cases(),
        roles_and_policies::cases(),
        access::cases(),
        access_entries::cases(),
        kubeconfig::cases(),
        kubeconfig_entries::cases(),
        flags::cases(),
        people::cases(),
        tokens::cases(),
        faults::cases(),
        irsa::cases(),
        meanwhile::cases(),
        migration::cases(),
        modes::cases(),
        trust::cases(),
        entries::cases(),
        callers::cases(),
        sts::cases(),
        pod_identity::cases(),
        preflight::cases(),
        check_access::cases(),
        saved_plans::cases(),
        who_can::cases(),
        explain_pod::cases(),
        aws_profile::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[test]
fn remedies_end_the_complaint_and_none_is_untried() {
    let wanted = std::env::var("REMEDIES").unwrap_or_default();
    let checks = table().into_iter().filter(|check| check.about.contains(&wanted));
    let queue = Mutex::new(checks);
    let tried: Mutex<Vec<String>> = Mutex::default();
    let failures: Mutex<Vec<String>> = Mutex::default();
    let threads = std::thread::available_parallelism().map_or(2, usize::from) * 2;
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let Some(check) = queue.lock().unwrap().next() else {
                        return;
                    };
                    match (check.run)() {
                        Ok(helps) => tried.lock().unwrap().extend(helps),
                        Err(why) => failures.lock().unwrap().push(format!("{}\n{why}", check.about)),
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    if wanted.is_empty() {
        let tried = tried.into_inner().unwrap();
        failures.extend(Templates::of_the_source().untried(&tried));
    }
    assert!(
        failures.is_empty(),
        "{}\n\n{} failures",
        failures.join("\n\n"),
        failures.len()
    );
}
