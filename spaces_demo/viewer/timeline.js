// The time bar: a slider, ticks of what was measured, and the curve of one angle over time.
import { clock } from "./motion_data.js";
import { element } from "./dom.js";

const THUMB = 16; // px; the slider's thumb stays inside, so that ticks and curves begin half of it further in
const TITLE = 15; // px above the curves
const MAX_POINTS = 4000; // of one curve

export class Timeline {
  constructor({ duration, motions, colourOf, onseek }) {
    this.duration = Math.max(duration, 1e-3);
    this.motions = motions;
    this.colourOf = colourOf; // (motion index, side) -> CSS colour
    this.slider = element("input", {
      type: "range",
      class: "lv-slider",
      min: 0,
      max: this.duration,
      step: "any",
      value: 0,
      "aria-label": "Time",
      oninput: () => onseek(Number(this.slider.value)),
    });
    this.lanes = element("div", { class: "lv-lanes", "aria-hidden": "true" });
    this.chart = element("canvas", { class: "lv-chart", role: "img", "aria-label": "Angle over time" });
    this.chart.addEventListener("pointerdown", (event) => this.drag(event, onseek));
    this.node = element("div", { class: "lv-timeline" }, this.lanes, this.slider, this.chart);
    this.seek = onseek;
    this.angle = null;
    this.drawTicks();
    this.setTime(0);
  }

  drawTicks() {
    this.lanes.replaceChildren();
    this.motions.forEach((motion, index) => {
      if (!motion.ticks.length) return;
      const lane = element("div", { class: this.motions.length > 4 ? "lv-lane lv-thin" : "lv-lane" });
      for (const tick of motion.ticks) {
        const end = Number.isFinite(tick.end_s) ? tick.end_s : tick.time_s;
        const from = Math.min(1, Math.max(0, tick.time_s / this.duration));
        const to = Math.min(1, Math.max(from, end / this.duration));
        const mark = element("div", {
          class: `lv-tick ${end > tick.time_s ? "lv-span" : ""}`,
          title: `${tick.label} (${clock(tick.time_s)})`,
          onclick: () => this.seek(tick.time_s),
        });
        mark.dataset.kind = String(tick.kind || "");
        mark.style.left = `${from * 100}%`;
        if (end > tick.time_s) mark.style.width = `${(to - from) * 100}%`;
        if (this.motions.length > 1) mark.style.setProperty("--lv-tick", this.colourOf(index, "trunk"));
        lane.append(mark);
      }
      this.lanes.append(lane);
    });
  }

  drag(event, onseek) {
    const move = (at) => {
      const box = this.chart.getBoundingClientRect();
      const share = (at.clientX - box.left - THUMB / 2) / (box.width - THUMB);
      onseek(Math.min(1, Math.max(0, share)) * this.duration);
    };
    move(event);
    this.chart.setPointerCapture(event.pointerId);
    this.chart.onpointermove = move;
    this.chart.onpointerup = this.chart.onpointercancel = () => (this.chart.onpointermove = null);
  }

  setTime(time) {
    this.time = time;
    this.slider.value = time;
    this.slider.style.setProperty("--lv-done", `${(100 * time) / this.duration}%`);
    const text = `${clock(time)} of ${clock(this.duration)}`;
    // A screen reader speaks each change of the focused slider: while playing, once a second is enough.
    if (Math.abs(time - (this.spoken ?? -9)) > 0.99 || !this.playing) {
      this.slider.setAttribute("aria-valuetext", text);
      this.spoken = time;
    }
    this.drawChart();
  }

