"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const place = `judge ${data.page}`;
  const element = (id) => document.getElementById(id);
  const buttons = { first: element("first"), second: element("second"), "cannot tell": element("neither") };
  let state = remembered() ?? fresh();
  let index = firstOpen();

  function fresh() {
    const bytes = crypto.getRandomValues(new Uint8Array(8));
    return { sitting: Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(""), choices: {} };
  }

  // A page that is closed by mistake goes on where it was; where the browser stores nothing, it begins anew.
  function remembered() {
    try {
      const found = JSON.parse(localStorage.getItem(place));
      return found && found.sitting && found.choices ? found : null;
    } catch {
      return null;
    }
  }

  function remember() {
    try {
      localStorage.setItem(place, JSON.stringify(state));
    } catch {
      // The answers are still in the page.
    }
  }

  function firstOpen() {
    const open = data.pairs.findIndex(({ pair }) => !(pair in state.choices));
    return open < 0 ? data.pairs.length : open;
  }

  function show() {
    const isOver = index === data.pairs.length;
    element("question").hidden = isOver;
    element("end").hidden = !isOver;
    element("save").disabled = Object.keys(state.choices).length === 0;
    if (isOver) {
      element("save-all").focus();
      return;
    }
    const { pair, side, context, source, first, second } = data.pairs[index];
    const pictures = element("pictures");
    const sizes = { side, context, abreast: 2 * side + context, stacked: Math.max(2 * side, context) };
    const zoom = Math.max(1, Math.floor(256 / side));
    for (const [name, value] of Object.entries({ ...sizes, zoom })) pictures.style.setProperty(`--${name}`, value);
    pictures.classList.toggle("enlarged", zoom > 1);
    element("source").src = data.pictures[source];
    buttons.first.firstElementChild.src = data.pictures[first];
    buttons.second.firstElementChild.src = data.pictures[second];
    for (const [choice, button] of Object.entries(buttons)) {
      button.setAttribute("aria-pressed", String(state.choices[pair] === choice));
    }
    element("progress").textContent = `Pair ${index + 1} of ${data.pairs.length}.`;
    element("back").disabled = index === 0;
  }

  function choose(choice) {
    state.choices[data.pairs[index].pair] = choice;
    remember();
    element("said").textContent = "";
    index += 1;
    show();
  }

  function back() {
    if (index === 0) return;
    index -= 1;
    show();
    if (document.activeElement === document.body || document.activeElement.disabled) buttons.first.focus();
  }

  function save() {
    const answered = data.pairs.filter(({ pair }) => pair in state.choices);
    const answers = answered.map(({ pair }) => ({ pair, choice: state.choices[pair] }));
    const content = { version: 1, page: data.page, sitting: state.sitting, answers };
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(content, null, 1)], { type: "application/json" }));
    link.download = `answers-${data.page}-${state.sitting}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    const of = `${answers.length} of ${data.pairs.length} answers`;
    element("said").textContent = `${of} went to the file ${link.download} among your downloads.`;
    element("anew").hidden = false;
  }

  function anew() {
    state = fresh();
    remember();
    index = 0;
    element("said").textContent = "";
    element("anew").hidden = true;
    show();
    buttons.first.focus();
  }

  for (const [choice, button] of Object.entries(buttons)) {
    // The second click of a double click would answer the next pair unseen.
    button.addEventListener("click", (event) => event.detail > 1 || choose(choice));
  }
  element("back").addEventListener("click", back);
  element("last").addEventListener("click", back);
  element("save").addEventListener("click", save);
  element("save-all").addEventListener("click", save);
  element("anew").addEventListener("click", anew);

  const keys = { ArrowLeft: "first", ArrowRight: "second", ArrowDown: "cannot tell" };
  document.addEventListener("keydown", (event) => {
    // A key that is held down would answer pairs unseen; Enter does so by the button that has the focus.
    if (event.repeat && event.key === "Enter") event.preventDefault();
    if (event.repeat || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    if (event.key === "Backspace") {
      event.preventDefault();
      back();
    } else if (event.key in keys && index < data.pairs.length) {
      event.preventDefault();
      choose(keys[event.key]);
    }
  });

  show();
})();
