//! Records of what runs were about to delete: a folder with a file for each run that has not come to its end.
//!
//! A file is written before the first change; what is settled is dropped from it, and with the last of that the file goes. Beside it
//! lies a second one, to which a line is added just before the cloud is asked to delete one of those because of whom something else
//! was to go, and another one when it refuses. A file is replaced as a whole, and only by one with less in it, so two runs side by
//! side, or one that is killed at any moment, lose nothing.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::name::OriginFilter;
use crate::plan::{Place, Remnant, SweepScope};
use crate::resource::ThingRef;
use crate::run::Memory;

/// Version of the file's form. The one before knew no negative filter, and the one before that no refusals.
const VERSION: u32 = 4;
const OLDEST_VERSION: u32 = 2;

/// What the second file is called behind the run's id.
const ASKED: &str = "asked";

/// What one run was about to delete, and where.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    version: u32,
    place: Place,
    origin: OriginFilter,
    /// Whether the filter was negative.
    #[serde(default)]
    unmatched: bool,
    remnants: Vec<Remnant>,
}

impl Record {
    /// Whether a run may take up what another one has left. Of a negative filter only the very same one may: what another would spare
    /// can no longer be told, once its owner has gone.
    fn is_for(&self, place: &Place, scope: &SweepScope) -> bool {
        let is_of_family = scope.origin == OriginFilter::All || scope.origin == self.origin;
        let is_same_filter = self.unmatched == scope.unmatched
            && (!self.unmatched
                || (scope.origin == self.origin && has_same_tasks(place, &self.place)));
        place.takes_up(&self.place) && is_of_family && is_same_filter
    }
}

fn has_same_tasks(one: &Place, other: &Place) -> bool {
    let tasks = |place: &Place| -> BTreeSet<String> { place.tasks.iter().cloned().collect() };
    tasks(one) == tasks(other)
}

/// A folder of records, as one run sees it.
#[derive(Debug)]
pub struct Records {
    folder: PathBuf,
    run: String,
    place: Place,
    origin: OriginFilter,
    unmatched: bool,
    /// Earlier runs' that this one takes up, with their files.
    recalled: Vec<(PathBuf, Record)>,
    marks: Mutex<Marks>,
}

/// What this run has marked.
#[derive(Debug, Default)]
struct Marks {
    /// Whose deletion is to be marked.
    owners: BTreeSet<ThingRef>,
    /// Of these, whose has not been, or was refused.
    unmarked: BTreeSet<ThingRef>,
    /// Whose deletion was refused since it was marked last, by this run or an earlier one.
    refused: BTreeSet<ThingRef>,
}

