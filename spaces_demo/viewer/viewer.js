// The viewer: a reusable ES module that plays motions inside any element.
//
//   import { MotionViewer } from "./viewer.js";
//   const viewer = new MotionViewer(container, payload);  // payload: see motion_data.js
//   viewer.addEventListener("time", () => console.log(viewer.time));
//   viewer.seek(3.2);
//
// Events: "time" (after each change of the time), "play", "pause". Options: `autoplay` (false), `keys` (the element that
// listens to keys; by default the container), `theme` ("auto", "light" or "dark").
import { clock, readPayload, words } from "./motion_data.js";
import { ICONS, button, checkbox, element, icon, select } from "./dom.js";
import { MOTION_COLOURS, SIDE_COLOURS } from "./figure.js";
import { Stage, VIEWS } from "./stage.js";
import { Timeline } from "./timeline.js";
import { VideoPanel } from "./video_panel.js";

const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 4];
const LONGEST_STEP = 0.25; // seconds; after a pause of the page (a hidden tab) the motion goes on where it was
const TABLE_SECONDS = 0.1; // the numbers change ten times a second at most, so that they can be read
const KEYS = [
  ["Space", "play, pause"],
  ["← →", "one frame back, forward"],
  ["Shift ← →", "one second back, forward"],
  ["Home End", "start, end"],
  ["↑ ↓", "faster, slower"],
  ["[ ]", "event before, after"],
  ["+ −", "nearer, further"],
  ["Q E", "turn the camera"],
];

