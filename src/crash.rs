//! What is left of a process that dies: a line that says where, and nothing that it held. Keys, tokens and codes are in its
//! memory, and a panic's own words may quote what it was working on.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    fmt::Write as _,
    panic::{Location, PanicHookInfo},
};

/// Sees to it, as early as it can be.
pub fn prepare() {
    keep_no_image();
    std::panic::set_hook(Box::new(tell));
}

/// No core file, and on Linux no look into the process by others of the same user either. Where the system refuses that, there is
/// nothing else to do, and no reason not to work.
fn keep_no_image() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        // It ends at `exec`: what eksact starts is not concerned.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
    #[cfg(all(unix, not(target_os = "linux")))]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = Rlimit {
            current: Some(0),
            maximum: getrlimit(Resource::Core).maximum,
        };
        let _ = setrlimit(Resource::Core, limit);
    }
}

#[expect(clippy::print_stderr, reason = "no printer is sure to work here")]
fn tell(panic: &PanicHookInfo<'_>) {
    // Never the payload.
    eprint!("{}", words(panic.location(), &trace()));
}

/// None where a panic aborts: a release is built without the tables that it would be read from.
fn trace() -> Backtrace {
    if cfg!(panic = "abort") {
        Backtrace::disabled()
    } else {
        Backtrace::capture()
    }
}

fn words(place: Option<&Location<'_>>, trace: &Backtrace) -> String {
    let place = place.map_or_else(String::new, |place| format!(" at {place}"));
    let mut text = format!(
        "error: eksact {} panicked{place}. This is a fault of eksact's own: please report it with this line.\n",
        env!("CARGO_PKG_VERSION")
    );
    if trace.status() == BacktraceStatus::Captured {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{trace}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_say_where_and_nothing_else() {
        let said = words(Some(Location::caller()), &Backtrace::disabled());
        assert!(
            said.starts_with("error: eksact ") && said.contains(" panicked at src/crash.rs:"),
            "{said}"
        );
        assert_eq!(said.lines().count(), 1);
    }
}
