"use strict";
/* Files are sent one by one as they are; a run is asked for its state until it has ended. */
(() => {
  const drop = document.getElementById("drop");
  const chosen = document.getElementById("files");
  const list = document.getElementById("taken");

  const fill = (text, values) => text.replace(/%(\w+)%/g, (_, name) => values[name]);

  function send(file, line) {
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      const replace = document.getElementById("replace").checked ? "?replace=1" : "";
      request.open("PUT", drop.dataset.target + encodeURIComponent(file.name) + replace);
      request.setRequestHeader("X-CSRF-Token", drop.dataset.csrf);
      request.setRequestHeader("Accept", "application/json");
      request.upload.onprogress = (event) => {
        const share = event.lengthComputable ? Math.round((100 * event.loaded) / event.total) : 0;
        line.textContent = fill(drop.dataset.taking, { name: file.name, share });
      };
      request.onload = () => {
        const done = request.status === 201;
        let said = "";
        try { said = JSON.parse(request.responseText).error || ""; } catch { said = String(request.status); }
        line.textContent = done ? fill(drop.dataset.taken, { name: file.name }) : `${file.name}: ${said}`;
        line.className = done ? "good" : "bad";
        resolve(done);
      };
      request.onerror = () => { line.className = "bad"; line.textContent = `${file.name}: –`; resolve(false); };
      request.send(file);
    });
  }

  async function sendAll(files) {
    let all = files.length > 0;
    for (const file of files) {
      const line = document.createElement("li");
      line.textContent = file.name;
      list.append(line);
      all = (await send(file, line)) && all;
    }
    if (all) window.location.reload();
  }

  chosen.addEventListener("change", () => sendAll([...chosen.files]));
  drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    sendAll([...event.dataTransfer.files]);
  });

  const job = document.getElementById("job");
  const words = document.getElementById("job-words");
  const bar = document.getElementById("job-bar");

  async function watch() {
    const answer = await fetch(job.dataset.source, { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    const now = await answer.json();
    if (now.state === "running") {
      words.textContent = now.label;
      if (now.total) { bar.max = now.total; bar.value = now.done; }
      window.setTimeout(watch, 500);
      return;
    }
    const page = await fetch(window.location.pathname, { headers: { Accept: "text/html" } });
    if (!page.ok) { window.location.reload(); return; }
    const fresh = new DOMParser().parseFromString(await page.text(), "text/html");
    // What stands there is changed in place: after a new load nobody would be told how the run ended.
    for (const id of ["next", "outputs"]) document.getElementById(id).replaceWith(fresh.getElementById(id));
    document.getElementById("start").disabled = false;
    document.getElementById("stop").hidden = true;
    bar.hidden = true;
    words.textContent = fill(job.dataset[now.state] || "", now);
  }

  if (job.dataset.state === "running") watch();
})();