export class MotionViewer extends EventTarget {
  constructor(container, payload, { autoplay = false, keys = container, theme = "auto" } = {}) {
    super();
    this.container = container;
    this.data = readPayload(payload);
    this.motions = this.data.motions;
    this.duration = Math.max(...this.motions.map((motion) => motion.seconds));
    this.time = 0;
    this.speed = 1;
    this.playing = false;
    this.loop = true;
    this.bySide = this.motions.length === 1 || this.data.layout === "side";
    this.abort = new AbortController();
    this.build(theme);
    const { signal } = this.abort;
    keys.addEventListener("keydown", (event) => this.onKey(event), { signal });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.recolour(), { signal });
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.stageNode);
    this.stage.layout = this.data.layout;
    this.recolour();
    this.resize();
    this.stage.setView("three-quarter");
    this.chooseAngle(this.angleRows.find((row) => row.name === "knee") || this.angleRows[0]);
    this.seek(0);
    if (autoplay) this.play();
  }

  // ---- what others may call

  play() {
    if (this.playing) return;
    if (this.time >= this.duration - 1e-6) this.seek(0);
    this.playing = this.timeline.playing = true;
    this.clock = null;
    this.showPlaying();
    this.request();
    this.dispatchEvent(new Event("play"));
  }

  pause() {
    if (!this.playing) return;
    this.playing = this.timeline.playing = false;
    this.seek(this.time);
    this.showPlaying();
    this.dispatchEvent(new Event("pause"));
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  seek(time) {
    this.time = Math.min(this.duration, Math.max(0, Number(time) || 0));
    this.stage.setTime(this.time);
    this.timeline.setTime(this.time);
    this.video.setTime(this.time, this.playing, this.speed);
    this.clockNode.textContent = clock(this.time);
    const now = performance.now() / 1000;
    if (!this.playing || now - (this.tableTime || 0) >= TABLE_SECONDS) {
      this.tableTime = now;
      this.showAngles();
    }
    this.request();
    this.dispatchEvent(new Event("time"));
  }

  step(frames) {
    const { fps } = this.motions[this.selected];
    this.pause();
    this.seek((Math.round(this.time * fps) + frames) / fps);
  }

  setSpeed(speed) {
    this.speed = SPEEDS.includes(speed) ? speed : 1;
    this.speedList.value = String(this.speed);
  }

  setLayout(layout) {
    this.data.layout = this.stage.layout = layout === "side" ? "side" : "overlay";
    if (this.layoutList) this.layoutList.value = this.data.layout;
    this.bySide = this.motions.length === 1 || this.data.layout === "side";
    this.recolour();
    this.stage.setView(this.viewList.value);
    this.stage.setTime(this.time);
    this.request();
  }

  setVisible(index, visible) {
    this.stage.visible[index] = visible;
    if (this.motionBoxes[index]) this.motionBoxes[index].checked = visible;
    this.seek(this.time);
    this.chooseAngle(this.angleRow);
  }

  // The estimated skeleton on the video, where there is one.
  setSkeletonOnVideo(shown) {
    this.video.showSkeleton(shown);
  }

  setTrace(jointName, shown) {
    const joint = this.data.names.indexOf(jointName);
    if (joint < 0) return;
    for (const figure of this.stage.figures) figure.setTrace(joint, shown);
    if (this.traceBoxes[jointName]) this.traceBoxes[jointName].checked = shown;
    this.stage.setTime(this.time);
    this.request();
  }

  // All ticks of one kind anew, `ticks[i]` those of motion i.
  setTicks(kind, ticks) {
    this.motions.forEach((motion, index) => {
      const kept = motion.ticks.filter((tick) => tick.kind !== kind);
      const added = (ticks[index] || []).map((tick) => ({ ...tick, time_s: Number(tick.time_s), label: String(tick.label), kind }));
      motion.ticks = [...kept, ...added].sort((a, b) => a.time_s - b.time_s);
    });
    this.timeline.redraw();
    const section = this.eventSection();
    this.eventNode.replaceWith(section);
    this.eventNode = section;
  }

  setTheme(theme) {
    this.theme = theme;
    if (theme === "auto") delete this.root.dataset.theme;
    else this.root.dataset.theme = theme;
    this.recolour();
  }

  dispose() {
    this.playing = false;
    cancelAnimationFrame(this.pending);
    this.abort.abort();
    this.observer.disconnect();
    this.stage.dispose();
    this.video.dispose();
    this.root.remove();
  }

  // ---- building

  build(theme) {
    this.root = element("div", { class: "lv-viewer", tabindex: "-1" });
    if (theme !== "auto") this.root.dataset.theme = theme;
    this.theme = theme;
    this.container.append(this.root);
    const names = this.motions.map((motion) => motion.name).join(", ");
    this.canvas = element("canvas", { class: "lv-canvas", role: "img", "aria-label": `Moving figure: ${names}` });
    this.labels = element("div", { class: "lv-labels", "aria-hidden": "true" });
    this.stage = new Stage(this.canvas, this.data, () => this.request());
    this.selected = 0; // the motion whose angles are shown
    this.stageNode = element("div", { class: "lv-stage" }, this.canvas, this.labels, this.cameraControls());
    this.playButton = button("Play", ICONS.play, () => this.toggle(), { class: "lv-play" });
    this.clockNode = element("output", { class: "lv-clock", "aria-live": "off", "aria-label": "Time now" });
    const speeds = SPEEDS.map((speed) => [String(speed), `${speed}×`]);
    const speed = select("Speed", speeds, "1", (value) => this.setSpeed(Number(value)));
    this.speedList = speed.list;
    const loop = checkbox("Loop", true, (checked) => (this.loop = checked));
    const transport = element(
      "div",
      { class: "lv-transport" },
      button("One frame back", ICONS.back, () => this.step(-1)),
      this.playButton,
      button("One frame forward", ICONS.forward, () => this.step(1)),
      this.clockNode,
      element("span", { class: "lv-muted" }, `of ${clock(this.duration)}`),
      element("span", { class: "lv-space" }),
      speed.wrapper,
      loop.wrapper,
    );
    this.timeline = new Timeline({
      duration: this.duration,
      motions: this.motions,
      colourOf: (index, side) => this.cssColour(index, side),
      onseek: (time) => this.seek(time),
    });
    this.video = new VideoPanel(this.motions, (index, side) => this.stage.figures[index].colourOnVideo(side));
    const stage = this.video.isEmpty ? this.stageNode : element("div", { class: "lv-views" }, this.video.node, this.stageNode);
    const main = element("div", { class: "lv-main" }, stage, element("div", { class: "lv-bar" }, transport, this.timeline.node));
    this.root.append(main, this.panel());
  }

  cameraControls() {
    const view = select("View", Object.keys(VIEWS).map((name) => [name, words(name)]), "three-quarter", (name) => {
      this.stage.setView(name);
      this.request();
    });
    this.viewList = view.list;
    const follow = checkbox("Follow", true, (checked) => {
      this.stage.follow = checked;
      this.stage.setView(this.viewList.value);
      this.request();
    });
    const dark = button("Light or dark", ICONS.dark, () => this.setTheme(this.isDark() ? "light" : "dark"));
    const row = element("div", { class: "lv-camera" }, view.wrapper, follow.wrapper);
    if (this.motions.length > 1) {
      const layouts = [["overlay", "Overlaid"], ["side", "Side by side"]];
      const layout = select("Layout", layouts, this.data.layout, (value) => this.setLayout(value));
      this.layoutList = layout.list;
      row.append(layout.wrapper);
    }
    row.append(dark);
    return row;
  }

  panel() {
    return element(
      "div",
      { class: "lv-panel" },
      this.motionSection(),
      this.angleSection(),
      this.traceSection(),
      (this.eventNode = this.eventSection()),
      this.keySection(),
    );
  }

  section(title, ...children) {
    return element("section", { "aria-label": title }, element("h2", {}, title), ...children);
  }

  motionSection() {
    this.motionBoxes = [];
    this.swatches = [];
    const list = element("ul", { class: "lv-motions" });
    this.motions.forEach((motion, index) => {
      const swatch = element("span", { class: "lv-swatch", "aria-hidden": "true" });
      this.swatches.push(swatch);
      const name = element("span", { class: "lv-name", title: motion.name }, motion.name);
      const item = element("li");
      if (this.motions.length > 1) {
        const { wrapper, box } = checkbox("", true, (checked) => this.setVisible(index, checked), swatch, name);
        this.motionBoxes.push(box);
        item.append(wrapper);
      } else {
        item.append(name);
      }
      const facts = `${clock(motion.seconds)}, ${motion.frames} frames at ${Number(motion.fps.toFixed(2))} per second`;
      item.append(element("p", { class: "lv-muted" }, facts));
      if (motion.notes.length) {
        const notes = element("ul", {}, ...motion.notes.map((note) => element("li", {}, note)));
        item.append(element("details", {}, element("summary", {}, "Detected and assumed"), notes));
      }
      list.append(item);
    });
    this.legend = element("p", { class: "lv-legend lv-muted" });
    return this.section(this.motions.length > 1 ? "Motions" : "Motion", list, this.legend);
  }

  angleSection() {
    const found = [...new Set(this.motions.flatMap((motion) => Object.keys(motion.angles)))];
    const rows = new Map();
    for (const name of found) {
      const [, side, joint] = /^(left|right)_(.+)$/.exec(name) || [null, "trunk", name];
      if (!rows.has(joint)) rows.set(joint, { name: joint, sides: {} });
      rows.get(joint).sides[side] = name;
    }
    this.angleRows = [...rows.values()];
    const section = this.section("Joint angles now");
    if (!this.angleRows.length) {
      section.append(element("p", { class: "lv-muted" }, "No angles were measured."));
      return section;
    }
    if (this.motions.length > 1) {
      const options = this.motions.map((motion, index) => [String(index), `${index + 1}. ${motion.name}`]);
      const which = select("Of", options, "0", (value) => {
        this.selected = Number(value);
        this.showAngles();
      });
      which.wrapper.classList.add("lv-wide");
      section.append(which.wrapper);
    }
    const body = element("tbody");
    for (const row of this.angleRows) {
      row.button = element("button", { type: "button", "aria-pressed": "false", onclick: () => this.chooseAngle(row) }, words(row.name));
      row.button.title = `Show ${words(row.name).toLowerCase()} over time`;
      row.cells = {};
      const line = element("tr", {}, element("th", { scope: "row" }, row.button));
      if (row.sides.trunk) {
        line.append((row.cells.trunk = element("td", { colspan: 2, class: "lv-both" })));
      } else {
        for (const side of ["left", "right"]) line.append((row.cells[side] = element("td")));
      }
      body.append(line);
    }
    const heads = ["Joint", "Left", "Right"].map((text) => element("th", { scope: "col" }, text));
    section.append(element("table", {}, element("thead", {}, element("tr", {}, ...heads)), body));
    return section;
  }

  traceSection() {
    this.traceBoxes = {};
    const wanted = ["head", "pelvis", "left_wrist", "right_wrist", "left_ankle", "right_ankle"];
    const grid = element("div", { class: "lv-checks" });
    for (const name of wanted.filter((joint) => this.data.names.includes(joint))) {
      const { wrapper, box } = checkbox(words(name), false, (checked) => this.setTrace(name, checked));
      this.traceBoxes[name] = box;
      grid.append(wrapper);
    }
    return this.section("Traces", grid);
  }

  eventSection() {
    this.events = this.motions
      .flatMap((motion, index) => motion.ticks.map((tick) => ({ ...tick, index })))
      .sort((a, b) => a.time_s - b.time_s);
    const section = this.section("Events");
    if (!this.events.length) {
      section.append(element("p", { class: "lv-muted" }, "None were measured."));
      return section;
    }
    const list = element("ol", { class: "lv-events" });
    for (const event of this.events) {
      const whose = this.motions.length > 1 ? ` (${event.index + 1})` : "";
      const time = element("span", { class: "lv-when" }, clock(event.time_s));
      const text = element("span", {}, event.label + whose);
      list.append(element("li", {}, element("button", { type: "button", onclick: () => this.seek(event.time_s) }, time, text)));
    }
    section.append(list);
    return section;
  }

  keySection() {
    const list = element("dl", { class: "lv-keys" });
    for (const [key, what] of KEYS) list.append(element("dt", {}, key), element("dd", {}, what));
    return element("details", { class: "lv-help" }, element("summary", {}, "Keys"), list);
  }

  // ---- showing

  isDark() {
    return this.theme === "dark" || (this.theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  }

  style(name) {
    return getComputedStyle(this.root).getPropertyValue(name).trim();
  }

  // Of curves and ticks: a motion's own colour where there are several, else that of the side.
  cssColour(index, side) {
    if (this.motions.length > 1) return MOTION_COLOURS[index % MOTION_COLOURS.length];
    return SIDE_COLOURS[side] || this.style("--lv-muted");
  }

  recolour() {
    this.stage.setColours({
      background: this.style("--lv-stage"),
      grid: this.style("--lv-grid"),
      trunk: this.style("--lv-trunk"),
      bySide: this.bySide,
    });
    this.swatches.forEach((swatch, index) => {
      swatch.textContent = String(index + 1);
      swatch.style.background = MOTION_COLOURS[index % MOTION_COLOURS.length];
    });
    this.legend.replaceChildren();
    if (this.bySide) {
      for (const side of ["left", "right"]) {
        const dot = element("span", { class: "lv-dot", "aria-hidden": "true" });
        dot.style.background = SIDE_COLOURS[side];
        this.legend.append(element("span", { class: "lv-side" }, dot, side));
      }
    } else {
      this.legend.append("Left limbs lighter, right limbs darker.");
    }
    this.legend.append(element("span", {}, " Floor squares: 1 m."));
    this.timeline.redraw();
    this.video.redraw();
    this.request();
  }

  showPlaying() {
    const label = this.playing ? "Pause" : "Play";
    this.playButton.replaceChildren(icon(this.playing ? ICONS.pause : ICONS.play));
    this.playButton.setAttribute("aria-label", label);
    this.playButton.title = label;
  }

  chooseAngle(row) {
    if (!row) {
      this.timeline.chart.hidden = true;
      return;
    }
    this.angleRow = row;
    for (const other of this.angleRows) other.button.setAttribute("aria-pressed", String(other === row));
    const label = row.sides.trunk ? words(row.name) : `${words(row.name)}: left solid, right dashed`;
    this.timeline.setAngle(label, Object.values(row.sides), this.stage.visible);
  }

  showAngles() {
    const motion = this.motions[this.selected];
    for (const row of this.angleRows) {
      for (const [side, cell] of Object.entries(row.cells)) {
        const value = motion.angleAt(row.sides[side], this.time);
        const text = value === null || !Number.isFinite(value) ? "–" : `${Math.round(value) || 0}°`.replace("-", "−");
        if (cell.textContent !== text) cell.textContent = text;
      }
    }
  }

  showLabels(cells) {
    // Names over the views, only where there are several views.
    const shown = cells.length > 1 ? cells : [];
    while (this.labels.childElementCount > shown.length) this.labels.lastChild.remove();
    while (this.labels.childElementCount < shown.length) this.labels.append(element("div", { class: "lv-label" }));
    shown.forEach((cell, i) => {
      const index = this.stage.figures.indexOf(cell.figures[0]);
      const motion = this.motions[index];
      const text = `${index + 1}. ${motion.name}${this.time > motion.seconds + 1e-6 ? " (ended)" : ""}`;
      const label = this.labels.children[i];
      if (label.textContent !== text) label.textContent = text;
      label.style.left = `${cell.x}px`;
      label.style.top = `${cell.y + cell.height}px`;
      label.style.width = `${cell.width}px`;
    });
  }

  resize() {
    const { clientWidth, clientHeight } = this.stageNode;
    this.stage.resize(clientWidth, clientHeight, window.devicePixelRatio || 1);
    this.timeline.redraw();
    this.request();
  }

  // ---- time and keys

  request() {
    if (!this.pending) this.pending = requestAnimationFrame((now) => this.frame(now));
  }

  frame(now) {
    this.pending = 0;
    if (this.playing) {
      const passed = this.clock === null ? 0 : Math.min(LONGEST_STEP, (now - this.clock) / 1000);
      this.clock = now;
      let time = this.time + passed * this.speed;
      if (time >= this.duration) {
        if (this.loop && this.duration > 0) {
          time %= this.duration;
        } else {
          this.pause();
          time = this.duration;
        }
      }
      this.seek(time);
    }
    this.showLabels(this.stage.draw());
  }

  onKey(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target;
    const tag = target.tagName;
    const ranged = tag === "INPUT" && target.type === "range";
    // Lists, text fields and pressed buttons keep their own keys.
    if (tag === "SELECT" || tag === "TEXTAREA" || target.isContentEditable) return;
    if (tag === "INPUT" && !ranged && target.type !== "checkbox") return;
    if (event.key === " " && (tag === "BUTTON" || tag === "SUMMARY" || (tag === "INPUT" && !ranged))) return;
    const speed = SPEEDS.indexOf(this.speed);
    const actions = {
      " ": () => this.toggle(),
      ArrowLeft: () => (event.shiftKey ? this.seek(this.time - 1) : this.step(-1)),
      ArrowRight: () => (event.shiftKey ? this.seek(this.time + 1) : this.step(1)),
      Home: () => this.seek(0),
      End: () => {
        this.pause();
        this.seek(this.duration);
      },
      ArrowUp: () => this.setSpeed(SPEEDS[Math.min(SPEEDS.length - 1, speed + 1)]),
      ArrowDown: () => this.setSpeed(SPEEDS[Math.max(0, speed - 1)]),
      "[": () => this.jump(-1),
      "]": () => this.jump(1),
      "+": () => this.stage.zoom(1 / 1.15),
      "=": () => this.stage.zoom(1 / 1.15),
      "-": () => this.stage.zoom(1.15),
      q: () => this.stage.orbit(-Math.PI / 12),
      e: () => this.stage.orbit(Math.PI / 12),
    };
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action) return;
    event.preventDefault();
    action();
    this.request();
  }

  // To the next event, or the one before.
  jump(direction) {
    const later = this.events.filter((event) => direction * (event.time_s - this.time) > 0.005);
    const next = direction > 0 ? later[0] : later[later.length - 1];
    if (next) this.seek(next.time_s);
  }
}
