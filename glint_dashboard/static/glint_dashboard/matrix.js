/* The matrix comes to life: ticks are marked, Save asks the plan, progress is shown.
   Without this script the page is a plain form. Nothing foreign ever becomes markup here: text is
   set as text, and the only markup comes from our own server, escaped there. */
(function () {
  "use strict";

  const root = document.getElementById("glint");
  const form = document.getElementById("glint-form");
  if (!root || !form) { return; }

  const QUICK = 2000, SLOW = 30000;
  const gettext = window.gettext || ((text) => text);
  const save = document.getElementById("glint-save");
  const undo = document.getElementById("glint-undo");
  const pendingText = document.getElementById("glint-pending");
  const notice = document.getElementById("glint-notice");
  const dialog = document.getElementById("glint-dialog");
  const rows = Array.from(root.querySelectorAll("tr[data-image]"));
  const byImage = new Map(rows.map((row) => [row.dataset.image, row]));
  const boxesOf = (place) => Array.from(place.querySelectorAll(".glint-box"));
  const boxes = boxesOf(form);
  const isPending = (box) => box.checked !== box.defaultChecked;
  let moving = Number(root.dataset.moving), wait = QUICK, timer = null, busy = false, last = "";

  /* -- ticks */

  function mark(box) {
    const cell = box.parentElement, pending = isPending(box);
    cell.classList.toggle("is-pending", pending);
    cell.querySelector(".glint-word").dataset.pending = box.checked ? gettext("to add") : gettext("to remove");
  }

  function summarise(master, some) {
    const ticked = some.filter((box) => box.checked).length;
    master.checked = some.length > 0 && ticked === some.length;
    master.indeterminate = ticked > 0 && ticked < some.length;
  }

  const masters = new Map();
  root.querySelectorAll(".glint-row").forEach((one) => masters.set(one, boxesOf(one.closest("tr"))));
  root.querySelectorAll(".glint-column").forEach((one) => masters.set(
    one, boxes.filter((box) => box.parentElement.dataset.credential === one.dataset.credential)));

  function refreshButtons() {
    masters.forEach((some, master) => summarise(master, some));
    if (!save) { return; }
    const count = boxes.filter(isPending).length;
    save.disabled = busy || count === 0;
    undo.hidden = count === 0;
    pendingText.textContent = count ? window.ngettext
      ? window.interpolate(window.ngettext("%s change pending", "%s changes pending", count), [count])
      : count + " pending" : "";
  }

  form.addEventListener("change", (event) => {
    const box = event.target;
    if (masters.has(box)) {
      masters.get(box).forEach((one) => { one.checked = box.checked; mark(one); });
    } else if (box.classList.contains("glint-box")) {
      mark(box);
    }
    refreshButtons();
  });

  if (undo) {
    undo.addEventListener("click", () => {
      boxes.forEach((box) => { box.checked = box.defaultChecked; mark(box); });
      refreshButtons();
    });
  }

  window.addEventListener("beforeunload", (event) => {
    if (boxes.some(isPending)) { event.preventDefault(); }
  });

  /* -- talking to the server */

  async function ask(url, body) {
    const answer = await fetch(url, {
      method: body ? "POST" : "GET", body: body, credentials: "same-origin",
      headers: {"X-Requested-With": "XMLHttpRequest"}
    });
    if (answer.status === 401 || answer.status === 403) {
      boxes.forEach((box) => { box.checked = box.defaultChecked; });
      window.location.reload();
    }
    return answer;
  }

  function tell(text, more) {
    notice.textContent = text;
    if (more && more.length) {
      const list = document.createElement("ul");
      more.slice(0, 20).forEach((line) => {
        const item = document.createElement("li");
        item.textContent = line;
        list.append(item);
      });
      notice.append(list);
    }
    notice.hidden = !text;
  }

  /* -- what has become of the page */

  function showCell(cell, state) {
    const word = cell.querySelector(".glint-word"), bar = cell.querySelector("progress");
    cell.className = "glint-cell is-" + state.kind + (cell.classList.contains("is-changed") ? " is-changed" : "");
    word.textContent = state.word + (state.percent === null ? "" : " " + state.percent + " %");
    cell.querySelector(".glint-state").title = state.note;
    bar.hidden = state.percent === null;
    bar.value = state.percent || 0;
    const box = cell.querySelector(".glint-box");
    const changed = box.defaultChecked !== state.wanted;
    if (changed) {
      box.defaultChecked = state.wanted;
      box.checked = state.wanted;
    }
    mark(box);
    return changed ? box.getAttribute("aria-label") + ": " +
      (state.wanted ? gettext("is wanted now") : gettext("is not wanted any more")) : null;
  }

  function remove(image) {
    const row = byImage.get(image);
    if (!row) { return; }
    row.classList.add("is-gone");
    boxesOf(row).forEach((box) => {
      box.checked = box.defaultChecked;
      box.disabled = true;
      mark(box);
    });
  }

  function showCounts(counts) {
    document.getElementById("glint-info").textContent = counts.info;
    Object.entries(counts.filters).forEach(([name, count]) => {
      root.querySelector('[data-filter="' + name + '"]').textContent = count === null ? "" : count;
    });
    moving = counts.moving;
    root.dataset.moving = moving;
  }

  function show(state) {
    const changes = [];
    root.dataset.cursor = state.cursor;
    state.deleted.forEach(remove);
    Object.entries(state.rows).forEach(([image, fresh]) => {
      const row = byImage.get(image);
      if (!row) { return; }
      row.dataset.generation = fresh.generation;
      row.querySelectorAll(".glint-cell").forEach((cell) => {
        const known = fresh.cells[cell.dataset.credential];
        const told = known ? showCell(cell, known) : null;
        if (told) { changes.push(told); }
        if (known) { cell.classList.toggle("is-changed", Boolean(told)); }
      });
    });
    if (state.counts) { showCounts(state.counts); }
    const list = document.getElementById("glint-events");
    list.replaceChildren(...state.events.map((event) => {
      const item = document.createElement("li"), at = document.createElement("time"),
        message = document.createElement("span");
      at.textContent = event.at;
      message.textContent = event.message;
      item.append(at, " ", message);
      return item;
    }));
    refreshButtons();
    return changes;
  }

  async function refresh() {
    const since = encodeURIComponent(root.dataset.cursor);
    const answer = await ask(root.dataset.state + "&since=" + since);
    if (!answer.ok) { throw new Error(String(answer.status)); }
    const state = await answer.json();
    const told = JSON.stringify([state.rows, state.events]);
    wait = told === last ? Math.min(wait * 1.5, SLOW) : QUICK;
    last = told;
    root.dataset.polls = Number(root.dataset.polls || 0) + 1;
    return show(state);
  }

  async function poll() {
    timer = null;
    try {
      const changes = await refresh();
      if (changes.length) { tell(gettext("Somebody else changed this meanwhile:"), changes); }
    } catch (error) {
      wait = Math.min(wait * 2, SLOW);
    }
    schedule();
  }

  function schedule() {
    if (timer === null && moving > 0 && !document.hidden) { timer = window.setTimeout(poll, wait); }
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      window.clearTimeout(timer);
      timer = null;
    } else {
      wait = QUICK;
      schedule();
    }
  });

  /* -- saving */

  function changes() {
    return boxes.filter(isPending).map((box) =>
      box.value + ":" + (box.checked ? 1 : 0) + ":" + box.closest("tr").dataset.generation).join(" ");
  }

  async function submit(url, body) {
    busy = true;
    refreshButtons();
    try {
      const answer = await ask(url, body);
      await judge(await answer.json());
    } catch (error) {
      tell(gettext("The dashboard did not answer; it is not certain whether it was saved. Look at the state before you save again."));
    } finally {
      busy = false;
      refreshButtons();
    }
  }

  async function judge(told) {
    if (told.plan) {
      openDialog(told.plan);
      return;
    }
    dialog.close();
    if (told.error) {
      const news = told.conflict ? await refresh() : [];
      tell(told.error, news);
      return;
    }
    const saved = new Set(told.saved || []);
    boxes.filter((box) => saved.has(box.value)).forEach((box) => {
      box.defaultChecked = box.checked;
      mark(box);
    });
    tell("");
    wait = QUICK;
    await refresh();
    document.getElementById("glint-info").textContent = told.message;
    moving = Math.max(moving, 1);
    schedule();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (busy || !boxes.some(isPending)) { return; }
    const body = new FormData();
    body.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
    body.set("changes", changes());
    submit(form.action, body);
  });

  /* -- the dialog: a plan to agree to, or what is known of a cell */

  function openDialog(markup) {
    dialog.innerHTML = markup;
    if (!dialog.open) { dialog.showModal(); }
  }

  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest('[data-glint="close"]')) {
      event.preventDefault();
      dialog.close();
    }
  });

  dialog.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(event.target.action, new FormData(event.target));
  });

  root.addEventListener("click", async (event) => {
    const link = event.target.closest(".glint-state");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) { return; }
    event.preventDefault();
    try {
      const answer = await ask(link.href);
      openDialog(await answer.text());
    } catch (error) {
      tell(gettext("The dashboard does not answer. Try again in a moment."));
    }
  });

  if (save) { masters.forEach((some, master) => { master.hidden = false; }); }
  refreshButtons();
  schedule();
  root.dataset.ready = "yes";
}());
