"""Pictures drawn by the recipe: scenes and patterns with captions that are right by construction, and colours that people rated.

Photographs teach what things look like; these add what few of them show: night, snow, storms, fireworks, plain colours,
patterns. A scene is a place at a time in a weather with something in it; a pattern has a palette, of which the Berkeley
colours' norms tell how happy or sad it is."""

import csv
import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIDE = 256  # drawn at; kept at data.SIDE

# Sky (top, horizon), how light the ground is, words.
TIMES = {
    "at dawn": ((110, 130, 190), (250, 190, 170), 0.7),
    "in daylight": ((70, 140, 230), (190, 220, 250), 1.0),
    "at noon in bright sunshine": ((40, 120, 240), (170, 215, 255), 1.1),
    "at sunset": ((90, 60, 130), (255, 140, 60), 0.65),
    "at dusk": ((40, 40, 90), (150, 100, 140), 0.4),
    "at night": ((5, 8, 25), (20, 25, 55), 0.18),
}
WEATHERS = ["", "", "", "under grey clouds", "in heavy rain", "in the snow", "in thick fog", "in a thunderstorm"]

# Ground colour, what stands behind (kind, colour, height), things that may stand in it.
PLACES = {
    "a sandy beach": ((225, 200, 150), [("water", (40, 120, 170), 0.18)], ["palm", "person", "umbrella", "boat"]),
    "the open sea": ((30, 90, 140), [], ["boat", "bird", "wave"]),
    "a rocky coast": ((90, 85, 80), [("water", (50, 100, 140), 0.2)], ["rock", "wave", "lighthouse"]),
    "a mountain lake": (
        (60, 110, 130),
        [("peaks", (110, 115, 130), 0.35), ("trees", (30, 70, 50), 0.06)],
        ["boat", "bird"],
    ),
    "snowy mountains": ((235, 240, 245), [("peaks", (200, 210, 225), 0.45)], ["pine", "person"]),
    "green hills": (
        (90, 150, 60),
        [("hills", (70, 130, 60), 0.2), ("hills", (110, 160, 90), 0.12)],
        ["tree", "cow", "house"],
    ),
    "a desert": ((220, 180, 110), [("hills", (200, 150, 90), 0.15)], ["cactus", "rock"]),
    "sand dunes": ((230, 190, 120), [("hills", (210, 165, 95), 0.25), ("hills", (240, 205, 140), 0.1)], ["person"]),
    "a red canyon": (
        (170, 90, 60),
        [("mesas", (160, 75, 50), 0.35), ("mesas", (190, 100, 65), 0.2)],
        ["cactus", "bird"],
    ),
    "a pine forest": (
        (50, 70, 40),
        [("pines", (25, 60, 40), 0.5), ("pines", (35, 75, 45), 0.35)],
        ["pine", "pine", "bird"],
    ),
    "a jungle": (
        (30, 80, 30),
        [("trees", (20, 90, 40), 0.55), ("trees", (40, 120, 50), 0.35)],
        ["palm", "palm", "bird"],
    ),
    "an autumn forest": (
        (150, 100, 40),
        [("trees", (200, 110, 40), 0.5), ("trees", (220, 160, 50), 0.3)],
        ["autumn", "person"],
    ),
    "a meadow full of flowers": ((100, 170, 70), [("hills", (90, 150, 80), 0.12)], ["flowers", "flowers", "butterfly"]),
    "a field of sunflowers": ((120, 150, 50), [("hills", (100, 140, 70), 0.1)], ["sunflowers", "sunflowers"]),
    "a wheat field": ((220, 185, 90), [("trees", (60, 100, 50), 0.08)], ["bird", "tree"]),
    "a farm": ((130, 160, 70), [("hills", (100, 140, 80), 0.12)], ["barn", "cow", "cow"]),
    "a village": (
        (110, 140, 80),
        [("hills", (90, 120, 90), 0.2), ("roofs", (170, 90, 70), 0.12)],
        ["house", "house", "tree"],
    ),
    "a suburb": ((120, 160, 90), [("roofs", (150, 130, 120), 0.1)], ["house", "car", "tree"]),
    "a city skyline": (
        (60, 65, 75),
        [("skyline", (90, 95, 110), 0.55), ("skyline", (60, 65, 80), 0.35)],
        ["car", "bird"],
    ),
    "a city street": ((80, 80, 85), [("skyline", (130, 110, 100), 0.5)], ["lamp", "car", "person"]),
    "a busy street full of people": ((85, 85, 90), [("skyline", (140, 120, 110), 0.45)], ["crowd", "car"]),
    "an empty highway": ((120, 110, 90), [("hills", (130, 120, 90), 0.1)], ["road"]),
    "a country road": ((110, 150, 70), [("hills", (90, 130, 70), 0.15)], ["road", "tree"]),
    "a harbour": ((40, 80, 110), [("roofs", (150, 120, 110), 0.12)], ["boat", "boat", "boat"]),
    "a bridge over a river": ((50, 100, 130), [("skyline", (120, 120, 130), 0.2)], ["bridge", "boat"]),
    "a factory": ((90, 85, 80), [("chimneys", (80, 75, 80), 0.4)], ["smoke", "car"]),
    "a park": ((100, 160, 80), [("trees", (50, 110, 60), 0.25)], ["tree", "person", "bird"]),
    "a garden": ((90, 150, 70), [("trees", (60, 120, 60), 0.15)], ["flowers", "flowers", "house"]),
    "a graveyard": ((70, 80, 65), [("trees", (40, 45, 40), 0.2)], ["grave", "grave", "bare tree"]),
    "a burning house": ((60, 50, 45), [], ["house", "fire", "fire"]),
    "a ruined town": ((100, 95, 90), [("ruins", (110, 105, 100), 0.35)], ["smoke", "rock"]),
    "a playground": ((200, 170, 110), [("trees", (80, 140, 70), 0.2)], ["swing", "child", "child"]),
    "a football field": ((60, 140, 60), [("crowds", (120, 110, 120), 0.25)], ["player", "player", "player", "ball"]),
    "a stadium full of people": ((70, 150, 70), [("crowds", (130, 110, 130), 0.45)], ["player", "player"]),
    "a concert crowd before a stage": ((20, 15, 25), [("stage", (180, 60, 160), 0.5)], ["crowd", "crowd", "beams"]),
    "a night club with coloured lights": ((25, 10, 35), [("stage", (60, 60, 200), 0.6)], ["beams", "beams", "crowd"]),
    "an amusement park": ((110, 130, 100), [("roofs", (200, 90, 110), 0.1)], ["wheel", "balloons", "crowd"]),
    "a campsite": ((80, 110, 60), [("pines", (30, 70, 45), 0.3)], ["tent", "campfire", "person"]),
    "a cabin in the woods": ((60, 80, 50), [("pines", (25, 60, 40), 0.4)], ["barn", "pine"]),
    "a waterfall": ((50, 110, 100), [("mesas", (70, 80, 70), 0.5)], ["fall", "rock"]),
    "a tropical island": ((40, 160, 190), [("hills", (60, 140, 80), 0.15)], ["palm", "palm", "boat"]),
    "a frozen lake": ((200, 220, 235), [("pines", (60, 80, 80), 0.15)], ["bare tree", "person"]),
    "a volcano": ((60, 50, 50), [("cone", (70, 60, 60), 0.5)], ["fire", "smoke"]),
    "a swamp": ((60, 70, 45), [("trees", (50, 65, 45), 0.35)], ["bare tree", "bare tree"]),
    "a railway line": ((120, 110, 95), [("hills", (100, 120, 80), 0.12)], ["road", "train"]),
    "a vineyard": ((120, 140, 60), [("hills", (110, 130, 80), 0.2)], ["flowers", "house"]),
}
THINGS = {
    "palm": "palm trees", "person": "a lone person", "umbrella": "a beach umbrella", "boat": "a boat", "bird": "birds",
    "wave": "high waves", "rock": "rocks", "lighthouse": "a lighthouse", "pine": "pine trees", "tree": "a tree", "cow": "cows",
    "house": "a house", "cactus": "a cactus", "autumn": "orange trees", "flowers": "colourful flowers", "butterfly": "butterflies",
    "sunflowers": "sunflowers", "barn": "a wooden barn", "car": "a car", "lamp": "street lamps", "crowd": "a crowd of people",
    "road": "a long road", "bridge": "a bridge", "smoke": "black smoke", "grave": "gravestones", "bare tree": "a bare tree",
    "fire": "flames", "swing": "a swing", "child": "children playing", "player": "players running", "ball": "a ball",
    "beams": "beams of coloured light", "wheel": "a ferris wheel", "balloons": "balloons", "tent": "a tent",
    "campfire": "a campfire", "fall": "falling water", "train": "a train",
}  # fmt: skip
SKIES = {"": 6, "fireworks": 1, "a rainbow": 1, "hot air balloons": 1}
PATTERNS = """a plain surface|a smooth gradient|stripes|wavy lines|polka dots|a checkerboard|concentric circles|blurred lights|splashes of paint|a mosaic
rays of light|scribbles|triangles|a spiral|drops|static noise""".replace("\n", "|").split("|")  # fmt: skip
KINDS = [*PLACES, *PATTERNS]


