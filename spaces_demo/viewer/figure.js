// One motion in the scene: a body of capsules, its shadow, and the traces of joints. Positions come in, matrices go out.
import {
  BufferAttribute,
  BufferGeometry,
  CircleGeometry,
  Color,
  CylinderGeometry,
  Group,
  InstancedMesh,
  Line,
  LineBasicMaterial,
  Matrix4,
  Mesh,
  MeshBasicMaterial,
  MeshLambertMaterial,
  Quaternion,
  SphereGeometry,
  Vector3,
} from "./three.bundle.min.js";
import { sideOf } from "./motion_data.js";

export const SIDE_COLOURS = { left: "#2f6fed", right: "#f0701a" };
export const MOTION_COLOURS = ["#0d9488", "#c026d3", "#ca8a04", "#4f46e5", "#65a30d", "#be123c", "#0284c7", "#78716c"];
const TRACE_SECONDS = 3; // dots show where a joint was in this time, ten a second
const TRACE_DOTS = TRACE_SECONDS * 10;
const UP = new Vector3(0, 1, 0);

// Metres. Thickness of the bone that ends in a joint.
function radiusOf(name) {
  if (/spine|neck|collar|shoulder|hip/.test(name)) return /neck/.test(name) ? 0.04 : 0.052;
  if (/knee/.test(name)) return 0.052;
  if (/ankle|elbow/.test(name)) return 0.042;
  return 0.034;
}

// A disc that is dark in the middle and fades to its rim.
function softDisc(radius) {
  const disc = new CircleGeometry(radius, 40);
  const colours = new Float32Array(disc.attributes.position.count * 4);
  colours[3] = 0.34;
  return disc.setAttribute("color", new BufferAttribute(colours, 4));
}

export class Figure {
  constructor(motion, names, parents) {
    this.motion = motion;
    this.names = names;
    this.bones = parents.map((parent, joint) => [parent, joint]).filter(([parent]) => parent >= 0);
    this.radii = names.map(radiusOf);
    this.pose = new Float32Array(names.length * 3);
    this.group = new Group();
    const material = new MeshLambertMaterial();
    this.cylinders = new InstancedMesh(new CylinderGeometry(1, 1, 1, 14, 1, true), material, this.bones.length);
    // One ball at each joint, and one for the head, which has no joint at its top.
    this.balls = new InstancedMesh(new SphereGeometry(1, 18, 12), material, names.length + 1);
    this.shadow = new Mesh(
      softDisc(0.42),
      new MeshBasicMaterial({ vertexColors: true, transparent: true, depthWrite: false }),
    );
    this.shadow.rotation.x = -Math.PI / 2;
    for (const mesh of [this.cylinders, this.balls]) mesh.frustumCulled = false;
    this.group.add(this.cylinders, this.balls, this.shadow);
    this.traces = new Map();
    this.start = new Vector3();
    this.end = new Vector3();
    this.along = new Vector3();
    this.scale = new Vector3();
    this.turn = new Quaternion();
    this.matrix = new Matrix4();
  }

  // Colour of one side: of the sides of the body, or shades of the motion's own colour.
  colourOf(side, { bySide, motionColour, trunkColour }) {
    if (bySide) return new Color(side === "trunk" ? trunkColour : SIDE_COLOURS[side]);
    const colour = new Color(motionColour);
    if (side === "left") colour.lerp(new Color("#ffffff"), 0.4);
    if (side === "right") colour.lerp(new Color("#000000"), 0.4);
    return colour;
  }

  // As a CSS colour for lines on a video, whatever is behind them.
  colourOnVideo(side) {
    return `#${this.colourOf(side, { ...this.scheme, trunkColour: "#ffffff" }).getHexString()}`;
  }

  paint(scheme) {
    this.scheme = scheme;
    this.bones.forEach(([, joint], i) => this.cylinders.setColorAt(i, this.colourOf(sideOf(this.names[joint]), scheme)));
    this.names.forEach((name, i) => this.balls.setColorAt(i, this.colourOf(sideOf(name), scheme)));
    this.balls.setColorAt(this.names.length, this.colourOf("trunk", scheme));
    this.cylinders.instanceColor.needsUpdate = true;
    this.balls.instanceColor.needsUpdate = true;
    for (const [joint, trace] of this.traces) trace.material.color.copy(this.colourOf(sideOf(this.names[joint]), scheme));
  }

