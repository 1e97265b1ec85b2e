"""Renders textured things before three cameras, to measure how well they are seen again: `things.py FILE SEED`.

It shares nothing with the crate that it measures. 24 things come in 12 pairs of like colours. Camera 0 sees them whole and
upright; cameras 1 and 2 differ in gain, white balance, scale, rotation and blur, and see 30 % of each thing's box covered.
The file has one picture after the other, big-endian: width, height, camera, number of things (u16 each), for each thing its
number (u16) and its box in shares of the picture (4 f32), then the pixels in RGB.
"""

import struct
import sys

import numpy as np

WIDTH, HEIGHT, THINGS, SHOWN, FRAMES, TEXTURE = 640, 480, 24, 6, 4, 128
# Gain, white balance, scale, degrees, blur in pixels, share that is covered.
CAMERAS = [
    (1.0, (1.0, 1.0, 1.0), 1.0, 0, 0.4, 0.0),
    (0.6, (1.2, 1.0, 0.8), 0.5, 20, 0.8, 0.3),
    (1.2, (0.8, 1.0, 1.2), 2.0, -20, 2.0, 0.3),
]


def smooth(dice, cells, size):
    """Noise of so many cells on a side, smooth between them, 0 to 1."""
    grid = dice.random((cells + 2, cells + 2))
    at = np.linspace(0, cells, size, endpoint=False)
    low = at.astype(int)
    share = at - low
    share = share * share * (3 - 2 * share)
    rows = grid[low] * (1 - share)[:, None] + grid[low + 1] * share[:, None]
    return rows[:, low] * (1 - share) + rows[:, low + 1] * share


