"""Motions -> one picture for a report: poses at even times, seen from above the front left corner, times under them."""

import io

import numpy as np

from llamo.processing.motion_features_llamo import JOINT_NAMES, PARENTS
from llamo.processing.viewer_data_llamo import ViewedMotion


# Pixels. Figures are drawn FINE times as large and shrunk, which smooths their edges.
WIDTH, MARGIN, CELL_HEIGHT, HEADER, CAPTION, GAP = 1600, 24, 250, 46, 28, 8
FINE = 3
POSES, LONG_POSES, LONG_SECONDS = 8, 16, 8.0  # poses of a motion; of one longer than that
YAW, PITCH = np.radians(35.0), np.radians(16.0)  # the viewer stands to the person's left of the front, and looks down
PAPER, CELL, FLOOR, INK, FAINT = "#ffffff", "#eef1f5", "#c6cfda", "#1b2330", "#566174"
COLOURS = {"left": "#2f6fed", "right": "#f0701a", "trunk": "#6f7a8a"}  # as in the viewer
HEAD_RADIUS, LIMB_WIDTH, TRUNK_WIDTH = 0.105, 0.075, 0.095  # metres


def draw_contact_sheet(motions: list[ViewedMotion]) -> bytes:
    """Draws all motions to one scale, each under its name.

    Args:
        motions: joints in metres, Y up, the floor at 0.

    Returns:
        a PNG file.

    Raises:
        ImportError: Pillow is missing.
    """
    try:
        from PIL import Image, ImageDraw
    except ImportError:
        raise ImportError(
            'Expected Pillow for a picture, got none in this environment. Install it with pip install "llamo[view]".'
        ) from None

    sheets = [choose_frames(motion) for motion in motions]
    width = (WIDTH - 2 * MARGIN + GAP) // POSES - GAP
    scale = find_scale([motion.joints[frames] for motion, frames in zip(motions, sheets)], width, CELL_HEIGHT)
    rows = [-(-len(frames) // POSES) for frames in sheets]
    height = 2 * MARGIN - GAP + sum(HEADER + count * (CELL_HEIGHT + CAPTION) + GAP for count in rows)
    sheet = Image.new("RGB", (WIDTH, height), PAPER)
    pen = ImageDraw.Draw(sheet)
    top = MARGIN
    for motion, frames in zip(motions, sheets):
        write_header(sheet, motion, top, legend=top == MARGIN)
        top += HEADER
        for number, frame in enumerate(frames):
            x = MARGIN + number % POSES * (width + GAP)
            y = top + number // POSES * (CELL_HEIGHT + CAPTION)
            sheet.paste(draw_pose(motion.joints[frame], scale, width, CELL_HEIGHT), (x, y))
            text = f"{frame / motion.fps:.2f} s"
            pen.text((x + width / 2, y + CELL_HEIGHT + 4), text, fill=INK, font=font(15), anchor="ma")
        top += -(-len(frames) // POSES) * (CELL_HEIGHT + CAPTION) + GAP
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def choose_frames(motion: ViewedMotion) -> np.ndarray:
    """Indices of frames evenly spread from the first to the last; fewer where there are few."""
    wanted = LONG_POSES if (len(motion.joints) - 1) / motion.fps > LONG_SECONDS else POSES
    return np.unique(np.rint(np.linspace(0, len(motion.joints) - 1, wanted)).astype(int))


def project(points: np.ndarray) -> np.ndarray:
    """`(..., 3)` metres -> right, up and towards the viewer, metres, without perspective."""
    x, y, z = np.moveaxis(np.asarray(points, dtype=np.float64), -1, 0)
    right = np.cos(YAW) * x - np.sin(YAW) * z
    near = np.sin(YAW) * x + np.cos(YAW) * z
    return np.stack([right, np.cos(PITCH) * y - np.sin(PITCH) * near, np.sin(PITCH) * y + np.cos(PITCH) * near], axis=-1)


def centred(joints: np.ndarray) -> np.ndarray:
    """Joints `(..., 22, 3)` with the pelvis above the origin."""
    return joints - joints[..., :1, :] * [1.0, 0.0, 1.0]


def find_scale(poses: list[np.ndarray], width: int, height: int) -> float:
    """Pixels per metre at which every pose `(num_poses, 22, 3)` fits into a cell."""
    seen = np.concatenate([project(centred(pose)).reshape(-1, 3) for pose in poses])
    half = max(np.abs(seen[:, 0]).max(), 0.3) + HEAD_RADIUS
    # The floor under the pelvis is a fifth of the cell above its lower edge.
    above, below = max(seen[:, 1].max(), 0.5) + 2 * HEAD_RADIUS, max(-seen[:, 1].min(), 0.0) + HEAD_RADIUS
    return float(min(width / 2 / half, 0.8 * height / above, 0.2 * height / below))


def draw_pose(joints: np.ndarray, scale: float, width: int, height: int):
    """One cell: the floor's squares of 1 m and the body `(22, 3)` on them."""
    from PIL import Image, ImageDraw

    size = (width * FINE, height * FINE)
    cell = Image.new("RGB", size, CELL)
    pen = ImageDraw.Draw(cell)
    unit = scale * FINE

    def pixels(points):
        seen = project(points)
        return np.stack([size[0] / 2 + seen[..., 0] * unit, size[1] * 0.8 - seen[..., 1] * unit], axis=-1)

    # The floor stays where it is in the world: its lines show that the person has moved on.
    offset = joints[0] * [1.0, 0.0, 1.0]
    reach = int(np.ceil(max(size[0], size[1] / np.sin(PITCH)) / unit)) + 2
    for step in range(-reach, reach + 1):
        for line in ([[step, 0, -reach], [step, 0, reach]], [[-reach, 0, step], [reach, 0, step]]):
            points = pixels(np.array(line, dtype=np.float64) - offset % 1.0)
            pen.line([tuple(point) for point in points], fill=FLOOR, width=FINE)
    body = joints - offset
    draw_body(pen, pixels(body), project(body)[:, 2], unit)
    return cell.resize((width, height), Image.LANCZOS)


def draw_body(pen, points: np.ndarray, nearness: np.ndarray, unit: float) -> None:
    """Bones from far to near, each with a light edge, so that crossing limbs stay apart."""
    head, neck = JOINT_NAMES.index("head"), JOINT_NAMES.index("neck")
    parts = [(nearness[[joint, parent]].mean(), joint, parent) for joint, parent in enumerate(PARENTS) if parent >= 0]
    parts.append((nearness[head] + HEAD_RADIUS / 2, head, head))
    for _, joint, parent in sorted(parts):
        colour = COLOURS[side_of(JOINT_NAMES[joint])]
        if joint == parent:
            up = points[head] - points[neck]
            middle = points[head] + up / max(np.linalg.norm(up), 1e-9) * 0.06 * unit
            disc(pen, middle, HEAD_RADIUS * unit + FINE, CELL)
            disc(pen, middle, HEAD_RADIUS * unit, colour)
            continue
        width = (TRUNK_WIDTH if side_of(JOINT_NAMES[joint]) == "trunk" else LIMB_WIDTH) * unit
        for extra, fill in ((2 * FINE, CELL), (0, colour)):
            pen.line([tuple(points[parent]), tuple(points[joint])], fill=fill, width=int(round(width + extra)))
            if not extra:
                disc(pen, points[parent], width / 2, fill)
            disc(pen, points[joint], (width + extra) / 2, fill)


def disc(pen, middle: np.ndarray, radius: float, fill: str) -> None:
    x, y = middle
    pen.ellipse([x - radius, y - radius, x + radius, y + radius], fill=fill)


def side_of(name: str) -> str:
    return name.split("_")[0] if name.startswith(("left_", "right_")) else "trunk"


def write_header(sheet, motion: ViewedMotion, top: int, legend: bool) -> None:
    """Name and facts, cut to the width; on the first line the meaning of colours and squares too."""
    from PIL import Image, ImageDraw

    pen, end = ImageDraw.Draw(sheet), WIDTH - MARGIN
    if legend:
        for text, colour in (("floor squares 1 m", None), ("right", COLOURS["right"]), ("left", COLOURS["left"])):
            end -= pen.textlength(text, font=font(15))
            pen.text((end, top + 14), text, fill=FAINT, font=font(15), anchor="lm")
            if colour:
                dot = Image.new("RGB", (12 * FINE, 12 * FINE), PAPER)
                disc(ImageDraw.Draw(dot), np.array([6.0, 6.0]) * FINE, 6 * FINE - 1, colour)
                end -= 18
                sheet.paste(dot.resize((12, 12), Image.LANCZOS), (int(end), top + 8))
            end -= 18
    name, facts = printable(motion.name), printable(motion.notes[0]) if motion.notes else ""
    room = end - MARGIN - 20
    name = cut(pen, name, font(20), room)
    pen.text((MARGIN, top + 14), name, fill=INK, font=font(20), anchor="lm")
    used = pen.textlength(name, font=font(20)) + 16
    pen.text((MARGIN + used, top + 15), cut(pen, facts, font(15), room - used), fill=FAINT, font=font(15), anchor="lm")


def printable(text: str) -> str:
    """One line without control characters, whatever a file is called."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def cut(pen, text: str, face, room: float) -> str:
    """As much of a text as fits."""
    if pen.textlength(text, font=face) <= room:
        return text
    while text and pen.textlength(text + "…", font=face) > room:
        text = text[:-1]
    return text + "…" if text else ""


def font(size: int):
    """DejaVu Sans where it is installed, for its many letters; else the face that comes with Pillow."""
    from PIL import ImageFont

    try:
        return ImageFont.truetype("DejaVuSans.ttf", size)
    except OSError:
        return ImageFont.load_default(size)