  point(joint, out) {
    return out.set(this.pose[joint * 3], this.pose[joint * 3 + 1], this.pose[joint * 3 + 2]);
  }

  ball(index, position, radius) {
    this.matrix.compose(position, this.turn.identity(), this.scale.set(radius, radius, radius));
    this.balls.setMatrixAt(index, this.matrix);
  }

  update(time) {
    this.motion.pose(time, this.pose);
    this.bones.forEach(([parent, joint], i) => {
      this.point(parent, this.start);
      this.point(joint, this.end);
      this.along.subVectors(this.end, this.start);
      const length = this.along.length();
      this.turn.setFromUnitVectors(UP, length > 1e-6 ? this.along.divideScalar(length) : UP);
      this.start.lerp(this.end, 0.5);
      this.scale.set(this.radii[joint], length, this.radii[joint]);
      this.cylinders.setMatrixAt(i, this.matrix.compose(this.start, this.turn, this.scale));
    });
    this.names.forEach((name, joint) => this.ball(joint, this.point(joint, this.end), this.radii[joint]));
    const head = this.names.indexOf("head");
    if (head >= 0) {
      this.point(head, this.end);
      this.point(this.names.indexOf("neck"), this.start);
      this.end.addScaledVector(this.along.subVectors(this.end, this.start).normalize(), 0.06);
      this.ball(this.names.length, this.end, 0.105);
    }
    this.cylinders.instanceMatrix.needsUpdate = true;
    this.balls.instanceMatrix.needsUpdate = true;
    this.shadow.position.set(this.pose[0], 0.004, this.pose[2]);
    for (const [joint, trace] of this.traces) this.updateTrace(joint, trace, time);
  }

  setTrace(joint, shown) {
    const trace = this.traces.get(joint);
    if (!shown && trace) {
      this.group.remove(trace.line, trace.dots);
      for (const part of [trace.line, trace.dots]) part.geometry.dispose();
      trace.material.dispose();
      trace.line.material.dispose();
      this.traces.delete(joint);
    } else if (shown && !trace) {
      const { frames, numJoints, joints } = this.motion;
      const path = new Float32Array(frames * 3);
      for (let frame = 0; frame < frames; frame++) {
        for (let axis = 0; axis < 3; axis++) path[frame * 3 + axis] = joints[(frame * numJoints + joint) * 3 + axis];
      }
      const geometry = new BufferGeometry().setAttribute("position", new BufferAttribute(path, 3));
      const colour = this.colourOf(sideOf(this.names[joint]), this.scheme);
      const line = new Line(geometry, new LineBasicMaterial({ color: colour, transparent: true, opacity: 0.55 }));
      const material = new MeshBasicMaterial({ color: colour });
      line.material.color = material.color; // one colour for both
      const dots = new InstancedMesh(new SphereGeometry(1, 8, 6), material, TRACE_DOTS);
      for (const part of [line, dots]) part.frustumCulled = false;
      this.group.add(line, dots);
      this.traces.set(joint, { line, dots, material, path });
    }
  }

  updateTrace(joint, trace, time) {
    const last = Math.floor(Math.min(time, this.motion.seconds) * 10);
    let count = 0;
    for (let i = last; i >= 0 && count < TRACE_DOTS; i--, count++) {
      const point = this.motion.sample(trace.path, 3, i / 10, [0, 0, 0]);
      const radius = 0.022 * (1 - (0.75 * count) / TRACE_DOTS);
      this.matrix.compose(this.end.set(...point), this.turn.identity(), this.scale.set(radius, radius, radius));
      trace.dots.setMatrixAt(count, this.matrix);
    }
    trace.dots.count = count;
    trace.dots.instanceMatrix.needsUpdate = true;
  }

  dispose() {
    for (const joint of [...this.traces.keys()]) this.setTrace(joint, false);
    for (const mesh of [this.cylinders, this.balls, this.shadow]) mesh.geometry.dispose();
    this.cylinders.material.dispose();
    this.shadow.material.dispose();
    this.cylinders.dispose();
    this.balls.dispose();
  }
}
