//! Which files of many are about one cluster: each ClusterConfig is one cluster, with the ClusterAccess documents behind it
//! in its file, and those in files of their own whose `metadata` names it.
//!
//! Only the documents' kinds and `metadata` are looked at. What else is wrong with a file is for [`super::load_all`] to say,
//! cluster by cluster: a broken file is a cluster that fails, and hides no other.

use std::collections::BTreeMap;

use super::diagnostic::quoted;
use super::documents::Documents;
use super::load::InputFile;
use eksact_yaml::Node;

/// The files of one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterFiles {
    /// Places in the list of files, the ClusterConfig's first.
    pub files: Vec<usize>,
    /// Why these files can be no cluster, where that is so: they are ClusterAccess documents that no cluster can be found for.
    pub problem: Option<String>,
}

/// What is known of a file before it is checked.
struct Sketch {
    /// Name and region of its ClusterConfig.
    config: Option<Place>,
    /// Whether all it has are ClusterAccess documents.
    is_access: bool,
    /// What each of those says of its cluster.
    about: Vec<Place>,
}

/// `metadata` of a document.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    name: Option<String>,
    region: Option<String>,
}

impl Place {
    fn of(root: &Node) -> Self {
        let text = |key| {
            let node = root.get("metadata")?.get(key)?;
            node.text().filter(|text| !text.is_empty()).map(str::to_owned)
        };
        Self {
            name: text("name"),
            region: text("region"),
        }
    }

    /// Whether a ClusterAccess that says this can be about the cluster at `other`.
    fn fits(&self, other: &Self) -> bool {
        let agrees = |one: &Option<String>, other: &Option<String>| one.is_none() || one == other;
        agrees(&self.name, &other.name) && agrees(&self.region, &other.region)
    }
}

