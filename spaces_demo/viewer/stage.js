// The scene: floor, lights, camera and figures, in one view or one view per motion. Draws when told to.
import {
  AmbientLight,
  BufferAttribute,
  BufferGeometry,
  Color,
  DirectionalLight,
  Fog,
  LineBasicMaterial,
  LineSegments,
  OrbitControls,
  PerspectiveCamera,
  Scene,
  Vector3,
  WebGLRenderer,
} from "./three.bundle.min.js";
import { Figure, MOTION_COLOURS } from "./figure.js";

const FLOOR_METRES = 40;
const PERSON_METRES = 2.1; // what a view must show in height
// Where the camera stands, seen from the person in the first frame, who faces +Z with the left side at +X.
export const VIEWS = {
  "three-quarter": [0.62, 0.3, 0.84],
  front: [0, 0.1, 1],
  left: [1, 0.1, 0],
  right: [-1, 0.1, 0],
  back: [0, 0.1, -1],
  top: [0, 1, 0.001],
};

// A grid of 1 m in pieces of 1 m: lines that reach behind the camera are not drawn well everywhere.
function squares() {
  const half = FLOOR_METRES / 2;
  const points = [];
  for (let i = -half; i <= half; i++) {
    for (let k = -half; k < half; k++) points.push(i, 0, k, i, 0, k + 1, k, 0, i, k + 1, 0, i);
  }
  return new BufferGeometry().setAttribute("position", new BufferAttribute(new Float32Array(points), 3));
}

export class Stage {
  constructor(canvas, { names, parents, motions }, onChange) {
    this.canvas = canvas;
    this.renderer = new WebGLRenderer({ canvas, antialias: true, powerPreference: "low-power" });
    this.renderer.setScissorTest(true);
    this.scene = new Scene();
    this.sun = new DirectionalLight(0xffffff, 1.6);
    this.grid = new LineSegments(squares(), new LineBasicMaterial());
    this.scene.add(new AmbientLight(0xffffff, 1.7), this.sun, this.sun.target, this.grid);
    this.camera = new PerspectiveCamera(32, 1, 0.05, 200);
    this.controls = new OrbitControls(this.camera, canvas);
    this.controls.minDistance = 0.8;
    this.controls.maxDistance = 60;
    this.controls.maxPolarAngle = Math.PI / 2 + 0.05;
    this.controls.addEventListener("change", onChange);
    this.figures = motions.map((motion) => new Figure(motion, names, parents));
    for (const figure of this.figures) this.scene.add(figure.group);
    this.visible = motions.map(() => true);
    this.layout = "overlay";
    this.follow = true;
    this.time = 0;
    this.anchor = new Vector3(); // what the camera has followed to
    this.width = this.height = 1;
  }

  get shown() {
    return this.figures.filter((_, index) => this.visible[index]);
  }

  setColours({ background, grid, trunk, bySide }) {
    this.scene.background = new Color(background);
    this.scene.fog = new Fog(background, 12, 24);
    this.grid.material.color.set(grid);
    this.figures.forEach((figure, index) =>
      figure.paint({ bySide, motionColour: MOTION_COLOURS[index % MOTION_COLOURS.length], trunkColour: trunk }),
    );
  }

  resize(width, height, ratio) {
    const before = this.fit();
    this.width = Math.max(1, width);
    this.height = Math.max(1, height);
    this.renderer.setPixelRatio(Math.min(ratio, 2));
    this.renderer.setSize(this.width, this.height, false);
    // Narrower views need a camera further off; what the user zoomed to is kept in proportion.
    if (this.placed) this.zoom(this.fit() / before);
    this.size = this.extent();
  }

  // Views in pixels, y from the top: {figures, x, y, width, height}.
  cells() {
    const shown = this.shown;
    if (this.layout !== "side" || shown.length < 2) return [{ figures: shown, x: 0, y: 0, width: this.width, height: this.height }];
    let best = { size: 0 };
    for (let columns = 1; columns <= shown.length; columns++) {
      const rows = Math.ceil(shown.length / columns);
      const size = Math.min(this.height / rows, this.width / columns / 0.7);
      if (size > best.size) best = { size, columns, rows };
    }
    const width = this.width / best.columns;
    const height = this.height / best.rows;
    return shown.map((figure, i) => ({
      figures: [figure],
      x: (i % best.columns) * width,
      y: Math.floor(i / best.columns) * height,
      width,
      height,
    }));
  }

  centre(figures, time) {
    const sum = new Vector3();
    for (const figure of figures) sum.add(new Vector3(...figure.motion.centerAt(time)));
    return sum.divideScalar(Math.max(1, figures.length));
  }

