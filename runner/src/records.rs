//! Records of what runs were about to delete: a folder with a file for each run that has not come to its end.
//!
//! A file is written before the first change, and goes when nothing is left to do about what it names. Beside it lies a second one,
//! to which a line is added just before the cloud is asked to delete one of those because of whom something else was to go. Nobody
//! writes into another run's files, so two runs side by side, or one that is killed at any moment, lose nothing.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::name::OriginFilter;
use crate::plan::{Place, Remnant};
use crate::resource::ThingRef;
use crate::run::Memory;

/// Version of the file's form.
const VERSION: u32 = 2;

/// What the second file is called behind the run's id.
const ASKED: &str = "asked";

/// What one run was about to delete, and where.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    version: u32,
    place: Place,
    origin: OriginFilter,
    remnants: Vec<Remnant>,
}

/// A folder of records, as one run sees it.
#[derive(Debug)]
pub struct Records {
    folder: PathBuf,
    run: String,
    place: Place,
    origin: OriginFilter,
    /// Earlier runs' that this one takes up, with their files.
    recalled: Vec<(PathBuf, Record)>,
    /// Whose deletion is to be marked, and has not been.
    unmarked: Mutex<BTreeSet<ThingRef>>,
}

/// Why a record of an earlier run cannot be taken up.
#[derive(Debug, thiserror::Error)]
#[error("the record {} of an earlier run cannot be read: {why}", path.display())]
pub struct RecordError {
    path: PathBuf,
    why: String,
}

impl Records {
    /// Takes up what earlier runs have left on record that looked where this one looks, for tasks of this one. A folder that is
    /// not there holds nothing.
    ///
    /// # Errors
    /// If a record cannot be read: what it holds would be left for ever, and nobody would know.
    pub fn open(
        folder: PathBuf,
        run: &str,
        place: Place,
        origin: OriginFilter,
    ) -> Result<Self, RecordError> {
        let unreadable = |path: &Path, why: &dyn ToString| RecordError {
            path: path.to_owned(),
            why: why.to_string(),
        };
        let mut recalled = Vec::new();
        for path in files(&folder).map_err(|error| unreadable(&folder, &error))? {
            let record = read(&path).map_err(|why| unreadable(&path, &why))?;
            let is_meant = record.as_ref().is_some_and(|record| {
                place.takes_up(&record.place)
                    && (origin == OriginFilter::All || origin == record.origin)
            });
            recalled.extend(record.filter(|_| is_meant).map(|record| (path, record)));
        }
        Ok(Self {
            folder,
            run: run.to_owned(),
            place,
            origin,
            recalled,
            unmarked: Mutex::default(),
        })
    }

    fn unmarked(&self) -> std::sync::MutexGuard<'_, BTreeSet<ThingRef>> {
        self.unmarked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mark(&self, thing: &ThingRef) -> io::Result<()> {
        let file = self.own_file().with_extension(ASKED);
        let mut file = File::options().append(true).create(true).open(file)?;
        let mut line = serde_json::to_vec(thing)?;
        line.push(b'\n');
        file.write_all(&line)
    }

    fn own_file(&self) -> PathBuf {
        self.folder.join(format!("{}.json", self.run))
    }

    fn write(&self, remnants: &[Remnant]) -> io::Result<()> {
        use std::os::unix::fs::DirBuilderExt as _;
        let record = Record {
            version: VERSION,
            place: self.place.clone(),
            origin: self.origin,
            remnants: remnants.to_vec(),
        };
        let mut folder = fs::DirBuilder::new();
        folder.recursive(true).mode(0o700).create(&self.folder)?;
        // It is there as a whole or not at all, and survives a machine that goes down.
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        serde_json::to_writer(&mut file, &record)?;
        file.flush()?;
        file.as_file().sync_all()?;
        file.persist(self.own_file())?;
        File::open(&self.folder)?.sync_all()
    }
}

impl Memory for Records {
    fn recall(&self) -> Vec<Remnant> {
        let records = self.recalled.iter();
        records
            .flat_map(|(_, record)| record.remnants.iter().cloned())
            .collect()
    }

    fn keep(&self, remnants: &[Remnant]) -> Result<(), String> {
        if remnants.is_empty() {
            return Ok(());
        }
        self.write(remnants).map_err(|error| {
            let folder = self.folder.display();
            format!("what is about to be deleted cannot be put on record in {folder}: {error}")
        })?;
        let owners = remnants.iter().flat_map(|it| it.owners.iter().cloned());
        self.unmarked().extend(owners);
        Ok(())
    }

    fn note_asked(&self, thing: &ThingRef) {
        if !self.unmarked().remove(thing) {
            return;
        }
        if let Err(error) = self.mark(thing) {
            let folder = self.folder.display();
            tracing::warn!(
                "{thing} is not marked in {folder}, so what goes after it may be left if this run is cut short: {error}"
            );
        }
    }

    fn forget(&self, is_settled: &dyn Fn(&Remnant) -> bool) -> Result<(), String> {
        let own_file = self.own_file();
        let own = read(&own_file).ok().flatten();
        let own = own.as_ref().map(|record| (&own_file, record));
        let earlier = self.recalled.iter().map(|(path, record)| (path, record));
        for (path, record) in own.into_iter().chain(earlier) {
            if !record.remnants.iter().all(is_settled) {
                continue;
            }
            // Without the first file the second means nothing.
            let removed = remove(path).and_then(|()| remove(&path.with_extension(ASKED)));
            if let Err(error) = removed {
                return Err(format!(
                    "the record {} cannot be removed: {error}",
                    path.display()
                ));
            }
        }
        Ok(())
    }
}

/// The records of a folder, in order.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let paths: io::Result<Vec<PathBuf>> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths?;
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    });
    paths.sort();
    Ok(paths)
}

/// Reads a record. `None`: another run has removed it meanwhile.
fn read(path: &Path) -> Result<Option<Record>, String> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(|error| error.to_string())?,
    };
    let Versioned { version } = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    if version != VERSION {
        return Err(format!(
            "it has version {version}, and this runner knows version {VERSION}"
        ));
    }
    let mut record: Record = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let asked = asked(&path.with_extension(ASKED)).map_err(|error| error.to_string())?;
    let asked = Arc::new(asked);
    for remnant in &mut record.remnants {
        remnant.asked = asked.clone();
    }
    Ok(Some(record))
}

/// What the cloud was asked to delete. A line that was cut short by the run's end says nothing.
fn asked(path: &Path) -> io::Result<BTreeSet<ThingRef>> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        text => text?,
    };
    let lines = text.lines();
    Ok(lines
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
