//! The scales of a mood, each defined by pairs of opposite sentences.

use crate::embedding::Embedding;
use crate::mood::Mood;

/// The factor for differences of cosines if the checkpoint has no `logit_scale`. It is the value
/// that OpenAI's checkpoints reached in training, and the maximum that CLIP's training allows.
pub(super) const LOGIT_SCALE: f64 = 100.0;

/// Two opposite ends of a scale, each with the word to show and the sentence to compare with.
pub(super) struct Pair {
    pub(super) high: (&'static str, &'static str),
    pub(super) low: (&'static str, &'static str),
}

const fn pair(high: (&'static str, &'static str), low: (&'static str, &'static str)) -> Pair {
    Pair { high, low }
}

/// The pairs for each of [`Mood::AXES`]. Most are scenes rather than adjectives, since captions
/// describe what pictures show.
pub(super) const SCALES: [&[Pair]; Mood::AXES.len()] = [
    &[
        pair(
            ("energetic", "people running and jumping, full of action"),
            ("calm", "a calm and quiet place where nothing moves"),
        ),
        pair(("wild", "a wild storm with crashing waves"), ("still", "still water without a wave")),
        pair(("crowded", "a crowd of excited people"), ("empty", "an empty place without anybody")),
        pair(("fast", "a race, fast cars and speed"), ("slow", "somebody resting on a bench")),
        pair(("exciting", "an exciting, energetic scene"), ("relaxing", "a calm, relaxing scene")),
        pair(("thrilling", "a thrilling, intense moment"), ("lazy", "a slow, lazy afternoon")),
        pair(
            ("dramatic", "something dramatic and intense"),
            ("ordinary", "something plain and ordinary"),
        ),
        pair(
            ("powerful", "a powerful explosion with fire and smoke"),
            ("gentle", "a soft and gentle light"),
        ),
    ],
    &[
        pair(
            ("happy", "happy people smiling and laughing"),
            ("sad", "a sad and lonely person crying"),
        ),
        pair(
            ("sunny", "a bright sunny day with a blue sky"),
            ("gloomy", "a dark and gloomy place"),
        ),
        pair(
            ("lovely", "a beautiful garden full of flowers"),
            ("desolate", "garbage, ruins and destruction"),
        ),
        pair(
            ("peaceful", "a peaceful family with their children"),
            ("threatening", "a dangerous and frightening scene"),
        ),
        pair(("pleasant", "a happy, pleasant scene"), ("unpleasant", "a sad, unpleasant scene")),
        pair(("joyful", "a lovely, joyful moment"), ("miserable", "a painful, miserable moment")),
        pair(
            ("cheerful", "a cheerful celebration with friends"),
            ("lonely", "a lonely, abandoned building"),
        ),
        pair(
            ("delightful", "something delightful and beautiful"),
            ("grim", "something disgusting and ugly"),
        ),
    ],
    &[
        pair(("dancing", "people dancing at a party"), ("solitary", "a person sitting alone")),
        pair(
            ("festive", "a festival with music and colourful lights"),
            ("bare", "a bare and silent landscape"),
        ),
        pair(
            ("nightlife", "a nightclub with a disco floor"),
            ("studious", "an office with desks and papers"),
        ),
    ],
    &[
        pair(("natural", "trees and grass in nature"), ("urban", "tall buildings in a big city")),
        pair(
            ("rustic", "an old wooden house in the country"),
            ("neon", "neon lights and screens at night"),
        ),
        pair(("cosy", "a campfire with a guitar"), ("industrial", "machines in a factory")),
    ],
];

/// The sentences of [`SCALES`], encoded by one encoder.
pub(super) struct Anchors {
    pub(super) pairs: Vec<[Embedding; 2]>,
    pub(super) logit_scale: f64,
}
