"""Brightness, saturation and warmth of a picture."""

import numpy as np
import numpy.typing as npt

GRID = 3


def statistics(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Returns the mean and deviation of each over an RGB picture (height, width, 3), and the means in each of nine parts."""
    x = picture.astype(float) / 255
    light = x @ [0.299, 0.587, 0.114]
    saturation = x.max(2) - x.min(2)
    warmth = x[:, :, 0] - x[:, :, 2]
    found = []
    for plane in (light, saturation, warmth):
        found += [plane.mean(), plane.std()]
        for rows in np.array_split(plane, GRID):
            found += [part.mean() for part in np.array_split(rows, GRID, axis=1)]
    return np.array(found)
