"""Runs the quality benchmark on the training themes with several weights of titles. See --help."""

import argparse
import sys
import tempfile
from pathlib import Path

HELP = """Prints a table with one row per weight of titles. It evaluates the songs found for pictures of OASIS's training
themes, in TidyTuesday's songs and in the starter catalogue. The weight is chosen with this table; quality.py then uses
the test themes.

Columns: lift of echo@10 over chance in both catalogues; Spearman correlation of the first 20 songs' valence and energy
with people's ratings; songs among the first 50 of any of about 2,400 training pictures; AUC of the 40 and of the 32 requests.

  python benches/quality/weights.py > weights.md
"""
WEIGHTS = (0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0)
PICTURES_A_SET = 1000


def main() -> None:
    root = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=root.parent / "shared/data", help="(default: %(default)s)")
    parser.add_argument("--encoder", type=Path, help="a CLIPModel folder (default: the embedded checkpoint)")
    a = parser.parse_args()
    songs = a.data / "songs/tidytuesday_spotify_songs.csv.gz"
    for needed in (a.data / "train", songs):
        if not needed.exists():
            raise SystemExit(f"{needed} is missing: --data must be the folder that contains train/ and songs/")
    import numpy as np
    import pixelplay as pp
    import yardstick
    from measures import spearman

    encoder = pp.Encoder(a.encoder)
    oasis = yardstick.pictures(a.data, encoder, "oasis", "train")
    others = [
        np.asarray(encoder.encode_images(yardstick.pictures(a.data, encoder, name, "train").pixels[:PICTURES_A_SET]))
        for name in ("flickr8k", "intel-scenes")
    ]
    queries = np.concatenate([np.asarray(oasis.embeddings), *others])
    print(
        "| weight | echo@10, TidyTuesday | echo@10, starter | valence | energy | songs shown | 40 requests | 32 requests |"
    )
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for weight in WEIGHTS:
            indexes = []
            for name, table in (("songs", songs), ("starter", root / "data/starter.csv")):
                path = Path(folder) / f"{name}-{weight}.arrow"
                pp.build_index(table, path, encoder=encoder, titles=weight, progress=sys.stderr.isatty())
                indexes.append(pp.SongIndex.open(path, mmap=False))
            index, starter = indexes
            echoes = [yardstick.echoes(a.data, encoder, each, "train").lift for each in indexes]
            heard = yardstick.song_moods(oasis, index)
            moods = [
                spearman(heard[feature], [getattr(p, felt) for p in oasis.items])
                for feature, felt in (("valence", "valence"), ("energy", "arousal"))
            ]
            asked, _ = yardstick.requests(encoder, starter)
            shown = index.hubness(queries, k=50).to_dict()["songs_ever_shown"]
            values = [*echoes, *moods]
            aucs = [line.encoder for line in asked]
            cells = [f"{value:.3f}" for value in values] + [f"{shown:,}"] + [f"{value:.3f}" for value in aucs]
            print(f"| {weight} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
