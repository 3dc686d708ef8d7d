"""Writes ../fixtures/encoder/tokens.json: texts, and their token ids from transformers.

    python make_tokens.py          # with the packages of tokens.txt and ../shared/data

The ids are truncated to 77 and keep the end token, as in transformers. The file contains no vocabulary.
"""

import json
import pathlib
import random
import sys

import transformers
from vocabulary import SHARED, tokenizer

OUT = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "encoder" / "tokens.json"

PLAIN = """
a photo of a cat|Hello World!|rainy night drive|sunset over the ocean, warm light|neon street in the rain
slow and sad|upbeat summer pop|heavy metal riff|lo-fi beats to study to|a song from the 80s|90's R&B
AC/DC - Back In Black|Beyonc\u00e9|Sigur R\u00f3s|Mot\u00f6rhead|Bj\u00f6rk|P!nk|Ke$ha|deadmau5|blink-182|will.i.am|(500) Days of Summer
1999|24K Magic|3:16|7/11|99.9%|$1,000,000|+44 20 7946 0958|2026-11-22T16:09:04Z|1e-9|0x1F|3.14159265358979
it's|we're|I'd|they'll|you've|I'm|don't|DON'T|'Twas|rock 'n' roll|the '90s|o'clock's|'s|''s|'S|'LL|x'y'z|let\u2019s
#hashtag @someone|C++ vs C#|foo_bar-baz|snake_case|camelCase|e.g. this, i.e. that...|wait... what?!|!!!|???|---|--|*bold*
https://example.org/a?b=c&d=e#f|mail@example.org|C:\\temp\\new|~/.config|a/b\\c|<b>bold</b>|<br/>|[link](url)|{json: true}
&amp;|&lt;3|&#39;|&eacute;|&nbsp;|Tom &amp; Jerry|&amp;amp;|&hearts;|rock &quot;n&quot; roll|R&#38;B|&#x1F600;
<|startoftext|>|<|endoftext|>|a <|endoftext|> b|<|startoftext|>a<|endoftext|>|<|endoftext|><|endoftext|>|<|END OF TEXT|>|<|EndOfText|>|<|pad|>
antidisestablishmentarianism|pneumonoultramicroscopicsilicovolcanoconiosis|Donaudampfschifffahrtsgesellschaft|llanfairpwllgwyngyll
magnificent|magnificently|hello|hello world!|the the the|a|A|.|0|00|01|10|100|i|I|ii|III|IV
""".strip()

COMPOSED = "\u00e9 \u00e8 \u00ea \u00f1 \u00fc \u00e5 \u00e7 \u0151 \u1ec7 \u01d8 \u1e69 \u212b \u2126 \ufb01 \ufb03 \u00df \u1e9e \u0130 \u0131 \u01c5 \u03c2 \u03a3 \u00b5 \u017f \u212a"
DECOMPOSED = "e\u0301 e\u0300 e\u0302 n\u0303 u\u0308 A\u030a c\u0327 o\u030b e\u0323\u0302 u\u0308\u0301 s\u0323\u0307 s\u0307\u0323 I\u0307 i\u0307 \u03c5\u0308\u0301 a\u0315\u0300\u05ae\u0062 q\u0307\u0323"
EMOJI = """
\U0001f600 \U0001f3b8 \U0001f3b6 \u2764 \u2764\ufe0f \u2764\ufe0e \u263a \u00a9 \u2122 1\ufe0f\u20e3 #\ufe0f\u20e3 \U0001f44d\U0001f3fd \U0001f1e9\U0001f1ea \U0001f1fa\U0001f1f8\U0001f1eb\U0001f1f7
\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 \U0001f3f3\ufe0f\u200d\U0001f308 \U0001f469\U0001f3fe\u200d\U0001f680 \U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f
\U0001fae0 \U0001fac6 \U0001f9ff \U0001f6dc \u270a \u231b \u2600\ufe0f\u2614 \U0001f525\U0001f525\U0001f525
""".split()
SCRIPTS = """
\u96e8\u306e\u591c|\u6771\u4eac|\u30ab\u30bf\u30ab\u30ca\u3068\u3072\u3089\u304c\u306a|\uff76\uff9e\uff77\uff9e|\uff21\uff22\uff23\uff11\uff12\uff13|\u4e00\u4e8c\u4e09\u56db|\u3000\u5168\u89d2\u3000\u7a7a\u767d\u3000|\u7e41\u9ad4\u4e2d\u6587\uff0c\u6a19\u9ede\u3002|\U00020bb7\u91ce\u5bb6
\ud55c\uad6d\uc5b4 \ub178\ub798|\ubc29\ud0c4\uc18c\ub144\ub2e8|\u1112\u1161\u11ab\u1100\u116e\u11a8|\uac00\u11a8|\u3131\u314f|\uac01\u11a8
\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645|\u0627\u0644\u0645\u0648\u0633\u064a\u0642\u0649 \u0661\u0662\u0663|\u0645\u064f\u0648\u0633\u0650\u064a\u0642\u064e\u0649|\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd|\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd|\u202eabc\u202c|\u200fabc\u200e|a\u2067b\u2069c|\ufefb\ufe8e
\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440|\u0451\u0436|\u0438\u0306|\u039a\u03b1\u03bb\u03b7\u03bc\u03ad\u03c1\u03b1 \u03ba\u03cc\u03c3\u03bc\u03b5|\u039f\u0394\u039f\u03a3|\u1f88\u1fbc\u0390|\u10e5\u10d0\u10e0\u10d7\u10e3\u10da\u10d8|\u1c94\u1c95|\u0540\u0561\u0575\u0565\u0580\u0565\u0576|\u0587
\u0928\u092e\u0938\u094d\u0924\u0947 \u0926\u0941\u0928\u093f\u092f\u093e|\u0915\u093c|\u0958|\u0967\u0968\u0969|\u09ac\u09be\u0982\u09b2\u09be|\u0ba4\u0bae\u0bbf\u0bb4\u0bcd|\u0bca|\u0bc6\u0bbe|\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35\u0e0a\u0e32\u0e27\u0e42\u0e25\u0e01|\u0ea5\u0eb2\u0ea7|\u0f56\u0f7c\u0f51|\u1019\u103c\u1014\u103a\u1019\u102c|\u1781\u17d2\u1798\u17c2\u179a
\u12a0\u121b\u122d\u129b|\u13e3\u13b3\u13a9|\uab70\uab71|\u1401\u14c4|\u16a0\u16a2|\U00010400\U00010428|\U0001e900\U0001e922|\U00012000|\U00013000|\ua500|\u2c80\u2c81|\u1820\u180e\u1821|\U00016e40\U00016e60|\U00010d50\U00010d70|\ua7dc\u019b
\u2160\u2171\u00bc\u00bd\u00b2\u00b3\u2460\u2776|\u3220\u3280\u3007|\u0be7\u0bf0|\U0001d7d8\U0001d400|\u2102\u2115|\u02b0\u02bc\u02c8|\u0300\u0301|\u20dd|\ufffd|\uffff|\ue000|\U0010ffff|\U000f0000
""".strip()
SPACES = [
    *"\t\n\v\f\r \x1c\x1d\x1e\x1f\x85\xa0",
    *"\u1680\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d\u2028\u2029\u202f\u205f\u2060\u3000\ufeff\u115f\u3164\u2800",
    "\r\n",
]
CONTROLS = [chr(code) for code in (*range(0x20), 0x7F, *range(0x80, 0xA0), 0xAD)]
RANGES = [
    (0x20, 0x7F),
    (0x80, 0x250),
    (0x250, 0x600),
    (0x600, 0xE00),
    (0xE00, 0x2000),
    (0x2000, 0x3000),
    (0x3000, 0xA000),
    (0xA000, 0xD800),
    (0xE000, 0x10000),
    (0x10000, 0x20000),
    (0x20000, 0x30000),
    (0x300, 0x370),
    (0x1F300, 0x1FB00),
]