def pattern(kind, dice):
    """How much of the second colour there is in each point of a texture."""
    v, u = np.mgrid[0:TEXTURE, 0:TEXTURE] / TEXTURE * 2 - 1
    turn = dice.uniform(0, np.pi)
    along = u * np.cos(turn) + v * np.sin(turn)
    if kind == 0:  # spots
        return (smooth(dice, 5, TEXTURE) > 0.5).astype(float)
    if kind == 1:  # bent bands
        return (np.sin(along * dice.uniform(7, 11) + 2 * smooth(dice, 3, TEXTURE)) > 0).astype(float)
    if kind == 2:  # a symmetric sign
        half = dice.random((6, 3)) > 0.45
        sign = np.concatenate([half, half[:, ::-1]], axis=1).astype(float)
        return np.kron(sign, np.ones((TEXTURE // 6 + 1, TEXTURE // 6 + 1)))[:TEXTURE, :TEXTURE]
    if kind == 3:  # patches of cloth
        cloth = np.zeros((TEXTURE, TEXTURE))
        for _ in range(7):
            x, y = dice.integers(0, TEXTURE, 2)
            w, h = dice.integers(TEXTURE // 6, TEXTURE // 2, 2)
            cloth[y : y + h, x : x + w] = dice.integers(0, 2)
        return cloth
    if kind == 4:  # strokes
        sheet = np.zeros((TEXTURE, TEXTURE))
        for _ in range(5):
            x, y, to = dice.uniform(-0.6, 0.6), dice.uniform(-0.6, 0.6), dice.uniform(0, np.pi)
            across = np.abs((v - y) * np.cos(to) - (u - x) * np.sin(to))
            sheet[(across < 0.11) & (np.hypot(u - x, v - y) < 0.8)] = 1
        return sheet
    # a shade from one side to the other, with a patch
    spot = np.hypot(u - dice.uniform(-0.4, 0.4), v - dice.uniform(-0.4, 0.4)) < 0.35
    return np.where(spot, 1.0, (along + 1) / 3)


def colour(hue, saturation, value):
    rgb = np.clip(np.abs((hue * 6 + np.array([0, 4, 2])) % 6 - 3) - 1, 0, 1)
    return 255 * value * (1 - saturation + saturation * rgb)


def thing(number, seed):
    pair = np.random.default_rng([seed, 1, number // 2])
    first = colour(number // 2 / 12 + pair.uniform(0, 0.05), pair.uniform(0.5, 0.85), pair.uniform(0.55, 0.85))
    second = [np.full(3, 225.0), np.full(3, 40.0), colour(pair.random(), 0.7, 0.6)][number // 2 % 3]
    dice = np.random.default_rng([seed, 2, number])
    share = pattern((number // 2 * 5 + number % 2 * 2) % 6, dice)[..., None]
    extent = np.array([1.0, dice.uniform(0.75, 1)])[:: dice.choice([1, -1])]
    return first * (1 - share) + second * share, extent, dice.uniform(2, 8)


def blur(picture, sigma):
    reach = int(3 * sigma + 1)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    for axis in (0, 1):
        around = [(reach, reach) if axis == it else (0, 0) for it in range(3)]
        wide = np.pad(picture, around, mode="edge")
        length = picture.shape[axis]
        picture = sum(k * wide.take(range(i, i + length), axis) for i, k in enumerate(kernel))
    return picture


def place(picture, what, middle, radius, degrees, covered, side, paint):
    """Paints a thing, and what covers it, and gives its box in pixels."""
    texture, extent, roundness = what
    turn = np.radians(degrees)
    reach = radius * 1.5
    x1, y1 = (max(int(it - reach), 0) for it in middle)
    x2, y2 = min(int(middle[0] + reach) + 2, WIDTH), min(int(middle[1] + reach) + 2, HEIGHT)
    fine = 3
    y, x = np.mgrid[y1 * fine : y2 * fine, x1 * fine : x2 * fine]
    dx, dy = (x + 0.5) / fine - middle[0], (y + 0.5) / fine - middle[1]
    u = (dx * np.cos(turn) + dy * np.sin(turn)) / radius
    v = (dy * np.cos(turn) - dx * np.sin(turn)) / radius
    inside = np.abs(u / extent[0]) ** roundness + np.abs(v / extent[1]) ** roundness <= 1
    at = [np.clip((it + 1) / 2 * TEXTURE, 0, TEXTURE - 1).astype(int) for it in (v, u)]
    light = texture[at[0], at[1]]
    rows, columns = np.nonzero(inside)
    left, right = columns.min() / fine + x1, (columns.max() + 1) / fine + x1
    top, bottom = rows.min() / fine + y1, (rows.max() + 1) / fine + y1
    across, down = (x / fine - left) / (right - left), (y / fine - top) / (bottom - top)
    cover = [across, 1 - across, down, 1 - down][side] < covered
    cover &= (across >= 0) & (across <= 1) & (down >= 0) & (down <= 1)
    light[cover] = paint
    shown = (inside | cover)[..., None].astype(float)
    shape = (y2 - y1, fine, x2 - x1, fine, -1)
    share = shown.reshape(shape).mean(axis=(1, 3))
    mean = (light * shown).reshape(shape).mean(axis=(1, 3))
    picture[y1:y2, x1:x2] = picture[y1:y2, x1:x2] * (1 - share) + mean
    return left, top, right, bottom


def main(path, seed):
    with open(path, "wb") as file:
        for camera, (gain, balance, scale, degrees, sigma, covered) in enumerate(CAMERAS):
            dice = np.random.default_rng([seed, 3, camera])
            tone = dice.uniform(90, 150) * np.array([1.03, 1.0, 0.96])
            back = (0.8 + 0.4 * smooth(dice, 8, 640))[:HEIGHT, :, None] * tone
            for group in range(0, THINGS, SHOWN):
                sides = dice.integers(0, 4, SHOWN)
                turns = dice.uniform(-5, 5, SHOWN)
                for frame in range(FRAMES):
                    picture = back.copy()
                    boxes = b""
                    for at in range(SHOWN):
                        cell = np.array([(at % 3 + 0.5) * WIDTH / 3, (at // 3 + 0.5) * HEIGHT / 2])
                        radius = 40 * scale * (1 + 0.02 * frame)
                        middle = cell + np.array([frame * 2 - FRAMES, frame - FRAMES / 2])
                        box = place(
                            picture, thing(group + at, seed), middle, radius, degrees + turns[at] + frame * 0.5,
                            covered, sides[at], tone * 0.7,
                        )
                        # No detector's box is exact.
                        shift = dice.uniform(-0.04, 0.04, 4) * np.tile([box[2] - box[0], box[3] - box[1]], 2)
                        box = (np.array(box) + shift) / np.tile([WIDTH, HEIGHT], 2)
                        boxes += struct.pack(">H4f", group + at, *box)
                    picture = blur(picture, sigma) * gain * np.array(balance)
                    picture = np.clip(picture + dice.normal(0, 3, picture.shape), 0, 255).astype(np.uint8)
                    file.write(struct.pack(">4H", WIDTH, HEIGHT, camera, SHOWN) + boxes + picture.tobytes())


main(sys.argv[1], int(sys.argv[2]))
