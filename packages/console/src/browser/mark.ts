/** The mark of the product, water under a wheel, as the inside of an SVG of 24 by 24. */
export const markStrokes =
  '<g fill="none" stroke-width="2" stroke-linecap="round"><circle cx="12" cy="9" r="6"/><path d="M12 3v12M6 9h12M2 19c2.5 0 2.5 2 5 2s2.5-2 5-2 2.5 2 5 2 2.5-2 5-2"/></g>';

/** The same as an address. */
export const markUri = `data:image/svg+xml,${encodeURIComponent(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" stroke="#3a94ab">${markStrokes}</svg>`,
)}`;
