//! Parses a title: separates the name of the song from guests, editions, and versions that are a
//! different recording.

use std::collections::{BTreeSet, HashMap};

use super::fold::fold;

/// A way in which a recording differs from the song as first published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    /// By other artists, or without the singer: covers, tributes, karaoke.
    Cover,
    /// Part of a DJ mix.
    Mixed,
    Live,
    Remix,
    Acoustic,
    Instrumental,
    Demo,
    Speed,
    ReRecorded,
    /// Any other version, such as a reprise or a Spanish version.
    Other,
}

use Version::{Acoustic, Cover, Demo, Instrumental, Live, Mixed, Other, ReRecorded, Remix, Speed};

/// Folded phrases that indicate a version. They are matched as whole words.
const VERSIONS: &[(&str, Version)] = &[
    ("karaoke", Cover),
    ("tribute", Cover),
    ("cover", Cover),
    ("covers", Cover),
    ("covered", Cover),
    ("originally performed", Cover),
    ("in the style of", Cover),
    ("made famous", Cover),
    ("made popular", Cover),
    ("sing along", Cover),
    ("singalong", Cover),
    ("backing track", Cover),
    ("lullaby", Cover),
    ("8 bit", Cover),
    ("ringtone", Cover),
    ("workout", Cover),
    ("mixed", Mixed),
    ("dj mix", Mixed),
    ("continuous mix", Mixed),
    ("live", Live),
    ("unplugged", Live),
    ("concert", Live),
    ("session", Live),
    ("sessions", Live),
    ("en vivo", Live),
    ("ao vivo", Live),
    ("remix", Remix),
    ("remixed", Remix),
    ("mix", Remix),
    ("rmx", Remix),
    ("rework", Remix),
    ("refix", Remix),
    ("bootleg", Remix),
    ("mashup", Remix),
    ("edit", Remix),
    ("dub", Remix),
    ("vip", Remix),
    ("flip", Remix),
    ("extended", Remix),
    ("club", Remix),
    ("acoustic", Acoustic),
    ("stripped", Acoustic),
    ("piano", Acoustic),
    ("orchestral", Acoustic),
    ("string quartet", Acoustic),
    ("instrumental", Instrumental),
    ("acapella", Instrumental),
    ("a cappella", Instrumental),
    ("demo", Demo),
    ("rehearsal", Demo),
    ("outtake", Demo),
    ("alternate", Demo),
    ("alternative", Demo),
    ("take", Demo),
    ("sped up", Speed),
    ("speed up", Speed),
    ("slowed", Speed),
    ("nightcore", Speed),
    ("8d", Speed),
    ("taylors version", ReRecorded),
    ("rerecorded", ReRecorded),
    ("re recorded", ReRecorded),
    ("new recording", ReRecorded),
    ("version", Other),
    ("reprise", Other),
    ("medley", Other),
    ("interlude", Other),
    ("commentary", Other),
    ("skit", Other),
    ("mashed", Other),
];

/// Folded phrases that indicate another edition of the same recording. They are removed before
/// versions are looked for.
const EDITIONS: &[&str] = &[
    "remastered",
    "remaster",
    "original mix",
    "original version",
    "album version",
    "album mix",
    "album edit",
    "single version",
    "single edit",
    "single mix",
    "radio edit",
    "radio version",
    "radio mix",
    "video edit",
    "video version",
    "main version",
    "lp version",
    "explicit version",
    "clean version",
    "explicit",
    "clean",
    "mono version",
    "stereo version",
    "mono",
    "stereo",
    "deluxe",
    "bonus track",
    "anniversary",
    "edition",
    "soundtrack",
    "remasterizado",
];

/// The beginnings of groups that name the film or play that a recording is from.
const SOURCES: &[&str] = &["from ", "theme from ", "music from ", "aus "];

/// The beginnings of groups that name guests.
const GUESTS: &[&str] = &["feat ", "ft ", "featuring ", "with "];

