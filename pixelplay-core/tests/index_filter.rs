//! Compares filters with an evaluator that checks each song, with three results: true, false and
//! unknown.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;

use pixelplay_core::index::{
    Filter, FilterError, SearchOptions, SongIndex, SongIndexError, SongIndexWriter, WriterOptions,
    col,
};
use pixelplay_core::song::{COLUMNS, Kind, Value};
use pixelplay_core::{Embedding, Song, SongId};
use proptest::prelude::*;

const DIM: usize = 3;

fn build(songs: &[Song]) -> SongIndex {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("songs.arrow");
    let mut columns: Vec<String> = COLUMNS.iter().map(|(name, _)| (*name).to_owned()).collect();
    columns.push("list".to_owned());
    let options = WriterOptions { batch_rows: 7, columns, ..WriterOptions::new(DIM) };
    let mut writer = SongIndexWriter::create(&path, options).unwrap();
    for song in songs {
        writer.push(song, &[1.0, 0.0, 0.0]).unwrap();
    }
    writer.finish().unwrap();
    SongIndex::open(&path).unwrap()
}

fn found(index: &SongIndex, filter: &Filter) -> Result<Vec<usize>, SongIndexError> {
    let query = Embedding::new(vec![0.6, 0.8, 0.0], None).unwrap();
    let options =
        SearchOptions { k: usize::MAX, filter: Some(filter.clone()), ..SearchOptions::default() };
    let hits = index.search(&query, &options)?;
    // All songs have the same score, so they are ordered by row.
    Ok(hits.into_iter().map(|hit| hit.row).collect())
}