def norms(data: Path) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """The 37 Berkeley colours: sRGB (37, 3) in bytes, valence (happy less sad, standardised), names in words."""
    hues = dict(zip("ROYHGCBP", "red orange yellow lime-green green turquoise blue purple".split()))
    tones = {"S": "vivid", "L": "light", "M": "dull", "D": "dark"}
    greys = {"BK": "black", "A1": "dark grey", "A2": "grey", "A3": "light grey", "WH": "white"}
    with open(data / "reference/color_emotion_bcp37.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    lab = np.array([[float(r[k]) for k in ("L", "a", "b")] for r in rows])
    f = np.stack(
        [(lab[:, 0] + 16) / 116 + lab[:, 1] / 500, (lab[:, 0] + 16) / 116, (lab[:, 0] + 16) / 116 - lab[:, 2] / 200], 1
    )
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * [0.9505, 1, 1.089]
    linear = xyz @ np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]).T
    linear = linear.clip(0, 1)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    valence = np.array([float(r["Happy"]) - float(r["Sad"]) for r in rows])
    names = [greys.get(n) or f"{tones[n[0]]} {hues[n[1]]}" for n in (r["ColorName"] for r in rows)]
    return srgb * 255, (valence - valence.mean()) / valence.std(), names


class Canvas:
    def __init__(self, r: np.random.Generator):
        self.r = r
        self.image = Image.new("RGB", (SIDE, SIDE))
        self.draw = ImageDraw.Draw(self.image)
        self.light = 1.0

    def colour(self, colour, spread: float = 12, lit: bool = True) -> tuple[int, ...]:
        x = np.array(colour, float) * (self.light if lit else 1) + self.r.normal(0, spread, 3)
        return tuple(int(v) for v in x.clip(0, 255))

    def gradient(self, top, bottom, until: float) -> None:
        height = int(SIDE * until)
        rows = np.linspace(top, bottom, max(height, 1)).clip(0, 255).astype(np.uint8)
        self.image.paste(Image.fromarray(np.repeat(rows[:, None], SIDE, 1)), (0, 0))

    def outline(self, base: float, height: float, steps: int, power: float, colour) -> None:
        """A ridge above `base` (a share of the side): random heights, joined."""
        xs = np.linspace(0, SIDE, steps)
        ys = SIDE * (base - height * self.r.random(steps) ** power)
        self.draw.polygon([(0, SIDE * base), *zip(xs, ys), (SIDE, SIDE * base)], fill=colour)

    def boxes(self, base: float, height: float, width: tuple[int, int], colour, windows: bool) -> None:
        x = -self.r.integers(0, 20)
        while x < SIDE:
            w, h = self.r.integers(*width), SIDE * height * self.r.uniform(0.35, 1)
            self.draw.rectangle([x, SIDE * base - h, x + w, SIDE * base], fill=self.colour(colour, lit=False))
            if windows:
                for wx in range(int(x) + 3, int(x + w) - 3, 7):
                    for wy in range(int(SIDE * base - h) + 4, int(SIDE * base) - 4, 9):
                        if self.r.random() < 0.5:
                            glow = (255, 220, 130) if self.light < 0.6 else (60, 80, 100)
                            self.draw.rectangle([wx, wy, wx + 3, wy + 4], fill=glow)
            x += w + self.r.integers(0, 6)

    def row(self, base: float, height: float, kind: str, colour) -> None:
        for x in range(-10, SIDE + 10, self.r.integers(9, 18)):
            h, c = SIDE * height * self.r.uniform(0.6, 1), self.colour(colour, lit=False)
            w = h * (0.3 if kind == "pines" else 0.45)
            y = SIDE * base
            if kind == "pines":
                self.draw.polygon([(x - w, y), (x, y - h), (x + w, y)], fill=c)
            else:
                self.draw.ellipse([x - w, y - h, x + w, y + h * 0.2], fill=c)

    def behind(self, kind: str, colour, height: float, base: float) -> None:
        c = self.colour(colour)
        if kind == "water":
            self.draw.rectangle([0, SIDE * base, SIDE, SIDE * (base + height)], fill=c)
        elif kind in ("hills", "peaks", "mesas", "ruins"):
            steps, power = {"hills": (7, 1), "peaks": (9, 0.7), "mesas": (14, 0.4), "ruins": (26, 0.8)}[kind]
            self.outline(base, height, steps, power, c)
        elif kind in ("pines", "trees"):
            self.row(base, height, kind, c)
        elif kind in ("skyline", "roofs", "chimneys"):
            self.boxes(
                base, height, {"skyline": (18, 50), "roofs": (14, 30), "chimneys": (10, 40)}[kind], c, kind == "skyline"
            )
        elif kind == "cone":
            x = SIDE * self.r.uniform(0.3, 0.7)
            top = SIDE * (base - height)
            self.draw.polygon([(x - 110, SIDE * base), (x - 14, top), (x + 14, top), (x + 110, SIDE * base)], fill=c)
            self.draw.polygon([(x - 14, top), (x + 14, top), (x + 3, SIDE * base)], fill=(255, 90, 20))
        elif kind == "crowds":
            self.draw.rectangle([0, SIDE * (base - height), SIDE, SIDE * base], fill=c)
            for _ in range(500):
                x, y = self.r.integers(0, SIDE), SIDE * (base - height * self.r.random())
                self.draw.ellipse([x, y, x + 4, y + 4], fill=tuple(self.r.integers(40, 255, 3)))
        elif kind == "stage":
            self.draw.rectangle([0, SIDE * (base - height), SIDE, SIDE * base], fill=self.colour(colour, 40, lit=False))

    def thing(self, kind: str, base: float) -> None:
        r, d = self.r, self.draw
        depth = r.uniform(0.1, 0.9)
        x, y = SIDE * r.uniform(0.08, 0.92), SIDE * (base + (0.95 - base) * depth)
        s = 0.5 + depth
        c = self.colour
        if kind in ("tree", "autumn", "bare tree", "pine", "palm", "cactus"):
            h = 60 * s
            d.line([x, y, x, y - h], fill=c((90, 60, 40)), width=max(2, int(5 * s)))
            if kind == "pine":
                for k in range(3):
                    w, top = 26 * s * (1 - k / 4), y - h * (0.4 + 0.3 * k)
                    d.polygon([(x - w, top + 25 * s), (x, top - 15 * s), (x + w, top + 25 * s)], fill=c((30, 80, 50)))
            elif kind == "palm":
                for a in np.linspace(-0.4, math.pi + 0.4, 8):
                    d.line(
                        [x, y - h, x + 34 * s * math.cos(a), y - h - 12 * s * math.sin(a)],
                        fill=c((40, 120, 50)),
                        width=5,
                    )
            elif kind in ("bare tree", "cactus"):
                tint = c((60, 50, 45)) if kind == "bare tree" else c((50, 120, 60))
                for a in r.uniform(0.2, math.pi - 0.2, 7):
                    d.line(
                        [x, y - h * 0.6, x + 40 * s * math.cos(a), y - h * 0.6 - 40 * s * math.sin(a)],
                        fill=tint,
                        width=3,
                    )
            else:
                tint = (60, 130, 60) if kind == "tree" else (215, 110, 35)
                for _ in range(6):
                    ox, oy, w = x + r.normal(0, 12 * s), y - h + r.normal(0, 9 * s), 18 * s
                    d.ellipse([ox - w, oy - w, ox + w, oy + w], fill=c(tint))
        elif kind in ("person", "child", "player", "crowd"):
            for _ in range({"crowd": 40, "child": 3, "player": 3}.get(kind, 1)):
                px, py = (
                    (x, y)
                    if kind == "person"
                    else (SIDE * r.random(), SIDE * (base + (0.97 - base) * r.uniform(0.3, 1)))
                )
                t = s * (0.6 if kind == "child" else 0.9)
                lean = r.normal(0, 8 * t) if kind in ("player", "child") else 0
                tint = tuple(int(v) for v in r.integers(20, 230, 3) * min(1.0, self.light + 0.2))
                d.line([px - 4 * t - lean, py, px, py - 14 * t, px + 4 * t + lean, py], fill=(30, 30, 40), width=3)
                d.line([px, py - 14 * t, px, py - 30 * t], fill=tint, width=max(3, int(7 * t)))
                if kind in ("crowd", "player", "child"):
                    d.line([px - 9 * t, py - 36 * t, px, py - 27 * t, px + 9 * t, py - 36 * t], fill=tint, width=2)
                d.ellipse([px - 4 * t, py - 39 * t, px + 4 * t, py - 31 * t], fill=c((200, 150, 120)))
        elif kind in ("house", "barn"):
            w, h = 34 * s, 30 * s
            wall = (150, 70, 50) if kind == "barn" else tuple(r.integers(140, 240, 3))
            d.rectangle([x - w, y - h, x + w, y], fill=c(wall))
            d.polygon([(x - w - 5, y - h), (x, y - h - 26 * s), (x + w + 5, y - h)], fill=c((120, 60, 50)))
            d.rectangle([x - 7 * s, y - 16 * s, x + 5 * s, y], fill=c((70, 50, 40)))
            if self.light < 0.5:
                d.rectangle([x + 12 * s, y - 22 * s, x + 22 * s, y - 12 * s], fill=(255, 215, 120))
        elif kind in ("car", "train"):
            long = 5 if kind == "train" else 1
            tint = c(tuple(r.integers(60, 240, 3)))
            d.rectangle([x - 24 * s * long, y - 12 * s, x + 24 * s, y], fill=tint)
            d.rectangle([x - 14 * s * long, y - 22 * s, x + 14 * s, y - 12 * s], fill=tint)
            for wheel in (-15 * long, 15):
                d.ellipse([x + (wheel - 5) * s, y - 5 * s, x + (wheel + 5) * s, y + 5 * s], fill=(20, 20, 20))
            if self.light < 0.5:
                d.ellipse([x + 22 * s, y - 10 * s, x + 30 * s, y - 2 * s], fill=(255, 245, 190))
        elif kind in ("flowers", "sunflowers"):
            for _ in range(70):
                fx, fy = SIDE * r.random(), SIDE * (base + (1 - base) * r.random() ** 0.7)
                w = 2 + 5 * (fy / SIDE - base) / (1 - base)
                tint = (
                    (250, 200, 30)
                    if kind == "sunflowers"
                    else [(230, 60, 80), (250, 220, 70), (200, 90, 200), (250, 250, 250)][r.integers(4)]
                )
                d.ellipse([fx - w, fy - w, fx + w, fy + w], fill=c(tint))
                if kind == "sunflowers":
                    d.ellipse([fx - w / 2, fy - w / 2, fx + w / 2, fy + w / 2], fill=c((90, 55, 20)))
        elif kind in ("bird", "butterfly"):
            for _ in range(r.integers(3, 9)):
                bx, by, w = SIDE * r.random(), SIDE * base * r.uniform(0.15, 0.95), r.uniform(4, 9)
                tint = (20, 20, 30) if kind == "bird" else tuple(r.integers(120, 255, 3))
                d.line([bx - w, by - w / 2, bx, by, bx + w, by - w / 2], fill=tint, width=2 if kind == "bird" else 4)
        elif kind == "boat":
            d.polygon(
                [(x - 26 * s, y - 9 * s), (x + 26 * s, y - 9 * s), (x + 17 * s, y), (x - 17 * s, y)],
                fill=c((150, 80, 50)),
            )
            d.polygon([(x, y - 52 * s), (x, y - 11 * s), (x + 22 * s, y - 11 * s)], fill=c((240, 240, 235)))
        elif kind in ("wave", "fall"):
            for _ in range(14):
                wx, wy = SIDE * r.random(), SIDE * (base + (1 - base) * r.random())
                if kind == "fall":
                    wx, wy = SIDE * r.uniform(0.4, 0.6), SIDE * base
                    d.line([wx, wy - SIDE * 0.45, wx, wy], fill=c((225, 235, 245)), width=6)
                else:
                    d.arc([wx - 30, wy - 14, wx + 30, wy + 24], 180, 350, fill=c((235, 245, 250)), width=4)
        elif kind in ("rock", "grave"):
            for _ in range(5):
                gx, gy, w = SIDE * r.random(), SIDE * (base + (0.95 - base) * r.random()), r.uniform(8, 18)
                if kind == "rock":
                    d.polygon(
                        [(gx - w, gy), (gx - w / 2, gy - w), (gx + w / 2, gy - w * 0.8), (gx + w, gy)],
                        fill=c((100, 95, 90)),
                    )
                else:
                    d.rectangle([gx - w / 2, gy - w * 1.4, gx + w / 2, gy], fill=c((140, 140, 140)))
        elif kind in ("lighthouse", "lamp"):
            h = 90 * s if kind == "lighthouse" else 60 * s
            d.line(
                [x, y, x, y - h],
                fill=c((235, 235, 230) if kind == "lighthouse" else (40, 40, 45)),
                width=int(14 * s) if kind == "lighthouse" else 3,
            )
            d.ellipse(
                [x - 8, y - h - 8, x + 8, y - h + 8], fill=(255, 235, 150) if self.light < 0.7 else c((200, 60, 50))
            )
        elif kind == "road":
            v = SIDE * r.uniform(0.4, 0.6)
            d.polygon(
                [(v - 3, SIDE * base), (v + 3, SIDE * base), (SIDE * 0.8, SIDE), (SIDE * 0.2, SIDE)],
                fill=c((70, 70, 75)),
            )
            d.line([v, SIDE * base, SIDE * 0.5, SIDE], fill=c((240, 230, 180)), width=3)
        elif kind == "bridge":
            by = SIDE * (base + 0.05)
            d.line([0, by, SIDE, by], fill=c((120, 60, 50)), width=8)
            for k in range(2):
                d.arc([k * 128, by - 70, k * 128 + 128, by + 70], 180, 360, fill=c((120, 60, 50)), width=5)
        elif kind in ("fire", "campfire"):
            for _ in range(25 if kind == "fire" else 10):
                fx, h = x + r.normal(0, 22 if kind == "fire" else 8), r.uniform(20, 70 if kind == "fire" else 32) * s
                d.polygon(
                    [(fx - 9, y), (fx + r.normal(0, 5), y - h), (fx + 9, y)], fill=(255, int(r.integers(60, 210)), 20)
                )
        elif kind == "smoke":
            for k in range(22):
                sx, sy, w = x + k * 3 + r.normal(0, 8), SIDE * base - k * 6, 9 + k
                g = int(r.integers(30, 80))
                d.ellipse([sx - w, sy - w, sx + w, sy + w], fill=(g, g, g))
        elif kind == "beams":
            for _ in range(7):
                bx, a = SIDE * r.random(), r.normal(0, 70)
                d.polygon([(bx, 0), (bx + a - 16, SIDE), (bx + a + 16, SIDE)], fill=tuple(r.integers(60, 255, 3)))
        elif kind == "balloons":
            for _ in range(9):
                bx, by, w = SIDE * r.random(), SIDE * r.uniform(0.1, 0.7), r.uniform(7, 14)
                d.line([bx, by, bx, by + 3 * w], fill=(90, 90, 90))
                d.ellipse([bx - w, by - 1.2 * w, bx + w, by + 1.2 * w], fill=tuple(r.integers(90, 255, 3)))
        elif kind == "wheel":
            w = 60
            cy = SIDE * base - w * 0.6
            d.ellipse([x - w, cy - w, x + w, cy + w], outline=c((230, 60, 90)), width=4)
            for a in np.linspace(0, 2 * math.pi, 11):
                wx, wy = x + w * math.cos(a), cy + w * math.sin(a)
                d.line([x, cy, wx, wy], fill=c((200, 200, 210)))
                d.ellipse([wx - 6, wy - 6, wx + 6, wy + 6], fill=tuple(r.integers(80, 255, 3)))
        elif kind in ("tent", "umbrella"):
            if kind == "umbrella":
                d.line([x, y, x, y - 40 * s], fill=c((230, 230, 230)), width=3)
                d.pieslice(
                    [x - 30 * s, y - 60 * s, x + 30 * s, y - 20 * s], 180, 360, fill=c(tuple(r.integers(100, 255, 3)))
                )
            else:
                d.polygon([(x - 34 * s, y), (x, y - 40 * s), (x + 34 * s, y)], fill=c((230, 120, 50)))
        elif kind == "swing":
            d.line([x - 30, y, x - 20, y - 70, x + 20, y - 70, x + 30, y], fill=c((200, 60, 60)), width=5)
            d.line([x, y - 70, x + 10, y - 20], fill=c((80, 80, 80)), width=2)
        elif kind == "cow":
            for _ in range(3):
                cx, cy, t = SIDE * r.random(), SIDE * (base + (0.95 - base) * r.random()), r.uniform(0.4, 0.9)
                d.ellipse(
                    [cx - 20 * t, cy - 22 * t, cx + 20 * t, cy - 6 * t],
                    fill=c((235, 230, 225) if r.random() < 0.5 else (110, 70, 50)),
                )
                for leg in (-13, 13):
                    d.line([cx + leg * t, cy - 10 * t, cx + leg * t, cy], fill=c((60, 45, 40)), width=3)
        elif kind == "ball":
            d.ellipse([x - 6, y - 12, x + 6, y], fill=(250, 250, 250))


