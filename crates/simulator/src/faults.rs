//! What goes wrong on request, and a record of every call: for tests of reliability.
//!
//! One `Faults` stands for one process: a crash makes every later call fail, as if nobody were there to see the
//! answer. Nothing of it is saved with the world.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::refusal::Refusal;
use super::state::World;
use eksact_core::ports::CallErrorKind;
use jiff::Timestamp;

/// One call to a simulated service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// `cloudformation`, `iam`, `eks`, `sts`, `kubernetes`, `issuer`.
    pub service: &'static str,
    /// `CreateStack`; verb and resource for Kubernetes (`patch serviceaccounts`).
    pub action: String,
    /// Name or ARN of the object, empty for lists.
    pub object: String,
    /// Whether it changes anything.
    pub write: bool,
}

/// Which calls a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matching {
    /// Calls of this action.
    Action(String),
    /// Every call that changes something.
    Writes,
    /// Every call.
    All,
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It fails and has no effect.
    ErrorBefore(CallErrorKind),
    /// It has its effect, and the caller sees `Unreachable`.
    ErrorAfter,
    /// The process dies before the call leaves it.
    CrashBefore,
    /// The process dies after the effect, before the answer.
    CrashAfter,
}

/// A fault for the `nth` matching call, counted from 1, and the `times - 1` that follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Which calls.
    pub matching: Matching,
    /// The first one that it strikes, counted from 1.
    pub nth: u32,
    /// How many calls it strikes.
    pub times: u32,
    /// What happens.
    pub fault: Fault,
}

impl Rule {
    /// A fault for one call.
    pub fn once(matching: Matching, nth: u32, fault: Fault) -> Self {
        Self {
            matching,
            nth,
            times: 1,
            fault,
        }
    }
}

type Hook = Box<dyn Fn(&Call) + Send + Sync>;

/// Something that happened at a service, told while the world stands still.
#[derive(Debug)]
pub enum Seen<'world> {
    /// Time has passed, and CloudFormation or EKS went on with what it was asked for.
    Time {
        /// The world since.
        world: &'world World,
    },
    /// A call reached the service.
    Call {
        /// Which.
        call: &'world Call,
        /// Whether the service did what it was asked.
        accepted: bool,
        /// Whether the caller hears the answer.
        heard: bool,
        /// When, by the clock of the service.
        now: Timestamp,
        /// The world since.
        world: &'world World,
    },
}

type Witness = Box<dyn Fn(&Seen<'_>) + Send + Sync>;

#[derive(Default)]
struct State {
    rules: Vec<(Rule, u32)>,
    calls: Vec<Call>,
    crashed: bool,
    struck: Vec<Fault>,
    before_write: Option<std::sync::Arc<Hook>>,
    witness: Option<std::sync::Arc<Witness>>,
    /// How many items a list puts on a page, where it is not what the service puts there.
    page_size: Option<usize>,
    /// State of the scheduler's generator; 0 for no scheduling.
    scheduler: u64,
    /// How long a call and its answer are on their way at most, each.
    slowest_milliseconds: u64,
}

/// Rules, the record of calls, and the scheduler.
#[derive(Default)]
pub struct Faults {
    state: Mutex<State>,
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Faults")
            .field("rules", &state.rules)
            .field("calls", &state.calls.len())
            .field("crashed", &state.crashed)
            .finish_non_exhaustive()
    }
}

impl Faults {
    /// Adds a rule. The first rule that strikes a call decides.
    pub fn add(&self, rule: Rule) {
        self.state().rules.push((rule, 0));
    }

    /// Runs `hook` before each write that gets as far as the service; the world may be edited in it.
    pub fn before_each_write(&self, hook: impl Fn(&Call) + Send + Sync + 'static) {
        self.state().before_write = Some(std::sync::Arc::new(Box::new(hook)));
    }

