"use strict";
const live = document.getElementById("live");
const said = document.getElementById("said");
const line = document.getElementById("line");
let source;

function show(event) {
  live.innerHTML = event.data;
  const status = live.querySelector("[data-status]").dataset.status;
  if (said.textContent !== status) said.textContent = status;
}

// A hidden tab lets go of its connection: browsers allow only six to one server.
function follow() {
  source?.close();
  if (document.hidden) return;
  source = new EventSource(live.dataset.events);
  source.addEventListener("order", show);
  source.addEventListener("clock", (event) => {
    document.getElementById("clock").textContent = event.data;
  });
  source.onopen = () => { line.textContent = "Live: changes appear by themselves."; };
  source.onerror = () => { line.textContent = "The shop does not answer; trying again."; };
}

document.addEventListener("visibilitychange", follow);
follow();
