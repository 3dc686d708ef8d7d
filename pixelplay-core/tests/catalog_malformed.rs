//! Malformed tables, and the exact outcome for each.
#![cfg(feature = "catalog")]
#![allow(clippy::expect_used, reason = "test helpers")]

use std::fmt::Write as _;
use std::io::Write as _;

use pixelplay_core::Song;
use pixelplay_core::catalog::{CleanOptions, Cleaned, SongTable, Tally};
use pixelplay_core::song::{COLUMNS, Value};

fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(to_bytes).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).expect("writing to memory succeeds");
    out.finish().expect("writing to memory succeeds")
}

/// A table of ten songs with the columns `title,artist` and one more, which has the same cell in
/// all rows.
fn ten(header: &str, cell: &str) -> String {
    (0..10).fold(format!("title,artist,{header}\n"), |table, i| table + &format!("t{i},a,{cell}\n"))
}

/// A table of songs in which the first `filled` of 40 unknown columns are filled.
fn distinct_songs(count: usize, filled: usize) -> String {
    let columns: Vec<_> = (0..40).map(|i| format!("c{i}")).collect();
    let mut table = format!("id,title,artist,{}\n", columns.join(","));
    let cells = [vec!["x"; filled], vec![""; 40 - filled]].concat().join(",");
    for i in 0..count {
        table += &format!("s{i},t{i},a,{cells}\n");
    }
    table
}

/// The outcome for a table on one line: the counts, the lines dropped or changed, and the songs.
fn outcome(cleaned: &Cleaned) -> String {
    let report = &cleaned.report;
    let mut line = format!("{} rows", report.rows_read);
    let mut add = |what: &str, tally: &Tally| {
        if tally.count > 0 {
            let lines: Vec<_> = tally.lines.iter().map(u64::to_string).collect();
            let more = if tally.count > tally.lines.len() as u64 { "+" } else { "" };
            let _ = write!(line, ", {what} @{}{more}", lines.join("+"));
        }
    };
    add("merged", &report.merged);
    add("conflicting", &report.conflicting);
    for (reason, tally) in &report.dropped {
        add(&reason.to_string(), tally);
    }
    for (column, cleared) in &report.cells_cleared {
        add(&format!("{column} unreadable"), &cleared.unreadable);
        add(&format!("{column} out of range"), &cleared.out_of_range);
    }
    for (column, conversions) in &report.converted {
        for (conversion, tally) in conversions {
            add(&format!("{column} {conversion:?}"), tally);
        }
    }
    add("blank", &report.blank_rows);
    add("windows-1252", &report.windows_1252);
    add("lost", &report.lost_characters);
    if !report.rescaled.is_empty() {
        let _ = write!(line, ", /100 {}", report.rescaled.join(" "));
    }
    if !report.ignored.is_empty() {
        let _ = write!(line, ", ignored {}", report.ignored.join(" "));
    }
    if report.notes.iter().any(|note| note.contains("never closed")) {
        line += ", unclosed?";
    }
    let _ = write!(line, ", {} kept:", report.kept);
    for song in cleaned.songs.iter().take(2) {
        let _ = write!(line, " {}", shown(song));
    }
    line
}

/// Formats a song like `[Rain, Ana, energy 0.5]`, with the id if the table gave one.
fn shown(song: &Song) -> String {
    let mut cells = Vec::new();
    if song.id.as_str().len() != 32 {
        cells.push(song.id.to_string());
    }
    for &(column, _) in COLUMNS {
        match song.get(column) {
            None => {}
            Some(Value::Text(text)) => cells.push(text),
            Some(Value::Integer(number)) => cells.push(format!("{column} {number}")),
            Some(Value::Real(number)) => cells.push(format!("{column} {number}")),
            Some(Value::Flag(flag)) => cells.push(format!("{column} {flag}")),
        }
    }
    cells.extend(song.extra.iter().map(|(name, text)| format!("{name}={text}")));
    format!("[{}]", cells.join(", "))
}

struct Case {
    name: &'static str,
    bytes: Vec<u8>,
    options: CleanOptions,
    /// The [`outcome`], or a part of the error's message.
    expected: Result<&'static str, &'static str>,
}

fn case(name: &'static str, bytes: impl Into<Vec<u8>>, expected: &'static str) -> Case {
    Case { name, bytes: bytes.into(), options: CleanOptions::default(), expected: Ok(expected) }
}

