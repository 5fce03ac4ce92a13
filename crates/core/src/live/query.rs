//! What can be asked of an account and a cluster, and the answers so far.
//!
//! A [`Query`] is a small value that says what is read ("the role of this name") and how. [`Answers`] keeps each answer by the
//! query itself, whatever its type: a new kind of object brings its query, and nothing here knows of it.

use std::{
    any::{Any, TypeId},
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Debug,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use futures::future::join_all;

use super::LiveReader;
use crate::ports::CallError;

/// A value as it was read, or why it could not be.
pub type Observed<T> = Result<T, CallError>;

/// One thing that is read, at most once per plan.
#[async_trait]
pub trait Query: Clone + Debug + Ord + Send + Sync + 'static {
    /// The plain value that it gives.
    type Answer: Debug + Send + Sync + 'static;

    /// Reads it. May ask `reader` for answers of other types, never of this one: those are read one batch at a time.
    async fn read(&self, reader: &LiveReader) -> Observed<Self::Answer>;

    /// Reads several: one by one, unless the type knows that a listing costs fewer calls. Gives an answer for each.
    async fn read_all(queries: Vec<Self>, reader: &LiveReader) -> Vec<(Self, Observed<Self::Answer>)> {
        one_by_one(queries, reader).await
    }
}

/// Each query by a reading of its own, all at once.
pub(super) async fn one_by_one<Q: Query>(
    queries: Vec<Q>,
    reader: &LiveReader,
) -> Vec<(Q, Observed<Q::Answer>)> {
    let answers = join_all(queries.iter().map(|query| query.read(reader))).await;
    queries.into_iter().zip(answers).collect()
}

/// The answers to queries of one type.
type Answered<Q> = BTreeMap<Q, Arc<Observed<<Q as Query>::Answer>>>;

/// Answers of every type, as plain values.
#[derive(Clone, Default)]
pub(super) struct Answers {
    by_type: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
}

impl Answers {
    /// The answers to queries of this type.
    pub(super) fn of<Q: Query>(&self) -> Option<&Answered<Q>> {
        self.by_type.get(&TypeId::of::<Q>())?.downcast_ref()
    }

    /// The answer to one query.
    pub(super) fn get<Q: Query>(&self, query: &Q) -> Option<&Arc<Observed<Q::Answer>>> {
        self.of::<Q>()?.get(query)
    }

    /// The answer to one query, to be changed here and in no copy.
    pub(super) fn get_mut<Q: Query>(&mut self, query: &Q) -> Option<&mut Arc<Observed<Q::Answer>>> {
        self.of_mut::<Q>()?.get_mut(query)
    }

    /// Keeps answers.
    pub(super) fn put<Q: Query>(&mut self, answers: impl IntoIterator<Item = (Q, Arc<Observed<Q::Answer>>)>) {
        if let Some(answered) = self.of_mut() {
            answered.extend(answers);
        }
    }

    /// The answers of this type, shared with no copy; there always are some, if only none.
    fn of_mut<Q: Query>(&mut self) -> Option<&mut Answered<Q>> {
        let is_own = |answered| Arc::get_mut(answered).is_some();
        if !self.by_type.get_mut(&TypeId::of::<Q>()).is_some_and(is_own) {
            let own: Answered<Q> = self.of::<Q>().cloned().unwrap_or_default();
            self.by_type.insert(TypeId::of::<Q>(), Arc::new(own));
        }
        Arc::get_mut(self.by_type.get_mut(&TypeId::of::<Q>())?)?.downcast_mut()
    }
}

/// Values that were worked out of answers, one of each type.
#[derive(Clone, Default)]
pub(super) struct Derived {
    by_type: Arc<Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>>,
}

impl Derived {
    /// The value of this type; `derive` makes it where there is none yet.
    pub(super) fn get<T: Send + Sync + 'static>(&self, derive: impl FnOnce() -> T) -> Arc<T> {
        let known = locked(&self.by_type).get(&TypeId::of::<T>()).cloned();
        if let Some(known) = known.and_then(|known| known.downcast().ok()) {
            return known;
        }
        let made = Arc::new(derive());
        let erased: Arc<dyn Any + Send + Sync> = Arc::clone(&made) as _;
        locked(&self.by_type).insert(TypeId::of::<T>(), erased);
        made
    }
}

/// The answers of a reading under way, shared by all who ask.
#[derive(Default)]
pub(super) struct SharedAnswers {
    answers: Mutex<Answers>,
    /// One batch of a type is read at a time, so that what two ask for is read once.
    turns: Mutex<HashMap<TypeId, Arc<tokio::sync::Mutex<()>>>>,
}

impl SharedAnswers {
    /// The answer to this query; where it is not there yet, that of `read`.
    pub(super) async fn one<Q: Query>(
        &self,
        query: Q,
        read: impl Future<Output = Observed<Q::Answer>> + Send,
    ) -> Arc<Observed<Q::Answer>> {
        let turn = self.turn::<Q>();
        let _turn = turn.lock().await;
        let known = locked(&self.answers).get(&query).cloned();
        if let Some(answer) = known {
            return answer;
        }
        let answer = Arc::new(read.await);
        locked(&self.answers).put([(query, Arc::clone(&answer))]);
        answer
    }

    /// Sees to it that these queries are answered; what is not there yet comes from `read`.
    pub(super) async fn several<Q: Query, F>(
        &self,
        queries: BTreeSet<Q>,
        read: impl FnOnce(Vec<Q>) -> F + Send,
    ) where
        F: Future<Output = Vec<(Q, Observed<Q::Answer>)>> + Send,
    {
        let turn = self.turn::<Q>();
        let _turn = turn.lock().await;
        let missing: Vec<Q> = {
            let answers = locked(&self.answers);
            let is_missing = |query: &Q| answers.get(query).is_none();
            queries.into_iter().filter(is_missing).collect()
        };
        if !missing.is_empty() {
            let read = read(missing).await;
            let read = read.into_iter().map(|(query, answer)| (query, Arc::new(answer)));
            locked(&self.answers).put(read);
        }
    }

    fn turn<Q: Query>(&self) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(locked(&self.turns).entry(TypeId::of::<Q>()).or_default())
    }

    /// What was answered so far.
    pub(super) fn snapshot(&self) -> Answers {
        locked(&self.answers).clone()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
