//! A reading of an account and a cluster under way.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use super::{
    Live, StackInterest,
    query::{Derived, Observed, Query, SharedAnswers},
};
use crate::ports::{
    CallError, CallErrorKind, Readers,
    aws::{CallerIdentity, Cluster},
};
use eksact_identity::iam::Arn;

/// Tells people what is waited for.
type Notice = Box<dyn Fn(&str) + Send + Sync>;

/// Reads what exists, each thing once, for all kinds that ask.
pub struct LiveReader {
    pub(super) readers: Readers,
    notice: Notice,
    cluster: Cluster,
    cluster_arn: Arn,
    caller: Observed<CallerIdentity>,
    answers: SharedAnswers,
    stack_interest: OnceLock<StackInterest>,
}

impl fmt::Debug for LiveReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveReader")
            .field("cluster", &self.cluster.name)
            .finish_non_exhaustive()
    }
}

impl LiveReader {
    /// Begins with the cluster and the caller: without the cluster nothing can be planned.
    ///
    /// # Errors
    /// When the cluster could not be read; with the caller's credentials as the cause where they are.
    pub async fn begin(readers: Readers, cluster: &str) -> Result<Self, CallError> {
        let (cluster, caller) = tokio::join!(readers.aws.cluster(cluster), readers.aws.caller_identity());
        let cluster = match cluster {
            Ok(cluster) => cluster,
            // Bad credentials make every call fail: the identity call reports it in the plainest words.
            Err(error) => match caller {
                Err(caller) if caller.kind == CallErrorKind::Credentials => return Err(caller),
                _ => return Err(error),
            },
        };
        readers.kubernetes.learn(&cluster);
        let cluster_arn = cluster.arn.parse::<Arn>().map_err(|error| {
            CallError::new(
                "eks",
                "DescribeCluster",
                &cluster.name,
                CallErrorKind::Other,
                error.to_string(),
            )
        })?;
        Ok(Self {
            readers,
            notice: Box::new(|_| {}),
            cluster,
            cluster_arn,
            caller,
            answers: SharedAnswers::default(),
            stack_interest: OnceLock::new(),
        })
    }

    /// The same, telling people through `notice` what is waited for.
    #[must_use]
    pub fn with_notice(mut self, notice: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.notice = Box::new(notice);
        self
    }

    /// Tells people what is waited for.
    pub(super) fn notice(&self, text: &str) {
        (self.notice)(text);
    }

    /// Says which stacks the whole reading is about, before any kind reads: they are listed once. The first call counts.
    pub fn is_about_stacks(&self, interest: StackInterest) {
        self.stack_interest.get_or_init(|| interest);
    }

    /// Which stacks the reading is about; none in particular where nobody said.
    pub(super) fn stack_interest(&self) -> &StackInterest {
        self.stack_interest.get_or_init(StackInterest::default)
    }

    /// The answer to one query.
    pub async fn ask<Q: Query>(&self, query: Q) -> Arc<Observed<Q::Answer>> {
        let read = query.clone();
        self.answers.one(query, read.read(self)).await
    }

    /// Reads what these queries ask for, each once however often it is asked; [`Live`] has the answers.
    pub async fn read<Q: Query>(&self, queries: impl IntoIterator<Item = Q>) {
        let queries = queries.into_iter().collect();
        self.answers
            .several(queries, |missing| Q::read_all(missing, self))
            .await;
    }

    /// What was read so far, for kinds that must compare before they know what else to read.
    pub fn snapshot(&self) -> Live {
        Live {
            caller: self.caller.clone(),
            account: self.cluster_arn.account.clone(),
            partition: self.cluster_arn.partition,
            region: self.cluster_arn.region.clone(),
            cluster: self.cluster.clone(),
            answers: self.answers.snapshot(),
            derived: Derived::default(),
        }
    }

    /// The clients that read: for the [`Query`] of a kind, whose answer is kept.
    pub(crate) fn readers(&self) -> &Readers {
        &self.readers
    }

    /// The cluster.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The AWS account of the cluster.
    pub fn account(&self) -> &str {
        &self.cluster_arn.account
    }

    /// The ARN of the cluster.
    pub(super) fn cluster_arn(&self) -> &Arn {
        &self.cluster_arn
    }
}
