"""Formats the measurements as a table and as a plot."""

from pathlib import Path

COLOURS = {"encoder": "#1b6ca8", "colours alone": "#e0903a"}


def interval(pair: tuple[float, float] | None) -> str:
    return "" if pair is None else f"{pair[0]:.3f} to {pair[1]:.3f}"


def table(found: dict) -> str:
    lines = [
        f"{found['encoder']} ({found['fingerprint']}), {found['songs']} songs. Intervals contain 95 % of 2,000 bootstrap samples;"
        " OASIS is resampled by whole themes.",
        "",
        "| measure | n | chance | encoder | interval | colours alone | interval | difference |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for line in found["figures"]:
        colours = "" if line["colours"] is None else f"{line['colours']:.3f}"
        lines.append(
            f"| {line['name']} | {line['pictures']} | {line['chance']:.3f} | {line['encoder']:.3f} | "
            f"{interval(line['interval'])} | {colours} | {interval(line['colours_interval'])} | {interval(line['difference'])} |"
        )
    even = found["evenness"]
    lines += [
        "",
        f"Of {even['songs']} songs {even['songs_ever_shown']} ({100 * even['share_ever_shown']:.1f} %) are among the first 50 of "
        f"any of {even['queries']} test pictures; skewness of how often {even['skewness']:.2f}, Gini coefficient "
        f"{even['gini']:.3f}.",
        "",
        *(
            f"A title among the first ten names what the picture shows for {100 * echo['named']:.0f} % of the pictures "
            f"({name}); for random pictures {100 * echo['by_chance']:.0f} %; the catalogue has such a title for "
            f"{100 * echo['ceiling']:.0f} %."
            for name, echo in found["echo"].items()
        ),
        "",
        "Requests with the lowest AUC: "
        + ", ".join(
            f"{text} ({value:.2f})" for text, value in sorted(found["requests"].items(), key=lambda x: x[1])[:5]
        )
        + ".",
    ]
    return "\n".join(lines)


def plot(found: dict, out: Path) -> None:
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    lines = found["figures"][::-1]
    drawing, axes = plt.subplots(figsize=(9, 0.42 * len(lines) + 1.2))
    for shift, name, value, span in [
        (0.14, "encoder", "encoder", "interval"),
        (-0.14, "colours alone", "colours", "colours_interval"),
    ]:
        shown = [(place + shift, line) for place, line in enumerate(lines) if line[value] is not None]
        for place, line in shown:
            axes.plot(line[span], [place] * 2, color=COLOURS[name], linewidth=2)
        axes.plot(
            [line[value] for _, line in shown], [place for place, _ in shown], "o", color=COLOURS[name], label=name
        )
    axes.plot([line["chance"] for line in lines], range(len(lines)), "|", color="black", markersize=14, label="chance")
    axes.legend(loc="upper right")
    axes.set_yticks(range(len(lines)), [line["name"] for line in lines])
    axes.set_title(f"{found['encoder']}: does the music fit the picture?")
    axes.grid(axis="x", alpha=0.3)
    drawing.tight_layout()
    drawing.savefig(out, metadata={"Date": None})
