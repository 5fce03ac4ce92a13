//! The context of --kubeconfig and --context, read for `whoami`. What it means is `diagnosis::context`'s.

use std::path::Path;

use crate::cli::{flags::global::GlobalFlags, kubeconfig::file};
use eksact_core::{
    diagnosis::context::{ContextUser, user_of_context},
    kubeconfig::{Document, Entries, store},
};

/// The user of the context of --kubeconfig and --context; none without these flags, and where it cannot be told. A file
/// that cannot be read is told of by whoever connects with it.
pub(crate) fn context_user(global: &GlobalFlags) -> Option<ContextUser> {
    if global.kubeconfig.is_none() && global.context.is_none() {
        return None;
    }
    let candidates = file::candidates(global.kubeconfig.clone()).ok()?;
    let files: Vec<Entries> = candidates.iter().filter_map(entries_at).collect();
    user_of_context(&files, global.context.as_deref())
}

fn entries_at(path: &Path) -> Option<Entries> {
    let stored = store::read(&store::target_of(path).ok()?).ok()??;
    let document = Document::read(&path.display().to_string(), &stored.content).ok()?;
    Some(document.entries().clone())
}
