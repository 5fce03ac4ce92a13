//! The verbs, the same for every kind of object: what is kept is changed in the form in which the API writes it, under the
//! preconditions that the server checks, and with the rules of the kind.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use serde_json::Value;

use super::checks::{check_name, check_size_of_request};
use super::id::Id;
use super::object::SimulatedObject;
use crate::refusal::Refusal;
use crate::state::{SimulatedCluster, uuid_of};
use eksact_core::ports::CallErrorKind;
use eksact_core::ports::kubernetes::{
    ConfigMap, DaemonSet, Lease, Namespace, Pod, Precondition, RbacBinding, RbacRole, Selector,
    ServiceAccount, set_metadata,
};

/// The kinds of objects that the simulated server knows.
pub(super) fn verbs_of(id: &Id<'_>) -> Result<&'static dyn Verbs, Refusal> {
    Ok(match id.resource.plural {
        "namespaces" => &Of::<Namespace>(PhantomData),
        "serviceaccounts" => &Of::<ServiceAccount>(PhantomData),
        "configmaps" => &Of::<ConfigMap>(PhantomData),
        "daemonsets" => &Of::<DaemonSet>(PhantomData),
        "leases" => &Of::<Lease>(PhantomData),
        "pods" => &Of::<Pod>(PhantomData),
        "roles" | "clusterroles" => &Of::<RbacRole>(PhantomData),
        "rolebindings" | "clusterrolebindings" => &Of::<RbacBinding>(PhantomData),
        _ => {
            let message = "the server could not find the requested resource";
            return Err(Refusal::without_code(CallErrorKind::Other, message));
        }
    })
}

/// What the server does with objects of one kind.
pub(super) trait Verbs: Sync {
    fn get(&self, cluster: &mut SimulatedCluster, id: &Id<'_>) -> Option<Value>;
    fn list(&self, cluster: &mut SimulatedCluster, id: &Id<'_>, selector: Selector<'_>) -> Vec<Value>;
    fn create(&self, cluster: &mut SimulatedCluster, id: &Id<'_>, body: Value) -> Result<Value, Refusal>;
    fn merge(
        &self,
        cluster: &mut SimulatedCluster,
        id: &Id<'_>,
        patch: &Value,
        precondition: Precondition<'_>,
    ) -> Result<Value, Refusal>;
    fn apply(
        &self,
        cluster: &mut SimulatedCluster,
        id: &Id<'_>,
        body: Value,
        precondition: Precondition<'_>,
    ) -> Result<Value, Refusal>;
    fn delete(
        &self,
        cluster: &mut SimulatedCluster,
        id: &Id<'_>,
        precondition: Precondition<'_>,
    ) -> Result<(), Refusal>;
}

/// The verbs of one kind.
struct Of<O>(PhantomData<fn() -> O>);

impl<O: SimulatedObject> Verbs for Of<O> {
    fn get(&self, cluster: &mut SimulatedCluster, id: &Id<'_>) -> Option<Value> {
        O::kept(cluster).get(&O::place(id)).map(O::to_wire)
    }

    fn list(&self, cluster: &mut SimulatedCluster, id: &Id<'_>, selector: Selector<'_>) -> Vec<Value> {
        let namespace = id.key.namespace;
        O::kept(cluster)
            .values()
            .filter(|object| {
                let own = object.key().namespace;
                O::RESOURCES.of(own) == id.resource && (namespace.is_none() || own == namespace)
            })
            .map(O::to_wire)
            .filter(|wire| selects(selector, wire))
            .collect()
    }

    /// A name that is taken is refused.
    fn create(&self, cluster: &mut SimulatedCluster, id: &Id<'_>, body: Value) -> Result<Value, Refusal> {
        check_size_of_request(&body)?;
        let mut object: O = read(body)?;
        cluster.check_namespace(id)?;
        check_name(id)?;
        object.check(id)?;
        let place = O::place(id);
        if let Some(existing) = O::kept(cluster).get(&place) {
            let terminating = metadata(&existing.to_wire(), "deletionTimestamp").is_some();
            return Err(id.already_exists(terminating));
        }
        object.track(None);
        cluster.revision += 1;
        let revision = cluster.revision.to_string();
        // The revision makes it another than that of an object of the same name before.
        let uid = uuid_of(&format!(
            "{} {} {} {revision}",
            cluster.cluster.arn,
            id.resource.plural,
            id.place()
        ));
        let mut wire = object.to_wire();
        set_metadata(&mut wire, "uid", uid.into());
        set_metadata(&mut wire, "resourceVersion", revision.into());
        keep::<O>(O::kept(cluster), place, wire)
    }

    fn merge(
        &self,
        cluster: &mut SimulatedCluster,
        id: &Id<'_>,
        patch: &Value,
        precondition: Precondition<'_>,
    ) -> Result<Value, Refusal> {
        check_size_of_request(patch)?;
        change(cluster, id, precondition, |before: &O| {
            let mut wire = before.to_wire();
            merge(&mut wire, patch);
            let mut after: O = read(wire)?;
            after.track(Some(before));
            after.check_change(before, id)?;
            after.check(id)?;
            Ok(after)
        })
    }

    fn apply(
        &self,
        cluster: &mut SimulatedCluster,
        id: &Id<'_>,
        body: Value,
        precondition: Precondition<'_>,
    ) -> Result<Value, Refusal> {
        check_size_of_request(&body)?;
        let wanted: O = read(body)?;
        change(cluster, id, precondition, |before: &O| {
            let mut after = before.clone();
            after.apply(&wanted, id)?;
            after.check(id)?;
            Ok(after)
        })
    }

    /// Uid and version are checked in this order, and the refusals are worded with the kind (`k8s.io/apiserver`
    /// `pkg/registry/rest/delete.go`, `BeforeDelete`).
    fn delete(
        &self,
        cluster: &mut SimulatedCluster,
        id: &Id<'_>,
        precondition: Precondition<'_>,
    ) -> Result<(), Refusal> {
        let place = O::place(id);
        let objects = O::kept(cluster);
        let wire = objects.get(&place).ok_or_else(|| id.not_found())?.to_wire();
        let (uid, version) = (text(&wire, "uid"), text(&wire, "resourceVersion"));
        if let Some(wanted) = precondition.uid
            && uid != wanted
        {
            return Err(id.conflict(
                id.resource.kind,
                &format!(
                    "the UID in the precondition ({wanted}) does not match the UID in record ({uid}). The object might \
                     have been deleted and then recreated"
                ),
            ));
        }
        if version != precondition.resource_version {
            return Err(id.conflict(
                id.resource.kind,
                &format!(
                    "the ResourceVersion in the precondition ({}) does not match the ResourceVersion in record \
                     ({version}). The object might have been modified",
                    precondition.resource_version
                ),
            ));
        }
        objects.remove(&place);
        cluster.revision += 1;
        Ok(())
    }
}

/// PATCH of an object at a version; a change that changes nothing makes no new version.
fn change<O: SimulatedObject>(
    cluster: &mut SimulatedCluster,
    id: &Id<'_>,
    precondition: Precondition<'_>,
    change: impl FnOnce(&O) -> Result<O, Refusal>,
) -> Result<Value, Refusal> {
    let place = O::place(id);
    let before = O::kept(cluster).get(&place).ok_or_else(|| id.not_found())?;
    let wire = before.to_wire();
    let is_another = precondition.uid.is_some_and(|uid| uid != text(&wire, "uid"));
    if is_another || text(&wire, "resourceVersion") != precondition.resource_version {
        return Err(id.conflict(
            id.resource.plural,
            "the object has been modified; please apply your changes to the latest version and try again",
        ));
    }
    let after = change(before)?;
    if after == *before {
        return Ok(wire);
    }
    let mut wire = after.to_wire();
    cluster.revision += 1;
    set_metadata(&mut wire, "resourceVersion", cluster.revision.to_string().into());
    keep::<O>(O::kept(cluster), place, wire)
}

/// Keeps an object, and answers with it.
fn keep<O: SimulatedObject>(
    objects: &mut BTreeMap<String, O>,
    place: String,
    wire: Value,
) -> Result<Value, Refusal> {
    let object: O = read(wire)?;
    let answer = object.to_wire();
    objects.insert(place, object);
    Ok(answer)
}

fn read<O: SimulatedObject>(wire: Value) -> Result<O, Refusal> {
    O::from_wire(wire).map_err(|error| Refusal::new("Invalid", error.to_string()))
}

fn metadata<'a>(wire: &'a Value, field: &str) -> Option<&'a Value> {
    wire.get("metadata")?.get(field)
}

fn text<'a>(wire: &'a Value, field: &str) -> &'a str {
    metadata(wire, field).and_then(Value::as_str).unwrap_or_default()
}

fn selects(selector: Selector<'_>, wire: &Value) -> bool {
    let found = match selector {
        Selector::Everything => return true,
        Selector::Label(label, _) => metadata(wire, "labels").and_then(|labels| labels.get(label)),
        Selector::Field(path, _) => wire.pointer(&format!("/{}", path.replace('.', "/"))),
    };
    let (Selector::Label(_, wanted) | Selector::Field(_, wanted)) = selector else {
        return true;
    };
    found.and_then(Value::as_str) == Some(wanted)
}

/// RFC 7386.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        target.clone_from(patch);
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Some(fields) = target.as_object_mut() else {
        return;
    };
    for (key, value) in patch {
        if value.is_null() {
            fields.remove(key);
        } else {
            merge(fields.entry(key.as_str()).or_insert(Value::Null), value);
        }
    }
}
