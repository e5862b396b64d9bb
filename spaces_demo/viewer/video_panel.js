// Frames of videos beside the figures, in step with them. A motion with `video: {times, images}` has some; `times` are seconds
// of the motion, `images` addresses of as many pictures.
import { element } from "./dom.js";

export class VideoPanel {
  constructor(motions) {
    this.shown = motions.filter((motion) => motion.video && motion.video.images.length);
    this.pictures = this.shown.map((motion) => {
      const picture = element("img", { class: "lv-frame", alt: `Frame of the video ${motion.name}` });
      picture.decoding = "sync";
      return picture;
    });
    this.node = element("div", { class: "lv-video" }, ...this.pictures);
    this.setTime(0);
  }

  get isEmpty() {
    return this.shown.length === 0;
  }

  // The last frame that was taken before or at a time; the first before that.
  setTime(time) {
    this.shown.forEach((motion, index) => {
      const { times, images } = motion.video;
      let low = 0;
      let high = times.length - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (times[middle] <= time + 1e-6) low = middle;
        else high = middle - 1;
      }
      const picture = this.pictures[index];
      if (picture.dataset.frame === String(low)) return;
      picture.dataset.frame = String(low);
      picture.src = images[low];
    });
  }
}
