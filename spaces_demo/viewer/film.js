// A film in step with the figures: the viewer's clock leads. While it plays, small differences are made up by its pace; a large
// one, and every change of the time in a pause, by a jump.
import { element } from "./dom.js";

const FAR = 0.3; // seconds of waiting, beyond which the film jumps
const PACE = 0.25; // at most that much faster or slower than the figures, as a share
const INSIDE = 0.002; // seconds into a frame, so that rounding does not show the one before

export class Film {
  constructor(motion, onframe) {
    this.time = 0; // of the frame that is seen
    this.onframe = onframe;
    this.node = element("video", { class: "lv-frame", "aria-label": `Video ${motion.name}, in step with the time bar` });
    Object.assign(this.node, { muted: true, playsInline: true, preload: "auto", disablePictureInPicture: true, tabIndex: -1 });
    this.node.addEventListener("seeked", () => this.onSeeked());
    this.node.addEventListener("loadeddata", () => this.seen(this.node.currentTime));
    this.node.addEventListener("error", () => this.fail());
    this.node.src = motion.video.film;
    if (this.node.requestVideoFrameCallback) this.watch();
    else this.node.addEventListener("timeupdate", () => this.seen(this.node.currentTime));
  }

  get size() {
    return [this.node.videoWidth, this.node.videoHeight];
  }

  watch() {
    this.node.requestVideoFrameCallback((now, { mediaTime }) => {
      this.seen(mediaTime);
      this.watch();
    });
  }

  seen(time) {
    this.time = time;
    this.onframe();
  }

  setTime(time, isPlaying, speed) {
    const { node } = this;
    if (!node.isConnected || this.failed) return;
    const end = Number.isFinite(node.duration) ? node.duration : Infinity;
    if (!isPlaying || time >= end) {
      if (!node.paused) node.pause();
      this.jump(Math.min(time, end));
      return;
    }
    this.asked = this.waiting = null;
    if (node.paused) {
      node.playbackRate = speed;
      node.play().catch(() => {}); // stopped before it began
    }
    const late = time - node.currentTime;
    if (Math.abs(late) > FAR * Math.max(1, speed)) {
      if (!node.seeking) node.currentTime = time + INSIDE;
      return;
    }
    const pace = speed * (1 + Math.max(-PACE, Math.min(PACE, late / speed)));
    if (Math.abs(pace - node.playbackRate) > 0.02 * speed) node.playbackRate = pace;
  }

  // One jump at a time: of those that are asked for meanwhile only the last counts.
  jump(time) {
    if (this.asked === time) return;
    this.asked = time;
    if (this.node.seeking) this.waiting = time;
    else this.node.currentTime = time + INSIDE;
  }

  onSeeked() {
    const { waiting } = this;
    this.waiting = null;
    if (waiting !== null && waiting !== undefined) this.node.currentTime = waiting + INSIDE;
    else if (!this.node.requestVideoFrameCallback) this.seen(this.node.currentTime);
  }

  fail() {
    this.failed = true;
    const text = "The video cannot be played here. Drop the file again.";
    this.node.replaceWith(element("p", { class: "lv-unplayed", role: "status" }, text));
  }

  dispose() {
    this.failed = true;
    this.node.pause();
    this.node.removeAttribute("src");
    this.node.load();
  }
}