def scene(r: np.random.Generator, place: str) -> tuple[Image.Image, str]:
    canvas = Canvas(r)
    time = list(TIMES)[r.integers(len(TIMES))]
    weather = WEATHERS[r.integers(len(WEATHERS))]
    top, low, canvas.light = TIMES[time]
    grey = weather != ""
    if grey:
        time = time.replace(" in bright sunshine", "").replace("in daylight", "by day")
        mean = np.mean([top, low], 0).mean()
        top, low = (np.array(c) * 0.25 + 0.6 * mean for c in (top, low))
        canvas.light *= 0.5 if "thunder" in weather else 0.75
    ground, behind, things = PLACES[place]
    base = r.uniform(0.4, 0.65)
    canvas.gradient(top, low, base)
    if not grey:
        if canvas.light < 0.3:
            for _ in range(70):
                x, y = r.random(2) * [SIDE, SIDE * base]
                canvas.draw.ellipse([x, y, x + 1.5, y + 1.5], fill=(255, 255, 230))
        x, y = (
            SIDE * r.uniform(0.1, 0.9),
            SIDE * base * (0.85 if "sunset" in time or "dawn" in time else r.uniform(0.15, 0.5)),
        )
        disc = (245, 245, 225) if canvas.light < 0.3 else (255, 225, 120)
        canvas.draw.ellipse([x - 15, y - 15, x + 15, y + 15], fill=disc)
    for _ in range(r.integers(3, 9) if grey else r.integers(0, 4)):
        x, y, w = SIDE * r.random(), SIDE * base * r.uniform(0.05, 0.6), r.uniform(18, 50)
        tint = canvas.colour((255, 255, 255) if not grey else (120, 122, 130), 6)
        for k in range(4):
            canvas.draw.ellipse([x + k * w * 0.4, y - w * 0.2, x + (k + 1.4) * w * 0.4, y + w * 0.25], fill=tint)
    if "snow" in weather:
        ground = (232, 236, 242)
    canvas.draw.rectangle([0, SIDE * base, SIDE, SIDE], fill=canvas.colour(ground))
    for kind, colour, height in behind:
        canvas.behind(kind, colour, height, base)
    present = list(
        dict.fromkeys(things[k] for k in r.choice(len(things), min(len(things), r.integers(1, 4)), replace=False))
    )
    for kind in things:
        if kind in present:
            canvas.thing(kind, base)
    sky = list(SKIES)[r.choice(len(SKIES), p=np.array(list(SKIES.values())) / sum(SKIES.values()))]
    sky = "" if (sky == "fireworks") != (canvas.light < 0.5) or grey and sky != "a rainbow" else sky
    if sky == "fireworks":
        for _ in range(4):
            x, y, tint = SIDE * r.random(), SIDE * base * r.uniform(0.2, 0.7), tuple(r.integers(130, 255, 3))
            for a in np.linspace(0, 2 * math.pi, 22):
                canvas.draw.line([x, y, x + 30 * math.cos(a), y + 30 * math.sin(a)], fill=tint, width=2)
    elif sky == "a rainbow":
        for k, tint in enumerate(
            [(230, 60, 60), (240, 150, 50), (240, 230, 80), (80, 190, 90), (70, 110, 220), (140, 80, 190)]
        ):
            canvas.draw.arc([20 + 4 * k, 30 + 4 * k, 240 - 4 * k, 280 - 4 * k], 180, 360, fill=tint, width=4)
    elif sky:
        for _ in range(3):
            x, y, w = SIDE * r.random(), SIDE * base * r.uniform(0.15, 0.6), r.uniform(10, 20)
            canvas.draw.ellipse([x - w, y - w, x + w, y + w], fill=tuple(r.integers(90, 255, 3)))
            canvas.draw.rectangle([x - 3, y + w + 5, x + 3, y + w + 10], fill=(110, 80, 50))
    falling = {
        "in heavy rain": (150, (180, 190, 205), 14),
        "in a thunderstorm": (190, (160, 170, 190), 16),
        "in the snow": (160, (250, 250, 255), 0),
    }
    if weather in falling:
        count, tint, length = falling[weather]
        for x, y in r.random((count, 2)) * SIDE:
            if length:
                canvas.draw.line([x, y, x - 3, y + length], fill=tint)
            else:
                canvas.draw.ellipse([x, y, x + 3, y + 3], fill=tint)
    if "thunder" in weather:
        x, y = SIDE * r.uniform(0.2, 0.8), 0.0
        while y < SIDE * base:
            nx, ny = x + r.normal(0, 14), y + r.uniform(12, 26)
            canvas.draw.line([x, y, nx, ny], fill=(250, 250, 255), width=3)
            x, y = nx, ny
    image = canvas.image
    if "fog" in weather:
        image = Image.blend(
            image.filter(ImageFilter.GaussianBlur(3)),
            Image.new("RGB", image.size, (190, 195, 200)),
            0.6 * min(1, canvas.light + 0.4),
        )
    told = " with ".join(x for x in [place, " and ".join(THINGS[k] for k in present)] if x)
    return image, " ".join(x for x in [f"{told}{' and ' + sky if sky else ''}", time, weather] if x)


