//! Where a world is kept: in memory, or in one file that several processes may share.
//!
//! Every operation is one transaction: lock, load, run, save. A write is in the file before its call returns, so a
//! process that dies between two writes keeps the first. The file is replaced whole (written beside, then renamed),
//! so nobody ever reads half a world. It is not flushed to the disk's platters: a sandbox survives the death of a
//! process, not a power cut.

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use fs_err as fs;

use super::state::{Seed, WORLD_VERSION, World, partition_of};

/// Why a sandbox file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// Reading, writing or locking failed; the text names the file.
    #[error("the sandbox file cannot be used: {0}")]
    File(#[from] std::io::Error),
    /// The file does not hold a world.
    #[error(
        "the sandbox file {} does not hold a sandbox: {reason}; delete it to start afresh, or name another file",
        path.display()
    )]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column where JSON is.
        reason: String,
    },
    /// The file was written by another version of eksact.
    #[error(
        "the sandbox file {} has format version {found}, and this eksact reads version {WORLD_VERSION}; {}delete it to \
         start afresh, or name another file",
        path.display(),
        if *found > u64::from(WORLD_VERSION) { "update eksact, or " } else { "" }
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// A stack cannot be put into the world.
    #[error("stack {stack} cannot be imported into the sandbox: {reason}")]
    Import {
        /// Name of the stack.
        stack: String,
        /// Why.
        reason: String,
    },
    /// An account lives in one partition.
    #[error(
        "the sandbox file {} holds an account of partition {found}, and region {region} belongs to {wanted}; name \
         another file",
        path.display()
    )]
    Partition {
        /// The file.
        path: PathBuf,
        /// Partition of the file's account.
        found: String,
        /// Region that was asked for.
        region: String,
        /// Its partition.
        wanted: &'static str,
    },
}

/// Whether a transaction changed the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Changed {
    Yes,
    No,
}

/// A place where a world is kept.
#[derive(Debug)]
pub(super) enum Store {
    Memory(Mutex<World>),
    File(FileStore),
}

impl Store {
    /// Runs one operation on the world, alone, and keeps what it changed.
    pub(super) fn transact<T>(
        &self,
        run: impl FnOnce(&mut World) -> (T, Changed),
    ) -> Result<T, SandboxError> {
        transact(self.begin()?, run)
    }

    /// Begins one operation on the world: nobody else is at it until it is over.
    pub(super) fn begin(&self) -> Result<Transaction<'_>, SandboxError> {
        Ok(match self {
            Self::Memory(world) => Transaction::Memory(world.lock().unwrap_or_else(PoisonError::into_inner)),
            Self::File(file) => file.begin(None)?,
        })
    }
}

/// Runs an operation that has begun, to its end.
fn transact<T>(
    mut transaction: Transaction<'_>,
    run: impl FnOnce(&mut World) -> (T, Changed),
) -> Result<T, SandboxError> {
    let (answer, changed) = run(transaction.world());
    transaction.end(changed)?;
    Ok(answer)
}

/// One operation on a world.
pub(super) enum Transaction<'s> {
    Memory(MutexGuard<'s, World>),
    File(&'s FileStore, Box<Begun<'s>>),
}

impl Transaction<'_> {
    /// The world, as the operation finds and leaves it.
    pub(super) fn world(&mut self) -> &mut World {
        match self {
            Self::Memory(world) => world,
            Self::File(_, begun) => &mut begun.world,
        }
    }

    /// Ends it, and keeps what it changed.
    pub(super) fn end(self, changed: Changed) -> Result<(), SandboxError> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::File(file, begun) => file.end(*begun, changed),
        }
    }
}

/// A world in a file, with a lock file beside it.
#[derive(Debug)]
pub(super) struct FileStore {
    path: PathBuf,
    added_cluster: bool,
    cached: Mutex<Option<(Stamp, World)>>,
}

/// Tells whether the file is still the one that was read. The generation counts the writes of every process; time and
/// length catch an edit by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    generation: u64,
    modified: Option<SystemTime>,
    length: u64,
}

/// A transaction between its reading and its writing. A file lock keeps other processes out; the mutex keeps this process's
/// own threads apart.
pub(super) struct Begun<'s> {
    cached: MutexGuard<'s, Option<(Stamp, World)>>,
    lock: Lock,
    world: World,
    is_new: bool,
}