/// A title, split into its parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Title {
    /// The title in its original spelling, without groups that name guests, editions or versions.
    pub(crate) text: String,
    /// The folded words of `text`.
    pub(crate) words: String,
    /// The folded words of `text` without unknown groups; `None` if there are no unknown groups.
    pub(crate) core: Option<String>,
    /// Only the name, in its original spelling, without any of the groups that follow it.
    name: String,
    /// The first unknown group after the name.
    aside: Option<String>,
    /// The guests, in their original spelling.
    pub(crate) guests: Vec<String>,
    /// The folded name of the film or play that the recording is from.
    pub(crate) source: String,
    pub(crate) versions: BTreeSet<Version>,
    /// The folded words of the groups that name versions, such as who remixed it or where it was
    /// recorded live.
    pub(crate) version_words: String,
}

impl Title {
    pub(crate) fn parse(title: &str) -> Self {
        let (mut parsed, mut kept, mut core) = (Self::default(), Vec::new(), Vec::new());
        let mut name = Vec::new();
        let (title, guest) = split_guest(title);
        parsed.guests.extend(guest);
        for (at, group) in groups(title).into_iter().enumerate() {
            let folded = fold(group.text);
            if group.is_plain && (at == 0 || kept.is_empty()) {
                kept.push(group.text);
                core.push(group.text);
                name.push(group.text);
            } else if let Some(guest) = guest_of(group.text, &folded) {
                parsed.guests.push(guest);
            } else if let Some(versions) = Version::all_of(&folded) {
                parsed.version_words.push_str(&folded);
                parsed.version_words.push(' ');
                parsed.versions.extend(versions);
            } else if let Some(source) = source_of(&folded) {
                parsed.source.push_str(source);
            } else if !is_edition(&folded) {
                kept.push(group.text);
                // Text in brackets before the name is part of the name.
                let is_name = group.is_plain || core.is_empty();
                if group.is_plain {
                    core.push(group.text);
                }
                if is_name {
                    name.push(group.text);
                } else {
                    parsed.aside.get_or_insert_with(|| group.text.to_owned());
                }
            }
        }
        let joined = |parts: &[&str]| fold(&parts.join(" "));
        // If a title consists only of such groups, such as `(Live)`, it is itself the name.
        if joined(&kept).is_empty() {
            let (text, name) = (title.to_owned(), title.to_owned());
            return Self { text, words: fold(title), name, ..Self::default() };
        }
        parsed.text = kept.join(" ");
        parsed.name = name.join(" ");
        parsed.words = joined(&kept);
        parsed.core = (core.len() < kept.len() && !core.is_empty()).then(|| joined(&core));
        parsed.version_words = parsed.version_words.trim_end().to_owned();
        parsed
    }

    /// Returns the name in a form that shows its meaning. If a name in another script is followed
    /// by a group in Latin letters, returns that group, because tables write translations and
    /// transliterations in this way.
    #[cfg_attr(not(feature = "catalog"), allow(dead_code, reason = "only describing asks for it"))]
    pub(crate) fn meaning(self) -> String {
        match self.aside {
            Some(aside) if has_latin(&aside) && !has_latin(&self.name) => aside,
            _ => self.name,
        }
    }
}

fn has_latin(text: &str) -> bool {
    let is_latin =
        |c| matches!(c, 'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}');
    text.contains(is_latin)
}

impl Version {
    /// Returns the versions that a folded group names; `None` if it names none.
    fn all_of(folded: &str) -> Option<BTreeSet<Self>> {
        let versions = Self::met_in(folded);
        (!versions.is_empty()).then_some(versions)
    }

    /// Returns the versions named in a folded text.
    pub(crate) fn met_in(folded: &str) -> BTreeSet<Self> {
        let mut rest = format!(" {folded} ");
        for edition in EDITIONS {
            rest = rest.replace(&format!(" {edition} "), " ");
        }
        let met = |phrase: &str| rest.contains(&format!(" {phrase} "));
        let found = VERSIONS.iter().filter(|(phrase, _)| met(phrase));
        let mut versions: BTreeSet<Self> = found.map(|&(_, version)| version).collect();
        // `Acoustic Version` is only acoustic, but `Spanish Version` is `Other`.
        if versions.len() > 1 {
            versions.remove(&Other);
        }
        versions
    }