fn fails(name: &'static str, bytes: impl Into<Vec<u8>>, message: &'static str) -> Case {
    Case { expected: Err(message), ..case(name, bytes, "") }
}

fn with(case: Case, change: impl FnOnce(&mut CleanOptions)) -> Case {
    let mut case = case;
    change(&mut case.options);
    case
}

fn encodings() -> Vec<Case> {
    let plain = "title,artist\nÉté,Björk\n";
    let marked = format!("\u{feff}{plain}");
    let kept = "1 rows, 1 kept: [Été, Björk]";
    vec![
        case("UTF-8", plain, kept),
        case("UTF-8 with a byte order mark", marked.as_str(), kept),
        case("UTF-16, little-endian", utf16(&marked, u16::to_le_bytes), kept),
        case("UTF-16, big-endian", utf16(&marked, u16::to_be_bytes), kept),
        fails(
            "UTF-16 without its byte order mark",
            utf16(plain, u16::to_le_bytes),
            "UTF-16 without a byte order mark",
        ),
        fails("UTF-32", b"\xff\xfe\0\0t\0\0\0".as_slice(), "UTF-32"),
        case(
            "Latin-1",
            b"title,artist\n\xc9t\xe9,Bj\xf6rk\n".as_slice(),
            "1 rows, windows-1252 @2, 1 kept: [Été, Björk]",
        ),
        case(
            "Windows-1252 in the header and in half of the rows",
            b"title,artist,Ann\xe9e\nA,Bj\xf6rk,1\nB,Bj\xc3\xb6rk,2\n".as_slice(),
            "2 rows, windows-1252 @1+2, 2 kept: [A, Björk, Année=1] [B, Björk, Année=2]",
        ),
        case(
            "UTF-8 cut in the middle of a character",
            b"title,artist\nSigur R\xc3\xb3s \xc3,A\n".as_slice(),
            "1 rows, lost @2, 1 kept: [Sigur Rós �, A]",
        ),
        case(
            "characters lost before",
            "title,artist\nBeyonc\u{fffd},A\n",
            "1 rows, lost @2, 1 kept: [Beyonc�, A]",
        ),
        case(
            "half a UTF-16 character",
            [utf16(&marked, u16::to_le_bytes), vec![b'x']].concat(),
            "2 rows, more or fewer cells than the header @3, lost @3, 1 kept: [Été, Björk]",
        ),
    ]
}

fn files() -> Vec<Case> {
    let plain = b"title,artist\nRain,Ana\n";
    let two_members = [gzip(b"title,artist\n"), gzip(b"Rain,Ana\n")].concat();
    let mut flipped = gzip(&plain.repeat(50));
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x55;
    let small = |options: &mut CleanOptions| options.max_bytes = 1 << 20;
    vec![
        fails("nothing", "", "is empty"),
        fails("white space", " \n\t\r\n", "is empty"),
        fails("only a byte order mark", "\u{feff}", "is empty"),
        fails("gzip of nothing", gzip(b""), "is empty"),
        case("gzip of two members", two_members, "1 rows, 1 kept: [Rain, Ana]"),
        fails("gzip cut short", &gzip(plain)[..20], "cannot read"),
        fails("gzip with a flipped bit", flipped, "cannot read"),
        fails("gzip in gzip", gzip(&gzip(plain)), "gzipped twice"),
        with(
            fails("a gzip bomb of rows", gzip(&b"title,artist\n".repeat(100_000)), "max_bytes"),
            small,
        ),
        with(
            fails("a gzip bomb of one line", gzip(&vec![b'a'; 1 << 24]), "max_bytes"),
            |options| {
                small(options);
                options.max_cell_bytes = 1 << 30;
            },
        ),
        fails("zeros", vec![0; 1 << 20], "NUL"),
        fails(
            "a NUL far into the file",
            [&b"title,artist\n".repeat(10_000)[..], b"a\0,b\n"].concat(),
            "NUL",
        ),
        fails("a zip archive", "PK\u{3}\u{4}songs.csv", "unpack it"),
        fails("a spreadsheet", "PK\u{3}\u{4}[Content_Types].xml", "save it as CSV UTF-8"),
        fails(
            "an old workbook",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".as_slice(),
            "old Excel workbook",
        ),
        fails("Parquet", "PAR1\u{15}", "a Parquet file"),
        fails("an index", b"ARROW1\0\0\xff\xff\xff\xff".as_slice(), "if it is an index"),
        fails("an Arrow stream", b"\xff\xff\xff\xff\x10\0\0\0".as_slice(), "an Arrow stream"),
        fails("JSON", "[\n  {\"title\": \"Rain\"}\n]", "is JSON"),
        fails("JSON lines", "{\"title\": \"Rain\"}\n{}\n", "is JSON"),
        fails("a web page", "\n<!DOCTYPE html>\n<title>404</title>", "a web page"),
        fails("XML", "<?xml version='1.0'?><songs/>", "is XML"),
        fails("a Git LFS pointer", "version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        fails("a picture", b"\x89PNG\r\n\x1a\n".as_slice(), "a PNG picture"),
        fails(
            "random bytes",
            (0..4096_u32)
                .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8 | 1)
                .collect::<Vec<_>>(),
            "no column for the title",
        ),
    ]
}

