// What the page of the demo adds to Gradio: the viewer, links from times in answers to it, and names for what has none.
// app.py fills in where the viewer's files lie, and calls window.llamo with new data.
async () => {
  const files = `${(window.gradio_config && window.gradio_config.root) || ""}/gradio_api/file=`;
  const base = `${files}__VIEWER__`;
  const TIME = /(\d+(?:\.\d+)?)(?=\s*(?:s|sec|secs|seconds?)\b|\s*(?:-|–|to|and|until)\s*\d+(?:\.\d+)?\s*(?:s|sec|secs|seconds?)\b)/g;
  const state = { viewer: null, payload: null, focus: [] };

  // Half a page is too narrow for a panel beside the stage: it goes below, in columns.
  const NARROW = `
    .lv-viewer { display: block; height: auto; }
    .lv-stage { height: 46vh; min-height: 300px; }
    .lv-panel { display: grid; grid-template-columns: repeat(auto-fit, minmax(210px, 1fr)); gap: 0 24px;
      max-height: 260px; border-top: 1px solid var(--lv-line); border-left: 0; }
    @media (max-width: 760px) { .lv-stage { height: 44vh; } .lv-panel { max-height: none; } }`;
  const [{ MotionViewer }, css] = await Promise.all([
    import(`${base}/viewer.js`),
    fetch(`${base}/viewer.css`).then((answer) => answer.text()),
  ]);

  const isDark = () => document.body.classList.contains("dark") || document.documentElement.classList.contains("dark");

  function fail(container, error) {
    const message = document.createElement("p");
    message.className = "llamo-error";
    message.setAttribute("role", "alert");
    message.textContent = `The motion cannot be drawn here (${error.message}). The viewer needs a browser with WebGL 2.`;
    container.replaceChildren(message);
    console.error(error);
  }

  // A place that Gradio's styles do not reach into.
  function stage(container) {
    let host = container.querySelector(".llamo-host");
    if (!host) {
      host = document.createElement("div");
      host.className = "llamo-host";
      container.append(host);
      const sheet = document.createElement("style");
      sheet.textContent = css + NARROW;
      host.attachShadow({ mode: "open" }).append(sheet, document.createElement("div"));
    }
    return host.shadowRoot.lastChild;
  }

  // What Gradio puts into the page a while after it was told to, null if it never does.
  async function arrival(selector) {
    for (let tries = 0; tries < 250 && !document.querySelector(selector); tries++) {
      await new Promise((done) => setTimeout(done, 20));
    }
    return document.querySelector(selector);
  }

  // A motion whose film, a path on the server, has become an address.
  function withAddress(motion) {
    const { video } = motion;
    return video && video.film ? { ...motion, video: { ...video, film: files + encodeURI(video.film) } } : motion;
  }

  // A new motion, or two of them; null empties the stage.
  async function show(payload) {
    const container = document.getElementById("llamo-viewer") || (await arrival("#llamo-viewer"));
    if (!container) return;
    if (state.viewer) state.viewer.dispose();
    state.viewer = window.llamoViewer = null;
    state.payload = payload;
    container.dataset.empty = String(!payload);
    if (!payload) return;
    const hint = container.querySelector(".llamo-hint");
    if (hint) hint.hidden = true;
    payload = { ...payload, motions: payload.motions.map(withAddress) };
    try {
      const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
      state.viewer = new MotionViewer(stage(container), payload, { autoplay: !still, theme: isDark() ? "dark" : "light" });
      window.llamoViewer = state.viewer;
    } catch (error) {
      fail(container, error);
    }
    links();
  }

  // Spans that the model chose for the last question, a list for every motion.
  function focus(spans) {
    if (!state.viewer) return;
    const ticks = (spans || []).map((list) => list.map(([start, end]) => ({ time_s: start, end_s: end, label: "Looked at for the answer" })));
    state.viewer.setTicks("focus", ticks);
  }

  function seek(seconds) {
    if (!state.viewer) return;
    state.viewer.pause();
    state.viewer.seek(seconds);
    document.getElementById("llamo-viewer").scrollIntoView({ block: "nearest", behavior: "smooth" });
  }

  // What has become of a recording: the camera may have pushed it out of sight.
  function reveal() {
    const told = document.querySelector("#llamo-found [role=alert]") || document.getElementById("llamo-viewer");
    told.scrollIntoView({ block: "center", behavior: "smooth" });
  }

  // Moving skeletons on the cards of a library. The cards may not be in the page yet.
  async function draw(value) {
    if (!value) return;
    const { run, cards } = value;
    const { Previews } = await import(`${base}/preview.js`);
    state.previews ??= new Previews({ isDark, still: matchMedia("(prefers-reduced-motion: reduce)").matches });
    const list = await arrival(`.llamo-cards[data-run="${CSS.escape(run)}"]`);
    for (const { index, motion, problem } of list ? cards : []) {
      const canvas = list.querySelector(`canvas[data-index="${Number(index)}"]`);
      if (motion && canvas) state.previews.show(canvas, motion);
      else if (canvas) {
        const told = document.createElement("span");
        told.className = "llamo-problem";
        told.textContent = problem;
        canvas.replaceWith(told);
      }
    }
  }

  // Times in answers become links. Only texts inside of what Markdown made are touched: Gradio replaces those as a whole.
  function links() {
    if (!state.viewer) return;
    for (const body of document.querySelectorAll("#llamo-chat .bot .prose > *, #llamo-chat .bot .md > *")) {
      const walker = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
      const texts = [];
      while (walker.nextNode()) if (!walker.currentNode.parentElement.closest("a, button, code")) texts.push(walker.currentNode);
      for (const text of texts) link(text);
    }
  }

  function link(text) {
    const found = [...text.data.matchAll(TIME)].filter((match) => Number(match[1]) <= state.viewer.duration + 0.05);
    let rest = text;
    for (const match of found.reverse()) {
      const after = rest.splitText(match.index + match[0].length);
      const middle = rest.splitText(match.index);
      const anchor = document.createElement("a");
      anchor.className = "llamo-time";
      anchor.href = `#t=${match[1]}`;
      anchor.title = `Show ${match[1]} s`;
      middle.replaceWith(anchor);
      anchor.append(middle);
      if (after.data === "") after.remove();
    }
  }

  document.addEventListener(
    "click",
    (event) => {
      const anchor = event.target.closest && event.target.closest('a.llamo-time[href^="#t="]');
      if (!anchor) return;
      event.preventDefault();
      event.stopPropagation();
      seek(Number(anchor.getAttribute("href").slice(3)));
    },
    true,
  );
  let pending = 0;
  new MutationObserver(() => {
    if (!pending) pending = requestAnimationFrame(() => ((pending = 0), links()));
  }).observe(document.body, { childList: true, subtree: true, characterData: true });
  new MutationObserver(() => {
    if (state.viewer) state.viewer.setTheme(isDark() ? "dark" : "light");
    if (state.previews) state.previews.request();
  }).observe(document.body, { attributeFilter: ["class"] });

  const waiting = (window.llamo && window.llamo.waiting) || [];
  window.llamo = { show, focus, seek, draw, reveal };
  for (const [name, value] of waiting) window.llamo[name](value);
}
