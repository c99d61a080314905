"use strict";
/* A form that takes a while says so, and cannot be sent twice. */
(() => {
  for (const form of document.querySelectorAll("form[data-busy]")) {
    const said = document.createElement("p");
    said.className = "help";
    said.setAttribute("role", "status");
    form.append(said);
    form.addEventListener("submit", () => {
      said.textContent = form.dataset.busy;
      // After the sending: a button that is disabled would not be sent with its form.
      window.setTimeout(() => { for (const button of form.querySelectorAll("button")) button.disabled = true; }, 0);
    });
    window.addEventListener("pageshow", () => {
      said.textContent = "";
      for (const button of form.querySelectorAll("button")) button.disabled = false;
    });
  }
})();