/// A condition from which both the filter and the expected result are made.
#[derive(Debug, Clone)]
enum Condition {
    Compare(&'static str, u8, Value),
    Between(&'static str, Value, Value),
    In(&'static str, Vec<Value>),
    Null(&'static str),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
}

fn filter(condition: &Condition) -> Filter {
    match condition {
        Condition::Compare(name, sign, value) => {
            let (column, value) = (col(*name), value.clone());
            match sign {
                0 => column.eq(value),
                1 => column.ne(value),
                2 => column.lt(value),
                3 => column.le(value),
                4 => column.gt(value),
                _ => column.ge(value),
            }
        }
        Condition::Between(name, low, high) => col(*name).between(low.clone(), high.clone()),
        Condition::In(name, values) => col(*name).is_in(values.clone()),
        Condition::Null(name) => col(*name).is_null(),
        Condition::And(a, b) => filter(a) & filter(b),
        Condition::Or(a, b) => filter(a) | filter(b),
        Condition::Not(a) => !filter(a),
    }
}

/// -1, 0 or 1.
fn compare(cell: &Value, value: &Value) -> i32 {
    let order = match (cell, value) {
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        (Value::Flag(a), Value::Flag(b)) => a.cmp(b),
        (Value::Integer(a), Value::Integer(b)) => a.cmp(b),
        (Value::Integer(a), Value::Real(b)) => (*a as f64).partial_cmp(b).unwrap(),
        (Value::Real(a), Value::Integer(b)) => a.partial_cmp(&(*b as f64)).unwrap(),
        (Value::Real(a), Value::Real(b)) => a.partial_cmp(b).unwrap(),
        other => panic!("{other:?}"),
    };
    order as i32
}

/// `None` means unknown.
fn holds(condition: &Condition, song: &Song) -> Option<bool> {
    match condition {
        Condition::Compare(name, sign, value) => {
            let order = compare(&song.get(name)?, value);
            Some(match sign {
                0 => order == 0,
                1 => order != 0,
                2 => order < 0,
                3 => order <= 0,
                4 => order > 0,
                _ => order >= 0,
            })
        }
        Condition::Between(name, low, high) => {
            let cell = song.get(name)?;
            Some(compare(&cell, low) >= 0 && compare(&cell, high) <= 0)
        }
        Condition::In(name, values) => {
            let cell = song.get(name)?;
            Some(values.iter().any(|value| compare(&cell, value) == 0))
        }
        Condition::Null(name) => Some(song.get(name).is_none()),
        Condition::And(a, b) => match (holds(a, song), holds(b, song)) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        },
        Condition::Or(a, b) => match (holds(a, song), holds(b, song)) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        },
        Condition::Not(a) => holds(a, song).map(|holds| !holds),
    }
}

const TESTED: [(&str, Kind); 6] = [
    ("id", Kind::Text),
    ("genre", Kind::Text),
    ("list", Kind::Text),
    ("year", Kind::Integer),
    ("energy", Kind::Real),
    ("explicit", Kind::Flag),
];

/// Draws from a few values, so that equality is common.
fn value(kind: Kind) -> BoxedStrategy<Value> {
    match kind {
        Kind::Text => {
            prop::sample::select(vec!["", "pop", "hip hop", "ß", "1"]).prop_map(Value::from).boxed()
        }
        Kind::Integer => (-2_i64..3).prop_map(Value::Integer).boxed(),
        Kind::Real => prop::sample::select(vec![-1.0, -0.5, -0.0, 0.0, 0.5, 1.0])
            .prop_map(Value::Real)
            .boxed(),
        Kind::Flag => any::<bool>().prop_map(Value::Flag).boxed(),
    }
}

/// Numbers compare with numbers of either kind.
fn literal(kind: Kind) -> BoxedStrategy<Value> {
    match kind {
        Kind::Integer | Kind::Real => prop_oneof![value(Kind::Integer), value(Kind::Real)].boxed(),
        other => value(other),
    }
}

fn condition() -> impl Strategy<Value = Condition> {
    let column = || prop::sample::select(TESTED.to_vec());
    let leaf = prop_oneof![
        (column(), 0_u8..6).prop_flat_map(|((name, kind), sign)| {
            literal(kind).prop_map(move |value| Condition::Compare(name, sign, value))
        }),
        column().prop_flat_map(|(name, kind)| {
            (literal(kind), literal(kind))
                .prop_map(move |(low, high)| Condition::Between(name, low, high))
        }),
        column().prop_flat_map(|(name, kind)| {
            prop::collection::vec(literal(kind), 0..4)
                .prop_map(move |values| Condition::In(name, values))
        }),
        column().prop_map(|(name, _)| Condition::Null(name)),
    ];
    leaf.prop_recursive(4, 24, 2, |inner| {
        let both = (inner.clone(), inner.clone());
        prop_oneof![
            both.clone().prop_map(|(a, b)| Condition::And(a.into(), b.into())),
            both.prop_map(|(a, b)| Condition::Or(a.into(), b.into())),
            inner.prop_map(|a| Condition::Not(a.into())),
        ]
    })
}

fn songs() -> impl Strategy<Value = Vec<Song>> {
    let cells: Vec<_> =
        TESTED[1..].iter().map(|&(_, kind)| prop::option::of(value(kind))).collect();
    prop::collection::vec(cells, 0..40).prop_map(|rows| {
        let song = |(row, cells): (usize, Vec<Option<Value>>)| {
            let mut song = Song::new(SongId::new(row.to_string()).unwrap());
            for ((name, _), cell) in TESTED[1..].iter().zip(cells) {
                if let Some(cell) = cell {
                    assert!(song.set(name, cell));
                }
            }
            song
        };
        rows.into_iter().enumerate().map(song).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn filters_agree_with_the_naive_evaluator(
        songs in songs(),
        conditions in prop::collection::vec(condition(), 12),
    ) {
        let index = build(&songs);
        for condition in conditions {
            let expected: Vec<usize> =
                (0..songs.len()).filter(|&row| holds(&condition, &songs[row]) == Some(true)).collect();
            let built = filter(&condition);
            prop_assert_eq!(&found(&index, &built).unwrap(), &expected, "{}", built);
            let parsed = Filter::parse(&built.to_string()).unwrap();
            prop_assert_eq!(&found(&index, &parsed).unwrap(), &expected, "{}", parsed);
        }
    }
}

#[test]
fn what_is_not_known_fulfils_neither_a_condition_nor_its_opposite() {
    let songs: Vec<Song> = [Some(1980), None, Some(2000)]
        .into_iter()
        .enumerate()
        .map(|(row, year)| Song { year, ..Song::new(SongId::new(row.to_string()).unwrap()) })
        .collect();
    let index = build(&songs);
    let rows: HashMap<&str, Vec<usize>> = [
        ("year < 1990", vec![0]),
        ("not year < 1990", vec![2]),
        ("year is null", vec![1]),
        ("not year in (1980)", vec![2]),
        ("year not between 1990 and 2010", vec![0]),
        ("year < 1990 or year is null", vec![0, 1]),
        ("not (year < 1990 or id = 1)", vec![2]),
        ("not (year < 1990 and id = 1)", vec![0, 2]),
    ]
    .into();
    for (text, expected) in rows {
        // The id is text even if it looks like a number.
        let filter = Filter::parse(&text.replace("id = 1", "id = '1'")).unwrap();
        assert_eq!(found(&index, &filter).unwrap(), expected, "{text}");
    }
}

#[test]
fn whole_numbers_beyond_the_reach_of_reals_are_compared_exactly() {
    let big = (1_i64 << 53) + 1;
    let song = Song { duration_ms: Some(big), ..Song::new(SongId::new("a").unwrap()) };
    let index = build(&[song]);
    let real = 9_007_199_254_740_992.0;
    let yes = [
        col("duration_ms").eq(big),
        col("duration_ms").gt(real),
        col("duration_ms").ne(real),
        col("duration_ms").lt(9.3e18),
        col("duration_ms").gt(-1e300),
    ];
    for filter in yes {
        assert_eq!(found(&index, &filter).unwrap(), [0], "{filter}");
        assert_eq!(found(&index, &!filter.clone()).unwrap(), [0; 0], "not {filter}");
    }
}

#[test]
fn filters_that_do_not_fit_are_refused_by_name() {
    let index = build(&[]);
    let error = |filter: Filter| match found(&index, &filter) {
        Err(SongIndexError::Filter(error)) => error,
        other => panic!("{filter}: {other:?}"),
    };
    match error(col("enrgy").lt(1)) {
        error @ FilterError::UnknownColumn { .. } => {
            let text = error.to_string();
            assert!(
                text.contains("enrgy") && text.contains("energy") && text.contains("list"),
                "{text}"
            );
        }
        other => panic!("{other}"),
    }
    for (filter, words) in [
        (col("energy").eq("high"), ["energy", "numbers"]),
        (col("genre").lt(3), ["genre", "text"]),
        (col("explicit").eq(1), ["explicit", "true or false"]),
        (
            col("year").is_in([Value::Integer(1), Value::Text("x".into())]),
            ["year", "whole numbers"],
        ),
        (!(col("year").lt(1) & col("id").eq(true)), ["id", "text"]),
    ] {
        let error = error(filter);
        assert!(matches!(error, FilterError::WrongType { .. }), "{error}");
        let text = error.to_string();
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    }
    for value in [f64::NAN, f64::INFINITY] {
        assert!(matches!(error(col("energy").lt(value)), FilterError::NotFinite { .. }));
    }
    let mut deep = col("year").lt(1);
    for _ in 0..100 {
        deep = !deep;
    }
    assert_eq!(error(deep), FilterError::TooDeep);
}
