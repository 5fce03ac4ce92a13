//! The sandbox keeps the contract of the ports: each contract in a sandbox of its own.

use std::sync::Arc;

use eksact_simulator::{Sandbox, Seed, SystemClock, World as SandboxWorld};
use tokio::runtime::Runtime;

use crate::contract::{
    AWS_AUTH_CLUSTER, CLUSTER, Contract, OLD_CLUSTER, REGION, access::entries, world::World,
};

contract_tests! { keeps }

fn keeps(_: &str, contract: Contract) {
    Runtime::new().unwrap().block_on(contract(Arc::new(world())));
}

fn world() -> World {
    let seed = Seed {
        cluster: CLUSTER.to_owned(),
        region: REGION.to_owned(),
        account: None,
    };
    let mut world = SandboxWorld::seeded(&seed);
    for cluster in [OLD_CLUSTER, AWS_AUTH_CLUSTER] {
        world.add_cluster(cluster, REGION);
    }
    let account = world.account.clone();
    for cluster in world.clusters.values_mut() {
        if [OLD_CLUSTER, AWS_AUTH_CLUSTER].contains(&cluster.cluster.name.as_str()) {
            cluster.cluster.authentication_mode = Some("CONFIG_MAP".to_owned());
        }
        let entries = entries(&account).into_iter();
        cluster
            .eks
            .access_entries
            .extend(entries.map(|entry| (entry.principal_arn.clone(), entry)));
    }
    let sandbox = Sandbox::in_memory(world, Arc::new(SystemClock));
    let restricted = Sandbox::in_memory(SandboxWorld::seeded(&seed), Arc::new(SystemClock));
    restricted
        .edit(|world| {
            let cluster = world.clusters.values_mut().next().unwrap();
            for verb in ["create", "patch", "delete"] {
                cluster.denied.insert(format!("{verb} serviceaccounts"));
                cluster.denied.insert(format!("{verb} namespaces"));
                cluster.denied.insert(format!("{verb} configmaps"));
                cluster.denied.insert(format!("{verb} clusterroles"));
            }
        })
        .unwrap();
    World {
        readers: sandbox.readers(),
        writers: sandbox.writers(),
        reading_only: restricted.readers().kubernetes,
        reading_only_writer: restricted.writers().kubernetes,
    }
}
