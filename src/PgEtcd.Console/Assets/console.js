// The console works without this script. It adds the slider, unfolding in place, the keyboard, and the live tail.
"use strict";

const one = (selector, from = document) => from.querySelector(selector);
const all = (selector, from = document) => [...from.querySelectorAll(selector)];

// Time travel.
function followSlider() {
  const slider = one("#moment-slider");
  if (!slider) {
    return;
  }
  const text = one("#moment-text");
  slider.addEventListener("input", () => {
    text.value = slider.value;
  });
  slider.addEventListener("change", () => {
    if (slider.value === slider.max) {
      text.removeAttribute("name"); // an address without a moment is the present
    }
    slider.form.submit();
  });
  slider.form.addEventListener("submit", () => {
    if (text.value.trim() === "") {
      text.removeAttribute("name");
    }
  });
}

// Times and countdowns.
function duration(seconds) {
  const units = [[86400, "d", 3600, "h"], [3600, "h", 60, "min"]];
  for (const [size, name, rest, restName] of units) {
    if (seconds >= size) {
      return `${Math.floor(seconds / size)} ${name} ${Math.floor((seconds % size) / rest)} ${restName}`;
    }
  }
  return seconds >= 60 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds)} s`;
}

function tellTimes() {
  const now = Date.now();
  for (const time of all("time")) {
    const ago = (now - Date.parse(time.dateTime)) / 1000;
    const first = time.firstChild;
    if (first) {
      const rest = first.data.indexOf(" · ");
      const text = (ago < 5 ? "just now" : `${duration(ago)} ago`) + (rest < 0 ? "" : first.data.slice(rest));
      if (text !== first.data) {
        first.data = text;
      }
    }
  }
  for (const place of all("[data-until]")) {
    const left = (Date.parse(place.dataset.until) - now) / 1000;
    place.textContent = left <= 0 ? "expired" : left < 3600 ? `${Math.floor(left / 60)}:${String(Math.floor(left % 60)).padStart(2, "0")}` : duration(left);
  }
}

// The tree.
const rows = () => all("#keys tbody tr").filter(row => !row.hidden);

function depthOf(row) {
  return Number(/\bd(\d+)\b/.exec(row.className)?.[1] ?? 0);
}

function below(row) {
  const found = [];
  for (let next = row.nextElementSibling; next && depthOf(next) > depthOf(row); next = next.nextElementSibling) {
    found.push(next);
  }
  return found;
}

async function unfold(row) {
  const button = one(".fold", row);
  if (!button || button.getAttribute("aria-expanded") === "true") {
    return;
  }
  button.setAttribute("aria-expanded", "true");
  button.setAttribute("aria-label", "Fold");
  const base = one("#keys").dataset.base;
  const address = `${base}${base.includes("?") ? "&" : "?"}prefix=${encodeURIComponent(row.dataset.prefix)}&depth=${depthOf(row) + 1}`;
  row.setAttribute("aria-busy", "true");
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  row.removeAttribute("aria-busy");
  if (answer.status === 401) {
    location.reload();
    return;
  }
  if (answer.ok && button.getAttribute("aria-expanded") === "true") {
    row.insertAdjacentHTML("afterend", await answer.text());
    tellTimes();
  } else if (!answer.ok) {
    location.href = one("th a", row).href; // that page shows the reason
  }
}

function fold(row) {
  const button = one(".fold", row);
  if (button?.getAttribute("aria-expanded") !== "true") {
    return false;
  }
  button.setAttribute("aria-expanded", "false");
  button.setAttribute("aria-label", "Unfold");
  below(row).forEach(inner => inner.remove());
  return true;
}

function walkTree(event) {
  const row = document.activeElement?.closest?.("#keys tbody tr");
  if (!row || event.altKey || event.ctrlKey || event.metaKey) {
    return;
  }
  const focus = other => one("th a, td a", other)?.focus();
  const list = rows();
  const at = list.indexOf(row);
  switch (event.key) {
    case "ArrowDown":
      focus(list[Math.min(at + 1, list.length - 1)]);
      break;
    case "ArrowUp":
      focus(list[Math.max(at - 1, 0)]);
      break;
    case "ArrowRight":
      if (row.dataset.prefix === undefined) {
        return;
      }
      unfold(row);
      break;
    case "ArrowLeft":
      if (!fold(row)) {
        const parent = list.slice(0, at).reverse().find(other => depthOf(other) < depthOf(row));
        if (parent) {
          focus(parent);
        }
      }
      break;
    default:
      return;
  }
  event.preventDefault();
}

function useKeyboard() {
  document.addEventListener("keydown", event => {
    const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? "");
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey) {
      one("#search")?.focus();
      one("#search")?.select();
      event.preventDefault();
    } else if ((event.key === "j" || event.key === "ArrowDown") && document.activeElement === document.body && rows().length > 0) {
      one("th a", rows()[0])?.focus();
      event.preventDefault();
    } else if (event.key === "Escape" && document.activeElement === one("#search")) {
      document.activeElement.blur();
    } else {
      walkTree(event);
    }
  });
  one("#keys")?.addEventListener("click", event => {
    const button = event.target.closest(".fold");
    if (button) {
      const row = button.closest("tr");
      if (!fold(row)) {
        unfold(row);
      }
    }
  });
}

// Copying.
async function copy(button, text) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Not allowed";
  }
  setTimeout(() => {
    button.textContent = before;
  }, 1500);
}

function offerCopies() {
  document.addEventListener("click", event => {
    const button = event.target.closest("[data-copy], [data-copy-from]");
    if (button) {
      copy(button, button.dataset.copy ?? one(button.dataset.copyFrom).innerText);
    }
  });
}

// The live tail.
function followChanges() {
  const button = one("#tail");
  if (!button) {
    return;
  }
  const most = 500;
  const state = one("#tail-state");
  const body = one("#changes");
  let source = null;
  let last = null;
  const say = text => {
    state.textContent = text;
  };
  const stop = text => {
    source?.close();
    source = null;
    button.setAttribute("aria-pressed", "false");
    button.textContent = last === null ? "Follow live" : "Resume";
    say(text);
  };
  button.addEventListener("click", () => {
    if (source) {
      stop("paused");
      return;
    }
    // After a pause the stream resumes where it stopped.
    const address = button.dataset.tail + (last === null ? "" : `${button.dataset.tail.includes("?") ? "&" : "?"}after=${last}`);
    source = new EventSource(address);
    button.setAttribute("aria-pressed", "true");
    button.textContent = "Pause";
    say("connecting");
    source.addEventListener("ready", event => {
      last = event.lastEventId;
      say("live");
    });
    source.addEventListener("message", event => {
      last = event.lastEventId;
      one("#no-changes")?.remove();
      const before = body.rows.length;
      body.insertAdjacentHTML("afterbegin", event.data);
      all("tr", body).slice(0, body.rows.length - before).forEach(row => row.classList.add("fresh"));
      while (body.rows.length > most) {
        body.rows[body.rows.length - 1].remove();
      }
      tellTimes();
    });
    source.addEventListener("expired", () => {
      stop("Your login has expired.");
      location.reload();
    });
    source.addEventListener("error", () => say("connection lost, reconnecting"));
  });
}

followSlider();
useKeyboard();
offerCopies();
followChanges();
tellTimes();
setInterval(tellTimes, 1000);
