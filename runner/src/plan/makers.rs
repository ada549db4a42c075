//! What services make for a thing and call after it: Heat's resources after their stack, Magnum's stack after its cluster.

use std::collections::HashMap;

use super::inventory::{Entry, Inventory};

/// How long the random end of such a name is, and of what it is: sixty bits in base32, as Heat and Magnum write it.
const RANDOM_LENGTH: usize = 12;
const RANDOM: &str = "abcdefghijklmnopqrstuvwxyz234567";

/// Magnum takes no more of a cluster's name.
const STEM_LENGTH_MAX: usize = 30;

/// The things of an inventory whose kinds give their names to what is made for them, by those names.
pub(super) struct Makers<'a> {
    inventory: &'a Inventory,
    by_name: HashMap<String, Vec<usize>>,
}

impl<'a> Makers<'a> {
    pub(super) fn of(inventory: &'a Inventory) -> Self {
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        for (position, entry) in inventory.entries().iter().enumerate() {
            let effects = inventory.coverage().effects(&entry.thing.at.kind);
            let gives = effects.is_some_and(|effects| effects.gives_its_name);
            let name = entry.thing.name.as_deref().filter(|_| gives);
            let mut stems = name.map(stems).unwrap_or_default();
            stems.dedup();
            for stem in stems {
                by_name.entry(stem).or_default().push(position);
            }
        }
        Self { inventory, by_name }
    }

    /// The thing that another one was made for, by its whole name.
    pub(super) fn maker_of(&self, position: usize, entry: &Entry) -> Option<usize> {
        let is_meant = self
            .inventory
            .coverage()
            .is_of_projects(&entry.thing.at.kind);
        let name = entry
            .thing
            .name
            .as_deref()
            .filter(|_| is_meant && !self.by_name.is_empty())?;
        let name = plain(name);
        self.with_a_random_end(position, entry, &name)
            .or_else(|| self.of_what_was_made(position, entry, &name))
    }

    /// That thing's name, perhaps more words, and a random end.
    fn with_a_random_end(&self, position: usize, entry: &Entry, name: &str) -> Option<usize> {
        let (stem, random) = name.rsplit_once('-')?;
        let is_random =
            random.len() == RANDOM_LENGTH && random.chars().all(|it| RANDOM.contains(it));
        let ends = std::iter::once(stem.len()).chain(words(stem));
        is_random
            .then(|| self.longest(position, entry, stem, ends))
            .flatten()
    }

    /// The name of something that was made itself, with its random end, and more words: nobody uses that by chance. Magnum counts its
    /// servers so.
    fn of_what_was_made(&self, position: usize, entry: &Entry, name: &str) -> Option<usize> {
        let maker = self.longest(position, entry, name, words(name))?;
        let made = self.inventory.entries().get(maker)?;
        let made_name = plain(made.thing.name.as_deref()?);
        self.with_a_random_end(maker, made, &made_name)
            .map(|_| maker)
    }

    /// The thing in reach with the longest name that `text` begins with up to one of these ends, from the longest on; none where two
    /// have the same.
    fn longest(
        &self,
        position: usize,
        entry: &Entry,
        text: &str,
        ends: impl Iterator<Item = usize>,
    ) -> Option<usize> {
        let mut found = ends.filter_map(|end| {
            let makers = self.by_name.get(text.get(..end)?)?.iter().copied();
            let mut near = makers.filter(|it| self.is_near(*it, position, entry));
            Some((near.next()?, near.next().is_none()))
        });
        let (maker, is_the_only_one) = found.next()?;
        is_the_only_one.then_some(maker)
    }

    /// Whether both are in one project, and not the same. Where one does not say so, only who sees no other project knows it.
    fn is_near(&self, maker: usize, position: usize, entry: &Entry) -> bool {
        let other = self.inventory.entries().get(maker);
        let theirs = other.and_then(|maker| maker.thing.project.as_ref());
        let both = theirs.zip(entry.thing.project.as_ref());
        maker != position
            && both.map_or(self.inventory.is_of_one_project(), |(theirs, own)| {
                theirs == own
            })
    }
}

/// Where the words of a name end before the last one, from the last on.
fn words(name: &str) -> impl Iterator<Item = usize> + use<'_> {
    name.match_indices('-').map(|(end, _)| end).rev()
}

/// What of a maker's name may stand at the beginning of what is made for it.
fn stems(name: &str) -> Vec<String> {
    let short: String = name.chars().take(STEM_LENGTH_MAX).collect();
    vec![plain(name), plain(&short)]
}

/// A name as both services write it where they build another one of it.
fn plain(name: &str) -> String {
    name.to_lowercase().replace(['_', '.'], "-")
}