    /// Returns a search word that helps to find this version.
    #[cfg(feature = "enrich")]
    pub(crate) fn search_word(self) -> Option<&'static str> {
        match self {
            Live => Some("live"),
            Acoustic => Some("acoustic"),
            Instrumental => Some("instrumental"),
            Demo => Some("demo"),
            Cover | Mixed | Remix | Speed | ReRecorded | Other => None,
        }
    }
}

fn is_edition(folded: &str) -> bool {
    let spaced = format!(" {folded} ");
    EDITIONS
        .iter()
        .any(|edition| spaced.contains(&format!(" {edition} ")))
        // The group is just a year.
        || (folded.len() == 4 && folded.bytes().all(|byte| byte.is_ascii_digit()))
}

fn source_of(folded: &str) -> Option<&str> {
    SOURCES.iter().find_map(|mark| folded.strip_prefix(mark))
}

/// A piece of a title.
struct Group<'a> {
    text: &'a str,
    /// Whether the text is neither in brackets nor after a dash.
    is_plain: bool,
}

/// Splits a title into pieces: the text outside brackets, within each pair of brackets, and after
/// each ` - `.
fn groups(title: &str) -> Vec<Group<'_>> {
    let closings = closings(title);
    let mut groups = Vec::new();
    let mut start = 0;
    let mut is_plain = true;
    for (at, c) in title.char_indices() {
        if at < start {
            continue;
        }
        let inner = at + c.len_utf8();
        let is_dash = matches!(c, '-' | '–' | '—')
            && title[start..at].ends_with(' ')
            && title[inner..].starts_with(' ');
        if !is_dash && !matches!(c, '(' | '[') {
            continue;
        }
        push(&mut groups, &title[start..at], is_plain);
        start = inner;
        match closings.get(&at) {
            Some(&end) => {
                push(&mut groups, &title[inner..end], false);
                start = end + 1;
            }
            // After a dash, or a bracket that is never closed, no text is part of the plain name.
            None => is_plain = false,
        }
    }
    push(&mut groups, &title[start..], is_plain);
    groups
}

fn push<'a>(groups: &mut Vec<Group<'a>>, text: &'a str, is_plain: bool) {
    let text = text.trim();
    if !text.is_empty() {
        groups.push(Group { text, is_plain });
    }
}

/// Maps the position of each opening bracket, of either kind, to that of its closing bracket.
fn closings(title: &str) -> HashMap<usize, usize> {
    let (mut open, mut closings) = (Vec::new(), HashMap::new());
    for (at, c) in title.char_indices() {
        match c {
            '(' | '[' => open.push(at),
            ')' | ']' => closings.extend(open.pop().map(|start| (start, at))),
            _ => {}
        }
    }
    closings
}

/// Splits a title from a guest who is named without brackets: `Song feat. Somebody`.
fn split_guest(title: &str) -> (&str, Option<String>) {
    // Only ASCII letters change case, so byte positions stay the same.
    let lower = title.to_ascii_lowercase();
    for mark in [" feat. ", " feat ", " ft. ", " featuring "] {
        if let Some(at) = lower.find(mark) {
            let guest = &title[at + mark.len()..];
            let is_in_brackets =
                title[..at].matches(['(', '[']).count() > title[..at].matches([')', ']']).count();
            // No other group may follow the guest, such as ` - Radio Edit` or ` (Remix)`.
            if !is_in_brackets && !guest.contains(['(', '[']) && !guest.contains(" - ") {
                return (&title[..at], Some(guest.to_owned()));
            }
        }
    }
    (title, None)
}

