// The page of `llamo review`: shows one clip after the other, and sends what is decided about each. Texts go in as text.
import { MotionViewer } from "./viewer/viewer.js";
import { element } from "./viewer/dom.js";

const $ = (id) => document.getElementById(id);
const STATES = { accept: "accepted", edit: "edited", reject: "rejected" };
const state = {
  row: null, // the clip that is shown
  next: null, // the path that comes after it
  busy: false,
  viewer: null,
  drafts: new Map(), // path -> labels that were typed and not saved
  motions: new Map(), // path -> promise of what the viewer draws
};
let options;

// ---- talking to the server

async function call(path, body) {
  const request = body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  let answer;
  try {
    answer = await fetch(path, request);
  } catch {
    throw new Error("The server does not answer. Start `llamo review` again, then go on here: what you typed is still there.");
  }
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.error);
  return found;
}

const query = (values) => new URLSearchParams(Object.entries(values).filter(([, value]) => value !== null)).toString();

// One thing at a time: a key that is held down, or pressed again while a decision is saved, decides nothing more.
async function alone(action) {
  if (state.busy) return;
  state.busy = true;
  try {
    await action();
    $("failure").hidden = true;
  } catch (error) {
    $("failure").textContent = error.message;
    $("failure").hidden = false;
  } finally {
    state.busy = false;
  }
}

function motionOf(path) {
  if (!state.motions.has(path)) {
    const coming = call(`motion?${query({ path })}`).then((found) => {
      if (found.error) throw new Error(found.error);
      return found;
    });
    coming.catch(() => state.motions.delete(path)); // asked for again when it is looked at again
    state.motions.set(path, coming);
    for (const old of [...state.motions.keys()].slice(0, -4)) state.motions.delete(old);
  }
  return state.motions.get(path);
}

// ---- showing

function show({ row, counts, next }) {
  keepDraft();
  state.row = row;
  state.next = next || null;
  showCounts(counts);
  $("stage").hidden = $("labels").hidden = !row;
  $("done").hidden = Boolean(row);
  for (const id of ["accept", "edit", "reject"]) $(id).disabled = !row;
  if (!row) return showDone(counts);
  const labels = state.drafts.get(row.path) || labelsOf(row);
  const parts = [row.name];
  if (row.review) parts.push(element("span", { class: `state ${row.review}` }, STATES[row.review]));
  $("name").replaceChildren(...parts);
  const seconds = row.seconds === null ? "" : ` · ${row.seconds.toFixed(1)} s`;
  $("facts").textContent = `${row.number} of ${counts.total}${seconds} · ${row.path}`;
  showWarnings(row);
  $("caption").value = labels.caption;
  for (const name of options.tags) $(`tag-${name}`).value = labels.tags[name];
  showSegments(row, labels);
  $("detailed").textContent = row.detailed || "";
  $("more").hidden = !row.detailed;
  $("labels").scrollTop = 0;
  mark();
  showMotion(row);
}

function showCounts(counts) {
  const decided = counts.total - counts.undecided;
  $("progress").max = counts.total;
  $("progress").value = decided;
  const each = Object.entries(STATES).map(([name, word]) => `${counts[name]} ${word}`);
  $("counts").replaceChildren(`${decided} of ${counts.total} decided`, element("span", { id: "each" }, `: ${each.join(", ")}`));
  $("undo").disabled = counts.undo === 0;
  if (counts.problem) console.warn(counts.problem);
}

function showDone(counts) {
  state.viewer?.dispose();
  state.viewer = null;
  const wanted = $("filter").selectedOptions[0].textContent;
  $("done").textContent = counts.undecided
    ? `No clip is ${wanted}.`
    : wanted === "undecided"
      ? `All ${counts.total} clips are decided. Rows to train on: llamo review ${options.table} --export DIR`
      : `No clip is ${wanted}. All ${counts.total} are decided.`;
}

function showWarnings(row) {
  const found = [];
  if (row.missing) found.push(["The file is missing. The labels can be decided all the same.", ""]);
  if (row.error) found.push([`Not labelled: ${row.error}`, ""]);
  for (const warning of row.warnings || []) found.push([warning, warning.startsWith("assumed:") ? "note" : ""]);
  if (row.caption_by_model && row.caption_by_model !== row.caption) found.push([`the model said: ${row.caption_by_model}`, "note"]);
  $("warnings").replaceChildren(...found.map(([text, kind]) => element("li", { class: kind }, text)));
}

function showSegments(row, labels) {
  const segments = row.segments || [];
  $("spans").hidden = segments.length < 2;
  const lines = segments.map((part, index) => {
    const start = part.start_s - segments[0].start_s;
    const times = `${part.start_s.toFixed(1)}–${part.end_s.toFixed(1)} s`;
    const seek = element("button", { type: "button", title: "Show", onclick: () => state.viewer?.seek(start) }, times);
    const field = element("input", { type: "text", "aria-label": `Caption from ${times}` });
    field.value = labels.segments[index];
    return element("li", {}, seek, field);
  });
  $("segments").replaceChildren(...lines);
}

async function showMotion(row) {
  const tell = (title, text) => {
    if (state.row !== row) return; // a slow clip says nothing in the place of the one after it
    state.viewer?.dispose();
    state.viewer = window.llamoViewer = null;
    $("stage").replaceChildren(element("p", { class: "hint" }, element("strong", {}, title), text));
  };
  if (row.missing) return tell("The file is missing.", row.path);
  const waiting = setTimeout(() => tell("Reading the motion …", "A video takes a while: its motion is estimated."), 250);
  try {
    const payload = await motionOf(row.path);
    if (state.row !== row) return;
    clearTimeout(waiting);
    state.viewer?.dispose();
    $("stage").replaceChildren();
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    // Keys go to the viewer from wherever they are pressed; letters that decide are none of its own.
    state.viewer = new MotionViewer($("stage"), payload, { autoplay: !still, keys: document });
    window.llamoViewer = state.viewer;
    if (payload.changed) $("warnings").append(element("li", {}, "The file has changed since it was labelled."));
  } catch (error) {
    tell("The motion cannot be shown.", error.message);
  } finally {
    clearTimeout(waiting);
  }
  if (state.row === row && state.next) motionOf(state.next).catch(() => {});
}

