"use strict";
/* What a page without scripts does by its button, this does while typing; the server calculates and words it. */
(() => {
  const form = document.getElementById("calculator");
  let asked = 0;
  let waiting = 0;

  function dress(root) {
    for (const part of root.querySelectorAll(".only-script")) part.hidden = false;
    for (const button of root.querySelectorAll("[data-copy]")) {
      button.addEventListener("click", async () => {
        const field = document.getElementById(button.dataset.copy);
        field.select();
        try {
          await navigator.clipboard.writeText(field.value);
        } catch {
          return; // The browser does not allow it; the text is selected, and can be copied by hand.
        }
        const said = button.parentElement.querySelector("[data-said]");
        said.textContent = said.dataset.said;
      });
    }
  }

  /* A card needs every value; before, there is nothing to say but what is missing. */
  const isReady = () => !("whole" in form.dataset)
    || [...form.querySelectorAll("[name^=value_]")].every((field) => field.value.trim());

  async function calculate() {
    if (!isReady()) return;
    asked += 1;
    const mine = asked;
    const body = new URLSearchParams(new FormData(form));
    const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "text/html" } });
    if (mine !== asked || (answer.status !== 200 && answer.status !== 422)) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("result");
    const shown = document.getElementById("result");
    if (!fresh || mine !== asked) return;
    shown.replaceChildren(...fresh.childNodes);
    dress(shown);
    // The answer alone is told: a whole table after each key is more than anyone can listen to.
    const line = shown.querySelector(".answer");
    const said = document.getElementById("said");
    const words = line ? line.textContent : "";
    if (said.textContent !== words) said.textContent = words;
  }

  for (const chooser of document.querySelectorAll("input[type=file][data-into]")) {
    chooser.addEventListener("change", async () => {
      const [file] = chooser.files;
      if (!file) return;
      const target = document.getElementById(chooser.dataset.into);
      target.value = await file.text();
      target.form.requestSubmit();
    });
  }

  if (form && form.querySelector("[name^=value_]")) {
    const later = () => { window.clearTimeout(waiting); waiting = window.setTimeout(calculate, 400); };
    form.addEventListener("input", later);
    form.addEventListener("change", later);
  }
  dress(document);
})();
