// What pages can't do without a script, and nothing more: every page works without this one.
"use strict";

(() => {
  const all = (root, selector) => [
    ...(root.matches?.(selector) ? [root] : []),
    ...root.querySelectorAll(selector),
  ];

  // Times in the reader's zone; the exact instant stays on hover.
  const zoned = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  const times = (root) => {
    for (const time of all(root, "time[datetime]:not([data-shown])")) {
      const at = new Date(time.dateTime);
      if (!Number.isNaN(at.getTime())) time.textContent = zoned.format(at);
      time.dataset.shown = "";
    }
  };

  // A button that copies what an element holds.
  const copies = (root) => {
    for (const button of all(root, "button[data-copy]")) {
      button.hidden = !navigator.clipboard;
      button.addEventListener("click", async () => {
        const from = document.getElementById(button.dataset.copy);
        await navigator.clipboard.writeText(from.value ?? from.textContent);
        const label = button.textContent;
        button.textContent = "Copied";
        setTimeout(() => (button.textContent = label), 1500);
      });
    }
  };

  // What can't be undone is confirmed by typing what it is about.
  const typed = (root) => {
    for (const input of all(root, "input[data-confirm]")) {
      const button = input.form.querySelector("button:not([type=button])");
      const check = () => {
        button.disabled = input.value.trim().toLowerCase() !== input.dataset.confirm.toLowerCase();
      };
      input.addEventListener("input", check);
      check();
    }
  };

  // One box that ticks all, and a count of what is ticked.
  const picks = (root) => {
    for (const form of all(root, "form[data-picks]")) {
      const every = form.querySelector("[data-pick-all]");
      const boxes = () => form.querySelectorAll("[name=pick]");
      const count = () => {
        const ticked = [...boxes()].filter((box) => box.checked).length;
        for (const out of form.querySelectorAll("[data-picked]")) out.textContent = ticked;
        for (const act of form.querySelectorAll("[data-needs-pick]")) act.hidden = ticked === 0;
        if (every) every.checked = ticked > 0 && ticked === boxes().length;
      };
      form.addEventListener("change", (event) => {
        if (event.target === every) for (const box of boxes()) box.checked = every.checked;
        count();
      });
      document.addEventListener("htmx:afterSettle", count);
      if (every) every.hidden = false;
      count();
    }
  };

  // A form is sent once, however often its button is pressed.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) return event.preventDefault();
    if (!event.defaultPrevented && !form.hasAttribute("data-again")) form.dataset.sent = "1";
  });
  addEventListener("pageshow", () => {
    for (const form of document.forms) delete form.dataset.sent;
  });

  // A file dropped on the page.
  const drops = (root) => {
    for (const drop of all(root, "[data-drop]")) {
      const input = drop.querySelector("input[type=file]");
      for (const [name, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
        drop.addEventListener(name, (event) => {
          event.preventDefault();
          drop.classList.toggle("over", over);
        });
      }
      drop.addEventListener("drop", (event) => {
        if (event.dataTransfer.files.length) {
          input.files = event.dataTransfer.files;
          input.form.requestSubmit();
        }
      });
    }
  };

  // Progress as it is made: each event holds the part of the page that shows it. The last one says so, and the page is
  // loaded anew.
  const events = (root) => {
    for (const part of all(root, "[data-events]")) {
      const source = new EventSource(part.dataset.events);
      source.addEventListener("progress", (event) => {
        part.innerHTML = event.data;
        ready(part);
      });
      // The server is back and knows nothing of it, or one is signed out: the page says so.
      source.addEventListener("error", () => {
        if (source.readyState === EventSource.CLOSED) location.reload();
      });
      source.addEventListener("end", () => {
        source.close();
        location.reload();
      });
    }
  };

  const ready = (root) => {
    for (const make of [times, copies, typed, picks, drops]) make(root);
  };

  ready(document);
  events(document);
  for (const note of document.querySelectorAll("[data-insecure]")) note.hidden = isSecureContext;
  document.addEventListener("htmx:load", (event) => ready(event.detail.elt));

  // A menu closes when one leaves it.
  for (const menu of document.querySelectorAll("details.me")) {
    document.addEventListener("click", (event) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  }

  // Where to search.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select")) return;
    const search = document.querySelector("input[type=search]");
    if (search) {
      event.preventDefault();
      search.focus();
    }
  });
})();
