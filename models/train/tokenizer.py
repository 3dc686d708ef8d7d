"""A small CLIP tokenizer with CLIP's normalizer, pre-tokenizer and post-processor, but its own merges."""

import json
import os
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from transformers import CLIPTokenizerFast

START, END = "<|startoftext|>", "<|endoftext|>"
MAX_TOKENS = 77


def train(texts: list[str], vocabulary: int, out: Path) -> None:
    """Trains the tokenizer and writes tokenizer.json. Ids are in CLIP's order: bytes, bytes at the end of a word,
    merges, start, end."""
    reference = CLIPTokenizerFast().backend_tokenizer
    trained = Tokenizer(BPE(continuing_subword_prefix="", end_of_word_suffix="</w>"))
    trained.normalizer, trained.pre_tokenizer = reference.normalizer, reference.pre_tokenizer
    alphabet = bytes_to_unicode()
    trainer = BpeTrainer(
        vocab_size=vocabulary - 2, initial_alphabet=alphabet, end_of_word_suffix="</w>", show_progress=False
    )
    trained.train_from_iterator(texts, trainer)
    merges = [tuple(m) for m in json.loads(trained.to_str())["model"]["merges"]]
    base = alphabet + [a + "</w>" for a in alphabet]
    merges = merges[: vocabulary - 2 - len(base)]
    words = list(dict.fromkeys(base + ["".join(m) for m in merges])) + [START, END]
    tokenizer = CLIPTokenizerFast(vocab={w: i for i, w in enumerate(words)}, merges=merges)
    temporary = out.with_name(out.name + ".tmp")
    temporary.write_text(
        json.dumps(json.loads(tokenizer.backend_tokenizer.to_str()), ensure_ascii=False, separators=(",", ":"))
    )
    os.replace(temporary, out)


def bytes_to_unicode() -> list[str]:
    """Returns GPT-2's printable characters for the 256 bytes, in the usual order of the byte-level alphabet."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    rest = [256 + i for i in range(256 - len(printable))]
    return [chr(c) for c in printable + rest]


class Encode:
    """Encodes texts to token ids with start and end: at most 77 ids, always including the end."""

    def __init__(self, path: Path):
        self.tokenizer = Tokenizer.from_file(str(path))
        self.tokenizer.enable_truncation(MAX_TOKENS)
        self.start, self.end = self.tokenizer.token_to_id(START), self.tokenizer.token_to_id(END)

    def __call__(self, texts: list[str]) -> list[list[int]]:
        return [e.ids for e in self.tokenizer.encode_batch(texts)]