/// How many of these files have a ClusterConfig: more than one, and they are about many clusters.
pub fn count(files: &[InputFile<'_>]) -> usize {
    files.iter().filter(|file| sketch(file).config.is_some()).count()
}

/// The clusters of these files, in the order of the files that have a ClusterConfig; one that is neither is a cluster of its own, which
/// cannot be loaded.
pub fn sort(files: &[InputFile<'_>]) -> Vec<ClusterFiles> {
    let sketches: Vec<Sketch> = files.iter().map(sketch).collect();
    let mut found: BTreeMap<usize, ClusterFiles> = BTreeMap::new();
    for (number, _) in sketches
        .iter()
        .enumerate()
        .filter(|(_, sketch)| !sketch.is_access)
    {
        found.insert(
            number,
            ClusterFiles {
                files: vec![number],
                problem: None,
            },
        );
    }
    for (number, access) in sketches.iter().enumerate().filter(|(_, sketch)| sketch.is_access) {
        match owner(access, &sketches) {
            Ok(owner) => {
                if let Some(cluster) = found.get_mut(&owner) {
                    cluster.files.push(number);
                }
            }
            Err(problem) => {
                found.insert(
                    number,
                    ClusterFiles {
                        files: vec![number],
                        problem: Some(problem),
                    },
                );
            }
        }
    }
    found.into_values().collect()
}

/// The file whose cluster a file of ClusterAccess documents is about: by what each of them says, the same for all.
fn owner(access: &Sketch, sketches: &[Sketch]) -> Result<usize, String> {
    let mut owner = None;
    for about in &access.about {
        let Some(name) = &about.name else {
            return Err(
                "a ClusterAccess in a file of its own must say which of many clusters it is about: set `metadata.name`, and \
                 `metadata.region` where two clusters have the name"
                    .to_owned(),
            );
        };
        let mut fitting = sketches.iter().enumerate().filter_map(|(number, sketch)| {
            let place = sketch.config.as_ref()?;
            about.fits(place).then_some(number)
        });
        let shown = quoted(name);
        let Some(one) = fitting.next() else {
            return Err(format!(
                "no ClusterConfig among the files is of the cluster {shown}{}",
                about
                    .region
                    .as_deref()
                    .map_or_else(String::new, |region| format!(" in {}", quoted(region)))
            ));
        };
        if fitting.next().is_some() {
            return Err(format!(
                "several ClusterConfigs are of a cluster {shown}: set `metadata.region`, or put the ClusterAccess behind the \
                 ClusterConfig in its file"
            ));
        }
        if owner.is_some_and(|owner| owner != one) {
            return Err(
                "the documents of the file are about several clusters: give each cluster a file".to_owned(),
            );
        }
        owner = Some(one);
    }
    owner.ok_or_else(|| "the file has no document".to_owned())
}

fn sketch(file: &InputFile<'_>) -> Sketch {
    let documents = Documents::read(std::slice::from_ref(file));
    let about: Vec<Place> = documents
        .cluster_accesses()
        .iter()
        .map(|document| Place::of(&document.root))
        .collect();
    let config = documents.cluster_config();
    Sketch {
        is_access: config.is_none() && !about.is_empty(),
        config: config.map(|document| Place::of(&document.root)),
        about,
    }
}

/// Whether the name of a file says that it may be a configuration: what a folder is searched for.
pub fn is_named_as_one(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    !name.starts_with('.') && ending.is_some_and(|ending| ["yaml", "yml", "json"].contains(&ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(name: &str, region: &str) -> String {
        format!(
            "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: {name}, region: {region}}}\n"
        )
    }

    fn access(metadata: &str) -> String {
        format!("apiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\n{metadata}\ngroups: []\n")
    }

    /// The files of each cluster, and what is said of those that are none.
    fn sorted(texts: &[String]) -> Vec<(Vec<usize>, Option<String>)> {
        let files: Vec<InputFile<'_>> = texts
            .iter()
            .map(|text| InputFile {
                name: "f.yaml",
                bytes: text.as_bytes(),
            })
            .collect();
        sort(&files)
            .into_iter()
            .map(|cluster| (cluster.files, cluster.problem))
            .collect()
    }

    #[test]
    fn cluster_access_goes_to_the_cluster_that_its_metadata_names() {
        let files = [
            config("a", "eu-west-1"),
            access("metadata: {name: b}"),
            format!("{}---\n{}", config("b", "eu-west-1"), access("")),
            config("a", "us-east-1"),
            access("metadata: {name: a, region: us-east-1}"),
        ];
        assert_eq!(
            sorted(&files),
            [(vec![0], None), (vec![2, 1], None), (vec![3, 4], None)]
        );
    }

    #[test]
    fn cluster_access_of_no_one_cluster_is_a_problem_of_its_own() {
        let said = |metadata: &str| {
            let files = [
                config("a", "eu-west-1"),
                config("a", "us-east-1"),
                config("b", "us-east-1"),
                access(metadata),
            ];
            let sorted = sorted(&files);
            assert_eq!(sorted.len(), 4, "{sorted:?}");
            assert_eq!(
                sorted[..3]
                    .iter()
                    .filter(|(_, problem)| problem.is_none())
                    .count(),
                3
            );
            sorted[3].1.clone().unwrap_or_default()
        };
        for (metadata, says) in [
            ("", "set `metadata.name`"),
            ("metadata: {region: us-east-1}", "set `metadata.name`"),
            (
                "metadata: {name: c}",
                "no ClusterConfig among the files is of the cluster",
            ),
            ("metadata: {name: b, region: eu-west-1}", "in `eu-west-1`"),
            ("metadata: {name: a}", "set `metadata.region`"),
        ] {
            let said = said(metadata);
            assert!(said.contains(says), "{metadata}: {said}");
        }
        let two = format!(
            "{}---\n{}",
            access("metadata: {name: a}"),
            access("metadata: {name: b}")
        );
        let files = [config("a", "eu-west-1"), config("b", "eu-west-1"), two];
        assert!(sorted(&files)[2].1.as_ref().unwrap().contains("several clusters"));
    }

    /// A file that is no YAML or of another kind hides no other: it is a cluster that cannot be loaded.
    #[test]
    fn file_that_is_no_configuration_is_a_cluster_of_its_own() {
        let files = [
            "metadata:\n  name: [a\n".to_owned(),
            config("a", "eu-west-1"),
            "apiVersion: v1\nkind: ConfigMap\n".to_owned(),
            String::new(),
        ];
        let sorted = sorted(&files);
        assert_eq!(
            sorted,
            [(vec![0], None), (vec![1], None), (vec![2], None), (vec![3], None)]
        );
    }

    #[test]
    fn names_of_files_in_a_folder() {
        let taken = ["prod.yaml", "a.b.yml", "prod.json"];
        let left = [".hidden.yaml", "README.md", "yaml", "prod.yaml.bak", "..data"];
        assert!(taken.into_iter().all(is_named_as_one));
        assert!(!left.into_iter().any(is_named_as_one));
    }
}
