//! Checks that the output in the documentation is what the program prints. `cargo xtask readme`
//! updates it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const BEGIN: &str = "<!-- output: ";
const END: &str = "<!-- /output -->";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn pages() -> Vec<PathBuf> {
    let docs = fs::read_dir(repository().join("docs")).unwrap();
    let mut pages: Vec<_> = docs.map(|entry| entry.unwrap().path()).collect();
    pages.retain(|page| page.extension().is_some_and(|extension| extension == "md"));
    pages.push(repository().join("README.md"));
    pages.sort();
    pages
}

/// Splits a command line into arguments like a shell, with single quotes, double quotes or none.
fn arguments(line: &str) -> Vec<String> {
    let mut arguments = vec![];
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (Some(open), _) if c == open => quote = None,
            (None, _) if c.is_whitespace() => arguments.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    arguments.extend(word);
    arguments
}

fn output(command: &str, cache: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_pixelplay"))
        .args(arguments(command))
        .current_dir(repository())
        .env("PIXELPLAY_CACHE", cache)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Returns the page with the current output of the commands in its markers.
fn updated(page: &str, cache: &Path, count: &mut usize) -> String {
    let mut found = String::new();
    let mut rest = page;
    while let Some((before, after)) = rest.split_once(BEGIN) {
        let (command, after) = after.split_once(" -->").unwrap();
        let (_, after) = after.split_once(END).unwrap_or_else(|| panic!("{command}: no {END}"));
        let text = output(command, cache);
        let text = text.trim_end();
        found += &format!("{before}{BEGIN}{command} -->\n```text\n{text}\n```\n{END}");
        rest = after;
        *count += 1;
    }
    found + rest
}

#[test]
fn outputs_are_what_the_program_prints() {
    let cache = tempfile::tempdir().unwrap();
    let mut count = 0;
    for path in pages() {
        let page = fs::read_to_string(&path).unwrap();
        let updated = updated(&page, cache.path(), &mut count);
        if std::env::var_os("PIXELPLAY_UPDATE_DOCS").is_some() {
            fs::write(&path, updated).unwrap();
        } else {
            let mut lines = page.lines().zip(updated.lines());
            let differs = lines.find(|(line, updated)| line != updated);
            assert!(page == updated, "{}: {differs:?}: run `cargo xtask readme`", path.display());
        }
    }
    assert!(count >= 2, "README.md shows the output of commands");
}

/// Commands in the documentation are at least valid: their flags exist, and their values parse.
#[test]
fn commands_are_understood() {
    let mut count = 0;
    for path in pages() {
        let page = fs::read_to_string(&path).unwrap();
        let blocks = page.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
        let joined: Vec<String> = blocks.map(|block| block.replace("\\\n", " ")).collect();
        for line in joined.iter().flat_map(|block| block.lines()) {
            let line = line.split(" # ").next().unwrap().trim();
            let Some(command) = line.strip_prefix("pixelplay ") else {
                continue;
            };
            // With --help, clap parses the preceding arguments, and does nothing else.
            let output = Command::new(env!("CARGO_BIN_EXE_pixelplay"))
                .args(
                    arguments(command)
                        .into_iter()
                        .take_while(|word| word != ">" && word != "<" && word != "|"),
                )
                .arg("--help")
                .stdin(Stdio::null())
                .output()
                .unwrap();
            let complaint = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{}: {line}: {complaint}", path.display());
            count += 1;
        }
    }
    assert!(count > 20, "{count}");
}

/// Links between pages lead to existing files and headings.
#[test]
fn links_lead_somewhere() {
    let root = repository();
    let others = ["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"];
    let mut pages = pages();
    pages.extend(others.map(|name| root.join(name)));
    let mut count = 0;
    for path in &pages {
        let page = fs::read_to_string(path).unwrap();
        for link in page.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.starts_with("http") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => path.clone(),
                file => path.parent().unwrap().join(file),
            };
            assert!(target.exists(), "{}: {link}", path.display());
            if !anchor.is_empty() {
                let text = fs::read_to_string(&target).unwrap();
                let headings = text.lines().filter(|line| line.starts_with('#')).map(slug);
                assert!(
                    headings.into_iter().any(|slug| slug == anchor),
                    "{}: {link}",
                    path.display()
                );
            }
            count += 1;
        }
    }
    assert!(count > 50, "{count}");
}

/// The anchor that GitHub generates for a heading.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}