fn headers() -> Vec<Case> {
    let many: Vec<_> = (0..10_001).map(|i| format!("c{i}")).collect();
    vec![
        case("only a header", "title,artist", "0 rows, 0 kept:"),
        fails("no header", "Rain,Ana,0.5\nSun,Ben,0.6\n", "its first line reads: \"Rain\""),
        fails("no artist", "title,energy\nRain,0.5\n", "no column for the artist"),
        fails("one word", "hello", "the title and the artist"),
        fails("too many columns", many.join(","), "max_columns"),
        with(
            case("the maximum number of columns", "title,artist\na,b\n", "1 rows, 1 kept: [a, b]"),
            |options| {
                options.max_columns = 2;
            },
        ),
        case(
            "headers twice",
            "title,title,artist,energy,Energy\na,b,c,0.1,0.2\n",
            "1 rows, ignored title Energy, 1 kept: [a, c, energy 0.1]",
        ),
        case(
            "headers in capitals, quoted, with spaces",
            "\" TITLE \" , \"ARTIST\"\na,b\n",
            "1 rows, 1 kept: [a, b]",
        ),
        case(
            "unnamed columns",
            ",title,artist,,\n0,a,b,x,\n1,c,d,,\n",
            "2 rows, ignored (unnamed) (unnamed) (unnamed), 2 kept: [a, b] [c, d]",
        ),
        case(
            "rows without the unnamed columns at the end",
            "title,artist,,\na,b\n",
            "1 rows, ignored (unnamed) (unnamed), 1 kept: [a, b]",
        ),
        case(
            "blank lines before the header",
            "\n \n,,\ntitle,artist\na,b\n",
            "1 rows, 1 kept: [a, b]",
        ),
        case(
            "columns of the index itself",
            "title,artist,embedding,_pp_i8\na,b,1,2\n",
            "1 rows, ignored embedding _pp_i8, 1 kept: [a, b]",
        ),
        case("sep=;", "sep=;\ntitle;artist\na,1;b\n", "1 rows, 1 kept: [a,1, b]"),
        with(case("chosen columns", "Werk|Von\na|b\n", "1 rows, 1 kept: [a, b]"), |options| {
            options.columns.insert("title".into(), "Werk".into());
            options.columns.insert("artist".into(), "Von".into());
        }),
        with(fails("a chosen header that does not exist", "a,b\n", "no such header"), |options| {
            options.columns.insert("title".into(), "Werk".into());
        }),
        with(fails("a chosen column that no song has", "a,b\n", "no such column"), |options| {
            options.columns.insert("titel".into(), "a".into());
        }),
        with(fails("a quote as the delimiter", "title,artist\n", "0x22"), |options| {
            options.delimiter = Some(b'"');
        }),
        with(fails("half a character as the delimiter", "title,artist\n", "0xc3"), |options| {
            options.delimiter = Some(0xc3);
        }),
    ]
}

