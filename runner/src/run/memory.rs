//! What runs that did not come to their end were to delete, and nobody speaks for any more.

use crate::plan::Remnant;
use crate::resource::ThingRef;

/// Remembers nameless things from one run to the next. The command line's is a folder of files, one for each run.
pub trait Memory: Send + Sync {
    /// What earlier runs at this place have left on record.
    fn recall(&self) -> Vec<Remnant>;

    /// Puts on record what is about to be deleted. If that fails, nothing is.
    ///
    /// # Errors
    /// Why it cannot be kept, in words for people.
    fn keep(&self, remnants: &[Remnant]) -> Result<(), String>;

    /// Marks that the cloud is about to be asked to delete a thing. A mark that cannot be made is missed by a later run, which then
    /// leaves what it could have taken up.
    fn note_asked(&self, thing: &ThingRef);

    /// Takes such a mark back: the cloud has refused, or has evidently not done it. Until then it may have.
    fn note_refused(&self, thing: &ThingRef);

    /// Drops from the records, this run's and earlier ones', what is settled.
    ///
    /// # Errors
    /// Why a record cannot be dropped, in words for people.
    fn forget(&self, is_settled: &dyn Fn(&Remnant) -> bool) -> Result<(), String>;
}

/// Remembers nothing.
impl Memory for () {
    fn recall(&self) -> Vec<Remnant> {
        Vec::new()
    }

    fn keep(&self, _remnants: &[Remnant]) -> Result<(), String> {
        Ok(())
    }

    fn note_asked(&self, _thing: &ThingRef) {}

    fn note_refused(&self, _thing: &ThingRef) {}

    fn forget(&self, _is_settled: &dyn Fn(&Remnant) -> bool) -> Result<(), String> {
        Ok(())
    }
}
