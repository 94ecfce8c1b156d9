/** Imported before everything else, so that a code or key is in the address for as short as can be. */
import { takeLink } from './address.ts';

/** The link that opened the page. */
export const openedBy = takeLink();
