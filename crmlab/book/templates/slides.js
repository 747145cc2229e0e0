// Keys and the address turn slides; without this one scrolls.
const deck = [...document.querySelectorAll(".slide")];
const forward = ["ArrowRight", "ArrowDown", "PageDown", " ", "Enter", "n"];
const back = ["ArrowLeft", "ArrowUp", "PageUp", "Backspace", "p"];

function at() {
  const middle = innerHeight / 2;
  return Math.max(0, deck.findIndex((slide) => slide.getBoundingClientRect().bottom > middle));
}

function go(to) {
  const slide = deck[Math.min(Math.max(to, 0), deck.length - 1)];
  slide.scrollIntoView({behavior: "instant"});
  slide.focus({preventScroll: true});
  history.replaceState(null, "", `#${deck.indexOf(slide) + 1}`);
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("a")) return;
  const step = forward.includes(event.key) ? (event.shiftKey && event.key === " " ? -1 : 1)
    : back.includes(event.key) ? -1 : 0;
  if (step) go(at() + step);
  else if (event.key === "Home") go(0);
  else if (event.key === "End") go(deck.length - 1);
  else return;
  event.preventDefault();
});
if (/^#\d+$/.test(location.hash)) go(Number(location.hash.slice(1)) - 1);
