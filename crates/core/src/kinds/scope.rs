//! What is asked of kinds beyond the file: objects named by flags that shall go, attributes to which a comparison is limited.
//! A scope of one kind is in that kind's folder; one that several kinds serve is a file beside them. A request carries each
//! without knowing it.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    fmt::Debug,
    sync::Arc,
};

/// What a command asks. A kind that is asked for nothing does what the file says.
pub trait Scope: Any + Debug + Send + Sync {}

/// At most one scope of each type.
#[derive(Clone, Debug, Default)]
pub(super) struct Scopes {
    by_type: HashMap<TypeId, Arc<dyn Scope>>,
}

impl Scopes {
    pub(super) fn put<S: Scope>(&mut self, scope: S) {
        self.by_type.insert(TypeId::of::<S>(), Arc::new(scope));
    }

    pub(super) fn get<S: Scope>(&self) -> Option<&S> {
        let scope: &dyn Any = self.by_type.get(&TypeId::of::<S>())?.as_ref();
        scope.downcast_ref()
    }
}