  // names: the angles to show, such as left_knee and right_knee; visible: one flag per motion.
  setAngle(label, names, visible) {
    this.angle = { label, curves: [] };
    this.motions.forEach((motion, index) => {
      if (!visible[index]) return;
      for (const name of names) {
        const series = motion.angles[name];
        const side = name.startsWith("left") ? "left" : name.startsWith("right") ? "right" : "trunk";
        if (series) this.angle.curves.push({ series, fps: motion.fps, index, side });
      }
    });
    let low = Infinity;
    let high = -Infinity;
    for (const { series } of this.angle.curves) {
      for (const value of series) {
        if (value < low) low = value;
        if (value > high) high = value;
      }
    }
    this.chart.hidden = !this.angle.curves.length;
    // At least 20 degrees, so that a joint at rest looks at rest.
    const room = Math.max(0, 20 - (high - low)) / 2 + 2;
    Object.assign(this.angle, { low: low - room, high: high + room });
    this.chart.setAttribute("aria-label", `${label} over time, ${low.toFixed(0)} to ${high.toFixed(0)} degrees`);
    this.picture = null;
    this.drawChart();
  }

  redraw() {
    this.drawTicks();
    this.picture = null;
    this.drawChart();
  }

  drawChart() {
    const { chart, angle } = this;
    const width = chart.clientWidth;
    const height = chart.clientHeight;
    if (!angle || !angle.curves.length || !width) return;
    const ratio = window.devicePixelRatio || 1;
    const context = chart.getContext("2d");
    if (!this.picture || chart.width !== Math.round(width * ratio)) {
      // Curves are drawn once; then only the line of the present time moves over their picture.
      chart.width = Math.round(width * ratio);
      chart.height = Math.round(height * ratio);
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      this.drawCurves(context, width, height);
      this.picture = document.createElement("canvas");
      this.picture.width = chart.width;
      this.picture.height = chart.height;
      this.picture.getContext("2d").drawImage(chart, 0, 0);
    }
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, chart.width, chart.height);
    context.drawImage(this.picture, 0, 0);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const x = THUMB / 2 + (this.time / this.duration) * (width - THUMB);
    context.strokeStyle = getComputedStyle(chart).getPropertyValue("--lv-text");
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(x, 0);
    context.lineTo(x, height);
    context.stroke();
  }

  drawCurves(context, width, height) {
    const { low, high, curves, label } = this.angle;
    const style = getComputedStyle(this.chart);
    const y = (value) => height - ((value - low) / (high - low)) * (height - TITLE);
    context.font = `11px ${style.fontFamily}`;
    const step = [5, 10, 20, 30, 45, 60, 90, 180].find((size) => (high - low) / size <= 4) || 360;
    context.lineWidth = 1;
    for (let value = Math.ceil(low / step) * step; value <= high; value += step) {
      context.strokeStyle = style.getPropertyValue("--lv-line");
      context.beginPath();
      context.moveTo(THUMB / 2, y(value));
      context.lineTo(width - THUMB / 2, y(value));
      context.stroke();
    }
    context.lineWidth = 1.6;
    context.lineJoin = "round";
    for (const { series, fps, index, side } of curves) {
      context.strokeStyle = this.colourOf(index, side);
      context.setLineDash(side === "right" ? [5, 3] : []);
      context.beginPath();
      const stride = Math.max(1, Math.ceil(series.length / MAX_POINTS));
      for (let frame = 0; frame < series.length; frame += stride) {
        const x = THUMB / 2 + (frame / fps / this.duration) * (width - THUMB);
        if (frame) context.lineTo(x, y(series[frame]));
        else context.moveTo(x, y(series[frame]));
      }
      context.stroke();
    }
    context.setLineDash([]);
    // Text last, on a ground of its own, so that curves do not cross it.
    const write = (text, x, top) => {
      context.fillStyle = style.getPropertyValue("--lv-panel");
      context.globalAlpha = 0.8;
      context.fillRect(x - 2, top - 1, context.measureText(text).width + 4, 13);
      context.globalAlpha = 1;
      context.fillStyle = style.getPropertyValue("--lv-muted");
      context.fillText(text, x, top + 9);
    };
    for (let value = Math.ceil(low / step) * step; value <= high; value += step) {
      write(`${value}°`, THUMB / 2 + 2, Math.min(height - 13, Math.max(1, y(value) - 6)));
    }
    write(label, width - THUMB / 2 - context.measureText(label).width - 2, 2);
  }
}