impl FileStore {
    /// Opens the file, creates it from `seed` when it is absent, and makes sure that the seed's cluster is in it.
    pub(super) fn open(path: &Path, seed: &Seed) -> Result<Self, SandboxError> {
        let mut store = Self {
            path: path.to_owned(),
            cached: Mutex::new(None),
            added_cluster: false,
        };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder)?;
        }
        let (partition, added) = transact(store.begin(Some(seed))?, |world| {
            let clusters = world.clusters.len();
            if world.partition == partition_of(&seed.region) {
                world.add_cluster(&seed.cluster, &seed.region);
            }
            let added = world.clusters.len() > clusters;
            let changed = if added { Changed::Yes } else { Changed::No };
            ((world.partition.clone(), added), changed)
        })?;
        store.added_cluster = added;
        let wanted = partition_of(&seed.region);
        if partition != wanted {
            let region = seed.region.clone();
            return Err(SandboxError::Partition {
                path: path.to_owned(),
                found: partition,
                region,
                wanted,
            });
        }
        Ok(store)
    }

    /// The world in a file, which is neither made nor changed. It is replaced whole, so that no lock is needed to read it.
    pub(super) fn peek(path: &Path) -> Result<Option<World>, SandboxError> {
        let store = Self {
            path: path.to_owned(),
            cached: Mutex::new(None),
            added_cluster: false,
        };
        match store.stamp(0)? {
            None => Ok(None),
            Some(_) => store.load(None).map(|(world, _)| Some(world)),
        }
    }

    /// Whether the file had other clusters and not the seed's, which was added.
    pub(super) fn added_cluster(&self) -> bool {
        self.added_cluster
    }

    fn begin(&self, seed: Option<&Seed>) -> Result<Transaction<'_>, SandboxError> {
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        let lock = Lock::take(&self.path)?;
        let (world, is_new) = match cached.take() {
            Some((stamp, world)) if self.stamp(lock.generation)? == Some(stamp.clone()) => (world, false),
            _ => self.load(seed)?,
        };
        let begun = Begun {
            cached,
            lock,
            world,
            is_new,
        };
        Ok(Transaction::File(self, Box::new(begun)))
    }

    fn end(&self, begun: Begun<'_>, changed: Changed) -> Result<(), SandboxError> {
        let Begun {
            mut cached,
            mut lock,
            world,
            is_new,
        } = begun;
        if is_new || changed == Changed::Yes {
            self.save(&world)?;
            lock.count_write()?;
        }
        *cached = self.stamp(lock.generation)?.map(|stamp| (stamp, world));
        Ok(())
    }

    fn stamp(&self, generation: u64) -> Result<Option<Stamp>, SandboxError> {
        match fs::metadata(&self.path) {
            Ok(metadata) => Ok(Some(Stamp {
                generation,
                modified: metadata.modified().ok(),
                length: metadata.len(),
            })),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn load(&self, seed: Option<&Seed>) -> Result<(World, bool), SandboxError> {
        let broken = |reason: String| SandboxError::Broken {
            path: self.path.clone(),
            reason,
        };
        let text = match fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return match seed {
                    Some(seed) => Ok((
                        World {
                            any_policy: true,
                            any_principal: true,
                            ..World::seeded(seed).with_permission_set(&seed.region)
                        },
                        true,
                    )),
                    None => Err(broken("it was deleted while it was in use".to_owned())),
                };
            }
            Err(error) => return Err(error.into()),
        };
        let header: Header = serde_json::from_slice(&text).map_err(|error| broken(error.to_string()))?;
        if header.version != u64::from(WORLD_VERSION) {
            return Err(SandboxError::Version {
                path: self.path.clone(),
                found: header.version,
            });
        }
        let mut world: World = serde_json::from_slice(&text).map_err(|error| broken(error.to_string()))?;
        world.complete();
        Ok((world, false))
    }

    fn save(&self, world: &World) -> Result<(), SandboxError> {
        self.replace(world).map_err(|error| {
            // Its text names a file that is gone again, if any.
            let text = format!("{} could not be written: {error}", self.path.display());
            SandboxError::File(std::io::Error::new(error.kind(), text))
        })
    }

    fn replace(&self, world: &World) -> std::io::Result<()> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        // Made with mode 0600, and stays so when it takes the place of the old file.
        let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
        {
            let mut writer = std::io::BufWriter::new(file.as_file_mut());
            serde_json::to_writer(&mut writer, world).map_err(std::io::Error::from)?;
            writer.write_all(b"\n")?;
            writer.flush()?;
        }
        file.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }
}