fn rows() -> Vec<Case> {
    let long = format!("title,artist\na,b\n\"{}\",c\n", "x".repeat(2000));
    let many = "x,".repeat(200);
    vec![
        case(
            "tabs",
            "title\tartist\nRain, again\tAna;Ben\n",
            "1 rows, 1 kept: [Rain, again, Ana;Ben]",
        ),
        case("semicolons", "title;artist\nRain, again;Ana\n", "1 rows, 1 kept: [Rain, again, Ana]"),
        case("pipes", "title|artist\nRain, again|Ana\n", "1 rows, 1 kept: [Rain, again, Ana]"),
        case("CRLF", "title,artist\r\na,b\r\n,d\r\n", "2 rows, no title @3, 1 kept: [a, b]"),
        case("CR", "title,artist\ra,b\r,d\r", "2 rows, no title @3, 1 kept: [a, b]"),
        case(
            "line ends of all kinds",
            "title,artist\r\na,b\r,d\n\r\n\n\r,f\n",
            "3 rows, no title @3+7, 1 kept: [a, b]",
        ),
        case(
            "no newline at the end",
            "title,artist\na,b\n,d",
            "2 rows, no title @3, 1 kept: [a, b]",
        ),
        case(
            "blank lines, and lines of only white space or delimiters",
            "title,artist\n\n   \na,b\n,\n\t\n,d\n",
            "2 rows, no title @7, blank @3+5+6, 1 kept: [a, b]",
        ),
        case(
            "a DOS end-of-file character",
            "title,artist\na,b\n\u{1a}",
            "1 rows, blank @3, 1 kept: [a, b]",
        ),
        case(
            "line breaks in quotes",
            "title,artist\n\"a\n\nb\",c\n\"d\r\ne\",\n,f\n",
            "3 rows, no title @7, no artist @5, 1 kept: [a b, c]",
        ),
        case(
            "quotes doubled, in the middle, and empty",
            "title,artist\n\"a \"\"b\"\"\",5\" c\n\"\",d\n",
            "2 rows, no title @3, 1 kept: [a \"b\", 5\" c]",
        ),
        case(
            "a row too short and one too long",
            "title,artist,note\na,b\na,b,c,d\ne,f,g\n",
            "3 rows, more or fewer cells than the header @2+3, 1 kept: [e, f, note=g]",
        ),
        case(
            "extra blank cells",
            "title,artist\na,b,, \nc,d,,x\n",
            "2 rows, more or fewer cells than the header @3, 1 kept: [a, b]",
        ),
        case(
            "a quote never closed",
            "title,artist\na,b\n\"c,d\ne,f\n",
            "2 rows, more or fewer cells than the header @3, unclosed?, 1 kept: [a, b]",
        ),
        case(
            "a quote closed rows later",
            "title,artist\na,\"b\nc,\"d\ne,f\n",
            "2 rows, unclosed?, 2 kept: [a, b c,d] [e, f]",
        ),
        with(fails("a cell too long", long.as_str(), "line 3"), |options| {
            options.max_cell_bytes = 1999;
        }),
        with(fails("the option that limits a cell", long.as_str(), "max_cell_bytes"), |options| {
            options.max_cell_bytes = 1999;
        }),
        with(
            fails("a row too long", long.repeat(20).replace('\n', ","), "max_cell_bytes"),
            |options| {
                options.max_cell_bytes = 2000;
                options.max_columns = 1000;
            },
        ),
        with(
            fails("a row too wide", format!("title,artist\na,b\n{many}\n"), "line 3"),
            |options| {
                options.max_columns = 100;
            },
        ),
        with(
            fails("songs that exceed the memory limit", distinct_songs(1000, 40), "max_memory"),
            |options| options.max_memory = 4_000_000,
        ),
        with(
            fails(
                "repeats that exceed it by filling gaps",
                distinct_songs(1000, 0) + &distinct_songs(1000, 40),
                "max_memory",
            ),
            |options| options.max_memory = 4_000_000,
        ),
        with(fails("too many rows", "title,artist\na,b\nc,d\ne,f\n", "max_rows"), |options| {
            options.max_rows = 2;
        }),
        with(
            case(
                "the maximum number of rows",
                "title,artist\na,b\n\nc,d\n,\n",
                "2 rows, blank @5, 2 kept: [a, b] [c, d]",
            ),
            |options| {
                options.max_rows = 2;
            },
        ),
    ]
}

