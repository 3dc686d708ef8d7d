"""python -m unittest discover models/train — the parts of the recipe that could be wrong without anyone seeing it."""

import os
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import evaluate  # noqa: F401  that it can be
import loop
import losses
import moods
import numpy as np
import rendered
import sentences
import space
import tokenizer
import torch
import torch.nn.functional as F
import vision
import vocabulary
from PIL import Image
from transformers import CLIPImageProcessorPil, CLIPTokenizerFast

import data

CHECKPOINT = Path(__file__).parent.parent / "pixelplay-mini"
DATA = Path(os.environ.get("PIXELPLAY_DATA", Path(__file__).parents[2] / "../shared/data"))


class NoNoise:
    """A generator whose light and contrast do nothing, so that only geometry is left."""

    def __init__(self):
        self.inner = np.random.default_rng(5)

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def normal(self, mean, deviation, shape):
        return np.zeros(shape)


def picture(width: int, height: int) -> Image.Image:
    """Smooth colour waves: unlike any of its own mirror images or shifts."""
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / 9 + y / 23), np.cos(x / 31 - y / 12), np.sin((x + 2 * y) / 40)]
    return Image.fromarray(np.uint8(127.5 + 120 * np.stack(waves, -1)))


class Recipe(unittest.TestCase):
    def test_square_is_what_the_checkpoints_preprocessor_does(self):
        process = CLIPImageProcessorPil.from_pretrained(CHECKPOINT)
        for size in ((160, 128), (97, 131), (333, 217), (50, 77), (96, 96)):
            got = data.square(picture(*size), 96) / 127.5 - 1
            want = process(images=picture(*size), return_tensors="np")["pixel_values"][0].transpose(1, 2, 0)
            np.testing.assert_allclose(got, want, atol=1e-6, err_msg=str(size))

    def test_a_crop_and_its_affine_map_show_the_same_place(self):
        pixels = torch.from_numpy(np.stack([data.square(picture(128 + i, 128), 128) for i in range(16)]))
        crops, theta = vision.augment(pixels, np.arange(16), NoNoise())
        whole = pixels.permute(0, 3, 1, 2).float() / 127.5 - 1
        seen = F.grid_sample(
            whole, F.affine_grid(theta, crops.shape, align_corners=False), padding_mode="border", align_corners=False
        )
        self.assertLess((crops - seen).abs().mean((1, 2, 3)).max(), 0.03)

    def test_a_killed_run_goes_on_as_if_it_had_not_been(self):
        def run(folder: Path, stop_at: int | None) -> torch.Tensor:
            torch.manual_seed(0)
            net = torch.nn.Linear(4, 4)

            def loss_of(step, progress, r):
                if step == stop_at:
                    raise KeyboardInterrupt
                return (net(torch.from_numpy(r.normal(size=(8, 4)).astype(np.float32))) - 1).square().mean()

            return loop.fit("t", folder, net, loss_of, steps=9, rate=1e-2, seed=1, warmup=2).weight.clone()

        with tempfile.TemporaryDirectory() as whole, tempfile.TemporaryDirectory() as broken:
            want = run(Path(whole), None)
            with self.assertRaises(SystemExit):
                run(Path(broken), 5)
            self.assertTrue(torch.equal(run(Path(broken), None), want))

    def test_the_isometry_keeps_cosines(self):
        x = np.random.default_rng(0).standard_normal((20, sentences.WIDTH + 2)).astype(np.float32)
        y = x @ space.isometry(512)
        np.testing.assert_allclose(y @ y.T, x @ x.T, atol=1e-2)

    def test_the_tokenizer_is_clips_in_all_but_its_words(self):
        reference = CLIPTokenizerFast().backend_tokenizer
        ours = tokenizer.Encode(CHECKPOINT / "tokenizer.json")
        self.assertEqual(repr(ours.tokenizer.normalizer), repr(reference.normalizer))
        self.assertEqual(repr(ours.tokenizer.pre_tokenizer), repr(reference.pre_tokenizer))
        empty, long = ours(["", "rain " * 200])
        self.assertEqual(empty, [ours.start, ours.end])
        self.assertEqual((len(long), long[-1]), (tokenizer.MAX_TOKENS, ours.end))
        self.assertEqual(ours.end, ours.tokenizer.get_vocab_size() - 1)
        for text in ("naïve café, it's 2020!", "你好 🎵", "a  DOG\truns"):
            back = "".join(ours.tokenizer.id_to_token(i) for i in ours([text])[0][1:-1]).replace("</w>", " ")
            alphabet = {
                c: b
                for b, c in zip([*range(33, 127), *range(161, 173), *range(174, 256)], tokenizer.bytes_to_unicode())
            }
            alphabet |= {c: b for b, c in zip([*range(33), *range(127, 161), 173], tokenizer.bytes_to_unicode()[188:])}
            spoken = b"".join(b" " if c == " " else bytes([alphabet[c]]) for c in back).decode()
            self.assertEqual(spoken.replace(" ", ""), "".join(text.lower().split()))

    def test_spearman_known_answers(self):
        self.assertAlmostEqual(moods.spearman([1, 2, 3, 4], [10, 20, 30, 4000]), 1.0)
        # 1 - 6 * (1 + 1 + 0 + 0) / (4 * 15) without ties
        self.assertAlmostEqual(moods.spearman([1, 2, 3, 4], [2, 1, 3, 4]), 0.8)
        # ties take the mean rank: ranks 1.5, 1.5, 3 against 1, 2, 3
        self.assertAlmostEqual(moods.spearman([5, 5, 9], [1, 2, 3]), 3**0.5 / 2)

    def test_a_place_in_the_space_tells_sentence_and_mood(self):
        r = np.random.default_rng(0)
        sentence, mood = r.standard_normal((5, sentences.WIDTH)).astype(np.float32), r.standard_normal((5, 2))
        placed = space.Space(512, None, None, None).place(sentence, mood)
        np.testing.assert_allclose(np.linalg.norm(placed, axis=1), 1, atol=1e-5)
        back = placed @ space.isometry(512).T
        length = np.linalg.norm(back[:, : sentences.WIDTH], axis=1, keepdims=True)
        np.testing.assert_allclose(back[:, sentences.WIDTH :] / length / space.WEIGHT, mood, atol=1e-4)
        self.assertLess(losses.alignment_loss(*[torch.from_numpy(placed)] * 2), 1e-5)
        sad, happy = (
            torch.from_numpy(space.Space(512, None, None, None).place(sentence, mood + [[v, 0]])) for v in (-1, 1)
        )
        # What is missed of the mood costs more than its share of the cosine.
        self.assertGreater(losses.alignment_loss(sad, happy), 1 - (sad * happy).sum(1).mean() + 0.1)

    def test_ridge_is_least_squares_and_counts_are_repeats(self):
        r = np.random.default_rng(0)
        x, noise = r.standard_normal((40, 3)), 0.1 * r.standard_normal(40)
        y = x @ [1.0, -2.0, 0.5] + 3 + noise
        weights, offset = moods.ridge(x, y, 0)
        want = np.linalg.lstsq(np.c_[x, np.ones(40)], y, rcond=None)[0]
        np.testing.assert_allclose([*weights, offset], want, atol=1e-9)
        counts = r.integers(1, 4, 40)
        got, want = moods.ridge(x, y, 0.3, counts), moods.ridge(np.repeat(x, counts, 0), np.repeat(y, counts), 0.3)
        np.testing.assert_allclose(got[0], want[0], atol=1e-9)

    def test_a_rated_picture_never_tells_its_own_mood(self):
        # Norms are noise: whoever sees them can repeat them, with more features than pictures; who does not cannot.
        r = np.random.default_rng(0)
        n = 240
        items = [
            data.Picture("oasis", str(i), "train", f"theme {i // 4}", valence=v, arousal=a)
            for i, (v, a) in enumerate(r.standard_normal((n, 2)))
        ]
        features = r.standard_normal((n, 400))
        pixels = r.integers(0, 255, (n, 12, 12, 3), np.uint8)
        _, agreement = moods.of_pictures(items, pixels, features, r.standard_normal((n, 2)))
        self.assertLess(np.abs(agreement).max(), 0.25)

    def test_moods_of_words_and_phrases_have_known_answers(self):
        self.assertEqual(moods.lexicon()["happy"], 2.7 / 4)  # vader_lexicon.txt: happy 2.7
        valence, energy = moods.phrases()
        self.assertEqual(
            (valence["a field of daisies in soft sunshine"], energy["a field of daisies in soft sunshine"]), (1, -1)
        )
        self.assertAlmostEqual(valence["a gloomy overcast sky"], -2 / 3)
        self.assertEqual(energy["a frenzied crowd"], 1)
        self.assertFalse(set(vocabulary.ENERGETIC) & set(vocabulary.CALM))

    def test_what_is_drawn_is_what_its_caption_says(self):
        if not (DATA / "reference").is_dir():
            self.skipTest(f"skipped: {DATA} is not there")
        colours, valence, names = rendered.norms(DATA)
        by_name = dict(zip(names, colours.round().astype(int).tolist()))
        # Greys by CIE's formula: L* 59.4 is Y 0.2746, which sRGB stores as 143; white is 255 but for its tint.
        self.assertLess(np.abs(np.array(by_name["grey"]) - 143).max(), 3)
        self.assertGreater(min(by_name["white"]), 250)
        self.assertGreater(by_name["vivid red"][0], 2 * by_name["vivid red"][1])
        self.assertGreater(valence[names.index("vivid yellow")], 1)
        self.assertLess(valence[names.index("dark grey")], -1)

        self.assertGreaterEqual(len(rendered.KINDS), 60)
        pixels, captions, tints = rendered.draw(DATA, 2 * len(rendered.KINDS), 32)
        again = rendered.draw(DATA, len(rendered.KINDS), 32)
        self.assertTrue((again[0] == pixels[: len(rendered.KINDS)]).all())
        brightness = pixels.mean((1, 2, 3))
        night = ["at night" in c and "fireworks" not in c for c in captions]
        noon = ["in daylight" in c or "at noon" in c for c in captions]
        self.assertLess(np.median(brightness[night]), np.median(brightness[noon]) - 30)
        weather = ("rain", "snow", "fog", "grey clouds", "thunderstorm")
        self.assertFalse(
            [c for c in captions if "sunshine" in c and any(w in c.rsplit("sunshine")[-1] for w in weather)]
        )
        patterns = ~np.isnan(tints)
        self.assertEqual(patterns.sum(), 2 * len(rendered.PATTERNS))
        self.assertGreater(len(set(captions)), 0.95 * len(captions))

    @unittest.skipUnless((DATA / "train").is_dir(), f"skipped: {DATA} is not there")
    def test_no_test_picture_or_theme_is_trained_on(self):
        items = data.pictures(DATA)

        def by_split(split, of):
            return {of(p) for p in items if p.split == split}

        for split in ("train", "tune"):
            self.assertFalse(by_split(split, lambda p: (p.set, p.file)) & by_split("test", lambda p: (p.set, p.file)))
        themes = [{p.label for p in items if p.set == "oasis" and p.split == s} for s in ("train", "test")]
        self.assertFalse(themes[0] & themes[1])
        self.assertEqual(sum(p.set == "flickr8k" and p.split == "test" for p in items), 1000)


if __name__ == "__main__":
    unittest.main()
