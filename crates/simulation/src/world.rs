//! The account and the cluster that every story begins with.

use std::sync::Arc;

use eksact_simulator::{Sandbox, Seed, SimulatedCluster, TokioClock, World};
use jiff::Timestamp;

/// The cluster of every story, unless it says otherwise.
pub const CLUSTER: &str = "prod";
/// Its region.
pub const REGION: &str = "us-west-2";
/// Its account.
pub const ACCOUNT: &str = "111122223333";
/// When every story begins, in seconds since 1970.
pub const BEGINNING: i64 = 1_800_000_000;

/// A world with the cluster and nothing of ours in it. Stacks take five seconds, change sets two.
pub fn fresh_world() -> World {
    let mut world = World::seeded(&Seed {
        cluster: CLUSTER.to_owned(),
        region: REGION.to_owned(),
        account: None,
    });
    world.stack_seconds = 5;
    world.change_set_seconds = 2;
    world
}

/// A sandbox in memory whose time is tokio's.
pub fn sandbox(world: World) -> Sandbox {
    let start = Timestamp::from_second(BEGINNING).unwrap();
    Sandbox::in_memory(world, Arc::new(TokioClock::starting_at(start)))
}

/// The only cluster of a world, to be changed.
pub fn cluster(world: &mut World) -> &mut SimulatedCluster {
    world.clusters.values_mut().next().unwrap()
}

/// The only cluster of a world.
pub fn cluster_of(world: &World) -> &SimulatedCluster {
    world.clusters.values().next().unwrap()
}
