"""Stage 4: sentences about moods tell the mood of a picture, on top of what the joint stage teaches."""

from pathlib import Path

import joint
import loop
import numpy as np
import torch
from autocast import autocast
from tokenizer import Encode

WEIGHT = 1.0
SENTENCES = 4  # of each end that are heard in a step

# Ends of the scales of a song's valence and energy, as scenes and as plain words; the first of each scale are those that the
# library's mood profile asks by (pixelplay-core/src/encoder/mood.rs).
HAPPY = [
    "happy people smiling and laughing",
    "a bright sunny day with a blue sky",
    "a beautiful garden full of flowers",
    "a peaceful family with their children",
    "happy",
    "joyful and cheerful",
    "a lovely, uplifting picture",
    "something sweet and heart-warming",
    "children laughing in the sun",
    "a cute puppy",
    "friends celebrating together",
    "a delightful holiday by the sea",
    "delicious food on a table",
    "pleasant and delightful",
    "feel good music",
    "love and happiness",
]
SAD = [
    "a sad and lonely person crying",
    "a dark and gloomy place",
    "garbage, ruins and destruction",
    "a dangerous and frightening scene",
    "sad",
    "miserable and depressing",
    "an ugly, disgusting picture",
    "something painful and cruel",
    "a cemetery in the rain",
    "an injured person after an accident",
    "people who suffer in a war",
    "a dirty abandoned room",
    "fire and smoke after a disaster",
    "unpleasant and horrible",
    "a song about grief and loss",
    "hate and anger",
]
ENERGETIC = [
    "people running and jumping, full of action",
    "a wild storm with crashing waves",
    "a crowd of excited people",
    "a race, fast cars and speed",
    "energetic",
    "exciting and intense",
    "a thrilling, dangerous moment",
    "something that makes the heart beat faster",
    "an explosion with flames",
    "a skier jumping off a cliff",
    "a roaring tiger showing its teeth",
    "fireworks over a cheering crowd",
    "loud and aggressive music",
    "a rollercoaster full of screaming people",
    "a party at night",
    "a man fighting with a bull",
]
CALM = [
    "a calm and quiet place where nothing moves",
    "still water without a wave",
    "an empty place without anybody",
    "somebody resting on a bench",
    "calm",
    "quiet and relaxing",
    "a boring, uneventful moment",
    "something that makes people sleepy",
    "a stone lying on the ground",
    "a lake at dawn without wind",
    "a cat asleep on a sofa",
    "an empty waiting room",
    "soft and slow piano music",
    "a plain wall with a window",
    "reading a book at home",
    "a field in the fog",
]
SCALES = [(HAPPY, SAD), (ENERGETIC, CALM)]


def agreement(told: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """The correlation (Pearson) over a batch."""
    told, known = told - told.mean(), known - known.mean()
    return (told * known).sum() / (told.norm() * known.norm() + 1e-6)


def train(clip, work: Path, inputs, encode: Encode, steps: int):
    """`mood` of the targets is (pictures, 2): valence and arousal, predicted from the teacher's features by a ridge regression
    on OASIS's training themes."""
    known = torch.from_numpy(inputs.targets["mood"])
    heard = [[encode(end) for end in scale] for scale in SCALES]

    def more(rows: np.ndarray, z: torch.Tensor, r: np.random.Generator) -> torch.Tensor:
        ids = []
        for ends in heard:
            for end in ends:
                ids += [end[i] for i in r.choice(len(end), SENTENCES, replace=False)]
        with autocast():
            words = joint.m.read(clip, ids)
        loss = torch.zeros(())
        # Each pair of sentences tells the mood by itself, as in the library; so none can lean on the others.
        for scale, (high, low) in enumerate(words.view(len(SCALES), 2, SENTENCES, -1)):
            for told in (z @ (high - low).T).T:
                loss = loss + 1 - agreement(told, known[rows, scale])
        return WEIGHT * loss / (len(SCALES) * SENTENCES)

    loss_of, judge = joint.task(clip, inputs, encode, more)
    with torch.inference_mode():
        loop.say(f"before the mood stage {judge(clip.eval())}")
    return loop.fit(
        "mood",
        work,
        clip,
        loss_of,
        steps=steps,
        seed=7,
        rate=4e-4,
        warmup=50,
        batch=joint.PAIRS + joint.LABELLED,
        judge=judge,
        judge_every=100,
    )
