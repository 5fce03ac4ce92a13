"use strict";
(() => {
  const rows = id => [...document.querySelectorAll(`#${id} > tbody > tr`)];
  const words = text => (text ? text.split(" ") : []);
  const people = rows("people").map(row => ({
    row, text: row.textContent.toLowerCase(), rights: words(row.dataset.rights).map(Number), button: row.querySelector(".follow"),
  }));
  const escalators = rows("escalators").map(row => ({
    row, text: row.textContent.toLowerCase(), effects: words(row.dataset.effects),
  }));
  const rights = rows("rights").map((row, place) => ({
    row, place, text: row.textContent.toLowerCase(), verbs: words(row.dataset.verbs), namespaces: words(row.dataset.namespaces), people: [],
  }));
  const pods = rows("pods").map(row => ({
    row, text: row.textContent.toLowerCase(), namespaces: words(row.dataset.namespaces), effects: words(row.dataset.effects),
  }));
  people.forEach(person => person.rights.forEach(place => rights[place].people.push(person)));
  const [form, search, namespace, verb, effect, shown] =
    ["filter", "search", "namespace", "verb", "effect", "shown"].map(id => document.getElementById(id));
  let followed = null;

  // Where the whole cluster is meant, nothing stands; a wildcard is EKS's: it stands for any letters.
  const fits = (pattern, name) =>
    pattern.includes("*") ? new RegExp(`^${pattern.split("*").map(part => part.replace(/[^\w-]/g, "\\$&")).join(".*")}$`).test(name)
      : pattern === name;
  const isIn = entry => !namespace.value || !entry.namespaces.length || entry.namespaces.some(one => fits(one, namespace.value));
  const hasVerb = right => !verb.value || right.verbs.includes(verb.value) || right.verbs.includes("*");
  const hasEffect = right => !effect.value || (effect.value === "everything" && right.row.classList.contains("everything"));

  const show = () => {
    const wanted = search.value.trim().toLowerCase();
    const named = new Set(people.filter(person => person.text.includes(wanted)));
    const isMeant = right => followed
      ? followed.rights.includes(right.place)
      : !wanted || right.text.includes(wanted) || right.people.some(person => named.has(person));
    const isFiltered = Boolean(namespace.value || verb.value || effect.value);
    const holders = new Set();
    let counts = [0, 0, 0, 0];
    for (const right of rights) {
      const isShown = isMeant(right) && isIn(right) && hasVerb(right) && hasEffect(right);
      right.row.hidden = !isShown;
      counts[1] += isShown;
      if (isShown) right.people.forEach(person => holders.add(person));
    }
    for (const person of people) {
      const isShown = followed ? person === followed : isFiltered ? holders.has(person) : named.has(person) || holders.has(person);
      person.row.hidden = !isShown;
      counts[0] += isShown;
      person.button?.setAttribute("aria-pressed", String(person === followed));
    }
    for (const pod of pods) {
      const isShown = !followed && !verb.value && pod.text.includes(wanted) && isIn(pod) && (!effect.value || pod.effects.includes(effect.value));
      pod.row.hidden = !isShown;
      counts[2] += isShown;
    }
    // They can do all of it, in every namespace.
    for (const escalator of escalators) {
      const isShown = !followed && escalator.text.includes(wanted) && (!effect.value || escalator.effects.includes(effect.value));
      escalator.row.hidden = !isShown;
      counts[3] += isShown;
    }
    shown.textContent = `${counts[0]} of ${people.length} principals, ${counts[1]} of ${rights.length} rights, ${counts[2]} of ${pods.length} roles of pods`
      + (escalators.length ? `, ${counts[3]} of ${escalators.length} who can become others` : "");
  };

  for (const person of people) {
    if (!person.button) continue;
    person.button.hidden = false;
    person.button.setAttribute("aria-label", `${person.button.textContent} rights: show these alone`);
    person.button.addEventListener("click", () => { followed = followed === person ? null : person; show(); });
  }
  form.addEventListener("input", () => { followed = null; show(); });
  form.addEventListener("reset", () => setTimeout(() => { followed = null; show(); }));
  form.addEventListener("submit", event => event.preventDefault());
  document.addEventListener("keydown", event => {
    if (event.key === "/" && !/^(INPUT|SELECT)$/.test(document.activeElement.tagName)) { event.preventDefault(); search.focus(); }
    if (event.key === "Escape") { form.reset(); followed = null; show(); }
  });
  form.hidden = false;
  show();
})();
