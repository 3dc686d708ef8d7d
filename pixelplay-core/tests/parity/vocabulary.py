"""transformers' CLIP tokenizer with the vocabulary of openai/CLIP."""

import gzip
import pathlib

from transformers import CLIPTokenizer

SHARED = pathlib.Path(__file__).resolve().parents[3] / "../shared/data"


def tokenizer(data: pathlib.Path = SHARED) -> CLIPTokenizer:
    """Returns openai/CLIP's tokenizer, or a byte-level one without merges if the vocabulary is missing."""
    path = data / "tokenizer/bpe_simple_vocab_16e6.txt.gz"
    merges = []
    if path.exists():
        lines = gzip.open(path, "rt", encoding="utf-8").read().split("\n")
        merges = [tuple(line.split()) for line in lines[1 : 49152 - 256 - 2 + 1]]
    else:
        print(f"skipped: the real vocabulary ({path} is missing)")
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    moved = [byte for byte in range(256) if byte not in printable]
    chars = [chr(byte) for byte in printable] + [chr(256 + at) for at in range(len(moved))]
    tokens = chars + [char + "</w>" for char in chars] + ["".join(merge) for merge in merges]
    tokens += [f"<unused{at}>" for at in range(49406 - len(tokens))]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={token: at for at, token in enumerate(tokens)}, merges=merges, model_max_length=77)
