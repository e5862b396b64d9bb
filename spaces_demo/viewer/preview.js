// A motion in small: a skeleton of lines on a 2D canvas. A page of results has dozens of them, where it could not have as many
// scenes. All of one page share a clock, and only those that are in sight are drawn.
//
//   const previews = new Previews({ isDark: () => false, still: false });
//   previews.show(canvas, motion); // {fps, frames, step, parents, sides, head, joints: base64 of int16 (frames, joints, 3)}
import { SIDE_COLOURS } from "./figure.js";

const YAW = 0.6; // radians: three quarters, as the viewer looks at a motion
const PITCH = 0.16;
const FRAME_MS = 30; // between two drawings
const SMOOTH_SECONDS = 1.2; // the view follows the mean place over this time
const THEMES = {
  light: { floor: "#cfd7e1", trunk: "#6b7586", shadow: "rgba(30, 40, 60, 0.16)" },
  dark: { floor: "#39424f", trunk: "#b4bdca", shadow: "rgba(0, 0, 0, 0.4)" },
};

function decode(text) {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return new Int16Array(bytes.buffer);
}

class Preview {
  constructor(canvas, motion) {
    this.canvas = canvas;
    this.motion = motion;
    this.joints = Float32Array.from(decode(motion.joints), (value) => value * motion.step);
    this.count = motion.parents.length;
    this.seconds = Math.max(0, motion.frames - 1) / motion.fps;
    this.centre = this.follow();
    this.tall = 1.75;
    for (let i = 1; i < this.joints.length; i += 3) this.tall = Math.max(this.tall, this.joints[i] + 0.15);
    this.pose = new Float32Array(this.count * 3);
    this.inSight = false;
    this.awake = false; // looked at or pointed at
  }

  // Smoothed place of the pelvis over the floor, (frames, 2).
  follow() {
    const { frames, fps } = this.motion;
    const half = Math.round((SMOOTH_SECONDS * fps) / 2);
    const found = new Float32Array(frames * 2);
    for (let frame = 0; frame < frames; frame++) {
      const from = Math.max(0, frame - half);
      const to = Math.min(frames - 1, frame + half);
      for (let other = from; other <= to; other++) {
        found[frame * 2] += this.joints[other * this.count * 3] / (to - from + 1);
        found[frame * 2 + 1] += this.joints[other * this.count * 3 + 2] / (to - from + 1);
      }
    }
    return found;
  }

  between(array, width, time, out) {
    const last = this.motion.frames - 1;
    const place = Math.min(last, Math.max(0, time * this.motion.fps));
    const below = Math.min(Math.floor(place), Math.max(0, last - 1));
    const above = Math.min(below + 1, last);
    for (let i = 0; i < width; i++) {
      out[i] = array[below * width + i] * (1 - place + below) + array[above * width + i] * (place - below);
    }
    return out;
  }