def pattern(r: np.random.Generator, kind: str, palette: list) -> Image.Image:
    canvas = Canvas(r)
    one, *rest = (tuple(int(v) for v in c) for c in palette)
    two = rest[0]
    d = canvas.draw
    d.rectangle([0, 0, SIDE, SIDE], fill=one)

    def tint() -> tuple:
        return [one, *rest][r.integers(len(palette))]

    step = int(r.integers(14, 44))
    if kind == "a smooth gradient":
        canvas.gradient(one, two, 1)
    elif kind == "stripes":
        for k in range(0, SIDE, 2 * step):
            d.rectangle([k, 0, k + step, SIDE], fill=two)
    elif kind == "wavy lines":
        for k in range(-step, SIDE + step, step):
            d.line(
                [(x, k + step / 2 * math.sin(x / step)) for x in range(0, SIDE + 8, 8)], fill=tint(), width=step // 3
            )
    elif kind in ("polka dots", "a checkerboard", "a mosaic"):
        for i, x in enumerate(range(0, SIDE, step)):
            for j, y in enumerate(range(0, SIDE, step)):
                if kind == "polka dots":
                    d.ellipse([x + step / 4, y + step / 4, x + step * 0.75, y + step * 0.75], fill=two)
                elif kind == "a mosaic" or (i + j) % 2:
                    d.rectangle([x, y, x + step, y + step], fill=tint() if kind == "a mosaic" else two)
    elif kind == "concentric circles":
        for k in range(SIDE, 0, -step):
            d.ellipse([128 - k, 128 - k, 128 + k, 128 + k], fill=[one, two][k // step % 2])
    elif kind in ("blurred lights", "splashes of paint", "drops"):
        for _ in range(60):
            x, y, w = *(r.random(2) * SIDE), r.uniform(4, 26)
            d.ellipse([x - w, y - w * r.uniform(0.6, 1.4), x + w, y + w], fill=tint())
    elif kind == "rays of light":
        for a in np.linspace(0, 2 * math.pi, 25)[::2]:
            d.polygon(
                [
                    (128, 128),
                    (128 + 300 * math.cos(a), 128 + 300 * math.sin(a)),
                    (128 + 300 * math.cos(a + 0.26), 128 + 300 * math.sin(a + 0.26)),
                ],
                fill=two,
            )
    elif kind in ("scribbles", "triangles"):
        for _ in range(30):
            points = [tuple(p) for p in r.random((3 if kind == "triangles" else 6, 2)) * SIDE]
            if kind == "triangles":
                d.polygon(points, fill=tint())
            else:
                d.line(points, fill=tint(), width=3)
    elif kind == "a spiral":
        d.line(
            [(128 + k / 3 * math.cos(k / 12), 128 + k / 3 * math.sin(k / 12)) for k in range(480)],
            fill=two,
            width=step // 3,
        )
    image = canvas.image
    if kind == "blurred lights":
        image = image.filter(ImageFilter.GaussianBlur(9))
    elif kind == "static noise":
        mix = r.random((SIDE // 4, SIDE // 4, 1)) < 0.5
        image = Image.fromarray(np.where(mix, one, two).astype(np.uint8)).resize((SIDE, SIDE), Image.Resampling.NEAREST)
    return image


def draw(data: Path, count: int, side: int, seed: int = 11) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Pixels (count, side, side, 3), captions, and valence by colour where that is all there is, else NaN."""
    colours, valence, names = norms(data)
    pixels, captions, moods = np.empty((count, side, side, 3), np.uint8), [], np.full(count, np.nan)
    for i in range(count):
        r = np.random.default_rng([seed, i])
        kind = KINDS[i % len(KINDS)]
        if kind in PLACES:
            image, caption = scene(r, kind)
        else:
            # Colours of a palette are near each other in mood, else it has none.
            first = r.integers(len(colours))
            near = np.argsort(np.abs(valence - valence[first]))[:8]
            chosen = [first, *r.choice(near[near != first], 2, replace=False)]
            image = pattern(r, kind, [colours[k] for k in chosen])
            told = names[first] if kind == "a plain surface" else " and ".join(names[k] for k in chosen[:2])
            caption, moods[i] = f"{kind} in {told}", valence[chosen[: 1 if kind == "a plain surface" else 2]].mean()
        noise = r.normal(0, r.uniform(0, 9), (SIDE, SIDE, 1))
        image = Image.fromarray((np.asarray(image) + noise).clip(0, 255).astype(np.uint8))
        pixels[i] = np.asarray(image.resize((side, side), Image.Resampling.LANCZOS))
        captions.append(caption)
    return pixels, captions, moods
