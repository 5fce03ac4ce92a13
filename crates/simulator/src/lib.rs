//! A simulated account and cluster behind the engine's ports, held in one file or in memory.
//!
//! It behaves as AWS and Kubernetes do for what eksact uses, with their error codes and words: `--sandbox` runs on it,
//! and so do the tests of reliability. The same contract tests run against it and the real servers. It checks what a
//! service would check; it decides nothing for eksact.

mod authenticator;
mod aws;
mod bootstrap;
mod caller;
mod clock;
mod faults;
mod issuer;
mod kubernetes;
mod listing;
mod refusal;
mod state;
mod store;
#[cfg(test)]
mod tests;
mod web_identity;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

pub use aws::{
    ChangeSetRecord, EksObjects, StackRecord, StackResource, StackWork, UpdateRecord, UpdateWork, Updates,
    add_policy_version,
};
pub use caller::{NotACaller, SimulatedCaller};
pub use clock::{Clock, ManualClock, SystemClock, TokioClock};
pub use faults::{Call, Fault, Faults, Matching, Rule, Seen};
pub use state::{Quotas, Seed, SimulatedCluster, WORLD_VERSION, World};
pub use store::SandboxError;

use eksact_core::ports::{CallError, CallErrorKind, Readers, Writers};
use listing::Past;
use refusal::Refusal;
use store::{Changed, FileStore, Store, Transaction};

/// A simulated account, seen by one process that works on one cluster in one region.
#[derive(Clone)]
pub struct Sandbox {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    faults: Arc<Faults>,
    cluster: String,
    region: String,
    /// Who calls, where it is not the creator.
    caller: Option<SimulatedCaller>,
    /// The world of a while ago, for lists that lag.
    past: Arc<Mutex<Past>>,
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox")
            .field("cluster", &self.cluster)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

impl Sandbox {
    /// The sandbox in a file, which is created from `seed` when it is absent. A cluster that the seed names and the
    /// file does not have is added.
    pub fn open(path: &Path, seed: &Seed) -> Result<Self, SandboxError> {
        Ok(Self {
            store: Arc::new(Store::File(FileStore::open(path, seed)?)),
            clock: Arc::new(SystemClock),
            faults: Arc::default(),
            cluster: seed.cluster.clone(),
            region: seed.region.clone(),
            caller: None,
            past: Arc::default(),
        })
    }

    /// Whether the file had other clusters and not the one that was asked for, which was added: a name may be mistyped.
    pub fn added_cluster(&self) -> bool {
        matches!(&*self.store, Store::File(store) if store.added_cluster())
    }

    /// A sandbox that lives as long as this value and its clones.
    pub fn in_memory(world: World, clock: Arc<dyn Clock>) -> Self {
        let (cluster, region) = (world.cluster.clone(), world.region.clone());
        Self {
            store: Arc::new(Store::Memory(Mutex::new(world))),
            clock,
            faults: Arc::default(),
            cluster,
            region,
            caller: None,
            past: Arc::default(),
        }
    }

    /// The same account with another caller than its creator.
    #[must_use]
    pub fn called_by(&self, caller: Option<SimulatedCaller>) -> Self {
        Self {
            caller,
            ..self.clone()
        }
    }

    /// The world in a file as it is now; nothing where there is no such file, which is not made.
    pub fn peek(path: &Path) -> Result<Option<World>, SandboxError> {
        FileStore::peek(path)
    }

    /// The same account seen by another process: with its own faults, and alive after a crash of the first.
    #[must_use]
    pub fn another_process(&self) -> Self {
        Self {
            faults: Arc::default(),
            ..self.clone()
        }
    }

    /// The same account and process, with the Kubernetes calls going to another cluster.
    #[must_use]
    pub fn for_cluster(&self, cluster: &str, region: &str) -> Self {
        Self {
            cluster: cluster.to_owned(),
            region: region.to_owned(),
            ..self.clone()
        }
    }

    /// The readers of the ports, all answered by this sandbox.
    pub fn readers(&self) -> Readers {
        let sandbox = Arc::new(self.clone());
        Readers {
            aws: Arc::clone(&sandbox) as _,
            kubernetes: Arc::clone(&sandbox) as _,
            issuer: sandbox,
        }
    }

