//! What is asked of kinds beyond the file: objects named by flags that shall go, attributes to which a comparison is limited.
//! A scope of one kind is in that kind's folder; one that several kinds serve is a file beside them. A request carries each
//! without knowing it.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    fmt::{self, Debug},
    sync::Arc,
};

/// What a command asks. A kind that is asked for nothing does what the file says.
pub trait Scope: Any + Debug + Send + Sync {}

/// At most one scope of each type.
#[derive(Clone, Default)]
pub(super) struct Scopes {
    by_type: HashMap<TypeId, (Arc<dyn Any + Send + Sync>, Arc<dyn Scope>)>,
}

impl Scopes {
    pub(super) fn put<S: Scope>(&mut self, scope: S) {
        let scope = Arc::new(scope);
        let erased: Arc<dyn Any + Send + Sync> = Arc::clone(&scope) as _;
        self.by_type.insert(TypeId::of::<S>(), (erased, scope));
    }

    pub(super) fn get<S: Scope>(&self) -> Option<&S> {
        self.by_type.get(&TypeId::of::<S>())?.0.downcast_ref()
    }
}

impl Debug for Scopes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_set()
            .entries(self.by_type.values().map(|(_, scope)| scope))
            .finish()
    }
}
