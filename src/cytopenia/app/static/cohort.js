"use strict";
/* In the table the arrow keys go from patient to patient, Enter opens; a choice is shown at once. */
(() => {
  const table = document.getElementById("patients");
  if (table) {
    const links = [...table.querySelectorAll("tbody th a")];
    const turn = (rel) => { const link = document.querySelector(`.pages a[rel=${rel}]`); if (link) link.click(); };
    const moves = { ArrowDown: (at) => at + 1, ArrowUp: (at) => at - 1, Home: () => 0, End: () => links.length - 1 };
    table.addEventListener("keydown", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      if (event.key === "PageDown" || event.key === "PageUp") {
        event.preventDefault();
        turn(event.key === "PageDown" ? "next" : "prev");
        return;
      }
      const at = links.indexOf(document.activeElement);
      const move = moves[event.key];
      if (!move || at < 0) return;
      event.preventDefault();
      links[Math.min(Math.max(move(at), 0), links.length - 1)].focus();
    });
    const region = table.parentElement;
    region.addEventListener("keydown", (event) => {
      if (event.target === region && event.key === "ArrowDown") { event.preventDefault(); links[0].focus(); }
    });
    table.addEventListener("click", (event) => {
      const row = event.target.closest("tbody tr");
      if (row && !event.target.closest("a") && !String(window.getSelection())) row.querySelector("a").click();
    });
  }
  for (const select of document.querySelectorAll(".choose select")) {
    select.addEventListener("change", () => select.form.requestSubmit());
  }
})();
