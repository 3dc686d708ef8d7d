"""Stage 3: both towers together, contrastive on captions and labels, anchored to the teachers' targets."""

from pathlib import Path

import loop
import model as m
import numpy as np
import text
import torch
import torch.nn.functional as F
import vision
from autocast import autocast
from losses import distance, relations, soft_contrast
from prompts import prompts
from tokenizer import Encode

PAIRS, LABELLED, SENTENCES = 96, 32, 96
ANCHOR_IMAGE, ANCHOR_TEXT, LABELS = 1.0, 2.0, 0.3


def train(clip, work: Path, inputs, encode: Encode, steps: int):
    with torch.no_grad():
        clip.logit_scale.fill_(np.log(20.0))
    items, targets = inputs.items, inputs.targets
    pixels, want = torch.from_numpy(inputs.pixels), torch.from_numpy(targets["image"])
    captions, caption_vectors = encode(targets["captions"].tolist()), torch.from_numpy(targets["caption_vectors"])
    owned: dict[int, list[int]] = {}
    for caption, picture in enumerate(targets["owner"]):
        owned.setdefault(int(picture), []).append(caption)
    captioned = np.array(sorted(owned))
    sentences, sentence_vectors = encode(inputs.texts), torch.from_numpy(inputs.sentence_targets())
    sets: dict[str, list[int]] = {}
    for i, p in enumerate(items):
        if p.label and p.split == "train":
            sets.setdefault(p.set, []).append(i)
    names = sorted(name for name, members in sets.items() if len(members) >= LABELLED)
    share = np.array([len(sets[n]) ** 0.5 for n in names])
    share /= share.sum()
    of_label = {n: {items[i].label: prompts(items[i]) for i in sets[n]} for n in names}

    tune = targets["tune"]
    heard = encode([items[i].captions[0] for i in tune])

    def loss_of(step: int, progress: float, r: np.random.Generator) -> torch.Tensor:
        rows = r.choice(captioned, PAIRS, replace=False)
        said = [owned[i][r.integers(len(owned[i]))] for i in rows]
        name = names[r.choice(len(names), p=share)]
        labelled = r.choice(sets[name], LABELLED, replace=False)
        classes = sorted({items[i].label for i in labelled})
        spoken_classes = encode([of_label[name][c][r.integers(len(of_label[name][c]))] for c in classes])
        more = r.integers(len(sentences), size=SENTENCES)
        every = np.concatenate([rows, labelled])
        images, _ = vision.augment(pixels, every, r)
        with autocast():
            z = m.see(clip, images)[0]
            words = m.read(clip, [captions[i] for i in said] + spoken_classes)
            free = m.read(clip, [sentences[i] for i in more])
        spoken, class_words = words[:PAIRS], words[PAIRS:]
        scale = clip.logit_scale.exp().clamp(max=100)
        logits, own = scale * z[:PAIRS] @ spoken.T, torch.arange(PAIRS)
        pairs = (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2
        truth = torch.tensor([classes.index(items[i].label) for i in labelled])
        labels = F.cross_entropy(scale * z[PAIRS:] @ class_words.T, truth)
        seen = distance(z, want[every]) + 0.2 * soft_contrast(z, want[every])
        told, known = torch.cat([spoken, free]), torch.cat([caption_vectors[said], sentence_vectors[more]])
        anchor = distance(told, known) + text.RELATIONS * relations(told, known)
        return pairs + LABELS * labels + ANCHOR_IMAGE * seen + ANCHOR_TEXT * anchor

    def judge(averaged) -> str:
        z, words = m.see(averaged, vision.centre(pixels, tune))[0], m.read(averaged, heard)
        return f"tune: recall@1/10 of {len(tune)}: {vision.recall(z, words, 1):.3f} {vision.recall(z, words):.3f}, from text {vision.recall(words, z):.3f}, target cosine {(z * want[tune]).sum(1).mean():.3f}, scale {averaged.logit_scale.exp():.1f}"

    with torch.inference_mode():
        loop.say(f"before the joint stage {judge(clip.eval())}")
    return loop.fit(
        "joint",
        work,
        clip,
        loss_of,
        steps=steps,
        seed=5,
        rate=4e-4,
        warmup=50,
        batch=PAIRS + LABELLED,
        judge=judge,
        judge_every=100,
    )