  draw(time, theme) {
    const { canvas, motion } = this;
    const ratio = Math.min(2, devicePixelRatio || 1);
    const width = Math.max(1, Math.round(canvas.clientWidth * ratio));
    const height = Math.max(1, Math.round(canvas.clientHeight * ratio));
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, width, height);
    context.lineCap = context.lineJoin = "round";
    const scale = (0.8 * height) / this.tall;
    const [x0, z0] = this.between(this.centre, 2, time, [0, 0]);
    const [sin, cos, up, flat] = [Math.sin(YAW), Math.cos(YAW), Math.cos(PITCH), Math.sin(PITCH)];
    // Metres -> [right, down] in pixels, and how near.
    const project = (x, y, z) => {
      const right = (x - x0) * cos - (z - z0) * sin;
      const near = (x - x0) * sin + (z - z0) * cos;
      return [width / 2 + right * scale, height * 0.89 - (y * up - near * flat) * scale, near];
    };
    this.floor(context, project, x0, z0, ratio, theme);
    this.between(this.joints, this.count * 3, time, this.pose);
    const points = [];
    for (let joint = 0; joint < this.count; joint++) points.push(project(...this.pose.subarray(joint * 3, joint * 3 + 3)));
    const [footX, footY] = project(this.pose[0], 0, this.pose[2]);
    context.fillStyle = theme.shadow;
    context.beginPath();
    context.ellipse(footX, footY, 0.34 * scale, 0.1 * scale, 0, 0, 2 * Math.PI);
    context.fill();
    const bones = motion.parents.map((parent, joint) => [parent, joint]).filter(([parent]) => parent >= 0);
    bones.sort(([a, b], [c, d]) => points[a][2] + points[b][2] - points[c][2] - points[d][2]);
    for (const [parent, joint] of bones) {
      const side = motion.sides[joint];
      context.strokeStyle = SIDE_COLOURS[side] || theme.trunk;
      context.lineWidth = (side ? 0.075 : 0.095) * scale;
      context.beginPath();
      context.moveTo(points[parent][0], points[parent][1]);
      context.lineTo(points[joint][0], points[joint][1]);
      context.stroke();
    }
    const [headX, headY] = points[motion.head];
    context.fillStyle = theme.trunk;
    context.beginPath();
    context.arc(headX, headY - 0.05 * scale, 0.1 * scale, 0, 2 * Math.PI);
    context.fill();
  }

  // Squares of half a metre around the person: they pass by when the person travels.
  floor(context, project, x0, z0, ratio, theme) {
    const reach = 1.5;
    context.strokeStyle = theme.floor;
    context.lineWidth = ratio;
    context.beginPath();
    for (let line = -reach; line <= reach; line += 0.5) {
      const x = Math.round(x0 * 2) / 2 + line;
      const z = Math.round(z0 * 2) / 2 + line;
      context.moveTo(...project(x, 0, z0 - reach).slice(0, 2));
      context.lineTo(...project(x, 0, z0 + reach).slice(0, 2));
      context.moveTo(...project(x0 - reach, 0, z).slice(0, 2));
      context.lineTo(...project(x0 + reach, 0, z).slice(0, 2));
    }
    context.stroke();
  }
}

export class Previews {
  // still: nothing moves but what is pointed at or has the focus.
  constructor({ isDark, still }) {
    this.isDark = isDark;
    this.still = still;
    this.shown = new Map(); // canvas -> Preview
    this.pending = 0;
    this.last = 0;
    this.watcher = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        const preview = this.shown.get(entry.target);
        if (preview) preview.inSight = entry.isIntersecting;
      }
      this.request();
    });
  }

  // A canvas with another `data-run` than when it was shown is no longer this motion's.
  show(canvas, motion) {
    const preview = new Preview(canvas, motion);
    canvas.dataset.drawn = preview.run = canvas.dataset.run;
    const wake = (awake) => () => {
      preview.awake = awake;
      this.request();
    };
    const card = canvas.parentElement;
    for (const name of ["pointerenter", "focus"]) card.addEventListener(name, wake(true));
    for (const name of ["pointerleave", "blur"]) card.addEventListener(name, wake(false));
    this.shown.set(canvas, preview);
    preview.draw(preview.seconds / 2, this.theme()); // so that it is not empty when it comes into sight
    this.watcher.unobserve(canvas); // so that it tells again what is in sight
    this.watcher.observe(canvas);
  }

  theme() {
    return THEMES[this.isDark() ? "dark" : "light"];
  }

  request() {
    if (!this.pending) this.pending = requestAnimationFrame((now) => this.tick(now));
  }

  tick(now) {
    this.pending = 0;
    if (now - this.last >= FRAME_MS) {
      this.last = now;
      this.moving = false;
      const theme = this.theme();
      for (const [canvas, preview] of this.shown) {
        if (!canvas.isConnected || canvas.dataset.run !== preview.run) {
          // Gone, or taken over by the card of another clip, which is drawn when its motion comes.
          this.watcher.unobserve(canvas);
          this.shown.delete(canvas);
          canvas.width = canvas.width; // empties it
        } else if (preview.inSight) {
          const moves = !this.still || preview.awake;
          // A short rest at the end, so that one sees where it begins.
          const time = moves ? Math.min(preview.seconds, (now / 1000) % (preview.seconds + 0.6)) : preview.seconds / 2;
          preview.draw(time, theme);
          this.moving ||= moves;
        }
      }
    }
    if (this.moving) this.request();
  }
}
