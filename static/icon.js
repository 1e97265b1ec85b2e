// The tab's icon: a dial while all is calm, a bell while it rings.
//
// Both are drawn here and carried in the address itself: a server that is gone cannot be asked for
// an icon. It knows no state beyond the one it is told.

const picture = (...content) => {
  const open = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">';
  return `data:image/svg+xml,${encodeURIComponent(`${open}${content.join('')}</svg>`)}`;
};

const CALM = picture(
  '<circle cx="16" cy="16" r="14" fill="#f4ecd8" stroke="#a97b25" stroke-width="4"/>',
  '<path d="M14 20L15 12L12 12L16 4L20 12L17 12L18 20Z" fill="#b3231b"/>',
  '<circle cx="16" cy="18" r="4" fill="#a97b25"/>',
);

const BELL = picture(
  '<circle cx="16" cy="16" r="16" fill="#b3231b"/>',
  '<path d="M7 22c3-2 3-5 3-9a6 6 0 0 1 12 0c0 4 0 7 3 9Z" fill="#fff3d0"/>',
  '<path d="M13 24a3 3 0 0 0 6 0Z" fill="#fff3d0"/>',
);

/** Shows the right icon in `link`, the page's `<link rel="icon">`. */
export function showIcon(link, rings) {
  const href = rings ? BELL : CALM;
  if (link.getAttribute('href') !== href) link.setAttribute('href', href);
}