/// A line of the second file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Mark {
    Asked(ThingRef),
    Refused { refused: ThingRef },
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
        scope: &SweepScope,
    ) -> Result<Self, RecordError> {
        let unreadable = |path: &Path, why: &dyn ToString| RecordError {
            path: path.to_owned(),
            why: why.to_string(),
        };
        let mut recalled = Vec::new();
        for path in files(&folder).map_err(|error| unreadable(&folder, &error))? {
            let record = read(&path).map_err(|why| unreadable(&path, &why))?;
            let is_meant = record.as_ref();
            let is_meant = is_meant.is_some_and(|record| record.is_for(&place, scope));
            recalled.extend(record.filter(|_| is_meant).map(|record| (path, record)));
        }
        ask_together(&mut recalled);
        Ok(Self {
            folder,
            run: run.to_owned(),
            place,
            origin: scope.origin,
            unmatched: scope.unmatched,
            recalled,
            marks: Mutex::default(),
        })
    }

    fn marks(&self) -> std::sync::MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mark(&self, mark: &Mark) -> io::Result<()> {
        let file = self.own_file().with_extension(ASKED);
        let mut file = File::options().append(true).create(true).open(file)?;
        let mut line = serde_json::to_vec(mark)?;
        line.push(b'\n');
        file.write_all(&line)
    }

    /// Drops from a record what is settled, and with the last of it the record.
    fn drop_settled(
        &self,
        path: &Path,
        record: &Record,
        is_settled: &dyn Fn(&Remnant) -> bool,
    ) -> io::Result<()> {
        let open = record.remnants.iter().filter(|it| !is_settled(it));
        let open: Vec<Remnant> = open.cloned().collect();
        if open.is_empty() {
            // Without the first file the second means nothing.
            return remove(path).and_then(|()| remove(&path.with_extension(ASKED)));
        }
        if open.len() == record.remnants.len() {
            return Ok(());
        }
        self.put(
            path,
            &Record {
                version: VERSION,
                place: record.place.clone(),
                origin: record.origin,
                unmatched: record.unmatched,
                remnants: open,
            },
        )
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
            unmatched: self.unmatched,
            remnants: remnants.to_vec(),
        };
        let mut folder = fs::DirBuilder::new();
        folder.recursive(true).mode(0o700).create(&self.folder)?;
        self.put(&self.own_file(), &record)
    }

    fn put(&self, path: &Path, record: &Record) -> io::Result<()> {
        // It is there as a whole or not at all, and survives a machine that goes down.
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        serde_json::to_writer(&mut file, record)?;
        file.flush()?;
        file.as_file().sync_all()?;
        file.persist(path)?;
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
        let mut marks = self.marks();
        marks.owners = owners.collect();
        marks.unmarked = marks.owners.clone();
        Ok(())
    }

    fn note_asked(&self, thing: &ThingRef) {
        let is_new = {
            let mut marks = self.marks();
            marks.refused.remove(thing);
            marks.unmarked.remove(thing)
        };
        if !is_new {
            return;
        }
        if let Err(error) = self.mark(&Mark::Asked(thing.clone())) {
            let folder = self.folder.display();
            tracing::warn!(
                "{thing} is not marked in {folder}, so what goes after it may be left if this run is cut short: {error}"
            );
        }
    }

    fn note_refused(&self, thing: &ThingRef) {
        let mark = Mark::Refused {
            refused: thing.clone(),
        };
        let is_marked = {
            let mut marks = self.marks();
            marks.refused.insert(thing.clone());
            marks.owners.contains(thing) && marks.unmarked.insert(thing.clone())
        };
        if is_marked && let Err(error) = self.mark(&mark) {
            let folder = self.folder.display();
            tracing::warn!(
                "that {thing} was refused is not marked in {folder}, so a later run may take what hung on it for what is left of this one: {error}"
            );
        }
    }

    fn forget(&self, is_settled: &dyn Fn(&Remnant) -> bool) -> Result<(), String> {
        let own_file = self.own_file();
        let own = read(&own_file).ok().flatten();
        let own = own.as_ref().map(|record| (&own_file, record));
        let earlier = self.recalled.iter().map(|(path, record)| (path, record));
        let refused = self.marks().refused.clone();
        // What this run was refused is no more under way because an earlier one had asked for it.
        let is_settled = |remnant: &Remnant| {
            let asked = remnant.asked.difference(&refused).cloned().collect();
            is_settled(&Remnant {
                asked: Arc::new(asked),
                ..remnant.clone()
            })
        };
        for (path, record) in own.into_iter().chain(earlier) {
            let dropped = self.drop_settled(path, record, &is_settled);
            dropped.map_err(|error| {
                let path = path.display();
                format!("the record {path} cannot be brought up to date: {error}")
            })?;
        }
        Ok(())
    }
}

/// What any of the earlier runs has asked for was asked for: the next one takes up where the last has left off.
fn ask_together(recalled: &mut [(PathBuf, Record)]) {
    let remnants = || recalled.iter().flat_map(|(_, record)| &record.remnants);
    let asked: BTreeSet<ThingRef> = remnants()
        .flat_map(|remnant| remnant.asked.iter().cloned())
        .collect();
    let asked = Arc::new(asked);
    for (_, record) in recalled {
        for remnant in &mut record.remnants {
            remnant.asked = asked.clone();
        }
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
    if !(OLDEST_VERSION..=VERSION).contains(&version) {
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

/// What the cloud was asked to delete and has not refused. A line that was cut short by the run's end says nothing.
fn asked(path: &Path) -> io::Result<BTreeSet<ThingRef>> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        text => text?,
    };
    let mut asked = BTreeSet::new();
    for mark in text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
    {
        match mark {
            Mark::Asked(thing) => asked.insert(thing),
            Mark::Refused { refused } => asked.remove(&refused),
        };
    }
    Ok(asked)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
