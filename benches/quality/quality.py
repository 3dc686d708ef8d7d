"""Does the music fit the picture? Measures an encoder on pictures that people labelled. See --help."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

HELP = """Measures how well music fits pictures, with the pictures that training leaves out.

Measures recall of captions, accuracy of scenes, agreement of moods with what people felt, plain requests for songs, and
how evenly a catalogue is used. Each is shown next to the results of chance and of colours alone, with bootstrap intervals.

  python benches/quality/quality.py                                  # the embedded checkpoint
  python benches/quality/quality.py --encoder clip-vit-base-patch32/ # a full CLIP
"""


def main() -> None:
    root = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data",
        type=Path,
        default=root.parent / "shared/data",
        help="the folder that contains train/ (default: %(default)s)",
    )
    parser.add_argument("--encoder", type=Path, help="a CLIPModel folder (default: the embedded checkpoint)")
    parser.add_argument("--songs", type=Path, help="a table of songs (default: TidyTuesday's in the data folder)")
    parser.add_argument(
        "--out", type=Path, help="where to write .json, .md and .svg files: their path without the extension"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    a = parser.parse_args()
    songs = a.songs or a.data / "songs/tidytuesday_spotify_songs.csv.gz"
    for needed in (a.data / "train", songs):
        if not needed.exists():
            raise SystemExit(
                f"{needed} is missing: --data must be the folder that contains train/, and --songs a table"
            )
    try:
        import pixelplay as pp
        import report
        import yardstick
    except ImportError as error:
        raise SystemExit(f"{error}: pip install ./pixelplay-py -r benches/quality/requirements.txt") from error

    encoder = pp.Encoder(a.encoder)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "songs.arrow"
        pp.build_index(songs, path, encoder=encoder, progress=sys.stderr.isatty())
        found = yardstick.measure(a.data, encoder, pp.SongIndex.open(path, mmap=False), pp.starter_index(encoder))
    print(json.dumps(found, indent=1) if a.json else report.table(found))
    if a.out:
        a.out.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
        a.out.with_suffix(".md").write_text(report.table(found) + "\n")
        report.plot(found, a.out.with_suffix(".svg"))


if __name__ == "__main__":
    main()
