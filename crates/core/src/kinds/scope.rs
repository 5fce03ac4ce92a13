//! What is asked of kinds beyond the file: objects named by flags that shall go, attributes to which a comparison is limited.
//! A scope of one kind is in that kind's folder; one that several kinds serve is a file beside them. A request carries each
//! without knowing it, and a saved plan keeps each under its name.

use std::{
    any::{Any, TypeId},
    collections::{BTreeMap, HashMap},
    fmt::Debug,
    sync::Arc,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned, de::Error as _, ser};
use serde_json::Value;

/// What a command asks. A kind that is asked for nothing does what the file says.
pub trait Scope: Any + Debug + Send + Sync {
    /// Its name and content in a saved plan. None for what is made of what was read: it must be made anew each time.
    fn saved(&self) -> Option<(&'static str, serde_json::Result<Value>)> {
        None
    }
}

/// A [`Scope`] that saved plans have.
pub(super) trait SavedScope: Scope + DeserializeOwned {
    /// Never changes, and no other scope has it.
    const NAME: &'static str;
}

/// Makes a type a scope that saved plans have under this name.
macro_rules! saved_scope {
    ($scope:ty, $name:literal) => {
        impl $crate::kinds::scope::Scope for $scope {
            fn saved(&self) -> Option<(&'static str, serde_json::Result<serde_json::Value>)> {
                Some(($name, serde_json::to_value(self)))
            }
        }

        impl $crate::kinds::scope::SavedScope for $scope {
            const NAME: &'static str = $name;
        }
    };
}
pub(super) use saved_scope;

/// A type of scopes, as a saved plan names it.
pub(super) struct ScopeType {
    name: &'static str,
    read: fn(Value) -> serde_json::Result<Arc<dyn Scope>>,
}

impl ScopeType {
    pub(super) const fn of<S: SavedScope>() -> Self {
        Self {
            name: S::NAME,
            read: |value| Ok(Arc::new(serde_json::from_value::<S>(value)?)),
        }
    }
}

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

impl Serialize for Scopes {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        let scopes = self.by_type.values().map(|scope| {
            let saved = scope.saved();
            let (name, value) = saved.ok_or_else(|| ser::Error::custom("it is made of what was read"))?;
            Ok((name, value.map_err(ser::Error::custom)?))
        });
        scopes
            .collect::<Result<BTreeMap<_, _>, T::Error>>()?
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut by_type = HashMap::new();
        for (name, value) in BTreeMap::<String, Value>::deserialize(deserializer)? {
            let known = super::scopes().iter().find(|known| known.name == name);
            // To leave it out would be to do more than was asked.
            let known = known.ok_or_else(|| D::Error::custom(format!("the scope `{name}` is not known")))?;
            let scope = (known.read)(value).map_err(D::Error::custom)?;
            let its: &dyn Any = scope.as_ref();
            by_type.insert(its.type_id(), scope);
        }
        Ok(Self { by_type })
    }
}