fn names() -> Vec<Case> {
    vec![
        case(
            "ids missing",
            "id,title,artist\n1,a,b\n,c,d\nNA,e,f\nnull,g,h\n",
            "4 rows, no id @3+4+5, 1 kept: [1, a, b]",
        ),
        case(
            "titles and artists missing",
            "id,title,artist\n1,,b\n2,c, \n3,NA,b\n4,c,NaN\n5,None,b\n6,null,x\n",
            "6 rows, no title @2+4+6+7, no artist @3+5, 0 kept:",
        ),
        case(
            "names that look like missing values",
            "title,artist\nNa,none\nNull,-\n",
            "2 rows, 2 kept: [Na, none] [Null, -]",
        ),
        case(
            "the artist NA, which looks like a missing artist",
            "title,artist\nRain,NA\n",
            "1 rows, no artist @2, 0 kept:",
        ),
        case(
            "ids twice",
            "id,title,artist,energy\n1,a,b,\n1,a,b,0.5\n1,x,b,0.6\n",
            "3 rows, merged @3+4, conflicting @4, 1 kept: [1, a, b, energy 0.5]",
        ),
        case(
            "URIs and addresses",
            "uri,title,artist\nspotify:track:x,a,b\nhttps://open.spotify.com/track/x?si=1,a,b\nspotify:track:,c,d\n",
            "3 rows, merged @3, no id @4, 1 kept: [x, a, b]",
        ),
        case(
            "white space and control characters",
            "title,artist\n  a \t b ,\u{1b}[31mc\n",
            "1 rows, 1 kept: [a b, [31mc]",
        ),
        case(
            "artists in lists",
            "title,artists\na,A;B\nb,\"['C', \"\"D's\"\"]\"\nc,[]\n",
            "3 rows, no artist @4, 2 kept: [a, A, B] [b, C, D's]",
        ),
        case("one artist with a semicolon", "title,artist\na,A;B\n", "1 rows, 1 kept: [a, A;B]"),
        case(
            "genres in a list",
            "title,artist,Genres\na,b,\"pop, rock,pop\"\nc,d,jazz\n",
            "2 rows, 2 kept: [a, b, pop, genres=pop; rock] [c, d, jazz]",
        ),
        case(
            "genres from repeats",
            "id,title,artist,genre\n1,a,b,pop\n1,a,b,rock\n1,a,b,pop\n",
            "3 rows, merged @3+4, 1 kept: [1, a, b, pop, genres=pop; rock]",
        ),
    ]
}

