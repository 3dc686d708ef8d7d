//! Compares the artists of two credits.

use std::collections::BTreeSet;

use super::similarity::similarity;
use crate::recording::artist::{GUESTS, name, names};

/// A credit, split into its parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Artists {
    /// The whole credit, normalised and without spaces.
    whole: String,
    /// The first name.
    first: String,
    /// All names, including the guests in the title.
    all: BTreeSet<String>,
}

impl Artists {
    pub(super) fn parse(credit: &str, guests: &[String]) -> Self {
        let names = names(credit);
        let first = names.first().cloned().unwrap_or_default();
        let guests = guests.iter().flat_map(|guest| crate::recording::artist::names(guest));
        Self { whole: name(credit), first, all: names.into_iter().chain(guests).collect() }
    }

    /// Returns how likely it is that `other`, the credit of a recording, names the same artists: 0
    /// for different artists.
    pub(super) fn likeness(&self, other: &Self) -> f64 {
        if self.whole == other.whole {
            return 1.0;
        }
        if other.all.contains(&self.first) && !self.first.is_empty() {
            let shared = self.all.intersection(&other.all).count() as f64;
            let missing = shared / self.all.len() as f64;
            let more = (other.all.len() as f64 - shared).min(3.0);
            return (0.55 + 0.45 * missing) * (1.0 - 0.04 * more);
        }
        // Allows typing errors, but only in names that are long enough not to be confused with
        // another name.
        let close = similarity(&self.whole, &other.whole);
        if close >= 0.85 && self.whole.chars().count() >= 6 {
            return 0.78;
        }
        0.0
    }

    /// Returns a key that is the same for credits with equivalent spelling.
    pub(super) fn key(&self) -> &str {
        &self.whole
    }
}

/// Returns a credit without its guests, in its original spelling.
pub(super) fn without_guests(credit: &str) -> &str {
    let lower = credit.to_ascii_lowercase();
    let end = GUESTS.iter().filter_map(|mark| lower.find(mark)).min();
    let main = credit[..end.unwrap_or(credit.len())].trim();
    if main.is_empty() { credit.trim() } else { main }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likeness(wanted: &str, found: &str, guests: &[&str]) -> f64 {
        let guests: Vec<String> = guests.iter().map(|&guest| guest.to_owned()).collect();
        Artists::parse(wanted, &[]).likeness(&Artists::parse(found, &guests))
    }

    #[test]
    fn the_same_artists_are_known_however_they_are_credited() {
        for (wanted, found, guests) in [
            ("The Beatles", "Beatles", &[][..]),
            ("Earth, Wind & Fire", "Earth Wind and Fire", &[]),
            ("Simon & Garfunkel", "Simon and Garfunkel", &[]),
            ("AC/DC", "ACDC", &[]),
            ("Tyler, The Creator", "Tyler The Creator", &[]),
            ("Florence + The Machine", "Florence & The Machine", &[]),
            ("Calvin Harris, Rihanna", "Calvin Harris", &["Rihanna"]),
            ("Beyoncé feat. JAY-Z", "Beyonce", &["Jay Z"]),
            ("Jack Ü", "Skrillex", &[]),
        ] {
            let expected = if found == "Skrillex" { 0.0 } else { 1.0 };
            let likeness = likeness(wanted, found, guests);
            assert!((likeness - expected).abs() < 1e-9, "{wanted} {found} {likeness}");
        }
    }

    #[test]
    fn others_are_not_taken_for_them() {
        for (wanted, found) in [
            ("Queen", "Queen Tribute Band"),
            ("Adele", "Karaoke - Adele"),
            ("ABBA", "Björn Again"),
            ("Earth, Wind & Fire", "Fire"),
            ("Nirvana", "Nirvana UK"),
            ("Prince", "Prince Royce"),
            ("Air", "Fair"),
            ("Queen", "Various Artists"),
            ("Queen", ""),
            ("Muse", "Moose"),
        ] {
            let likeness = likeness(wanted, found, &[]);
            assert!(likeness < 0.5, "{wanted} {found} {likeness}");
        }
    }

    #[test]
    fn fewer_or_more_names_cost_confidence() {
        assert!(likeness("Queen & David Bowie", "Queen", &[]) < 0.8);
        assert!(likeness("Queen", "Queen & David Bowie", &[]) > 0.9);
        assert!(likeness("Earth, Wind & Fire", "Earth", &[]) < 0.75);
        assert!(likeness("Guns N' Roses", "Guns N' Rosess", &[]) < 0.8);
        assert_eq!(without_guests("Ana feat. Ben & Cy"), "Ana");
        assert_eq!(without_guests("Simon & Garfunkel"), "Simon & Garfunkel");
    }
}
