// Videos beside the figures, in step with them, with the estimated skeleton drawn on them. A motion with `video` has one, as a
// film or as pictures: see motion_data.js.
import { checkbox, element } from "./dom.js";
import { Film } from "./film.js";
import { lastBefore } from "./motion_data.js";
import { SeenPerson } from "./seen_person.js";

// Frames one by one; nothing is waited for.
class Pictures {
  constructor(motion, onframe) {
    this.video = motion.video;
    this.onframe = onframe;
    this.node = element("img", { class: "lv-frame", alt: `Frame of the video ${motion.name}` });
    this.node.decoding = "sync";
    this.node.addEventListener("load", onframe);
  }

  // Seconds of the motion at which the frame that is seen was taken.
  get time() {
    return this.video.times[this.frame] || 0;
  }

  get size() {
    return [this.node.naturalWidth, this.node.naturalHeight];
  }

  // The last frame that was taken before or at a time; the first before that.
  setTime(time) {
    const frame = lastBefore(this.video.times, time);
    if (this.frame === frame) return;
    this.frame = frame;
    this.node.src = this.video.images[frame];
    this.onframe();
  }

  dispose() {}
}

export class VideoPanel {
  // colourOf: (index of the motion, side) -> CSS colour of a line
  constructor(motions, colourOf) {
    this.colourOf = colourOf;
    this.isSkeletonShown = true;
    this.screens = [];
    this.node = element("div", { class: "lv-video" });
    const shown = motions.filter(({ video }) => video && (video.film || video.images.length));
    for (const motion of shown) this.add(motion, motions.indexOf(motion), shown.length > 1);
    if (this.screens.some((screen) => screen.person)) {
      const toggle = checkbox("Skeleton on the video", true, (checked) => this.showSkeleton(checked));
      this.box = toggle.box;
      this.node.prepend(element("div", { class: "lv-over" }, toggle.wrapper));
    }
    this.observer = new ResizeObserver(() => this.redraw());
    for (const { canvas } of this.screens) this.observer.observe(canvas);
    this.setTime(0);
  }

  get isEmpty() {
    return this.screens.length === 0;
  }

  add(motion, index, isNamed) {
    const screen = { index, canvas: element("canvas", { class: "lv-drawn", "aria-hidden": "true" }) };
    const onframe = () => this.draw(screen);
    const view = motion.video.film ? Film : Pictures;
    screen.view = new view(motion, onframe);
    screen.person = motion.video.seen && new SeenPerson(motion.video.seen);
    const name = isNamed ? [element("span", { class: "lv-title", "aria-hidden": "true" }, `${index + 1}. ${motion.name}`)] : [];
    this.node.append(element("div", { class: "lv-screen" }, screen.view.node, screen.canvas, ...name));
    this.screens.push(screen);
  }

  showSkeleton(isShown) {
    this.isSkeletonShown = isShown;
    if (this.box) this.box.checked = isShown;
    this.redraw();
  }

  setTime(time, isPlaying = false, speed = 1) {
    for (const { view } of this.screens) view.setTime(time, isPlaying, speed);
  }

  redraw() {
    for (const screen of this.screens) this.draw(screen);
  }

  draw({ canvas, view, person, index }) {
    if (!person) return;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth * ratio, canvas.clientHeight * ratio].map(Math.round);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, width, height);
    const [across, down] = view.size;
    if (!this.isSkeletonShown || !across || !down) return;
    // The picture is as large as it can be without being cut (object-fit: contain).
    const scale = Math.min(width / across, height / down);
    const box = { width: across * scale, height: down * scale };
    context.setTransform(1, 0, 0, 1, (width - box.width) / 2, (height - box.height) / 2);
    person.draw(context, box, view.time, (side) => this.colourOf(index, side));
    context.setTransform(1, 0, 0, 1, 0, 0);
  }

  dispose() {
    this.observer.disconnect();
    for (const { view } of this.screens) view.dispose();
  }
}
