/** Imported before everything else, so that a key is in the address for as short as can be. */
import { takeKeyFromAddress } from './address.ts';

takeKeyFromAddress();
