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

    /// The thing that another one was made for, by its whole name: that thing's name, perhaps more words, and a random end. The one
    /// with the longest name, and none where two have the same.
    pub(super) fn maker_of(&self, position: usize, entry: &Entry) -> Option<usize> {
        if self.by_name.is_empty() {
            return None;
        }
        let name = plain(entry.thing.name.as_deref()?);
        let (stem, random) = name.rsplit_once('-')?;
        if random.len() != RANDOM_LENGTH || !random.chars().all(|it| RANDOM.contains(it)) {
            return None;
        }
        let ends = stem.match_indices('-').map(|(end, _)| end);
        let ends = std::iter::once(stem.len()).chain(ends.rev());
        let mut made = ends.filter_map(|end| {
            let makers = self.by_name.get(stem.get(..end)?)?;
            let mut near = makers
                .iter()
                .copied()
                .filter(|it| self.is_near(*it, position, entry));
            Some((near.next()?, near.next().is_none()))
        });
        made.next()
            .filter(|(_, is_the_only_one)| *is_the_only_one)
            .map(|(maker, _)| maker)
    }

    /// Whether both are in one project, as far as they say so: to somebody who sees no other project not every listing does.
    fn is_near(&self, maker: usize, position: usize, entry: &Entry) -> bool {
        let other = self.inventory.entries().get(maker);
        let theirs = other.and_then(|maker| maker.thing.project.as_ref());
        let both = theirs.zip(entry.thing.project.as_ref());
        maker != position && both.is_none_or(|(theirs, own)| theirs == own)
    }
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
