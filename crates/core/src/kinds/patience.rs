//! How long a write is made over again that EKS refuses because it does not see yet what was made a moment ago.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::engine::executor::Progress;

/// How long EKS may take to see a new role, or a new access entry. Terraform's provider waits as long
/// (`internal/service/eks/access_entry.go`).
const WHOLE: Duration = Duration::from_mins(2);
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(10);

/// What is left of it for one step.
pub(super) struct Patience {
    begun: Instant,
    pause: Duration,
}

impl Patience {
    /// All of it.
    pub(super) fn new() -> Self {
        Self {
            begun: Instant::now(),
            pause: SHORTEST,
        }
    }

    /// Waits a while, longer each time, and tells until when: "waiting until EKS sees the role". Gives whether there was time for it; the
    /// world may have changed meanwhile, and whoever writes over something looks at it again.
    pub(super) async fn waits_until(&mut self, seen: &str, progress: &Progress) -> bool {
        let is_left = self.begun.elapsed() + self.pause <= WHOLE;
        if is_left {
            progress.tell(format!("waiting until {seen}"));
            sleep(self.pause).await;
            self.pause = (self.pause * 3 / 2).min(LONGEST);
        }
        is_left
    }
}