/// What every version of the format has.
#[derive(serde::Deserialize)]
struct Header {
    version: u64,
}

/// The lock file, locked until dropped. Its content is the number of writes so far.
struct Lock {
    file: fs::File,
    generation: u64,
}

impl Lock {
    fn take(path: &Path) -> Result<Self, SandboxError> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".lock");
        let mut options = fs::OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        {
            use fs_err::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let mut file = options.open(path.with_file_name(name))?;
        file.lock()?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        Ok(Self {
            file,
            generation: text.trim().parse().unwrap_or(0),
        })
    }

    fn count_write(&mut self) -> Result<(), SandboxError> {
        self.generation += 1;
        self.file.seek(SeekFrom::Start(0))?;
        writeln!(self.file, "{}", self.generation)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed() -> Seed {
        Seed {
            cluster: "prod".to_owned(),
            region: "eu-central-1".to_owned(),
            account: None,
        }
    }

    fn read<T>(store: &FileStore, look: impl FnOnce(&World) -> T) -> T {
        transact(store.begin(None).unwrap(), |world| (look(world), Changed::No)).unwrap()
    }

    #[test]
    fn stores_on_one_file_see_each_others_writes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/sandbox.json");
        let (one, other) = (
            FileStore::open(&path, &seed()).unwrap(),
            FileStore::open(&path, &seed()).unwrap(),
        );
        for round in 0..20 {
            transact(one.begin(None).unwrap(), |world| {
                world.counter += 1;
                ((), Changed::Yes)
            })
            .unwrap();
            transact(other.begin(None).unwrap(), |world| {
                world.counter += 1;
                ((), Changed::Yes)
            })
            .unwrap();
            assert_eq!(read(&one, |world| world.counter), (round + 1) * 2);
        }
    }

    #[test]
    fn edit_by_hand_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sandbox.json");
        let store = FileStore::open(&path, &seed()).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("111122223333", "1111222233334")).unwrap();
        assert_eq!(read(&store, |world| world.account.clone()), "1111222233334");
    }

    #[test]
    fn another_cluster_of_the_same_account_is_added() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sandbox.json");
        FileStore::open(&path, &seed()).unwrap();
        let second = Seed {
            cluster: "test".to_owned(),
            region: "us-west-2".to_owned(),
            account: None,
        };
        let store = FileStore::open(&path, &second).unwrap();
        assert_eq!(read(&store, |world| world.clusters.len()), 2);
        let china = Seed {
            cluster: "test".to_owned(),
            region: "cn-north-1".to_owned(),
            account: None,
        };
        assert!(matches!(
            FileStore::open(&path, &china),
            Err(SandboxError::Partition { .. })
        ));
    }

    #[test]
    fn broken_file_is_named_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sandbox.json");
        fs::write(&path, "{\"version\": 1,").unwrap();
        let error = FileStore::open(&path, &seed()).unwrap_err().to_string();
        assert!(
            error.contains("sandbox.json does not hold a sandbox: EOF"),
            "{error}"
        );
        assert!(error.contains("delete it to start afresh"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"version\": 1,");
        fs::write(&path, "{\"version\": 7}").unwrap();
        let error = FileStore::open(&path, &seed()).unwrap_err().to_string();
        assert!(error.contains("has format version 7"), "{error}");
    }

    #[test]
    fn file_from_before_access_control_is_brought_up_to_date() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sandbox.json");
        FileStore::open(&path, &seed()).unwrap();
        let whole: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let mut old = whole.clone();
        for cluster in old["clusters"].as_object_mut().unwrap().values_mut() {
            for field in ["config_maps", "rbac_roles", "rbac_bindings", "access_entries"] {
                cluster.as_object_mut().unwrap().remove(field).unwrap();
            }
        }
        fs::write(&path, old.to_string()).unwrap();
        let store = FileStore::open(&path, &seed()).unwrap();
        let read = read(&store, |world| serde_json::to_value(world).unwrap());
        assert_eq!(read, whole);
    }

    #[cfg(unix)]
    #[test]
    fn store_may_be_read_by_the_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sandbox.json");
        FileStore::open(&path, &seed()).unwrap();
        for file in ["sandbox.json", "sandbox.json.lock"] {
            let mode = fs::metadata(folder.path().join(file))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
    }
}
