// Where the Motion Estimator has seen the person in the frames of a video: lines between landmarks, drawn over the picture.
import { lastBefore } from "./motion_data.js";

const MIN_VISIBILITY = 0.3; // lines to points with less are thin and pale: these are guessed
const LONGEST = 0.5; // seconds that a frame can last; after that, nothing is known
const HALO = "rgba(0, 0, 0, 0.55)";

export class SeenPerson {
  constructor({ times, points, lines, count }) {
    Object.assign(this, { times, points, lines, count });
  }

  // Points of the frame that is seen at a time, [x, y, visibility] each; null where the person is not seen in it.
  at(time) {
    const frame = lastBefore(this.times, time);
    if (!this.times.length || this.times[frame] > time + 0.05 || time - this.times[frame] > LONGEST) return null;
    const result = [];
    for (let i = 0; i < this.count; i++) {
      const from = (frame * this.count + i) * 3;
      if (this.points[from + 2] < 0) return null;
      result.push([this.points[from], this.points[from + 1], this.points[from + 2]]);
    }
    return result;
  }

  // box: {width, height} of the picture in the context's pixels; colourOf: side -> CSS colour.
  draw(context, box, time, colourOf) {
    const found = this.at(time);
    if (!found) return;
    const thickness = Math.max(2, 0.009 * Math.max(box.width, box.height));
    context.lineCap = "round";
    for (const isHalo of [true, false]) {
      for (const [start, end, side] of this.lines) {
        const [a, b] = [found[start], found[end]];
        const isSeen = Math.min(a[2], b[2]) >= MIN_VISIBILITY;
        context.globalAlpha = isSeen ? 1 : 0.5;
        context.lineWidth = thickness * (isSeen ? 1 : 0.4) + (isHalo ? 2 : 0);
        context.strokeStyle = isHalo ? HALO : colourOf(side);
        context.beginPath();
        context.moveTo(a[0] * box.width, a[1] * box.height);
        context.lineTo(b[0] * box.width, b[1] * box.height);
        context.stroke();
      }
    }
    context.globalAlpha = 1;
  }
}