  // Height that one view must show now, metres: of a person, or of several and what is between them.
  extent() {
    let apart = 0;
    if (this.layout !== "side" && this.shown.length > 1) {
      const centre = this.centre(this.shown, this.time);
      apart = Math.max(...this.shown.map((figure) => new Vector3(...figure.motion.centerAt(this.time)).distanceTo(centre)));
      apart = Math.min(apart, 15);
    }
    const cell = this.cells()[0];
    return Math.max(PERSON_METRES + 0.8 * apart, ((1.35 + 2.2 * apart) * cell.height) / cell.width);
  }

  // Distance at which a height, that one by default, fills a view.
  fit(height = this.extent()) {
    return (height / 2 / Math.tan((this.camera.fov / 2) * (Math.PI / 180))) * 1.08;
  }

  // The middle of where the figures go at all, where the camera stands still.
  middle() {
    const low = new Vector3(Infinity, Infinity, Infinity);
    const high = new Vector3(-Infinity, -Infinity, -Infinity);
    for (const figure of this.shown) {
      const [min, max] = figure.motion.bounds();
      low.min(new Vector3(...min));
      high.max(new Vector3(...max));
    }
    return { centre: low.clone().lerp(high, 0.5), size: high.sub(low).length() };
  }

  setView(name) {
    if (!this.shown.length) return;
    let distance = this.fit();
    if (this.follow) {
      this.anchor.copy(this.centre(this.shown, this.time));
    } else {
      const { centre, size } = this.middle();
      const { width, height } = this.cells()[0];
      this.anchor.copy(centre);
      distance = this.fit(Math.max(0.75 * size, (0.75 * size * height) / width));
    }
    this.size = this.extent();
    this.controls.target.copy(this.anchor);
    if (this.follow) this.controls.target.y = Math.max(this.anchor.y, 0.3);
    const direction = new Vector3(...(VIEWS[name] || VIEWS["three-quarter"])).normalize();
    this.camera.position.copy(this.controls.target).addScaledVector(direction, distance);
    this.placed = true;
    this.controls.update();
  }

  // Turns the camera about the target, radians.
  orbit(angle) {
    const offset = this.camera.position.clone().sub(this.controls.target).applyAxisAngle(new Vector3(0, 1, 0), angle);
    this.camera.position.copy(this.controls.target).add(offset);
    this.controls.update();
  }

  zoom(factor) {
    const offset = this.camera.position.clone().sub(this.controls.target).multiplyScalar(factor);
    this.camera.position.copy(this.controls.target).add(offset);
    this.controls.update();
  }

  setTime(time) {
    this.time = time;
    for (const figure of this.shown) figure.update(time);
    if (!this.follow || !this.shown.length) return;
    const centre = this.centre(this.shown, time);
    const step = centre.clone().sub(this.anchor);
    this.anchor.copy(centre);
    this.camera.position.add(step);
    this.controls.target.add(step);
    // Where figures part, the camera steps back.
    const size = this.extent();
    if (this.size && size !== this.size) this.zoom(size / this.size);
    this.size = size;
  }

  draw() {
    const cells = this.cells();
    const reference = this.centre(this.shown, this.time);
    const home = this.camera.position.clone();
    const target = this.controls.target;
    for (const cell of cells) {
      const offset = this.layout === "side" ? this.centre(cell.figures, this.time).sub(reference) : new Vector3();
      for (const figure of this.figures) figure.group.visible = cell.figures.includes(figure);
      this.camera.aspect = cell.width / cell.height;
      this.camera.updateProjectionMatrix();
      this.camera.position.copy(home).add(offset);
      this.camera.updateMatrixWorld();
      // Light over the shoulder of whoever looks, and a floor that never ends: it moves in whole squares.
      this.sun.position.copy(this.camera.position).add(new Vector3(0, 3, 0));
      this.sun.target.position.copy(target).add(offset);
      const far = Math.max(0, this.camera.position.distanceTo(this.sun.target.position) - 6);
      this.scene.fog.near = 12 + far;
      this.scene.fog.far = 24 + far;
      this.grid.position.set(Math.round(target.x + offset.x), 0, Math.round(target.z + offset.z));
      const bottom = this.height - cell.y - cell.height;
      this.renderer.setViewport(cell.x, bottom, cell.width, cell.height);
      this.renderer.setScissor(cell.x, bottom, cell.width, cell.height);
      this.renderer.render(this.scene, this.camera);
    }
    this.camera.position.copy(home);
    this.camera.updateMatrixWorld();
    return cells;
  }

  dispose() {
    this.controls.dispose();
    for (const figure of this.figures) figure.dispose();
    this.grid.geometry.dispose();
    this.grid.material.dispose();
    this.renderer.dispose();
    // A browser keeps few contexts at a time, and would take them from others while this one waits to be collected.
    this.renderer.forceContextLoss();
  }
}
