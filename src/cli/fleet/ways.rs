//! The ways to the clusters of a run: those of one account and region share a client.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::OnceCell;

use crate::cli::{
    Failure,
    flags::global::GlobalFlags,
    run::wiring::{Account, Connection, Route},
};
use eksact_core::{config::ClusterConfig, view::Printer};

/// Accounts that are open, and those that are being opened.
pub(super) struct Ways<'run> {
    global: &'run GlobalFlags,
    accounts: Mutex<BTreeMap<Route, Arc<OnceCell<Account>>>>,
}

impl<'run> Ways<'run> {
    pub(super) fn new(global: &'run GlobalFlags) -> Self {
        Self {
            global,
            accounts: Mutex::default(),
        }
    }

    /// The way to one cluster. Where its account could not be opened, the next cluster of it tries again.
    pub(super) async fn to(&self, config: &ClusterConfig, printer: &Printer) -> Result<Connection, Failure> {
        if self.global.sandbox {
            return Connection::sandboxed(self.global, config, printer);
        }
        let route = Route::of(None, self.global, config)?;
        let account = {
            let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(accounts.entry(route.clone()).or_default())
        };
        let account = account
            .get_or_try_init(async || Account::open(&route, self.global, printer).await)
            .await?;
        Connection::over(account, self.global, config).await
    }

    /// How many AWS calls were made so far.
    pub(super) fn calls(&self) -> u64 {
        let accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let open = accounts.values().filter_map(|account| account.get());
        open.map(Account::calls).sum()
    }
}
