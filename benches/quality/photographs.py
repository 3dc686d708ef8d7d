"""Prints a page with the first ten songs found for each of twelve photographs. See --help."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

HELP = """Prints, in Markdown, the first ten songs found for each of twelve photographs in the starter catalogue and in
TidyTuesday's songs, so that people can judge for themselves whether the music fits. The photographs are not part of the
project; the page says what each shows.

  python benches/quality/photographs.py > benches/record/twelve-photographs.md
  python benches/quality/photographs.py --json > before.json            # with the wheel of another version, then
  python benches/quality/photographs.py --before before.json > page.md  # both side by side
"""
# What each photograph shows, as described by a person. They were chosen by hand from OASIS and scikit-image, for
# variety, before any song was seen.
PHOTOGRAPHS = {
    "oasis/sunflower_1.jpg": "sunflowers in a field, blue hills behind",
    "oasis/lake_4.jpg": "a misty mountain lake and a dark jetty",
    "oasis/lightning_1.jpg": "lightning over still water, cliffs and a pale sunset",
    "oasis/beach_5.jpg": "two glasses of sparkling wine at sunset by the sea",
    "oasis/wedding_6.jpg": "bride and groom behind a decorated turquoise car, by a lake",
    "oasis/snow_3.jpg": "soft snow drifts in grey light",
    "oasis/dog_6.jpg": "a puppy in a spotted cup on the grass",
    "oasis/tornado_3.jpg": "a tornado under a greenish sky",
    "oasis/city_1.jpg": "a city of towers from above, in brown light",
    "skimage/coffee.png": "a cup of espresso on a wooden table",
    "skimage/hubble_deep_field.jpg": "galaxies in the black of space",
    "oasis/jail_2.jpg": "an empty green prison cell with open bars",
}
# The maximum length of a title, so that two fit next to each other.
LONGEST = 44


def ten(data: Path, songs: Path) -> dict[str, dict[str, list[str]]]:
    """Returns the first ten songs for each catalogue and photograph, as title, artist and match."""
    import pixelplay as pp

    encoder = pp.Encoder()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "songs.arrow"
        pp.build_index(songs, path, encoder=encoder, progress=sys.stderr.isatty())
        catalogues = {
            "the starter catalogue": pp.starter_index(encoder),
            "TidyTuesday's songs": pp.SongIndex.open(path, mmap=False),
        }
        return {
            name: {
                photograph: [_line(hit) for hit in index.search(encoder.encode_image(data / photograph), k=10)]
                for photograph in PHOTOGRAPHS
            }
            for name, index in catalogues.items()
        }


def _line(hit) -> str:
    title = f"{hit.song['title']} - {hit.song['artist']}"
    short = title if len(title) <= LONGEST else title[: LONGEST - 3] + "..."
    return f"{short} ({hit.match_percent:.0f} %)".replace("|", "/")


def page(now: dict, before: dict | None) -> str:
    lines = ["# The first ten songs of twelve photographs", ""]
    lines += [f"Made by `benches/quality/photographs.py{' --before ...' if before else ''}`.", ""]
    for photograph, shows in PHOTOGRAPHS.items():
        lines += [f"## {shows[:1].upper()}{shows[1:]}", "", f"`{photograph}`", ""]
        columns = [(name, lists[photograph]) for name, lists in now.items()]
        if before:
            earlier = [(f"{name}, before", before[name][photograph]) for name in now]
            columns = [column for pair in zip(earlier, columns) for column in pair]
        lines.append("| | " + " | ".join(name for name, _ in columns) + " |")
        lines.append("|---|" + "---|" * len(columns))
        for rank, row in enumerate(zip(*(songs for _, songs in columns)), 1):
            lines.append(f"| {rank} | " + " | ".join(row) + " |")
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    root = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=root.parent / "shared/data", help="(default: %(default)s)")
    parser.add_argument("--before", type=Path, help="the output of --json with another version")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the page")
    a = parser.parse_args()
    songs = a.data / "songs/tidytuesday_spotify_songs.csv.gz"
    for needed in (a.data / "photos", songs):
        if not needed.exists():
            raise SystemExit(f"{needed} is missing: --data must be the folder that contains photos/ and songs/")
    found = ten(a.data / "photos", songs)
    before = json.loads(a.before.read_text()) if a.before else None
    print(json.dumps(found, indent=1) if a.json else page(found, before))


if __name__ == "__main__":
    main()