    /// Tells `witness` of everything that happens at a service while this process calls.
    pub fn witness(&self, witness: impl Fn(&Seen<'_>) + Send + Sync + 'static) {
        self.state().witness = Some(std::sync::Arc::new(Box::new(witness)));
    }

    /// Lets every list of this process come in pages of this many items, between which others write.
    pub fn page_by(&self, items: usize) {
        self.state().page_size = Some(items.max(1));
    }

    pub(super) fn page_size(&self) -> Option<usize> {
        self.state().page_size
    }

    pub(super) fn tell(&self, seen: &Seen<'_>) {
        let witness = self.state().witness.clone();
        if let Some(witness) = witness {
            witness(seen);
        }
    }

    /// The faults that have struck, in order.
    pub fn struck(&self) -> Vec<Fault> {
        self.state().struck.clone()
    }

    /// Lets concurrent tasks take turns in an order that `seed` decides: each call yields a few times first.
    pub fn schedule(&self, seed: u64) {
        self.state().scheduler = seed.wrapping_mul(2).wrapping_add(1);
    }

    /// Lets every call, and every answer, take up to `most` on its way: a different time each, that the scheduler's seed
    /// decides.
    pub fn slow(&self, most: Duration) {
        self.state().slowest_milliseconds = u64::try_from(most.as_millis()).unwrap_or(u64::MAX);
    }

    /// Every call so far, in order, those that failed included.
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// The calls that change something.
    pub fn writes(&self) -> Vec<Call> {
        self.state()
            .calls
            .iter()
            .filter(|call| call.write)
            .cloned()
            .collect()
    }

    /// How often an action was called.
    pub fn count(&self, action: &str) -> usize {
        self.state()
            .calls
            .iter()
            .filter(|call| call.action == action)
            .count()
    }

    /// Empties the record of calls.
    pub fn forget_calls(&self) {
        self.state().calls.clear();
    }

    /// Whether a crash rule has struck.
    pub fn crashed(&self) -> bool {
        self.state().crashed
    }

    /// Takes turns with other tasks when there is a scheduler.
    pub(super) async fn take_turns(&self) {
        let Some(random) = self.random() else { return };
        for _ in 0..random % 5 {
            tokio::task::yield_now().await;
        }
    }

    /// Waits as long as a call or an answer is on its way.
    pub(super) async fn travel(&self) {
        let most = self.state().slowest_milliseconds;
        if most > 0
            && let Some(random) = self.random()
        {
            tokio::time::sleep(Duration::from_millis(random % most)).await;
        }
    }

    /// The scheduler's next number; none when there is no scheduler.
    pub(super) fn random(&self) -> Option<u64> {
        let mut state = self.state();
        if state.scheduler == 0 {
            return None;
        }
        // xorshift64: small, and the same on every machine.
        state.scheduler ^= state.scheduler << 13;
        state.scheduler ^= state.scheduler >> 7;
        state.scheduler ^= state.scheduler << 17;
        Some(state.scheduler)
    }

    /// Records a call and decides its fate. `Ok(true)`: it has its effect, but the caller must not see the answer.
    pub(super) fn meet(&self, call: &Call) -> Result<bool, Refusal> {
        let (fault, hook) = {
            let mut state = self.state();
            if state.crashed {
                return Err(lost());
            }
            state.calls.push(call.clone());
            let mut struck = None;
            for (rule, seen) in &mut state.rules {
                let matches = match &rule.matching {
                    Matching::Action(action) => *action == call.action,
                    Matching::Writes => call.write,
                    Matching::All => true,
                };
                *seen += u32::from(matches);
                let strikes = matches && *seen >= rule.nth && *seen - rule.nth < rule.times;
                struck = struck.or(strikes.then_some(rule.fault));
            }
            state.struck.extend(struck);
            state.crashed = matches!(struck, Some(Fault::CrashBefore | Fault::CrashAfter));
            (struck, state.before_write.clone())
        };
        match fault {
            Some(Fault::CrashBefore) => return Err(lost()),
            Some(Fault::ErrorBefore(kind)) => {
                return Err(Refusal::without_code(
                    kind,
                    "the sandbox was told to fail this call",
                ));
            }
            _ => {}
        }
        if let Some(hook) = hook.filter(|_| call.write) {
            hook(call);
        }
        Ok(matches!(fault, Some(Fault::ErrorAfter | Fault::CrashAfter)))
    }

    /// Records further calls that an answer took: the pages after the first.
    pub(super) fn record(&self, call: Call) {
        self.state().calls.push(call);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answer of a call that nobody heard.
pub(super) fn lost() -> Refusal {
    Refusal::without_code(
        CallErrorKind::Unreachable,
        "the connection was lost before an answer came",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(action: &str, write: bool) -> Call {
        Call {
            service: "iam",
            action: action.to_owned(),
            object: "role".to_owned(),
            write,
        }
    }

    #[test]
    fn rule_strikes_the_calls_it_names() {
        let faults = Faults::default();
        let throttled = Fault::ErrorBefore(CallErrorKind::Throttled);
        faults.add(Rule {
            matching: Matching::Action("GetRole".to_owned()),
            nth: 2,
            times: 2,
            fault: throttled,
        });
        let fates: Vec<bool> = (0..4)
            .map(|_| faults.meet(&call("GetRole", false)).is_ok())
            .collect();
        assert_eq!(fates, [true, false, false, true]);
        assert!(faults.meet(&call("TagRole", true)).is_ok());
        assert_eq!((faults.count("GetRole"), faults.writes().len()), (4, 1));
    }

    #[test]
    fn crash_is_followed_by_silence() {
        let faults = Faults::default();
        faults.add(Rule::once(Matching::Writes, 2, Fault::CrashAfter));
        assert_eq!(faults.meet(&call("TagRole", true)), Ok(false));
        assert_eq!(faults.meet(&call("GetRole", false)), Ok(false));
        assert_eq!(faults.meet(&call("TagRole", true)), Ok(true));
        assert_eq!(
            faults.meet(&call("GetRole", false)).unwrap_err().kind,
            CallErrorKind::Unreachable
        );
        assert_eq!(faults.calls().len(), 3);
    }
}
