//! Lists in which one thing may stand twice: between two pages it may have gone on.
//!
//! Owns that each is kept once, at its first place, in time that grows with the list alone: a list can be 64 MiB.

use std::collections::HashMap;
use std::hash::Hash;

/// The items of a list, each once. Of two with one id the first is kept, unless the other `replaces` it.
pub(super) fn each_once<T, K: Eq + Hash>(
    items: impl IntoIterator<Item = T>,
    id: impl Fn(&T) -> K,
    replaces: impl Fn(&T, &T) -> bool,
) -> Vec<T> {
    let mut kept: Vec<T> = Vec::new();
    let mut places: HashMap<K, usize> = HashMap::new();
    for item in items {
        match places.get(&id(&item)) {
            None => {
                places.insert(id(&item), kept.len());
                kept.push(item);
            }
            Some(&at) if replaces(&item, &kept[at]) => kept[at] = item,
            Some(_) => {}
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_stays_in_its_place_unless_another_replaces_it() {
        let kept = each_once([("a", 1), ("b", 2), ("a", 3), ("b", 1)], |one| one.0, |new, old| new.1 > old.1);
        assert_eq!(kept, [("a", 3), ("b", 2)]);
    }
}
