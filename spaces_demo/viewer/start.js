// What a page of `llamo view` runs: its own data into a viewer that fills the page.
// `page.html#t=2.5` opens at that time, and stands still.
import { MotionViewer } from "./viewer.js";

const container = document.getElementById("viewer");
try {
  const payload = JSON.parse(document.getElementById("motions").textContent);
  const time = /^#t=([\d.]+)$/.exec(location.hash);
  const still = time || matchMedia("(prefers-reduced-motion: reduce)").matches;
  const viewer = new MotionViewer(container, payload, { autoplay: !still, keys: document });
  if (time) viewer.seek(Number(time[1]));
  window.llamoViewer = viewer;
} catch (error) {
  const message = document.createElement("p");
  message.className = "lv-failure";
  message.setAttribute("role", "alert");
  message.textContent = `The motion cannot be drawn here (${error.message}). The viewer needs a browser with WebGL 2.`;
  container.replaceChildren(message);
  console.error(error);
}