// ---- labels in the fields

// As the fields show them: texts, actions with commas between them.
function labelsOf(row) {
  const tags = {};
  for (const name of options.tags) {
    const value = row.tags?.[name];
    tags[name] = name === "actions" ? (value || []).map((action) => action.replaceAll("_", " ")).join(", ") : value || "";
  }
  return { caption: row.caption || "", tags, segments: (row.segments || []).map((part) => part.caption) };
}

function labelsNow() {
  const tags = Object.fromEntries(options.tags.map((name) => [name, $(`tag-${name}`).value]));
  const shown = [...$("segments").querySelectorAll("input")].map((field) => field.value);
  return { caption: $("caption").value, tags, segments: shown };
}

function isChanged() {
  return state.row !== null && JSON.stringify(labelsNow()) !== JSON.stringify(labelsOf(state.row));
}

function keepDraft() {
  if (state.row === null) return;
  if (isChanged()) state.drafts.set(state.row.path, labelsNow());
  else state.drafts.delete(state.row.path);
}

// Shows which fields differ from what is stored, and what accepting them means.
function mark() {
  if (!state.row) return;
  const stored = labelsOf(state.row);
  const now = labelsNow();
  $("caption").classList.toggle("changed", now.caption !== stored.caption);
  for (const name of options.tags) $(`tag-${name}`).classList.toggle("changed", now.tags[name] !== stored.tags[name]);
  [...$("segments").querySelectorAll("input")].forEach((field, index) =>
    field.classList.toggle("changed", field.value !== stored.segments[index]),
  );
  $("accept").firstElementChild.textContent = isChanged() ? "Save edit" : "Accept";
}

// ---- what a person does

const decide = (review) =>
  alone(async () => {
    if (!state.row) return;
    const { path, name } = state.row;
    const { caption, tags, segments } = labelsNow();
    const actions = tags.actions.split(",").map((action) => action.trim()).filter(Boolean);
    const given = review === "reject" ? {} : isChanged() ? { caption, tags: { ...tags, actions }, segments } : {};
    const found = await call("decide", { path, review, filter: $("filter").value, ...given });
    const said = review !== "reject" && Object.keys(given).length ? "edit" : review;
    document.activeElement.blur();
    state.row = null; // what is in the fields is saved
    state.drafts.delete(path);
    show(found);
    say(`${name} ${STATES[said]}.`);
  });

const undo = () =>
  alone(async () => {
    const found = await call("undo", { filter: $("filter").value });
    keepDraft();
    state.row = null;
    // What was typed is not lost with its decision.
    const { caption, tags, segments } = found.undone;
    if (caption !== undefined || tags || segments) state.drafts.set(found.row.path, labelsOf({ ...found.row, ...found.undone }));
    show(found);
    say(`Undone: ${found.row.name}.`);
  });

const go = (step) =>
  alone(async () => {
    const wanted = { filter: $("filter").value, step, after: state.row ? state.row.path : null };
    show(await call(`clip?${query(wanted)}`));
  });

function say(text) {
  $("said").textContent = `${text} ${$("counts").textContent}.`;
}

function correct() {
  $("caption").focus();
  $("caption").setSelectionRange($("caption").value.length, $("caption").value.length);
}

const KEYS = { a: () => decide("accept"), c: correct, r: () => decide("reject"), u: undo, n: () => go(1), b: () => go(-1) };

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
  const field = event.target.closest("textarea, input[type=text]");
  if (field) {
    if (event.key === "Enter") decide("accept");
    else if (event.key === "Escape") field.blur();
    else return;
  } else {
    if (event.target.closest("select") || !KEYS[event.key.toLowerCase()]) return;
    KEYS[event.key.toLowerCase()]();
  }
  event.preventDefault();
}

function build() {
  document.title = `Review ${options.table}`;
  $("table").textContent = options.table;
  for (const name of options.tags) {
    const field = element("input", { type: "text", id: `tag-${name}` });
    const label = element("label", {}, name === "actions" ? "actions, with commas between them" : name, field);
    if (options.words[name]) {
      const list = element("datalist", { id: `words-${name}` }, ...options.words[name].map((word) => element("option", { value: word })));
      field.setAttribute("list", list.id);
      label.append(list);
    }
    $("tags").append(label);
  }
  $("accept").onclick = () => decide("accept");
  $("reject").onclick = () => decide("reject");
  $("edit").onclick = correct;
  $("undo").onclick = undo;
  $("next").onclick = () => go(1);
  $("back").onclick = () => go(-1);
  $("filter").onchange = () => {
    keepDraft();
    $("filter").blur();
    alone(async () => show(await call(`clip?${query({ filter: $("filter").value })}`)));
  };
  $("labels").addEventListener("input", mark);
  $("labels").onsubmit = (event) => event.preventDefault();
  document.addEventListener("keydown", onKey, true);
  window.addEventListener("beforeunload", (event) => {
    keepDraft();
    if (state.drafts.size) event.preventDefault();
  });
}

await alone(async () => {
  options = await call("options");
  build();
  show(await call("clip?filter=undecided"));
});
window.llamoReview = state;
