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
from losses import alignment_loss, relational_loss, soft_contrastive_loss
from prompts import prompts
from tokenizer import Encode

PAIRS, LABELLED, SENTENCES = 96, 32, 96
ANCHOR_IMAGE, ANCHOR_TEXT, LABELS = 1.0, 2.0, 0.3


def train(clip, work: Path, inputs, encode: Encode, steps: int):
    with torch.no_grad():
        clip.logit_scale.fill_(np.log(20.0))
    items, targets = inputs.items, inputs.targets
    pixels, image_targets = torch.from_numpy(inputs.pixels), torch.from_numpy(targets["image"])
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
    tune_tokens = encode([items[i].captions[0] for i in tune])

    def loss_of(step: int, progress: float, r: np.random.Generator) -> torch.Tensor:
        rows = r.choice(captioned, PAIRS, replace=False)
        caption_rows = [owned[i][r.integers(len(owned[i]))] for i in rows]
        name = names[r.choice(len(names), p=share)]
        labelled = r.choice(sets[name], LABELLED, replace=False)
        classes = sorted({items[i].label for i in labelled})
        class_tokens = encode([of_label[name][c][r.integers(len(of_label[name][c]))] for c in classes])
        sentence_rows = r.integers(len(sentences), size=SENTENCES)
        image_rows = np.concatenate([rows, labelled])
        images, _ = vision.augment(pixels, image_rows, r)
        with autocast():
            image_embeddings = m.encode_images(clip, images)[0]
            text_embeddings = m.encode_texts(clip, [captions[i] for i in caption_rows] + class_tokens)
            sentence_embeddings = m.encode_texts(clip, [sentences[i] for i in sentence_rows])
        caption_embeddings, class_embeddings = text_embeddings[:PAIRS], text_embeddings[PAIRS:]
        scale = clip.logit_scale.exp().clamp(max=100)
        logits, matching = scale * image_embeddings[:PAIRS] @ caption_embeddings.T, torch.arange(PAIRS)
        contrastive_loss = (F.cross_entropy(logits, matching) + F.cross_entropy(logits.T, matching)) / 2
        truth = torch.tensor([classes.index(items[i].label) for i in labelled])
        label_loss = F.cross_entropy(scale * image_embeddings[PAIRS:] @ class_embeddings.T, truth)
        image_loss = alignment_loss(image_embeddings, image_targets[image_rows]) + 0.2 * soft_contrastive_loss(
            image_embeddings, image_targets[image_rows]
        )
        texts, text_targets = (
            torch.cat([caption_embeddings, sentence_embeddings]),
            torch.cat([caption_vectors[caption_rows], sentence_vectors[sentence_rows]]),
        )
        text_loss = alignment_loss(texts, text_targets) + text.RELATIONAL_WEIGHT * relational_loss(texts, text_targets)
        return contrastive_loss + LABELS * label_loss + ANCHOR_IMAGE * image_loss + ANCHOR_TEXT * text_loss

    def validate(averaged) -> str:
        image_embeddings, text_embeddings = (
            m.encode_images(averaged, vision.centre(pixels, tune))[0],
            m.encode_texts(averaged, tune_tokens),
        )
        return f"tune: recall@1/10 of {len(tune)}: {vision.recall(image_embeddings, text_embeddings, 1):.3f} {vision.recall(image_embeddings, text_embeddings):.3f}, from text {vision.recall(text_embeddings, image_embeddings):.3f}, target cosine {(image_embeddings * image_targets[tune]).sum(1).mean():.3f}, scale {averaged.logit_scale.exp():.1f}"

    with torch.inference_mode():
        loop.log(f"before the joint stage {validate(clip.eval())}")
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
        validate=validate,
        validate_every=100,
    )
