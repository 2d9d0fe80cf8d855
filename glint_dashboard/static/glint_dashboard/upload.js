/* Sends a file with progress. Without this script the form sends it by itself, without.
   First the image's row is made, with all that is said of it; then the bytes go to it. */
(function () {
  "use strict";

  const form = document.getElementById("glint-upload");
  if (!form) { return; }
  const gettext = window.gettext || ((text) => text);
  const trouble = document.getElementById("glint-upload-trouble");
  const progress = document.getElementById("glint-upload-progress");
  const word = document.getElementById("glint-upload-word");
  const bar = progress.querySelector(".progress-bar");
  const button = form.querySelector("input[type=submit]");
  const headers = {"X-Requested-With": "XMLHttpRequest"};
  let busy = false;

  function tell(lines) {
    trouble.replaceChildren(...lines.map((line) => {
      const one = document.createElement("p");
      one.textContent = line;
      return one;
    }));
    trouble.hidden = lines.length === 0;
  }

  function set(now) {
    busy = now;
    button.disabled = now;
    progress.hidden = !now;
  }

  const mega = (bytes) => (bytes / 1048576).toFixed(bytes < 104857600 ? 1 : 0) + " MiB";

  function show(done, total, began) {
    const percent = Math.floor(100 * done / total);
    const seconds = (Date.now() - began) / 1000;
    bar.style.width = percent + "%";
    bar.setAttribute("aria-valuenow", percent);
    word.textContent = done < total
      ? percent + " %: " + mega(done) + " / " + mega(total) +
        (seconds > 1 ? ", " + mega(done / seconds) + "/s" : "")
      : gettext("All is sent; it is being checked.");
  }

  function send(url, file) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest(), began = Date.now();
      request.open("PUT", url);
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.setRequestHeader("X-CSRFToken", form.elements.csrfmiddlewaretoken.value);
      Object.entries(headers).forEach(([name, value]) => request.setRequestHeader(name, value));
      request.upload.addEventListener("progress", (event) => show(event.loaded, file.size, began));
      request.addEventListener("load", () => resolve(request));
      request.addEventListener("error", () => reject(new Error("broken")));
      request.send(file);
    });
  }

  /* Where the bytes are to go; null when the form was refused, and that is told. */
  async function prepare(file) {
    if (form.dataset.upload) { return form.dataset.upload; }
    const body = new FormData(form);
    body.delete("file");
    body.set("announced", file.size);
    const answer = await fetch(form.action, {
      method: "POST", body: body, headers: headers, credentials: "same-origin"
    });
    if (answer.status === 401) { window.location.reload(); }
    const told = await answer.json();
    tell(told.errors || []);
    return told.upload || null;
  }

  async function submit(file) {
    set(true);
    tell([]);
    word.textContent = gettext("The image is being made.");
    try {
      const url = await prepare(file);
      if (!url) { return; }
      const answer = await send(url, file);
      if (answer.status === 401) { window.location.reload(); }
      const told = JSON.parse(answer.responseText);
      if (told.next) {
        busy = false;
        window.location.assign(told.next);
        return;
      }
      tell(told.errors);
    } catch (error) {
      tell([gettext("The upload broke off. If the list shows that the image waits for its file, upload it there again.")]);
    } finally {
      if (trouble.hidden === false) { set(false); }
    }
  }

  form.addEventListener("submit", (event) => {
    const source = form.elements.source, file = form.elements.file.files[0];
    if (source && source.value !== "file") { return; }
    if (!file || !file.size) { return; }
    event.preventDefault();
    if (!busy) { submit(file); }
  });

  window.addEventListener("beforeunload", (event) => {
    if (busy) { event.preventDefault(); }
  });
  form.dataset.ready = "yes";
}());
