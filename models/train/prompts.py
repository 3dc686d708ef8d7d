"""Prompts that express a label in words."""

import data

TEMPLATES = {
    "flowers5": ["a photo of {}", "a close-up of {} flowers", "{} blooming in a garden"],
    "weather4": ["a photo of {}", "{}", "the sky, {}"],
    "day-night-amos": ["a photo taken at {}", "an outdoor scene at {}", "{}"],
    "scene15-grey": ["a black and white photo of {}", "a photo of {}", "{}"],
    "sentibank": ["{}", "a photo of {}"],
    "houses": ["a photo of a {}", "{}"],
    "pacs-art": ["{}"],
    "painted-faces": ["{}", "a painting of a {}"],
    "": ["a photo of {}", "a picture of {}", "{}"],
}
NAMES = {
    "food": {"food": "food on a plate", "food or household (Vietnamese food site)": "food"},
    "corel": {
        "Africa": "people in Africa",
        "horse": "horses",
        "flower": "flowers",
        "dinosaur": "a drawing of a dinosaur",
    },
    "events": {"beach": "people on a beach", "family": "a family", "christmas": "christmas", "halloween": "halloween"},
    "weather5": {"foggy": "fog", "rainy": "rain", "sunrise": "a sunrise"},
    "flowers5": {"daisy": "daisy", "roses": "rose", "tulips": "tulip", "sunflowers": "sunflower"},
    "weather4": {"cloudy": "a cloudy sky", "rain": "rainy weather", "shine": "bright sunshine", "sunrise": "a sunrise"},
    "day-night-amos": {"day": "daytime in daylight", "night": "night in the dark"},
    "scene15-grey": {
        "insidecity": "city buildings",
        "livingroom": "a living room",
        "opencountry": "open countryside",
        "tallbuilding": "a tall building",
        "suburb": "a house in the suburbs",
        "store": "the inside of a store",
        "industrial": "an industrial site",
        "coast": "the coast",
        "office": "an office",
        "kitchen": "a kitchen",
        "bedroom": "a bedroom",
        "street": "a city street",
        "highway": "a highway",
        "forest": "a forest",
        "mountain": "mountains",
    },
    "intel-scenes": {
        "buildings": "buildings",
        "forest": "a forest",
        "glacier": "a glacier",
        "mountain": "mountains",
        "sea": "the sea",
        "street": "a city street",
    },
}


def prompts(p: data.Picture) -> list[str]:
    name = NAMES.get(p.set, {}).get(p.label, p.label)
    return [t.format(name) for t in TEMPLATES.get(p.set, TEMPLATES[""])]
