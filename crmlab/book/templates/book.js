// Pages are whole without this: it folds, copies, and shortens the way of the Tab key.
const folds = [...document.querySelectorAll("details.code")];

function button(text, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", () => act(made));
  return made;
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {  // some browsers give pages from files no clipboard
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

for (const fold of folds) {
  const copy = button(say.copy, async (made) => {
    await copied(fold.querySelector("pre").innerText.replace(/\n$/, "") + "\n");
    made.textContent = say.copied;
    setTimeout(() => { made.textContent = say.copy; }, 1500);
  });
  copy.className = "copy";
  fold.querySelector(".source").before(copy);
}

const contents = document.querySelector(".toc details");
if (contents && folds.length) {
  const all = button(say.fold, (made) => {
    const open = folds.some((fold) => fold.open);
    folds.forEach((fold) => { fold.open = !open; });
    made.textContent = open ? say.unfold : say.fold;
  });
  all.className = "fold";
  contents.after(all);
}

const wide = window.matchMedia("(min-width: 64rem)");
function settle() {
  if (contents) contents.open = wide.matches;
  document.querySelectorAll("pre, .scroll, div.formula").forEach((part) => {  // only what scrolls needs the keyboard
    if (part.scrollWidth > part.clientWidth) part.tabIndex = 0;
    else part.removeAttribute("tabindex");
  });
}
wide.addEventListener("change", settle);
document.addEventListener("toggle", settle, true);
settle();
