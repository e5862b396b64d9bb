# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""22 joints to glTF 2.0: a skinned figure of one diamond a bone, and its animation; metres, Y up, T-pose at rest.

One node a joint by its SMPL name, rotations for all joints, translations for the pelvis and for joints that do not keep their
place in their parent's frame. The container is written by pygltflib (`pip install "llamo[gltf]"`).
"""

import base64

import numpy as np

from .gltf_format_llamo import load_pygltflib
from .rotations_llamo import matrix_quaternions
from .skeleton_fit_llamo import NUM_JOINTS, fit_skeleton
from .skeleton_mapping_llamo import TARGET_NAMES
from .smpl_body_llamo import PARENTS


FLOAT, UNSIGNED_BYTE, UNSIGNED_SHORT = 5126, 5121, 5123
ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963
# Joints without children get a bone of this length along their own, so that hands, toes and head are seen.
TIP_METRES = 0.08


def write_gltf(joints: np.ndarray, fps: float, *, binary: bool = True) -> bytes:
    """A glTF file in memory.

    Args:
        joints (`np.ndarray` of shape `(num_frames, 22, 3)`): metres, Y up.
        fps (`float`): frames per second.
        binary (`bool`): GLB; else JSON with its buffer in a `data:` URI.

    Raises:
        MotionFormatError: where pygltflib is not installed.
    """
    library = load_pygltflib("writing glTF")
    fit = fit_skeleton(joints)
    rest = fit.offsets.copy()
    rest[0] = fit.places[0][0]
    standing = rest.copy()
    for joint in range(1, NUM_JOINTS):
        standing[joint] += standing[PARENTS[joint]]
    pack = _Pack(library)

    points, triangles, owners = _diamonds(standing)
    attributes = library.Attributes(
        POSITION=pack.add(points.astype(np.float32), "VEC3", FLOAT, ARRAY_BUFFER, limits=True),
        JOINTS_0=pack.add(np.stack([owners] + [0 * owners] * 3, -1).astype(np.uint8), "VEC4", UNSIGNED_BYTE, ARRAY_BUFFER),
        WEIGHTS_0=pack.add(np.tile(np.float32([1, 0, 0, 0]), (len(points), 1)), "VEC4", FLOAT, ARRAY_BUFFER),
    )
    indices = pack.add(triangles.astype(np.uint16).reshape(-1, 1), "SCALAR", UNSIGNED_SHORT, ELEMENT_ARRAY_BUFFER)
    # The rest pose has no rotations: binding undoes each joint's place only. Matrices are stored column by column.
    inverse = np.tile(np.eye(4, dtype=np.float32), (NUM_JOINTS, 1, 1))
    inverse[:, 3, :3] = -standing
    binding = pack.add(inverse.reshape(NUM_JOINTS, 16), "MAT4", FLOAT)

    times = (np.arange(len(joints)) / fps).astype(np.float32)
    keys = pack.add(times.reshape(-1, 1), "SCALAR", FLOAT, limits=True)
    quaternions = matrix_quaternions(fit.rotations)
    flips = np.sign((quaternions[1:] * quaternions[:-1]).sum(-1, keepdims=True))
    quaternions[1:] *= np.cumprod(np.where(flips == 0, 1.0, flips), axis=0)  # neighbours on the same side of the sphere
    samplers, channels = [], []

    def move(joint: int, path: str, values: np.ndarray, kind: str) -> None:
        samplers.append(library.AnimationSampler(input=keys, output=pack.add(values.astype(np.float32), kind, FLOAT)))
        target = library.AnimationChannelTarget(node=joint, path=path)
        channels.append(library.AnimationChannel(sampler=len(samplers) - 1, target=target))

    for joint in range(NUM_JOINTS):
        move(joint, "rotation", quaternions[:, joint], "VEC4")
    for joint, places in fit.places.items():
        move(joint, "translation", places, "VEC3")

    children = [[child for child in range(NUM_JOINTS) if PARENTS[child] == joint] for joint in range(NUM_JOINTS)]
    nodes = [
        library.Node(name=name, translation=rest[joint].tolist(), children=children[joint])
        for joint, name in enumerate(TARGET_NAMES)
    ]
    nodes.append(library.Node(name="body", mesh=0, skin=0))
    material = library.Material(
        name="body",
        pbrMetallicRoughness=library.PbrMetallicRoughness(
            baseColorFactor=[0.45, 0.6, 0.75, 1.0], metallicFactor=0.0, roughnessFactor=0.8
        ),
    )
    blob = b"".join(pack.pieces)
    document = library.GLTF2(
        asset=library.Asset(version="2.0", generator="LLaMo"),
        scene=0,
        scenes=[library.Scene(nodes=[0, NUM_JOINTS])],
        nodes=nodes,
        meshes=[library.Mesh(primitives=[library.Primitive(attributes=attributes, indices=indices, material=0)])],
        materials=[material],
        skins=[library.Skin(joints=list(range(NUM_JOINTS)), skeleton=0, inverseBindMatrices=binding)],
        # The rate is not a part of the standard; a single pose and 29.97 come back exactly by it.
        animations=[library.Animation(name="motion", samplers=samplers, channels=channels, extras={"fps": float(fps)})],
        accessors=pack.accessors,
        bufferViews=pack.views,
        buffers=[library.Buffer(byteLength=len(blob))],
    )
    if binary:
        document.set_binary_blob(blob)
        return b"".join(document.save_to_bytes())
    document.buffers[0].uri = "data:application/octet-stream;base64," + base64.b64encode(blob).decode("ascii")
    return document.gltf_to_json().encode("utf-8")


class _Pack:
    """Arrays one behind the other in a buffer, each with its view and its accessor."""

    def __init__(self, library):
        self.library, self.pieces, self.views, self.accessors, self.size = library, [], [], [], 0

    def add(self, values: np.ndarray, kind: str, component: int, target: int | None = None, limits: bool = False) -> int:
        """Appends `(count, width)` and returns the number of its accessor; `limits`: with the bounds the standard asks for."""
        data = np.ascontiguousarray(values).tobytes()
        padded = data + b"\0" * (-len(data) % 4)
        self.views.append(self.library.BufferView(buffer=0, byteOffset=self.size, byteLength=len(data), target=target))
        accessor = self.library.Accessor(
            bufferView=len(self.views) - 1, byteOffset=0, componentType=component, count=len(values), type=kind
        )
        if limits:
            accessor.min, accessor.max = values.min(0).tolist(), values.max(0).tolist()
        self.accessors.append(accessor)
        self.pieces.append(padded)
        self.size += len(padded)
        return len(self.accessors) - 1


def _diamonds(standing: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A long octahedron along each bone: points `(n, 3)`, triangles `(m, 3)`, and the joint that moves each point `(n,)`."""
    points, triangles, owners = [], [], []
    bones = [(PARENTS[joint], standing[PARENTS[joint]], standing[joint]) for joint in range(1, NUM_JOINTS)]
    for joint in range(NUM_JOINTS):
        if joint not in PARENTS:
            along = standing[joint] - standing[PARENTS[joint]]
            tip = standing[joint] + TIP_METRES * along / max(np.linalg.norm(along), 1e-6)
            bones.append((joint, standing[joint], tip))
    for joint, start, end in bones:
        along = end - start
        length = np.linalg.norm(along)
        if length < 1e-4:
            continue
        along = along / length
        side = np.cross(along, np.eye(3)[int(np.abs(along).argmin())])
        side /= np.linalg.norm(side)
        across = np.cross(along, side)
        thick = min(0.12 * length + 0.01, 0.05)
        waist = start + 0.2 * length * along
        first = len(points)
        points += [start, *(waist + thick * v for v in (side, across, -side, -across)), end]
        owners += [joint] * 6
        for k in range(4):
            here, there = first + 1 + k, first + 1 + (k + 1) % 4
            triangles += [(first, there, here), (first + 5, here, there)]
    return np.array(points), np.array(triangles), np.array(owners)
