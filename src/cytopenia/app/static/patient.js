"use strict";
/* The timeline: zoom over the days, one stop of Tab with arrow keys inside, and what a day says.
   What is behind the grades takes longer to find than the page: it is asked for once the page stands. */
(() => {
  const figure = document.getElementById("timeline");
  const days = figure.querySelector("svg.days");
  const readout = document.getElementById("readout");
  const [, , width, height] = days.getAttribute("viewBox").split(" ").map(Number);
  const all = [...figure.querySelectorAll(".spot")];
  const rows = [...figure.querySelectorAll(".count")].map((row) => [...row.querySelectorAll(".spot")]).filter((row) => row.length);
  const labels = figure.querySelectorAll("text.each, text.seventh").length;
  let left = 0;
  let shown = width;

  function draw() {
    shown = Math.min(Math.max(shown, width / 20), width);
    left = Math.min(Math.max(left, 0), width - shown);
    days.setAttribute("viewBox", `${left} 0 ${shown} ${height}`);
    figure.style.setProperty("--squeeze", shown / width);
    figure.classList.toggle("near", (width / labels) * (width / shown) >= 17);
    figure.classList.toggle("zoomed", shown < width);
  }

  function zoom(factor, at = left + shown / 2) {
    const next = Math.min(Math.max(shown / factor, width / 20), width);
    left = at - ((at - left) * next) / shown;
    shown = next;
    draw();
  }

  const showAll = () => { left = 0; shown = width; draw(); };
  const place = (event) => {
    const box = days.getBoundingClientRect();
    const scale = figure.getBoundingClientRect().width / figure.viewBox.baseVal.width;
    const start = figure.getBoundingClientRect().left + Number(days.getAttribute("x")) * scale;
    return box.width ? left + ((event.clientX - start) / (width * scale)) * shown : left;
  };

  const middle = (spot) => { const box = spot.querySelector("rect"); return Number(box.getAttribute("x")) + Number(box.getAttribute("width")) / 2; };
  const tell = (spot) => { readout.textContent = spot ? spot.getAttribute("aria-label") : readout.dataset.hint; };

  function reach(spot) {
    for (const other of all) other.setAttribute("tabindex", "-1");
    spot.setAttribute("tabindex", "0");
    const at = middle(spot);
    if (at < left || at > left + shown) { left = at - shown / 2; draw(); }
    spot.focus({ preventScroll: false });
  }

  function step(spot, key) {
    const row = rows.find((one) => one.includes(spot));
    const at = row.indexOf(spot);
    if (key === "ArrowLeft") return row[Math.max(at - 1, 0)];
    if (key === "ArrowRight") return row[Math.min(at + 1, row.length - 1)];
    if (key === "Home") return row[0];
    if (key === "End") return row[row.length - 1];
    const other = rows[Math.min(Math.max(rows.indexOf(row) + (key === "ArrowUp" ? -1 : 1), 0), rows.length - 1)];
    const near = (one) => Math.abs(middle(one) - middle(spot));
    return other.reduce((best, one) => (near(one) < near(best) ? one : best), other[0]);
  }

  figure.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const spot = event.target.closest(".spot");
    const zooms = { "+": () => zoom(1.5), "=": () => zoom(1.5), "-": () => zoom(1 / 1.5), 0: showAll };
    if (zooms[event.key]) {
      if (spot && event.key !== "0") { left = middle(spot) - shown / 2; }
      zooms[event.key]();
      event.preventDefault();
    } else if (spot && ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"].includes(event.key)) {
      event.preventDefault();
      reach(step(spot, event.key));
    }
  });
  // Chromium makes an SVG that listens for focus a stop of Tab of its own: its surroundings listen.
  figure.parentElement.addEventListener("focusin", (event) => tell(event.target.closest(".spot")));
  figure.addEventListener("pointerover", (event) => { const spot = event.target.closest(".spot"); if (spot) tell(spot); });
  figure.addEventListener("pointerleave", () => tell(figure.contains(document.activeElement) ? document.activeElement.closest(".spot") : null));
  figure.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1.25 : 1 / 1.25, place(event));
  }, { passive: false });

  /* One pointer moves the days, two zoom them: the days under the two stay under them. */
  const down = new Map();
  let held = null;
  let apart = 0;
  const spread = () => { const [one, other] = [...down.values()]; return Math.max(Math.abs(one.clientX - other.clientX), 1); };
  const between = () => { const [one, other] = [...down.values()]; return place({ clientX: (one.clientX + other.clientX) / 2 }); };
  figure.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    down.set(event.pointerId, event);
    if (down.size === 2) { apart = spread(); held = null; }
    else if (down.size === 1 && shown < width) { held = place(event); figure.setPointerCapture(event.pointerId); }
  });
  figure.addEventListener("pointermove", (event) => {
    if (!down.has(event.pointerId)) return;
    down.set(event.pointerId, event);
    if (down.size === 2) {
      const now = spread();
      zoom(now / apart, between());
      apart = now;
    } else if (held !== null) { left += held - place(event); draw(); }
  });
  for (const end of ["pointerup", "pointercancel"]) {
    window.addEventListener(end, (event) => { down.delete(event.pointerId); held = null; });
  }

  for (const button of document.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => ({ in: () => zoom(1.5), out: () => zoom(1 / 1.5), all: showAll })[button.dataset.zoom]());
  }
  if (rows.length) rows[0][0].setAttribute("tabindex", "0");
  document.getElementById("zoom").hidden = false;
  readout.hidden = false;
  tell(null);
  draw();

  const explanation = document.getElementById("explanation");
  /* The outcomes above lead to their reasons on this page, once these stand here. */
  function point() {
    for (const link of document.querySelectorAll("[data-behind]")) {
      if (document.getElementById(link.dataset.behind)) link.setAttribute("href", `#${link.dataset.behind}`);
    }
  }
  /* That it is there is told, not all of it: thousands of words are more than anyone can listen to. */
  async function ask() {
    const said = document.getElementById("asked");
    const link = [...explanation.childNodes];
    const wait = document.createElement("p");
    wait.textContent = explanation.dataset.asking;
    said.textContent = explanation.dataset.asking;
    explanation.replaceChildren(wait);
    try {
      const answer = await fetch(explanation.dataset.source);
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      explanation.replaceChildren(...page.body.childNodes);
      said.textContent = said.dataset.done;
      point();
    } catch {
      wait.textContent = explanation.dataset.failed;
      said.textContent = explanation.dataset.failed;
      explanation.replaceChildren(wait, ...link);
    }
  }
  if (explanation.dataset.done) point();
  else ask();
})();
