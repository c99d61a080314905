"use strict";
/* Who leaves a form with changes that are not saved is asked first. */
(() => {
  const form = document.querySelector("form.protocol");
  if (!form) return;
  let isChanged = false;
  const note = (event) => { isChanged = isChanged || event.target.name !== ""; };
  form.addEventListener("input", note);
  form.addEventListener("change", note);
  form.addEventListener("submit", () => { isChanged = false; });
  // The link that forgets the changes has been understood as such.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-forget]");
    if (link) isChanged = false;
  });
  window.addEventListener("beforeunload", (event) => { if (isChanged) event.preventDefault(); });
})();