fn guest_of(text: &str, folded: &str) -> Option<String> {
    GUESTS.iter().any(|mark| folded.starts_with(mark)).then(|| {
        let name = text.split_once(char::is_whitespace);
        name.map_or("", |(_, name)| name).trim().to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(title: &str) -> (String, Vec<Version>) {
        let parsed = Title::parse(title);
        (parsed.words, parsed.versions.into_iter().collect())
    }

    #[test]
    fn editions_and_guests_are_not_part_of_the_name() {
        for title in [
            "Hotel California",
            "Hotel California - 2013 Remaster",
            "Hotel California (Remastered 2013)",
            "Hotel California [2013 - Remaster]",
            "Hotel California (Radio Edit)",
            "Hotel California - Single Version",
            "Hotel California (feat. Somebody)",
            "Hotel California [Feat. Somebody & Else]",
            "Hotel California feat. Somebody",
            "Hotel California (with Somebody)",
            "Hotel California (From \"A Film\")",
            "Hotel California (1976)",
            "Hotel California (Deluxe Edition) [Explicit]",
        ] {
            assert_eq!(parsed(title), ("hotel california".to_owned(), vec![]), "{title}");
        }
        let guests = |title| Title::parse(title).guests;
        assert_eq!(guests("Song (feat. Ana & Ben)"), ["Ana & Ben"]);
        assert_eq!(guests("Song ft. Ana"), ["Ana"]);
        assert_eq!(guests("Song (Remix) [with Ana]"), ["Ana"]);
    }

    #[test]
    fn versions_are_told_from_the_name() {
        for (title, words, versions) in [
            ("Song (Live)", "song", &[Live][..]),
            ("Song - Live at Wembley / 2011 Remaster", "song", &[Live]),
            ("Song (Tiësto Remix)", "song", &[Remix]),
            ("Song (Original Mix)", "song", &[]),
            ("Song (Extended Mix)", "song", &[Remix]),
            ("Song (Acoustic Version)", "song", &[Acoustic]),
            ("Song (Spanish Version)", "song", &[Other]),
            ("Song (Karaoke Version)", "song", &[Cover]),
            ("Song (Originally Performed by Ana)", "song", &[Cover]),
            ("Song (Mixed)", "song", &[Mixed]),
            ("Song (Sped Up)", "song", &[Speed]),
            ("Song (Taylor's Version)", "song", &[ReRecorded]),
            ("Song (Taylor’s Version) [From The Vault]", "song", &[ReRecorded]),
            ("Song - Demo", "song", &[Demo]),
            // In these titles, such words are part of the song's name.
            ("Live and Let Die", "live and let die", &[]),
            ("Live Forever", "live forever", &[]),
            ("Cover Me Up", "cover me up", &[]),
            ("Ignition (Remix)", "ignition", &[Remix]),
            ("(Live)", "live", &[]),
            ("(I Can't Get No) Satisfaction", "i cant get no satisfaction", &[]),
            ("Song (", "song", &[]),
            ("Song ((Live) Remix", "song", &[Live, Remix]),
            ("Song [Live", "song", &[Live]),
            ("))((", "))", &[]),
            ("", "", &[]),
            (" - ", "-", &[]),
        ] {
            let expected = (words.to_owned(), versions.to_vec());
            assert_eq!(parsed(title), expected, "{title}");
        }
    }

    #[test]
    fn a_title_of_nothing_but_brackets_takes_no_longer_than_another() {
        // No time is measured: if each bracket searched for its own end, this would take 10^11
        // steps, and the test would not finish.
        for c in ["(", "[(", "- ", ")", "(a) "] {
            let title = c.repeat(1 << 19);
            assert!(Title::parse(&title).versions.is_empty());
        }
        let nested = "(".repeat(1 << 19) + &")".repeat(1 << 19);
        assert!(Title::parse(&nested).versions.is_empty());
    }

    #[test]
    fn groups_of_which_nothing_is_known_are_part_of_the_name_but_not_of_its_core() {
        let title = Title::parse("Rosanna (Chapter One)");
        assert_eq!(title.words, "rosanna chapter one");
        assert_eq!(title.core.as_deref(), Some("rosanna"));
        assert_eq!(Title::parse("Rosanna").core, None);
        assert_eq!(Title::parse("Song - Part 2").core.as_deref(), Some("song"));
    }
}