def texts() -> list[str]:
    found = ["", " ", "\n", "  leading and trailing  ", "\t\tRainy\n\nNIGHT\r\n"]
    for block in (PLAIN, SCRIPTS):
        found += [text for line in block.split("\n") for text in line.split("|")]
    # `<|startoftext|>` and similar texts are split at the bars above.
    for special in ("<|startoftext|>", "<|endoftext|>", "<|END|>"):
        found += [special, f"a {special} b", f"a{special}b", f"{special}{special}", special.upper(), f" {special} "]
    found += COMPOSED.split() + DECOMPOSED.split() + [COMPOSED, DECOMPOSED, f"caf{DECOMPOSED.split()[0]} caf\u00e9"]
    found += EMOJI + ["".join(EMOJI), " ".join(EMOJI), *(f"I {emoji} music" for emoji in EMOJI[:8])]
    found += [f"one{space}two" for space in SPACES] + ["".join(SPACES), f"a{''.join(SPACES)}b"]
    found += [f"a{control}b" for control in CONTROLS] + ["\0", "\0\0\0", "a\0"]
    # Lengths around the longest text that is not cut: 75 tokens between the two special tokens.
    found += ["music " * count for count in (74, 75, 76, 300)] + ["x" * count for count in (100, 500)]
    found += ["\U0001f3b8" * 60, "\u96e8" * 90, "1" * 75, "1" * 76, "!" * 300, "a'" * 60, "\u00e9 " * 200]
    # Random texts: mixed scripts, unassigned code points, marks without a letter.
    chance = random.Random(77)
    for at in range(160):
        low, high = RANGES[at % len(RANGES)]
        found.append("".join(chr(chance.randrange(low, high)) for _ in range(chance.randrange(1, 9))))
    for _ in range(80):
        spans = (chance.choice(RANGES) for _ in range(chance.randrange(2, 9)))
        found.append("".join(chr(chance.randrange(*span)) + chance.choice(("", "", " ", "'s ")) for span in spans))
    return list(dict.fromkeys(found))


def main() -> None:
    if not (SHARED / "tokenizer").is_dir():
        sys.exit(f"the vocabulary is missing: {SHARED / 'tokenizer'}")
    clip = tokenizer()
    rows = [[text, clip(text, truncation=True)["input_ids"]] for text in texts()]
    head = json.dumps(f"transformers {transformers.__version__}")
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    OUT.write_text(f'{{"made_with": {head}, "texts": [\n{lines}\n]}}\n')
    print(f"{len(rows)} texts")


if __name__ == "__main__":
    main()
