//! Which kubeconfig file is meant: `--kubeconfig`, the list in `KUBECONFIG`, or `~/.kube/config`. Nothing is opened here;
//! what the files hold is told by the caller.
//!
//! Sources: kubectl (`k8s.io/client-go` 0.36, `tools/clientcmd/loader.go` and `config.go`) and the AWS CLI (1.46,
//! `customizations/eks/kubeconfig.py`). Where the two differ the rule is said at [`Candidates::choose`].

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

/// What decides about the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlaceVariables {
    /// `--kubeconfig`.
    pub flag: Option<PathBuf>,
    /// The variable `KUBECONFIG`: paths as in `PATH`.
    pub kubeconfig: Option<OsString>,
    /// The user's home folder.
    pub home: Option<PathBuf>,
}

/// Why no file can be named.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// `--kubeconfig ''`.
    #[error("--kubeconfig is empty; name a file, or leave it out for KUBECONFIG or ~/.kube/config")]
    EmptyFlag,
    /// Neither flag nor variable, and no home.
    #[error(
        "the kubeconfig cannot be found, because there is no home folder (HOME is not set); name it with \
         --kubeconfig"
    )]
    NoHome,
}

/// The files that kubectl would merge, in its order; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidates {
    first: PathBuf,
    rest: Vec<PathBuf>,
}

/// What a candidate is found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileState {
    /// There is no such file.
    Absent,
    /// It is there, and does not have the cluster or cannot be read.
    Present,
    /// It has an entry for the cluster.
    HasCluster,
}

impl Candidates {
    /// The files by flag, variable and home, in this order. `~` is the home folder, as for the AWS CLI; empty and blank
    /// paths of the variable are left out.
    pub fn of(variables: &PlaceVariables) -> Result<Self, PlaceError> {
        let home = variables.home.as_deref();
        if let Some(flag) = &variables.flag {
            if flag.as_os_str().is_empty() {
                return Err(PlaceError::EmptyFlag);
            }
            return Ok(Self::only(with_home(flag, home)));
        }
        let mut paths: Vec<PathBuf> = Vec::new();
        for path in variables
            .kubeconfig
            .iter()
            .flat_map(|list| std::env::split_paths(list))
        {
            let path = with_home(&path, home);
            if !is_blank(path.as_os_str()) && !paths.contains(&path) {
                paths.push(path);
            }
        }
        if paths.is_empty() {
            let home = home
                .filter(|home| !home.as_os_str().is_empty())
                .ok_or(PlaceError::NoHome)?;
            return Ok(Self::only(home.join(".kube").join("config")));
        }
        let rest = paths.split_off(1);
        Ok(Self {
            first: paths.into_iter().next().unwrap_or_default(),
            rest,
        })
    }

    /// One file and no other.
    pub fn only(path: PathBuf) -> Self {
        Self {
            first: path,
            rest: Vec::new(),
        }
    }

    /// These files, and one more behind them.
    #[must_use]
    pub fn and(mut self, path: PathBuf) -> Self {
        if self.first != path && !self.rest.contains(&path) {
            self.rest.push(path);
        }
        self
    }

    /// The files in order.
    pub fn iter(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(&self.first)
            .chain(&self.rest)
            .map(PathBuf::as_path)
    }

    /// The file to write: the first that has the cluster already (both peers); else the first that exists (kubectl; the
    /// AWS CLI takes the first path even if another exists); else the first (the AWS CLI; kubectl takes the last, whose
    /// `current-context` would lose to any other).
    pub fn choose(&self, state: impl Fn(&Path) -> FileState) -> &Path {
        let states: Vec<(&Path, FileState)> = self.iter().map(|path| (path, state(path))).collect();
        let first_that = |wanted: &[FileState]| {
            states
                .iter()
                .find(|(_, found)| wanted.contains(found))
                .map(|(path, _)| *path)
        };
        first_that(&[FileState::HasCluster])
            .or_else(|| first_that(&[FileState::Present]))
            .unwrap_or(&self.first)
    }
}

/// The file of eksctl's `--auto-kubeconfig`: one for each cluster.
pub fn automatic(home: &Path, cluster: &str) -> PathBuf {
    home.join(".kube").join("eksctl").join("clusters").join(cluster)
}

fn is_blank(path: &OsStr) -> bool {
    path.to_str().is_some_and(|text| text.trim().is_empty())
}

fn with_home(path: &Path, home: Option<&Path>) -> PathBuf {
    match (home, path.strip_prefix("~")) {
        (Some(home), Ok(rest)) if rest.as_os_str().is_empty() => home.to_owned(),
        (Some(home), Ok(rest)) => home.join(rest),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(flag: Option<&str>, kubeconfig: Option<&str>) -> Vec<String> {
        let variables = PlaceVariables {
            flag: flag.map(PathBuf::from),
            kubeconfig: kubeconfig.map(OsString::from),
            home: Some("/home/nina".into()),
        };
        Candidates::of(&variables)
            .unwrap()
            .iter()
            .map(|path| path.to_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn flag_wins_then_the_variable_then_the_home() {
        assert_eq!(candidates(Some("~/a"), Some("/b")), ["/home/nina/a"]);
        assert_eq!(candidates(None, Some("/b:~/c: ::/b")), ["/b", "/home/nina/c"]);
        for nothing in [None, Some(""), Some(" : ")] {
            assert_eq!(candidates(None, nothing), ["/home/nina/.kube/config"]);
        }
        assert_eq!(candidates(Some("~other/a"), None), ["~other/a"]);
    }

    #[test]
    fn place_that_cannot_be_told_is_said_so() {
        let empty = PlaceVariables {
            flag: Some(PathBuf::new()),
            ..PlaceVariables::default()
        };
        assert_eq!(Candidates::of(&empty), Err(PlaceError::EmptyFlag));
        assert_eq!(
            Candidates::of(&PlaceVariables::default()),
            Err(PlaceError::NoHome)
        );
    }

    #[test]
    fn file_that_has_the_cluster_wins_over_order() {
        use FileState::{Absent, HasCluster, Present};
        let variables = PlaceVariables {
            kubeconfig: Some("/a:/b:/c".into()),
            ..PlaceVariables::default()
        };
        let candidates = Candidates::of(&variables).unwrap();
        let chosen = |states: [FileState; 3]| {
            candidates
                .choose(|path| match path.to_str() {
                    Some("/a") => states[0],
                    Some("/b") => states[1],
                    _ => states[2],
                })
                .to_str()
                .unwrap()
                .to_owned()
        };
        assert_eq!(chosen([Present, Absent, HasCluster]), "/c");
        assert_eq!(chosen([Absent, Present, Present]), "/b");
        assert_eq!(chosen([Absent, Absent, Absent]), "/a");
    }
}
