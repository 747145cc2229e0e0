// The ledger: claims are found by words, filtered by state and lesson, and ordered by a number.
const list = document.getElementById("claims");
const entries = [...list.children];
const control = (name) => document.getElementById(`sieve-${name}`);

function matches(entry, wanted) {
  const text = entry.textContent.toLowerCase();
  return wanted.every((word) => text.includes(word))
    && [["state", entry.dataset.state], ["lesson", entry.dataset.lesson]]
      .every(([name, value]) => !control(name).value || control(name).value === value);
}

function sift() {
  const wanted = control("text").value.toLowerCase().split(/\s+/).filter(Boolean);
  const by = control("order").value.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
  const value = (entry) => Number(entry.dataset[by] ?? -1);
  const order = by ? [...entries].sort((one, other) => value(other) - value(one)) : entries;
  list.append(...order);
  let number = 0;
  for (const entry of entries) {
    entry.hidden = !matches(entry, wanted);
    number += !entry.hidden;
  }
  document.getElementById("sieve-count").textContent =
    phrase.replace("{number}", number).replace("{all}", entries.length);
}

for (const name of ["text", "state", "lesson", "order"]) control(name).addEventListener("input", sift);
document.querySelector(".sieve").addEventListener("submit", (event) => event.preventDefault());
sift();