fn cells() -> Vec<Case> {
    vec![
        case(
            "words for missing numbers",
            "title,artist,energy,tempo,key\na,b,NA,NaN,null\nc,d,-,None,N/A\n",
            "2 rows, 2 kept: [a, b] [c, d]",
        ),
        case(
            "values that are not numbers",
            "title,artist,energy,tempo\na,b,high,inf\nc,d,0.5.1,1e999\n",
            "2 rows, energy unreadable @2+3, tempo unreadable @2+3, 2 kept: [a, b] [c, d]",
        ),
        case(
            "out of range",
            "title,artist,energy,tempo,key,mode,year,loudness,popularity\na,b,-0.1,0,12,2,3019,99,101\n",
            "1 rows, energy out of range @2, key out of range @2, loudness out of range @2, mode out of range @2, popularity out of range @2, tempo out of range @2, year out of range @2, 1 kept: [a, b]",
        ),
        case(
            "decimal commas",
            "title;artist;energy;loudness;tempo;popularity\na;b;0,75;-5,123;120,5;60\nc;d;0,5;-1,5E+01;1.234,5;7,5\n",
            "2 rows, tempo out of range @3, energy DecimalComma @2+3, loudness DecimalComma @2+3, popularity DecimalComma @3, tempo DecimalComma @2, 2 kept: [a, b, popularity 60, energy 0.75, tempo 120.5, loudness -5.123] [c, d, popularity 7.5, energy 0.5, loudness -15]",
        ),
        case(
            "thousands",
            "title;artist;duration_ms\na;b;194,754\nc;d;1 194 754\ne;f;194.754\n",
            "3 rows, duration_ms unreadable @4, duration_ms ThousandsSeparator @2+3, 3 kept: [a, b, duration_ms 194754] [c, d, duration_ms 1194754]",
        ),
        case(
            "percent signs",
            "title,artist,energy,popularity,tempo\na,b,50%,60 %,120%\n",
            "1 rows, tempo unreadable @2, energy PercentSign @2, popularity PercentSign @2, 1 kept: [a, b, popularity 60, energy 0.5]",
        ),
        case(
            "a percentage above 100",
            "title,artist,energy\na,b,101%\n",
            "1 rows, energy out of range @2, 1 kept: [a, b]",
        ),
        case(
            "percentages by header",
            "title,artist,energy_%\na,b,80\nc,d,1\ne,f,101\n",
            "3 rows, energy out of range @4, /100 energy, 3 kept: [a, b, energy 0.8] [c, d, energy 0.01]",
        ),
        case(
            "percentages by their values",
            ten("energy", "80"),
            "10 rows, /100 energy, 10 kept: [t0, a, energy 0.8] [t1, a, energy 0.8]",
        ),
        case(
            "too few percentages to be sure",
            "title,artist,energy\na,b,80\n",
            "1 rows, energy out of range @2, 1 kept: [a, b]",
        ),
        case(
            "percentages and a percent sign",
            ten("energy", "80") + "x,y,30%\n",
            "11 rows, energy PercentSign @12, /100 energy, 11 kept: [t0, a, energy 0.8] [t1, a, energy 0.8]",
        ),
        case(
            "one percentage among fractions",
            ten("energy", "0.5") + "x,y,30\n",
            "11 rows, energy out of range @12, 11 kept: [t0, a, energy 0.5] [t1, a, energy 0.5]",
        ),
        case(
            "a percentage first, a fraction later",
            "id,title,artist,energy\n1,a,b,30\n1,a,b,0.3\n1,a,b,0.4\n",
            "3 rows, merged @3+4, energy out of range @2, 1 kept: [1, a, b, energy 0.3]",
        ),
        case(
            "booleans",
            "title,artist,explicit\na,b,TRUE\nc,d,n\ne,f,WAHR\ng,h,perhaps\ni,j,0\n",
            "5 rows, explicit unreadable @5, 5 kept: [a, b, explicit true] [c, d, explicit false]",
        ),
        case(
            "dates",
            "title,artist,release_date\na,b,14.06.1987\nc,d,1999-12-31T23:59:59Z\ne,f,14/06/87\n",
            "3 rows, year unreadable @4, 3 kept: [a, b, year 1987] [c, d, year 1999]",
        ),
        case(
            "durations in clock format",
            "title,artist,duration\na,b,3:45\nc,d,PT3M45S\ne,f,3:75\n",
            "3 rows, duration_ms unreadable @4, duration_ms ClockTime @2+3, 3 kept: [a, b, duration_ms 225000] [c, d, duration_ms 225000]",
        ),
        case(
            "durations in seconds, by header",
            "title,artist,duration_s\na,b,225.5\nc,d,\"1,412\"\n",
            "2 rows, duration_ms Seconds @2+3, 2 kept: [a, b, duration_ms 225500] [c, d, duration_ms 1412000]",
        ),
        case(
            "durations without a unit",
            "title,artist,duration\na,b,225\nc,d,225000\ne,f,9000\n",
            "3 rows, duration_ms unreadable @4, duration_ms AssumedSeconds @2, duration_ms AssumedMilliseconds @3, 3 kept: [a, b, duration_ms 225000] [c, d, duration_ms 225000]",
        ),
        case(
            "keys and modes by name",
            "title,artist,key,mode\na,b,C#,Major\nc,d,B♭,minor\ne,f,H,dorian\n",
            "3 rows, key unreadable @4, mode unreadable @4, 3 kept: [a, b, key 1, mode 1] [c, d, key 10, mode 0]",
        ),
        case(
            "a description of several lines",
            "title,artist,description\na,b,\"rain\n\n  on glass\"\n",
            "1 rows, 1 kept: [a, b, rain\non glass]",
        ),
    ]
}

#[test]
fn every_malformed_table_has_its_own_end() {
    let groups = [encodings(), files(), headers(), rows(), names(), cells()];
    let cases: Vec<_> = groups.into_iter().flatten().collect();
    let mut wrong = Vec::new();
    for case in &cases {
        let table = SongTable::from_reader(&case.bytes[..], "t.csv").options(case.options.clone());
        let result = table.clean(&mut ());
        let (found, is_right) = match (&result, case.expected) {
            (Ok(cleaned), Ok(expected)) => {
                let report = &cleaned.report;
                let dropped: u64 = report.dropped.values().map(|tally| tally.count).sum();
                let counted = report.kept + report.merged.count + dropped;
                assert_eq!(counted, report.rows_read, "{}", case.name);
                let found = outcome(cleaned);
                let is_right = found == expected;
                (found, is_right)
            }
            (Err(error), expected) => {
                let message = error.to_string();
                let is_right = expected.is_err_and(|part| message.contains(part));
                (message, is_right)
            }
            (Ok(cleaned), Err(_)) => (outcome(cleaned), false),
        };
        if !is_right {
            wrong.push(format!("{}: {found}", case.name));
        }
    }
    println!("{} malformed tables", cases.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
