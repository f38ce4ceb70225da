// What the page does beyond what the server wrote: it brings itself up to date, counts time, and listens to keys.
// Without it everything still works.
"use strict";
(() => {
  const root = document.documentElement;
  const here = () => document.querySelector("[data-live]");
  const served = Date.parse(root.dataset.now);
  // The server's clock counts; this one may be wrong.
  const skew = Number.isNaN(served) ? 0 : served - Date.now();

  // Time

  const rough = (seconds) => {
    if (seconds >= 172800) return `${Math.floor(seconds / 86400)} d`;
    if (seconds >= 7200) return `${Math.floor(seconds / 3600)} h`;
    if (seconds >= 60) return `${Math.floor(seconds / 60)} min`;
    return `${Math.floor(seconds)} s`;
  };
  const ago = (at, plain) => {
    const apart = (Date.now() + skew - at) / 1000;
    if (Math.abs(apart) < 10) return apart >= 0 ? "just now" : "any moment";
    if (apart > 0) return plain ? rough(apart) : `${rough(apart)} ago`;
    return `in ${rough(-apart)}`;
  };
  const count = () => {
    for (const one of document.querySelectorAll("[data-at]")) {
      const at = Date.parse(one.dataset.at);
      if (Number.isNaN(at)) continue;
      const told = ago(at, "plain" in one.dataset);
      if (one.textContent !== told) one.textContent = told;
    }
  };
  setInterval(count, 5000);

  // What changed

  const announce = (text) => { document.getElementById("announce").textContent = text; };
  const state = (name, told) => {
    const live = document.getElementById("live");
    if (!live) return;
    live.dataset.state = name;
    live.querySelector(".told").textContent = told;
  };
  const needs = (number) => {
    const was = Number(root.dataset.needs);
    if (number === was) return;
    root.dataset.needs = number;
    document.title = document.title.replace(/^\(\d+\) /, "");
    if (number > 0) document.title = `(${number}) ${document.title}`;
    document.getElementById("favicon").href = `/badge/${Math.min(number, 999)}.svg`;
    if (number > was) announce(`${number} ${number === 1 ? "incident needs" : "incidents need"} a person`);
  };
  // A part of the page takes the new one's place; what somebody has opened, written or chosen in it stays.
  const swap = (old, fresh) => {
    if (old.outerHTML === fresh.outerHTML) return;
    const focus = old.contains(document.activeElement) ? document.activeElement : null;
    for (const one of old.querySelectorAll("details[id]")) {
      const other = fresh.querySelector(`#${CSS.escape(one.id)}`);
      if (other) other.open = one.open;
    }
    for (const one of old.querySelectorAll("input[id]")) {
      const other = fresh.querySelector(`#${CSS.escape(one.id)}`);
      if (other) other.value = one.value;
    }
    for (const one of fresh.querySelectorAll(".line[id]")) {
      const before = old.querySelector(`#${CSS.escape(one.id)}`);
      if (!before || before.className.replace(/ (changed|here)/g, "") !== one.className) one.classList.add("changed");
    }
    const address = focus && focus.getAttribute("href");
    old.replaceWith(fresh);
    if (!focus) return;
    const again = (focus.id && document.getElementById(focus.id))
      || (address && fresh.querySelector(`[href="${CSS.escape(address)}"]`));
    if (again) again.focus({ preventScroll: true });
  };
  let loading = false;
  let again = false;
  const load = async (wanted) => {
    if (loading) { again = true; return; }
    loading = true;
    try {
      const answer = await fetch(location.href, { headers: { "x-meshscope-live": "1" }, credentials: "same-origin" });
      if (answer.redirected && new URL(answer.url).pathname === "/sign-in") { left(); return; }
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const old of document.querySelectorAll("[data-swap]")) {
        if (wanted && !wanted(old)) continue;
        const fresh = page.getElementById(old.id);
        if (fresh && !busy(old)) swap(old, document.adoptNode(fresh));
      }
      root.dataset.newest = page.documentElement.dataset.newest;
      count();
    } catch {
      state("lost", "no connection");
    } finally {
      loading = false;
      if (again) { again = false; setTimeout(load, 250); }
    }
  };
  // Somebody reads or marks text there, or has sent a form of it: it stays as it is.
  const busy = (part) => {
    const marked = getSelection();
    if (marked && !marked.isCollapsed && part.contains(marked.anchorNode)) return true;
    return part.querySelector("button:disabled") !== null;
  };
  const left = () => { source?.close(); state("lost", "signed out: load again"); };

  // Nobody is told twice within a moment, and not at all while nobody looks.
  let due = null;
  let missed = false;
  const soon = () => {
    if (document.hidden) { missed = true; return; }
    if (due === null) due = setTimeout(() => { due = null; load(); }, 150);
  };
  const concerns = (subjects) => {
    const wanted = (here()?.dataset.live || "").split(" ").filter(Boolean);
    return subjects.some((one) => one === "*" || one.startsWith("stop:")
      || wanted.some((prefix) => prefix === "*" || one.startsWith(prefix)));
  };
  let source = null;
  const listen = () => {
    if (!here() && !document.getElementById("live")) return;
    source = new EventSource("/live");
    const told = (event) => {
      const news = JSON.parse(event.data);
      const changes = news.needs !== Number(root.dataset.needs);
      needs(news.needs);
      return { news, changes };
    };
    source.addEventListener("hello", (event) => {
      state("on", "live");
      const { news } = told(event);
      if (news.number !== Number(root.dataset.newest)) soon();
    });
    source.addEventListener("change", (event) => {
      state("on", "live");
      const { news, changes } = told(event);
      if (changes || concerns(news.subjects)) soon();
    });
    source.addEventListener("trouble", (event) => { state("lost", "the ledger can't be read"); told(event); });
    source.addEventListener("bye", left);
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) state("lost", "not live: load again");
      else state("lost", "connecting…");
    };
  };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && missed) { missed = false; load(); }
  });
  for (const one of document.querySelectorAll("[data-every]")) {
    setInterval(() => { if (!document.hidden) load((part) => part.id === one.id); }, 1000 * Number(one.dataset.every));
  }

  // Forms are sent once

  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-once]")) return;
    if (event.target.dataset.sent) { event.preventDefault(); return; }
    event.target.dataset.sent = "1";
    // Not before it is sent: a button that is off would not be.
    setTimeout(() => { for (const one of event.target.querySelectorAll("button")) one.disabled = true; }, 0);
  });
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    for (const form of document.querySelectorAll("[data-sent]")) {
      delete form.dataset.sent;
      for (const one of form.querySelectorAll("button")) one.disabled = false;
    }
    load();
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches(".filters select")) event.target.form.requestSubmit();
  });
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll(".who[open]")) if (!menu.contains(event.target)) menu.open = false;
  });

  // Keys

  const help = document.getElementById("help");
  const keysOn = document.getElementById("keys-on");
  const kept = {
    get on() { try { return localStorage.getItem("keys") !== "off"; } catch { return true; } },
    set on(value) { try { localStorage.setItem("keys", value ? "on" : "off"); } catch { /* kept for this page only */ } },
  };
  if (keysOn) {
    keysOn.checked = kept.on;
    keysOn.addEventListener("change", () => { kept.on = keysOn.checked; });
  }
  for (const button of document.querySelectorAll("[data-help]")) {
    button.hidden = false;
    button.addEventListener("click", () => help.showModal());
  }
  const rows = () => [...document.querySelectorAll("[data-row]")];
  const move = (step) => {
    const all = rows();
    if (!all.length) return;
    const at = all.indexOf(document.activeElement);
    const next = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + step))];
    next.focus();
    next.closest(".line, tr")?.scrollIntoView({ block: "nearest" });
  };
  let going = 0;
  const pressed = {
    j: () => move(1),
    k: () => move(-1),
    "/": () => { const field = document.getElementById("search"); field?.focus(); field?.select(); },
    "?": () => { if (help.open) help.close(); else help.showModal(); },
    u: () => { document.querySelector("[data-up]")?.click(); },
    g: () => { going = Date.now(); },
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const field = event.target.closest("input, select, textarea");
    if (event.key === "Escape") {
      if (field) field.blur();
      for (const menu of document.querySelectorAll(".who[open]")) menu.open = false;
      return;
    }
    if (field || (keysOn ? !keysOn.checked : false)) return;
    if (Date.now() - going < 1500) {
      going = 0;
      const link = document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
      if (link) { event.preventDefault(); link.click(); return; }
    }
    const does = pressed[event.key];
    if (!does || (help.open && event.key !== "?")) return;
    event.preventDefault();
    does();
  });

  listen();
})();
