"""python -m unittest discover models/train — the parts of the recipe that could be wrong without anyone noticing."""

import os
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

import eight_bits
import evaluate  # noqa: F401  checks that it can be imported
import loop
import losses
import maps
import model
import moods
import numpy as np
import space
import text as text_tower
import timm
import tokenizer
import torch
import tower
import vocabulary
from PIL import Image
from transformers import CLIPTokenizerFast

import data

# A checkpoint written by this recipe: the embedded one, or another one.
CHECKPOINT = Path(os.environ.get("PIXELPLAY_CHECKPOINT", Path(__file__).parents[1] / "pixelplay-mini"))
DATA = Path(os.environ.get("PIXELPLAY_DATA", Path(__file__).parents[2] / "../shared/data"))


def picture(width: int, height: int) -> Image.Image:
    """Draws smooth colour waves that differ from all their mirror images and shifts."""
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / 9 + y / 23), np.cos(x / 31 - y / 12), np.sin((x + 2 * y) / 40)]
    return Image.fromarray(np.uint8(127.5 + 120 * np.stack(waves, -1)))


class Recipe(unittest.TestCase):
    def test_square_is_what_the_checkpoints_transform_does(self):
        import open_clip

        with tempfile.TemporaryDirectory() as floats:
            eight_bits.float_folder(CHECKPOINT, Path(floats))
            transform = open_clip.create_model_and_transforms(f"local-dir:{floats}")[2]
        for size in ((448, 400), (224, 231), (333, 317), (50, 77), (224, 224)):
            got = data.square(picture(*size), model.IMAGE) / 127.5 - 1
            want = transform(picture(*size)).permute(1, 2, 0).numpy()
            # If an odd number of rows is cropped, torchvision and Pillow's users put the odd row on different sides.
            if (max(size) * model.IMAGE // min(size) - model.IMAGE) % 2 == 0:
                np.testing.assert_allclose(got, want, atol=1e-6, err_msg=str(size))

    def test_the_frozen_and_the_trained_stages_are_the_whole_tower(self):
        trunk = timm.create_model(f"tf_efficientnet_{model.TOWER}", num_classes=0).eval()
        x = model.normalize(255 * torch.rand(2, 3, model.IMAGE, model.IMAGE))
        with torch.inference_mode():
            front = tower.Front(trunk).eval()
            torch.testing.assert_close(tower.Back(trunk).eval()(front(x)), trunk(x))
            run = tower.Runtime(front, model.IMAGE, model.IMAGE, 3)
            np.testing.assert_allclose(run(x.numpy()), front(x).numpy(), atol=2e-3)

    def test_a_crop_shows_a_part_and_is_the_same_each_time(self):
        whole = np.asarray(picture(128, 128))
        one, again = (maps.crop(whole, np.random.default_rng(3)) for _ in range(2))
        np.testing.assert_array_equal(one, again)
        sizes = [maps.crop(whole, np.random.default_rng(i)).shape for i in range(50)]
        self.assertGreater(min(h * w for h, w, _ in sizes), 0.4 * 128 * 128)
        self.assertGreater(len(set(sizes)), 40)

    def test_a_text_is_the_same_alone_and_in_open_clips_padding(self):
        clip = model.new_model(0)
        ids = [
            [model.VOCABULARY - 2, 5, 9, model.VOCABULARY - 1],
            [model.VOCABULARY - 2, *range(40), model.VOCABULARY - 1],
        ]
        padded = torch.tensor([i + [model.VOCABULARY - 1] * (model.CONTEXT - len(i)) for i in ids])
        with torch.inference_mode():
            got, want = model.encode_texts(clip, ids), clip.encode_text(padded, normalize=True)
            torch.testing.assert_close(got, want, atol=1e-5, rtol=0)
            torch.testing.assert_close(model.encode_texts(clip, ids[:1]), want[:1], atol=1e-5, rtol=0)

    def test_an_untrained_text_tower_answers_with_the_mean_of_its_words(self):
        clip, r = model.new_model(0), np.random.default_rng(0)
        words = r.standard_normal((model.VOCABULARY, 60)) @ r.standard_normal((60, model.DIM))
        words /= np.linalg.norm(words, axis=1, keepdims=True)
        text_tower.begin(clip, words.astype(np.float32))
        ids = [[model.VOCABULARY - 2, *r.integers(512, 12_000, 4), model.VOCABULARY - 1] for _ in range(20)]
        with torch.inference_mode():
            found = model.encode_texts(clip, ids).numpy()
        mean = space.unit(np.stack([words[i[1:-1]].mean(0) for i in ids]))
        own, other = (found * mean).sum(1).mean(), (found * mean[::-1]).sum(1).mean()
        self.assertGreater(own - other, 0.4, f"{own} {other}")

    def test_a_killed_run_goes_on_as_if_it_had_not_been(self):
        def run(folder: Path, stop_at: int | None) -> torch.Tensor:
            torch.manual_seed(0)
            net = torch.nn.Linear(4, 4)

            def loss_of(step, progress, r):
                if step == stop_at:
                    raise KeyboardInterrupt
                return (net(torch.from_numpy(r.normal(size=(8, 4)).astype(np.float32))) - 1).square().mean()

            return loop.fit("t", folder, net, loss_of, steps=9, rate=1e-2, seed=(1, 0), warmup=2).weight.clone()

        with tempfile.TemporaryDirectory() as whole, tempfile.TemporaryDirectory() as broken:
            want = run(Path(whole), None)
            with self.assertRaises(SystemExit):
                run(Path(broken), 5)
            self.assertTrue(torch.equal(run(Path(broken), None), want))

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

    def test_eight_bits_are_near_and_stay_what_they_are(self):
        r = np.random.default_rng(0)
        scales = 10.0 ** r.integers(-4, 3, (64, 1, 1, 1))
        kernels = (r.standard_normal((64, 8, 3, 3)) * scales).astype(np.float32)
        kernels[5] = 0
        tensors = {"kernels": kernels, "bias": r.standard_normal(64).astype(np.float32)}
        packed = eight_bits.pack(tensors)
        self.assertEqual(set(packed), {"kernels", "kernels.scale", "bias"})
        self.assertEqual(packed["kernels"].dtype, np.int8)
        floats = eight_bits.unpack(packed)
        self.assertEqual(set(floats), set(tensors))
        step = np.abs(kernels).max((1, 2, 3), keepdims=True) / 127
        self.assertLessEqual((np.abs(floats["kernels"] - kernels) - step * 0.501).max(), 0)
        again = eight_bits.unpack(eight_bits.pack(floats))
        np.testing.assert_allclose(again["kernels"], floats["kernels"], rtol=1e-6)

    def test_only_a_mood_that_is_spoken_of_moves_a_text(self):
        known = space.Space(np.zeros(3), np.eye(3, space.SHOWN), np.eye(3, 2), np.zeros(2))
        moods_of = [known.texts(np.array([[v, 0, 1.0]]))[0] @ space.rotation()[space.SHOWN] for v in (-2, -0.4, 0.4, 2)]
        self.assertLess(moods_of[0], -0.1)
        np.testing.assert_allclose(moods_of[1:3], 0, atol=1e-6)
        self.assertAlmostEqual(moods_of[3], -moods_of[0], places=5)

    def test_spearman_known_answers(self):
        self.assertAlmostEqual(moods.spearman([1, 2, 3, 4], [10, 20, 30, 4000]), 1.0)
        # 1 - 6 * (1 + 1 + 0 + 0) / (4 * 15) without ties
        self.assertAlmostEqual(moods.spearman([1, 2, 3, 4], [2, 1, 3, 4]), 0.8)
        # ties take the mean rank: ranks 1.5, 1.5, 3 against 1, 2, 3
        self.assertAlmostEqual(moods.spearman([5, 5, 9], [1, 2, 3]), 3**0.5 / 2)

    def test_a_place_in_the_space_tells_what_is_shown_and_mood(self):
        r = np.random.default_rng(0)
        shown, mood = r.standard_normal((5, space.SHOWN)).astype(np.float32), r.standard_normal((5, 2))
        own = space.Space(*[np.empty(0)] * 4)
        placed = own.place(shown, mood)
        np.testing.assert_allclose(np.linalg.norm(placed, axis=1), 1, atol=1e-5)
        back = placed @ space.rotation().T
        length = np.linalg.norm(back[:, : space.SHOWN], axis=1, keepdims=True)
        np.testing.assert_allclose(back[:, space.SHOWN :] / length / space.WEIGHT, mood, atol=1e-4)
        self.assertLess(losses.alignment_loss(*[torch.from_numpy(placed)] * 2), 1e-5)
        sad, happy = (torch.from_numpy(own.place(shown, mood + [[v, 0]])) for v in (-1, 1))
        # An error in the mood costs more than its share of the cosine.
        self.assertGreater(losses.alignment_loss(sad, happy), 1 - (sad * happy).sum(1).mean() + 0.05)

    def test_pictures_of_one_text_are_no_rivals(self):
        r = np.random.default_rng(0)
        images = torch.from_numpy(space.unit(r.standard_normal((4, model.DIM))))
        places = torch.eye(4, model.DIM)[[0, 0, 2, 3]]
        scale = torch.tensor(20.0)
        swapped = losses.contrastive_loss(images[[1, 0, 2, 3]], places, scale, places)
        torch.testing.assert_close(losses.contrastive_loss(images, places, scale, places), swapped)
        right = losses.contrastive_loss(places, places, scale, places)
        self.assertAlmostEqual(right.item(), np.log(2) / 2, places=4)
        # Among the additional texts, only those that say the same are right answers; all others are wrong answers.
        same, foreign = losses.contrastive_loss(places, places, scale, places, places[:1]), torch.eye(4, model.DIM)[3:]
        self.assertAlmostEqual(same.item(), (np.log(2) / 2 + np.log(3) / 2) / 2, places=4)
        self.assertGreater(
            losses.contrastive_loss(places[:3], places[:3], scale, places[:3], foreign + 0.5).item(), 0.3
        )

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
        # The norms are noise. With more features than pictures, a regression can reproduce norms it has seen, but no others.
        r = np.random.default_rng(0)
        n = 240
        items = [
            data.Picture("oasis", str(i), "train", f"theme {i // 4}", valence=v, arousal=a)
            for i, (v, a) in enumerate(r.standard_normal((n, 2)))
        ]
        features, unit = r.standard_normal((n, 400)), space.unit(r.standard_normal((n, 20)))
        pixels = r.integers(0, 255, (n, 12, 12, 3), np.uint8)
        _, agreement = moods.of_pictures(
            items, pixels, features, r.standard_normal((n, 30)), unit, r.standard_normal((n, 2))
        )
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

    @unittest.skipUnless((DATA / "train").is_dir(), f"skipped: {DATA} is not there")
    def test_no_test_picture_or_theme_is_trained_on(self):
        self.assertEqual(sum(p.set == "flickr8k" and p.split == "test" for p in data.pictures(DATA)), 1000)
        for tuning in (False, True):
            self._check_splits(data.learnt(DATA, tuning))

    def _check_splits(self, items):
        def by_split(split, of):
            return {of(p) for p in items if p.split == split}

        for split in ("train", "tune"):
            self.assertFalse(by_split(split, lambda p: (p.set, p.file)) & by_split("test", lambda p: (p.set, p.file)))
        themes = [{p.label for p in items if p.set == "oasis" and p.split == s} for s in ("train", "test")]
        self.assertFalse(themes[0] & themes[1])
        tuned = {p.label for p in items if p.set == "oasis" and p.split == "tune"}
        self.assertFalse(tuned & (themes[0] | themes[1]))


if __name__ == "__main__":
    unittest.main()
