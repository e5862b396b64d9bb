// Motions as the page carries them -> typed arrays, and what the rest asks of them. No drawing here.
//
// A payload is {version: 1, title, layout: "overlay" | "side", skeleton: {names, parents}, motions: [...]}; a motion is
// {name, fps, frames, notes: [text], root, local, quantum, angles: {name: base64}, ticks: [{time_s, end_s?, label, kind?}]}:
//   root    base64 of float32 (frames, 3), little endian: the first joint, metres, Y up, floor at 0
//   local   base64 of int16 (frames, joints - 1, 3): the other joints against the first, in steps of `quantum` metres
//   video   what to show beside it, where there is something: {times: [seconds of the motion], images: [addresses]}, or
//           {film: address of a video on the motion's clock}; and {seen: {times, points, lines}}, where the person is in its
//           frames: points is base64 of int16 (times, points, 3), x, y and visibility in ten thousandths, the last one negative
//           where the person is not seen; lines are [point, point, side]
//   angles  base64 of int16 (frames), in tenths of a degree
// processing/viewer_data_llamo.py writes it.

export const VERSION = 1;
const POINT_STEPS = 10000;
const SMOOTH_SECONDS = 0.6; // the camera follows the mean over this time, so that steps do not shake it

function bytes(text) {
  const raw = atob(text);
  const result = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) result[i] = raw.charCodeAt(i);
  return result.buffer;
}

function expect(condition, message) {
  if (!condition) throw new Error(`The viewer cannot show this motion: ${message}.`);
}

function readVideo(source) {
  if (!source) return null;
  const times = (source.times || []).map(Number);
  const images = (source.images || []).map(String);
  expect(times.length === images.length, `expected as many pictures as times, got ${images.length} and ${times.length}`);
  return { times, images, film: source.film ? String(source.film) : null, seen: source.seen ? readSeen(source.seen) : null };
}

function readSeen(source) {
  const times = source.times.map(Number);
  const points = Float32Array.from(new Int16Array(bytes(source.points)), (value) => value / POINT_STEPS);
  const count = points.length / 3 / Math.max(1, times.length);
  expect(Number.isInteger(count), `expected as many points in each of ${times.length} frames, got ${points.length / 3}`);
  const lines = source.lines.filter(([start, end]) => start >= 0 && end >= 0 && start < count && end < count);
  return { times, points, lines, count };
}

// Place of the last of rising times before or at a time; 0 where there is none.
export function lastBefore(times, time) {
  let low = 0;
  let high = times.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (times[middle] <= time + 1e-3) low = middle;
    else high = middle - 1;
  }
  return low;
}

export class Motion {
  constructor(source, numJoints) {
    this.name = String(source.name);
    this.fps = Number(source.fps);
    this.frames = Number(source.frames);
    this.notes = (source.notes || []).map(String);
    this.video = readVideo(source.video);
    this.ticks = (source.ticks || [])
      .map((tick) => ({ ...tick, time_s: Number(tick.time_s), label: String(tick.label ?? "") }))
      .filter((tick) => Number.isFinite(tick.time_s))
      .sort((a, b) => a.time_s - b.time_s);
    expect(this.fps > 0 && this.frames > 0, `expected frames and a rate, got ${this.frames} at ${this.fps} per second`);
    const root = new Float32Array(bytes(source.root));
    const local = new Int16Array(bytes(source.local));
    expect(root.length === this.frames * 3, `expected ${this.frames} positions of the pelvis, got ${root.length / 3}`);
    expect(local.length === this.frames * (numJoints - 1) * 3, `expected ${numJoints} joints in each frame`);
    this.numJoints = numJoints;
    this.joints = new Float32Array(this.frames * numJoints * 3);
    for (let frame = 0; frame < this.frames; frame++) {
      const to = frame * numJoints * 3;
      const from = frame * (numJoints - 1) * 3;
      for (let axis = 0; axis < 3; axis++) {
        const origin = root[frame * 3 + axis];
        this.joints[to + axis] = origin;
        for (let joint = 1; joint < numJoints; joint++) {
          this.joints[to + joint * 3 + axis] = origin + local[from + (joint - 1) * 3 + axis] * source.quantum;
        }
      }
    }
    this.angles = {};
    for (const [name, text] of Object.entries(source.angles || {})) {
      this.angles[name] = Float32Array.from(new Int16Array(bytes(text)), (value) => value / 10);
    }
    this.center = smooth(root, this.frames, Math.round(SMOOTH_SECONDS * this.fps));
  }

  // From the first frame to the last.
  get seconds() {
    return (this.frames - 1) / this.fps;
  }

  frameAt(time) {
    return Math.min(this.frames - 1, Math.max(0, Math.round(time * this.fps)));
  }

  // Values of a row-wise array between frames; the last frame stays after the end.
  sample(array, width, time, out) {
    const position = Math.min(this.frames - 1, Math.max(0, time * this.fps));
    const below = Math.min(Math.floor(position), Math.max(0, this.frames - 2));
    const weight = position - below;
    const above = Math.min(below + 1, this.frames - 1);
    for (let i = 0; i < width; i++) {
      out[i] = array[below * width + i] * (1 - weight) + array[above * width + i] * weight;
    }
    return out;
  }

  pose(time, out) {
    return this.sample(this.joints, this.numJoints * 3, time, out);
  }

  centerAt(time) {
    return this.sample(this.center, 3, time, [0, 0, 0]);
  }

  // null where the motion has no such angle
  angleAt(name, time) {
    const series = this.angles[name];
    return series ? series[this.frameAt(time)] : null;
  }

  // Smallest box around all joints in all frames: [min x, y, z], [max x, y, z].
  bounds() {
    const low = [Infinity, Infinity, Infinity];
    const high = [-Infinity, -Infinity, -Infinity];
    for (let i = 0; i < this.joints.length; i++) {
      const axis = i % 3;
      if (this.joints[i] < low[axis]) low[axis] = this.joints[i];
      if (this.joints[i] > high[axis]) high[axis] = this.joints[i];
    }
    return [low, high];
  }
}

// Running mean of `width` frames over rows of three.
function smooth(rows, frames, width) {
  const half = Math.max(0, Math.floor(width / 2));
  const result = new Float32Array(rows.length);
  for (let axis = 0; axis < 3; axis++) {
    const sums = new Float64Array(frames + 1);
    for (let i = 0; i < frames; i++) sums[i + 1] = sums[i] + rows[i * 3 + axis];
    for (let i = 0; i < frames; i++) {
      const from = Math.max(0, i - half);
      const to = Math.min(frames, i + half + 1);
      result[i * 3 + axis] = (sums[to] - sums[from]) / (to - from);
    }
  }
  return result;
}

export function readPayload(payload) {
  expect(payload && payload.version === VERSION, `expected data of version ${VERSION}, got ${payload && payload.version}`);
  const { names, parents } = payload.skeleton;
  const motions = payload.motions.map((source) => new Motion(source, names.length));
  expect(motions.length > 0, "expected at least one");
  return { title: String(payload.title || ""), layout: payload.layout === "side" ? "side" : "overlay", names, parents, motions };
}

export function sideOf(jointName) {
  if (jointName.startsWith("left")) return "left";
  return jointName.startsWith("right") ? "right" : "trunk";
}

// "left_knee" -> "Left knee"
export function words(name) {
  const text = name.replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function clock(time) {
  return `${time.toFixed(2)} s`;
}