    /// The writers of the ports, all answered by this sandbox.
    pub fn writers(&self) -> Writers {
        let sandbox = Arc::new(self.clone());
        Writers {
            aws: Arc::clone(&sandbox) as _,
            kubernetes: sandbox,
        }
    }

    /// What goes wrong on request, and the record of calls.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// A copy of the world as it is now.
    pub fn world(&self) -> Result<World, SandboxError> {
        let now = self.clock.now();
        self.store.transact(|world| {
            let changed = if world.is_due(now) {
                world.settle(now);
                Changed::Yes
            } else {
                Changed::No
            };
            (world.clone(), changed)
        })
    }

    /// Changes the world by hand, as someone with a console would.
    pub fn edit<T>(&self, edit: impl FnOnce(&mut World) -> T) -> Result<T, SandboxError> {
        let now = self.clock.now();
        self.store.transact(|world| {
            world.settle(now);
            (edit(world), Changed::Yes)
        })
    }

    /// One call: takes its turn, meets its fault, is authorized, and has its effect and answer.
    async fn call<T>(
        &self,
        call: Call,
        run: impl FnOnce(&mut World, Timestamp) -> Result<T, Refusal> + Send,
    ) -> Result<T, CallError> {
        self.faults.take_turns().await;
        self.faults.travel().await;
        let outcome = self.answer(&call, run);
        self.faults.travel().await;
        outcome.map_err(|refusal| refusal.of_call(call.service, &call.action, &call.object))
    }

    fn answer<T>(
        &self,
        call: &Call,
        run: impl FnOnce(&mut World, Timestamp) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let (mut begun, is_allowed) = self.begin(call)?;
        let outcome = is_allowed.and_then(|()| run(begun.transaction.world(), begun.now));
        self.end(call, begun, outcome.is_ok())?;
        outcome
    }

    /// What comes before the effect of a call: its fault, its transaction, the effects of time, and whether the caller may.
    fn begin(&self, call: &Call) -> Result<(InFlight<'_>, Result<(), Refusal>), Refusal> {
        let unheard = self.faults.meet(call)?;
        let now = self.clock.now();
        let mut transaction = self
            .store
            .begin()
            .map_err(|error| if unheard { faults::lost() } else { broken(&error) })?;
        let world = transaction.world();
        let settled = world.is_due(now);
        let past = (settled || call.write).then(|| listing::to_keep(world)).flatten();
        if settled {
            world.settle(now);
            self.faults.tell(&Seen::Time { world });
        }
        let permission = format!("{}:{}", call.service, call.action);
        let is_allowed = match &self.caller {
            Some(caller) => caller.authorize(world, &permission, &call.object),
            None => Ok(()),
        };
        let is_allowed = is_allowed.and_then(|()| world.authorize(&permission, &call.object));
        let begun = InFlight {
            transaction,
            past,
            settled,
            unheard,
            now,
        };
        Ok((begun, is_allowed))
    }

    /// What comes after it: keeps the world that was there before, for lists that lag, tells what was seen, and ends the
    /// transaction.
    fn end(&self, call: &Call, begun: InFlight<'_>, accepted: bool) -> Result<(), Refusal> {
        let InFlight {
            mut transaction,
            past: before,
            settled,
            unheard,
            now,
        } = begun;
        let changed = settled || (call.write && accepted);
        if let Some(before) = before.filter(|_| changed) {
            let mut past = self.past.lock().unwrap_or_else(PoisonError::into_inner);
            past.keep(before, now);
        }
        self.faults.tell(&Seen::Call {
            call,
            accepted,
            heard: !unheard,
            now,
            world: transaction.world(),
        });
        let ended = transaction.end(if changed { Changed::Yes } else { Changed::No });
        if unheard {
            return Err(faults::lost());
        }
        ended.map_err(|error| broken(&error))
    }
}

/// A call between its beginning and its end. Neither depends on what is answered, so both are compiled once and not for each call.
struct InFlight<'s> {
    transaction: Transaction<'s>,
    /// The world before the call, which may change it.
    past: Option<World>,
    /// Whether time had effects of its own.
    settled: bool,
    unheard: bool,
    now: Timestamp,
}

fn broken(error: &SandboxError) -> Refusal {
    Refusal::without_code(CallErrorKind::Other, error.to_string())
}
