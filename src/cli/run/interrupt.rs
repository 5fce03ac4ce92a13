//! Ctrl-C, SIGTERM and SIGHUP while a plan is carried out: the first asks for the steps in flight to be finished, the second
//! gives them up.

use tokio::{sync::watch, task::JoinHandle};

use eksact_core::engine::Interrupt;

/// Listens until dropped.
pub(crate) struct Listener {
    task: JoinHandle<()>,
    sender: watch::Sender<Interrupt>,
}

impl Listener {
    /// Begins to listen, and gives what the executor watches. The signals are caught when this returns: before the first
    /// step is begun, so that none is cut off in its middle.
    pub(crate) fn begin() -> (Self, watch::Receiver<Interrupt>) {
        let (sender, receiver) = watch::channel(Interrupt::None);
        let signals = Signals::catch();
        let heard = sender.clone();
        let task = tokio::spawn(async move {
            let Some(mut signals) = signals else {
                // Nothing can be caught here. The sender must live on: a closed channel is no interrupt either.
                std::future::pending::<()>().await;
                return;
            };
            for level in [Interrupt::Finish, Interrupt::Abandon] {
                signals.next().await;
                heard.send_replace(level);
            }
        });
        (Self { task, sender }, receiver)
    }

    /// Asks for the steps in flight to be finished, as the first signal does.
    pub(crate) fn finish(&self) {
        self.raise(Interrupt::Finish);
    }

    /// Has the steps in flight finished since the lock was lost. Whether this is what ends the run: where somebody asked for its
    /// end before, that did.
    pub(crate) fn lock_lost(&self) -> bool {
        self.raise(Interrupt::LockLost)
    }

    /// Gives them up, as the second does.
    pub(crate) fn abandon(&self) {
        self.raise(Interrupt::Abandon);
    }

    /// Whether it was not there yet.
    fn raise(&self, wanted: Interrupt) -> bool {
        self.sender.send_if_modified(|level| {
            let is_new = *level < wanted;
            *level = (*level).max(wanted);
            is_new
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    /// None under `nohup`: whoever ignores it wants the run to outlive its terminal.
    hang_up: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn catch() -> Option<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Some(Self {
            interrupt: signal(SignalKind::interrupt()).ok()?,
            terminate: signal(SignalKind::terminate()).ok()?,
            hang_up: if hang_up_is_ignored() {
                None
            } else {
                Some(signal(SignalKind::hangup()).ok()?)
            },
        })
    }

    async fn next(&mut self) {
        let hang_up = async {
            match &mut self.hang_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hang_up => {}
        }
    }
}

/// Whether the process was started with SIGHUP ignored, as the kernel tells it (`SigIgn` of proc(5), a mask in which SIGHUP is
/// the lowest bit).
#[cfg(target_os = "linux")]
fn hang_up_is_ignored() -> bool {
    let Ok(status) = fs_err::read_to_string("/proc/self/status") else {
        return nothing_is_on_a_terminal();
    };
    let mut masks = status.lines().filter_map(|line| line.strip_prefix("SigIgn:"));
    masks
        .next()
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .map_or_else(nothing_is_on_a_terminal, |mask| mask & 1 == 1)
}

#[cfg(all(unix, not(target_os = "linux")))]
fn hang_up_is_ignored() -> bool {
    nothing_is_on_a_terminal()
}

/// What `nohup` leaves to its command, where the system does not tell more.
#[cfg(unix)]
fn nothing_is_on_a_terminal() -> bool {
    use std::io::IsTerminal as _;
    !std::io::stdout().is_terminal() && !std::io::stderr().is_terminal()
}

#[cfg(windows)]
struct Signals {
    interrupt: tokio::signal::windows::CtrlC,
}

#[cfg(windows)]
impl Signals {
    fn catch() -> Option<Self> {
        let interrupt = tokio::signal::windows::ctrl_c().ok()?;
        Some(Self { interrupt })
    }

    async fn next(&mut self) {
        self.interrupt.recv().await;
    }
}
